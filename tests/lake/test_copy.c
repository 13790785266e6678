/* A copy of a lake in another place, of other files with other times, is as good as the lake. */
#include "../store/fault.h"
#include "small_export.h"

#include <fts.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { CALLS_MAX = 2000, STEP = 7 };

/* All bytes of a file under another name. */
static void copy_file(const char *from, const char *to, mode_t mode)
{
    char bytes[1 << 14];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(out, bytes, (size_t) n), n);
    assert_int_equal(n, 0);
    assert_true(close(in) == 0 && close(out) == 0);
}

/* cp -r: new files, in the order of a walk; their times are of another year. */
static void copy_tree(const char *from, const char *to)
{
    static const struct timeval times[2] = {{1000000000, 0}, {1000000000, 0}};
    char *const paths[] = {strdup(from), NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    assert_non_null(tree);
    while ((entry = fts_read(tree)) != NULL) {
        char path[FOLDER_PATH];
        (void) snprintf(path, sizeof path, "%s%s", to, entry->fts_path + strlen(from));
        if (entry->fts_info == FTS_D)
            assert_int_equal(mkdir(path, 0755), 0);
        else if (entry->fts_info == FTS_F)
            copy_file(entry->fts_path, path, 0644);
        else
            assert_int_equal(entry->fts_info, FTS_DP);
        if (entry->fts_info != FTS_D)
            assert_int_equal(utimes(path, times), 0);
    }
    (void) fts_close(tree);
    free(paths[0]);
}

/* The lake of the fixture is from now on a copy of what it was; the original is gone. */
static void move_on_to_copy(struct fixture *f, int number)
{
    char copy[sizeof f->folder.lake];
    (void) snprintf(copy, sizeof copy, "%s/copy-%d", f->folder.path, number);
    copy_tree(f->folder.lake, copy);
    store_free(f->store);
    folder_remove_tree(f->folder.lake);
    memcpy(f->folder.lake, copy, sizeof copy);
    f->store = store_open(f->folder.lake, &f->err);
    assert_non_null(f->store);
}

/* What of weir/tmp was copied is nobody's: the next that writes removes it. */
static void an_export_killed_at_any_call_resumes_from_a_copy(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    bool killed = true;
    int n;
    for (n = 1; killed && n < CALLS_MAX; n += STEP) {
        begin_anew(f);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            fault = (struct fault){.at = n};
            _exit(export(f->folder.lake, NULL) ? 0 : 1);
        }
        int status;
        struct stat is;
        assert_int_equal(waitpid(child, &status, 0), child);
        killed = WIFSIGNALED(status);
        if (lstat(f->folder.lake, &is) == 0)
            move_on_to_copy(f, n);
        resume(f, want);
    }
    assert_true(n > 100 && n < CALLS_MAX);
    free(want);
}

/* The lock of a running export is a file like others in a copy, and holds nobody up. */
static void a_copy_made_while_an_export_holds_the_lock_is_free(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    must_export(f);
    struct store *running = store_open(f->folder.lake, &f->err);
    struct store_lock *lock = lake_lock_new(running, &place_of_tests, "the running one", &f->err);
    struct store_writer *writer = store_writer_new(running, "am-okta-cl/half", &f->err);
    assert_true(lock && writer && store_writer_add(writer, "half", 4, &f->err));
    char original[sizeof f->folder.lake];
    memcpy(original, f->folder.lake, sizeof original);
    (void) snprintf(f->folder.lake, sizeof f->folder.lake, "%s/copy", f->folder.path);
    copy_tree(original, f->folder.lake);
    store_free(f->store);
    f->store = store_open(f->folder.lake, &f->err);
    assert_int_equal(folder_left(&f->folder), 2);
    resume(f, want); /* and nothing of the lock or of weir/tmp is left */
    store_writer_abort(writer);
    store_lock_free(lock);
    store_free(running);
    free(want);
}

/* Byte for byte the same lake, ledger and schema too, wherever and whenever it was made. */
static void a_lake_does_not_tell_where_or_on_what_it_was_made(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    must_export(f);
    move_on_to_copy(f, 1);
    resume(f, want);
    struct buf all = BUF_INIT(1 << 20);
    buf_reset(&f->text);
    assert_true(store_list(f->store, "weir", put_blob, f, &f->err));
    buf_put_str(&all, buf_str(&f->text));
    assert_null(strstr(buf_text(&all), f->folder.path));
    begin_anew(f);
    must_export(f);
    buf_reset(&f->text);
    assert_true(store_list(f->store, "weir", put_blob, f, &f->err));
    assert_string_equal(buf_text(&f->text), buf_text(&all));
    buf_release(&all);
    free(want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(an_export_killed_at_any_call_resumes_from_a_copy),
        T(a_copy_made_while_an_export_holds_the_lock_is_free),
        T(a_lake_does_not_tell_where_or_on_what_it_was_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
