/* The smallest export that does to a lake all that an export does: lock, schema, ledger, partitions; its lake is
 * the same bytes each time.
 */
#ifndef WEIR_TESTS_LAKE_SMALL_EXPORT_H
#define WEIR_TESTS_LAKE_SMALL_EXPORT_H

#include "lake/check.h"
#include "lake/partition.h"
#include "lake/schema.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    PARTITIONS = 5,
    FLUSH_EACH = 2,
    SEGMENTS = 3,
    SMALL_BUDGET = 200 /* bytes: piles of more than a few rows move to scratch */
};

static inline int64_t partition_at(int i)
{
    return tick_of("2021-11-07T23:50:00Z") + i * TICK_PARTITION;
}

/* Partition i has i rows, the third none. */
static inline int rows_of(int i)
{
    return i == 3 ? 0 : i + 1;
}

static inline bool fill_pile(struct lake_pile *pile, int i, struct error *err)
{
    bool ok = true;
    for (int row = 0; ok && row < rows_of(i); row++) {
        char line[128], item[32];
        (void) snprintf(item, sizeof item, "item-%d-%d", i, row);
        int n = snprintf(line, sizeof line, "{\"a\":%d,\"_ItemId\":\"%s\"}\n", row, item);
        ok = lake_pile_add_line(pile, partition_at(i) + row, hash_xx64(str_of(item)),
                                (struct str){line, (size_t) n}, err);
    }
    return ok;
}

static inline bool write_partition(struct store *store, struct lake_ledger *ledger,
                                   struct lake_pool *pool, int i, struct error *err)
{
    struct lake_written written;
    struct lake_pile *pile = lake_pile_new(pool, err);
    bool ok = pile && fill_pile(pile, i, err) &&
              lake_partition_write(store, &place_of_tests, partition_at(i), 0, 0, &pile, 1,
                                   &written, err);
    if (pile)
        lake_pile_free(pile);
    if (!ok)
        return false;
    struct lake_entry entry = {.partition = partition_at(i),
                               .at = tick_of("2021-11-18"),
                               .rows_expected = (uint64_t) rows_of(i),
                               .rows = written.rows,
                               .sum_expected = written.sum,
                               .sum = written.sum,
                               .bytes = written.bytes,
                               .proof = LAKE_PROOF_SUM,
                               .verdict = LAKE_VERDICT_VERIFIED};
    memcpy(entry.sha256, written.sha256, sizeof entry.sha256);
    return lake_ledger_add(ledger, &entry, err) &&
           (lake_ledger_waiting(ledger) < FLUSH_EACH || lake_ledger_flush(ledger, err));
}

static inline bool write_all(struct store *store, struct lake_ledger *ledger, struct error *err)
{
    struct buf path = BUF_INIT(FOLDER_PATH);
    bool ok = store_scratch(store, &path, err);
    struct lake_pool_options options = {.scratch = buf_text(&path), .budget = SMALL_BUDGET};
    struct lake_pool *pool = ok ? lake_pool_new(&options, err) : NULL;
    ok = pool != NULL;
    for (int i = 0; ok && i < PARTITIONS; i++)
        ok = lake_ledger_find(ledger, partition_at(i)) ||
             write_partition(store, ledger, pool, i, err);
    ok = ok && lake_ledger_flush(ledger, err);
    if (pool)
        lake_pool_free(pool);
    buf_release(&path);
    return ok;
}

static inline bool export_locked(struct store *store, struct error *err)
{
    struct columns columns = {0};
    struct lake_run run = {.id = "run", .by = "weir"};
    struct lake_ledger *ledger = lake_ledger_open(store, &place_of_tests, err);
    bool ok = ledger && columns_add(&columns, STR("a"), COLUMN_INT, err) &&
              lake_schema_update(store, &place_of_tests, NULL, &columns, NULL, err) &&
              lake_ledger_begin(ledger, &run, err) && write_all(store, ledger, err);
    lake_ledger_free(ledger);
    columns_release(&columns);
    return ok;
}

static inline bool export(const char *lake, struct error *err)
{
    struct store *store = store_open(lake, err);
    struct store_lock *lock = store ? lake_lock_new(store, &place_of_tests, "test", err) : NULL;
    bool ok = lock && export_locked(store, err);
    store_lock_free(lock);
    store_free(store);
    return ok;
}

/* All rows of the lake with the names of their blobs, in order of time. */
static inline bool put_blob(void *context, const struct store_blob *blob, struct error *err)
{
    struct fixture *f = context;
    struct buf bytes = BUF_INIT(1 << 16);
    char name[STORE_NAME_MAX + 1];
    (void) snprintf(name, sizeof name, "%.*s", (int) blob->name.n, blob->name.p);
    bool ok = store_get(f->store, name, &bytes, err);
    buf_printf(&f->text, "%s\n%s", name, buf_text(&bytes));
    buf_release(&bytes);
    return ok;
}

/* The table's container as text; the lake is sound, and holds no more files than it must. */
static inline char *sound_lake(struct fixture *f)
{
    struct lake_check_totals totals;
    struct lake_check_options options = {0};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger)
        fail_msg("%s", f->err.message);
    assert_true(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_int_equal(totals.findings[LAKE_FINDING_OK], PARTITIONS);
    assert_int_equal(totals.partitions, PARTITIONS);
    size_t segments = lake_ledger_segments(ledger);
    lake_ledger_free(ledger);
    assert_int_equal(folder_left(&f->folder), 0);
    assert_int_equal(folder_files(f->folder.lake), PARTITIONS - 1 + segments + 1);
    buf_reset(&f->text);
    assert_true(store_list(f->store, "am-okta-cl", put_blob, f, &f->err));
    return strdup(buf_text(&f->text));
}

static inline void must_export(struct fixture *f)
{
    if (!export(f->folder.lake, &f->err))
        fail_msg("%s", f->err.message);
}

/* The lake of an export that nothing disturbed. The caller frees. */
static inline char *undisturbed(struct fixture *f)
{
    must_export(f);
    char *text = sound_lake(f);
    folder_remove_tree(f->folder.lake);
    return text;
}

/* Opens the store anew, whose folder was removed. */
static inline void begin_anew(struct fixture *f)
{
    store_free(f->store);
    folder_remove_tree(f->folder.lake);
    f->store = store_open(f->folder.lake, &f->err);
    assert_non_null(f->store);
}

/* The same work again ends well, and with the same bytes. */
static inline void resume(struct fixture *f, const char *want)
{
    error_clear(&f->err);
    must_export(f);
    char *is = sound_lake(f);
    assert_string_equal(is, want);
    free(is);
}

#endif
