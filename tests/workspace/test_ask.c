/* Asking for a whole small answer, and what is tried again. */
#include "fixture.h"

#define GOOD                                                                                       \
    "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"S\",\"type\":\"string\"},"  \
    "{\"name\":\"N\",\"type\":\"long\"},{\"name\":\"D\",\"type\":\"dynamic\"}],\"rows\":["         \
    "[\"a\\u00e4\\n\",9223372036854775807,{\"a\": [1]}],[\"\",null,null]]}]}"

static bool ask(struct fixture *f, struct workspace_table *table)
{
    error_clear(&f->err);
    return workspace_ask(f->workspace, STR("T"), NULL, 2, table, &f->err);
}

static void cells_are_text_and_null_is_told_from_empty(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    fixture_answer(&f, 200, STR(GOOD));
    assert_true(ask(&f, &table));
    assert_int_equal(table.rows, 2);
    assert_int_equal(table.columns.n, 3);
    assert_true(str_eq(workspace_cell(&table, 0, "S")->text, STR("a\xC3\xA4\n")));
    assert_true(str_eq(workspace_cell(&table, 0, "N")->text, STR("9223372036854775807")));
    assert_true(str_eq(workspace_cell(&table, 0, "D")->text, STR("{\"a\": [1]}")));
    assert_false(workspace_cell(&table, 1, "S")->null);
    assert_int_equal(workspace_cell(&table, 1, "S")->text.n, 0);
    assert_true(workspace_cell(&table, 1, "N")->null);
    assert_null(workspace_cell(&table, 2, "S"));
    assert_null(workspace_cell(&table, 0, "s"));
    workspace_table_release(&table);
    fixture_close(&f);
}

static void what_broke_is_asked_again_and_none_of_it_stays(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    struct workspace_load load;
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .body = STR(GOOD),
                                                    .cut = true,
                                                    .cut_at = sizeof GOOD - 3});
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .status = 429,
                                                    .headers = "Retry-After: 0\r\n"});
    fixture_answer(&f, 200, STR(GOOD));
    assert_true(ask(&f, &table));
    assert_int_equal(table.rows, 2);
    assert_true(server_all_used(f.server));
    workspace_load(f.workspace, &load);
    assert_int_equal(load.retried, 2);
    assert_int_equal(load.throttled, 1);
    workspace_table_release(&table);
    fixture_close(&f);
}

static void an_end_to_trying_is_the_last_error(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .times = WORKSPACE_ASK_TRIES,
                                                    .status = 429,
                                                    .headers = "Retry-After: 0\r\n"});
    assert_false(ask(&f, &table));
    assert_int_equal(f.err.code, ERROR_THROTTLED);
    assert_true(server_all_used(f.server));
    assert_null(table.cells);
    fixture_close(&f);
}

static void what_no_try_can_mend_is_not_tried_again(void **state)
{
    (void) state;
    static const struct {
        int status;
        const char *body;
        enum error_code code;
    } cases[] = {
        {400, "{\"error\":{\"code\":\"SyntaxError\",\"message\":\"m\"}}", ERROR_KQL},
        {404, "", ERROR_NOT_FOUND},
        {504, "", ERROR_TIMEOUT},
        {500, "Maximum response size of 7 bytes exceeded", ERROR_TOO_LARGE},
        {200, "<html>", ERROR_FORMAT},
        {403, "{\"error\":{\"code\":\"InsufficientAccessError\"}}", ERROR_AUTH},
    };
    struct fixture f;
    struct workspace_table table;
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_answer(&f, cases[i].status, str_of(cases[i].body));
        assert_false(ask(&f, &table));
        assert_int_equal(f.err.code, cases[i].code);
        assert_int_equal(server_requests(f.server), i + 2);
    }
    fixture_close(&f);
}

static void more_rows_than_asked_for_are_a_limit(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    fixture_answer(&f, 200, STR(GOOD));
    assert_false(workspace_ask(f.workspace, STR("T"), NULL, 1, &table, &f.err));
    assert_int_equal(f.err.code, ERROR_LIMIT);
    assert_int_equal(server_requests(f.server), 2);
    fixture_close(&f);
}

static void a_stop_ends_asking(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    fixture_open(&f, NULL);
    stop_set(&f.stop, 2);
    assert_false(ask(&f, &table));
    assert_int_equal(f.err.code, ERROR_INTERRUPTED);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_text_and_null_is_told_from_empty),
        cmocka_unit_test(what_broke_is_asked_again_and_none_of_it_stays),
        cmocka_unit_test(an_end_to_trying_is_the_last_error),
        cmocka_unit_test(what_no_try_can_mend_is_not_tried_again),
        cmocka_unit_test(more_rows_than_asked_for_are_a_limit),
        cmocka_unit_test(a_stop_ends_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
