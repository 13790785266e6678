/* Exports of what a search job found or a restore brought back: rows, ledger and schema are those of the table. */
#include "played.h"

#include "lake/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 500 };

static void must(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->message);
}

static void begin(struct played *played, uint64_t seed, const char *relation)
{
    played_begin(played, seed, ROWS);
    played->options.source.relation = relation;
    for (size_t i = 0; i < ROWS; i++) /* the job wrote them a moment ago */
        played->fake.rows[i].ingested = INT64_MAX;
}

static void assert_all_verified(struct played *played)
{
    assert_int_equal(played->report.failed_count, 0);
    assert_int_equal(played->report.rows_verified, ROWS);
    assert_int_equal(played->report.verdicts[EXPORT_VERDICT_OK], played->report.partitions);
    played_assert_whole(played);
}

static void rows_of_a_search_job_are_those_of_the_table(void **state)
{
    (void) state;
    static const char *const relations[] = {"T_SRCH", "T_RST"};
    for (size_t i = 0; i < 2; i++) {
        struct played played;
        struct error err = ERROR_INIT;
        begin(&played, 1 + i, relations[i]);
        played.fake.max_rows = 60;
        must(played_run(&played, &err), &err);
        assert_all_verified(&played);
        assert_int_equal(played.report.proof, LAKE_PROOF_SUM);
        must(played_run(&played, &err), &err);
        assert_int_equal(played.report.skipped, played.report.partitions);
        played_end(&played);
    }
}

static void the_schema_has_no_column_of_the_job(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    struct lake_schema schema;
    begin(&played, 3, "T_SRCH");
    must(played_run(&played, &err), &err);
    must(lake_schema_read(played.store, &played_place, &schema, &err), &err);
    assert_int_equal(schema.columns.n, 3);
    assert_null(schema.query);
    lake_schema_release(&schema);
    played_end(&played);
}

static void a_table_that_answers_nothing_itself_is_no_hindrance(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 4, "T_SRCH");
    played.fake.only_jobs = true;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, ROWS);
    played_end(&played);
}

static void ranges_of_several_jobs_make_one_ledger(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 5, "T_SRCH");
    int64_t from = played.options.source.from, to = played.options.source.to;
    for (int64_t tick = from; tick < to; tick += TICK_HOUR) {
        played.options.source.from = tick;
        played.options.source.to = tick + TICK_HOUR;
        must(played_run(&played, &err), &err);
        assert_int_equal(played.report.failed_count, 0);
    }
    played.options.source.from = from;
    played.options.source.to = to;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.skipped, played.report.partitions);
    assert_all_verified(&played);
    played_end(&played);
}

static void a_partial_job_is_written_and_not_verified(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 6, "T_SRCH");
    int64_t from = played.options.source.from;
    played.fake.job_to = from + TICK_HOUR;
    played.options.source.relation_partial = true;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.failed_count, played.report.partitions);
    assert_non_null(strstr(played.report.failed[0].reasons, "partial success"));
    assert_int_equal(played.report.rows_verified, 0);
    assert_true(played.report.rows > 0);
    /* The next one has them all. */
    played.fake.job_to = 0;
    played.options.source.relation_partial = false;
    must(played_run(&played, &err), &err);
    assert_all_verified(&played);
    played_end(&played);
}

/* An export of the table itself found nothing, since its interactive retention had passed. */
static void a_line_of_what_aged_out_is_in_no_jobs_way(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 8, NULL);
    played.fake.now = played.options.source.to + 100 * TICK_DAY;
    played.fake.facts =
        (struct workspace_facts){.known = true, .retention_days = 90, .total_retention_days = 365};
    played.fake.count = 0;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_AGED_OUT], played.report.partitions);
    played.fake.count = ROWS;
    played.options.source.relation = "T_SRCH";
    must(played_run(&played, &err), &err);
    assert_all_verified(&played);
    played.options.source.relation = NULL; /* and stays */
    played.fake.count = 0;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.skipped, played.report.partitions);
    played.fake.count = ROWS;
    played_assert_whole(&played);
    played_end(&played);
}

static void a_relation_that_is_not_there_leaves_no_trace(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin(&played, 7, "T_GONE");
    played.fake.only_jobs = true;
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_SERVICE);
    assert_int_equal(folder_files(played.folder.path), 0);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_search_job_are_those_of_the_table),
        cmocka_unit_test(the_schema_has_no_column_of_the_job),
        cmocka_unit_test(a_table_that_answers_nothing_itself_is_no_hindrance),
        cmocka_unit_test(ranges_of_several_jobs_make_one_ledger),
        cmocka_unit_test(a_partial_job_is_written_and_not_verified),
        cmocka_unit_test(a_line_of_what_aged_out_is_in_no_jobs_way),
        cmocka_unit_test(a_relation_that_is_not_there_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
