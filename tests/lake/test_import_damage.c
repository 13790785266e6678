/* A record of an import that is damaged is named, whatever is wrong with it, and nothing is touched. */
#include "lake/import.h"

#include "remote.h"
#include "small_import.h"

#include <errno.h>
#include <stdio.h>

#define ONE "0123456789ab"
#define TWO "fedcba987654"

static const struct small_part two_parts[] = {
    {"2021-11-07T03:05:00Z", "{\"ts\":1636254300.5}\n{\"ts\":1636254301}\n"},
    {"2021-11-07T23:55:00Z", "{\"ts\":1636329300}\n"},
};

static const struct small_import one = {.id = ONE, .parts = two_parts, .n = 2};

/* The record is refused by both readers, or only by the one that reads it whole, and nothing is touched. */
static void is_refused(struct fixture *f, struct str bytes, bool heads_too, const char *why)
{
    struct lake_imports imports;
    small_record_set(f, ONE, bytes);
    for (int depth = 0; depth < 2; depth++) {
        error_clear(&f->err);
        bool ok = lake_imports_read(f->store, &place_of_tests, (enum lake_imports_depth) depth,
                                    &imports, &f->err);
        lake_imports_release(&imports);
        if (ok && depth == LAKE_IMPORTS_HEADS && !heads_too)
            continue;
        assert_false(ok);
        assert_int_equal(f->err.code, ERROR_FORMAT);
        if (!strstr(f->err.message, "imports/" ONE ".jsonl") || !strstr(f->err.message, why))
            fail_msg("%s", f->err.message);
        assert_true(f->err.hint[0] != '\0');
    }
    error_clear(&f->err);
    struct buf is = BUF_INIT(1 << 20);
    assert_true(store_get(f->store, SMALL_RECORDS ONE ".jsonl", &is, &f->err));
    assert_true(str_eq(buf_str(&is), bytes));
    buf_release(&is);
}

static void a_record_that_is_cut_anywhere_is_named(void **state)
{
    struct fixture *f = *state;
    small_import_put(f, &one);
    struct str whole = small_record_get(f, ONE);
    char *copy = malloc(whole.n);
    memcpy(copy, whole.p, whole.n);
    for (size_t n = 0; n < whole.n; n++)
        is_refused(f, (struct str){copy, n}, false, "");
    free(copy);
}

static void a_record_with_a_changed_byte_is_named(void **state)
{
    struct fixture *f = *state;
    small_import_put(f, &one);
    struct str whole = small_record_get(f, ONE);
    char *copy = malloc(whole.n);
    memcpy(copy, whole.p, whole.n);
    for (size_t i = 0; i < whole.n; i++) {
        copy[i] ^= 4;
        is_refused(f, (struct str){copy, whole.n}, false, "");
        copy[i] ^= 4;
    }
    free(copy);
}

static void replace_text(struct buf *text, const char *from, const char *to)
{
    char *at = strstr(text->bytes, from);
    assert_non_null(at);
    size_t before = (size_t) (at - text->bytes), n = strlen(from);
    char *rest = strdup(at + n);
    text->used = before;
    buf_puts(text, to);
    buf_puts(text, rest);
    free(rest);
}

/* As one that was written so. */
static void end_anew(struct buf *text)
{
    char hash[HASH_SHA256_HEX];
    const char *tail = strstr(text->bytes, "{\"lines\":");
    assert_non_null(tail);
    text->used = (size_t) (tail - text->bytes);
    assert_true(hash_sha256_hex(buf_str(text), hash, NULL));
    buf_printf(text, "{\"lines\":3,\"sha256\":\"%s\"}\n", hash);
}

static void a_record_of_another_table_version_or_name_says_so(void **state)
{
    static const struct {
        const char *from, *to, *why;
    } cases[] = {
        {"\"table\":\"Okta_CL\"", "\"table\":\"okta_CL\"", "of table okta_CL"},
        {"\"version\":1", "\"version\":2", "version 2"},
        {"weir-import", "weir-ledger", "'format'"},
        {"\"import\":\"" ONE, "\"import\":\"" TWO, "of import " TWO},
        {"\"inputs\":1", "\"inputs\":1000000000000", "'inputs'"},
        {"\"replaces\":null", "\"replaces\":\"../../../../x\"", "'replaces'"},
        {"2021-11-07T03:05:00Z\",\"last\"", "2021-11-07T03:05:01Z\",\"last\"", "'first'"},
    };
    struct fixture *f = *state;
    small_import_put(f, &one);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = BUF_INIT(1 << 20);
        buf_put_str(&text, small_record_get(f, ONE));
        replace_text(&text, cases[i].from, cases[i].to);
        end_anew(&text);
        is_refused(f, buf_str(&text), true, cases[i].why);
        buf_release(&text);
        small_import_put(f, &one);
    }
}

static void a_line_that_never_ends_is_not_gathered_without_bound(void **state)
{
    enum { LONG = 1 << 20 };
    struct fixture *f = *state;
    char *bytes = malloc(LONG);
    memset(bytes, 'x', LONG);
    is_refused(f, (struct str){bytes, LONG}, true, "longer than any");
    free(bytes);
}

static void what_else_lies_in_the_folder_means_nothing(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    small_import_put(f, &one);
    assert_true(store_put(f->store, SMALL_RECORDS "README", STR("?"), &f->err));
    assert_true(store_put(f->store, SMALL_RECORDS "0123456789AB.jsonl", STR("?"), &f->err));
    assert_true(store_put(f->store, SMALL_RECORDS "0123456789ab.jsonl.bak", STR("?"), &f->err));
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    assert_int_equal(imports.n, 1);
    lake_imports_release(&imports);
}

static void every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    uint64_t n = 1;
    small_import_put(f, &one);
    for (bool ok = false; !ok; n++) {
        error_clear(&f->err);
        mem_fail_at(n);
        ok = lake_imports_read(f->store, &place_of_tests, LAKE_IMPORTS_WHOLE, &imports, &f->err);
        mem_fail_at(0);
        lake_imports_release(&imports);
        if (!ok && f->err.code != ERROR_MEMORY && !strstr(f->err.message, strerror(ENOMEM)))
            fail_msg("%s", f->err.message);
    }
    assert_true(n > 10);
    n = 1;
    for (bool ok = false; !ok; n++) {
        error_clear(&f->err);
        mem_fail_at(n);
        ok = small_import_record(f->store, &one, &f->err);
        mem_fail_at(0);
    }
    assert_true(n > 5);
    small_imports_read(f, LAKE_IMPORTS_WHOLE, &imports);
    lake_imports_release(&imports);
}

static void damage_is_named_on_a_remote_store_too(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    struct small_import other = one;
    other.id = "aaaaaaaaaaaa";
    small_import_put(f, &one);
    small_import_put(f, &other);
    struct str whole = small_record_get(f, ONE);
    small_record_set(f, ONE, (struct str){whole.p, whole.n - 40});
    f->store = remote_new(f->store);
    assert_false(
        lake_imports_read(f->store, &place_of_tests, LAKE_IMPORTS_WHOLE, &imports, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "imports/" ONE ".jsonl"));
    lake_imports_release(&imports);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(damage_is_named_on_a_remote_store_too),
        CASE(a_record_that_is_cut_anywhere_is_named),
        CASE(a_record_with_a_changed_byte_is_named),
        CASE(a_record_of_another_table_version_or_name_says_so),
        CASE(a_line_that_never_ends_is_not_gathered_without_bound),
        CASE(what_else_lies_in_the_folder_means_nothing),
        CASE(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
