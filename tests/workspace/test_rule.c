/* Data export rules: which one is of a table, and what is said when there is none. */
#include "fixture.h"

#include "workspace/rule.h"

#define RESOURCE                                                                                   \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
#define RULES "GET " RESOURCE "/dataExports"
#define ACCOUNT(name)                                                                              \
    "{\"resourceId\":\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/"             \
    "storageAccounts/" name "\",\"type\":\"StorageAccount\"}"
#define RULE(name, tables, account, enable, created)                                               \
    "{\"name\":\"" name "\",\"properties\":{\"tableNames\":[" tables "],\"destination\":" account  \
    ",\"enable\":" enable ",\"createdDate\":\"" created "\"}}"

struct rule_fixture {
    struct fixture f;
    struct workspace *asked;
    struct workspace_rule rule;
};

static struct workspace *open_workspace(struct fixture *f, const char *management)
{
    struct workspace_options options = {.endpoint = server_url(f->server, ""),
                                        .audience = "https://api.loganalytics.io",
                                        .id = FIXTURE_ID,
                                        .http = f->http,
                                        .credential = f->credential,
                                        .management = management,
                                        .management_audience = "https://management.azure.com",
                                        .resource_id = RESOURCE};
    struct workspace *w = workspace_new(&options, &f->err);
    assert_non_null(w);
    return w;
}

static int set_up(void **state)
{
    static struct rule_fixture f;
    f = (struct rule_fixture){0};
    fixture_open(&f.f, NULL);
    fixture_sign_in(&f.f, 2);
    f.asked = open_workspace(&f.f, server_url(f.f.server, ""));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct rule_fixture *f = *state;
    workspace_free(f->asked);
    fixture_close(&f->f);
    return 0;
}

static void ask(struct rule_fixture *f, int status, const char *body)
{
    server_answer(f->f.server,
                  &(struct server_answer){.match = RULES, .status = status, .body = str_of(body)});
    assert_true(workspace_rule(f->asked, "SecurityEvent", &f->rule, &f->f.err));
}

static int64_t tick_of(const char *text)
{
    int64_t tick = 0;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void the_rule_of_a_table_is_found(void **state)
{
    struct rule_fixture *f = *state;
    ask(f, 200,
        "{\"value\":[" RULE("other", "\"Syslog\"", ACCOUNT("acct0"), "true",
                            "2021-01-01T00:00:00Z") "," RULE("mine",
                                                             "\"Heartbeat\",\"securityevent\"",
                                                             ACCOUNT("acct1"), "true",
                                                             "2021-11-07T03:05:12.1234567Z") "]}");
    assert_true(f->rule.found && f->rule.enabled);
    assert_string_equal(f->rule.name, "mine");
    assert_string_equal(f->rule.account, "acct1");
    assert_true(f->rule.created == tick_of("2021-11-07T03:05:12.1234567Z"));
    assert_string_equal(server_request(f->f.server, 1)->path,
                        RESOURCE "/dataExports?api-version=2020-08-01");
}

static void an_enabled_rule_counts_before_the_oldest(void **state)
{
    struct rule_fixture *f = *state;
    ask(f, 200,
        "{\"value\":[" RULE(
            "off", "\"SecurityEvent\"", ACCOUNT("a"), "false",
            "2020-01-01T00:00:00Z") "," RULE("late", "\"SecurityEvent\"", ACCOUNT("b"), "true",
                                             "2022-01-01T00:00:00Z") "," RULE("first",
                                                                              "\"SecurityEvent\"",
                                                                              ACCOUNT("c"), "true",
                                                                              "2021-01-01T00:00:"
                                                                              "00Z") "]}");
    assert_string_equal(f->rule.name, "first");
}

static void event_hubs_and_other_tables_are_no_rule_of_it(void **state)
{
    struct rule_fixture *f = *state;
    ask(f, 200,
        "{\"value\":[" RULE("hub", "\"SecurityEvent\"",
                            "{\"resourceId\":\"/subscriptions/s/resourceGroups/g/providers/"
                            "Microsoft.EventHub/namespaces/n\",\"type\":\"EventHub\"}",
                            "true", "2021-01-01T00:00:00Z") "," RULE("other", "\"SecurityEvents\"",
                                                                     ACCOUNT("a"), "true",
                                                                     "2021-01-01T00:00:00Z") "]}");
    assert_false(f->rule.found);
    assert_non_null(strstr(f->rule.why, "none of the workspace's 2 data export rules"));
}

static void no_rule_no_right_and_no_endpoint_are_answers(void **state)
{
    struct rule_fixture *f = *state;
    ask(f, 200, "{\"value\":[]}");
    assert_false(f->rule.found);
    assert_non_null(strstr(f->rule.why, "no data export rule"));
    ask(f, 403, "{\"error\":{\"code\":\"AuthorizationFailed\"}}");
    assert_false(f->rule.found);
    assert_non_null(strstr(f->rule.why, "AuthorizationFailed"));
    struct workspace *none = open_workspace(&f->f, NULL);
    assert_true(workspace_rule(none, "SecurityEvent", &f->rule, &f->f.err));
    assert_false(f->rule.found);
    assert_non_null(strstr(f->rule.why, "Resource Manager"));
    workspace_free(none);
}

static void strange_answers_are_no_rule(void **state)
{
    static const char *const bodies[] = {
        "{}", "{\"value\":7}", "{\"value\":[null,1,\"x\",{\"properties\":[]}]}",
        "{\"value\":[{\"name\":5,\"properties\":{\"tableNames\":{\"a\":1},\"destination\":[]}}]}"};
    struct rule_fixture *f = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        ask(f, 200, bodies[i]);
        assert_false(f->rule.found);
        assert_true(f->rule.why[0] != '\0');
    }
    ask(f, 200,
        "{\"value\":[{\"properties\":{\"tableNames\":[\"SecurityEvent\"],\"createdDate\":"
        "\"yesterday\",\"destination\":{\"resourceId\":\"/x/storageAccounts/acct/y\"}}}]}");
    assert_true(f->rule.found && !f->rule.enabled && f->rule.created == 0);
    assert_string_equal(f->rule.account, "acct");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_rule_of_a_table_is_found),
        TEST(an_enabled_rule_counts_before_the_oldest),
        TEST(event_hubs_and_other_tables_are_no_rule_of_it),
        TEST(no_rule_no_right_and_no_endpoint_are_answers),
        TEST(strange_answers_are_no_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
