/* The tables of a workspace. */
#include "fixture.h"

#define METADATA "/metadata"

static const char GOOD[] =
    "{\"tables\":[{\"id\":\"t/"
    "Heartbeat\",\"name\":\"Heartbeat\",\"timespanColumn\":\"TimeGenerated\","
    "\"columns\":[{\"name\":\"TimeGenerated\",\"type\":\"datetime\"},{\"name\":\"Computer\","
    "\"type\":"
    "\"string\",\"isPreferredFacet\":true},{\"name\":\"New\",\"type\":\"vector\"}]},"
    "{\"name\":\"Odd_CL\",\"columns\":[{\"name\":\"When\",\"type\":\"datetime\"}]},"
    "{\"name\":\"Event\",\"columns\":[{\"name\":\"TimeGenerated\",\"type\":\"datetime\"}]}],"
    "\"workspaces\":[{\"id\":\"8ECF8077-0000-4000-8000-000000000001\",\"name\":\"contoso-sec\","
    "\"region\":\"westeurope\",\"resourceId\":\"/subscriptions/s/resourceGroups/g\"}]}";

static void answer(struct fixture *f, int status, const char *body)
{
    server_answer(f->server, &(struct server_answer){
                                 .match = METADATA, .status = status, .body = str_of(body)});
}

static int set_up(void **state)
{
    static struct fixture f;
    fixture_open(&f, NULL);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_close(*state);
    return 0;
}

static void tables_have_columns_and_a_time(void **state)
{
    struct fixture *f = *state;
    struct workspace_schemas s;
    fixture_sign_in(f, 1);
    answer(f, 200, GOOD);
    assert_true(workspace_metadata(f->workspace, &s, &f->err));
    assert_int_equal(s.n, 3);
    assert_string_equal(s.name, "contoso-sec");
    assert_string_equal(s.region, "westeurope");
    assert_string_equal(s.resource_id, "/subscriptions/s/resourceGroups/g");
    const struct workspace_schema *heartbeat = workspace_schema_find(&s, "Heartbeat");
    assert_non_null(heartbeat);
    assert_string_equal(heartbeat->time_column, "TimeGenerated");
    assert_int_equal(heartbeat->columns.n, 3);
    assert_int_equal(heartbeat->columns.v[0].type, COLUMN_DATETIME);
    assert_null(workspace_schema_find(&s, "heartbeat"));
    assert_null(workspace_schema_find(&s, "Odd_CL")->time_column);
    assert_string_equal(workspace_schema_find(&s, "Event")->time_column, "TimeGenerated");
    const struct server_request *r = server_request(f->server, 1);
    assert_string_equal(r->method, "GET");
    assert_string_equal(r->path, "/v1/workspaces/" FIXTURE_ID "/metadata");
    assert_true(str_eq(server_header(r, "Authorization"), STR("Bearer eyJ.token.one")));
    workspace_schemas_release(&s);
}

static void a_refused_token_is_renewed(void **state)
{
    struct fixture *f = *state;
    struct workspace_schemas s;
    fixture_sign_in(f, 2 + WORKSPACE_TOKEN_RENEWALS);
    answer(f, 401, "{\"error\":{\"code\":\"InvalidTokenError\"}}");
    answer(f, 200, GOOD);
    assert_true(workspace_metadata(f->workspace, &s, &f->err));
    workspace_schemas_release(&s);
    for (int i = 0; i <= WORKSPACE_TOKEN_RENEWALS; i++)
        answer(f, 401, "{\"error\":{\"code\":\"InvalidTokenError\"}}");
    assert_false(workspace_metadata(f->workspace, &s, &f->err));
    assert_int_equal(f->err.code, ERROR_AUTH);
    assert_true(server_all_used(f->server));
}

static void refusals_and_garbage_have_their_codes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } cases[] = {
        {404, "{\"error\":{\"code\":\"PathNotFoundError\"}}", ERROR_NOT_FOUND},
        {403, "{\"error\":{\"code\":\"InsufficientAccessError\"}}", ERROR_AUTH},
        {204, "", ERROR_NOT_FOUND},
        {200, "<html>", ERROR_FORMAT},
        {200, "{}", ERROR_FORMAT},
        {200, "", ERROR_FORMAT},
        {200, "{\"tables\":[{}]}", ERROR_FORMAT},
        {200, "{\"tables\":[7]}", ERROR_FORMAT},
        {200, "{\"tables\":[{\"name\":\"T\",\"columns\":[{}]}]}", ERROR_FORMAT},
    };
    fixture_sign_in(f, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct workspace_schemas s;
        struct error err = ERROR_INIT;
        answer(f, cases[i].status, cases[i].body);
        assert_false(workspace_metadata(f->workspace, &s, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(s.n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_have_columns_and_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_token_is_renewed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_garbage_have_their_codes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
