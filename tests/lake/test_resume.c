/* An export that is killed at any call that touches the disk goes on, to the same bytes. Calls that fail: test_faults.c. */
#include "../store/fault.h"
#include "small_export.h"

#include <errno.h>
#include <sys/wait.h>

enum { CALLS_MAX = 2000 };

/* Runs an export in a child that dies at its n-th call. False when it has fewer calls. */
static bool export_killed_at(struct fixture *f, int n)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault = (struct fault){.at = n};
        _exit(export(f->folder.lake, NULL) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static void an_export_killed_at_any_call_resumes_to_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    int n = 1;
    do {
        begin_anew(f);
        bool killed = export_killed_at(f, n);
        resume(f, want);
        if (!killed)
            break;
    } while (++n < CALLS_MAX);
    assert_true(n > 100 && n < CALLS_MAX);
    free(want);
}

static void an_export_killed_again_and_again_ends_with_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    for (int n = 3; n < 400 && export_killed_at(f, n); n += 7) {
        /* each time a little further, over what the ones before left */
    }
    begin_anew(f);
    for (int n = 120; n > 0 && export_killed_at(f, n); n -= 11) {
        /* each time a little less far */
    }
    resume(f, want);
    free(want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(an_export_killed_at_any_call_resumes_to_the_same_bytes),
        T(an_export_killed_again_and_again_ends_with_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
