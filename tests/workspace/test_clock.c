/* The wall clock may jump: pace and time-outs do not look at it. */
#include "fixture.h"

#include "base/tick.h"

#include <stdatomic.h>
#include <time.h>

#define GOOD                                                                                       \
    "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"A\",\"type\":\"long\"}],"   \
    "\"rows\":[[1]]}]}"

enum { DAY = 86400 };
static const uint64_t MS = 1000000;

/* Seconds by which the wall clock is set forward; the linker puts our clock_gettime before that of the
 * system. */
static atomic_long wall;

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int failed = __real_clock_gettime(id, out);
    out->tv_sec += id == CLOCK_REALTIME ? wall : 0;
    return failed;
}

static void jump(void *context, const struct workspace_result *result)
{
    long by = *(const long *) context;
    assert_int_equal(result->outcome, WORKSPACE_THROTTLED);
    wall = by;
}

/* A pause that the service asks for, across a jump of the clock, takes as long as it was asked for. */
static void assert_pause_is_kept(long by)
{
    struct fixture f;
    struct told told = {0};
    struct workspace_options options = {.concurrent = 1, .answer_timeout = 5, .stall_timeout = 5};
    wall = 0;
    fixture_open(&f, &options);
    fixture_sign_in(&f, 2); /* a jump forward makes the token old */
    server_answer(f.server, &(struct server_answer){.match = FIXTURE_QUERY,
                                                    .status = 429,
                                                    .headers = "Retry-After: 1\r\n"});
    fixture_answer(&f, 200, STR(GOOD));
    struct workspace_query first = {.kql = STR("T"), .done = jump, .context = &by};
    uint64_t before = clock_ns();
    assert_true(workspace_start(f.workspace, &first, &f.err));
    fixture_start(&f, &told, "T");
    assert_true(workspace_run(f.workspace, -1, &f.err));
    uint64_t took = clock_ns() - before;
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    assert_true(told.result.seconds >= 0 && told.result.seconds < 5);
    assert_true(took >= 1000 * MS && took < 5000 * MS);
    told_release(&told);
    fixture_close(&f);
    wall = 0;
}

static void a_clock_that_is_set_back_changes_no_pause(void **state)
{
    (void) state;
    assert_pause_is_kept(-DAY);
}

static void a_clock_that_is_set_forward_changes_no_pause(void **state)
{
    (void) state;
    assert_pause_is_kept(DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_set_back_changes_no_pause),
        cmocka_unit_test(a_clock_that_is_set_forward_changes_no_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
