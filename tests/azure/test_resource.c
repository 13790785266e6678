/* Reading from Resource Manager: what is sent, what is tried again, and what an error names. */
#include "azure/resource.h"

#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TENANT "contoso.example"
#define SCOPE                                                                                      \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"

struct fixture {
    struct server *server;
    struct http_client *http;
    struct azure_credential *credential;
    struct azure_resources resources;
    json_t *out;
    struct error err;
};

static void sign_in(struct fixture *f, const char *token)
{
    struct buf body = BUF_INIT(1000);
    buf_printf(&body, "{\"expires_in\":3599,\"access_token\":\"%s\"}", token);
    server_answer(f->server, &(struct server_answer){.match = "/oauth2/", .body = buf_str(&body)});
    buf_release(&body);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(setenv("WEIR_TEST_SECRET", "s3cr3t", 1), 0);
    f->server = server_new(NULL);
    f->http = http_new(&(struct http_options){0}, &f->err);
    struct azure_credential_options options = {.tenant = TENANT,
                                               .client_id = "11111111-2222-4333-8444-555555555555",
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .authority = server_url(f->server, "/")};
    f->credential = azure_credential_new(f->http, &options, &f->err);
    assert_non_null(f->credential);
    f->resources = (struct azure_resources){.http = f->http,
                                            .credential = f->credential,
                                            .endpoint = server_url(f->server, "/"),
                                            .audience = "https://management.azure.com"};
    sign_in(f, "eyJ.one");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    json_decref(f->out);
    azure_credential_free(f->credential);
    http_free(f->http);
    server_free(f->server);
    free(f);
    return 0;
}

static void answer(struct fixture *f, int status, const char *body)
{
    server_answer(f->server, &(struct server_answer){
                                 .match = "GET /sub", .status = status, .body = str_of(body)});
}

static bool get(struct fixture *f, const char *path)
{
    error_clear(&f->err);
    return azure_resource_get(&f->resources, path, "2022-10-01", &f->out, &f->err);
}

static void a_resource_is_asked_for_with_a_token_of_its_audience(void **state)
{
    struct fixture *f = *state;
    answer(f, 200, "{\"properties\":{\"plan\":\"Basic\"}}");
    assert_true(get(f, SCOPE "/tables/T?x=1"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(f->out, "properties"), "plan")), "Basic");
    const struct server_request *sign = server_request(f->server, 0);
    assert_non_null(strstr(sign->body.p, "scope=https%3A%2F%2Fmanagement.azure.com%2F.default"));
    const struct server_request *r = server_request(f->server, 1);
    assert_string_equal(r->method, "GET");
    assert_string_equal(r->path, SCOPE "/tables/T?x=1&api-version=2022-10-01");
    assert_true(str_eq(server_header(r, "Authorization"), STR("Bearer eyJ.one")));
    assert_true(server_all_used(f->server));
}

static void a_refused_token_is_renewed_once(void **state)
{
    struct fixture *f = *state;
    sign_in(f, "eyJ.two");
    answer(f, 401, "{\"error\":{\"code\":\"ExpiredAuthenticationToken\",\"message\":\"old\"}}");
    answer(f, 200, "{}");
    assert_true(get(f, SCOPE));
    assert_true(str_eq(server_header(server_request(f->server, 3), "Authorization"),
                       STR("Bearer eyJ.two")));
    json_decref(f->out);
    sign_in(f, "eyJ.three");
    answer(f, 401, "");
    answer(f, 401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}");
    assert_false(get(f, SCOPE));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "https://management.azure.com"));
    assert_null(strstr(f->err.message, "eyJ"));
    assert_null(f->out);
    assert_true(server_all_used(f->server));
}

static void a_missing_role_is_named_with_its_scope(void **state)
{
    struct fixture *f = *state;
    answer(f, 403,
           "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"The client does not have "
           "authorization to perform action 'x/read'\"}}");
    assert_false(get(f, SCOPE "/providers/Microsoft.Authorization/roleAssignments?$filter=a"));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.message, "status 403, AuthorizationFailed"));
    assert_non_null(strstr(f->err.message, "perform action 'x/read'"));
    assert_non_null(strstr(f->err.hint, "'Log Analytics Reader') on " SCOPE " is needed"));
}

static void each_kind_of_trouble_has_its_code(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } cases[] = {
        {404, "{\"error\":{\"code\":\"ResourceNotFound\"}}", ERROR_NOT_FOUND},
        {400, "nonsense", ERROR_SERVICE},
        {302, "", ERROR_SERVICE},
        {200, "", ERROR_FORMAT},
        {200, "[1]", ERROR_FORMAT},
        {200, "{\"a\":", ERROR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer(f, cases[i].status, cases[i].body);
        assert_false(get(f, SCOPE));
        assert_int_equal(f->err.code, cases[i].code);
        assert_null(f->out);
    }
}

static void trouble_that_passes_is_waited_out(void **state)
{
    struct fixture *f = *state;
    server_answer(f->server, &(struct server_answer){.match = "GET /sub",
                                                     .status = 429,
                                                     .headers = "Retry-After: 0\r\n"});
    answer(f, 200, "{}");
    assert_true(get(f, SCOPE));
    assert_true(server_all_used(f->server));
}

static void a_token_travels_over_tls_or_to_this_machine_only(void **state)
{
    struct fixture *f = *state;
    f->resources.endpoint = "http://192.0.2.1";
    assert_false(get(f, SCOPE));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
}

static void a_path_that_would_become_another_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",     "subscriptions", "/a b", "/a\r\nHost: x",
                                      "/a#b", "/\xC3\xA4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(get(f, bad[i]));
        assert_int_equal(f->err.code, ERROR_SETTINGS);
    }
    assert_int_equal(server_requests(f->server), 0);
}

static void a_list_goes_on_at_the_same_place_only(void **state)
{
    struct fixture *f = *state;
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    f->resources.endpoint = "https://Management.azure.com/";
    json_t *page = json_pack("{s:s}", "nextLink", "https://management.azure.com/sub?$skipToken=1");
    assert_true(azure_resource_next(&f->resources, page, &path, &f->err));
    assert_string_equal(buf_text(&path), "/sub?$skipToken=1");
    static const char *const away[] = {"https://management.azure.com.evil.example/sub",
                                       "https://evil.example/sub", "/sub", "h"};
    for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
        error_clear(&f->err);
        (void) json_object_set_new(page, "nextLink", json_string(away[i]));
        assert_false(azure_resource_next(&f->resources, page, &path, &f->err));
        assert_int_equal(f->err.code, ERROR_FORMAT);
    }
    error_clear(&f->err);
    (void) json_object_set_new(page, "nextLink", json_null());
    assert_false(azure_resource_next(&f->resources, page, &path, &f->err));
    assert_int_equal(f->err.code, ERROR_NONE);
    json_decref(page);
    buf_release(&path);
}

static void every_cloud_has_its_resource_manager(void **state)
{
    (void) state;
    assert_string_equal(azure_cloud_find("public")->arm_endpoint, "https://management.azure.com");
    assert_string_equal(azure_cloud_find("usgovernment")->arm_endpoint,
                        "https://management.usgovcloudapi.net");
    assert_string_equal(azure_cloud_find("china")->arm_endpoint,
                        "https://management.chinacloudapi.cn");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_resource_is_asked_for_with_a_token_of_its_audience),
        TEST(a_refused_token_is_renewed_once),
        TEST(a_missing_role_is_named_with_its_scope),
        TEST(each_kind_of_trouble_has_its_code),
        TEST(trouble_that_passes_is_waited_out),
        TEST(a_token_travels_over_tls_or_to_this_machine_only),
        TEST(a_path_that_would_become_another_is_refused),
        TEST(a_list_goes_on_at_the_same_place_only),
        cmocka_unit_test(every_cloud_has_its_resource_manager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
