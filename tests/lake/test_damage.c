/* A ledger or a schema that was damaged is named, nothing is touched, and the way out that the error tells leads out. */
#include "lake/segment.h"

#include "../store/fault.h"
#include "small_export.h"

#include <ctype.h>
#include <errno.h>

#define SEGMENT(n) PLACE_OWN "/ledger/0000000" #n ".jsonl"
#define SCHEMA PLACE_OWN "/schema.json"

enum { SEGMENT_DIGITS = 8 };

static const char *const segment_names[SEGMENTS] = {SEGMENT(1), SEGMENT(2), SEGMENT(3)};

static int set_up(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_set_up(state);
}

static int tear_down(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_tear_down(state);
}

/* --- a lake to be damaged --- */

static void path_of(const struct fixture *f, const char *name, char path[FOLDER_PATH])
{
    (void) snprintf(path, FOLDER_PATH, "%s/%s", f->folder.lake, name);
}

static void overwrite(const struct fixture *f, const char *name, struct str bytes)
{
    char path[FOLDER_PATH];
    path_of(f, name, path);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    assert_int_equal(close(fd), 0);
}

static void rename_in_lake(const struct fixture *f, const char *from, const char *to)
{
    char old[FOLDER_PATH], new[FOLDER_PATH];
    path_of(f, from, old);
    path_of(f, to, new);
    assert_int_equal(rename(old, new), 0);
}

static void remove_in_lake(const struct fixture *f, const char *name)
{
    char path[FOLDER_PATH];
    path_of(f, name, path);
    assert_int_equal(unlink(path), 0);
}

/* The small export's lake, and its rows as text (the caller frees). */
static char *make_lake(struct fixture *f)
{
    must_export(f);
    return sound_lake(f);
}

/* A copy of a blob that the caller frees. */
static struct str bytes_of(struct fixture *f, const char *name)
{
    assert_true(store_get(f->store, name, &f->text, &f->err));
    char *copy = malloc(f->text.used + 1);
    assert_non_null(copy);
    memcpy(copy, buf_text(&f->text), f->text.used + 1);
    return (struct str){copy, f->text.used};
}

static void bytes_free(struct str bytes)
{
    free((void *) (uintptr_t) bytes.p);
}

/* A segment with one word changed, and a right last line: as another program might have written it. */
static void rewrite(struct fixture *f, const char *name, const char *from, const char *to)
{
    char hash[HASH_SHA256_HEX];
    struct str was = bytes_of(f, name);
    struct buf text = BUF_INIT(LAKE_SEGMENT_MAX);
    const char *at = strstr(was.p, from), *tail = strstr(was.p, "{\"lines\":");
    assert_true(at && tail && at < tail);
    buf_put(&text, was.p, (size_t) (at - was.p));
    buf_puts(&text, to);
    at += strlen(from);
    buf_put(&text, at, (size_t) (tail - at));
    assert_true(hash_sha256_hex(buf_str(&text), hash, NULL));
    const char *old = strstr(tail, "\"sha256\":\"") + strlen("\"sha256\":\"");
    buf_put(&text, tail, (size_t) (old - tail));
    buf_printf(&text, "%s\"}\n", hash);
    overwrite(f, name, buf_str(&text));
    buf_release(&text);
    bytes_free(was);
}

/* --- what is asked of every damage --- */

/* Neither reading nor an export goes on; the error is of that kind and says these words; nothing was touched. */
static void refused(struct fixture *f, enum error_code code, const char *where, const char *words)
{
    char before[HASH_SHA256_HEX], after[HASH_SHA256_HEX];
    error_clear(&f->err);
    assert_true(folder_digest(f->folder.path, before));
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_true(folder_digest(f->folder.path, after));
    if (ledger || f->err.code != code || !strstr(f->err.message, where) ||
        !strstr(f->err.message, words))
        fail_msg("'%s' of '%s' is wanted; %s: %s", words, where, error_name(f->err.code),
                 f->err.message);
    assert_string_equal(before, after);
    assert_true(f->err.hint[0] != '\0');
}

/* What an export makes of it: the same error, and no blob, segment or schema touched (a lock comes and goes). */
static void export_refused(struct fixture *f, const char *where)
{
    char before[3][HASH_SHA256_HEX], after[3][HASH_SHA256_HEX], path[FOLDER_PATH];
    static const char *const parts[] = {"am-okta-cl", PLACE_OWN "/ledger", SCHEMA};
    struct error err = ERROR_INIT;
    for (int i = 0; i < 3; i++) {
        path_of(f, parts[i], path);
        assert_true(folder_digest(path, before[i]));
    }
    assert_false(export(f->folder.lake, &err));
    assert_non_null(strstr(err.message, where));
    for (int i = 0; i < 3; i++) {
        path_of(f, parts[i], path);
        assert_true(folder_digest(path, after[i]));
        assert_string_equal(before[i], after[i]);
    }
}

/* The segment's number that the error names. */
static int named_segment(const struct fixture *f)
{
    const char *at = strstr(f->err.message, "segment ");
    assert_non_null(at);
    at += strlen("segment ");
    for (int i = 0; i < SEGMENT_DIGITS; i++)
        assert_true(isdigit((unsigned char) at[i]));
    assert_int_equal(strncmp(at + SEGMENT_DIGITS, ".jsonl", strlen(".jsonl")), 0);
    return atoi(at);
}

static bool is_told(const struct fixture *f)
{
    return strstr(f->err.hint, "no data was touched") && strstr(f->err.hint, "every one behind") &&
           strstr(f->err.hint, PLACE_OWN "/ledger") && strstr(f->err.hint, f->folder.lake);
}

/* Does what the hint says: that segment and every one behind it out of the folder. */
static void follow_hint(struct fixture *f)
{
    char from[FOLDER_PATH], to[FOLDER_PATH];
    struct stat status;
    assert_true(is_told(f));
    for (int i = named_segment(f); i <= SEGMENTS + 1; i++) {
        (void) snprintf(from, sizeof from, "%s/" PLACE_OWN "/ledger/%08d.jsonl", f->folder.lake, i);
        (void) snprintf(to, sizeof to, "%s/moved-%d", f->folder.path, i);
        if (lstat(from, &status) == 0)
            assert_int_equal(rename(from, to), 0);
        folder_remove_tree(to);
        (void) unlink(to);
    }
}

static void leads_out(struct fixture *f, const char *want)
{
    follow_hint(f);
    resume(f, want);
}

/* --- segments --- */

static void a_segment_torn_anywhere(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    struct str whole = bytes_of(f, SEGMENT(3));
    for (size_t n = 0; n < whole.n; n++) {
        overwrite(f, SEGMENT(3), (struct str){whole.p, n});
        refused(f, ERROR_FORMAT, "00000003.jsonl", "torn");
        leads_out(f, want);
    }
    struct str again = bytes_of(f, SEGMENT(3));
    assert_true(str_eq(whole, again));
    bytes_free(again);
    bytes_free(whole);
    free(want);
}

static void a_byte_changed_anywhere(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    for (int i = 0; i < SEGMENTS; i++) {
        struct str whole = bytes_of(f, segment_names[i]);
        char *bytes = (char *) (uintptr_t) whole.p;
        for (size_t n = 0; n < whole.n * 2; n++) {
            char bit = n % 2 ? 0x20 : 1;
            bytes[n / 2] ^= bit;
            overwrite(f, segment_names[i], whole);
            bytes[n / 2] ^= bit;
            refused(f, ERROR_FORMAT, strrchr(segment_names[i], '/') + 1, "");
            assert_true(is_told(f) && named_segment(f) == i + 1);
        }
        export_refused(f, strrchr(segment_names[i], '/') + 1);
        leads_out(f, want);
        bytes_free(whole);
    }
    free(want);
}

/* Whole and sound, but not what the next was written after. */
static void a_segment_replaced_by_a_sound_one(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    rewrite(f, SEGMENT(2), "\"rows\":3", "\"rows\":4");
    refused(f, ERROR_FORMAT, "00000002.jsonl", "changed or replaced");
    export_refused(f, "00000002.jsonl");
    leads_out(f, want);
    free(want);
}

static void a_segment_missing_in_the_middle(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    for (int i = 0; i < SEGMENTS - 1; i++) {
        remove_in_lake(f, segment_names[i]);
        refused(f, ERROR_FORMAT, strrchr(segment_names[i + 1], '/') + 1, "before it is not");
        export_refused(f, strrchr(segment_names[i], '/') + 1);
        leads_out(f, want);
    }
    free(want);
}

/* No chain can know of what was its end: its partitions are fetched again. */
static void the_last_segments_missing(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    for (int first = SEGMENTS - 1; first >= 0; first--) {
        for (int i = first; i < SEGMENTS; i++)
            remove_in_lake(f, segment_names[i]);
        resume(f, want);
    }
    free(want);
}

static void two_segments_swapped(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    rename_in_lake(f, SEGMENT(1), PLACE_OWN "/ledger/x");
    rename_in_lake(f, SEGMENT(2), SEGMENT(1));
    rename_in_lake(f, PLACE_OWN "/ledger/x", SEGMENT(2));
    refused(f, ERROR_FORMAT, "00000001.jsonl", "it says it is segment 2");
    export_refused(f, "00000001.jsonl");
    leads_out(f, want);
    free(want);
}

static void an_empty_segment(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    for (int i = 0; i < SEGMENTS; i++) {
        overwrite(f, segment_names[i], STR(""));
        refused(f, ERROR_FORMAT, strrchr(segment_names[i], '/') + 1, "torn");
        leads_out(f, want);
    }
    free(want);
}

static void a_segment_longer_than_any(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    char *want = make_lake(f);
    path_of(f, SEGMENT(2), path);
    assert_int_equal(truncate(path, LAKE_SEGMENT_MAX + 1), 0);
    refused(f, ERROR_FORMAT, "00000002.jsonl", "longer than any segment");
    leads_out(f, want);
    free(want);
}

static void a_folder_where_a_segment_should_be(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    char *want = make_lake(f);
    path_of(f, SEGMENT(2), path);
    for (int i = 0; i < 2; i++) {
        remove_in_lake(f, SEGMENT(2));
        assert_int_equal(mkdir(path, 0777), 0);
        if (i == 1)
            rename_in_lake(f, SEGMENT(3), PLACE_OWN "/ledger/00000002.jsonl/x");
        refused(f, ERROR_FORMAT, "00000002.jsonl", "it is a folder");
        export_refused(f, "00000002.jsonl");
        leads_out(f, want);
    }
    path_of(f, SEGMENT(4), path); /* behind the last: the next would find its name taken */
    assert_int_equal(mkdir(path, 0777), 0);
    refused(f, ERROR_FORMAT, "00000004.jsonl", "it is a folder");
    leads_out(f, want);
    free(want);
}

/* Links are not followed and so not seen, until their name is needed. */
static void a_link_where_the_next_segment_should_be(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    char *want = make_lake(f);
    remove_in_lake(f, SEGMENT(3));
    path_of(f, SEGMENT(3), path);
    assert_int_equal(symlink("/dev/null", path), 0);
    error_clear(&f->err);
    assert_false(export(f->folder.lake, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "segment 00000003.jsonl: it is a symbolic link"));
    leads_out(f, want);
    free(want);
}

static void a_file_where_the_folder_should_be(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    rename_in_lake(f, PLACE_OWN "/ledger", "ledger-moved");
    rename_in_lake(f, "ledger-moved/00000001.jsonl", PLACE_OWN "/ledger");
    refused(f, ERROR_FORMAT, PLACE_OWN "/ledger", "is a file");
    export_refused(f, PLACE_OWN "/ledger");
    remove_in_lake(f, PLACE_OWN "/ledger");
    remove_in_lake(f, "ledger-moved/00000002.jsonl");
    remove_in_lake(f, "ledger-moved/00000003.jsonl");
    resume(f, want);
    free(want);
}

static void foreign_files_beside_the_segments(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "00000000.jsonl", "00000002.jsonl.old", "000000002.jsonl", "2.jsonl", "00000009.JSONL",
        "README",         "old/00000001.jsonl"};
    char before[HASH_SHA256_HEX], after[HASH_SHA256_HEX];
    char *want = make_lake(f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[256];
        (void) snprintf(name, sizeof name, PLACE_OWN "/ledger/%s", names[i]);
        assert_true(store_put(f->store, name, STR("not ours"), &f->err));
    }
    assert_true(folder_digest(f->folder.lake, before));
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_non_null(ledger);
    assert_int_equal(lake_ledger_count(ledger), PARTITIONS);
    assert_int_equal(lake_ledger_segments(ledger), SEGMENTS);
    lake_ledger_free(ledger);
    assert_true(folder_digest(f->folder.lake, after));
    assert_string_equal(before, after);
    free(want);
}

static void another_version(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    rewrite(f, SEGMENT(3), "\"version\":1", "\"version\":20");
    refused(f, ERROR_FORMAT, "00000003.jsonl", "version 20");
    assert_non_null(strstr(f->err.hint, "newer"));
    assert_null(strstr(f->err.hint, "Move"));
    export_refused(f, "version 20");
    rewrite(f, SEGMENT(3), "\"version\":20", "\"version\":1");
    resume(f, want);
    free(want);
}

static void another_table_in_the_same_folder(void **state)
{
    struct fixture *f = *state;
    char before[HASH_SHA256_HEX], after[HASH_SHA256_HEX];
    struct lake_place other = place_of_tests;
    other.table = "okta_cl";
    free(make_lake(f));
    assert_true(folder_digest(f->folder.path, before));
    assert_null(lake_ledger_open(f->store, &other, &f->err));
    assert_true(folder_digest(f->folder.path, after));
    assert_string_equal(before, after);
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "00000001.jsonl"));
    assert_non_null(strstr(f->err.message, "Okta_CL"));
    assert_non_null(strstr(f->err.hint, "two tables cannot share"));
}

static void a_segment_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    for (int i = 0; i < 2; i++) {
        fault = (struct fault){.at = 1, .call = "openat", .number = EACCES, .always = true};
        fault.name = "00000002.jsonl";
        if (i == 0) {
            refused(f, ERROR_IO, PLACE_OWN "/ledger/00000002.jsonl", strerror(EACCES));
            assert_non_null(strstr(f->err.hint, "read and write"));
        } else {
            export_refused(f, PLACE_OWN "/ledger/00000002.jsonl");
        }
    }
    fault = (struct fault){0};
    resume(f, want);
    free(want);
}

/* --- the schema --- */

static void schema_refused(struct fixture *f, const char *words)
{
    error_clear(&f->err);
    export_refused(f, SCHEMA);
    assert_false(export(f->folder.lake, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, words));
    assert_true(f->err.hint[0] != '\0');
}

static void a_schema_torn_anywhere(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    struct str whole = bytes_of(f, SCHEMA);
    for (size_t n = 0; n + 1 < whole.n; n++) { /* its last byte is a line feed */
        overwrite(f, SCHEMA, (struct str){whole.p, n});
        schema_refused(f, "");
        assert_non_null(strstr(f->err.hint, "Move that file away"));
        remove_in_lake(f, SCHEMA);
        resume(f, want);
        struct str again = bytes_of(f, SCHEMA);
        assert_true(str_eq(whole, again));
        bytes_free(again);
    }
    bytes_free(whole);
    free(want);
}

static void a_schema_of_a_newer_version(void **state)
{
    struct fixture *f = *state;
    char *want = make_lake(f);
    struct str whole = bytes_of(f, SCHEMA);
    char *at = strstr(whole.p, "\"version\": 1");
    assert_non_null(at);
    at[strlen("\"version\": ")] = '2';
    overwrite(f, SCHEMA, whole);
    schema_refused(f, "version 2");
    assert_non_null(strstr(f->err.hint, "newer"));
    at[strlen("\"version\": ")] = '1';
    overwrite(f, SCHEMA, whole);
    resume(f, want);
    bytes_free(whole);
    free(want);
}

static void a_folder_where_the_schema_should_be(void **state)
{
    struct fixture *f = *state;
    char path[FOLDER_PATH];
    char *want = make_lake(f);
    remove_in_lake(f, SCHEMA);
    path_of(f, SCHEMA, path);
    assert_int_equal(mkdir(path, 0777), 0);
    error_clear(&f->err);
    export_refused(f, SCHEMA);
    assert_false(export(f->folder.lake, &f->err));
    assert_non_null(strstr(f->err.hint, "there is a folder"));
    assert_int_equal(rmdir(path), 0);
    resume(f, want);
    free(want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_segment_torn_anywhere),
        T(a_byte_changed_anywhere),
        T(a_segment_replaced_by_a_sound_one),
        T(a_segment_missing_in_the_middle),
        T(the_last_segments_missing),
        T(two_segments_swapped),
        T(an_empty_segment),
        T(a_segment_longer_than_any),
        T(a_folder_where_a_segment_should_be),
        T(a_link_where_the_next_segment_should_be),
        T(a_file_where_the_folder_should_be),
        T(foreign_files_beside_the_segments),
        T(another_version),
        T(another_table_in_the_same_folder),
        T(a_segment_that_cannot_be_read),
        T(a_schema_torn_anywhere),
        T(a_schema_of_a_newer_version),
        T(a_folder_where_the_schema_should_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
