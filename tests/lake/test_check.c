/* A lake is compared with its own ledger: every byte, every row, every item, and nothing that is not known. */
#include "lake/check.h"

#include "lake/partition.h"

#include "place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR PLACE_FOLDER "/y=2021/m=11/d=07/h=03/"

static const char *const lines_of[] = {
    "{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"a\":1,\"_ItemId\":\"one\"}\n"
    "{\"TimeGenerated\":\"2021-11-07T03:05:01Z\",\"a\":{\"_ItemId\":\"inner\"},\"_ItemId\":"
    "\"t\\u0077o\"}\n",
    "{\"TimeGenerated\":\"2021-11-07T03:10:00Z\",\"_ItemId\":\"three\"}\n",
};

static uint64_t hash_of(const char *text)
{
    return (uint64_t) hash_xx64(str_of(text));
}

static struct lake_entry entry_of(const char *partition, const char *lines, uint64_t rows,
                                  uint64_t sum)
{
    struct lake_entry entry = {.partition = tick_of(partition),
                               .at = tick_of("2021-11-18"),
                               .rows_expected = rows,
                               .rows = rows,
                               .sum_expected = sum,
                               .sum = sum,
                               .bytes = strlen(lines),
                               .proof = LAKE_PROOF_SUM,
                               .verdict = LAKE_VERDICT_VERIFIED};
    struct hash_sha256 *hash = hash_sha256_new(NULL);
    hash_sha256_add(hash, lines, strlen(lines));
    assert_true(hash_sha256_end(hash, entry.sha256, NULL));
    hash_sha256_free(hash);
    return entry;
}

static struct lake_ledger *begun(struct fixture *f)
{
    struct lake_run run = {.id = "run-1", .by = "weir"};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_true(ledger && lake_ledger_begin(ledger, &run, &f->err));
    return ledger;
}

static void put(struct fixture *f, const char *name, const char *bytes)
{
    if (!store_put(f->store, name, str_of(bytes), &f->err))
        fail_msg("%s", f->err.message);
}

/* 03:05 with two rows, 03:10 with one, 03:15 with none: a lake and a ledger that agree. */
static struct lake_ledger *sound_lake(struct fixture *f)
{
    struct lake_ledger *ledger = begun(f);
    struct lake_entry entries[] = {
        entry_of("2021-11-07T03:05:00Z", lines_of[0], 2, hash_of("one") + hash_of("two")),
        entry_of("2021-11-07T03:10:00Z", lines_of[1], 1, hash_of("three")),
        entry_of("2021-11-07T03:15:00Z", "", 0, 0),
    };
    for (size_t i = 0; i < 3; i++)
        assert_true(lake_ledger_add(ledger, &entries[i], &f->err));
    put(f, HOUR "m=05/PT05M_weir.json", lines_of[0]);
    put(f, HOUR "m=10/PT05M_weir.json", lines_of[1]);
    put(f, HOUR "m=10/PT05M.json", "the service's own");
    put(f, HOUR "m=20/PT05M.json", "the service's own");
    return ledger;
}

static bool note(void *context, const struct lake_checked *checked, struct error *err)
{
    (void) err;
    struct buf *out = context;
    char tick[TICK_TEXT_MAX];
    (void) tick_format_short(checked->partition, tick);
    buf_printf(out, "%s %s\n", tick + strlen("2021-11-07 "), lake_finding_text(checked->finding));
    assert_int_equal(checked->entry == NULL, checked->finding == LAKE_FINDING_UNKNOWN);
    return true;
}

static const char *check(struct fixture *f, const struct lake_ledger *ledger,
                         struct lake_check_totals *totals)
{
    struct lake_check_totals own;
    struct lake_check_options options = {.fn = note, .context = &f->text};
    buf_reset(&f->text);
    error_clear(&f->err);
    if (!lake_check(f->store, &place_of_tests, ledger, &options, totals ? totals : &own, &f->err))
        fail_msg("%s", f->err.message);
    return buf_text(&f->text);
}

static void a_sound_lake_is_ok_throughout(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_ledger *ledger = sound_lake(f);
    assert_string_equal(check(f, ledger, &totals), "03:05 ok\n03:10 ok\n03:15 ok\n");
    assert_int_equal(totals.partitions, 3);
    assert_int_equal(totals.findings[LAKE_FINDING_OK], 3);
    assert_int_equal(totals.rows, 3);
    assert_int_equal(totals.bytes, strlen(lines_of[0]) + strlen(lines_of[1]));
    lake_ledger_free(ledger);
}

static void a_missing_blob_is_found(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = sound_lake(f);
    assert_true(store_delete(f->store, HOUR "m=05/PT05M_weir.json", &f->err));
    assert_string_equal(check(f, ledger, NULL), "03:05 its blob is missing\n03:10 ok\n03:15 ok\n");
    lake_ledger_free(ledger);
}

static void a_blob_of_another_size_is_found(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = sound_lake(f);
    put(f, HOUR "m=10/PT05M_weir.json", "{}\n");
    assert_string_equal(check(f, ledger, NULL),
                        "03:05 ok\n03:10 its blob has another size\n03:15 ok\n");
    lake_ledger_free(ledger);
}

static void a_changed_byte_is_found_wherever_it_is(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = sound_lake(f);
    char bytes[512];
    size_t n = strlen(lines_of[0]);
    for (size_t i = 0; i < n; i += 3) {
        memcpy(bytes, lines_of[0], n + 1);
        bytes[i] ^= 1;
        put(f, HOUR "m=05/PT05M_weir.json", bytes);
        assert_string_equal(check(f, ledger, NULL),
                            "03:05 its blob was changed\n03:10 ok\n03:15 ok\n");
    }
    lake_ledger_free(ledger);
}

/* The ledger itself may say what the bytes do not: then its hash was taken of other rows than it counted. */
static void rows_and_items_are_counted_anew(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = sound_lake(f);
    struct lake_entry entry =
        entry_of("2021-11-07T03:05:00Z", lines_of[0], 3, hash_of("one") + hash_of("two"));
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    entry = entry_of("2021-11-07T03:10:00Z", lines_of[1], 1, hash_of("four"));
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    assert_string_equal(check(f, ledger, NULL), "03:05 its blob has another number of rows\n"
                                                "03:10 its blob has other rows\n03:15 ok\n");
    entry.proof = LAKE_PROOF_ROWS;
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    assert_non_null(strstr(check(f, ledger, NULL), "03:10 ok\n"));
    lake_ledger_free(ledger);
}

/* Its column is there, since sums were compared; KQL has no null string, so what is empty has a hash too. */
static void a_line_without_an_item_counts_as_an_empty_one(void **state)
{
    struct fixture *f = *state;
    const char *lines = "{\"a\":1}\n{\"a\":2,\"_ItemId\":\"one\"}\n{\"a\":3,\"_ItemId\":\"\"}\n";
    struct lake_ledger *ledger = begun(f);
    struct lake_entry entry =
        entry_of("2021-11-07T03:05:00Z", lines, 3, hash_of("one") + 2 * hash_of(""));
    assert_int_not_equal(hash_of(""), 0);
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    put(f, HOUR "m=05/PT05M_weir.json", lines);
    assert_string_equal(check(f, ledger, NULL), "03:05 ok\n");
    lake_ledger_free(ledger);
}

static void a_line_that_is_no_object_counts_for_nothing(void **state)
{
    struct fixture *f = *state;
    const char *torn = "{\"a\":1}\n{\"a\":\n{\"a\":2}\n";
    struct lake_ledger *ledger = begun(f);
    struct lake_entry entry = entry_of("2021-11-07T03:05:00Z", torn, 3, 0);
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    put(f, HOUR "m=05/PT05M_weir.json", torn);
    assert_string_equal(check(f, ledger, NULL), "03:05 its blob has another number of rows\n");
    lake_ledger_free(ledger);
}

static void blobs_that_the_ledger_does_not_know_are_found(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_ledger *ledger = sound_lake(f);
    put(f, HOUR "m=00/PT05M_weir.json", "{}\n");
    put(f, HOUR "m=15/PT05M_weir.json", "{}\n");
    put(f, PLACE_FOLDER "/y=2021/m=11/d=7/h=3/m=5/PT05M_weir.json", "{}\n");
    assert_string_equal(check(f, ledger, &totals), "03:00 the ledger does not know its blob\n"
                                                   "03:05 ok\n"
                                                   "03:05 the ledger does not know its blob\n"
                                                   "03:10 ok\n"
                                                   "03:15 the ledger does not know its blob\n");
    assert_int_equal(totals.findings[LAKE_FINDING_UNKNOWN], 3);
    lake_ledger_free(ledger);
}

static void what_was_never_verified_is_said(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = sound_lake(f);
    struct lake_entry entry =
        entry_of("2021-11-07T03:05:00Z", lines_of[0], 2, hash_of("one") + hash_of("two"));
    entry.rows_expected = 3;
    entry.verdict = LAKE_VERDICT_UNVERIFIED;
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    entry = entry_of("2021-11-07T03:20:00Z", "", 0, 0);
    entry.rows_expected = 9;
    entry.verdict = LAKE_VERDICT_MISSING;
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    assert_string_equal(check(f, ledger, NULL), "03:05 it was never verified\n03:10 ok\n03:15 ok\n"
                                                "03:20 it was never verified\n");
    lake_ledger_free(ledger);
}

/* Rows of 03:10 in two of the service's blobs beside one of ours; of 03:15 in one, and in none of ours. */
static struct lake_ledger *joined_lake(struct fixture *f)
{
    struct lake_ledger *ledger = begun(f);
    struct lake_entry entries[] = {
        entry_of("2021-11-07T03:10:00Z", lines_of[1], 1, hash_of("three")),
        entry_of("2021-11-07T03:15:00Z", "", 0, 0),
    };
    for (size_t i = 0; i < 2; i++) {
        entries[i].joined = true;
        entries[i].beside_rows = 2;
        entries[i].beside_bytes = i == 0 ? 15 : 5;
        entries[i].rows_expected += 2;
        assert_true(lake_ledger_add(ledger, &entries[i], &f->err));
    }
    put(f, HOUR "m=10/PT05M_weir.json", lines_of[1]);
    put(f, HOUR "m=10/PT05M.json", "ten bytes\n");
    put(f, HOUR "m=10/PT05M_1.json", "five\n");
    put(f, HOUR "m=15/PT5M.json", "five\n");
    return ledger;
}

static void the_services_blobs_of_a_joined_partition_may_grow_but_not_go(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_ledger *ledger = joined_lake(f);
    assert_string_equal(check(f, ledger, NULL), "03:10 ok\n03:15 ok\n");
    put(f, HOUR "m=10/PT05M_1.json", "five and more\n");
    assert_string_equal(check(f, ledger, NULL), "03:10 ok\n03:15 ok\n");
    put(f, HOUR "m=10/PT05M_1.json", "five\n");
    assert_true(store_delete(f->store, HOUR "m=10/PT05M_1.json", &f->err) &&
                store_delete(f->store, HOUR "m=15/PT5M.json", &f->err));
    static const char lacks[] = "the service's own blobs lack rows that they had\n";
    char both[2 * sizeof lacks + 16];
    (void) snprintf(both, sizeof both, "03:10 %s03:15 %s", lacks, lacks);
    assert_string_equal(check(f, ledger, NULL), both);
    struct lake_check_options listed = {.by_listing = true};
    assert_true(lake_check(f->store, &place_of_tests, ledger, &listed, &totals, &f->err));
    assert_int_equal(totals.findings[LAKE_FINDING_BESIDE], 2);
    lake_ledger_free(ledger);
}

static void a_range_checks_its_partitions_only(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct lake_ledger *ledger = sound_lake(f);
    struct lake_check_options options = {.from = tick_of("2021-11-07T03:10:00Z"),
                                         .to = tick_of("2021-11-07T03:15:00Z"),
                                         .fn = note,
                                         .context = &f->text};
    assert_true(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_string_equal(buf_text(&f->text), "03:10 ok\n");
    lake_ledger_free(ledger);
}

static void a_blob_larger_than_the_window_is_read_in_pieces(void **state)
{
    struct fixture *f = *state;
    enum { ROWS = 30000 };
    struct lake_written written;
    struct lake_ledger *ledger = begun(f);
    struct lake_writer *writer = lake_writer_new(f->store, HOUR "m=05/PT05M_weir.json", &f->err);
    uint64_t sum = 0;
    for (int i = 0; i < ROWS; i++) {
        char line[128], item[32];
        (void) snprintf(item, sizeof item, "item-%d", i * 7919);
        int n = snprintf(line, sizeof line, "{\"n\":%d,\"text\":\"%*d\",\"_ItemId\":\"%s\"}\n", i,
                         i % 50 + 1, i, item);
        sum += hash_of(item);
        assert_true(lake_writer_add(writer, (struct str){line, (size_t) n}, &f->err));
    }
    assert_true(lake_writer_commit(writer, &written, &f->err));
    struct lake_entry entry = entry_of("2021-11-07T03:05:00Z", "", ROWS, sum);
    entry.bytes = written.bytes;
    memcpy(entry.sha256, written.sha256, sizeof entry.sha256);
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    assert_string_equal(check(f, ledger, NULL), "03:05 ok\n");
    lake_ledger_free(ledger);
}

static void a_check_can_be_stopped(void **state)
{
    struct fixture *f = *state;
    struct lake_check_totals totals;
    struct stop stop = {0};
    struct lake_ledger *ledger = sound_lake(f);
    struct lake_check_options options = {.stop = &stop};
    stop_set(&stop, SIGINT);
    assert_false(lake_check(f->store, &place_of_tests, ledger, &options, &totals, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERRUPTED);
    lake_ledger_free(ledger);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(a_sound_lake_is_ok_throughout),
        T(a_missing_blob_is_found),
        T(a_blob_of_another_size_is_found),
        T(a_changed_byte_is_found_wherever_it_is),
        T(rows_and_items_are_counted_anew),
        T(a_line_without_an_item_counts_as_an_empty_one),
        T(a_line_that_is_no_object_counts_for_nothing),
        T(blobs_that_the_ledger_does_not_know_are_found),
        T(what_was_never_verified_is_said),
        T(the_services_blobs_of_a_joined_partition_may_grow_but_not_go),
        T(a_range_checks_its_partitions_only),
        T(a_blob_larger_than_the_window_is_read_in_pieces),
        T(a_check_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
