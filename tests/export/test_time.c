/* What time does to a workspace: rows come late, age out, are purged. The lake gains what came and loses nothing. */
#include "played.h"

#include "lake/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t tick_of(const char *text)
{
    int64_t tick = 0;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void must(bool ok, const struct error *err)
{
    if (!ok)
        fail_msg("%s", err->message);
}

/* An hour after the range; every tenth row is ingested a day later. */
static void begin_with_late_rows(struct played *played, size_t rows)
{
    played_begin(played, 21, rows);
    played->fake.now = tick_of("2021-11-07T04:00:00Z");
    for (size_t i = 0; i < rows; i += 10)
        played->fake.rows[i].ingested = tick_of("2021-11-08T04:00:00Z");
}

static void late_rows_are_fetched_by_the_next_run(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin_with_late_rows(&played, 500);
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.rows_verified, 450);
    assert_int_equal(played.report.late_rows, 0);

    played.fake.now = tick_of("2021-11-09T00:00:00Z");
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, 500);
    assert_true(played.report.late_rows > 0 && played.report.late_rows <= 50);
    assert_int_equal(played.report.late_listed, played.report.late_count);
    uint64_t listed = 0;
    for (size_t i = 0; i < played.report.late_listed; i++)
        listed += played.report.late[i].rows;
    assert_int_equal(listed, played.report.late_rows);
    played_assert_whole(&played);

    uint64_t answered = played.fake.answered;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.late_rows, 0);
    assert_int_equal(played.report.fetched, 0);
    assert_true(played.fake.answered - answered <= 3); /* a sample, no batch */
    played_end(&played);
}

static void late_rows_are_listed_by_verify(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin_with_late_rows(&played, 500);
    must(played_run(&played, &err), &err);
    played.fake.now = tick_of("2021-11-09T00:00:00Z");
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.late_rows, 50);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK], played.report.partitions);
    played_end(&played);
}

/* Stamped before the snapshot and not visible then: what no count of that moment could see. */
static void rows_that_became_visible_late_are_a_finding(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    played_begin(&played, 22, 500);
    size_t all = played.fake.count;
    played.fake.count = all - 7;
    must(played_run(&played, &err), &err);
    played.fake.count = all;
    must(played_verify(&played, &err), &err);
    assert_true(played.report.failed_count > 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_GREW], played.report.failed_count);
    for (size_t i = 0; i < played.report.failed_listed; i++)
        assert_int_equal(played.report.failed[i].verdict, EXPORT_VERDICT_GREW);

    /* A repair fetches exactly what verify named. */
    int64_t only[16];
    size_t count = played.report.failed_listed;
    assert_true(count <= 16);
    for (size_t i = 0; i < count; i++)
        only[i] = played.report.failed[i].partition;
    played.options.only = only;
    played.options.only_count = count;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.fetched, count);
    assert_int_equal(played.report.partitions, count);
    assert_int_equal(played.report.failed_count, 0);
    played.options.only_count = 0;
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    played_assert_whole(&played);
    played_end(&played);
}

static void what_is_older_than_the_retention_is_the_ledgers(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    played_begin(&played, 23, 400);
    played.fake.now = tick_of("2021-11-20T00:00:00Z");
    must(played_run(&played, &err), &err);
    /* A month later, with a retention of 30 days, half of the range has aged out. */
    played.fake.facts = (struct workspace_facts){.known = true, .retention_days = 30};
    played.fake.now = tick_of("2021-12-07T01:30:00Z");
    size_t all = played.fake.count, gone = 0;
    while (gone < all && played.fake.rows[gone].tick < tick_of("2021-11-07T01:30:00Z"))
        gone++;
    struct fake_row *rows = played.fake.rows;
    played.fake.rows += gone;
    played.fake.count -= gone;
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_AGED_OUT], 18);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK], 18);
    assert_int_equal(played.report.rows_verified, 400);

    played.options.refresh = true;
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.rows_verified, 400);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_PURGED], 0);
    assert_true(played.report.verdicts[EXPORT_VERDICT_AGED_OUT] > 0);
    played.fake.rows = rows;
    played.fake.count = all;
    played_assert_whole(&played);
    played_end(&played);
}

/* Of a time before the retention nothing is there to fetch, and nothing proves that nothing was. */
static void a_range_before_the_retention_is_not_called_verified(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    played_begin(&played, 26, 300);
    played.options.source.from -= 3 * TICK_DAY;
    played.fake.facts = (struct workspace_facts){.known = true, .retention_days = 30};
    played.fake.now = tick_of("2021-12-06T00:00:00Z");
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_AGED_OUT], 2 * 288);
    assert_int_equal(played.report.rows_verified, 300);
    played.options.refresh = true; /* nor does asking again */
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_AGED_OUT], 2 * 288);
    played_end(&played);
}

static void what_is_gone_before_its_time_was_purged(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    played_begin(&played, 24, 400);
    played.fake.now = tick_of("2021-11-20T00:00:00Z");
    played.fake.facts = (struct workspace_facts){.known = true, .retention_days = 90};
    must(played_run(&played, &err), &err);
    played.fake.count -= 5;
    must(played_verify(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    assert_true(played.report.verdicts[EXPORT_VERDICT_PURGED] > 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_AGED_OUT], 0);
    played_end(&played);
}

static void remove_ledger(const struct played *played)
{
    char ledger[FOLDER_PATH];
    (void) snprintf(ledger, sizeof ledger, "%s/weir/%s/t/ledger", played->folder.lake,
                    played_place.workspace_id);
    assert_int_equal(access(ledger, F_OK), 0);
    folder_remove_tree(ledger);
}

/* The ledger is lost, and the workspace has aged out: the blobs are the last trace of their rows. */
static void a_blob_that_nothing_vouches_for_stays_and_is_listed(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    played_begin(&played, 25, 300);
    must(played_run(&played, &err), &err);
    remove_ledger(&played);
    size_t all = played.fake.count;
    played.fake.count = 0;
    must(played_run(&played, &err), &err);
    assert_true(played.report.failed_count > 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK] + played.report.failed_count,
                     played.report.partitions);
    played.fake.count = all;
    played_assert_whole(&played);
    /* With the workspace whole again, the next run takes them up. */
    must(played_run(&played, &err), &err);
    assert_int_equal(played.report.failed_count, 0);
    played_assert_whole(&played);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_rows_are_fetched_by_the_next_run),
        cmocka_unit_test(late_rows_are_listed_by_verify),
        cmocka_unit_test(rows_that_became_visible_late_are_a_finding),
        cmocka_unit_test(what_is_older_than_the_retention_is_the_ledgers),
        cmocka_unit_test(a_range_before_the_retention_is_not_called_verified),
        cmocka_unit_test(what_is_gone_before_its_time_was_purged),
        cmocka_unit_test(a_blob_that_nothing_vouches_for_stays_and_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
