/* A folder as a store when calls fail and processes die: nothing half-written shows, and nothing stays. */
#include "base/file.h"
#include "store/store.h"

#include "fault.h"
#include "folder.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

struct fixture {
    struct folder folder;
    struct error err;
    struct buf text;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    memset(&fault, 0, sizeof fault);
    if (!f || !folder_make(&f->folder))
        return -1;
    buf_init(&f->text, 1 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    memset(&fault, 0, sizeof fault);
    folder_remove_tree(f->folder.path);
    buf_release(&f->text);
    free(f);
    return 0;
}

static struct store *open_store(struct fixture *f)
{
    struct store *store = store_open(f->folder.lake, &f->err);
    assert_non_null(store);
    return store;
}

#define BLOB "am-x/WorkspaceResourceId=/y=2021/m=11/PT05M_weir.json"

/* --- the ways of writing --- */

typedef bool write_fn(struct store *store, struct str bytes, struct error *err);

static bool by_put(struct store *store, struct str bytes, struct error *err)
{
    return store_put(store, BLOB, bytes, err);
}

static bool by_put_new(struct store *store, struct str bytes, struct error *err)
{
    return store_delete(store, BLOB, err) && store_put_new(store, BLOB, bytes, err);
}

static bool by_stream(struct store *store, struct str bytes, struct error *err)
{
    struct store_writer *writer = store_writer_new(store, BLOB, err);
    if (!writer)
        return false;
    for (size_t i = 0; i < bytes.n; i += 2) {
        if (!store_writer_add(writer, bytes.p + i, bytes.n - i < 2 ? 1 : 2, err)) {
            store_writer_abort(writer);
            return false;
        }
    }
    return store_writer_commit(writer, 0, NULL, err) && store_sync(store, err);
}

/* A file that another hand has written: its bytes are whole before. */
static bool by_adoption(struct store *store, struct str bytes, struct error *err)
{
    struct buf path = BUF_INIT(4096);
    bool ok = store_scratch(store, &path, err);
    buf_puts(&path, "/1");
    ok = ok && file_write(buf_text(&path), bytes, 0666, true, err) &&
         store_adopt(store, buf_text(&path), BLOB, STORE_PUT_DURABLE, err);
    buf_release(&path);
    return ok;
}

/* The blob is what it was or what it should be; `gone_fine` when it may also be away. */
static void check_whole(struct fixture *f, bool must_be_new, bool gone_fine)
{
    struct store *store = open_store(f);
    struct error err = ERROR_INIT;
    if (store_get(store, BLOB, &f->text, &err))
        assert_true(strcmp(buf_text(&f->text), "new bytes") == 0 ||
                    (!must_be_new && strcmp(buf_text(&f->text), "old") == 0));
    else
        assert_true(!must_be_new && gone_fine && err.code == ERROR_NOT_FOUND);
    assert_true(store_put(store, BLOB, STR("old"), &f->err)); /* and this cleans up */
    store_free(store);
    assert_int_equal(folder_left(&f->folder), 0);
    assert_int_equal(folder_files(f->folder.lake), 1);
}

static void fail_each_call(struct fixture *f, write_fn *fn, int number, bool gone_fine)
{
    struct store *store = open_store(f);
    assert_true(store_put(store, BLOB, STR("old"), &f->err));
    store_free(store);
    int n = 1;
    for (fault.struck = true; fault.struck; n++) {
        struct error err = ERROR_INIT;
        store = open_store(f);
        fault.struck = false;
        fault.number = number;
        fault.at = n;
        bool ok = fn(store, STR("new bytes"), &err);
        store_free(store);
        fault.at = 0;
        assert_true(ok || (fault.struck && err.code != ERROR_NONE && err.message[0]));
        check_whole(f, ok, gone_fine);
        assert_true(n < 1000);
    }
    assert_true(n > 8); /* there were calls to fail */
}

static void a_failed_put_leaves_the_old_blob(void **state)
{
    fail_each_call(*state, by_put, EIO, false);
}

static void a_failed_new_put_leaves_all_or_nothing(void **state)
{
    fail_each_call(*state, by_put_new, ENOSPC, true);
}

static void a_failed_stream_leaves_the_old_blob(void **state)
{
    fail_each_call(*state, by_stream, ENOSPC, false);
}

static void a_failed_adoption_leaves_the_old_blob(void **state)
{
    fail_each_call(*state, by_adoption, EIO, false);
}

static void kill_at_each_call(struct fixture *f, write_fn *fn, bool gone_fine)
{
    struct store *store = open_store(f);
    assert_true(store_put(store, BLOB, STR("old"), &f->err));
    store_free(store);
    bool killed = true;
    int n = 1;
    for (; killed; n++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            store = store_open(f->folder.lake, NULL);
            fault.at = n;
            bool ok = fn(store, STR("new bytes"), NULL);
            store_free(store);
            _exit(ok ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        killed = WIFSIGNALED(status);
        assert_true(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
        check_whole(f, !killed, gone_fine);
        assert_true(n < 1000);
    }
    assert_true(n > 8);
}

static void a_killed_put_leaves_the_old_blob_or_the_new_one(void **state)
{
    kill_at_each_call(*state, by_put, false);
}

static void a_killed_new_put_leaves_all_or_nothing(void **state)
{
    kill_at_each_call(*state, by_put_new, true);
}

static void a_killed_stream_leaves_the_old_blob_or_the_new_one(void **state)
{
    kill_at_each_call(*state, by_stream, false);
}

static void a_killed_adoption_leaves_the_old_blob_or_the_new_one(void **state)
{
    kill_at_each_call(*state, by_adoption, false);
}

static void a_link_in_the_way_of_an_adoption_is_not_followed(void **state)
{
    struct fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store *store = open_store(f);
    char link[FOLDER_PATH];
    assert_true(by_adoption(store, STR("one"), &err));
    (void) snprintf(link, sizeof link, "%s/am-x/WorkspaceResourceId=/y=2021", f->folder.lake);
    folder_remove_tree(link);
    assert_int_equal(symlink(f->folder.path, link), 0);
    assert_false(by_adoption(store, STR("two"), &err));
    assert_int_equal(unlink(link), 0);
    store_free(store);
}

/* --- what errors say --- */

static void says(struct fixture *f, int number, const char *message, const char *hint)
{
    struct error err = ERROR_INIT;
    struct store *store = open_store(f);
    assert_true(store_put(store, "c/a", STR("x"), &f->err)); /* the store's own folder is there */
    fault.number = number;
    fault.call = "write";
    fault.at = 1;
    assert_false(store_put(store, BLOB, STR("x"), &err));
    fault.at = 0;
    store_free(store);
    assert_int_equal(err.code, ERROR_IO);
    assert_non_null(strstr(err.message, BLOB));
    assert_non_null(strstr(err.message, f->folder.lake));
    assert_non_null(strstr(err.message, message));
    assert_non_null(strstr(err.hint, hint));
}

static void errors_say_what_where_and_what_to_do(void **state)
{
    struct fixture *f = *state;
    says(f, ENOSPC, "No space left on device", "free some room");
    says(f, EDQUOT, "quota", "free some room");
    says(f, EROFS, "Read-only file system", "--lake");
    says(f, EACCES, "Permission denied", "read and write");
}

static void an_interrupted_write_goes_on(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    assert_true(store_put(store, "c/a", STR("x"), &f->err));
    fault.number = EINTR;
    fault.call = "write";
    fault.at = 1;
    assert_true(store_put(store, BLOB, STR("whole"), &f->err));
    assert_true(fault.struck);
    assert_true(store_get(store, BLOB, &f->text, &f->err));
    assert_string_equal(buf_text(&f->text), "whole");
    store_free(store);
}

static void a_file_system_without_exclusive_rename_links(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    assert_true(store_put_new(store, "c/first", STR("x"), &f->err));
    for (int i = 0; i < 2; i++) {
        error_clear(&f->err);
        fault.struck = false;
        fault.number = EINVAL;
        fault.call = "renameat2";
        fault.at = 1;
        bool ok = store_put_new(store, "c/a", STR("x"), &f->err);
        assert_true(fault.struck);
        assert_int_equal(ok, i == 0);
        assert_int_equal(f->err.code, i == 0 ? ERROR_NONE : ERROR_EXISTS);
    }
    store_free(store);
    assert_int_equal(folder_files(f->folder.lake), 2);
}

/* --- locks --- */

static void a_second_lock_says_who_holds_the_first(void **state)
{
    struct fixture *f = *state;
    char pid[32];
    struct store *ours = open_store(f), *theirs = open_store(f);
    struct store_lock *lock =
        store_lock_new(ours, "weir/g/t/lock", "weir 0.1.0 export run 17", &f->err);
    assert_non_null(lock);
    assert_null(store_lock_new(theirs, "weir/g/t/lock", "another", &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    (void) snprintf(pid, sizeof pid, "process %ld", (long) getpid());
    assert_non_null(strstr(f->err.message, "weir 0.1.0 export run 17 on "));
    assert_non_null(strstr(f->err.message, pid));
    assert_non_null(strstr(f->err.message, "since 20"));
    struct store_lock *other = store_lock_new(theirs, "weir/g/u/lock", "another", NULL);
    assert_non_null(other);
    store_lock_free(other);
    store_lock_free(lock);
    lock = store_lock_new(theirs, "weir/g/t/lock", "another", NULL);
    assert_non_null(lock);
    store_lock_free(lock);
    store_free(ours);
    store_free(theirs);
    assert_int_equal(folder_files(f->folder.path), 0);
}

/* A child that holds the lock until it is killed; returns when it has it. */
static pid_t hold_lock(struct fixture *f)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(f->folder.lake, NULL);
        struct store_lock *lock = store_lock_new(store, "weir/g/t/lock", "the child", NULL);
        (void) (write(ready[1], lock ? "y" : "n", 1) == 1);
        for (;;)
            (void) pause();
    }
    char answer = 'n';
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    (void) close(ready[0]);
    (void) close(ready[1]);
    return child;
}

static void the_lock_of_a_killed_process_is_taken_over(void **state)
{
    struct fixture *f = *state;
    pid_t child = hold_lock(f);
    struct store *store = open_store(f);
    assert_null(store_lock_new(store, "weir/g/t/lock", "me", &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_non_null(strstr(f->err.message, "the child"));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct store_lock *lock = store_lock_new(store, "weir/g/t/lock", "me", NULL);
    assert_non_null(lock);
    store_lock_free(lock);
    store_free(store);
    assert_int_equal(folder_files(f->folder.path), 0);
}

static void a_lock_that_cannot_be_written_is_not_held(void **state)
{
    struct fixture *f = *state;
    for (int n = 1;; n++) {
        struct error err = ERROR_INIT;
        struct store *store = open_store(f);
        fault.struck = false;
        fault.number = EIO;
        fault.at = n;
        struct store_lock *lock = store_lock_new(store, "weir/g/t/lock", "me", &err);
        fault.at = 0;
        assert_true(lock || err.code == ERROR_IO);
        store_lock_free(lock);
        lock = store_lock_new(store, "weir/g/t/lock", "me", NULL);
        assert_non_null(lock);
        store_lock_free(lock);
        store_free(store);
        if (!fault.struck)
            break;
    }
    assert_int_equal(folder_files(f->folder.path), 0);
}

/* --- weir/tmp --- */

static void what_a_killed_program_left_goes_and_what_a_living_one_has_stays(void **state)
{
    struct fixture *f = *state;
    struct store *living = open_store(f);
    struct store_writer *writer = store_writer_new(living, "c/living", &f->err);
    assert_true(store_writer_add(writer, "living", 6, &f->err));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(f->folder.lake, NULL);
        struct buf path = BUF_INIT(PATH_MAX);
        (void) store_scratch(store, &path, NULL);
        struct store_writer *dead = store_writer_new(store, "c/dead", NULL);
        (void) store_writer_add(dead, "dead", 4, NULL);
        (void) raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(folder_left(&f->folder), 4); /* two programs, folder and lock each */
    struct store *next = open_store(f);
    assert_true(store_put(next, "c/next", STR("x"), &f->err));
    store_free(next);
    assert_int_equal(folder_left(&f->folder), 2);
    assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    store_free(living);
    assert_int_equal(folder_left(&f->folder), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_failed_put_leaves_the_old_blob),
        T(a_failed_new_put_leaves_all_or_nothing),
        T(a_failed_stream_leaves_the_old_blob),
        T(a_failed_adoption_leaves_the_old_blob),
        T(a_killed_adoption_leaves_the_old_blob_or_the_new_one),
        T(a_link_in_the_way_of_an_adoption_is_not_followed),
        T(a_killed_put_leaves_the_old_blob_or_the_new_one),
        T(a_killed_new_put_leaves_all_or_nothing),
        T(a_killed_stream_leaves_the_old_blob_or_the_new_one),
        T(errors_say_what_where_and_what_to_do),
        T(an_interrupted_write_goes_on),
        T(a_file_system_without_exclusive_rename_links),
        T(a_second_lock_says_who_holds_the_first),
        T(the_lock_of_a_killed_process_is_taken_over),
        T(a_lock_that_cannot_be_written_is_not_held),
        T(what_a_killed_program_left_goes_and_what_a_living_one_has_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
