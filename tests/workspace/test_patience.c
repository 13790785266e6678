/* Patience, against a clock of the test's own. */
#include "workspace/patience.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint64_t SECOND = 1000000000;

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

/* A query that began just now is refused; the seconds that all must wait. */
static double refuse(struct fixture *f, uint64_t now, double retry_after)
{
    patience_throttled(&f->patience, &f->pace, now, retry_after, now, &f->random);
    return (double) (f->pace.blocked_until - now) / 1e9;
}

static void retry_after_is_obeyed(void **state)
{
    struct fixture *f = *state;
    assert_true(refuse(f, 100 * SECOND, 17) == 17);
    assert_int_equal(http_pace_wait(&f->pace, 0, 101 * SECOND), 16 * SECOND);
}

static void without_it_pauses_grow_to_a_limit_until_there_is_an_answer(void **state)
{
    struct fixture *f = *state;
    uint64_t now = 100 * SECOND;
    double expected = PATIENCE_FIRST;
    for (int i = 0; i < 10; i++) {
        double pause = refuse(f, now, -1);
        assert_true(pause >= 0.5 * expected && pause <= expected);
        expected = 2 * expected < PATIENCE_MOST ? 2 * expected : PATIENCE_MOST;
        now = f->pace.blocked_until;
    }
    patience_answered(&f->patience, &f->pace);
    assert_true(refuse(f, now, -1) <= PATIENCE_FIRST);
}

static void refusals_of_one_moment_are_one_event(void **state)
{
    struct fixture *f = *state;
    uint64_t now = 100 * SECOND;
    double first = refuse(f, now, -1);
    for (int i = 0; i < 4; i++) /* these began before the first was refused */
        patience_throttled(&f->patience, &f->pace, now - SECOND, -1, now + 1, &f->random);
    assert_true((double) (f->pace.blocked_until - now) / 1e9 == first);
    assert_int_equal(f->pace.lanes[0].now, 5);
    patience_throttled(&f->patience, &f->pace, now - SECOND, 30, now, &f->random);
    assert_int_equal(f->pace.blocked_until, now + 30 * SECOND);
}

static void fewer_run_at_once_when_it_happens_again_and_more_after_many_answers(void **state)
{
    struct fixture *f = *state;
    uint64_t now = 100 * SECOND;
    for (int i = 0; i < 10; i++) {
        (void) refuse(f, now, -1);
        assert_int_equal(f->pace.lanes[0].now, i == 0 ? 5 : i < 5 ? 5 - i : 1);
        now = f->pace.blocked_until;
    }
    for (int i = 0; i < 4 * PATIENCE_RISE; i++) {
        assert_int_equal(f->pace.lanes[0].now, 1 + i / PATIENCE_RISE);
        patience_answered(&f->patience, &f->pace);
    }
    for (int i = 0; i < 10 * PATIENCE_RISE; i++)
        patience_answered(&f->patience, &f->pace);
    assert_int_equal(f->pace.lanes[0].now, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(retry_after_is_obeyed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_it_pauses_grow_to_a_limit_until_there_is_an_answer,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_of_one_moment_are_one_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            fewer_run_at_once_when_it_happens_again_and_more_after_many_answers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
