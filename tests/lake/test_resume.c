/* What an export does to a lake can be cut off at every call that touches the disk: it goes on, to the same bytes.
 *
 * The export here is the smallest that does all an export does to the lake: lock, schema, ledger, partitions.
 */
#include "lake/check.h"
#include "lake/partition.h"
#include "lake/schema.h"

#include "../store/fault.h"
#include "place.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { PARTITIONS = 5, FLUSH_EACH = 2, CALLS_MAX = 2000 };

static int64_t partition_at(int i)
{
    return tick_of("2021-11-07T23:50:00Z") + i * TICK_PARTITION;
}

/* Partition i has i rows, the third none. */
static int rows_of(int i)
{
    return i == 3 ? 0 : i + 1;
}

static bool fill_pile(struct lake_pile *pile, int i, struct error *err)
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

static bool write_partition(struct store *store, struct lake_ledger *ledger, struct lake_pool *pool,
                            int i, struct error *err)
{
    struct lake_written written;
    struct lake_pile *pile = lake_pile_new(pool, err);
    bool ok =
        pile && fill_pile(pile, i, err) &&
        lake_partition_write(store, &place_of_tests, partition_at(i), &pile, 1, &written, err);
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

static bool write_all(struct store *store, struct lake_ledger *ledger, struct error *err)
{
    struct buf path = BUF_INIT(FOLDER_PATH);
    bool ok = store_scratch(store, &path, err);
    struct lake_pool_options options = {.scratch = buf_text(&path)};
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

static bool export_locked(struct store *store, struct error *err)
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

static bool export(const char *lake, struct error *err)
{
    struct store *store = store_open(lake, err);
    struct store_lock *lock = store ? lake_lock_new(store, &place_of_tests, "test", err) : NULL;
    bool ok = lock && export_locked(store, err);
    store_lock_free(lock);
    store_free(store);
    return ok;
}

/* All rows of the lake with the names of their blobs, in order of time. */
static bool put_blob(void *context, const struct store_blob *blob, struct error *err)
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
static char *sound_lake(struct fixture *f)
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

static void must_export(struct fixture *f)
{
    if (!export(f->folder.lake, &f->err))
        fail_msg("%s", f->err.message);
}

/* The lake of an export that nothing disturbed. The caller frees. */
static char *undisturbed(struct fixture *f)
{
    must_export(f);
    char *text = sound_lake(f);
    folder_remove_tree(f->folder.lake);
    return text;
}

/* Opens the store anew, whose folder was removed. */
static void begin_anew(struct fixture *f)
{
    store_free(f->store);
    folder_remove_tree(f->folder.lake);
    f->store = store_open(f->folder.lake, &f->err);
    assert_non_null(f->store);
}

/* Runs an export in a child that dies at its n-th call. False when it has fewer calls. */
static bool export_killed_at(struct fixture *f, int n)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault = (struct fault){.at = n};
        _exit(export(f->folder.lake, NULL) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static void resume(struct fixture *f, const char *want)
{
    must_export(f);
    char *is = sound_lake(f);
    assert_string_equal(is, want);
    free(is);
}

static void an_export_killed_at_any_call_resumes_to_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    int n = 1;
    do {
        begin_anew(f);
        bool killed = export_killed_at(f, n);
        resume(f, want);
        if (!killed)
            break;
    } while (++n < CALLS_MAX);
    assert_true(n > 100 && n < CALLS_MAX);
    free(want);
}

static void an_export_killed_again_and_again_ends_with_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    for (int n = 3; n < 400 && export_killed_at(f, n); n += 7) {
        /* each time a little further, over what the ones before left */
    }
    begin_anew(f);
    for (int n = 120; n > 0 && export_killed_at(f, n); n -= 11) {
        /* each time a little less far */
    }
    resume(f, want);
    free(want);
}

static void an_export_that_fails_at_any_call_resumes_to_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    char *want = undisturbed(f);
    int n = 1;
    for (bool struck = true; struck && n < CALLS_MAX; n++) {
        struct error err = ERROR_INIT;
        begin_anew(f);
        fault = (struct fault){.at = n, .number = ENOSPC};
        bool ok = export(f->folder.lake, &err);
        struck = fault.struck;
        fault = (struct fault){0};
        assert_true(ok || (struck && err.message[0]));
        resume(f, want);
    }
    assert_true(n > 100 && n < CALLS_MAX);
    free(want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(an_export_killed_at_any_call_resumes_to_the_same_bytes),
        T(an_export_killed_again_and_again_ends_with_the_same_bytes),
        T(an_export_that_fails_at_any_call_resumes_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
