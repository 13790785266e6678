/* The examples of docs/formats.md are a lake that weir reads and verifies. */
#include "lake/check.h"
#include "lake/schema.h"

#include "base/file.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DOCUMENT_MAX = 1 << 20, EXAMPLES = 9, COLUMNS = 8 };

/* Takes the next block whose fence names a path with a slash: ```json weir/.../schema.json. */
static bool next_block(struct str *rest, char name[STORE_NAME_MAX + 1], struct str *bytes)
{
    struct str line;
    while (str_split(rest, '\n', &line)) {
        const char *blank =
            line.n > 3 && memcmp(line.p, "```", 3) == 0 ? memchr(line.p, ' ', line.n) : NULL;
        if (!blank)
            continue;
        struct str path = {blank + 1, (size_t) (line.p + line.n - blank) - 1};
        const char *end = strstr(rest->p, "\n```");
        if (path.n > STORE_NAME_MAX || !memchr(path.p, '/', path.n) || !end)
            return false;
        memcpy(name, path.p, path.n);
        name[path.n] = '\0';
        *bytes = (struct str){rest->p, (size_t) (end - rest->p) + 1};
        return true;
    }
    return false;
}

/* Puts the examples into the lake; how many. */
static int put_examples(struct fixture *f)
{
    char name[STORE_NAME_MAX + 1];
    struct str bytes;
    int n = 0;
    struct buf text = BUF_INIT(DOCUMENT_MAX);
    assert_true(file_read(WEIR_SOURCE_DIR "/docs/formats.md", DOCUMENT_MAX, &text, &f->err));
    struct str rest = buf_str(&text);
    for (; next_block(&rest, name, &bytes); n++)
        if (!store_put(f->store, name, bytes, &f->err))
            fail_msg("%s", f->err.message);
    buf_release(&text);
    return n;
}

static bool must_be_ok(void *context, const struct lake_checked *checked, struct error *err)
{
    (void) err;
    if (checked->finding != LAKE_FINDING_OK)
        fail_msg("%s", lake_finding_text(checked->finding));
    ++*(int *) context;
    return true;
}

static void the_examples_are_a_lake_that_verifies(void **state)
{
    struct fixture *f = *state;
    int partitions = 0;
    struct lake_check_totals totals;
    struct lake_imports imports;
    assert_int_equal(put_examples(f), EXAMPLES);
    assert_true(
        lake_imports_read(f->store, &place_of_tests, LAKE_IMPORTS_WHOLE, &imports, &f->err));
    struct lake_check_options options = {
        .imports = &imports, .fn = must_be_ok, .context = &partitions};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger)
        fail_msg("%s", f->err.message);
    assert_int_equal(lake_ledger_segments(ledger), 3);
    assert_true(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_int_equal(partitions, 3 + 1);
    assert_int_equal(totals.rows, 3);
    assert_int_equal(totals.imports.rows, 2);
    const struct lake_entry *joined = lake_ledger_find(ledger, tick_of("2021-11-07T03:15:00Z"));
    assert_true(joined && joined->joined && joined->has_md5 && joined->number == 2);
    assert_true(joined->rows + joined->beside_rows == joined->rows_expected);
    assert_true(joined->sum + joined->beside_sum == joined->sum_expected);
    assert_int_equal(joined->doubled, 1);
    lake_imports_release(&imports);
    lake_ledger_free(ledger);
}

static void the_id_is_that_of_the_inputs(void **state)
{
    struct fixture *f = *state;
    struct lake_imports imports;
    char id[LAKE_IMPORT_ID_MAX];
    assert_int_equal(put_examples(f), EXAMPLES);
    assert_true(
        lake_imports_read(f->store, &place_of_tests, LAKE_IMPORTS_HEADS, &imports, &f->err));
    const struct lake_import *import = &imports.v[0];
    assert_true(lake_import_id(import->inputs, import->n_inputs, import->dedup, id, &f->err));
    assert_string_equal(id, import->id);
    lake_imports_release(&imports);
}

static void the_schema_is_that_of_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct lake_schema schema;
    char hash[HASH_SHA256_HEX];
    assert_int_equal(put_examples(f), EXAMPLES);
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.columns.n, COLUMNS);
    assert_int_equal(schema.earlier[3], 1 << COLUMN_INT);
    assert_int_equal(schema.n_from, 1);
    assert_string_equal(schema.from[0].key, schema.columns.v[COLUMNS - 1].name);
    /* The import added its column behind those of the export. */
    struct columns exported = schema.columns;
    exported.n = COLUMNS - 1;
    assert_true(lake_columns_hash(&exported, hash, &f->err));
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_non_null(ledger);
    assert_string_equal(lake_ledger_run(ledger, 0)->columns, hash);
    lake_ledger_free(ledger);
    lake_schema_release(&schema);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(the_examples_are_a_lake_that_verifies),
        T(the_id_is_that_of_the_inputs),
        T(the_schema_is_that_of_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
