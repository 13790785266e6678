/* Plans: exactly as many rows as asked for, in order, found from their number alone, none while idle. */
#include "emulator/generate/plan.h"

#include "base/memory.h"
#include "emulator/generate/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct plan_options options_of(uint64_t days, uint64_t rows, uint64_t seed)
{
    const int64_t end = TICK_UNIX_EPOCH + 20000 * TICK_DAY;
    return (struct plan_options){.start = end - (int64_t) days * TICK_DAY,
                                 .end = end,
                                 .rows = rows,
                                 .seed = seed,
                                 .beacons = true,
                                 .sprays = true,
                                 .hosts = WORLD_HOSTS,
                                 .users = WORLD_USERS};
}

static bool is_idle(const struct plan *plan, int64_t tick)
{
    for (size_t i = 0; i < plan->idle_count; i++)
        if (tick >= plan->idle[i].start && tick < plan->idle[i].end)
            return true;
    return false;
}

/* Walks through a plan and checks each row; returns their number. */
static uint64_t walk_through(const struct plan *plan)
{
    struct plan_walk walk = {0};
    const struct special *special;
    struct random random;
    int64_t tick, last = 0;
    uint64_t rows = 0;
    while (plan_next(plan, &walk, &tick, &special, &random)) {
        bool burst = special && special->kind == SPECIAL_BURST;
        if (tick < last || tick < plan->start || tick >= plan->end || is_idle(plan, tick) ||
            burst != (tick % 10 == 7))
            fail_msg("row %llu at tick %lld", (unsigned long long) rows, (long long) tick);
        last = tick;
        rows++;
    }
    return rows;
}

static void every_number_of_rows_is_met_exactly(void **state)
{
    (void) state;
    static const uint64_t rows[] = {1, 2, 9, 10, 99, 100, 399, 400, 1000, 12345, 200000};
    static const uint64_t days[] = {1, 2, 7, 40};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (size_t d = 0; d < sizeof days / sizeof days[0]; d++) {
            struct plan plan;
            struct plan_options options = options_of(days[d], rows[r], r * 7 + d);
            assert_true(plan_init(&plan, &options, NULL));
            assert_int_equal(walk_through(&plan), rows[r]);
            plan_release(&plan);
        }
}

static void a_range_may_begin_within_an_hour(void **state)
{
    (void) state;
    for (int64_t minutes = 1; minutes < 70; minutes += 11) {
        struct plan plan;
        struct plan_options options = options_of(1, 5000, (uint64_t) minutes);
        options.start += minutes * TICK_MINUTE;
        options.end += minutes * TICK_MINUTE;
        assert_true(plan_init(&plan, &options, NULL));
        assert_int_equal(walk_through(&plan), 5000);
        for (size_t i = 0; i < plan.idle_count; i++)
            assert_int_equal(plan.idle[i].start % TICK_PARTITION, 0);
        plan_release(&plan);
    }
}

static int by_tick(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The same ticks, and the same dice, by the way of order and by the way of numbers. */
static void rows_found_by_number_are_those_of_the_walk(void **state)
{
    (void) state;
    enum { ROWS = 20000 };
    static int64_t by_walk[ROWS], by_number[ROWS];
    uint64_t dice_by_walk = 0, dice_by_number = 0;
    struct plan plan;
    struct plan_options options = options_of(3, ROWS, 42);
    struct plan_walk walk = {0};
    const struct special *special;
    struct random random;
    assert_true(plan_init(&plan, &options, NULL));
    for (uint64_t i = 0; i < ROWS; i++) {
        assert_true(plan_next(&plan, &walk, &by_walk[i], &special, &random));
        dice_by_walk += random_next(&random);
        by_number[i] = plan_row(&plan, i, &special, &random);
        dice_by_number += random_next(&random);
    }
    qsort(by_number, ROWS, sizeof by_number[0], by_tick);
    assert_memory_equal(by_walk, by_number, sizeof by_walk);
    assert_true(dice_by_walk == dice_by_number);
    plan_release(&plan);
}

static void a_shuffle_meets_every_number_once(void **state)
{
    (void) state;
    static const uint64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 1000, 65536, 65537};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint64_t n = sizes[s], stayed = 0;
        bool *seen = calloc(n, sizeof *seen);
        assert_non_null(seen);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t to = plan_shuffled(i, n, 99);
            assert_true(to < n);
            assert_false(seen[to]);
            seen[to] = true;
            stayed += to == i;
        }
        assert_true(n < 1000 || stayed < 20);
        free(seen);
    }
}

static void work_is_done_by_day_and_less_on_weekends(void **state)
{
    (void) state;
    struct plan plan;
    struct plan_options options = options_of(28, 1000000, 3);
    uint64_t day = 0, night = 0, weekend = 0, week = 0;
    assert_true(plan_init(&plan, &options, NULL));
    for (size_t m = 0; m < plan.minutes; m++) {
        int64_t tick = plan.start + (int64_t) m * TICK_MINUTE, hour = tick % TICK_DAY / TICK_HOUR;
        uint64_t rows = plan.before[m + 1] - plan.before[m];
        bool rest = tick / TICK_DAY % 7 >= 5;
        *(rest ? &weekend : &week) += rows;
        *(hour >= 8 && hour < 18 ? &day : &night) += rows;
    }
    assert_true(day > 2 * night);
    assert_true(week / 5 > 3 * (weekend / 2));
    plan_release(&plan);
}

static void beacons_keep_their_period(void **state)
{
    (void) state;
    struct plan plan;
    struct plan_options options = options_of(7, 300000, 11);
    assert_true(plan_init(&plan, &options, NULL));
    assert_int_equal(plan.beacon_count, PLAN_BEACONS_MAX);
    for (size_t which = 0; which < plan.beacon_count; which++) {
        const struct beacon *beacon = &plan.beacons[which];
        int64_t last = 0, wide = beacon->period / 100 * beacon->jitter;
        uint32_t serial = 0;
        uint64_t count = 0;
        for (size_t i = 0; i < plan.special_count; i++) {
            const struct special *s = &plan.specials[i];
            if (s->kind != SPECIAL_BEACON || s->which != which)
                continue;
            int64_t gap = s->tick - last;
            if (count > 0 && s->serial == serial + 1)
                assert_true(gap >= beacon->period - wide - 1 && gap <= beacon->period + wide + 1);
            last = s->tick;
            serial = s->serial;
            count++;
        }
        assert_int_equal(count, beacon->count);
        assert_true(count >= 100);
        assert_true(last == beacon->last);
    }
    plan_release(&plan);
}

static void every_failing_allocation_ends_the_plan_cleanly(void **state)
{
    (void) state;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct plan plan;
        struct plan_options options = options_of(2, 20000, 5);
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        done = plan_init(&plan, &options, &err);
        assert_int_equal(err.code, done ? ERROR_NONE : ERROR_MEMORY);
        plan_release(&plan);
        assert_in_range(n, 1, 100);
    }
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_rows_is_met_exactly),
        cmocka_unit_test(a_range_may_begin_within_an_hour),
        cmocka_unit_test(rows_found_by_number_are_those_of_the_walk),
        cmocka_unit_test(a_shuffle_meets_every_number_once),
        cmocka_unit_test(work_is_done_by_day_and_less_on_weekends),
        cmocka_unit_test(beacons_keep_their_period),
        cmocka_unit_test(every_failing_allocation_ends_the_plan_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
