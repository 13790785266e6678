/* Managed identities: a machine's metadata service with its manners, and App Service. */
#include "fixture.h"

#include <stdio.h>

#define METADATA "GET /metadata/identity/oauth2/token"
#define PLAIN "api-version=2018-02-01&resource=https%3A%2F%2Fapi.loganalytics.io"
#define NO_HEADER                                                                                  \
    "{\"error\":\"invalid_request\",\"error_description\":\"Required metadata header not "         \
    "specified\"}"
#define MACHINE_ANSWER                                                                             \
    "{\"access_token\":\"eyJ.machine\",\"refresh_token\":\"\",\"expires_in\":\"3599\","            \
    "\"expires_on\":\"1506484173\",\"not_before\":\"1506480273\",\"token_type\":\"Bearer\"}"
#define RESOURCE "/subscriptions/s/resourceGroups/r/providers/Microsoft.ManagedIdentity/u"

static void use_machine(struct fixture *f)
{
    fixture_set("AZURE_POD_IDENTITY_AUTHORITY_HOST", server_url(f->server, "/"));
}

static void probe_is_answered(struct fixture *f)
{
    fixture_answer(f, METADATA, 400, NO_HEADER);
}

static void open_alone(struct fixture *f)
{
    use_machine(f);
    fixture_open(f, &(struct azure_credential_options){.sign_in = "managed"});
}

/* A machine --------------------------------------------------------------------------------------- */

static void a_machine_gives_a_token(void **state)
{
    struct fixture *f = *state;
    use_machine(f);
    probe_is_answered(f);
    fixture_answer(f, METADATA, 200, MACHINE_ANSWER);
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_gets(f, "eyJ.machine");
    assert_int_equal(server_requests(f->server), 2);
    /* The first, which only asks whether somebody is there, must get no token anywhere. */
    assert_int_equal(server_header(server_request(f->server, 0), "Metadata").n, 0);
    const struct server_request *r = server_request(f->server, 1);
    assert_string_equal(r->method, "GET");
    assert_string_equal(r->path, "/metadata/identity/oauth2/token?" PLAIN);
    assert_true(str_eq(server_header(r, "Metadata"), STR("true")));
    assert_string_equal(azure_credential_identity(f->credential), "managed identity");
    fixture_gets(f, "eyJ.machine");
    assert_int_equal(server_requests(f->server), 2);
}

static void the_token_tells_which_identity_of_which_tenant(void **state)
{
    struct fixture *f = *state;
    char body[2048];
    const char *token =
        fixture_token("{\"oid\":\"" OBJECT "\",\"tid\":\"" TENANT "\",\"appid\":\"" CLIENT "\"}");
    (void) snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":\"3599\"}", token);
    fixture_answer(f, METADATA, 200, body);
    open_alone(f);
    fixture_gets(f, token);
    assert_string_equal(azure_credential_identity(f->credential),
                        "managed identity " CLIENT " of tenant " TENANT);
}

static void a_user_assigned_identity_is_asked_for_by_its_id(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *id, *wanted;
    } cases[] = {{CLIENT, "&client_id=" CLIENT},
                 {RESOURCE, "&msi_res_id=%2Fsubscriptions%2Fs%2FresourceGroups%2Fr%2Fproviders%2F"
                            "Microsoft.ManagedIdentity%2Fu"}};
    use_machine(f);
    for (size_t i = 0; i < 2; i++) {
        fixture_answer(f, METADATA, 200, MACHINE_ANSWER);
        fixture_open(f, &(struct azure_credential_options){.sign_in = "managed",
                                                           .managed_identity = cases[i].id});
        fixture_gets(f, "eyJ.machine");
        assert_true(str_ends(str_of(server_request(f->server, i)->path), str_of(cases[i].wanted)));
    }
    fixture_set("AZURE_CLIENT_ID", OBJECT); /* as Microsoft's own clients read it */
    fixture_answer(f, METADATA, 200, MACHINE_ANSWER);
    open_alone(f);
    fixture_gets(f, "eyJ.machine");
    assert_true(str_ends(str_of(server_request(f->server, 2)->path), STR("&client_id=" OBJECT)));
}

static void a_service_that_restarts_is_waited_for_as_it_asks(void **state)
{
    struct fixture *f = *state;
    static const int statuses[] = {404, 429, 500, 410, 503};
    static const double pauses[] = {0, 2, 6, 14, 30};
    for (size_t i = 0; i < 5; i++)
        fixture_answer(f, METADATA, statuses[i], "{\"error\":\"not_yet\"}");
    fixture_answer(f, METADATA, 200, MACHINE_ANSWER);
    open_alone(f);
    fixture_gets(f, "eyJ.machine");
    assert_int_equal(server_requests(f->server), 6);
    size_t said = 0;
    for (size_t i = 1; i < 5; i++) /* a pause of 0 is none */
        assert_true(f->pauses[said++] == pauses[i]);
    assert_int_equal(f->pause_count, said);
}

static void a_failing_service_gets_a_second_at_least_and_retry_after_is_obeyed(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, METADATA, 500, "");
    server_answer(
        f->server,
        &(struct server_answer){.match = METADATA, .status = 429, .headers = "Retry-After: 3\r\n"});
    fixture_answer(f, METADATA, 200, MACHINE_ANSWER);
    open_alone(f);
    fixture_gets(f, "eyJ.machine");
    assert_int_equal(f->pause_count, 2);
    assert_true(f->pauses[0] == 1 && f->pauses[1] == 3);
}

static void patience_ends_and_an_update_gets_more_of_it(void **state)
{
    struct fixture *f = *state;
    server_answer(f->server, &(struct server_answer){
                                 .match = METADATA, .times = 6, .status = 503, .body = STR("{}")});
    open_alone(f);
    fixture_fails(f, ERROR_SERVICE, "status 503");
    assert_int_equal(server_requests(f->server), 6);
    server_answer(f->server, &(struct server_answer){.match = METADATA, .times = 7, .status = 410});
    f->pause_count = 0;
    open_alone(f);
    fixture_fails(f, ERROR_AUTH, "status 410");
    double all = 0;
    for (size_t i = 0; i < f->pause_count; i++)
        all += f->pauses[i];
    assert_true(all >= 70); /* the service promises to be back within that */
    assert_int_equal(server_requests(f->server), 13);
}

static void a_machine_without_an_identity_is_passed_over_unless_one_was_named(void **state)
{
    struct fixture *f = *state;
    static const char refusal[] =
        "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}";
    use_machine(f);
    probe_is_answered(f);
    fixture_answer(f, METADATA, 400, refusal);
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_fails(f, ERROR_AUTH, "no credential is set up");
    assert_non_null(strstr(f->err.hint, "managed identity  this machine has no managed identity "
                                        "(status 400, invalid_request: Identity not found)"));
    probe_is_answered(f);
    fixture_answer(f, METADATA, 400, refusal);
    fixture_open(f, &(struct azure_credential_options){.managed_identity = CLIENT});
    fixture_fails(f, ERROR_AUTH, "Identity not found); asked for identity " CLIENT);
}

static void other_clouds_have_a_service_there_too_and_it_is_left_alone(void **state)
{
    struct fixture *f = *state;
    static const int statuses[] = {401, 403, 404, 200};
    use_machine(f);
    for (size_t i = 0; i < 4; i++) {
        fixture_answer(f, METADATA, statuses[i], "<html>");
        fixture_open(f, &(struct azure_credential_options){0});
        fixture_fails(f, ERROR_AUTH, "no credential is set up");
        assert_non_null(strstr(f->err.hint, "answers as Azure's machines do not"));
        assert_int_equal(server_requests(f->server), i + 1);
    }
    assert_int_equal(f->pause_count, 0);
}

static void nobody_there_is_passed_over_soon_but_not_when_it_was_chosen(void **state)
{
    struct fixture *f = *state;
    struct server *gone = server_new(NULL);
    char url[64];
    (void) snprintf(url, sizeof url, "%s", server_url(gone, ""));
    server_free(gone);
    fixture_set("AZURE_POD_IDENTITY_AUTHORITY_HOST", url);
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_fails(f, ERROR_AUTH, "no credential is set up");
    assert_non_null(strstr(f->err.hint, "does not answer"));
    assert_non_null(strstr(f->err.hint, url + 7));
    fixture_open(f, &(struct azure_credential_options){.sign_in = "managed"});
    fixture_fails(f, ERROR_NETWORK, "managed identity");
}

static void what_is_no_token_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"<html>", "{}", "{\"access_token\":\"a b\"}", ""};
    for (size_t i = 0; i < 4; i++) {
        fixture_answer(f, METADATA, 200, bodies[i]);
        open_alone(f);
        fixture_fails(f, ERROR_FORMAT, "sign-in failed");
    }
}

/* App Service ------------------------------------------------------------------------------------- */

static void app_service_is_asked_with_its_key(void **state)
{
    struct fixture *f = *state;
    fixture_set("IDENTITY_ENDPOINT", server_url(f->server, "/msi/token"));
    fixture_set("IDENTITY_HEADER", VALUE);
    fixture_answer(
        f, "GET /msi/token?", 200,
        "{\"access_token\":\"eyJ.app\",\"expires_on\":\"99999999999\",\"client_id\":\"x\"}");
    fixture_open(f, &(struct azure_credential_options){.managed_identity = RESOURCE});
    fixture_gets(f, "eyJ.app");
    const struct server_request *r = server_request(f->server, 0);
    assert_string_equal(r->path, "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2F"
                                 "api.loganalytics.io&mi_res_id=%2Fsubscriptions%2Fs%2F"
                                 "resourceGroups%2Fr%2Fproviders%2FMicrosoft.ManagedIdentity%2Fu");
    assert_true(str_eq(server_header(r, "X-IDENTITY-HEADER"), STR(VALUE)));
    fixture_gets(f, "eyJ.app");
    assert_int_equal(server_requests(f->server), 1);
}

static void the_older_form_has_names_of_its_own(void **state)
{
    struct fixture *f = *state;
    fixture_set("MSI_ENDPOINT", server_url(f->server, "/MSI/token"));
    fixture_set("MSI_SECRET", VALUE);
    fixture_answer(
        f, "GET /MSI/token?", 200,
        "{\"access_token\":\"eyJ.old\",\"expires_on\":\"09/14/2099 00:00:00 PM +00:00\"}");
    fixture_open(f, &(struct azure_credential_options){.managed_identity = CLIENT});
    fixture_gets(f, "eyJ.old");
    const struct server_request *r = server_request(f->server, 0);
    assert_string_equal(r->path, "/MSI/token?api-version=2017-09-01&resource=https%3A%2F%2F"
                                 "api.loganalytics.io&clientid=" CLIENT);
    assert_true(str_eq(server_header(r, "secret"), STR(VALUE)));
    fixture_gets(f, "eyJ.old"); /* its end was understood */
    assert_int_equal(server_requests(f->server), 1);
}

static void app_service_that_refuses_ends_the_search_and_its_key_is_not_shown(void **state)
{
    struct fixture *f = *state;
    fixture_set("IDENTITY_ENDPOINT", server_url(f->server, "/msi/token"));
    fixture_set("IDENTITY_HEADER", VALUE);
    fixture_answer(f, NULL, 401,
                   "{\"statusCode\":401,\"message\":\"No managed identity was found\"}");
    fixture_answer(f, NULL, 400, "{\"error\":\"x\",\"error_description\":\"you sent " VALUE "\"}");
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_fails(f, ERROR_AUTH, "status 401, No managed identity was found");
    fixture_fails(f, ERROR_AUTH, "status 400");
}

static void its_key_does_not_travel_to_another_machine_in_the_open(void **state)
{
    struct fixture *f = *state;
    fixture_set("IDENTITY_ENDPOINT", "http://192.0.2.1/msi/token");
    fixture_set("IDENTITY_HEADER", VALUE);
    fixture_open(f, &(struct azure_credential_options){0});
    fixture_fails(f, ERROR_SETTINGS, "https:// only");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_machine_gives_a_token),
        TEST(the_token_tells_which_identity_of_which_tenant),
        TEST(a_user_assigned_identity_is_asked_for_by_its_id),
        TEST(a_service_that_restarts_is_waited_for_as_it_asks),
        TEST(a_failing_service_gets_a_second_at_least_and_retry_after_is_obeyed),
        TEST(patience_ends_and_an_update_gets_more_of_it),
        TEST(a_machine_without_an_identity_is_passed_over_unless_one_was_named),
        TEST(other_clouds_have_a_service_there_too_and_it_is_left_alone),
        TEST(nobody_there_is_passed_over_soon_but_not_when_it_was_chosen),
        TEST(what_is_no_token_is_refused),
        TEST(app_service_is_asked_with_its_key),
        TEST(the_older_form_has_names_of_its_own),
        TEST(app_service_that_refuses_ends_the_search_and_its_key_is_not_shown),
        TEST(its_key_does_not_travel_to_another_machine_in_the_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
