/* What every store does, whatever its driver: each test runs over a folder and over a played account. */
#include "base/tick.h"
#include "http/http.h"
#include "store/store.h"

#include "blobs.h"
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct folder folder;
    struct blobs *blobs; /* NULL: a folder */
    struct http_client *http;
    struct store *store;
    struct error err;
    struct buf text;
};

static int set_up(void **state)
{
    bool azure = strcmp(*state, "azure") == 0;
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !folder_make(&f->folder))
        return -1;
    buf_init(&f->text, 64 << 20);
    (void) setenv("WEIR_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    struct store_options options = {.address = f->folder.lake};
    if (azure) {
        f->blobs = blobs_new();
        f->http = http_new(&(struct http_options){0}, &f->err);
        options = (struct store_options){
            .address = blobs_url(f->blobs, ""), .http = f->http, .key = "env:WEIR_TEST_KEY"};
    }
    f->store = store_open_with(&options, &f->err);
    *state = f;
    return f->store ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    bool proper = !f->blobs || blobs_proper(f->blobs);
    if (f->blobs) {
        http_free(f->http);
        blobs_free(f->blobs);
    }
    folder_remove_tree(f->folder.path);
    buf_release(&f->text);
    free(f);
    return proper ? 0 : -1;
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

static bool gather(void *context, const struct store_blob *blob, struct error *err)
{
    (void) err;
    struct buf *out = context;
    buf_put_str(out, blob->name);
    buf_printf(out, ":%llu%s ", (unsigned long long) blob->size, blob->modified > 0 ? "" : "?");
    return true;
}

static bool gather_folder(void *context, struct str name, struct error *err)
{
    (void) err;
    buf_put_str(context, name);
    buf_putc(context, ' ');
    return true;
}

static const char *list(struct fixture *f, const char *prefix)
{
    buf_reset(&f->text);
    error_clear(&f->err);
    if (!store_list(f->store, prefix, gather, &f->text, &f->err))
        fail_msg("list %s: %s", prefix, f->err.message);
    return buf_text(&f->text);
}

static const char *folders(struct fixture *f, const char *prefix)
{
    buf_reset(&f->text);
    if (!store_folders(f->store, prefix, gather_folder, &f->text, &f->err))
        fail_msg("folders %s: %s", prefix, f->err.message);
    return buf_text(&f->text);
}

static void what_is_not_there_is_empty_or_not_found(void **state)
{
    struct fixture *f = *state;
    uint64_t size;
    assert_string_equal(list(f, ""), "");
    assert_string_equal(list(f, "am-none/y=2021"), "");
    assert_string_equal(folders(f, "am-none"), "");
    assert_null(get(f, "am-none/a"));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    error_clear(&f->err);
    assert_false(store_stat(f->store, "am-none/a", &size, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_true(store_delete(f->store, "am-none/a", NULL));
    assert_true(store_sync(f->store, NULL));
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
    assert_true(store_stat(f->store, "am-x/y=2021/a.json", &size, &f->err));
    assert_int_equal(size, 5);
    buf_release(&f->text);
    buf_init(&f->text, 4);
    assert_null(get(f, "am-x/y=2021/a.json"));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    buf_release(&f->text);
    buf_init(&f->text, 64 << 20);
}

static void a_new_blob_does_not_replace(void **state)
{
    struct fixture *f = *state;
    assert_true(store_put_new(f->store, "weir/g/1.jsonl", STR("same"), &f->err));
    assert_false(store_put_new(f->store, "weir/g/1.jsonl", STR("other"), &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    error_clear(&f->err);
    assert_false(store_put_new(f->store, "weir/g/1.jsonl", STR("same"), &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "weir/g/1.jsonl"), "same");
}

static void names_with_what_urls_and_xml_cannot_hold_come_back(void **state)
{
    struct fixture *f = *state;
    static const char name[] = "am-x/a b&<c>\"%41#?+='\xc3\xb6/e;,@!$()*:[].json";
    put(f, name, "x");
    assert_string_equal(get(f, name), "x");
    char expected[sizeof name + 4];
    (void) snprintf(expected, sizeof expected, "%s:1 ", name);
    assert_string_equal(list(f, "am-x"), expected);
    assert_true(store_delete(f->store, name, &f->err));
    assert_string_equal(list(f, "am-x"), "");
}

static void many_blobs_are_deleted_at_once(void **state)
{
    enum { MANY = 300 };
    struct fixture *f = *state;
    static struct store_unwanted blobs[MANY];
    char names[MANY][32];
    for (size_t i = 0; i < MANY; i++) {
        (void) snprintf(names[i], sizeof names[i], "am-x/m=%zu/a", i % 150);
        names[i][strlen(names[i]) - 1] = i < 150 ? 'a' : 'b';
        put(f, names[i], "12");
        blobs[i] = (struct store_unwanted){
            .name = names[i], .sized = i % 2 == 0, .size = i == 8 ? 3 : 2, .folders = 1};
    }
    blobs[7].name = "am-x/none";
    if (!store_delete_many(f->store, blobs, MANY, &f->err))
        fail_msg("%s", f->err.message);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(blobs[i].fate, i == 8 ? STORE_CHANGED : STORE_GONE);
    assert_string_equal(list(f, "am-x"), "am-x/m=7/a:2 am-x/m=8/a:2 ");
    assert_true(store_delete_many(f->store, blobs, 0, &f->err));
}

static void listings_are_of_whole_parts_in_order(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"am-x/m=1/b", "am-x/m=10/c", "am-x/m=1/a", "am-y/m=1/d",
                                        "weir/e"};
    for (size_t i = 0; i < 5; i++)
        put(f, names[i], "12");
    assert_string_equal(list(f, ""),
                        "am-x/m=1/a:2 am-x/m=1/b:2 am-x/m=10/c:2 am-y/m=1/d:2 weir/e:2 ");
    assert_string_equal(list(f, "am-x"), "am-x/m=1/a:2 am-x/m=1/b:2 am-x/m=10/c:2 ");
    assert_string_equal(list(f, "am-x/m=1"), "am-x/m=1/a:2 am-x/m=1/b:2 ");
    assert_string_equal(folders(f, ""), "am-x am-y weir ");
    assert_string_equal(folders(f, "am-x"), "m=1 m=10 ");
    assert_string_equal(folders(f, "am-x/m=1"), "");
}

static void several_prefixes_are_listed_in_their_order(void **state)
{
    struct fixture *f = *state;
    const char *const prefixes[] = {"am-x/m=3", "am-x/m=1", "am-none", "am-x/m=2"};
    put(f, "am-x/m=1/a", "1");
    put(f, "am-x/m=2/a", "1");
    put(f, "am-x/m=3/a", "1");
    buf_reset(&f->text);
    assert_true(store_list_many(f->store, prefixes, 4, gather, &f->text, &f->err));
    assert_string_equal(buf_text(&f->text), "am-x/m=3/a:1 am-x/m=1/a:1 am-x/m=2/a:1 ");
}

static bool refuse(void *context, const struct store_blob *blob, struct error *err)
{
    (void) blob;
    ++*(int *) context;
    return error_set(err, ERROR_FORMAT, "enough");
}

static void a_callback_ends_a_listing_with_its_error(void **state)
{
    struct fixture *f = *state;
    int calls = 0;
    put(f, "am-x/a", "1");
    put(f, "am-x/b", "1");
    assert_false(store_list(f->store, "am-x", refuse, &calls, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_int_equal(calls, 1);
}

/* A blob that is longer than what is put, or read, at once. */
static void large_blobs_come_back_whole(void **state)
{
    struct fixture *f = *state;
    enum { PIECE = 300007, PIECES = 70 };
    char *piece = malloc(PIECE);
    struct store_written written;
    struct store_writer *writer = store_writer_new(f->store, "am-x/large", &f->err);
    assert_non_null(writer);
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i % 26, PIECE);
        assert_true(store_writer_add(writer, piece, PIECE, &f->err));
    }
    assert_string_equal(list(f, "am-x"), ""); /* nothing shows before the commit */
    assert_true(store_writer_commit(writer, 0, &written, &f->err));
    assert_int_equal(written.bytes, (uint64_t) PIECE * PIECES);
    assert_true(store_sync(f->store, &f->err));
    assert_non_null(get(f, "am-x/large"));
    assert_int_equal(f->text.used, (size_t) PIECE * PIECES);
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i % 26, PIECE);
        assert_memory_equal(piece, f->text.bytes + (size_t) i * PIECE, PIECE);
    }
    free(piece);
}

static void an_aborted_writer_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_writer *writer = store_writer_new(f->store, "am-x/a", &f->err);
    assert_true(store_writer_add(writer, "1", 1, &f->err));
    store_writer_abort(writer);
    assert_true(store_sync(f->store, &f->err));
    assert_string_equal(list(f, ""), "");
}

static void many_uploads_are_there_after_a_sync(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 1500 };
    char name[64], bytes[64];
    for (int i = 0; i < MANY; i++) {
        (void) snprintf(name, sizeof name, "am-x/h=%02d/%04d", i % 24, i);
        int n = snprintf(bytes, sizeof bytes, "row %d\n", i);
        struct store_writer *writer = store_writer_new(f->store, name, &f->err);
        assert_non_null(writer);
        assert_true(store_writer_add(writer, bytes, (size_t) n, &f->err));
        assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    }
    assert_true(store_sync(f->store, &f->err));
    for (int i = 0; i < MANY; i += 97) {
        (void) snprintf(name, sizeof name, "am-x/h=%02d/%04d", i % 24, i);
        (void) snprintf(bytes, sizeof bytes, "row %d\n", i);
        assert_string_equal(get(f, name), bytes);
    }
}

/* Without a sync between: the later one wins, and a read sees what was committed before it. */
static void writes_of_one_name_keep_their_order(void **state)
{
    struct fixture *f = *state;
    static const char *const versions[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++) {
        struct store_writer *writer = store_writer_new(f->store, "am-x/a", &f->err);
        assert_true(store_writer_add(writer, versions[i], strlen(versions[i]), &f->err));
        assert_true(store_writer_commit(writer, 0, NULL, &f->err));
        assert_string_equal(get(f, "am-x/a"), versions[i]);
    }
}

static void a_follow_comes_after_all_before_it(void **state)
{
    struct fixture *f = *state;
    struct buf segment = BUF_INIT(100);
    for (int i = 0; i < 50; i++) {
        char name[32];
        (void) snprintf(name, sizeof name, "am-x/%02d", i);
        struct store_writer *writer = store_writer_new(f->store, name, &f->err);
        assert_true(store_writer_add(writer, "x", 1, &f->err));
        assert_true(store_writer_commit(writer, 0, NULL, &f->err));
    }
    buf_puts(&segment, "line\n");
    assert_true(store_follow(f->store, "weir/l/1", &segment, &f->err));
    assert_int_equal(segment.used, 0);
    buf_puts(&segment, "next\n");
    assert_false(store_follow(f->store, "weir/l/2", &segment, NULL)); /* one at a time */
    assert_int_equal(segment.used, 5);
    assert_int_equal(store_follow_ask(f->store, true, &f->err), STORE_FOLLOW_DONE);
    assert_string_equal(get(f, "weir/l/1"), "line\n");
    assert_int_equal(store_follow_ask(f->store, true, NULL), STORE_FOLLOW_FAILED);
    assert_true(store_follow(f->store, "weir/l/1", &segment, &f->err));
    assert_int_equal(store_follow_ask(f->store, true, &f->err), STORE_FOLLOW_FAILED);
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "weir/l/1"), "line\n");
    buf_release(&segment);
}

static void reading_ahead_gives_all_in_order(void **state)
{
    struct fixture *f = *state;
    enum { BLOBS = 300, LARGE = 9 << 20 };
    struct store_wanted *wanted = calloc(BLOBS + 2, sizeof *wanted);
    char(*names)[32] = calloc(BLOBS, sizeof *names), *large = malloc(LARGE);
    for (int i = 0; i < BLOBS; i++) {
        (void) snprintf(names[i], sizeof names[i], "am-x/%03d", i);
        put(f, names[i], names[i]);
        wanted[i] = (struct store_wanted){names[i], strlen(names[i])};
    }
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char) (i * 7 >> 3);
    assert_true(store_put(f->store, "am-x/large", (struct str){large, LARGE}, &f->err));
    put(f, "am-x/none", "");
    wanted[BLOBS] = (struct store_wanted){"am-x/large", LARGE - 1}; /* it has grown since */
    wanted[BLOBS + 1] = (struct store_wanted){"am-x/none", 0};
    struct store_ahead *ahead = store_ahead_new(f->store, wanted, BLOBS + 2, &f->err);
    assert_non_null(ahead);
    size_t index = 0, at = 0, given = 0;
    while (at < BLOBS + 2) {
        struct str piece;
        if (!store_ahead_next(ahead, &index, &piece, &f->err))
            fail_msg("%s", f->err.message);
        assert_int_equal(index, at);
        if (piece.n == 0) {
            assert_int_equal(given, wanted[at].size);
            at++;
            given = 0;
            continue;
        }
        const char *expected = at == BLOBS ? large : names[at];
        assert_memory_equal(piece.p, expected + given, piece.n);
        given += piece.n;
    }
    struct str piece;
    assert_true(store_ahead_next(ahead, &index, &piece, &f->err));
    assert_int_equal(index, BLOBS + 2);
    store_ahead_free(ahead);
    free(large);
    free(names);
    free(wanted);
}

static void reading_ahead_says_what_is_gone_or_shorter(void **state)
{
    struct fixture *f = *state;
    put(f, "am-x/a", "12345");
    const struct store_wanted gone[] = {{"am-x/a", 5}, {"am-x/b", 5}}, shorter[] = {{"am-x/a", 9}};
    size_t index;
    struct str piece;
    struct store_ahead *ahead = store_ahead_new(f->store, gone, 2, &f->err);
    assert_true(store_ahead_next(ahead, &index, &piece, &f->err));
    assert_true(store_ahead_next(ahead, &index, &piece, &f->err));
    assert_false(store_ahead_next(ahead, &index, &piece, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "am-x/b"));
    store_ahead_free(ahead);
    error_clear(&f->err);
    ahead = store_ahead_new(f->store, shorter, 1, &f->err);
    bool ok = store_ahead_next(ahead, &index, &piece, &f->err) &&
              store_ahead_next(ahead, &index, &piece, &f->err);
    assert_false(ok);
    assert_int_equal(f->err.code, ERROR_PARTIAL);
    store_ahead_free(ahead);
}

static void a_lock_is_held_once_and_says_by_whom(void **state)
{
    struct fixture *f = *state;
    struct store_lock *lock = store_lock_new(f->store, "weir/t/lock", "an export of T", &f->err);
    assert_non_null(lock);
    assert_null(store_lock_new(f->store, "weir/t/lock", "another", &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_non_null(strstr(f->err.message, "an export of T on "));
    assert_non_null(strstr(f->err.message, "since 20"));
    store_lock_free(lock);
    error_clear(&f->err);
    lock = store_lock_new(f->store, "weir/t/lock", "another", &f->err);
    assert_non_null(lock);
    store_lock_free(lock);
    assert_string_equal(list(f, ""), "");
}

static void scratch_is_a_private_folder_that_goes_with_the_store(void **state)
{
    struct fixture *f = *state;
    struct buf path = BUF_INIT(4096);
    struct stat is;
    assert_true(store_scratch(f->store, &path, &f->err));
    assert_int_equal(stat(buf_text(&path), &is), 0);
    assert_true(S_ISDIR(is.st_mode));
    assert_int_equal(is.st_mode & 077, 0);
    store_free(f->store);
    f->store = NULL;
    assert_int_not_equal(stat(buf_text(&path), &is), 0);
    buf_release(&path);
}

static const char *scratch_file(struct fixture *f, const char *name, const char *bytes)
{
    struct buf folder = BUF_INIT(4096);
    char *path = NULL;
    assert_true(store_scratch(f->store, &folder, &f->err));
    assert_true(asprintf(&path, "%s/%s", buf_text(&folder), name) > 0);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, strlen(bytes), out), strlen(bytes));
    assert_int_equal(fclose(out), 0);
    buf_release(&folder);
    return path;
}

static void a_file_is_adopted_and_gone(void **state)
{
    struct fixture *f = *state;
    const char *path = scratch_file(f, "a", "adopted\n");
    put(f, "am-x/y=2021/b", "old");
    assert_true(store_adopt(f->store, path, "am-x/y=2021/a", STORE_PUT_DURABLE, &f->err));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_string_equal(get(f, "am-x/y=2021/a"), "adopted\n");
    free((void *) (uintptr_t) path);
    path = scratch_file(f, "a", "again\n");
    assert_true(store_adopt(f->store, path, "am-x/y=2021/b", STORE_PUT_DURABLE, &f->err));
    assert_string_equal(get(f, "am-x/y=2021/b"), "again\n");
    free((void *) (uintptr_t) path);
}

static void an_adopted_file_replaces_nothing_when_it_must_be_new(void **state)
{
    struct fixture *f = *state;
    const char *path = scratch_file(f, "a", "adopted\n");
    put(f, "am-x/y=2021/a", "old");
    error_clear(&f->err);
    assert_false(
        store_adopt(f->store, path, "am-x/y=2021/a", STORE_PUT_DURABLE | STORE_PUT_NEW, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "am-x/y=2021/a"), "old");
    free((void *) (uintptr_t) path);
}

static void many_files_are_adopted_in_their_order(void **state)
{
    enum { COUNT = 60 };
    struct fixture *f = *state;
    struct store_adopted files[COUNT + 1];
    size_t done = 0;
    char names[COUNT][80], bytes[16];
    for (int i = 0; i < COUNT; i++) {
        (void) snprintf(names[i], sizeof names[i], "am-x/y=2021/m=%02d/d=%02d/%d", i / 20,
                        i % 20 / 3, i);
        (void) snprintf(bytes, sizeof bytes, "%d", i);
        files[i] = (struct store_adopted){scratch_file(f, bytes, bytes), names[i]};
    }
    files[COUNT] = (struct store_adopted){"/nowhere/to/be/found", "am-x/z"};
    error_clear(&f->err);
    assert_false(store_adopt_many(f->store, files, COUNT + 1, 0, &done, &f->err));
    assert_int_equal(done, COUNT);
    assert_true(store_sync(f->store, NULL));
    for (int i = 0; i < COUNT; i++) {
        (void) snprintf(bytes, sizeof bytes, "%d", i);
        assert_string_equal(get(f, names[i]), bytes);
        free((void *) (uintptr_t) files[i].path);
    }
}

static void a_name_that_is_none_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", "/a", "a//b", "a/../b", "a/", "a/\n", "weir/tmp/x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        error_clear(&f->err);
        assert_false(store_put(f->store, names[i], STR("x"), &f->err));
        assert_int_equal(f->err.code, ERROR_INTERNAL);
    }
}

#define TEST(name, driver)                                                                         \
    {                                                                                              \
#name " (" driver ")", name, set_up, tear_down, (void *) (driver)                          \
    }
#define BOTH(name) TEST(name, "folder"), TEST(name, "azure")

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_is_not_there_is_empty_or_not_found),
        BOTH(what_was_put_is_read_back),
        BOTH(a_new_blob_does_not_replace),
        BOTH(names_with_what_urls_and_xml_cannot_hold_come_back),
        BOTH(many_blobs_are_deleted_at_once),
        BOTH(listings_are_of_whole_parts_in_order),
        BOTH(several_prefixes_are_listed_in_their_order),
        BOTH(a_callback_ends_a_listing_with_its_error),
        BOTH(large_blobs_come_back_whole),
        BOTH(an_aborted_writer_leaves_nothing),
        BOTH(many_uploads_are_there_after_a_sync),
        BOTH(writes_of_one_name_keep_their_order),
        BOTH(a_follow_comes_after_all_before_it),
        BOTH(reading_ahead_gives_all_in_order),
        BOTH(reading_ahead_says_what_is_gone_or_shorter),
        BOTH(a_lock_is_held_once_and_says_by_whom),
        BOTH(scratch_is_a_private_folder_that_goes_with_the_store),
        BOTH(a_file_is_adopted_and_gone),
        BOTH(an_adopted_file_replaces_nothing_when_it_must_be_new),
        BOTH(many_files_are_adopted_in_their_order),
        BOTH(a_name_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
