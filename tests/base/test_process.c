/* Programs that are run: what they see, what is taken from them, and that nothing of them stays. */
#include "base/process.h"

#include "base/file.h"
#include "base/tick.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SHELL "/bin/sh"

enum { OUT_MAX = 4096 };

struct fixture {
    struct secret out;
    struct buf said;
    int status;
    struct error err;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.said = BUF_INIT(64)};
    assert_true(secret_init(&f.out, OUT_MAX, &f.err));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    secret_release(&f->out);
    buf_release(&f->said);
    return 0;
}

static bool run(struct fixture *f, const char *script, double seconds)
{
    struct process_options options = {.program = SHELL,
                                      .arguments = {"-c", script},
                                      .variables = {"PATH", "WEIR_TEST_SHOWN"},
                                      .seconds = seconds};
    buf_reset(secret_buf(&f->out));
    error_clear(&f->err);
    return process_run(&options, &f->out, &f->said, &f->status, &f->err);
}

static void both_outputs_and_the_status_are_told(void **state)
{
    struct fixture *f = *state;
    assert_true(run(f, "echo out; echo said >&2; exit 7", 0));
    assert_string_equal(secret_str(&f->out).p, "out\n");
    assert_string_equal(buf_text(&f->said), "said\n");
    assert_int_equal(f->status, 7);
    assert_true(run(f, "kill -9 $$", 0));
    assert_int_equal(f->status, 128 + SIGKILL);
}

static void it_stands_in_the_root_folder_with_nothing_to_read(void **state)
{
    struct fixture *f = *state;
    assert_true(run(f, "pwd; cat", 0));
    assert_string_equal(secret_str(&f->out).p, "/\n");
}

static void only_named_variables_reach_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(setenv("WEIR_TEST_SHOWN", "yes", 1) | setenv("WEIR_TEST_HIDDEN", "no", 1), 0);
    assert_int_equal(setenv("WEIR_TEST_SHOWN_NOT", "no", 1), 0);
    assert_true(run(f, "env | grep WEIR_TEST", 0));
    assert_string_equal(secret_str(&f->out).p, "WEIR_TEST_SHOWN=yes\n");
}

static void a_word_is_a_word_and_no_shell_reads_it(void **state)
{
    struct fixture *f = *state;
    struct process_options options = {.program = "/bin/echo", .arguments = {"$HOME;`id`", "a b"}};
    assert_true(process_run(&options, &f->out, &f->said, &f->status, &f->err));
    assert_string_equal(secret_str(&f->out).p, "$HOME;`id` a b\n");
}

static void what_it_says_beyond_the_limit_is_dropped_but_more_output_is_an_error(void **state)
{
    struct fixture *f = *state;
    assert_true(run(f, "head -c 100000 /dev/zero | tr '\\0' x >&2; echo done", 0));
    assert_int_equal(f->said.used, 64);
    assert_string_equal(secret_str(&f->out).p, "done\n");
    assert_false(run(f, "head -c 4097 /dev/zero", 0));
    assert_int_equal(f->err.code, ERROR_LIMIT);
}

/* The id that the script wrote. */
static pid_t id_of(const struct fixture *f)
{
    int64_t id = 0;
    assert_true(str_int64(str_trim(secret_str(&f->out)), &id));
    return (pid_t) id;
}

static bool is_gone(pid_t id)
{
    /* The kernel may need a moment for an orphan; a signal to a zombie of ours would still succeed. */
    for (int i = 0; i < 5000; i++) {
        if (kill(id, 0) != 0 && errno == ESRCH)
            return true;
        char path[64], text[512] = "";
        (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) id);
        struct buf stat = BUF_INIT(sizeof text);
        bool zombie = file_read(path, sizeof text, &stat, NULL) && strstr(buf_text(&stat), ") Z ");
        buf_release(&stat);
        if (zombie)
            return true;
        (void) usleep(1000);
    }
    return false;
}

static void one_that_takes_too_long_is_ended_with_all_that_it_started(void **state)
{
    struct fixture *f = *state;
    uint64_t before = clock_ns();
    assert_false(run(f, "sleep 60 & echo $!; wait", 0.3));
    assert_int_equal(f->err.code, ERROR_TIMEOUT);
    assert_true(clock_ns() - before < 30000000000U);
    assert_true(is_gone(id_of(f)));
}

static void a_child_that_stays_behind_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    assert_true(run(f, "sleep 60 & echo $!", 30));
    assert_int_equal(f->status, 0);
    assert_true(is_gone(id_of(f)));
}

static void a_wish_to_stop_ends_it(void **state)
{
    struct fixture *f = *state;
    struct stop stop = {0};
    stop_set(&stop, SIGINT);
    struct process_options options = {
        .program = SHELL, .arguments = {"-c", "sleep 60"}, .stop = &stop};
    assert_false(process_run(&options, &f->out, &f->said, &f->status, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
}

static void a_program_that_is_not_there_is_named(void **state)
{
    struct fixture *f = *state;
    struct process_options options = {.program = "/nonexistent/az"};
    assert_false(process_run(&options, &f->out, &f->said, &f->status, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_non_null(strstr(f->err.message, "/nonexistent/az cannot be started"));
}

static void programs_are_found_in_absolute_folders_only(void **state)
{
    (void) state;
    struct buf path = BUF_INIT(256);
    char *before = strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", ".:bin::/nonexistent:/bin", 1), 0);
    assert_true(process_find("sh", &path));
    assert_string_equal(buf_text(&path), "/bin/sh");
    assert_false(process_find("no-such-program", &path));
    assert_int_equal(setenv("PATH", "", 1), 0);
    assert_false(process_find("sh", &path));
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
    buf_release(&path);
}

static void a_hidden_process_leaves_no_core(void **state)
{
    (void) state;
    struct rlimit limit = {1, 1};
    process_hide();
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_true(limit.rlim_cur == 0 && limit.rlim_max == 0);
    struct stat status;
    if (geteuid() != 0 && stat("/proc/self/environ", &status) == 0)
        assert_int_equal(status.st_uid, 0); /* ours no more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_outputs_and_the_status_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_stands_in_the_root_folder_with_nothing_to_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(only_named_variables_reach_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_word_is_a_word_and_no_shell_reads_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_it_says_beyond_the_limit_is_dropped_but_more_output_is_an_error, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(one_that_takes_too_long_is_ended_with_all_that_it_started,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_child_that_stays_behind_is_not_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wish_to_stop_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_program_that_is_not_there_is_named, set_up, tear_down),
        cmocka_unit_test(programs_are_found_in_absolute_folders_only),
        cmocka_unit_test(a_hidden_process_leaves_no_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
