/* The clock: it stands, runs, and is the real one. */

#include "emulator/clock.h"

#include "base/tick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const int64_t start = INT64_C(638502048000000000); /* 2024-05-01 */

static void without_a_start_it_is_the_real_time(void **state)
{
    (void) state;
    struct clock clock;
    assert_true(clock_init(&clock, 0, "0", NULL));
    clock_begin(&clock);
    int64_t before = tick_now(), tick = clock_tick(&clock);
    assert_true(before <= tick && tick <= tick_now());
}

static void without_a_speed_it_stands_still(void **state)
{
    (void) state;
    struct clock clock;
    assert_true(clock_init(&clock, start, NULL, NULL));
    assert_int_equal(clock_tick(&clock), start);
    clock_begin(&clock);
    clock.began -= UINT64_C(3600000000000);
    assert_int_equal(clock_tick(&clock), start);
}

static void it_runs_from_its_beginning_at_its_speed(void **state)
{
    (void) state;
    struct clock clock;
    assert_true(clock_init(&clock, start, "60.5", NULL));
    assert_int_equal(clock_tick(&clock), start);
    clock_begin(&clock);
    /* An hour ago: it went 60.5 hours, and what passes here at that speed. */
    clock.began -= UINT64_C(3600000000000);
    int64_t gone = clock_tick(&clock) - start;
    assert_true(gone >= 605 * TICK_HOUR / 10 && gone < 61 * TICK_HOUR);
    assert_true(clock_tick(&clock) - start >= gone);
}

static void it_ends_with_time_itself(void **state)
{
    (void) state;
    struct clock clock;
    assert_true(clock_init(&clock, TICK_MAX - 1, "1000000", NULL));
    clock_begin(&clock);
    clock.began -= UINT64_C(1000000000);
    assert_int_equal(clock_tick(&clock), TICK_MAX);
}

static void a_speed_that_is_none_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {"", "fast", "-1", "1000001", "1x"};
    struct clock clock;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = ERROR_INIT;
        assert_false(clock_init(&clock, start, wrong[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
    struct error err = ERROR_INIT;
    assert_false(clock_init(&clock, 0, "1", &err));
    assert_int_equal(err.code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_start_it_is_the_real_time),
        cmocka_unit_test(without_a_speed_it_stands_still),
        cmocka_unit_test(it_runs_from_its_beginning_at_its_speed),
        cmocka_unit_test(it_ends_with_time_itself),
        cmocka_unit_test(a_speed_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
