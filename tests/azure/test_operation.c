/* Changing resources: what is put, how its end is told, and what a refusal names. */
#include "azure/resource.h"

#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SCOPE                                                                                      \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
#define TABLE SCOPE "/tables/T_SRCH"
#define VERSION "2022-10-01"

struct fixture {
    struct server *server;
    struct http_client *http;
    struct azure_credential *credential;
    struct azure_resources resources;
    struct azure_operation operation;
    json_t *body, *out;
    char header[512];
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(setenv("WEIR_TEST_SECRET", "s3cr3t", 1), 0);
    f->server = server_new(NULL);
    f->http = http_new(&(struct http_options){0}, &f->err);
    struct azure_credential_options options = {.tenant = "contoso.example",
                                               .client_id = "11111111-2222-4333-8444-555555555555",
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .authority = server_url(f->server, "/")};
    f->credential = azure_credential_new(f->http, &options, &f->err);
    f->resources = (struct azure_resources){.http = f->http,
                                            .credential = f->credential,
                                            .endpoint = server_url(f->server, "/"),
                                            .audience = "https://management.azure.com"};
    f->body = json_pack("{s:{s:s}}", "properties", "plan", "Basic");
    assert_true(f->credential && f->body);
    server_answer(
        f->server,
        &(struct server_answer){.match = "/oauth2/",
                                .body = STR("{\"expires_in\":3599,\"access_token\":\"eyJ.one\"}")});
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    azure_operation_release(&f->operation);
    json_decref(f->body);
    json_decref(f->out);
    azure_credential_free(f->credential);
    http_free(f->http);
    server_free(f->server);
    free(f);
    return 0;
}

/* `header`: "Location: " and such, followed by a path of the server; NULL: none. */
static void answer(struct fixture *f, const char *match, int status, const char *header,
                   const char *path, const char *body)
{
    (void) snprintf(f->header, sizeof f->header, "%s%s%sRetry-After: 0\r\n", header ? header : "",
                    header ? server_url(f->server, path) : "", header ? "\r\n" : "");
    server_answer(f->server, &(struct server_answer){.match = match,
                                                     .status = status,
                                                     .headers = f->header,
                                                     .body = str_of(body)});
}

static bool put(struct fixture *f)
{
    azure_operation_release(&f->operation);
    json_decref(f->out);
    error_clear(&f->err);
    return azure_resource_put(&f->resources, TABLE, VERSION, f->body, &f->operation, &f->out,
                              &f->err);
}

static bool drop(struct fixture *f)
{
    azure_operation_release(&f->operation);
    error_clear(&f->err);
    return azure_resource_delete(&f->resources, TABLE, VERSION, &f->operation, &f->err);
}

static bool poll(struct fixture *f, bool *ended)
{
    error_clear(&f->err);
    return azure_operation_poll(&f->resources, &f->operation, ended, &f->err);
}

/* Polls that must say: goes on, then ended. */
static void assert_two_looks(struct fixture *f)
{
    bool ended = true;
    assert_true(poll(f, &ended));
    assert_false(ended);
    assert_true(f->operation.retry_after == 0);
    assert_true(poll(f, &ended));
    assert_true(ended);
    assert_true(server_all_used(f->server));
}

static void what_is_put_arrives_and_is_answered(void **state)
{
    struct fixture *f = *state;
    bool ended = false;
    answer(f, "PUT /sub", 200, NULL, NULL, "{\"name\":\"T_SRCH\",\"properties\":{}}");
    assert_true(put(f));
    const struct server_request *r = server_request(f->server, 1);
    assert_string_equal(r->path, TABLE "?api-version=" VERSION);
    assert_true(str_eq(r->body, STR("{\"properties\":{\"plan\":\"Basic\"}}")));
    assert_true(str_eq(server_header(r, "Content-Type"), STR("application/json")));
    assert_true(str_eq(server_header(r, "Authorization"), STR("Bearer eyJ.one")));
    assert_string_equal(json_string_value(json_object_get(f->out, "name")), "T_SRCH");
    assert_int_equal(f->operation.by, AZURE_OPERATION_DONE);
    assert_true(poll(f, &ended) && ended); /* asks nobody */
    assert_true(server_all_used(f->server));
}

static void an_operation_is_watched_at_the_address_that_tells_its_state(void **state)
{
    struct fixture *f = *state;
    answer(f, "PUT /sub", 202, "Azure-AsyncOperation: ", "/operations/1?api-version=x", "");
    answer(f, "GET /operations/1?api-version=x", 200, NULL, NULL, "{\"status\":\"InProgress\"}");
    answer(f, "GET /operations/1?api-version=x", 200, NULL, NULL, "{\"status\":\"Succeeded\"}");
    assert_true(put(f));
    assert_null(f->out);
    assert_two_looks(f);
}

static void else_at_the_location_while_it_answers_202(void **state)
{
    struct fixture *f = *state;
    answer(f, "PUT /sub", 202, "Location: ", "/results/1", "");
    answer(f, "GET /results/1", 202, NULL, NULL, "");
    answer(f, "GET /results/1", 204, NULL, NULL, "");
    assert_true(put(f));
    assert_two_looks(f);
}

static void else_at_the_resource_itself(void **state)
{
    struct fixture *f = *state;
    answer(f, "PUT /sub", 200, NULL, NULL, "{\"properties\":{\"provisioningState\":\"Updating\"}}");
    answer(f, "GET " TABLE, 200, NULL, NULL,
           "{\"properties\":{\"provisioningState\":\"InProgress\"}}");
    answer(f, "GET " TABLE, 200, NULL, NULL,
           "{\"properties\":{\"provisioningState\":\"Succeeded\"}}");
    assert_true(put(f));
    assert_two_looks(f);
}

static void an_operation_that_fails_is_told_with_the_services_words(void **state)
{
    struct fixture *f = *state;
    bool ended;
    answer(f, "PUT /sub", 201, "Azure-AsyncOperation: ", "/operations/1", "{}");
    answer(f, "GET /operations/1", 200, NULL, NULL,
           "{\"status\":\"Failed\",\"error\":{\"code\":\"QuotaExceeded\",\"message\":\"ten at "
           "once\"}}");
    assert_true(put(f));
    assert_false(poll(f, &ended));
    assert_true(ended);
    assert_int_equal(f->err.code, ERROR_SERVICE);
    assert_non_null(strstr(f->err.message, "Failed, QuotaExceeded: ten at once"));
    answer(f, "PUT /sub", 201, "Azure-AsyncOperation: ", "/operations/2", "{}");
    answer(f, "GET /operations/2", 200, NULL, NULL, "{\"status\":\"Canceled\"}");
    assert_true(put(f));
    assert_false(poll(f, &ended));
    assert_non_null(strstr(f->err.message, "Canceled"));
}

static void what_is_deleted_is_gone_when_it_is_not_found(void **state)
{
    struct fixture *f = *state;
    answer(f, "DELETE /sub", 202, NULL, NULL, "");
    answer(f, "GET " TABLE, 200, NULL, NULL,
           "{\"properties\":{\"provisioningState\":\"Succeeded\"}}");
    answer(f, "GET " TABLE, 404, NULL, NULL, "{\"error\":{\"code\":\"ResourceNotFound\"}}");
    assert_true(drop(f));
    assert_two_looks(f);
    static const int done[] = {200, 204, 404};
    for (size_t i = 0; i < sizeof done / sizeof done[0]; i++) {
        answer(f, "DELETE /sub", done[i], NULL, NULL, "");
        assert_true(drop(f));
        assert_int_equal(f->operation.by, AZURE_OPERATION_DONE);
    }
}

static void a_token_does_not_follow_to_another_place(void **state)
{
    struct fixture *f = *state;
    static const char *const away[] = {
        "Azure-AsyncOperation: https://evil.example/operations/1\r\n",
        "Location: https://evil.example/results/1\r\n", "Location: /results/1\r\n"};
    for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
        server_answer(f->server, &(struct server_answer){
                                     .match = "PUT /sub", .status = 202, .headers = away[i]});
        assert_false(put(f));
        assert_int_equal(f->err.code, ERROR_FORMAT);
        assert_null(f->operation.path);
    }
}

static void a_refused_change_names_the_role_for_writing(void **state)
{
    struct fixture *f = *state;
    answer(f, "PUT /sub", 403, NULL, NULL, "{\"error\":{\"code\":\"AuthorizationFailed\"}}");
    assert_false(put(f));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_non_null(strstr(f->err.hint, "'Log Analytics Contributor'"));
    answer(f, "PUT /sub", 409, NULL, NULL,
           "{\"error\":{\"code\":\"Conflict\",\"message\":\"busy\"}}");
    assert_false(put(f));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_non_null(strstr(f->err.message, "Conflict): busy"));
    answer(f, "DELETE /sub", 400, NULL, NULL, "nonsense");
    assert_false(drop(f));
    assert_int_equal(f->err.code, ERROR_SERVICE);
    answer(f, "PUT /sub", 200, NULL, NULL, "[]");
    assert_false(put(f));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_null(f->out);
}

static void trouble_that_passes_is_tried_again(void **state)
{
    struct fixture *f = *state;
    answer(f, "PUT /sub", 429, NULL, NULL, "");
    answer(f, "PUT /sub", 503, NULL, NULL, "");
    answer(f, "PUT /sub", 201, NULL, NULL, "{}");
    assert_true(put(f));
    assert_true(server_all_used(f->server));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_arrives_and_is_answered),
        TEST(an_operation_is_watched_at_the_address_that_tells_its_state),
        TEST(else_at_the_location_while_it_answers_202),
        TEST(else_at_the_resource_itself),
        TEST(an_operation_that_fails_is_told_with_the_services_words),
        TEST(what_is_deleted_is_gone_when_it_is_not_found),
        TEST(a_token_does_not_follow_to_another_place),
        TEST(a_refused_change_names_the_role_for_writing),
        TEST(trouble_that_passes_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
