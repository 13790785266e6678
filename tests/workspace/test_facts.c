/* Plan, retention and conditions: what Resource Manager says, and what is said when it does not. */
#include "fixture.h"

#include "base/memory.h"

#define RESOURCE                                                                                   \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
#define TABLES "GET " RESOURCE "/tables/"
#define ROLES "GET " RESOURCE "/providers/Microsoft.Authorization/roleAssignments?"
#define OID "0f0e0d0c-0b0a-4908-8706-050403020100"
/* {"oid":"0f0e0d0c-0b0a-4908-8706-050403020100"} in base64url */
#define OID_TOKEN "e.eyJvaWQiOiIwZjBlMGQwYy0wYjBhLTQ5MDgtODcwNi0wNTA0MDMwMjAxMDAifQ.s"
#define NO_ROWS                                                                                    \
    "\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"A\",\"type\":\"long\"}],"    \
    "\"rows\":[]}]"

struct facts_fixture {
    struct fixture f;
    struct workspace *asked; /* one that knows Resource Manager */
    char why[WORKSPACE_WHY_MAX];
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
                                        .resource_id = RESOURCE "/"};
    struct workspace *w = workspace_new(&options, &f->err);
    assert_non_null(w);
    return w;
}

static int set_up(void **state)
{
    static struct facts_fixture f;
    f = (struct facts_fixture){0};
    fixture_open(&f.f, NULL);
    server_answer(f.f.server,
                  &(struct server_answer){
                      .match = FIXTURE_SIGN_IN,
                      .times = 2,
                      .body = STR("{\"expires_in\":3599,\"access_token\":\"" OID_TOKEN "\"}")});
    f.asked = open_workspace(&f.f, server_url(f.f.server, ""));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct facts_fixture *f = *state;
    workspace_free(f->asked);
    fixture_close(&f->f);
    return 0;
}

static void answer(struct facts_fixture *f, const char *match, int status, const char *body)
{
    server_answer(f->f.server,
                  &(struct server_answer){.match = match, .status = status, .body = str_of(body)});
}

/* Plan and retention ------------------------------------------------------------------------------- */

static void plan_and_retention_are_read(void **state)
{
    struct facts_fixture *f = *state;
    struct workspace_facts facts;
    answer(f, TABLES, 200,
           "{\"name\":\"T_CL\",\"properties\":{\"plan\":\"Auxiliary\",\"retentionInDays\":30,"
           "\"totalRetentionInDays\":4383,\"provisioningState\":\"Succeeded\"}}");
    assert_true(workspace_facts(f->asked, "T_CL", &facts, &f->f.err));
    assert_true(facts.known);
    assert_int_equal(facts.plan, WORKSPACE_PLAN_AUXILIARY);
    assert_int_equal(facts.retention_days, 30);
    assert_int_equal(facts.total_retention_days, 4383);
    assert_string_equal(server_request(f->f.server, 1)->path,
                        RESOURCE "/tables/T_CL?api-version=2022-10-01");
}

static void what_is_not_told_is_unknown_and_not_guessed(void **state)
{
    struct facts_fixture *f = *state;
    struct workspace_facts facts;
    answer(f, TABLES, 200,
           "{\"properties\":{\"plan\":\"Glacier\",\"retentionInDays\":-1,"
           "\"totalRetentionInDays\":\"90\"}}");
    assert_true(workspace_facts(f->asked, "T", &facts, &f->f.err));
    assert_true(facts.known);
    assert_int_equal(facts.plan, WORKSPACE_PLAN_UNKNOWN);
    assert_int_equal(facts.retention_days, 0);
    assert_int_equal(facts.total_retention_days, 0);
    answer(f, TABLES, 200, "{}");
    assert_true(workspace_facts(f->asked, "T", &facts, &f->f.err));
    assert_false(facts.known);
    assert_true(facts.why[0] != '\0');
}

static void lack_of_rights_or_of_a_table_is_an_answer(void **state)
{
    struct facts_fixture *f = *state;
    struct workspace_facts facts;
    static const struct {
        int status;
        const char *body, *why;
    } cases[] = {
        {403, "{\"error\":{\"code\":\"AuthorizationFailed\"}}", "AuthorizationFailed"},
        {404, "{\"error\":{\"code\":\"ResourceNotFound\"}}", "ResourceNotFound"},
        {400, "{\"error\":{\"code\":\"InvalidApiVersion\"}}", "InvalidApiVersion"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer(f, TABLES, cases[i].status, cases[i].body);
        assert_true(workspace_facts(f->asked, "T", &facts, &f->f.err));
        assert_false(facts.known);
        assert_int_equal(facts.plan, WORKSPACE_PLAN_UNKNOWN);
        assert_non_null(strstr(facts.why, cases[i].why));
    }
    assert_int_equal(f->f.err.code, ERROR_NONE);
}

static void without_an_endpoint_nothing_is_asked(void **state)
{
    struct facts_fixture *f = *state;
    struct workspace_facts facts;
    assert_true(workspace_facts(f->f.workspace, "T", &facts, &f->f.err));
    assert_false(facts.known);
    assert_non_null(strstr(facts.why, "management-endpoint"));
    assert_int_equal(server_requests(f->f.server), 0);
    struct workspace *away = open_workspace(&f->f, "http://192.0.2.1");
    assert_true(workspace_facts(away, "T", &facts, &f->f.err)); /* a token does not go there */
    assert_false(facts.known);
    assert_non_null(strstr(facts.why, "https://"));
    workspace_free(away);
}

static void a_stop_is_an_error(void **state)
{
    struct facts_fixture *f = *state;
    struct workspace_facts facts;
    stop_set(&f->f.stop, 2);
    assert_false(workspace_facts(f->asked, "T", &facts, &f->f.err));
    assert_int_equal(f->f.err.code, ERROR_INTERRUPTED);
    stop_set(&f->f.stop, 0);
}

/* Conditions --------------------------------------------------------------------------------------- */

static enum workspace_condition ask(struct facts_fixture *f, const char *table)
{
    enum workspace_condition condition = WORKSPACE_CONDITION_SOME;
    error_clear(&f->f.err);
    assert_true(workspace_conditions(f->asked, table, &condition, f->why, &f->f.err));
    return condition;
}

static void answer_query(struct facts_fixture *f, const char *permissions)
{
    struct buf body = BUF_INIT(4000);
    buf_printf(&body, "{%s%s}", permissions, NO_ROWS);
    server_answer(f->f.server,
                  &(struct server_answer){.match = FIXTURE_QUERY, .body = buf_str(&body)});
    buf_release(&body);
}

static void assignments_without_a_condition_show_all_rows(void **state)
{
    struct facts_fixture *f = *state;
    answer_query(f, "\"permissions\":{\"resources\":[{\"denyTables\":[\"Other\"]}]},");
    answer(
        f, ROLES, 200,
        "{\"value\":[{\"properties\":{\"condition\":null}},{\"properties\":{\"condition\":\"\"}},"
        "{\"properties\":{}}]}");
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_NONE);
    assert_string_equal(f->why, "");
    const struct server_request *query = server_request(f->f.server, 3);
    assert_non_null(strstr(query->body.p, "[\\\"T\\\"]\\n| take 0"));
    assert_true(str_eq(server_header(query, "Prefer"), STR("wait=180,include-permissions=true")));
    assert_string_equal(server_request(f->f.server, 1)->path,
                        RESOURCE "/providers/Microsoft.Authorization/roleAssignments"
                                 "?$filter=assignedTo('" OID "')&api-version=2022-04-01");
    assert_true(server_all_used(f->f.server));
}

static void a_condition_on_any_page_is_some(void **state)
{
    struct facts_fixture *f = *state;
    struct buf first = BUF_INIT(4000);
    buf_printf(&first, "{\"value\":[{\"properties\":{}}],\"nextLink\":\"%s\"}",
               server_url(f->f.server, RESOURCE "/providers/Microsoft.Authorization/"
                                                "roleAssignments?api-version=x&$skipToken=2"));
    answer(f, ROLES "$filter", 200, buf_text(&first));
    answer(f, ROLES "api-version=x&$skipToken=2", 200,
           "{\"value\":[{\"properties\":{\"condition\":\"@Resource[...] StringEquals 'a'\"}}]}");
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_SOME);
    assert_string_equal(f->why, "1 of 2 role assignments of this identity have a condition");
    assert_int_equal(server_requests(f->f.server), 3); /* a token, two pages, and no query */
    buf_release(&first);
}

static void a_denied_table_is_some_wherever_it_is_listed(void **state)
{
    struct facts_fixture *f = *state;
    static const char *const forms[] = {
        "\"permissions\":{\"resources\":[{\"denyTables\":[\"A\",\"t\"]}]},",
        "\"permissions\":{\"resources\":[{},{\"dataSources\":[{\"denyTables\":[\"T\"]}]}]},",
        "\"permissions\":{\"dataSources\":[{\"resourceId\":\"r\",\"denyTables\":[\"T\"]}]},",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        answer_query(f, forms[i]);
        assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_SOME);
        assert_non_null(strstr(f->why, "may not read"));
    }
}

static void what_cannot_be_read_is_unknown(void **state)
{
    struct facts_fixture *f = *state;
    answer_query(f, "");
    answer(f, ROLES, 403, "{\"error\":{\"code\":\"AuthorizationFailed\"}}");
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_UNKNOWN);
    assert_non_null(strstr(f->why, "AuthorizationFailed"));
    answer_query(f, "");
    answer(f, ROLES, 200, "{\"value\":[]}");
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_UNKNOWN);
    assert_true(f->why[0] != '\0');
    answer_query(f, "");
    answer(f, ROLES, 200, "{\"value\":[{}],\"nextLink\":\"https://evil.example/\"}");
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_UNKNOWN);
    answer(f, ROLES, 200, "{\"value\":[{}]}");
    answer(f, FIXTURE_QUERY, 403, "{\"error\":{\"code\":\"InsufficientAccessError\"}}");
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_UNKNOWN);
    assert_non_null(strstr(f->why, "InsufficientAccessError"));
    assert_true(server_all_used(f->f.server));
}

static void permissions_that_are_too_many_are_unknown(void **state)
{
    struct facts_fixture *f = *state;
    struct buf body = BUF_INIT(4u << 20);
    buf_puts(&body, "{\"permissions\":{\"resources\":[{\"denyTables\":[");
    for (int i = 0; i < 100000; i++)
        buf_printf(&body, "\"Table%d_CL\",", i);
    buf_puts(&body, "\"T\"]}]}," NO_ROWS "}");
    server_answer(f->f.server,
                  &(struct server_answer){.match = FIXTURE_QUERY, .body = buf_str(&body)});
    assert_int_equal(ask(f, "T"), WORKSPACE_CONDITION_UNKNOWN);
    assert_non_null(strstr(f->why, "too long"));
    buf_release(&body);
}

static void a_table_of_the_other_endpoint_is_asked_there(void **state)
{
    struct facts_fixture *f = *state;
    answer(f, FIXTURE_QUERY, 400, "{\"error\":{\"code\":\"SemanticError\"}}");
    answer(f, "/search?timespan=PT1M", 200, "{" NO_ROWS "}");
    answer(f, ROLES, 200, "{\"value\":[{}]}");
    assert_int_equal(ask(f, "Basic_CL"), WORKSPACE_CONDITION_NONE);
    assert_true(server_all_used(f->f.server));
}

static void a_name_cannot_leave_its_brackets(void **state)
{
    struct facts_fixture *f = *state;
    answer_query(f, "");
    answer(f, ROLES, 200, "{\"value\":[{}]}");
    (void) ask(f, "T\"] | union *");
    assert_non_null(strstr(server_request(f->f.server, 3)->body.p,
                           "[\\\"T\\\\\\\"] | union *\\\"]\\n| take 0"));
}

static void each_allocation_may_fail(void **state)
{
    struct facts_fixture *f = *state;
    fixture_sign_in(&f->f, 1000);
    server_answer(f->f.server, &(struct server_answer){
                                   .match = ROLES, .times = 1000, .body = STR("{\"value\":[{}]}")});
    server_answer(f->f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                       .times = 1000,
                                                       .body = STR("{" NO_ROWS "}")});
    (void) ask(f, "T");
    unsigned failed = 0, none = 0;
    for (uint64_t n = 1; n < 120; n++) {
        enum workspace_condition condition;
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        bool ok = workspace_conditions(f->asked, "T", &condition, f->why, &err);
        mem_fail_at(0);
        assert_true(ok || err.code == ERROR_MEMORY);
        failed += !ok;
        none += ok && condition == WORKSPACE_CONDITION_NONE;
    }
    assert_true(none > 20);
    assert_true(failed > 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(plan_and_retention_are_read),
        TEST(what_is_not_told_is_unknown_and_not_guessed),
        TEST(lack_of_rights_or_of_a_table_is_an_answer),
        TEST(without_an_endpoint_nothing_is_asked),
        TEST(a_stop_is_an_error),
        TEST(assignments_without_a_condition_show_all_rows),
        TEST(a_condition_on_any_page_is_some),
        TEST(a_denied_table_is_some_wherever_it_is_listed),
        TEST(what_cannot_be_read_is_unknown),
        TEST(permissions_that_are_too_many_are_unknown),
        TEST(a_table_of_the_other_endpoint_is_asked_there),
        TEST(a_name_cannot_leave_its_brackets),
        TEST(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
