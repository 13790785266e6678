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

static bool ask_once(struct fixture *f, bool impatient)
{
    struct workspace_table table = {0};
    struct workspace_ask_one one = {
        .kql = STR("T"), .max_rows = 10, .impatient = impatient, .table = &table};
    assert_true(workspace_ask_all(f->workspace, &one, 1, &f->err));
    assert_true(one.ok || one.error.code == ERROR_TIMEOUT);
    workspace_table_release(&table);
    return one.ok;
}

/* A small question that took too long is asked again; one that may be cut goes back to who cuts it. */
static void a_time_out_is_tried_again_unless_there_is_less_to_ask_for(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    fixture_answer(&f, 504, STR(""));
    assert_false(ask_once(&f, true));
    assert_int_equal(server_requests(f.server), 2);
    fixture_answer(&f, 504, STR(""));
    fixture_answer(&f, 200, STR(GOOD));
    assert_true(ask_once(&f, false));
    assert_int_equal(server_requests(f.server), 4);
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

/* Many at once ------------------------------------------------------------------------------------- */

enum { MANY = 200 };

/* The answer to a query is found by its text, which stands in the body; here all are alike. */
static void many_asks_share_the_pace_and_each_has_its_own_tries(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table tables[MANY];
    struct workspace_ask_one asks[MANY];
    struct workspace_load load;
    struct workspace_options options = {.rate = 10000, .rate_window = 1};
    fixture_open(&f, &options);
    fixture_sign_in(&f, 1);
    /* Two are cut, one is too large for good, and all others are whole. */
    server_answer(
        f.server,
        &(struct server_answer){
            .match = FIXTURE_QUERY, .times = 2, .body = STR(GOOD), .cut = true, .cut_at = 20});
    fixture_answer(&f, 500, STR("Maximum response size of 7 bytes exceeded"));
    server_answer(f.server, &(struct server_answer){
                                .match = FIXTURE_QUERY, .times = MANY - 1, .body = STR(GOOD)});
    for (size_t i = 0; i < MANY; i++)
        asks[i] = (struct workspace_ask_one){.kql = STR("T"), .max_rows = 2, .table = &tables[i]};
    assert_true(workspace_ask_all(f.workspace, asks, MANY, &f.err));
    size_t good = 0;
    for (size_t i = 0; i < MANY; i++) {
        good += asks[i].ok;
        assert_int_equal(tables[i].rows, asks[i].ok ? 2 : 0);
        assert_int_equal(asks[i].error.code, asks[i].ok ? ERROR_NONE : ERROR_TOO_LARGE);
        workspace_table_release(&tables[i]);
    }
    assert_int_equal(good, MANY - 1);
    assert_true(server_all_used(f.server));
    workspace_load(f.workspace, &load);
    assert_int_equal(load.retried, 2);
    assert_int_equal(load.running + load.queued, 0);
    assert_true(server_connections(f.server) <= WORKSPACE_CONCURRENT + 4); /* and those cut */
    fixture_close(&f);
}

static void a_stop_is_told_to_all_that_are_not_done(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table tables[MANY];
    struct workspace_ask_one asks[MANY];
    fixture_open(&f, NULL);
    stop_set(&f.stop, 2);
    for (size_t i = 0; i < MANY; i++)
        asks[i] = (struct workspace_ask_one){.kql = STR("T"), .table = &tables[i], .ok = true};
    assert_false(workspace_ask_all(f.workspace, asks, MANY, &f.err));
    assert_int_equal(f.err.code, ERROR_INTERRUPTED);
    for (size_t i = 0; i < MANY; i++) {
        assert_false(asks[i].ok);
        assert_int_equal(asks[i].error.code, ERROR_INTERRUPTED);
        assert_null(tables[i].cells);
    }
    fixture_close(&f);
}

static void nothing_to_ask_is_done_at_once(void **state)
{
    (void) state;
    struct fixture f;
    fixture_open(&f, NULL);
    assert_true(workspace_ask_all(f.workspace, NULL, 0, &f.err));
    assert_int_equal(server_requests(f.server), 0);
    fixture_close(&f);
}

/* Caches ------------------------------------------------------------------------------------------- */

static void answer_aged(struct fixture *f, unsigned times, const char *age)
{
    server_answer(f->server,
                  &(struct server_answer){
                      .match = FIXTURE_QUERY, .times = times, .headers = age, .body = STR(GOOD)});
}

static void an_answer_from_a_cache_is_asked_for_again(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    struct workspace_load load;
    struct workspace_ask_one one = {.kql = STR("T"), .max_rows = 2, .table = &table};
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    answer_aged(&f, 1, "Age: 100\r\n");
    answer_aged(&f, 1, "Age: 0\r\n");
    assert_true(workspace_ask_all(f.workspace, &one, 1, &f.err));
    assert_true(one.ok && one.age == 0);
    assert_true(server_all_used(f.server));
    workspace_load(f.workspace, &load);
    assert_int_equal(load.stale, 1);
    workspace_table_release(&table);
    fixture_close(&f);
}

static void a_cache_that_does_not_listen_is_told(void **state)
{
    (void) state;
    struct fixture f;
    struct workspace_table table;
    struct workspace_ask_one one = {.kql = STR("T"), .max_rows = 2, .table = &table};
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    answer_aged(&f, 1 + WORKSPACE_STALE_TRIES, "Age: 17\r\n");
    assert_true(workspace_ask_all(f.workspace, &one, 1, &f.err));
    assert_true(one.ok && one.age == 17);
    assert_true(server_all_used(f.server));
    workspace_table_release(&table);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_text_and_null_is_told_from_empty),
        cmocka_unit_test(what_broke_is_asked_again_and_none_of_it_stays),
        cmocka_unit_test(an_end_to_trying_is_the_last_error),
        cmocka_unit_test(what_no_try_can_mend_is_not_tried_again),
        cmocka_unit_test(a_time_out_is_tried_again_unless_there_is_less_to_ask_for),
        cmocka_unit_test(more_rows_than_asked_for_are_a_limit),
        cmocka_unit_test(a_stop_ends_asking),
        cmocka_unit_test(many_asks_share_the_pace_and_each_has_its_own_tries),
        cmocka_unit_test(a_stop_is_told_to_all_that_are_not_done),
        cmocka_unit_test(nothing_to_ask_is_done_at_once),
        cmocka_unit_test(an_answer_from_a_cache_is_asked_for_again),
        cmocka_unit_test(a_cache_that_does_not_listen_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
