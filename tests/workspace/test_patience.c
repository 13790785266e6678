/* Patience, against a clock of the test's own. */
#include "workspace/patience.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint64_t SECOND = 1000000000;
static const uint64_t START = 100 * UINT64_C(1000000000);

struct fixture {
    struct http_pace pace;
    struct patience patience;
    struct random random;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    random_seed(&f.random, 11);
    assert_true(http_pace_init(&f.pace, (const unsigned[]){5, 2}, 200, 30, NULL));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_pace_release(&f->pace);
    return 0;
}

static double blocked(const struct fixture *f, uint64_t now)
{
    return f->pace.blocked_until > now ? (double) (f->pace.blocked_until - now) / 1e9 : 0;
}

/* A query that began just now is refused; the seconds that all must wait. */
static double refuse(struct fixture *f, uint64_t now, double retry_after)
{
    struct patience_refusal refusal = {.began = now, .retry_after = retry_after};
    patience_throttled(&f->patience, &f->pace, &refusal, now, &f->random);
    return blocked(f, now);
}

/* One of those under way is refused since the queue is full. */
static void refuse_by_queue(struct fixture *f, unsigned lane, uint64_t now, double retry_after)
{
    struct patience_refusal refusal = {
        .lane = lane, .queue = true, .began = now, .retry_after = retry_after};
    http_pace_ended(&f->pace, lane);
    patience_throttled(&f->patience, &f->pace, &refusal, now, &f->random);
}

static void start(struct fixture *f, unsigned lane, unsigned n, uint64_t now)
{
    for (unsigned i = 0; i < n; i++)
        http_pace_started(&f->pace, lane, now);
}

/* Too many requests ------------------------------------------------------------------------------- */

static void retry_after_is_obeyed(void **state)
{
    struct fixture *f = *state;
    assert_true(refuse(f, START, 17) == 17);
    assert_int_equal(http_pace_wait(&f->pace, 0, START + SECOND), 16 * SECOND);
    assert_int_equal(http_pace_wait(&f->pace, 1, START + SECOND), 16 * SECOND);
    assert_true(f->pace.slowed == 0); /* the service has said what is enough */
}

static void without_it_pauses_grow_to_a_limit_until_there_is_an_answer(void **state)
{
    struct fixture *f = *state;
    uint64_t now = START;
    double expected = PATIENCE_FIRST;
    for (int i = 0; i < 10; i++) {
        double pause = refuse(f, now, -1);
        assert_true(pause >= 0.5 * expected && pause <= expected);
        expected = 2 * expected < PATIENCE_MOST ? 2 * expected : PATIENCE_MOST;
        now = f->pace.blocked_until;
    }
    patience_answered(&f->patience, &f->pace, 0, now);
    assert_true(refuse(f, now, -1) <= PATIENCE_FIRST);
}

static void refusals_of_one_moment_are_one_event(void **state)
{
    struct fixture *f = *state;
    double first = refuse(f, START, -1), slowed = f->pace.slowed;
    struct patience_refusal late = {.began = START - SECOND, .retry_after = -1};
    for (int i = 0; i < 4; i++) /* these began before the first was refused */
        patience_throttled(&f->patience, &f->pace, &late, START + 1, &f->random);
    assert_true(blocked(f, START) == first);
    assert_true(f->pace.slowed == slowed);
    assert_int_equal(f->pace.lanes[0].now, 5);
    late.retry_after = 30;
    patience_throttled(&f->patience, &f->pace, &late, START, &f->random);
    assert_int_equal(f->pace.blocked_until, START + 30 * SECOND);
}

static void an_event_slows_the_starts_and_answers_quicken_them_to_the_limit(void **state)
{
    struct fixture *f = *state;
    double before = 200.0 / 30;
    uint64_t now = START;
    for (int i = 0; i < 40; i++) {
        (void) refuse(f, now, -1);
        assert_true(f->pace.slowed < before || i > 10);
        before = f->pace.slowed;
        now = f->pace.blocked_until;
    }
    assert_true(f->pace.slowed > 0.3 && f->pace.slowed < 0.4); /* a twentieth of the limit */
    unsigned steps = 0;
    for (; f->pace.slowed > 0; steps++) {
        assert_true(steps < 100 && f->pace.slowed >= before && f->pace.slowed < 200.0 / 30);
        before = f->pace.slowed;
        now += SECOND;
        patience_answered(&f->patience, &f->pace, 0, now);
        patience_answered(&f->patience, &f->pace, 0, now); /* the same moment: no second step */
    }
    assert_true(steps >= 15 && steps <= 25);
}

static void fewer_run_at_once_when_it_happens_again(void **state)
{
    struct fixture *f = *state;
    uint64_t now = START;
    for (unsigned i = 0; i < 10; i++) {
        (void) refuse(f, now, -1);
        assert_int_equal(f->pace.lanes[0].now, i == 0 ? 5 : i < 5 ? 5 - i : 1);
        now = f->pace.blocked_until;
    }
    assert_int_equal(f->pace.lanes[1].now, 2);
}

/* A full queue ------------------------------------------------------------------------------------ */

static void a_full_queue_leaves_as_many_as_are_under_way_and_no_pause(void **state)
{
    struct fixture *f = *state;
    start(f, 0, 5, START);
    refuse_by_queue(f, 0, START, -1);
    refuse_by_queue(f, 0, START, -1);
    assert_int_equal(f->pace.lanes[0].now, 3);
    assert_true(blocked(f, START) == 0);
    assert_true(f->pace.slowed == 0);
    assert_true(http_pace_wait(&f->pace, 0, START) == UINT64_MAX);
    http_pace_ended(&f->pace, 0);
    assert_int_equal(http_pace_wait(&f->pace, 0, START), 0);
    assert_int_equal(f->pace.lanes[1].now, 2); /* the other lane has places of its own */
}

static void a_full_queue_with_none_under_way_is_a_pause(void **state)
{
    struct fixture *f = *state;
    start(f, 1, 1, START);
    refuse_by_queue(f, 1, START, -1);
    assert_int_equal(f->pace.lanes[1].now, 1);
    assert_true(blocked(f, START) > 0 && blocked(f, START) <= PATIENCE_FIRST);
}

static void retry_after_of_a_full_queue_is_obeyed(void **state)
{
    struct fixture *f = *state;
    start(f, 0, 3, START);
    refuse_by_queue(f, 0, START, 4);
    assert_true(blocked(f, START) == 4);
    assert_int_equal(f->pace.lanes[0].now, 2);
}

/* Up again ---------------------------------------------------------------------------------------- */

static void places_come_back_one_by_one_and_never_above_the_limit(void **state)
{
    struct fixture *f = *state;
    start(f, 0, 2, START);
    refuse_by_queue(f, 0, START, -1);
    unsigned before = 1;
    for (uint64_t now = START; now < START + 60 * SECOND; now += SECOND / 10) {
        patience_answered(&f->patience, &f->pace, 0, now);
        unsigned at_once = f->pace.lanes[0].now;
        assert_true(at_once == before || at_once == before + 1);
        assert_true(at_once <= 5);
        before = at_once;
    }
    assert_int_equal(before, 5);
}

static void steps_up_that_are_refused_become_rare(void **state)
{
    struct fixture *f = *state;
    uint64_t last = START, longest = 0;
    unsigned refused = 0;
    start(f, 0, 3, START);
    refuse_by_queue(f, 0, START, -1); /* two fit */
    for (uint64_t now = START; now < START + 100 * SECOND; now += SECOND / 10) {
        patience_answered(&f->patience, &f->pace, 0, now);
        if (f->pace.lanes[0].now == 2)
            continue;
        start(f, 0, 1, now);
        refuse_by_queue(f, 0, now, -1);
        longest = now - last > longest ? now - last : longest;
        last = now;
        refused++;
    }
    assert_int_equal(longest, PATIENCE_STEP_MOST * SECOND);
    assert_true(refused >= 12 && refused <= 18);
}

/* Timeouts ---------------------------------------------------------------------------------------- */

static void timeouts_in_a_row_are_overload(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 1; i < PATIENCE_ROW; i++)
        patience_timed_out(&f->patience, &f->pace, 0, START, START + SECOND);
    patience_answered(&f->patience, &f->pace, 0, START + SECOND); /* no row any more */
    for (unsigned i = 1; i < PATIENCE_ROW; i++)
        patience_timed_out(&f->patience, &f->pace, 0, START, START + SECOND);
    assert_int_equal(f->pace.lanes[0].now, 5);
    patience_timed_out(&f->patience, &f->pace, 0, START, START + SECOND);
    assert_int_equal(f->pace.lanes[0].now, 4);
    assert_true(blocked(f, START + SECOND) == 0);
    for (unsigned i = 0; i < 10; i++) /* these ran while there were five */
        patience_timed_out(&f->patience, &f->pace, 0, START, START + 2 * SECOND);
    assert_int_equal(f->pace.lanes[0].now, 4);
    for (unsigned i = 0; i < 10 * PATIENCE_ROW; i++)
        patience_timed_out(&f->patience, &f->pace, 0, START + i * SECOND + 5 * SECOND,
                           START + i * SECOND + 6 * SECOND);
    assert_int_equal(f->pace.lanes[0].now, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(retry_after_is_obeyed),
        TEST(without_it_pauses_grow_to_a_limit_until_there_is_an_answer),
        TEST(refusals_of_one_moment_are_one_event),
        TEST(an_event_slows_the_starts_and_answers_quicken_them_to_the_limit),
        TEST(fewer_run_at_once_when_it_happens_again),
        TEST(a_full_queue_leaves_as_many_as_are_under_way_and_no_pause),
        TEST(a_full_queue_with_none_under_way_is_a_pause),
        TEST(retry_after_of_a_full_queue_is_obeyed),
        TEST(places_come_back_one_by_one_and_never_above_the_limit),
        TEST(steps_up_that_are_refused_become_rare),
        TEST(timeouts_in_a_row_are_overload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
