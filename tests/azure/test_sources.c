/* Sources: their order, what each needs, what is passed over and what ends the search. */
#include "fixture.h"

#include "base/memory.h"

#include <stdio.h>

#define TOKEN_PATH "/" TENANT "/oauth2/v2.0/token"

enum { ALLOCATIONS = 120 }; /* more than signing in makes */

static const struct azure_credential_options NOTHING = {0};

static const char *body_of(struct fixture *f, size_t i)
{
    return server_request(f->server, i)->body.p;
}

/* The settings ------------------------------------------------------------------------------------ */

static void settings_come_before_the_environment(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_TENANT_ID", "env.example");
    fixture_set("AZURE_CLIENT_ID", "env-client");
    fixture_set("AZURE_CLIENT_SECRET", "env-secret");
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .client_secret = "env:WEIR_TEST_SECRET"});
    fixture_gets(f, "eyJ.one");
    assert_string_equal(azure_credential_identity(f->credential),
                        "application " CLIENT " of tenant " TENANT);
}

static void half_an_application_is_not_passed_over(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", "env-client");
    fixture_set("AZURE_CLIENT_SECRET", "env-secret");
    fixture_open(f, &(struct azure_credential_options){.client_secret = "env:WEIR_TEST_SECRET"});
    fixture_fails(f, ERROR_SETTINGS, "tenant and client-secret are given, client-id is not");
    assert_int_equal(server_requests(f->server), 0);
}

static void a_source_that_fails_ends_the_search_with_its_own_error(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", CLIENT);
    fixture_set("AZURE_CLIENT_SECRET", VALUE);
    fixture_set("AZURE_FEDERATED_TOKEN_FILE", fixture_file(f, "token", "eyJ.outside", 0600));
    fixture_answer(f, TOKEN_PATH, 401,
                   "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The "
                   "provided client secret keys are expired.\"}");
    fixture_open(f, &NOTHING);
    fixture_fails(f, ERROR_AUTH, "AADSTS7000222");
    assert_non_null(strstr(f->err.message, "make a new one"));
    assert_non_null(strstr(f->err.hint, "tried in this order:\n  settings          tenant"));
    assert_non_null(strstr(f->err.hint, "\n  environment       AZURE_TENANT_ID, AZURE_CLIENT_ID "
                                        "and AZURE_CLIENT_SECRET are set: failed"));
    assert_null(strstr(f->err.hint, "workload"));
    assert_int_equal(server_requests(f->server), 1);
}

static void two_proofs_at_once_are_refused(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options = {.client_secret = "env:WEIR_TEST_SECRET",
                                               .certificate = "env:WEIR_TEST_SECRET"};
    assert_null(azure_credential_new(f->http, &options, &f->err));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_non_null(strstr(f->err.message, "which one is meant?"));
}

static void a_certificate_or_its_password_given_as_a_value_is_refused(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options[] = {{.certificate = VALUE},
                                                 {.certificate_password = VALUE}};
    for (size_t i = 0; i < 2; i++) {
        error_clear(&f->err);
        assert_null(azure_credential_new(f->http, &options[i], &f->err));
        assert_int_equal(f->err.code, ERROR_SETTINGS);
        assert_non_null(strstr(f->err.hint, "keyvault://"));
        assert_silent(&f->err);
    }
}

static void a_federated_token_is_read_anew_each_time(void **state)
{
    struct fixture *f = *state;
    char path[256];
    (void) snprintf(path, sizeof path, "%s", fixture_file(f, "token", "eyJ.outside\n", 0644));
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){
                        .tenant = TENANT, .client_id = CLIENT, .federated_token_file = path});
    fixture_gets(f, "eyJ.one");
    assert_string_equal(body_of(f, 0),
                        "grant_type=client_credentials&client_id=" CLIENT
                        "&scope=https%3A%2F%2Fapi.loganalytics.io%2F.default"
                        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
                        "client-assertion-type%3Ajwt-bearer&client_assertion=eyJ.outside");
    (void) fixture_file(f, "token", "eyJ.rotated", 0644);
    azure_credential_refused(f->credential, AUDIENCE);
    fixture_gets(f, "eyJ.one");
    assert_non_null(strstr(body_of(f, 1), "client_assertion=eyJ.rotated"));
}

static void a_federated_token_that_is_repeated_or_missing_is_not_shown(void **state)
{
    struct fixture *f = *state;
    char path[256];
    (void) snprintf(path, sizeof path, "%s", fixture_file(f, "token", VALUE, 0600));
    fixture_answer(
        f, TOKEN_PATH, 400,
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS70021: you sent " VALUE "\"}");
    struct azure_credential_options options = {
        .tenant = TENANT, .client_id = CLIENT, .federated_token_file = path};
    fixture_open(f, &options);
    fixture_fails(f, ERROR_AUTH, "no federated credential for this token");
    (void) fixture_file(f, "token", "  \n", 0600);
    fixture_fails(f, ERROR_SETTINGS, "is empty");
    options.federated_token_file = "/nonexistent/token";
    fixture_open(f, &options);
    fixture_fails(f, ERROR_NOT_FOUND, "/nonexistent/token");
}

/* The environment --------------------------------------------------------------------------------- */

static void the_environment_may_hold_a_secret_or_a_federated_token(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", CLIENT);
    fixture_set("AZURE_FEDERATED_TOKEN_FILE", fixture_file(f, "token", "eyJ.outside", 0600));
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){.sign_in = "environment"});
    fixture_gets(f, "eyJ.one");
    assert_non_null(strstr(body_of(f, 0), "client_assertion=eyJ.outside"));
    fixture_set("AZURE_CLIENT_SECRET", "env-secret"); /* the first that is set counts */
    fixture_open(f, &(struct azure_credential_options){.sign_in = "environment"});
    fixture_gets(f, "eyJ.one");
    assert_non_null(strstr(body_of(f, 1), "client_secret=env-secret"));
}

static void the_authority_of_the_environment_may_be_a_bare_host(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options = {
        .tenant = TENANT, .client_id = CLIENT, .client_secret = "env:WEIR_TEST_SECRET"};
    fixture_set("AZURE_AUTHORITY_HOST", "127.0.0.1:9");
    f->credential = azure_credential_new(f->http, &options, &f->err);
    assert_non_null(f->credential);
    fixture_fails(f, ERROR_NETWORK, "https://127.0.0.1:9/" TENANT);
}

/* Workload identity ------------------------------------------------------------------------------- */

static void a_workload_signs_in_with_the_token_laid_beside_it(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_FEDERATED_TOKEN_FILE", fixture_file(f, "token", "eyJ.cluster", 0444));
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    /* The variables name nobody, the settings do: the environment is passed over. */
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT, .client_id = CLIENT});
    fixture_gets(f, "eyJ.one");
    assert_non_null(strstr(body_of(f, 0), "client_id=" CLIENT));
    assert_non_null(strstr(body_of(f, 0), "client_assertion=eyJ.cluster"));
    assert_string_equal(azure_credential_identity(f->credential),
                        "application " CLIENT " of tenant " TENANT);
}

static void a_workload_that_lacks_something_says_what(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_FEDERATED_TOKEN_FILE", "/nonexistent");
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_open(f, &(struct azure_credential_options){.sign_in = "workload"});
    fixture_fails(f, ERROR_AUTH, "sign-in is 'workload', which is not set up");
    assert_non_null(strstr(f->err.hint, "AZURE_FEDERATED_TOKEN_FILE and AZURE_TENANT_ID are set, "
                                        "AZURE_CLIENT_ID is not"));
}

/* The choice -------------------------------------------------------------------------------------- */

static void sign_in_names_the_one_source_to_use(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options = {.tenant = TENANT,
                                               .client_id = CLIENT,
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .sign_in = "cli"};
    fixture_open(f, &options);
    fixture_fails(f, ERROR_AUTH, "sign-in is 'cli', which is not set up");
    assert_non_null(strstr(f->err.hint, "az is not in PATH"));
    assert_null(strstr(f->err.hint, "settings"));
    options.sign_in = "auto";
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &options);
    fixture_gets(f, "eyJ.one");
    options.sign_in = "magic";
    error_clear(&f->err);
    assert_null(azure_credential_new(f->http, &options, &f->err));
    assert_non_null(strstr(f->err.message, "'magic'"));
    assert_non_null(strstr(f->err.hint, "workload, managed, cli or device"));
}

/* Refused tokens ---------------------------------------------------------------------------------- */

static void late_refusals_of_an_old_token_do_not_throw_away_the_new_one(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .client_secret = "env:WEIR_TEST_SECRET"});
    assert_int_equal(azure_credential_number(f->credential, AUDIENCE), 0);
    fixture_gets(f, "eyJ.one");
    unsigned sent = azure_credential_number(f->credential, AUDIENCE);
    for (int i = 0; i < 100; i++) { /* a hundred requests were under way with it */
        azure_credential_refused_number(f->credential, AUDIENCE, sent);
        fixture_gets(f, "eyJ.one");
    }
    assert_int_equal(server_requests(f->server), 2);
    azure_credential_refused_number(f->credential, AUDIENCE, sent + 1);
    fixture_gets(f, "eyJ.one");
    assert_int_equal(server_requests(f->server), 3);
}

static void a_passing_trouble_while_renewing_costs_nothing_as_long_as_the_token_lasts(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER); /* good for an hour */
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .client_secret = "env:WEIR_TEST_SECRET"});
    fixture_gets(f, "eyJ.one");
    fixture_sleep(3600 - 200); /* within the 5 minutes before its end */
    server_answer(f->server, &(struct server_answer){.match = TOKEN_PATH,
                                                     .times = 5,
                                                     .status = 503,
                                                     .headers = "Retry-After: 0\r\n"});
    fixture_gets(f, "eyJ.one");
    fixture_gets(f, "eyJ.one"); /* and is not asked again at once */
    assert_int_equal(server_requests(f->server), 6);
    fixture_sleep(60);
    fixture_answer(f, TOKEN_PATH, 200, "{\"access_token\":\"eyJ.two\",\"expires_in\":3600}");
    fixture_gets(f, "eyJ.two");
    server_answer(f->server, &(struct server_answer){.match = TOKEN_PATH,
                                                     .times = 5,
                                                     .status = 503,
                                                     .headers = "Retry-After: 0\r\n"});
    fixture_sleep(3600); /* this one has ended */
    fixture_fails(f, ERROR_SERVICE, "the authority fails");
}

static void a_verdict_while_renewing_is_heard_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_answer(
        f, TOKEN_PATH, 401,
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: expired\"}");
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .client_secret = "env:WEIR_TEST_SECRET"});
    fixture_gets(f, "eyJ.one");
    fixture_sleep(3600 - 200);
    fixture_fails(f, ERROR_AUTH, "AADSTS7000222");
}

/* Memory ------------------------------------------------------------------------------------------ */

static void each_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    char vault[256];
    struct azure_credential_options options = {
        .tenant = TENANT, .client_id = CLIENT, .client_secret = vault};
    (void) snprintf(vault, sizeof vault, "keyvault://127.0.0.1:%u/key", server_port(f->server));
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", "env-client");
    fixture_set("AZURE_CLIENT_SECRET", "env-secret");
    server_answer(f->server, &(struct server_answer){
                                 .match = TOKEN_PATH, .times = 10000, .body = STR(TOKEN_ANSWER)});
    server_answer(f->server, &(struct server_answer){.match = "GET /secrets/key",
                                                     .header = "Authorization",
                                                     .times = 10000,
                                                     .body = STR("{\"value\":\"" VALUE "\"}")});
    server_answer(f->server, &(struct server_answer){.match = "GET /secrets/key",
                                                     .times = 10000,
                                                     .status = 401,
                                                     .headers = "WWW-Authenticate: Bearer resource="
                                                                "\"https://vault.azure.net\"\r\n"});
    unsigned failures = 0;
    for (uint64_t n = 1; n <= ALLOCATIONS; n++) {
        fixture_open(f, &options);
        mem_fail_at(n);
        bool ok = fixture_ask(f);
        mem_fail_at(0);
        if (ok) /* one that only an explanation needed, or there are no more */
            continue;
        failures++;
        assert_silent(&f->err);
        if (f->err.code != ERROR_MEMORY)
            fail_msg("allocation %u: %s", (unsigned) n, f->err.message);
    }
    assert_true(failures > 15 && failures < ALLOCATIONS);
}

/* Clouds ------------------------------------------------------------------------------------------ */

static void a_cloud_gives_all_its_addresses(void **state)
{
    (void) state;
    static const char *const names[] = {"public", "usgovernment", "china"};
    for (size_t i = 0; i < 3; i++) {
        const struct azure_cloud *cloud = azure_cloud_find(names[i]);
        char text[128];
        assert_non_null(cloud);
        (void) snprintf(text, sizeof text, "blob.%s", cloud->storage_suffix);
        assert_string_equal(cloud->blob_suffix, text);
        (void) snprintf(text, sizeof text, "dfs.%s", cloud->storage_suffix);
        assert_string_equal(cloud->dfs_suffix, text);
        (void) snprintf(text, sizeof text, "https://%s", cloud->vault_suffix);
        assert_string_equal(cloud->vault_audience, text);
    }
    assert_string_equal(azure_cloud_find("china")->blob_suffix, "blob.core.chinacloudapi.cn");
    assert_string_equal(azure_cloud_find("usgovernment")->vault_suffix, "vault.usgovcloudapi.net");
}

static void a_cloud_gives_the_authority(void **state)
{
    struct fixture *f = *state;
    struct azure_credential_options options = {.tenant = "../x",
                                               .client_id = CLIENT,
                                               .client_secret = "env:WEIR_TEST_SECRET",
                                               .cloud = azure_cloud_find("china")};
    f->credential = azure_credential_new(f->http, &options, &f->err);
    assert_non_null(f->credential);
    fixture_fails(f, ERROR_SETTINGS, "neither a GUID nor a domain"); /* and goes nowhere */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_come_before_the_environment),
        TEST(half_an_application_is_not_passed_over),
        TEST(a_source_that_fails_ends_the_search_with_its_own_error),
        TEST(two_proofs_at_once_are_refused),
        TEST(a_certificate_or_its_password_given_as_a_value_is_refused),
        TEST(a_federated_token_is_read_anew_each_time),
        TEST(a_federated_token_that_is_repeated_or_missing_is_not_shown),
        TEST(the_environment_may_hold_a_secret_or_a_federated_token),
        TEST(the_authority_of_the_environment_may_be_a_bare_host),
        TEST(a_workload_signs_in_with_the_token_laid_beside_it),
        TEST(a_workload_that_lacks_something_says_what),
        TEST(sign_in_names_the_one_source_to_use),
        TEST(late_refusals_of_an_old_token_do_not_throw_away_the_new_one),
        TEST(a_passing_trouble_while_renewing_costs_nothing_as_long_as_the_token_lasts),
        TEST(a_verdict_while_renewing_is_heard_at_once),
        TEST(each_allocation_may_fail),
        TEST(a_cloud_gives_all_its_addresses),
        TEST(a_cloud_gives_the_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
