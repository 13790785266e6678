/* The pace against a clock of the test's own: no window holds too many starts, and few are given away. */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { MILLISECOND = 1000000 };
static const uint64_t SECOND = 1000000000;

static void at_most_so_many_run_at_once(void **state)
{
    (void) state;
    struct http_pace pace;
    assert_true(http_pace_init(&pace, (const unsigned[]){2, 2}, 100, 1, NULL));
    assert_int_equal(http_pace_wait(&pace, 0, 5), 0);
    http_pace_started(&pace, 0, 5);
    http_pace_started(&pace, 0, 5);
    assert_true(http_pace_wait(&pace, 0, 5) == UINT64_MAX);
    http_pace_ended(&pace, 0);
    assert_int_equal(http_pace_wait(&pace, 0, 5), 0);
    http_pace_release(&pace);
}

static void a_block_is_waited_out(void **state)
{
    (void) state;
    struct http_pace pace;
    assert_true(http_pace_init(&pace, (const unsigned[]){2, 2}, 100, 1, NULL));
    pace.blocked_until = 7 * SECOND;
    assert_int_equal(http_pace_wait(&pace, 0, 4 * SECOND), 3 * SECOND);
    assert_int_equal(http_pace_wait(&pace, 0, 7 * SECOND), 0);
    http_pace_release(&pace);
}

/* The most starts that any half-open window of `window` holds. */
static unsigned densest(const uint64_t *starts, size_t n, uint64_t window)
{
    unsigned most = 0;
    for (size_t first = 0, last = 0; last < n; last++) {
        while (starts[last] - starts[first] >= window)
            first++;
        if (last - first + 1 > most)
            most = (unsigned) (last - first + 1);
    }
    return most;
}

static void no_window_holds_too_many_and_the_rate_comes_close(void **state)
{
    (void) state;
    enum { RATE = 200, STARTS = 20000 };
    unsigned seed = (unsigned) time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    struct http_pace pace;
    assert_true(http_pace_init(&pace, (const unsigned[]){1000000, 1000000}, RATE, 30, NULL));
    uint64_t *starts = calloc(STARTS, sizeof *starts);
    uint64_t now = 12345;
    for (size_t i = 0; i < STARTS; i++) {
        uint64_t wait = http_pace_wait(&pace, 0, now);
        assert_true(wait != UINT64_MAX);
        now += wait;
        assert_int_equal(http_pace_wait(&pace, 0, now), 0);
        http_pace_started(&pace, 0, now);
        starts[i] = now;
        if (rand() % 3 == 0) /* answers take their time, or none */
            now += (uint64_t) (rand() % 50) * MILLISECOND;
    }
    assert_true(densest(starts, STARTS, 30 * SECOND) <= RATE);
    double windows = (double) (starts[STARTS - 1] - starts[0]) / (double) (30 * SECOND);
    assert_true(STARTS / windows > 0.95 * RATE);
    free(starts);
    http_pace_release(&pace);
}

static void late_arrivals_do_not_overfill_a_window(void **state)
{
    (void) state;
    enum { RATE = 50, STARTS = 5000 };
    struct http_pace pace;
    uint64_t *arrivals = calloc(STARTS, sizeof *arrivals), now = 1;
    assert_true(http_pace_init(&pace, (const unsigned[]){1000000, 1000000}, RATE, 30, NULL));
    for (size_t i = 0; i < STARTS; i++) {
        now += http_pace_wait(&pace, 0, now);
        http_pace_started(&pace, 0, now);
        /* The first of each window travels for nearly a second, the others not at all. */
        arrivals[i] = now + (i % RATE == 0 ? 990 * (uint64_t) MILLISECOND : 0);
    }
    for (size_t i = 1; i < STARTS; i++) /* in the order in which they arrive */
        for (size_t j = i; j > 0 && arrivals[j] < arrivals[j - 1]; j--) {
            uint64_t other = arrivals[j];
            arrivals[j] = arrivals[j - 1];
            arrivals[j - 1] = other;
        }
    assert_true(densest(arrivals, STARTS, 30 * SECOND) <= RATE);
    free(arrivals);
    http_pace_release(&pace);
}

static void a_bucket_slows_the_starts_to_its_rate_with_short_bursts(void **state)
{
    (void) state;
    struct http_pace pace;
    uint64_t now = 7 * SECOND, begin = now;
    assert_true(http_pace_init(&pace, (const unsigned[]){1000, 1000}, 200, 30, NULL));
    http_pace_slow(&pace, 2, now);
    for (unsigned i = 0; i < 101; i++) {
        now += http_pace_wait(&pace, i % 2, now);
        assert_int_equal(http_pace_wait(&pace, i % 2, now), 0);
        http_pace_started(&pace, i % 2, now);
    }
    assert_true(now - begin >= 49 * SECOND && now - begin <= 51 * SECOND);
    now += 1000 * SECOND; /* what was saved up is a few */
    unsigned burst = 0;
    for (; http_pace_wait(&pace, 0, now) == 0; burst++)
        http_pace_started(&pace, 0, now);
    assert_int_equal(burst, HTTP_PACE_BURST);
    http_pace_slow(&pace, 0, now);
    assert_int_equal(http_pace_wait(&pace, 0, now), 0);
    http_pace_release(&pace);
}

static void paces_that_cannot_be_kept_are_refused(void **state)
{
    (void) state;
    struct http_pace pace;
    struct error err = ERROR_INIT;
    assert_false(http_pace_init(&pace, (const unsigned[]){0, 0}, 1, 1, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_false(http_pace_init(&pace, (const unsigned[]){1, 1}, 0, 1, &err));
    assert_false(http_pace_init(&pace, (const unsigned[]){1, 1}, 1, 0, &err));
    assert_false(http_pace_init(&pace, (const unsigned[]){1, 1}, HTTP_PACE_RATE_MAX + 1, 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_so_many_run_at_once),
        cmocka_unit_test(a_block_is_waited_out),
        cmocka_unit_test(no_window_holds_too_many_and_the_rate_comes_close),
        cmocka_unit_test(late_arrivals_do_not_overfill_a_window),
        cmocka_unit_test(a_bucket_slows_the_starts_to_its_rate_with_short_bursts),
        cmocka_unit_test(paces_that_cannot_be_kept_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
