/* Key Vault: secrets by reference, whom a token may go to, and what each refusal means. */
#include "fixture.h"

#include <stdio.h>

#define SECRET_PATH "GET /secrets/key?api-version=7.4"
#define SIGN_IN "POST /" TENANT "/oauth2/v2.0/token"
#define CHALLENGE                                                                                  \
    "WWW-Authenticate: Bearer authorization=\"https://login.microsoftonline.com/" TENANT           \
    "\", resource=\"https://vault.azure.net\"\r\n"

static const char *reference(struct fixture *f, const char *name)
{
    static char text[256];
    (void) snprintf(text, sizeof text, "keyvault://127.0.0.1:%u/%s", server_port(f->server), name);
    return text;
}

static void open_with_secret(struct fixture *f)
{
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .client_secret = "env:WEIR_TEST_SECRET"});
}

static void challenge(struct fixture *f, const char *headers)
{
    server_answer(f->server,
                  &(struct server_answer){.match = "GET /secrets/",
                                          .status = 401,
                                          .headers = headers,
                                          .body = STR("{\"error\":{\"code\":\"Unauthorized\","
                                                      "\"message\":\"no token\"}}")});
}

static bool read_key(struct fixture *f, const char *name, struct secret *out)
{
    error_clear(&f->err);
    return azure_secret_read(f->credential, reference(f, name), out, &f->err);
}

static void refuses(struct fixture *f, enum error_code code, const char *message, const char *hint)
{
    struct secret out = SECRET_INIT;
    assert_false(read_key(f, "key", &out));
    if (f->err.code != code || !strstr(f->err.message, message) || !strstr(f->err.hint, hint))
        fail_msg("not %s '%s' '%s', but %s: %s\n%s", error_name(code), message, hint,
                 error_name(f->err.code), f->err.message, f->err.hint);
    assert_silent(&f->err);
    assert_int_equal(secret_str(&out).n, 0);
    secret_release(&out);
}

/* The challenge, the token, and then this. */
static void answer_after_sign_in(struct fixture *f, int status, const char *body)
{
    challenge(f, CHALLENGE);
    fixture_answer(f, SIGN_IN, 200, TOKEN_ANSWER);
    fixture_answer(f, SECRET_PATH, status, body);
}

/* Reading ----------------------------------------------------------------------------------------- */

static void a_secret_is_read_with_a_token_for_what_the_vault_asks_for(void **state)
{
    struct fixture *f = *state;
    struct secret out = SECRET_INIT;
    answer_after_sign_in(
        f, 200, "{\"value\":\"the key\",\"attributes\":{\"enabled\":true,\"exp\":99999999999}}");
    open_with_secret(f);
    assert_true(read_key(f, "key", &out));
    assert_string_equal(secret_str(&out).p, "the key");
    assert_int_equal(server_header(server_request(f->server, 0), "Authorization").n, 0);
    assert_non_null(strstr(server_request(f->server, 1)->body.p,
                           "scope=https%3A%2F%2Fvault.azure.net%2F.default"));
    assert_true(str_eq(server_header(server_request(f->server, 2), "Authorization"),
                       STR("Bearer eyJ.one")));
    /* A second one needs no second token. */
    challenge(f, CHALLENGE);
    fixture_answer(f, "GET /secrets/other/0123456789abcdef?api-version=7.4", 200,
                   "{\"value\":\"older\"}");
    assert_true(read_key(f, "other/0123456789abcdef", &out));
    assert_string_equal(secret_str(&out).p, "older");
    assert_int_equal(server_requests(f->server), 5);
    secret_release(&out);
}

static void the_client_secret_itself_may_lie_in_a_vault(void **state)
{
    struct fixture *f = *state;
    char own[256];
    (void) snprintf(own, sizeof own, "%s", reference(f, "key"));
    /* The rest of the chain, here the environment, opens the vault. */
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", "env-client");
    fixture_set("AZURE_CLIENT_SECRET", "env-secret");
    challenge(f, CHALLENGE);
    fixture_answer(f, SIGN_IN, 200, "{\"access_token\":\"eyJ.env\",\"expires_in\":3600}");
    fixture_answer(f, SECRET_PATH, 200, "{\"value\":\"" VALUE "\"}");
    fixture_answer(f, SIGN_IN, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){
                        .tenant = TENANT, .client_id = CLIENT, .client_secret = own});
    fixture_gets(f, "eyJ.one");
    assert_non_null(strstr(server_request(f->server, 1)->body.p, "client_id=env-client"));
    assert_true(str_eq(server_header(server_request(f->server, 2), "Authorization"),
                       STR("Bearer eyJ.env")));
    assert_non_null(strstr(server_request(f->server, 3)->body.p, "client_id=" CLIENT));
    assert_non_null(
        strstr(server_request(f->server, 3)->body.p, "client_secret=p%26ss%3Dw%2Frd%2B~hunter2"));
}

static void without_the_rest_of_a_chain_the_client_secret_stays_in_its_vault(void **state)
{
    struct fixture *f = *state;
    char own[256];
    (void) snprintf(own, sizeof own, "%s", reference(f, "key"));
    challenge(f, CHALLENGE);
    fixture_open(f, &(struct azure_credential_options){
                        .tenant = TENANT, .client_id = CLIENT, .client_secret = own});
    fixture_fails(f, ERROR_AUTH, "no credential is set up");
}

/* Whom a token may go to -------------------------------------------------------------------------- */

static void a_vault_that_asks_for_another_services_token_gets_none(void **state)
{
    struct fixture *f = *state;
    static const char *const resources[] = {"https://management.azure.com", "https://evil.example",
                                            "http://vault.azure.net", "https://azure.net/x"};
    open_with_secret(f);
    for (size_t i = 0; i < 4; i++) {
        char header[256];
        (void) snprintf(
            header, sizeof header,
            "WWW-Authenticate: Bearer authorization=\"https://a/t\", resource=\"%s\"\r\n",
            resources[i]);
        challenge(f, header);
        refuses(f, ERROR_AUTH, "asks for a token that is not for it: none was sent", "");
        assert_int_equal(server_requests(f->server), i + 1);
    }
}

/* Refusals ---------------------------------------------------------------------------------------- */

static void a_missing_role_is_named_with_its_place(void **state)
{
    struct fixture *f = *state;
    answer_after_sign_in(
        f, 403,
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Caller is not authorized\","
        "\"innererror\":{\"code\":\"ForbiddenByRbac\"}}}");
    open_with_secret(f);
    refuses(f, ERROR_AUTH, "(status 403, Forbidden, ForbiddenByRbac: Caller is not authorized)",
            "needs the role 'Key Vault Secrets User' on the vault 127.0.0.1:");
    assert_non_null(strstr(f->err.hint, "application " CLIENT));
    assert_non_null(strstr(f->err.hint, "the secret key"));
}

static void a_vault_that_quotes_the_token_is_not_quoted(void **state)
{
    struct fixture *f = *state;
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6.claims.signature-of-some-length";
    char body[512], answer[512];
    (void) snprintf(answer, sizeof answer, "{\"access_token\":\"%s\",\"expires_in\":3600}", token);
    (void) snprintf(body, sizeof body,
                    "{\"error\":{\"code\":\"Forbidden\",\"message\":\"no right for %s\"}}", token);
    challenge(f, CHALLENGE);
    fixture_answer(f, SIGN_IN, 200, answer);
    fixture_answer(f, SECRET_PATH, 403, body);
    open_with_secret(f);
    refuses(f, ERROR_AUTH, "(status 403, Forbidden", "Key Vault Secrets User");
    assert_null(strstr(f->err.message, "eyJ"));
    assert_true(
        azure_credential_within(f->credential, STR("x eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIs")));
    assert_false(azure_credential_within(f->credential, STR("a token is missing")));
}

static void a_firewall_and_a_disabled_secret_are_no_missing_role(void **state)
{
    struct fixture *f = *state;
    answer_after_sign_in(f, 403,
                         "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Client address is not "
                         "authorized\",\"innererror\":{\"code\":\"ForbiddenByFirewall\"}}}");
    open_with_secret(f);
    refuses(f, ERROR_AUTH, "ForbiddenByFirewall", "firewall lets nobody in from here");
    assert_null(strstr(f->err.hint, "role"));
    challenge(f, CHALLENGE);
    fixture_answer(
        f, SECRET_PATH, 403,
        "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Operation get is not allowed on "
        "a disabled secret.\",\"innererror\":{\"code\":\"SecretDisabled\"}}}");
    refuses(f, ERROR_AUTH, "disabled secret", "enable it");
}

static void what_is_not_there_and_what_is_busy_are_told_apart(void **state)
{
    struct fixture *f = *state;
    answer_after_sign_in(f, 404,
                         "{\"error\":{\"code\":\"SecretNotFound\",\"message\":\"A secret with "
                         "(name/id) key was not found in this key vault.\"}}");
    open_with_secret(f);
    refuses(f, ERROR_NOT_FOUND, "SecretNotFound", "no such secret");
    challenge(f, CHALLENGE);
    server_answer(f->server, &(struct server_answer){.match = SECRET_PATH,
                                                     .status = 429,
                                                     .headers = "Retry-After: 0\r\n"});
    fixture_answer(f, SECRET_PATH, 200, "{\"value\":\"x\"}");
    struct secret out = SECRET_INIT;
    assert_true(read_key(f, "key", &out));
    secret_release(&out);
    server_answer(f->server, &(struct server_answer){.match = "GET /secrets/",
                                                     .status = 429,
                                                     .headers = "Retry-After: 900\r\n"});
    refuses(f, ERROR_THROTTLED, "status 429", "");
}

static void a_vault_of_another_tenant_is_said_to_be_so(void **state)
{
    struct fixture *f = *state;
    char body[2048];
    (void) snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":3600}",
                    fixture_token("{\"tid\":\"" TENANT "\"}"));
    challenge(f,
              "WWW-Authenticate: Bearer authorization=\"https://login.microsoftonline.com/" OBJECT
              "\", resource=\"https://vault.azure.net\"\r\n");
    fixture_answer(f, SIGN_IN, 200, body);
    challenge(f,
              "WWW-Authenticate: Bearer authorization=\"https://login.microsoftonline.com/" OBJECT
              "\", resource=\"https://vault.azure.net\"\r\n");
    open_with_secret(f);
    refuses(f, ERROR_AUTH, "status 401",
            "the vault is of tenant " OBJECT ", the token of tenant " TENANT);
}

static void disabled_expired_and_empty_secrets_are_refused(void **state)
{
    struct fixture *f = *state;
    answer_after_sign_in(f, 200, "{\"value\":\"" VALUE "\",\"attributes\":{\"enabled\":false}}");
    open_with_secret(f);
    refuses(f, ERROR_SETTINGS, "is disabled", "");
    challenge(f, CHALLENGE);
    fixture_answer(f, SECRET_PATH, 200, "{\"value\":\"" VALUE "\",\"attributes\":{\"exp\":86400}}");
    refuses(f, ERROR_SETTINGS, "has expired at 1970-01-02", "new version");
    challenge(f, CHALLENGE);
    fixture_answer(f, SECRET_PATH, 200, "{\"value\":\"\"}");
    refuses(f, ERROR_SETTINGS, "is empty", "");
}

static void an_answer_without_a_secret_is_none(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "", "<html>", "[]", "{}", "{\"value\":7}", "{\"value\":\"" VALUE "\",\"value\":\"x\"}"};
    open_with_secret(f);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        fixture_answer(f, SECRET_PATH, 200, bodies[i]);
        refuses(f, ERROR_FORMAT, "holds no secret", "");
    }
}

/* References -------------------------------------------------------------------------------------- */

static void only_what_can_be_a_vault_and_a_name_is_a_reference(void **state)
{
    (void) state;
    static const char *const good[] = {
        "keyvault://contoso/key",        "keyvault://con-toso/storage-key/0123456789abcdef",
        "keyvault://127.0.0.1:8080/key", "keyvault://contoso.vault.azure.cn/key",
        "keyvault://localhost:443/key",  "keyvault://[::1]:8080/key"};
    static const char *const bad[] = {
        "keyvault://",           "keyvault://contoso",       "keyvault://contoso/",
        "keyvault:///key",       "keyvault://co/key",        "keyvault://contoso/a b",
        "keyvault://contoso/a_", "keyvault://contoso/a/",    "keyvault://contoso/a/b/c",
        "keyvault://a@b.c/key",  "keyvault://contoso/a?b=c", "keyvault://contoso/../x",
        "keyvault://con%2e/key", "keyvault:/contoso/key"};
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!azure_secret_check(good[i], &err))
            fail_msg("%s: %s", good[i], err.message);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error_clear(&err);
        if (azure_secret_check(bad[i], &err))
            fail_msg("%s is a reference", bad[i]);
        assert_int_equal(err.code, ERROR_SETTINGS);
    }
}

static void a_vault_elsewhere_is_asked_over_tls_under_its_clouds_name(void **state)
{
    struct fixture *f = *state;
    struct secret out = SECRET_INIT;
    /* .invalid never resolves (RFC 6761): the address shows in the error. */
    open_with_secret(f);
    assert_false(azure_secret_read(f->credential, "keyvault://vault.invalid/key", &out, &f->err));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_non_null(strstr(f->err.message, "https://vault.invalid/secrets/key"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_is_read_with_a_token_for_what_the_vault_asks_for),
        TEST(the_client_secret_itself_may_lie_in_a_vault),
        TEST(without_the_rest_of_a_chain_the_client_secret_stays_in_its_vault),
        TEST(a_vault_that_asks_for_another_services_token_gets_none),
        TEST(a_missing_role_is_named_with_its_place),
        TEST(a_vault_that_quotes_the_token_is_not_quoted),
        TEST(a_firewall_and_a_disabled_secret_are_no_missing_role),
        TEST(what_is_not_there_and_what_is_busy_are_told_apart),
        TEST(a_vault_of_another_tenant_is_said_to_be_so),
        TEST(disabled_expired_and_empty_secrets_are_refused),
        TEST(an_answer_without_a_secret_is_none),
        TEST(only_what_can_be_a_vault_and_a_name_is_a_reference),
        TEST(a_vault_elsewhere_is_asked_over_tls_under_its_clouds_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
