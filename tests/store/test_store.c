/* Blobs are put whole, listed in byte order, read back, and never leave the lake. */
#include "base/random.h"
#include "base/tick.h"
#include "store/store.h"

#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct folder folder;
    struct store *store;
    struct error err;
    struct buf text;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !folder_make(&f->folder))
        return -1;
    buf_init(&f->text, 1 << 20);
    f->store = store_open(f->folder.lake, &f->err);
    *state = f;
    return f->store ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    folder_remove_tree(f->folder.path);
    buf_release(&f->text);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *name, const char *bytes)
{
    if (!store_put(f->store, name, str_of(bytes), &f->err))
        fail_msg("put %s: %s", name, f->err.message);
}

static const char *get(struct fixture *f, const char *name)
{
    error_clear(&f->err);
    return store_get(f->store, name, &f->text, &f->err) ? buf_text(&f->text) : NULL;
}

static void path_of(const struct fixture *f, const char *name, char path[FOLDER_PATH])
{
    (void) snprintf(path, FOLDER_PATH, "%s/%s", f->folder.lake, name);
}

static bool gather(void *context, const struct store_blob *blob, struct error *err)
{
    (void) err;
    struct buf *out = context;
    buf_put_str(out, blob->name);
    buf_printf(out, ":%llu\n", (unsigned long long) blob->size);
    return true;
}

static bool gather_folder(void *context, struct str name, struct error *err)
{
    (void) err;
    buf_put_str(context, name);
    buf_putc(context, '\n');
    return true;
}

static const char *list(struct fixture *f, const char *prefix)
{
    buf_reset(&f->text);
    error_clear(&f->err);
    assert_true(store_list(f->store, prefix, gather, &f->text, &f->err));
    return buf_text(&f->text);
}

static void opening_makes_nothing(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    assert_string_equal(list(f, ""), "");
    assert_null(get(f, "am-x/a"));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_true(store_delete(f->store, "am-x/a", NULL));
    assert_true(store_sync(f->store, NULL));
    assert_int_not_equal(stat(f->folder.lake, &status), 0);
}

static void what_was_put_is_read_back(void **state)
{
    struct fixture *f = *state;
    uint64_t size = 0;
    put(f, "am-x/y=2021/a.json", "one\n");
    assert_string_equal(get(f, "am-x/y=2021/a.json"), "one\n");
    put(f, "am-x/y=2021/a.json", "");
    assert_string_equal(get(f, "am-x/y=2021/a.json"), "");
    put(f, "am-x/y=2021/a.json", "three");
    assert_true(store_stat(f->store, "am-x/y=2021/a.json", &size, NULL));
    assert_int_equal(size, 5);
    assert_false(store_stat(f->store, "am-x/y=2021", &size, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
}

static void a_blob_longer_than_the_buffer_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf small = BUF_INIT(4);
    put(f, "c/a", "12345");
    assert_false(store_get(f->store, "c/a", &small, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    put(f, "c/a", "1234");
    assert_true(store_get(f->store, "c/a", &small, NULL));
    assert_string_equal(buf_text(&small), "1234");
    buf_release(&small);
}

static void a_taken_name_is_not_put_anew(void **state)
{
    struct fixture *f = *state;
    assert_true(store_put_new(f->store, "weir/g/ledger/00000001.jsonl", STR("first"), &f->err));
    assert_false(store_put_new(f->store, "weir/g/ledger/00000001.jsonl", STR("second"), &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "weir/g/ledger/00000001.jsonl"), "first");
}

static void a_stream_shows_only_when_it_is_committed(void **state)
{
    struct fixture *f = *state;
    struct store_writer *writer = store_writer_new(f->store, "am-x/a", &f->err);
    assert_non_null(writer);
    assert_true(store_writer_add(writer, "ab", 2, &f->err));
    assert_true(store_writer_add(writer, "", 0, &f->err));
    assert_string_equal(list(f, ""), "");
    assert_true(store_writer_add(writer, "cd", 2, &f->err));
    assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    assert_string_equal(list(f, ""), "am-x/a:4\n");
    writer = store_writer_new(f->store, "am-x/a", &f->err);
    assert_true(store_writer_add(writer, "zzz", 3, &f->err));
    store_writer_abort(writer);
    assert_string_equal(get(f, "am-x/a"), "abcd");
}

static void several_streams_go_side_by_side(void **state)
{
    struct fixture *f = *state;
    struct store_writer *a = store_writer_new(f->store, "c/a", &f->err);
    struct store_writer *b = store_writer_new(f->store, "c/b", &f->err);
    assert_true(store_writer_add(a, "a", 1, NULL) && store_writer_add(b, "b", 1, NULL));
    assert_true(store_writer_commit(b, 0, NULL, NULL) && store_writer_commit(a, 0, NULL, NULL));
    assert_string_equal(list(f, "c"), "c/a:1\nc/b:1\n");
}

static void a_blob_is_read_in_pieces(void **state)
{
    struct fixture *f = *state;
    char piece[3];
    size_t n;
    put(f, "c/a", "12345678");
    struct store_reader *reader = store_reader_new(f->store, "c/a", &f->err);
    buf_reset(&f->text);
    while (store_reader_next(reader, piece, sizeof piece, &n, &f->err) && n > 0)
        buf_put(&f->text, piece, n);
    store_reader_free(reader);
    assert_string_equal(buf_text(&f->text), "12345678");
}

static void what_is_deleted_is_gone(void **state)
{
    struct fixture *f = *state;
    put(f, "c/a", "1");
    assert_true(store_delete(f->store, "c/a", &f->err));
    assert_true(store_delete(f->store, "c/a", &f->err));
    assert_true(store_delete(f->store, "d/e/f", &f->err));
    assert_null(get(f, "c/a"));
}

static void names_that_could_leave_the_lake_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",     "/etc/passwd", "..",        "a/../b", "a/./b",
                                      "a//b", "a/",          "a\nb",      "a/\x7f", ".",
                                      "a/..", "weir/tmp",    "weir/tmp/x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error_clear(&f->err);
        assert_false(store_put(f->store, bad[i], STR("x"), &f->err));
        assert_int_equal(f->err.code, ERROR_INTERNAL);
        assert_false(store_get(f->store, bad[i], &f->text, NULL));
        assert_false(store_delete(f->store, bad[i], NULL));
        assert_null(store_lock_new(f->store, bad[i], "me", NULL));
    }
    char lengthy[STORE_NAME_MAX + 2];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    assert_false(store_put(f->store, lengthy, STR("x"), NULL));
    assert_int_equal(folder_files(f->folder.path), 0);
}

static void listing_is_in_byte_order_of_whole_names(void **state)
{
    struct fixture *f = *state;
    put(f, "c/a/b", "1");
    put(f, "c/a-b", "12");
    put(f, "c/a.b", "");
    put(f, "c/a0", "1");
    put(f, "c/B", "1");
    put(f, "b/z", "1");
    assert_string_equal(list(f, "c"), "c/B:1\nc/a-b:2\nc/a.b:0\nc/a/b:1\nc/a0:1\n");
    assert_string_equal(list(f, "c/a"), "c/a/b:1\n");
    assert_string_equal(list(f, "c/a-b"), "c/a-b:2\n");
    assert_string_equal(list(f, "c/none/at/all"), "");
    assert_string_equal(list(f, "c/a-b/below"), "");
}

static void folders_are_listed_one_level_deep(void **state)
{
    struct fixture *f = *state;
    put(f, "am-x/a/b/c", "1");
    put(f, "am-x/z", "1");
    put(f, "am-y/q", "1");
    put(f, "weir/g/t", "1");
    buf_reset(&f->text);
    assert_true(store_folders(f->store, "", gather_folder, &f->text, &f->err));
    assert_true(store_folders(f->store, "am-x", gather_folder, &f->text, &f->err));
    assert_true(store_folders(f->store, "am-x/z", gather_folder, &f->text, &f->err));
    assert_true(store_folders(f->store, "am-q/z", gather_folder, &f->text, &f->err));
    assert_true(store_folders(f->store, "weir", gather_folder, &f->text, &f->err));
    assert_string_equal(buf_text(&f->text), "am-x\nam-y\nweir\na\ng\n");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static void random_trees_are_listed_as_their_sorted_names(void **state)
{
    struct fixture *f = *state;
    enum { NAMES = 300 };
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    char names[NAMES][64], *sorted[NAMES];
    size_t n = 0;
    for (int i = 0; i < NAMES; i++) {
        char *name = names[n];
        size_t used = (size_t) snprintf(name, 64, "c");
        for (uint64_t depth = 1 + random_below(&random, 4); depth > 0; depth--)
            used += (size_t) snprintf(name + used, 64 - used, "/%c%.*s",
                                      "ab-.0\xc3"[random_below(&random, 6)],
                                      (int) random_below(&random, 2), "-");
        error_clear(
            &f->err); /* a name that is a folder, or below a file, is no part of the model */
        if (store_put_new(f->store, name, STR("x"), &f->err))
            sorted[n++] = name;
    }
    qsort(sorted, n, sizeof sorted[0], compare_names);
    struct buf expected = BUF_INIT(1 << 20);
    for (size_t i = 0; i < n; i++)
        buf_printf(&expected, "%s:1\n", sorted[i]);
    assert_true(n > 0); /* names that are folders of others fall out, at times most of them */
    assert_string_equal(list(f, ""), buf_text(&expected));
    assert_string_equal(list(f, "c"), buf_text(&expected));
    buf_release(&expected);
}

static bool refuse(void *context, const struct store_blob *blob, struct error *err)
{
    (void) blob;
    ++*(int *) context;
    return error_set(err, ERROR_FORMAT, "enough");
}

static void a_call_back_ends_a_listing_with_its_error(void **state)
{
    struct fixture *f = *state;
    int calls = 0;
    put(f, "c/a/b", "1");
    put(f, "c/b", "1");
    assert_false(store_list(f->store, "", refuse, &calls, &f->err));
    assert_int_equal(calls, 1);
    assert_int_equal(f->err.code, ERROR_FORMAT);
}

static void links_are_neither_followed_nor_listed(void **state)
{
    struct fixture *f = *state;
    char link[FOLDER_PATH], outside[FOLDER_PATH];
    uint64_t size;
    put(f, "c/a", "1");
    (void) snprintf(outside, sizeof outside, "%s/outside", f->folder.path);
    assert_int_equal(mkdir(outside, 0777), 0);
    path_of(f, "c/link", link);
    assert_int_equal(symlink(outside, link), 0);
    path_of(f, "c/blob", link);
    assert_int_equal(symlink("a", link), 0);

    assert_string_equal(list(f, ""), "c/a:1\n");
    assert_false(store_put(f->store, "c/link/b", STR("x"), &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_non_null(strstr(f->err.hint, "symbolic link"));
    assert_null(get(f, "c/link/b"));
    assert_null(get(f, "c/blob"));
    assert_false(store_stat(f->store, "c/blob", &size, NULL));
    assert_int_equal(folder_files(outside), 0);
    put(f, "c/blob", "own"); /* replaces the link, not what it points to */
    assert_string_equal(get(f, "c/a"), "1");
}

static void a_pipe_in_a_lake_does_not_hold_us(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    put(f, "c/a", "1");
    path_of(f, "c/pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(get(f, "c/pipe"));
    assert_string_equal(list(f, ""), "c/a:1\n");
}

static void a_file_where_a_folder_must_be_is_named(void **state)
{
    struct fixture *f = *state;
    put(f, "c/a", "1");
    assert_false(store_put(f->store, "c/a/b", STR("x"), &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_non_null(strstr(f->err.message, "c/a/b"));
    assert_non_null(strstr(f->err.message, f->folder.lake));
    assert_non_null(strstr(f->err.hint, "there is a file"));
    assert_false(store_put(f->store, "c", STR("x"), NULL));
}

static void a_lake_that_is_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    (void) snprintf(path, sizeof path, "%s/file", f->folder.path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    struct store *store = store_open(path, &f->err);
    assert_non_null(store);
    assert_false(store_put(store, "c/a", STR("x"), &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_non_null(strstr(f->err.message, path));
    store_free(store);
}

static void a_path_is_given_for_engines_that_open_files(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    assert_true(store_path(f->store, "c/a", &f->text, &f->err));
    path_of(f, "c/a", path);
    assert_string_equal(buf_text(&f->text), path);
}

static void the_scratch_folder_goes_with_the_store(void **state)
{
    struct fixture *f = *state;
    struct buf path = BUF_INIT(PATH_MAX), again = BUF_INIT(PATH_MAX);
    assert_true(store_scratch(f->store, &path, &f->err));
    assert_true(store_scratch(f->store, &again, &f->err));
    assert_string_equal(buf_text(&path), buf_text(&again));
    buf_puts(&again, "/run-1");
    int fd = open(buf_text(&again), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_string_equal(list(f, ""), "");
    store_free(f->store);
    assert_int_equal(folder_files(f->folder.path), 0);
    assert_int_equal(folder_left(&f->folder), 0);
    f->store = store_open(f->folder.lake, NULL);
    buf_release(&path);
    buf_release(&again);
}

static void two_stores_of_one_lake_do_not_disturb_each_other(void **state)
{
    struct fixture *f = *state;
    struct store *other = store_open(f->folder.lake, &f->err);
    struct store_writer *ours = store_writer_new(f->store, "c/a", &f->err);
    assert_true(store_writer_add(ours, "ours", 4, &f->err));
    assert_true(store_put(other, "c/b", STR("theirs"), &f->err));
    store_free(other);
    assert_true(store_writer_commit(ours, 0, NULL, &f->err));
    assert_string_equal(list(f, ""), "c/a:4\nc/b:6\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(opening_makes_nothing),
        T(what_was_put_is_read_back),
        T(a_blob_longer_than_the_buffer_is_refused),
        T(a_taken_name_is_not_put_anew),
        T(a_stream_shows_only_when_it_is_committed),
        T(several_streams_go_side_by_side),
        T(a_blob_is_read_in_pieces),
        T(what_is_deleted_is_gone),
        T(names_that_could_leave_the_lake_are_refused),
        T(listing_is_in_byte_order_of_whole_names),
        T(folders_are_listed_one_level_deep),
        T(random_trees_are_listed_as_their_sorted_names),
        T(a_call_back_ends_a_listing_with_its_error),
        T(links_are_neither_followed_nor_listed),
        T(a_pipe_in_a_lake_does_not_hold_us),
        T(a_file_where_a_folder_must_be_is_named),
        T(a_lake_that_is_a_file_is_refused),
        T(a_path_is_given_for_engines_that_open_files),
        T(the_scratch_folder_goes_with_the_store),
        T(two_stores_of_one_lake_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
