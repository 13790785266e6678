/* Tables of the Basic and Auxiliary plans: their own endpoint, the range in `timespan`, each reading billed. */
#include "played.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void begin_basic(struct played *played, uint64_t seed, size_t rows)
{
    played_begin(played, seed, rows);
    played->fake.basic = true;
    played->fake.usage = 30;
    played->fake.facts = (struct workspace_facts){.known = true, .plan = WORKSPACE_PLAN_BASIC};
}

static void assert_exported(struct played *played)
{
    struct error err = ERROR_INIT;
    if (!played_run(played, &err))
        fail_msg("%s", err.message);
    assert_int_equal(played->report.failed_count, 0);
    assert_int_equal(played->report.rows_verified, played->fake.count);
    played_assert_whole(played);
}

static void one_pass_is_enough(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 41, 1000);
    assert_exported(&played);
    assert_int_equal(played.report.proof, LAKE_PROOF_ANSWER);
    assert_int_equal(played.report.plan, WORKSPACE_PLAN_BASIC);
    /* Three hours of 30 MB, each read once. */
    assert_in_range(played.report.scanned, 89000000, 90000000);
    played_end(&played);
}

static void rows_of_the_very_end_are_dropped_and_counted(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 42, 600);
    played.options.batch_span = TICK_HOUR;
    for (size_t i = 0; i < 600; i++) /* the begin of a batch is the end of the one before */
        played.fake.rows[i].tick = tick_floor(played.fake.rows[i].tick, TICK_PARTITION);
    assert_exported(&played);
    assert_true(played.report.outside > 0);
    played_end(&played);
}

static void what_is_too_large_is_cut_and_read_again(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 43, 1500);
    played.fake.max_rows = 80;
    assert_exported(&played);
    assert_true(played.report.scanned > 90000000);
    played_end(&played);
}

static void an_answer_with_fewer_rows_than_it_says_is_asked_for_again(void **state)
{
    (void) state;
    struct played played;
    begin_basic(&played, 44, 900);
    played.fake.broken = 0.3;
    played.fake.timeout = 0.1;
    played.fake.throttled = 0.1;
    assert_exported(&played);
    played_end(&played);
}

static void without_statistics_it_takes_two_passes(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin_basic(&played, 45, 500);
    played.fake.no_statistics = true;
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    assert_non_null(strstr(err.hint, "--passes 2"));
    played.options.passes = 2;
    assert_exported(&played);
    assert_int_equal(played.report.proof, LAKE_PROOF_SUM);
    played_end(&played);
}

static void nothing_is_read_beyond_the_limit(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin_basic(&played, 46, 500);
    played.options.scan_max = 80000000; /* of 90 */
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_int_equal(played.fake.scans, 0);
    played.options.passes = 2;
    played.options.scan_max = 150000000; /* of 180 */
    assert_false(played_run(&played, &err));
    assert_int_equal(played.fake.scans, 0);
    /* Enough for one pass, not for reading again what was too large. */
    played.options.passes = 1;
    played.options.scan_max = 91000000;
    played.fake.max_rows = 40;
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_true(played.report.scanned <= 91000000);
    played.options.scan_max = 0;
    assert_exported(&played);
    played_end(&played);
}

static void a_limit_needs_to_know(void **state)
{
    (void) state;
    struct played played;
    struct error err = ERROR_INIT;
    begin_basic(&played, 47, 200);
    played.fake.usage = 0;
    played.options.scan_max = 1000000;
    assert_false(played_run(&played, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    played.options.scan_max = 0;
    assert_exported(&played);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_is_enough),
        cmocka_unit_test(rows_of_the_very_end_are_dropped_and_counted),
        cmocka_unit_test(what_is_too_large_is_cut_and_read_again),
        cmocka_unit_test(an_answer_with_fewer_rows_than_it_says_is_asked_for_again),
        cmocka_unit_test(without_statistics_it_takes_two_passes),
        cmocka_unit_test(nothing_is_read_beyond_the_limit),
        cmocka_unit_test(a_limit_needs_to_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
