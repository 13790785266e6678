/* Explanations: one line for each source, and what is said of the token's tenant. */
#include "fixture.h"

#include <stdio.h>

#define TOKEN_PATH "/" TENANT "/oauth2/v2.0/token"
#define OTHER "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

static void note(void *context, const struct azure_told *told)
{
    struct fixture *f = context;
    buf_printf(&f->told, "%s %s: %s\n",
               told->used     ? "*"
               : told->failed ? "!"
                              : "-",
               told->name, told->what);
}

static const char *explain(struct fixture *f)
{
    buf_reset(&f->told);
    error_clear(&f->err);
    if (!azure_credential_explain(f->credential, AUDIENCE, note, f, &f->err))
        fail_msg("%s", f->err.message);
    return buf_text(&f->told);
}

static void each_source_has_a_line_and_one_is_used(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", CLIENT);
    fixture_set("AZURE_CLIENT_SECRET", VALUE);
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    static const char wanted[] =
        "- settings: tenant is given, client-id and client-secret are not\n"
        "* environment: application " CLIENT " of tenant " TENANT "\n"
        "- workload identity: AZURE_FEDERATED_TOKEN_FILE is not set\n"
        "- managed identity: the metadata service of a machine in Azure, at http://127.0.0.1:9 "
        "(not "
        "asked)\n"
        "- Azure CLI: az is not in PATH\n"
        "- device code: nobody is at a terminal to type it in\n";
    assert_string_equal(explain(f), wanted);
    assert_string_equal(explain(f), wanted); /* again, and nobody is asked again */
    assert_int_equal(server_requests(f->server), 1);
}

static void after_a_token_is_there_nobody_is_asked_to_explain(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, TOKEN_PATH, 200, TOKEN_ANSWER);
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT,
                                                       .client_id = CLIENT,
                                                       .client_secret = "env:WEIR_TEST_SECRET"});
    fixture_gets(f, "eyJ.one");
    assert_non_null(strstr(explain(f), "* settings: application " CLIENT));
    assert_int_equal(server_requests(f->server), 1);
}

static void one_that_fails_is_told_and_the_others_are_not_asked(void **state)
{
    struct fixture *f = *state;
    fixture_set("AZURE_TENANT_ID", TENANT);
    fixture_set("AZURE_CLIENT_ID", CLIENT);
    fixture_set("AZURE_CLIENT_SECRET", VALUE);
    fixture_answer(f, TOKEN_PATH, 401,
                   "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid "
                   "client secret provided.\"}");
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    const char *text = explain(f);
    assert_non_null(strstr(text, "! environment: AADSTS7000215: Invalid client secret provided. "
                                 "(status 401); the client secret is wrong"));
    assert_null(strstr(text, "*"));
    assert_null(strstr(text, "hunter2"));
}

static void a_token_of_another_tenant_is_said_to_be_so(void **state)
{
    struct fixture *f = *state;
    char body[2048];
    (void) snprintf(
        body, sizeof body, "{\"access_token\":\"%s\",\"expires_on\":\"99999999999\"}",
        fixture_token("{\"oid\":\"" OBJECT "\",\"tid\":\"" OTHER "\",\"appid\":\"" CLIENT "\"}"));
    fixture_set("IDENTITY_ENDPOINT", server_url(f->server, "/msi/token"));
    fixture_set("IDENTITY_HEADER", "key");
    fixture_answer(f, "/msi/token", 200, body);
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    assert_non_null(strstr(explain(f),
                           "* managed identity: managed identity " CLIENT " of tenant " OTHER
                           "; the token is of tenant " OTHER ", the workspace's is " TENANT));
    struct azure_who who;
    assert_true(azure_credential_who(f->credential, AUDIENCE, &who, &f->err));
    assert_string_equal(who.tenant, OTHER);
    assert_string_equal(who.object, OBJECT);
}

static void told(void *context, const char *line)
{
    (void) line;
    (*(int *) context)++;
}

static void nobody_is_asked_for_a_code_only_to_explain(void **state)
{
    struct fixture *f = *state;
    int lines = 0;
    fixture_open(
        f, &(struct azure_credential_options){.tenant = TENANT, .tell = told, .context = &lines});
    assert_non_null(strstr(explain(f), "- device code: a browser and a code, for tenant " TENANT
                                       " (not asked)\n"));
    assert_int_equal(lines, 0);
    assert_int_equal(server_requests(f->server), 0);
}

static void what_sign_in_leaves_out_says_so(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT, .sign_in = "cli"});
    const char *text = explain(f);
    assert_non_null(strstr(text, "- settings: not asked: sign-in is 'cli'\n"));
    assert_non_null(strstr(text, "- Azure CLI: az is not in PATH\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_source_has_a_line_and_one_is_used),
        TEST(after_a_token_is_there_nobody_is_asked_to_explain),
        TEST(one_that_fails_is_told_and_the_others_are_not_asked),
        TEST(a_token_of_another_tenant_is_said_to_be_so),
        TEST(nobody_is_asked_for_a_code_only_to_explain),
        TEST(what_sign_in_leaves_out_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
