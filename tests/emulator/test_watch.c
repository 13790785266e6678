/* The watch: deadlines, and a cancel that is given again until it was heard. */

#include "emulator/watch.h"

#include "base/tick.h"
#include "emulator/bell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint64_t ms = 1000000;

static void count_cancel(void *context)
{
    atomic_fetch_add((atomic_int *) context, 1);
}

static void wait_for(const atomic_int *count, int wanted)
{
    struct bell bell;
    assert_true(bell_init(&bell));
    while (atomic_load(count) < wanted)
        (void) bell_pause(&bell, ms / 10);
    bell_release(&bell);
}

static void a_deadline_that_passes_cancels_again_and_again(void **state)
{
    (void) state;
    struct watch *watch = watch_new(NULL);
    atomic_int soon = 0, late = 0;
    struct watched one = {.cancel = count_cancel, .context = &soon, .deadline = clock_ns() + ms};
    struct watched other = {
        .cancel = count_cancel, .context = &late, .deadline = clock_ns() + 3600000 * ms};
    watch_add(watch, &one);
    watch_add(watch, &other);
    wait_for(&soon, 3);
    assert_true(one.fired);
    assert_false(other.fired);
    watch_remove(watch, &one);
    int heard = soon;
    watch_remove(watch, &other);
    assert_int_equal(late, 0);
    watch_free(watch);
    assert_int_equal(soon, heard);
}

static void stopping_cancels_all_and_what_comes_later(void **state)
{
    (void) state;
    struct watch *watch = watch_new(NULL);
    atomic_int first = 0, second = 0;
    struct watched one = {.cancel = count_cancel, .context = &first, .deadline = UINT64_MAX};
    struct watched other = {.cancel = count_cancel, .context = &second, .deadline = UINT64_MAX};
    watch_add(watch, &one);
    watch_stop(watch);
    wait_for(&first, 1);
    watch_add(watch, &other);
    wait_for(&second, 1);
    watch_remove(watch, &one);
    watch_remove(watch, &other);
    watch_free(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_that_passes_cancels_again_and_again),
        cmocka_unit_test(stopping_cancels_all_and_what_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
