/* The last trace of a row is never taken, and what nobody has any more is not called verified: whatever was counted,
 * by whatever endpoint, whatever happened to the ledger. */
#include "played.h"

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

static void run(struct played *played)
{
    struct error err = ERROR_INIT;
    if (!played_run(played, &err))
        fail_msg("%s", err.message);
}

static void begin_basic(struct played *played, uint64_t seed, size_t rows)
{
    played_begin(played, seed, rows);
    played->fake.basic = true;
    played->fake.usage = 30;
    played->fake.facts =
        (struct workspace_facts){.known = true, .plan = WORKSPACE_PLAN_BASIC, .retention_days = 30};
}

static void lose_ledger(const struct played *played)
{
    char path[FOLDER_PATH];
    (void) snprintf(path, sizeof path, "%s/weir/%s/t/ledger", played->folder.lake,
                    played_place.workspace_id);
    assert_int_equal(access(path, F_OK), 0);
    folder_remove_tree(path);
}

static void lose_blobs(const struct played *played)
{
    char path[FOLDER_PATH];
    (void) snprintf(path, sizeof path, "%s/am-t", played->folder.lake);
    assert_int_equal(access(path, F_OK), 0);
    folder_remove_tree(path);
}

/* With the workspace as it was, the lake is whole. */
static void assert_nothing_is_lost(struct played *played, size_t all)
{
    played->fake.count = all;
    played_assert_whole(played);
}

static void one_pass_keeps_what_aged_out(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 41, 500);
    played.fake.now = tick_of("2021-11-07T04:00:00Z"); /* young: the next run reads it again */
    run(&played);
    size_t all = played.fake.count;
    played.fake.now = tick_of("2022-03-07T04:00:00Z");
    played.fake.count = 0;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK], 0);
    assert_int_equal(played.report.rows_verified, 500);
    assert_nothing_is_lost(&played, all);
    played_end(&played);
}

static void one_pass_keeps_what_no_line_vouches_for(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 42, 500);
    run(&played);
    lose_ledger(&played);
    size_t all = played.fake.count;
    played.fake.count = 100;
    run(&played);
    assert_true(played.report.failed_count > 0);
    assert_nothing_is_lost(&played, all);
    played_end(&played);
}

static void one_pass_over_a_time_before_the_retention_proves_nothing(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 43, 500);
    played.fake.count = 0;
    run(&played);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_AGED_OUT], played.report.partitions);
    played_end(&played);
}

/* Rows that came late, were counted, and aged out before they could be fetched. */
static void rows_that_the_ledger_knew_of_are_listed(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 44, 500);
    played.fake.now = tick_of("2021-11-07T04:00:00Z");
    for (size_t i = 0; i < played.fake.count; i += 10)
        played.fake.rows[i].ingested = tick_of("2021-11-08T04:00:00Z");
    run(&played);
    played.fake.now = tick_of("2021-11-09T00:00:00Z");
    played.fake.broken = 1;
    run(&played);
    uint64_t failed = played.report.failed_count;
    assert_true(failed > 0);
    played.fake.broken = 0;
    played.fake.count = 0;
    played.fake.now = tick_of("2022-11-09T00:00:00Z");
    run(&played);
    assert_int_equal(played.report.failed_count, failed);
    assert_int_equal(played.report.vanished, 50);
    played_end(&played);
}

static void partitions_that_were_missing_and_aged_out_are_listed_once(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 50, 500);
    played.fake.broken = 1;
    run(&played);
    uint64_t failed = played.report.failed_count;
    played.fake.broken = 0;
    played.fake.count = 0;
    run(&played);
    assert_int_equal(played.report.failed_count, failed);
    assert_int_equal(played.report.vanished, 500);
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_int_equal(played.report.verdicts[EXPORT_VERDICT_OK], played.report.partitions - failed);
    played_end(&played);
}

static void blobs_that_are_gone_with_their_rows_are_listed(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 51, 500);
    run(&played);
    lose_blobs(&played);
    played.fake.count = 0;
    run(&played);
    assert_true(played.report.failed_count > 0);
    assert_int_equal(played.report.vanished, 500);
    played_end(&played);
}

static void what_a_lesser_identity_verified_is_counted_again(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 52, 500);
    size_t all = played.fake.count;
    played.fake.count = 200;
    played.fake.condition = WORKSPACE_CONDITION_SOME;
    run(&played);
    assert_int_equal(played.report.access, LAKE_ACCESS_CONDITIONAL);
    played.fake.count = all;
    played.fake.condition = WORKSPACE_CONDITION_NONE;
    run(&played);
    assert_int_equal(played.report.access, LAKE_ACCESS_FULL);
    assert_int_equal(played.report.rows_verified, 500);
    assert_nothing_is_lost(&played, all);
    played_end(&played);
}

/* A second run of the same identity has nothing to fetch: its lines, too, say what it may see. */
static void what_a_lesser_identity_sees_is_not_forgotten(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 54, 500);
    size_t all = played.fake.count;
    played.fake.now = tick_of("2021-11-07T04:00:00Z"); /* young: counted again */
    played.fake.count = 200;
    played.fake.condition = WORKSPACE_CONDITION_SOME;
    run(&played);
    played.options.run = "22222222-2222-4333-8444-555555555555";
    run(&played);
    assert_int_equal(played.report.fetched, 0);
    played.fake.now = tick_of("2021-11-20T04:00:00Z");
    played.options.run = "33333333-2222-4333-8444-555555555555";
    played.fake.count = all;
    played.fake.condition = WORKSPACE_CONDITION_NONE;
    run(&played);
    assert_int_equal(played.report.access, LAKE_ACCESS_FULL);
    assert_nothing_is_lost(&played, all);
    played_end(&played);
}

static void what_an_unknown_identity_verified_is_not_called_full(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 53, 300);
    played.fake.condition = WORKSPACE_CONDITION_UNKNOWN;
    run(&played);
    played.fake.condition = WORKSPACE_CONDITION_NONE;
    run(&played);
    assert_int_equal(played.report.skipped, played.report.partitions);
    assert_int_equal(played.report.access, LAKE_ACCESS_UNKNOWN);
    played_end(&played);
}

/* -- bounds -- */

static void a_throttled_query_is_not_billed(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 46, 500);
    played.fake.throttled = 0.7;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_in_range(played.report.scanned, 89000000, 90000000);
    played_end(&played);
}

static void what_is_known_to_be_large_is_sliced_by_time_and_billed_once(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 47, 500);
    played.fake.usage = 3000; /* 250 MB a partition */
    played.options.scan_max = 9100000000;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_in_range(played.report.scanned, 8900000000, 9000000000);
    assert_nothing_is_lost(&played, played.fake.count);
    played_end(&played);
}

static void a_partition_that_is_never_counted_is_listed(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 48, 500);
    played.fake.deaf_from = played.options.source.from + 2 * TICK_PARTITION;
    played.fake.deaf_to = played.fake.deaf_from + TICK_PARTITION;
    run(&played);
    assert_int_equal(played.report.failed_count, 1);
    assert_int_equal(played.report.failed[0].partition, played.fake.deaf_from);
    assert_int_equal(played.report.fetched, played.report.partitions - 1);
    played.fake.deaf_to = 0;
    run(&played);
    assert_int_equal(played.report.failed_count, 0);
    assert_nothing_is_lost(&played, played.fake.count);
    played_end(&played);
}

/* A service that calls everything too large is asked a bounded number of times. */
static void cutting_has_an_end(void **state)
{
    (void) state;
    struct played played;
    played_begin(&played, 49, 500);
    played.options.source.to = played.options.source.from + TICK_PARTITION;
    for (size_t i = 0; i < played.fake.count; i++)
        played.fake.rows[i].tick = played.options.source.from + 5;
    played.fake.refuses_all = true;
    run(&played);
    assert_int_equal(played.report.failed_count, 1);
    assert_true(played.fake.answered < 400000);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_keeps_what_aged_out),
        cmocka_unit_test(one_pass_keeps_what_no_line_vouches_for),
        cmocka_unit_test(one_pass_over_a_time_before_the_retention_proves_nothing),
        cmocka_unit_test(rows_that_the_ledger_knew_of_are_listed),
        cmocka_unit_test(partitions_that_were_missing_and_aged_out_are_listed_once),
        cmocka_unit_test(blobs_that_are_gone_with_their_rows_are_listed),
        cmocka_unit_test(what_a_lesser_identity_verified_is_counted_again),
        cmocka_unit_test(what_a_lesser_identity_sees_is_not_forgotten),
        cmocka_unit_test(what_an_unknown_identity_verified_is_not_called_full),
        cmocka_unit_test(a_throttled_query_is_not_billed),
        cmocka_unit_test(what_is_known_to_be_large_is_sliced_by_time_and_billed_once),
        cmocka_unit_test(a_partition_that_is_never_counted_is_listed),
        cmocka_unit_test(cutting_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
