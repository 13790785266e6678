/* Both halves of a lake read as one: what weir exported and what the service's own export wrote beside it. No row is
 * lost, none stands twice that has an _ItemId. */
#include "query/query.h"

#include "base/hash.h"
#include "base/memory.h"
#include "lake/ledger.h"
#include "lake/schema.h"
#include "tests/lake/place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ENTRIES_MAX = 16, LINES_MAX = 1 << 16 };

#define OURS "PT05M_weir.json"
#define HOUR_FOLDER PLACE_FOLDER "/y=2021/m=11/d=07/h=03"

/* Ledger lines are gathered, and written when the first query is asked. */
struct rig {
    struct fixture *f;
    struct lake_entry entries[ENTRIES_MAX];
    size_t n;
    bool written;
    int64_t t0;                               /* of the run; 0: not known */
    uint64_t doubled, joined, outdated, held; /* of the last query */
};

static int64_t minute(int m)
{
    return tick_of("2021-11-07T03:00:00Z") + m * TICK_MINUTE;
}

/* Rows of partition m: words "7" (n, and no _ItemId) or "7a" (n, with the _ItemId "a"). */
static void put_blob(struct rig *rig, int m, const char *name, const char *rows)
{
    struct buf text = BUF_INIT(LINES_MAX), path = BUF_INIT(STORE_NAME_MAX);
    struct str rest = str_of(rows), row;
    while (str_split(&rest, ' ', &row)) {
        size_t digits = 0;
        while (digits < row.n && row.p[digits] >= '0' && row.p[digits] <= '9')
            digits++;
        buf_printf(&text, "{\"TimeGenerated\":\"2021-11-07T03:%02d:01Z\",\"n\":%.*s", m,
                   (int) digits, row.p);
        if (row.n > digits)
            buf_printf(&text, ",\"_ItemId\":\"%.*s\"", (int) (row.n - digits), row.p + digits);
        buf_puts(&text, "}\n");
    }
    buf_printf(&path, HOUR_FOLDER "/m=%02d/%s", m, name);
    if (!store_put(rig->f->store, buf_text(&path), buf_str(&text), &rig->f->err))
        fail_msg("%s", rig->f->err.message);
    buf_release(&text);
    buf_release(&path);
}

/* A line of the ledger for partition m: verified, with a blob when it has rows. */
static struct lake_entry *put_entry(struct rig *rig, int m, uint64_t rows)
{
    struct lake_entry *entry = &rig->entries[rig->n++];
    *entry = (struct lake_entry){.partition = minute(m),
                                 .at = tick_now() + TICK_HOUR,
                                 .rows_expected = rows,
                                 .rows = rows,
                                 .bytes = rows * 10,
                                 .proof = LAKE_PROOF_ROWS,
                                 .verdict = LAKE_VERDICT_VERIFIED};
    return entry;
}

static void write_ledger(struct rig *rig)
{
    struct error *err = &rig->f->err;
    struct columns columns = {0};
    struct lake_run run = {.id = "run", .by = "weir", .t0 = rig->t0};
    struct lake_ledger *ledger = lake_ledger_open(rig->f->store, &place_of_tests, err);
    bool ok = ledger && columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, err) &&
              columns_add(&columns, STR("n"), COLUMN_LONG, err) &&
              columns_add(&columns, STR("_ItemId"), COLUMN_STRING, err) &&
              lake_schema_update(rig->f->store, &place_of_tests, NULL, &columns, NULL, err) &&
              lake_ledger_begin(ledger, &run, err);
    for (size_t i = 0; ok && i < rig->n; i++)
        ok = lake_ledger_add(ledger, &rig->entries[i], err);
    if (!ok || !lake_ledger_flush(ledger, err))
        fail_msg("%s", err->message);
    lake_ledger_free(ledger);
    columns_release(&columns);
    rig->written = true;
}

/* The one text column of all rows, each with a blank behind. */
static bool try_ask(struct rig *rig, const char *kql, struct buf *out)
{
    struct query_options options = {.store = rig->f->store,
                                    .kql = str_of(kql),
                                    .from = minute(0),
                                    .to = minute(60),
                                    .now = tick_of("2021-11-18"),
                                    .threads = 2};
    const struct query_coverage *coverage;
    const struct engine_chunk *chunk = NULL;
    if (!rig->written)
        write_ledger(rig);
    struct query *query = query_open(&options, &rig->f->err);
    bool ok = query != NULL;
    while (ok && (ok = query_next(query, &chunk, &rig->f->err)) && chunk)
        for (size_t row = 0; row < chunk->rows; row++) {
            struct str text = engine_text(&chunk->vectors[0], row);
            buf_printf(out, "%.*s ", (int) text.n, text.p);
        }
    if (ok && query_coverage(query, &coverage) > 0) {
        rig->doubled = query_doubled(query);
        rig->joined = coverage[0].joined;
        rig->outdated = coverage[0].outdated;
        rig->held = coverage[0].held;
    }
    query_free(query);
    return ok;
}

/* All values of n, smallest first, and how many lines were left out. */
static void check_rows(struct rig *rig, const char *expected, uint64_t doubled)
{
    struct buf out = BUF_INIT(LINES_MAX);
    if (!try_ask(rig, "Okta_CL | sort by n asc | project tostring(n)", &out))
        fail_msg("%s", rig->f->err.message);
    assert_string_equal(buf_text(&out), expected);
    assert_int_equal(rig->doubled, doubled);
    buf_release(&out);
}

static int set_up(void **state)
{
    struct rig *rig = mem_alloc(1, sizeof *rig, NULL);
    void *fixture = NULL;
    int failed = fixture_set_up(&fixture);
    rig->f = fixture;
    *state = rig;
    return failed;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    void *fixture = rig->f;
    mem_free(rig);
    return fixture_tear_down(&fixture);
}

/* --- the service's blobs alone -------------------------------------------------------------------------- */

static void what_the_service_wrote_twice_is_read_once(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, "PT05M.json", "1a 2b 2b 3 3");
    put_blob(rig, 5, "PT05M.json", "4c 5d");
    put_blob(rig, 5, "PT05M_1.json", "5d 6e");
    put_blob(rig, 10, "PT05M.json", "7a");
    check_rows(rig, "1 2 3 3 4 5 6 7 ", 2);
    assert_int_equal(rig->held, 3);
    assert_int_equal(rig->joined, 0);
}

/* --- both halves ---------------------------------------------------------------------------------------- */

static void a_row_of_both_halves_is_read_once_and_new_ones_too(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, OURS, "1a 2b");
    put_blob(rig, 0, "PT05M.json", "2b 3c 1a 3c");
    put_entry(rig, 0, 2);
    check_rows(rig, "1 2 3 ", 3);
    assert_int_equal(rig->joined, 1);
    assert_int_equal(rig->held, 1);
}

static void without_ids_the_verified_half_stands_for_both(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, OURS, "1 2 2");
    put_blob(rig, 0, "PT05M.json", "1 2 2 9x");
    put_entry(rig, 0, 3);
    check_rows(rig, "1 2 2 9 ", 3);
}

static void without_ids_nothing_is_lost_where_the_half_is_not_verified(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, OURS, "1");
    put_blob(rig, 0, "PT05M.json", "1 2");
    put_entry(rig, 0, 1)->verdict = LAKE_VERDICT_UNVERIFIED;
    put_blob(rig, 5, OURS, "3"); /* no line at all */
    put_blob(rig, 5, "PT05M.json", "3 4");
    put_blob(rig, 10, "PT05M.json", "5 6"); /* verified, and its blob is gone */
    put_entry(rig, 10, 2);
    check_rows(rig, "1 1 2 3 3 4 5 6 ", 0);
}

static void a_late_line_without_an_id_is_not_taken_for_one_of_the_verified(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 2; i++) {
        put_blob(rig, i * 5, OURS, "1");
        put_blob(rig, i * 5, "PT05M.json", "1 2");
        put_entry(rig, i * 5, 1)->at = tick_now() + (i == 0 ? TICK_HOUR : -TICK_HOUR);
    }
    check_rows(rig, "1 1 1 2 ", 2);
}

static void what_came_while_the_run_was_at_work_is_late_too(void **state)
{
    struct rig *rig = *state;
    rig->t0 = tick_now() - TICK_HOUR;
    put_blob(rig, 0, OURS, "1");
    put_blob(rig, 0, "PT05M.json", "1 2");
    put_entry(rig, 0, 1);
    check_rows(rig, "1 1 2 ", 0);
}

static void a_joined_partition_has_its_rows_in_two_blobs(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, OURS, "1a 2");
    put_blob(rig, 0, "PT05M.json", "3c 3c 4 4");
    struct lake_entry *entry = put_entry(rig, 0, 2);
    entry->rows_expected = 5;
    entry->beside_rows = 3;
    entry->doubled = 1;
    entry->joined = true;
    check_rows(rig, "1 2 3 4 4 ", 1);
    assert_int_equal(rig->held, 1);
}

static void a_joined_partition_is_not_held_when_the_other_half_is_gone(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 2; i++) {
        put_blob(rig, i * 5, OURS, "1a");
        struct lake_entry *entry = put_entry(rig, i * 5, 1);
        entry->beside_rows = i == 0 ? 0 : 3;
        entry->rows_expected = 1 + entry->beside_rows;
        entry->joined = true;
    }
    check_rows(rig, "1 1 ", 0);
    assert_int_equal(rig->held, 1);
}

static void a_joined_partition_is_not_held_when_a_part_of_the_other_half_is_gone(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 3; i++) {
        put_blob(rig, i * 5, "PT05M.json", "1a");
        struct lake_entry *entry = put_entry(rig, i * 5, 0);
        entry->beside_rows = entry->rows_expected = 1;
        entry->joined = true;
        entry->beside_bytes = (uint64_t[]){0, 10, 10000}[i];
    }
    check_rows(rig, "1 1 1 ", 0);
    assert_int_equal(rig->held, 2);
}

/* Told apart by a lie in the ledger: lines that are equal are read as they stand where nothing is compared. */
static void where_nothing_stood_twice_nothing_is_compared_until_the_service_writes_again(
    void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 2; i++) {
        put_blob(rig, i * 5, OURS, "1a");
        put_blob(rig, i * 5, "PT05M.json", "2b 2b");
        struct lake_entry *entry = put_entry(rig, i * 5, 1);
        entry->rows_expected = 3;
        entry->beside_rows = 2;
        entry->joined = true;
        if (i == 1)
            entry->at = tick_now() - TICK_HOUR;
    }
    check_rows(rig, "1 1 2 2 2 ", 1);
}

static void a_blob_of_an_hour_meets_all_its_partitions(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, "PT1H.json", "1a 2b 3c 4 5");
    put_blob(rig, 5, OURS, "2b 4");
    put_blob(rig, 55, OURS, "3c");
    put_blob(rig, 55, "PT05M.json", "3c 6");
    put_entry(rig, 5, 2);
    put_entry(rig, 55, 1);
    check_rows(rig, "1 2 3 4 4 5 6 ", 3);
    assert_int_equal(rig->joined, 2);
    assert_int_equal(rig->held, 12);
}

static void a_blob_of_an_hour_that_is_verified_throughout_adds_no_line_without_an_id(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, "PT1H.json", "1 2 3x");
    put_blob(rig, 5, OURS, "1");
    put_blob(rig, 10, OURS, "2");
    for (int m = 0; m < 60; m += 5)
        put_entry(rig, m, m == 5 || m == 10 ? 1 : 0);
    check_rows(rig, "1 2 3 ", 2);
}

static void what_aged_out_unseen_vouches_for_nothing(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, "PT1H.json", "1 2 3");
    put_blob(rig, 5, OURS, "1");
    for (int m = 0; m < 60; m += 5)
        put_entry(rig, m, m == 5)->verdict =
            m == 10 ? LAKE_VERDICT_AGED_OUT : LAKE_VERDICT_VERIFIED;
    check_rows(rig, "1 1 2 3 ", 0);
}

static void what_aged_out_unseen_is_not_held(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 5, OURS, "1");
    put_entry(rig, 5, 1);
    put_entry(rig, 10, 0)->verdict = LAKE_VERDICT_AGED_OUT;
    check_rows(rig, "1 ", 0);
    assert_int_equal(rig->held, 1);
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static void only_the_blob_that_the_ledger_names_is_read(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, OURS, "9");
    put_blob(rig, 0, "PT05M_weir_2.json", "1 2");
    put_blob(rig, 0, "PT05M_weir_3.json", "9 9");
    put_entry(rig, 0, 2)->number = 2;
    put_blob(rig, 5, OURS, "9"); /* no line: what was written last */
    put_blob(rig, 5, "PT05M_weir_2.json", "3");
    check_rows(rig, "1 2 3 ", 0);
    assert_int_equal(rig->outdated, 3);
}

static void imports_stand_beside_for_themselves(void **state)
{
    struct rig *rig = *state;
    put_blob(rig, 0, OURS, "1a");
    put_blob(rig, 0, "PT05M.json", "1a");
    put_blob(rig, 0, "PT05M_0123456789ab.json", "1a");
    put_blob(rig, 0, "part-1.json", "1a");
    put_entry(rig, 0, 1);
    check_rows(rig, "1 1 1 ", 1);
}

/* --- queries -------------------------------------------------------------------------------------------- */

static void a_table_beside_itself_is_read_anew_each_time(void **state)
{
    struct rig *rig = *state;
    struct buf out = BUF_INIT(LINES_MAX);
    put_blob(rig, 0, OURS, "1a 2b");
    put_blob(rig, 0, "PT05M.json", "2b 3c");
    put_entry(rig, 0, 2);
    assert_true(try_ask(rig, "union Okta_CL, Okta_CL | summarize tostring(sum(n))", &out));
    assert_string_equal(buf_text(&out), "12 ");
    buf_reset(&out);
    assert_true(try_ask(
        rig, "Okta_CL | join kind=inner (Okta_CL) on n | summarize tostring(count())", &out));
    assert_string_equal(buf_text(&out), "3 ");
    buf_release(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_the_service_wrote_twice_is_read_once),
        TEST(a_row_of_both_halves_is_read_once_and_new_ones_too),
        TEST(without_ids_the_verified_half_stands_for_both),
        TEST(without_ids_nothing_is_lost_where_the_half_is_not_verified),
        TEST(a_late_line_without_an_id_is_not_taken_for_one_of_the_verified),
        TEST(what_came_while_the_run_was_at_work_is_late_too),
        TEST(a_joined_partition_has_its_rows_in_two_blobs),
        TEST(a_joined_partition_is_not_held_when_the_other_half_is_gone),
        TEST(a_joined_partition_is_not_held_when_a_part_of_the_other_half_is_gone),
        TEST(where_nothing_stood_twice_nothing_is_compared_until_the_service_writes_again),
        TEST(a_blob_of_an_hour_meets_all_its_partitions),
        TEST(a_blob_of_an_hour_that_is_verified_throughout_adds_no_line_without_an_id),
        TEST(what_aged_out_unseen_vouches_for_nothing),
        TEST(what_aged_out_unseen_is_not_held),
        TEST(only_the_blob_that_the_ledger_names_is_read),
        TEST(imports_stand_beside_for_themselves),
        TEST(a_table_beside_itself_is_read_anew_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
