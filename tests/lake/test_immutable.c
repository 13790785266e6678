/* On a container where nothing can be replaced: what is written anew has the next number, the ledger names the one that
 * counts, and what an earlier or a killed export left is no finding. And a remote lake is compared by its listing.
 */
#include "base/memory.h"
#include "lake/check.h"
#include "lake/number.h"
#include "lake/partition.h"
#include "lake/schema.h"

#include "place.h"
#include "remote.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define AT "2021-11-07T03:05:00Z"
#define FOLDER PLACE_FOLDER "/y=2021/m=11/d=07/h=03/m=05/"

static int set_up(void **state)
{
    if (fixture_set_up(state) != 0)
        return -1;
    struct fixture *f = *state;
    f->store = remote_new(f->store);
    return 0;
}

static struct lake_ledger *begun(struct fixture *f, const char *id)
{
    struct lake_run run = {.id = id, .by = "weir"};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger || !lake_ledger_begin(ledger, &run, &f->err))
        fail_msg("%s", f->err.message);
    return ledger;
}

/* One run: writes the partition with n rows under the number that is due, and its line unless it is killed before. */
static uint32_t run(struct fixture *f, const char *id, int n, enum lake_verdict verdict,
                    bool killed)
{
    struct lake_ledger *ledger = begun(f, id);
    struct buf path = BUF_INIT(FOLDER_PATH);
    assert_true(store_scratch(f->store, &path, &f->err));
    struct lake_pool_options options = {.scratch = buf_text(&path)};
    struct lake_pool *pool = lake_pool_new(&options, &f->err);
    struct lake_pile *pile = lake_pile_new(pool, &f->err);
    struct lake_numbers *numbers = lake_numbers_new(
        f->store, &place_of_tests, tick_of("2021-11-07"), tick_of("2021-11-08"), &f->err);
    struct lake_written written;
    uint32_t number = 0;
    assert_true(pile && numbers);
    for (int i = 0; i < n; i++)
        assert_true(lake_pile_add_line(pile, tick_of(AT) + i, 0, STR("{\"a\":1}\n"), &f->err));
    const struct lake_entry *before = lake_ledger_find(ledger, tick_of(AT));
    assert_true(lake_numbers_next(numbers, tick_of(AT), before, &number, &f->err));
    if (!lake_partition_write(f->store, &place_of_tests, tick_of(AT), number, 0, &pile, 1, &written,
                              &f->err))
        fail_msg("%s", f->err.message);
    struct lake_entry entry = {.partition = tick_of(AT),
                               .rows_expected = (uint64_t) n,
                               .rows = written.rows,
                               .bytes = written.bytes,
                               .number = number,
                               .has_md5 = written.has_md5,
                               .proof = LAKE_PROOF_ROWS,
                               .verdict = (uint8_t) verdict};
    memcpy(entry.sha256, written.sha256, sizeof entry.sha256);
    memcpy(entry.md5, written.md5, sizeof entry.md5);
    if (!killed)
        assert_true(lake_ledger_add(ledger, &entry, &f->err) && lake_ledger_flush(ledger, &f->err));
    lake_numbers_free(numbers);
    lake_pile_free(pile);
    lake_pool_free(pool);
    buf_release(&path);
    lake_ledger_free(ledger);
    return number;
}

static struct lake_check_totals check(struct fixture *f, bool by_listing)
{
    struct lake_check_totals totals;
    struct lake_check_options options = {.by_listing = by_listing};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_non_null(ledger);
    remote_of(f->store)->gets = 0;
    if (!lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err))
        fail_msg("%s", f->err.message);
    lake_ledger_free(ledger);
    return totals;
}

static void assert_sound(struct fixture *f, uint64_t rows)
{
    struct lake_check_totals totals = check(f, false);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], 1);
    assert_int_equal(totals.partitions, 1);
    assert_int_equal(totals.rows, rows);
    assert_false(remote_of(f->store)->refused);
}

static void where_blobs_can_be_replaced_there_are_no_numbers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "run-1", 1, LAKE_VERDICT_VERIFIED, false), 0);
    assert_int_equal(run(f, "run-2", 2, LAKE_VERDICT_VERIFIED, false), 0);
    assert_sound(f, 2);
}

static void what_is_written_anew_has_the_next_number_and_counts(void **state)
{
    struct fixture *f = *state;
    remote_of(f->store)->immutable = "am-okta-cl";
    assert_int_equal(run(f, "run-1", 1, LAKE_VERDICT_VERIFIED, false), 0);
    assert_sound(f, 1);
    assert_int_equal(run(f, "run-2", 2, LAKE_VERDICT_VERIFIED, false), 2);
    assert_sound(f, 2);
    assert_int_equal(run(f, "run-3", 3, LAKE_VERDICT_VERIFIED, false), 3);
    assert_sound(f, 3);
    assert_int_equal(run(f, "run-4", 0, LAKE_VERDICT_VERIFIED, false), 4); /* nothing by now */
    assert_sound(f, 0);
    assert_int_equal(run(f, "run-5", 1, LAKE_VERDICT_VERIFIED, false), 5);
    assert_sound(f, 1);
}

static void what_a_killed_export_left_is_passed_over_once_it_was_run_again(void **state)
{
    struct fixture *f = *state;
    remote_of(f->store)->immutable = "am-okta-cl";
    assert_int_equal(run(f, "run-1", 2, LAKE_VERDICT_VERIFIED, true), 0);
    assert_int_equal(check(f, false).findings[LAKE_FINDING_UNKNOWN], 1); /* as of any kill */
    assert_int_equal(run(f, "run-2", 2, LAKE_VERDICT_VERIFIED, true), 2);
    assert_int_equal(run(f, "run-3", 2, LAKE_VERDICT_VERIFIED, false), 3);
    assert_sound(f, 2);
}

static void a_repair_that_was_killed_leaves_no_finding_of_its_own(void **state)
{
    struct fixture *f = *state;
    remote_of(f->store)->immutable = "am-okta-cl";
    assert_int_equal(run(f, "run-1", 2, LAKE_VERDICT_UNVERIFIED, false), 0);
    assert_int_equal(run(f, "run-2", 3, LAKE_VERDICT_VERIFIED, true), 2);
    struct lake_check_totals totals = check(f, false);
    assert_int_equal(totals.partitions, 1);
    assert_int_equal(totals.findings[LAKE_FINDING_UNVERIFIED], 1);
    assert_int_equal(run(f, "run-3", 3, LAKE_VERDICT_VERIFIED, false), 3);
    assert_sound(f, 3);
}

static void a_number_beyond_a_verified_one_is_not_known(void **state)
{
    struct fixture *f = *state;
    remote_of(f->store)->immutable = "am-okta-cl";
    assert_int_equal(run(f, "run-1", 2, LAKE_VERDICT_VERIFIED, false), 0);
    assert_true(store_put_new(f->store, FOLDER "PT05M_weir_2.json", STR("{}\n"), &f->err));
    struct lake_check_totals totals = check(f, false);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], 1);
    assert_int_equal(totals.findings[LAKE_FINDING_UNKNOWN], 1);
}

static void the_blob_that_the_ledger_names_is_missed(void **state)
{
    struct fixture *f = *state;
    remote_of(f->store)->immutable = "am-okta-cl";
    assert_int_equal(run(f, "run-1", 1, LAKE_VERDICT_VERIFIED, false), 0);
    assert_int_equal(run(f, "run-2", 2, LAKE_VERDICT_VERIFIED, false), 2);
    assert_true(store_delete(remote_of(f->store)->local, FOLDER "PT05M_weir_2.json", &f->err));
    struct lake_check_totals totals = check(f, true);
    assert_int_equal(totals.partitions, 1);
    assert_int_equal(totals.findings[LAKE_FINDING_GONE], 1);
}

static bool update(struct fixture *f, size_t n, size_t *added)
{
    static const char *const names[] = {"TimeGenerated", "a", "b", "c"};
    struct columns columns = {0};
    struct lake_schema_change change;
    for (size_t i = 0; i < n; i++)
        assert_true(columns_add(&columns, str_of(names[i]), COLUMN_STRING, NULL));
    bool ok = lake_schema_update(f->store, &place_of_tests, NULL, &columns, &change, &f->err);
    *added = change.added;
    columns_release(&columns);
    return ok;
}

static void a_schema_that_changed_is_a_new_one_and_the_latest_counts(void **state)
{
    struct fixture *f = *state;
    struct lake_schema schema;
    uint64_t size;
    size_t added;
    remote_of(f->store)->immutable = "weir";
    assert_true(update(f, 1, &added));
    assert_true(update(f, 2, &added));
    assert_true(update(f, 3, &added));
    assert_int_equal(added, 1);
    assert_true(update(f, 3, &added)); /* writes nothing */
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.columns.n, 3);
    assert_int_equal(schema.number, 3);
    lake_schema_release(&schema);
    assert_true(store_stat(f->store, PLACE_OWN "/schema.json", &size, &f->err));
    assert_true(store_stat(f->store, PLACE_OWN "/schema_2.json", &size, &f->err));
    assert_false(store_stat(f->store, PLACE_OWN "/schema_4.json", &size, NULL));
    remote_of(f->store)->immutable = NULL; /* the policy ended */
    assert_true(update(f, 4, &added));
    assert_false(store_stat(f->store, PLACE_OWN "/schema_4.json", &size, NULL));
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.columns.n, 4);
    lake_schema_release(&schema);
    assert_false(remote_of(f->store)->refused);
}

static void by_its_listing_a_lake_is_compared_without_reading(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "run-1", 2, LAKE_VERDICT_VERIFIED, false), 0);
    struct lake_check_totals totals = check(f, true);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], 1);
    assert_int_equal(totals.unread, 0);
    assert_int_equal(totals.bytes, 0);
    assert_int_equal(remote_of(f->store)->gets, 0);
    /* Other bytes of the same length; then of another. */
    struct store *local = remote_of(f->store)->local;
    assert_true(store_put(local, FOLDER "PT05M_weir.json", STR("{\"a\":1}\n{\"a\":2}\n"), &f->err));
    assert_int_equal(check(f, true).findings[LAKE_FINDING_CHANGED], 1);
    assert_int_equal(check(f, false).findings[LAKE_FINDING_CHANGED], 1);
    assert_int_equal(remote_of(f->store)->gets, 0); /* what the listing tells need not be read */
    assert_true(store_put(local, FOLDER "PT05M_weir.json", STR("{\"a\":1}\n"), &f->err));
    assert_int_equal(check(f, true).findings[LAKE_FINDING_SIZE], 1);
}

static void a_line_without_an_md5_is_compared_by_size_and_told(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    struct lake_entry entry = {.partition = tick_of(AT),
                               .rows_expected = 1,
                               .rows = 1,
                               .bytes = 3,
                               .verdict = LAKE_VERDICT_VERIFIED};
    assert_true(lake_ledger_add(ledger, &entry, &f->err) && lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    assert_true(store_put(f->store, FOLDER "PT05M_weir.json", STR("{}\n"), &f->err));
    struct lake_check_totals totals = check(f, true);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], 1);
    assert_int_equal(totals.unread, 1);
    assert_int_equal(check(f, false).findings[LAKE_FINDING_CHANGED], 1); /* its SHA-256 is not so */
    assert_int_equal(remote_of(f->store)->gets, 1);
}

/* Lists, reads ahead and compares: whatever allocation fails, it is told, and nothing else happens. */
static void every_failed_allocation_is_an_error(void **state)
{
    struct fixture *f = *state;
    remote_of(f->store)->immutable = "am-okta-cl";
    assert_int_equal(run(f, "run-1", 1, LAKE_VERDICT_VERIFIED, false), 0);
    assert_int_equal(run(f, "run-2", 2, LAKE_VERDICT_VERIFIED, false), 2);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        struct lake_check_totals totals = {0};
        struct lake_check_options options = {0};
        mem_fail_at(n);
        struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &err);
        struct lake_numbers *numbers =
            ledger ? lake_numbers_new(f->store, &place_of_tests, 0, TICK_MAX, &err) : NULL;
        done = numbers && lake_check(f->store, &place_of_tests, ledger, &options, &totals, &err);
        mem_fail_at(0);
        bool told = err.code == ERROR_MEMORY || strstr(err.message, strerror(ENOMEM));
        if (done ? err.code != ERROR_NONE : !told)
            fail_msg("%llu: %s", (unsigned long long) n, err.message);
        assert_true(!done || (n > 20 && totals.findings[LAKE_FINDING_OK] == 1));
        lake_numbers_free(numbers);
        lake_ledger_free(ledger);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
        T(where_blobs_can_be_replaced_there_are_no_numbers),
        T(what_is_written_anew_has_the_next_number_and_counts),
        T(what_a_killed_export_left_is_passed_over_once_it_was_run_again),
        T(a_repair_that_was_killed_leaves_no_finding_of_its_own),
        T(a_number_beyond_a_verified_one_is_not_known),
        T(the_blob_that_the_ledger_names_is_missed),
        T(a_schema_that_changed_is_a_new_one_and_the_latest_counts),
        T(by_its_listing_a_lake_is_compared_without_reading),
        T(a_line_without_an_md5_is_compared_by_size_and_told),
        T(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
