/* A whole export against a workspace that is played: whatever happens on the way, it ends with the very bytes that the
 * rows stand for, or with the list of what is missing. */
#include "played.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CAMPAIGN = 300 }; /* exports; WEIR_CAMPAIGN for more */

static void an_undisturbed_export_is_whole(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 1, 2000);
    if (!played_run(&lake, &err))
        fail_msg("%s", err.message);
    assert_int_equal(lake.report.failed_count, 0);
    assert_int_equal(lake.report.rows, 2000);
    assert_int_equal(lake.report.rows_verified, 2000);
    assert_int_equal(lake.report.proof, LAKE_PROOF_SUM);
    played_assert_whole(&lake);
    played_end(&lake);
}

static void what_is_verified_is_not_asked_for_again(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 2, 500);
    assert_true(played_run(&lake, &err));
    uint64_t answered = lake.fake.answered;
    assert_true(played_run(&lake, &err));
    assert_int_equal(lake.fake.answered, answered);
    assert_int_equal(lake.report.skipped, lake.report.partitions);
    assert_int_equal(lake.report.rows_verified, 500);
    played_end(&lake);
}

static void refresh_fetches_all_again(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 3, 500);
    assert_true(played_run(&lake, &err));
    lake.options.refresh = true;
    assert_true(played_run(&lake, &err));
    assert_int_equal(lake.report.skipped, 0);
    assert_int_equal(lake.report.rows, 500);
    played_assert_whole(&lake);
    played_end(&lake);
}

static void a_burst_in_one_tick_is_cut_by_hash(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 4, 3000);
    lake.fake.max_rows = 100; /* a quarter of the rows share one tick */
    assert_true(played_run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    played_assert_whole(&lake);
    played_end(&lake);
}

static void counts_are_asked_in_windows_that_halve(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 5, 300);
    lake.fake.max_window = 2 * TICK_PARTITION;
    assert_true(played_run(&lake, &err));
    played_assert_whole(&lake);
    played_end(&lake);
}

static void rows_that_never_come_are_listed(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 6, 400);
    lake.fake.lying = 1;
    assert_true(played_run(&lake, &err));
    assert_true(lake.report.failed_count > 0);
    assert_int_equal(lake.report.failed_listed, lake.report.failed_count);
    for (size_t i = 0; i < lake.report.failed_listed; i++) {
        assert_int_equal(lake.report.failed[i].verdict, EXPORT_VERDICT_CHANGED);
        assert_int_equal(lake.report.failed[i].rows, lake.report.failed[i].rows_expected);
        assert_true(lake.report.failed[i].tries == EXPORT_PARTITION_TRIES &&
                    lake.report.failed[i].reasons[0]);
    }
    lake.fake.lying = 0;
    assert_true(played_run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    played_assert_whole(&lake);
    played_end(&lake);
}

/* A partition that is fetched in dozens of shares must have a fair chance to come through whole, or no run ends:
 * faults together at most at 30 %, what no exporter could see but by sums at 1 %. */
static void disturb(struct workspace *fake, struct random *random)
{
    fake->max_rows = random_below(random, 2) ? 60 + random_below(random, 400) : 0;
    fake->max_window = random_below(random, 2) ? TICK_HOUR : 0;
    fake->broken = random_unit(random) * 0.1;
    fake->throttled = random_unit(random) * 0.1;
    fake->timeout = random_unit(random) * 0.1;
    fake->lying = random_unit(random) * 0.01;
    fake->interrupted = random_unit(random) * 0.02;
}

static uint64_t campaign(void)
{
    const char *text = getenv("WEIR_CAMPAIGN");
    uint64_t exports;
    return text && str_uint64(str_of(text), &exports) ? exports : CAMPAIGN;
}

/* Faults of every kind and interruptions; the same command again until it is done. */
static void faults_and_interruptions_change_no_byte(void **state)
{
    (void) state;
    uint64_t seed = clock_ns();
    (void) printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    for (uint64_t i = 0; i < campaign(); i++) {
        struct played lake;
        struct error err = ERROR_INIT;
        played_begin(&lake, random_next(&random), random_below(&random, 1500));
        lake.options.batch_rows = random_below(&random, 2) ? 10 + random_below(&random, 300) : 0;
        lake.options.queries = 1 + (unsigned) random_below(&random, 5);
        lake.options.memory = random_below(&random, 2) ? 1 << 16 : 0;
        disturb(&lake.fake, &random);
        bool whole = false;
        for (int tries = 0; !whole && tries < 200; tries++) {
            bool ended = played_run(&lake, &err);
            if (!ended)
                assert_int_equal(err.code, ERROR_INTERRUPTED);
            whole = ended && lake.report.failed_count == 0;
        }
        assert_true(whole);
        played_assert_whole(&lake);
        played_end(&lake);
    }
}

static void a_changed_workspace_is_found_by_verify(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 8, 200);
    assert_true(played_run(&lake, &err));
    export_report_release(&lake.report);
    if (!export_verify(&lake.options, &lake.report, &err))
        fail_msg("%s", err.message);
    assert_int_equal(lake.report.failed_count, 0);
    lake.fake.rows[7].id++;
    export_report_release(&lake.report);
    assert_true(export_verify(&lake.options, &lake.report, &err));
    assert_int_equal(lake.report.failed_count, 1);
    assert_int_equal(lake.report.failed[0].verdict, EXPORT_VERDICT_CHANGED);
    assert_int_equal(lake.report.failed[0].partition,
                     tick_floor(lake.fake.rows[7].tick, TICK_PARTITION));
    lake.fake.rows[7].id--;
    lake.fake.count--;
    export_report_release(&lake.report);
    assert_true(export_verify(&lake.options, &lake.report, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_int_equal(lake.report.outlived, 1);
    played_end(&lake);
}

/* Rows that age out of the workspace stay in the lake, whatever is asked for. */
static void what_the_workspace_no_longer_has_is_kept(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 9, 400);
    assert_true(played_run(&lake, &err));
    size_t all = lake.fake.count;
    lake.options.refresh = true;
    lake.fake.count = all / 2;
    assert_true(played_run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_true(lake.report.outlived > 0);
    assert_int_equal(lake.report.rows_verified, 400);
    lake.fake.count = all;
    played_assert_whole(&lake);
    played_end(&lake);
}

static void an_outage_ends_with_a_list(void **state)
{
    (void) state;
    struct played lake;
    struct error err = ERROR_INIT;
    played_begin(&lake, 10, 400);
    lake.fake.timeout = 1;
    assert_true(played_run(&lake, &err));
    assert_true(lake.report.failed_count > 0);
    assert_true(lake.fake.asked < 5000);
    lake.fake.timeout = 0;
    assert_true(played_run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    played_assert_whole(&lake);
    played_end(&lake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_undisturbed_export_is_whole),
        cmocka_unit_test(what_is_verified_is_not_asked_for_again),
        cmocka_unit_test(refresh_fetches_all_again),
        cmocka_unit_test(a_burst_in_one_tick_is_cut_by_hash),
        cmocka_unit_test(counts_are_asked_in_windows_that_halve),
        cmocka_unit_test(rows_that_never_come_are_listed),
        cmocka_unit_test(what_the_workspace_no_longer_has_is_kept),
        cmocka_unit_test(an_outage_ends_with_a_list),
        cmocka_unit_test(faults_and_interruptions_change_no_byte),
        cmocka_unit_test(a_changed_workspace_is_found_by_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
