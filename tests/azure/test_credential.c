/* Signing in against a scripted authority: what is sent, kept, renewed, and said when it fails. */
#include "azure/credential.h"

#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TENANT "contoso.example"
#define CLIENT "11111111-2222-4333-8444-555555555555"
#define VALUE "p&ss=w/rd+~hunter2"
#define ENCODED "p%26ss%3Dw%2Frd%2B~hunter2"
#define AUDIENCE "https://api.loganalytics.io"

struct fixture {
    struct server *server;
    struct http_client *http;
    struct azure_credential *credential;
    struct buf header;
    struct error err;
};

static void clear_environment(void)
{
    static const char *const names[] = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
                                        "AZURE_AUTHORITY_HOST"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(unsetenv(names[i]), 0);
    /* No Azure CLI, and no machine in Azure. */
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
    assert_int_equal(setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9", 1), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    clear_environment();
    assert_int_equal(setenv("WEIR_TEST_SECRET", VALUE, 1), 0);
    f->server = server_new(NULL);
    f->http = http_new(&(struct http_options){0}, &f->err);
    assert_non_null(f->http);
    buf_init(&f->header, AZURE_HEADER_MAX);
    struct azure_credential_options options = {.tenant = TENANT,
                                               .client_id = CLIENT,
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .authority = server_url(f->server, "/")};
    f->credential = azure_credential_new(f->http, &options, &f->err);
    assert_non_null(f->credential);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    azure_credential_free(f->credential);
    http_free(f->http);
    server_free(f->server);
    buf_release(&f->header);
    free(f);
    return 0;
}

static void answer(struct fixture *f, int status, const char *body)
{
    server_answer(f->server, &(struct server_answer){.status = status, .body = str_of(body)});
}

static bool ask(struct fixture *f)
{
    error_clear(&f->err);
    return azure_credential_header(f->credential, AUDIENCE, &f->header, &f->err);
}

static void assert_silent_about_the_secret(const struct error *err)
{
    static const char *const parts[] = {"hunter2", VALUE, ENCODED};
    for (size_t i = 0; i < 3; i++) {
        assert_null(strstr(err->message, parts[i]));
        assert_null(strstr(err->hint, parts[i]));
    }
}

/* Tokens ------------------------------------------------------------------------------------------ */

static void a_token_is_asked_for_once_and_kept(void **state)
{
    struct fixture *f = *state;
    answer(f, 200, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"eyJ.one\"}");
    assert_string_equal(azure_credential_identity(f->credential), "nobody yet");
    for (int i = 0; i < 5; i++) {
        assert_true(ask(f));
        assert_string_equal(buf_text(&f->header), "Authorization: Bearer eyJ.one");
    }
    assert_int_equal(server_requests(f->server), 1);
    const struct server_request *r = server_request(f->server, 0);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->path, "/" TENANT "/oauth2/v2.0/token");
    assert_string_equal(
        r->body.p, "grant_type=client_credentials&client_id=" CLIENT
                   "&scope=https%3A%2F%2Fapi.loganalytics.io%2F.default&client_secret=" ENCODED);
    assert_true(str_eq(server_header(r, "Content-Type"), STR("application/x-www-form-urlencoded")));
    assert_string_equal(azure_credential_identity(f->credential),
                        "application " CLIENT " of tenant " TENANT);
}

static void a_token_that_ends_soon_is_renewed(void **state)
{
    struct fixture *f = *state;
    answer(f, 200, "{\"expires_in\":0,\"access_token\":\"short\"}");
    answer(f, 200, "{\"expires_in\":\"3600\",\"access_token\":\"long\"}");
    assert_true(ask(f));
    assert_string_equal(buf_text(&f->header), "Authorization: Bearer short");
    assert_true(ask(f) && ask(f));
    assert_string_equal(buf_text(&f->header), "Authorization: Bearer long");
    assert_int_equal(server_requests(f->server), 2);
}

static void the_end_of_a_token_may_be_a_moment(void **state)
{
    struct fixture *f = *state;
    answer(f, 200, "{\"expires_on\":\"1\",\"access_token\":\"past\"}");
    answer(f, 200, "{\"expires_on\":\"99999999999\",\"access_token\":\"future\"}");
    assert_true(ask(f) && ask(f) && ask(f));
    assert_int_equal(server_requests(f->server), 2);
}

static void a_refused_token_is_replaced(void **state)
{
    struct fixture *f = *state;
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"one\"}");
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"two\"}");
    assert_true(ask(f));
    azure_credential_refused(f->credential, AUDIENCE);
    assert_true(ask(f) && ask(f));
    assert_string_equal(buf_text(&f->header), "Authorization: Bearer two");
    assert_int_equal(server_requests(f->server), 2);
}

static void each_service_has_its_own_token(void **state)
{
    struct fixture *f = *state;
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"logs\"}");
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"storage\"}");
    assert_true(ask(f));
    assert_true(
        azure_credential_header(f->credential, "https://storage.azure.com", &f->header, &f->err));
    assert_string_equal(buf_text(&f->header), "Authorization: Bearer storage");
    assert_true(ask(f));
    assert_string_equal(buf_text(&f->header), "Authorization: Bearer logs");
}

static void a_passing_trouble_of_the_authority_is_waited_out(void **state)
{
    struct fixture *f = *state;
    server_answer(f->server,
                  &(struct server_answer){.status = 503, .headers = "Retry-After: 0\r\n"});
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"one\"}");
    assert_true(ask(f));
}

/* Refusals ---------------------------------------------------------------------------------------- */

static void entra_says_why_and_we_say_what_to_do(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *code, *advice;
    } cases[] = {{"AADSTS7000215", "secret is wrong"},
                 {"AADSTS7000222", "has expired"},
                 {"AADSTS700016", "right tenant"},
                 {"AADSTS90002", "no such tenant"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[512];
        (void) snprintf(
            body, sizeof body,
            "{\"error\":\"invalid_client\",\"error_description\":\"%s: In the authority's "
            "words. Trace ID: 1234\\r\\nCorrelation ID: 5\"}",
            cases[i].code);
        answer(f, i % 2 ? 400 : 401, body);
        assert_false(ask(f));
        assert_int_equal(f->err.code, ERROR_AUTH);
        assert_non_null(strstr(f->err.message, cases[i].code));
        assert_non_null(strstr(f->err.message, "In the authority's words."));
        assert_non_null(strstr(f->err.message, cases[i].advice));
        assert_null(strstr(f->err.message, "Trace ID"));
        assert_null(strchr(f->err.message, '\n'));
        assert_silent_about_the_secret(&f->err);
    }
}

static void an_authority_that_repeats_the_secret_is_not_repeated(void **state)
{
    struct fixture *f = *state;
    answer(f, 400, "{\"error\":\"x\",\"error_description\":\"you sent " VALUE "\"}");
    answer(f, 400, "{\"error\":\"x\",\"error_description\":\"you sent " ENCODED "\"}");
    answer(f, 400, "{\"error\":\"" VALUE "\"}");
    answer(f, 200, "{\"access_token\":\"" VALUE " with a blank\"}");
    answer(f, 200, VALUE);
    for (int i = 0; i < 5; i++) {
        assert_false(ask(f));
        assert_silent_about_the_secret(&f->err);
    }
}

static void hostile_text_does_not_reach_a_terminal(void **state)
{
    struct fixture *f = *state;
    answer(f, 400, "{\"error\":\"x\",\"error_description\":\"\\u001b[2J\\u202eAADSTS90002\"}");
    assert_false(ask(f));
    assert_null(strchr(f->err.message, 0x1b));
    assert_non_null(strstr(f->err.message, "\\x1b[2J"));
}

static void an_authority_in_trouble_says_nothing_about_us(void **state)
{
    struct fixture *f = *state;
    server_answer(f->server, &(struct server_answer){
                                 .times = 5, .status = 503, .headers = "Retry-After: 0\r\n"});
    assert_false(ask(f));
    assert_int_equal(f->err.code, ERROR_SERVICE);
    server_answer(f->server,
                  &(struct server_answer){.status = 429, .headers = "Retry-After: 900\r\n"});
    assert_false(ask(f)); /* and does not wait so long */
    assert_int_equal(f->err.code, ERROR_THROTTLED);
    assert_true(server_all_used(f->server));
}

static void what_is_no_token_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"{}",
                                         "[]",
                                         "<html>",
                                         "",
                                         "{\"access_token\":\"\"}",
                                         "{\"access_token\":7}",
                                         "{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
                                         "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
                                         "{\"access_token\":\"a\",\"access_token\":\"b\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        answer(f, 200, bodies[i]);
        assert_false(ask(f));
        assert_int_equal(f->err.code, ERROR_FORMAT);
    }
}

static void nobody_at_the_authority_is_a_matter_of_the_network(void **state)
{
    struct fixture *f = *state;
    char url[64];
    struct server *gone = server_new(NULL);
    (void) snprintf(url, sizeof url, "http://127.0.0.1:%u", server_port(gone));
    server_free(gone);
    struct azure_credential_options options = {.tenant = TENANT,
                                               .client_id = CLIENT,
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .authority = url};
    struct azure_credential *lost = azure_credential_new(f->http, &options, &f->err);
    assert_non_null(lost);
    assert_false(azure_credential_header(lost, AUDIENCE, &f->header, &f->err));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_non_null(strstr(f->err.message, url));
    assert_silent_about_the_secret(&f->err);
    azure_credential_free(lost);
}

static void the_secret_does_not_travel_in_the_open(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options = {.tenant = TENANT,
                                               .client_id = CLIENT,
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .authority = "http://192.0.2.1"};
    struct azure_credential *open = azure_credential_new(f->http, &options, &f->err);
    assert_non_null(open);
    assert_false(azure_credential_header(open, AUDIENCE, &f->header, &f->err));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    azure_credential_free(open);
}

static void a_tenant_that_is_no_name_goes_into_no_address(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"../x", "a/b", "a?b", "", ".x", "a b", "a%2e"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = ERROR_INIT;
        struct azure_credential_options options = {.tenant = bad[i],
                                                   .client_id = CLIENT,
                                                   .client_secret = "env:WEIR_TEST_SECRET",
                                                   .authority = server_url(f->server, "")};
        struct azure_credential *odd = azure_credential_new(f->http, &options, &err);
        assert_non_null(odd);
        assert_false(azure_credential_header(odd, AUDIENCE, &f->header, &err));
        assert_int_equal(err.code, ERROR_SETTINGS);
        azure_credential_free(odd);
    }
    assert_int_equal(server_requests(f->server), 0);
}

/* Where it comes from ----------------------------------------------------------------------------- */

static void without_any_credential_all_that_was_tried_is_said_in_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(setenv("AZURE_CLIENT_ID", CLIENT, 1), 0);
    struct azure_credential *none = azure_credential_new(
        f->http, &(struct azure_credential_options){.tenant = TENANT}, &f->err);
    assert_non_null(none);
    assert_false(azure_credential_header(none, AUDIENCE, &f->header, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
    static const char *const lines[] = {
        "\n  settings          tenant is given, client-id and client-secret are not\n",
        "\n  environment       AZURE_CLIENT_ID is set, AZURE_TENANT_ID and AZURE_CLIENT_SECRET are "
        "not\n",
        "\n  workload identity AZURE_FEDERATED_TOKEN_FILE is not set\n",
        "\n  managed identity  127.0.0.1:9 does not answer (5 s): not a virtual machine in "
        "Azure?\n",
        "\n  Azure CLI         az is not in PATH\n",
        "\n  device code       nobody is at a terminal to type it in\n",
    };
    const char *last = f->err.hint;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *at = strstr(f->err.hint, lines[i]);
        if (!at)
            fail_msg("%s not in %s", lines[i], f->err.hint);
        assert_true(at >= last);
        last = at;
    }
    assert_non_null(strstr(last, "sign in with az login"));
    azure_credential_free(none);
}

static void the_environment_is_tried_after_the_settings(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(setenv("AZURE_CLIENT_ID", "env-client", 1) |
                         setenv("AZURE_TENANT_ID", "env.example", 1) |
                         setenv("AZURE_CLIENT_SECRET", "env-secret", 1) |
                         setenv("AZURE_AUTHORITY_HOST", server_url(f->server, ""), 1),
                     0);
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"one\"}");
    answer(f, 200, "{\"expires_in\":3600,\"access_token\":\"two\"}");
    assert_true(ask(f));
    assert_string_equal(server_request(f->server, 0)->path, "/" TENANT "/oauth2/v2.0/token");
    struct azure_credential *bare =
        azure_credential_new(f->http, &(struct azure_credential_options){0}, &f->err);
    assert_non_null(bare);
    assert_true(azure_credential_header(bare, AUDIENCE, &f->header, &f->err));
    assert_string_equal(server_request(f->server, 1)->path, "/env.example/oauth2/v2.0/token");
    assert_non_null(strstr(server_request(f->server, 1)->body.p, "client_secret=env-secret"));
    azure_credential_free(bare);
}

static void a_secret_that_is_a_value_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options = {
        .tenant = TENANT, .client_id = CLIENT, .client_secret = VALUE};
    assert_null(azure_credential_new(f->http, &options, &f->err));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_silent_about_the_secret(&f->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_asked_for_once_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_that_ends_soon_is_renewed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_a_token_may_be_a_moment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_token_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_service_has_its_own_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_passing_trouble_of_the_authority_is_waited_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(entra_says_why_and_we_say_what_to_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_authority_that_repeats_the_secret_is_not_repeated,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_text_does_not_reach_a_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_authority_in_trouble_says_nothing_about_us, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_token_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_at_the_authority_is_a_matter_of_the_network, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_secret_does_not_travel_in_the_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tenant_that_is_no_name_goes_into_no_address, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_any_credential_all_that_was_tried_is_said_in_order,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_environment_is_tried_after_the_settings, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_secret_that_is_a_value_is_refused_at_once, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
