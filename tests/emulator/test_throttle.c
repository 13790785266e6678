/* The throttle: rate by an injected clock, places and queue by real threads. */

#include "emulator/throttle.h"

#include "base/tick.h"
#include "emulator/bell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t fake_now = 1000;

static uint64_t fake_clock(void)
{
    return fake_now;
}

static void rate_counts_accepted_requests_in_a_sliding_window(void **state)
{
    (void) state;
    struct throttle_options options = {.rate = 3, .window = 100, .clock = fake_clock};
    struct error err = ERROR_INIT;
    struct throttle *throttle = throttle_new(&options, &err);
    assert_non_null(throttle);
    uint64_t after = 0;
    fake_now = 1000;
    assert_true(throttle_request(throttle, &after));
    fake_now = 1010;
    assert_true(throttle_request(throttle, &after));
    assert_true(throttle_request(throttle, &after));
    fake_now = 1040;
    assert_false(throttle_request(throttle, &after));
    assert_int_equal(after, 60);
    fake_now = 1099;
    assert_false(throttle_request(throttle, &after));
    assert_int_equal(after, 1);
    fake_now = 1100;
    assert_true(throttle_request(throttle, &after));
    assert_false(throttle_request(throttle, &after));
    assert_int_equal(after, 10);
    assert_int_equal(throttle_figures(throttle).rate, 3);
    throttle_free(throttle);
}

static void rate_of_zero_refuses_nothing(void **state)
{
    (void) state;
    struct throttle *throttle = throttle_new(&(struct throttle_options){0}, NULL);
    uint64_t after;
    for (int i = 0; i < 1000; i++)
        assert_true(throttle_request(throttle, &after));
    throttle_free(throttle);
}

static void a_rate_beyond_reason_is_refused(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct throttle_options options = {.rate = THROTTLE_RATE_MAX + UINT64_C(1)};
    assert_null(throttle_new(&options, &err));
    assert_int_equal(err.code, ERROR_USAGE);
}

/* One that asks for a place, in a thread of its own. */
struct guest {
    struct throttle *throttle;
    pthread_t thread;
    enum throttle_verdict verdict;
    _Atomic int *turn; /* counts those that got a place */
    int place;         /* which one this was */
};

static void *visit(void *context)
{
    struct guest *guest = context;
    guest->verdict = throttle_enter(guest->throttle);
    if (guest->verdict == THROTTLE_RUN) {
        guest->place = (*guest->turn)++;
        throttle_leave(guest->throttle);
    }
    return NULL;
}

static void wait_for_queue(struct throttle *throttle, uint64_t queued)
{
    struct bell bell;
    assert_true(bell_init(&bell));
    while (throttle_figures(throttle).queued < queued)
        (void) bell_pause(&bell, 100000);
    bell_release(&bell);
}

enum { GUESTS = 8 };

static void those_who_wait_come_in_the_order_of_their_asking(void **state)
{
    (void) state;
    struct throttle_options options = {
        .at_once = 1, .queue = GUESTS, .queue_wait = UINT64_C(60000000000)};
    struct throttle *throttle = throttle_new(&options, NULL);
    _Atomic int turn = 0;
    struct guest guests[GUESTS];
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    for (int i = 0; i < GUESTS; i++) {
        guests[i] = (struct guest){.throttle = throttle, .turn = &turn};
        assert_int_equal(pthread_create(&guests[i].thread, NULL, visit, &guests[i]), 0);
        wait_for_queue(throttle, (uint64_t) i + 1);
    }
    throttle_leave(throttle);
    for (int i = 0; i < GUESTS; i++) {
        assert_int_equal(pthread_join(guests[i].thread, NULL), 0);
        assert_int_equal(guests[i].verdict, THROTTLE_RUN);
        assert_int_equal(guests[i].place, i);
    }
    struct throttle_figures figures = throttle_figures(throttle);
    assert_int_equal(figures.most_at_once, 1);
    assert_int_equal(figures.longest_queue, GUESTS);
    throttle_free(throttle);
}

static void a_full_queue_refuses_at_once(void **state)
{
    (void) state;
    struct throttle_options options = {.at_once = 2, .queue = 0, .queue_wait = UINT64_MAX / 2};
    struct throttle *throttle = throttle_new(&options, NULL);
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    assert_int_equal(throttle_enter(throttle), THROTTLE_FULL);
    throttle_leave(throttle);
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    assert_int_equal(throttle_figures(throttle).full, 1);
    throttle_free(throttle);
}

static void a_wait_that_is_too_long_ends_and_frees_its_place_in_the_queue(void **state)
{
    (void) state;
    struct throttle_options options = {.at_once = 1, .queue = 1, .queue_wait = 1000000};
    struct throttle *throttle = throttle_new(&options, NULL);
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    uint64_t before = clock_ns();
    assert_int_equal(throttle_enter(throttle), THROTTLE_WAITED);
    assert_true(clock_ns() - before >= 1000000);
    assert_int_equal(throttle_enter(throttle), THROTTLE_WAITED);
    assert_int_equal(throttle_figures(throttle).waited, 2);
    throttle_leave(throttle);
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    throttle_free(throttle);
}

static void stopping_sends_all_away(void **state)
{
    (void) state;
    struct throttle_options options = {
        .at_once = 1, .queue = 4, .queue_wait = UINT64_C(60000000000)};
    struct throttle *throttle = throttle_new(&options, NULL);
    _Atomic int turn = 0;
    struct guest guest = {.throttle = throttle, .turn = &turn};
    assert_int_equal(throttle_enter(throttle), THROTTLE_RUN);
    assert_int_equal(pthread_create(&guest.thread, NULL, visit, &guest), 0);
    wait_for_queue(throttle, 1);
    throttle_stop(throttle);
    assert_int_equal(pthread_join(guest.thread, NULL), 0);
    assert_int_equal(guest.verdict, THROTTLE_STOPPED);
    throttle_leave(throttle);
    assert_int_equal(throttle_enter(throttle), THROTTLE_STOPPED);
    throttle_free(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_counts_accepted_requests_in_a_sliding_window),
        cmocka_unit_test(rate_of_zero_refuses_nothing),
        cmocka_unit_test(a_rate_beyond_reason_is_refused),
        cmocka_unit_test(those_who_wait_come_in_the_order_of_their_asking),
        cmocka_unit_test(a_full_queue_refuses_at_once),
        cmocka_unit_test(a_wait_that_is_too_long_ends_and_frees_its_place_in_the_queue),
        cmocka_unit_test(stopping_sends_all_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
