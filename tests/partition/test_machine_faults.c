/* Any call that touches the disk may fail, or be the last: nothing shows but whole partitions, and the same import ends it. */
#include "import.h"

#include "../store/fault.h"
#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum { CALLS_MAX = 3000, CALLS_MIN = 60 };

static int set_up(void **state)
{
    memset(&fault, 0, sizeof fault);
    return import_set_up(state);
}

static int tear_down(void **state)
{
    memset(&fault, 0, sizeof fault);
    return import_tear_down(state);
}

/* One thread: the calls come in one order. The way is through files in two levels, with rejects. */
static void make_input(struct import *im)
{
    unsigned seed = 3;
    for (unsigned i = 0; i < 420; i++) {
        seed = seed * 1103515245u + 12345u;
        import_line(im, (seed >> 8) % 2400, 1800, "\n");
        if (i % 200 == 7)
            import_junk(im, "{\n");
    }
    import_file(im);
    im->options.threads = 1;
    im->options.small = (struct partition_small){
        .scatter = 1 << 20, .held = 100000, .load = 30000, .run = 1 << 20, .slots = 4};
}

static size_t open_files(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    assert_int_equal(closedir(dir), 0);
    return n;
}

/* Fails the n-th call for all n that there are. */
static void fail_each(struct import *im, int number, bool always)
{
    int n = 1;
    size_t open_before = open_files();
    for (fault.struck = true; fault.struck; n++) {
        import_again(im);
        fault = (struct fault){.at = n, .number = number, .always = always};
        bool ok = import_run(im);
        bool struck = fault.struck;
        fault.at = 0;
        fault.struck = struck;
        assert_true(ok || im->err.code != ERROR_NONE);
        if (!ok && !struck)
            fail_msg("call %d: %s", n, im->err.message);
        (void) import_check(im, false);
        if (!ok) {
            store_free(im->store); /* as the end of the program does */
            im->store = store_open(im->folder.lake, &im->err);
            im->options.store = im->store;
            import_all(im);
        }
        store_free(im->store);
        im->store = NULL;
        assert_int_equal(folder_left(&im->folder), 0);
        assert_true(n < CALLS_MAX);
    }
    assert_true(n > CALLS_MIN);
    assert_int_equal(open_files(), open_before);
    im->store = store_open(im->folder.lake, &im->err);
}

static void a_call_that_fails_leaves_only_whole_partitions(void **state)
{
    struct import *im = *state;
    make_input(im);
    fail_each(im, EIO, false);
}

static void a_full_disk_leaves_only_whole_partitions(void **state)
{
    struct import *im = *state;
    make_input(im);
    fail_each(im, ENOSPC, true);
}

static void a_write_that_is_cut_is_gone_on_with(void **state)
{
    struct import *im = *state;
    make_input(im);
    for (int n = 1; n < 40; n += 3) {
        import_again(im);
        fault = (struct fault){.at = n, .brief = true};
        import_all(im);
        fault.at = 0;
    }
}

/* Of the thread that calls: the workers have a count of their own. */
static void an_allocation_that_fails_leaves_nothing_or_all(void **state)
{
    struct import *im = *state;
    make_input(im);
    int failed = 0, well = 0; /* in a row: some allocations can be done without */
    for (int n = 1; well < 40; n++) {
        import_again(im);
        mem_fail_at((uint64_t) n);
        bool ok = import_run(im);
        mem_fail_at(0);
        assert_true(ok || (im->err.code != ERROR_NONE && im->err.message[0]));
        assert_true(n < CALLS_MAX);
        (void) import_check(im, ok);
        failed += !ok;
        well = ok ? well + 1 : 0;
    }
    assert_true(failed > 50);
}

/* A process of its own, killed at its n-th call. */
static bool run_killed(struct import *im, int n)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(im->folder.lake, NULL);
        im->options.store = store;
        fault = (struct fault){.at = n};
        bool ok = partition_run(&im->options, &im->result, NULL);
        store_free(store);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    else
        assert_int_equal(WTERMSIG(status), SIGKILL);
    return WIFSIGNALED(status);
}

static void a_killed_import_is_finished_by_the_next(void **state)
{
    struct import *im = *state;
    bool killed = true;
    size_t some = 0;
    make_input(im);
    for (int n = 1; killed; n += 7) {
        store_free(im->store);
        im->store = NULL;
        folder_remove_tree(im->folder.lake);
        killed = run_killed(im, n);
        im->store = store_open(im->folder.lake, &im->err);
        im->options.store = im->store;
        some += killed && import_check(im, false) > 0;
        if (killed)
            import_all(im);
        store_free(im->store);
        im->store = NULL;
        assert_int_equal(folder_left(&im->folder), 0);
        assert_true(n < CALLS_MAX);
    }
    assert_true(some > 0); /* killed while names were taken, too */
    im->store = store_open(im->folder.lake, &im->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_call_that_fails_leaves_only_whole_partitions),
        T(a_full_disk_leaves_only_whole_partitions),
        T(a_write_that_is_cut_is_gone_on_with),
        T(an_allocation_that_fails_leaves_nothing_or_all),
        T(a_killed_import_is_finished_by_the_next),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
