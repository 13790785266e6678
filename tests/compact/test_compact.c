/* A day reads the same from its files as from its lines: never a row twice, never one less, whatever came, went or was
 * killed since. */
#include "rig.h"

#include "lake/replaced.h"

#define ID_A "00000000000a"
#define ID_B "00000000000b"
#define ID_C "00000000000c"
#define BLOB(id) "PT05M_" id ".json"

static const struct compact_day *only_day(struct rig *rig, enum compact_verdict verdict)
{
    assert_int_equal(rig->n, 1);
    if (rig->told[0].verdict != verdict)
        fail_msg("%s: %s", compact_verdict_text(rig->told[0].verdict), rig->why[0]);
    return &rig->told[0];
}

/* --- values --------------------------------------------------------------------------------------------- */

static void every_value_comes_back(void **state)
{
    struct rig *rig = *state;
    static const char ask[] =
        "Okta_CL | sort by n asc | project strcat(n, '|', s, '|', tostring(d), '|', w, '|', t, "
        "'|', r, '|', tostring(m), '|', g, '|', b, '|', i, '|', _ItemId, '|', TimeGenerated)";
    rig_put(
        rig, 5, OURS,
        "{\"n\":1,\"s\":\"a\\\"\\\\\\u00e4\\n\",\"d\":{\"a\":[1,0.10,\"x\"]},"
        "\"w\":\"2021-01-01T00:00:00.1234567Z\",\"t\":\"1.02:03:04.5\",\"r\":0.1} "
        "{\"n\":2,\"m\":123456789012345678901234567890.5,"
        "\"g\":\"0A1B2C3D-0000-1111-2222-333344445555\",\"b\":true,\"i\":-5,\"r\":\"NaN\"} "
        "{\"n\":9007199254740993,\"s\":443,\"i\":99999999999,\"w\":\"soon\",\"d\":\"text\"} "
        "{\"n\":\"many\",\"no_column\":{\"x\":1},\"odd\\u0020key\":2,\"s\":\"\",\"d\":null} "
        "{\"n\":4,\"w\":\"0001-01-01T00:00:00Z\",\"t\":\"-00:00:00.0000001\",\"_ItemId\":\"q\"}");
    rig_put_text(rig, 10, OURS, "{\"n\":5}\n{\"TimeGenerated\":\"never\",\"n\":6}\n\n");
    struct buf before = BUF_INIT(RIG_TEXT_MAX);
    buf_puts(&before, rig_ask(rig, ask));
    assert_int_equal(rig->coverage.compacted, 0);
    rig_compact(rig, ERROR_NONE);
    const struct compact_day *day = only_day(rig, COMPACT_DONE);
    assert_int_equal(day->rows, 7);
    assert_int_equal(day->blobs, 2);
    assert_int_equal(day->files, 1);
    assert_string_equal(rig_ask(rig, ask), buf_text(&before));
    assert_int_equal(rig->coverage.compacted, 1);
    assert_int_equal(rig->coverage.files, 1);
    buf_release(&before);
}

static void a_line_that_is_none_fails_its_day_alone(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1 2");
    rig_put_text(rig, 24 * 60, OURS, "{\"n\":3}\n{\"n\":\n");
    rig_put(rig, 48 * 60, OURS, "4");
    rig_compact(rig, ERROR_INCOMPLETE);
    assert_int_equal(rig->n, 3);
    assert_int_equal(rig->told[0].verdict, COMPACT_DONE);
    assert_int_equal(rig->told[1].verdict, COMPACT_FAILED);
    assert_non_null(strstr(rig->why[1], "d=08"));
    assert_int_equal(rig->told[2].verdict, COMPACT_DONE);
    assert_int_equal(rig->totals.days[COMPACT_FAILED], 1);
    assert_int_equal(rig->totals.rows, 3);
}

static void packed_bytes_are_told_as_such(void **state)
{
    static const struct {
        const char *bytes, *said;
    } packed[] = {{"\x28\xb5\x2f\xfd and so on", "PT05M.json: it is packed (zstd)"},
                  {"\x5a\x2a\x4d\x18 a frame that is passed over", "it is packed (zstd)"}};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        rig_put(rig, 5, OURS, "1");
        rig_put_text(rig, 0, THEIRS, packed[i].bytes);
        rig_compact(rig, ERROR_INCOMPLETE);
        (void) only_day(rig, COMPACT_FAILED);
        assert_non_null(strstr(rig->why[0], packed[i].said));
    }
}

static void a_day_without_rows_has_no_file(void **state)
{
    struct rig *rig = *state;
    rig_put_text(rig, 0, OURS, "");
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(only_day(rig, COMPACT_DONE)->files, 0);
    rig_check(rig, "");
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_CURRENT);
}

/* --- which days ------------------------------------------------------------------------------------------- */

static void a_day_is_closed_when_nobody_writes_to_it_any_more(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1");
    rig_put(rig, 24 * 60, THEIRS, "2");
    rig->options.closed_after = 0;
    rig->options.now = tick_of("2021-11-10T23:59:59Z");
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_OPEN);
    assert_true(rig->why[0][0] != '\0');
    rig->options.now = tick_now(); /* the service has just written */
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_DONE);
    assert_int_equal(rig->told[1].verdict, COMPACT_OPEN);
    rig->options.now = tick_now() + 4 * TICK_DAY;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_CURRENT);
    assert_int_equal(rig->told[1].verdict, COMPACT_DONE);
}

static void only_days_that_begin_in_the_range_are_taken(void **state)
{
    struct rig *rig = *state;
    for (int day = 0; day < 4; day++)
        rig_put(rig, day * 24 * 60 + 600, OURS, "1");
    rig->options.from = rig_minute(0) + 1;
    rig->options.to = rig_minute(2 * 24 * 60) + 1;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->n, 2);
    assert_int_equal(rig->told[0].day, rig_minute(24 * 60));
    assert_int_equal(rig->told[1].day, rig_minute(2 * 24 * 60));
}

static void a_dry_run_does_nothing(void **state)
{
    struct rig *rig = *state;
    struct lake_days days;
    rig_put(rig, 0, OURS, "1 2");
    rig_put(rig, 0, THEIRS, "3");
    rig->options.dry_run = rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    const struct compact_day *day = only_day(rig, COMPACT_DONE);
    assert_int_equal(day->blobs, 2);
    assert_int_equal(day->deleted, 1);
    assert_null(rig_record(rig, &days, 0));
    lake_days_release(&days);
    assert_true(rig_has(rig, 0, OURS));
}

static void two_at_once_are_one_too_many(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1");
    struct store_lock *lock =
        lake_lock_new(rig->f->store, &place_of_tests, "another", &rig->f->err);
    assert_non_null(lock);
    rig_compact(rig, ERROR_LOCKED);
    store_lock_free(lock);
    rig_compact(rig, ERROR_NONE);
}

/* --- never a row twice ------------------------------------------------------------------------------------- */

static void doubles_are_left_out(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a 2b");
    rig_vouch(rig, 0, 2, 0);
    rig_put(rig, 0, THEIRS, "2b 3c 1a 3c 4");
    rig_put(rig, 5, THEIRS, "5 5 6d 6d");
    rig_check(rig, "1 2 3 4 5 5 6 ");
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(only_day(rig, COMPACT_DONE)->doubled, 4);
    rig_check(rig, "1 2 3 4 5 5 6 ");
    assert_int_equal(rig->doubled, 0);
}

static void late_rows_reopen_a_day(void **state)
{
    struct rig *rig = *state;
    rig_import(rig, ID_A, 0, "1 2");
    rig_compact(rig, ERROR_NONE);
    rig_import(rig, ID_B, 0, "3");
    rig_check(rig, "1 2 3 ");
    assert_int_equal(rig->coverage.compacted, 0);
    rig_compact(rig, ERROR_NONE);
    assert_true(only_day(rig, COMPACT_DONE)->reopened);
    assert_int_equal(rig->told[0].rows, 3);
    rig_check(rig, "1 2 3 ");
    assert_int_equal(rig->coverage.compacted, 1);
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_CURRENT);
}

static void a_blob_that_grew_reopens_a_day(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, THEIRS, "1a");
    rig_compact(rig, ERROR_NONE);
    rig_put(rig, 0, THEIRS, "1a 2b");
    rig_check(rig, "1 2 ");
    rig_compact(rig, ERROR_NONE);
    assert_true(only_day(rig, COMPACT_DONE)->reopened);
    rig_check(rig, "1 2 ");
}

static void an_export_of_the_same_size_reopens_a_day(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a");
    rig_vouch(rig, 0, 1, 0);
    rig_compact(rig, ERROR_NONE);
    rig_put(rig, 0, OURS, "2a");
    rig_vouch(rig, 0, 1, 0);
    rig_check(rig, "2 ");
    rig_compact(rig, ERROR_NONE);
    assert_true(only_day(rig, COMPACT_DONE)->reopened);
    rig_check(rig, "2 ");
}

static void what_the_ledger_denies_is_not_compacted(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a");
    rig_vouch(rig, 0, 1, 0);
    rig_put(rig, 0, OURS, "2a");
    rig_compact(rig, ERROR_INCOMPLETE);
    (void) only_day(rig, COMPACT_FAILED);
    assert_non_null(strstr(rig->why[0], OURS));
}

/* As part_replace_finish does it. */
static void remove_import(struct rig *rig, const char *id)
{
    struct lake_import import = {.from = rig_minute(0), .to = rig_minute(15)};
    (void) snprintf(import.id, sizeof import.id, "%s", id);
    if (!lake_days_replace(rig->f->store, &place_of_tests, &import, &rig->f->err) ||
        !lake_import_remove(rig->f->store, &place_of_tests, id, &rig->f->err))
        fail_msg("%s", rig->f->err.message);
}

static void a_replaced_import_does_not_come_back(void **state)
{
    struct rig *rig = *state;
    struct buf lines = BUF_INIT(4096), name = BUF_INIT(LAKE_NAME_MAX);
    rig_import(rig, ID_A, 0, "1 2");
    rig_put(rig, 5, OURS, "7");
    rig_compact(rig, ERROR_NONE);
    rig_import(rig, ID_B, 0, "3");
    rig_name(&name, 0, BLOB(ID_A));
    remove_import(rig, ID_A);
    assert_true(store_delete(rig->f->store, buf_text(&name), &rig->f->err));
    rig_check(rig, "3 7 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "3 7 ");
    buf_release(&lines);
    buf_release(&name);
}

/* None of them is told of any more by an import's record. */
static void imports_that_were_replaced_one_by_another_do_not_come_back(void **state)
{
    struct rig *rig = *state;
    rig_import(rig, ID_A, 0, "1 2");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    rig_import(rig, ID_B, 5, "3");
    remove_import(rig, ID_A);
    rig_check(rig, "3 ");
    rig_import(rig, ID_C, 10, "4");
    remove_import(rig, ID_B);
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    rig_name(&name, 5, BLOB(ID_B));
    assert_true(store_delete(rig->f->store, buf_text(&name), &rig->f->err));
    rig_check(rig, "4 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "4 ");
    buf_release(&name);
}

/* A damaged record is moved away, as its hint says. */
static void an_import_without_a_record_counts_with_its_blobs_gone(void **state)
{
    struct rig *rig = *state;
    rig_import(rig, ID_A, 0, "1 2");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    assert_true(lake_import_remove(rig->f->store, &place_of_tests, ID_A, &rig->f->err));
    rig_check(rig, "1 2 ");
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_CURRENT);
    rig_import(rig, ID_B, 0, "3");
    rig_check(rig, "1 2 3 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 ");
    rig_import(rig, ID_A, 0, "1 2"); /* the command that made it */
    rig_check(rig, "1 2 3 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 ");
}

/* By a weir that did not tell the days; what was brought in again behind it, and compacted, counts. */
static void check_replaced(struct rig *rig, const char *started, const char *expected)
{
    static const struct small_part part = {
        "2021-11-07T00:05:00Z", "{\"TimeGenerated\":\"2021-11-07T00:05:01Z\",\"n\":3}\n"};
    struct lake_import old = {.started = tick_of("2021-11-18")};
    const struct small_import by = {
        .id = ID_B, .input = "b", .started = started, .replaces = &old, .parts = &part, .n = 1};
    memcpy(old.id, ID_A, sizeof old.id);
    rig_import(rig, ID_A, 0, "1 2");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    small_import_put(rig->f, &by);
    assert_true(lake_import_remove(rig->f->store, &place_of_tests, ID_A, &rig->f->err));
    rig_check(rig, expected);
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, expected);
}

static void an_import_says_which_one_it_replaced(void **state)
{
    check_replaced(*state, "2099-01-01", "3 ");
}

static void what_came_again_behind_its_replacement_counts(void **state)
{
    check_replaced(*state, "2021-11-19", "1 2 3 ");
}

/* --- without the lines ------------------------------------------------------------------------------------- */

static void only_weirs_own_blobs_are_deleted(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a");
    rig_put(rig, 0, THEIRS, "2b");
    rig_put(rig, 0, "part-0.json", "3");
    rig_import(rig, ID_A, 5, "4");
    rig_put(rig, 5, BLOB(ID_B), "5"); /* of an import that was killed */
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(only_day(rig, COMPACT_DONE)->deleted, 2);
    assert_true(!rig_has(rig, 0, OURS) && rig_has(rig, 0, THEIRS) &&
                rig_has(rig, 0, "part-0.json"));
    assert_true(!rig_has(rig, 5, BLOB(ID_A)) && rig_has(rig, 5, BLOB(ID_B)));
    rig_check(rig, "1 2 3 4 5 ");
    rig->options.delete_service_blobs = true;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(only_day(rig, COMPACT_CURRENT)->deleted, 2);
    assert_true(!rig_has(rig, 0, THEIRS) && rig_has(rig, 5, BLOB(ID_B)));
    rig_check(rig, "1 2 3 4 5 ");
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(only_day(rig, COMPACT_CURRENT)->deleted, 0);
}

/* As a run that was killed leaves it: the record says that they go, one is gone. */
static void a_deletion_that_was_killed_is_finished(void **state)
{
    struct rig *rig = *state;
    struct lake_days days;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    rig_put(rig, 0, OURS, "1a");
    rig_put(rig, 5, OURS, "2b");
    rig_compact(rig, ERROR_NONE);
    struct lake_day record = *rig_record(rig, &days, 0);
    for (size_t i = 0; i < record.source_count; i++)
        record.sources[i].gone = LAKE_DAY_GOING;
    assert_true(lake_day_write(rig->f->store, &place_of_tests, &record, &rig->f->err));
    lake_days_release(&days);
    rig_name(&name, 0, OURS);
    assert_true(store_delete(rig->f->store, buf_text(&name), &rig->f->err));
    rig_check(rig, "1 2 ");
    assert_int_equal(rig->coverage.compacted, 1);
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_CURRENT);
    assert_false(rig_has(rig, 5, OURS));
    const struct lake_day *is = rig_record(rig, &days, 0);
    for (size_t i = 0; i < is->source_count; i++)
        assert_int_equal(is->sources[i].gone, LAKE_DAY_GONE);
    lake_days_release(&days);
    rig_check(rig, "1 2 ");
    buf_release(&name);
}

static void an_export_anew_takes_the_place_of_its_rows(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a 2b");
    rig_vouch(rig, 0, 2, 0);
    rig_put(rig, 5, OURS, "9z");
    rig_vouch(rig, 5, 1, 0);
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    rig_put(rig, 0, OURS, "1a 2b 3c");
    rig_vouch(rig, 0, 3, 0);
    rig_check(rig, "1 2 3 9 ");
    rig_compact(rig, ERROR_NONE);
    assert_true(only_day(rig, COMPACT_DONE)->reopened);
    assert_int_equal(rig->told[0].rows, 4);
    assert_false(rig_has(rig, 0, OURS));
    rig_check(rig, "1 2 3 9 ");
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_CURRENT);
}

static void an_export_anew_has_the_rows_of_the_services_deleted_blobs_too(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, THEIRS, "2b 3c");
    rig_put(rig, 0, OURS, "1a");
    rig_vouch(rig, 0, 1, 2);
    rig->options.delete_json = rig->options.delete_service_blobs = true;
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 ");
    rig_put(rig, 0, OURS, "1a 2b 3c 4d");
    rig_vouch(rig, 0, 4, 0);
    rig_check(rig, "1 2 3 4 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 4 ");
}

static void what_the_service_writes_under_a_deleted_name_is_added(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, THEIRS, "1a 2b");
    rig->options.delete_json = rig->options.delete_service_blobs = true;
    rig_compact(rig, ERROR_NONE);
    rig_put(rig, 0, THEIRS, "3c 4d");
    rig_check(rig, "1 2 3 4 ");
    for (int i = 0; i < 2; i++) {
        rig->options.delete_service_blobs = i > 0;
        rig_compact(rig, ERROR_NONE);
        rig_check(rig, "1 2 3 4 ");
        assert_int_equal(rig_has(rig, 0, THEIRS), i == 0);
    }
    rig_put(rig, 0, THEIRS, "5e");
    rig_check(rig, "1 2 3 4 5 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 4 5 ");
}

static void late_rows_merge_into_what_stands_in_parquet_alone(void **state)
{
    struct rig *rig = *state;
    rig_import(rig, ID_A, 0, "1 {\"n\":2,\"odd\":[1],\"s\":7}");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    rig_import(rig, ID_B, 0, "3 {\"n\":4,\"other\":\"x\"}");
    rig_check(rig, "1 2 3 4 ");
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(only_day(rig, COMPACT_DONE)->rows, 4);
    rig_check(rig, "1 2 3 4 ");
    assert_string_equal(rig_ask(rig, "Okta_CL | where n == 2 | project s"), "7 ");
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_CURRENT);
}

static void what_somebody_took_away_is_still_in_the_files(void **state)
{
    struct rig *rig = *state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    rig_put(rig, 0, OURS, "1");
    rig_put(rig, 5, OURS, "2");
    rig_compact(rig, ERROR_NONE);
    rig_name(&name, 0, OURS);
    assert_true(store_delete(rig->f->store, buf_text(&name), &rig->f->err));
    rig_check(rig, "1 2 ");
    rig_import(rig, ID_A, 10, "3");
    rig_check(rig, "1 2 3 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 ");
    buf_release(&name);
}

/* --- files ------------------------------------------------------------------------------------------------- */

static void file_name(struct rig *rig, struct buf *out)
{
    struct lake_days days;
    const struct lake_day *record = rig_record(rig, &days, 0);
    lake_parquet_prefix(out, &place_of_tests);
    buf_printf(out, "/%s", record->files[0].name);
    lake_days_release(&days);
}

static void a_missing_file_is_made_again_from_the_lines(void **state)
{
    struct rig *rig = *state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    rig_put(rig, 0, OURS, "1 2");
    rig_compact(rig, ERROR_NONE);
    file_name(rig, &name);
    assert_true(store_delete(rig->f->store, buf_text(&name), &rig->f->err));
    rig_check(rig, "1 2 ");
    assert_int_equal(rig->coverage.compacted, 0);
    rig_compact(rig, ERROR_NONE);
    (void) only_day(rig, COMPACT_DONE);
    rig_check(rig, "1 2 ");
    assert_int_equal(rig->coverage.compacted, 1);
    buf_release(&name);
}

static void a_missing_file_is_named_where_its_rows_are_nowhere_else(void **state)
{
    struct rig *rig = *state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct query_options options = {
        .store = rig->f->store, .kql = STR("Okta_CL"), .now = tick_of("2021-12-01")};
    struct error err = ERROR_INIT;
    rig_put(rig, 0, OURS, "1 2");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    file_name(rig, &name);
    assert_true(store_put(rig->f->store, buf_text(&name), STR("PAR1"), &rig->f->err));
    assert_null(query_open(&options, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.message, "2021-11-07"));
    rig_compact(rig, ERROR_INCOMPLETE);
    (void) only_day(rig, COMPACT_FAILED);
    buf_release(&name);
}

/* Nothing is deleted where the file has other bytes by now. */
static void nothing_goes_before_its_file_was_looked_at(void **state)
{
    struct rig *rig = *state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    rig_put(rig, 0, OURS, "1 2");
    rig_compact(rig, ERROR_NONE);
    file_name(rig, &name);
    assert_true(store_get(rig->f->store, buf_text(&name), &rig->f->text, &rig->f->err));
    rig->f->text.bytes[rig->f->text.used / 2] ^= 1;
    assert_true(store_put(rig->f->store, buf_text(&name), buf_str(&rig->f->text), &rig->f->err));
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_INCOMPLETE);
    (void) only_day(rig, COMPACT_FAILED);
    assert_true(rig_has(rig, 0, OURS));
    buf_release(&name);
}

static void what_others_wrote_beside_the_files_stays(void **state)
{
    struct rig *rig = *state;
    static const char *const others = PLACE_OWN "/parquet/y=2021/m=11/d=07/theirs.parquet";
    uint64_t size;
    rig_put(rig, 0, OURS, "1");
    assert_true(store_put(rig->f->store, others, STR("x"), &rig->f->err));
    rig_compact(rig, ERROR_NONE);
    assert_true(store_stat(rig->f->store, others, &size, NULL));
    rig_check(rig, "1 ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        TEST(every_value_comes_back),
        TEST(a_line_that_is_none_fails_its_day_alone),
        TEST(packed_bytes_are_told_as_such),
        TEST(a_day_without_rows_has_no_file),
        TEST(a_day_is_closed_when_nobody_writes_to_it_any_more),
        TEST(only_days_that_begin_in_the_range_are_taken),
        TEST(a_dry_run_does_nothing),
        TEST(two_at_once_are_one_too_many),
        TEST(doubles_are_left_out),
        TEST(late_rows_reopen_a_day),
        TEST(a_blob_that_grew_reopens_a_day),
        TEST(an_export_of_the_same_size_reopens_a_day),
        TEST(what_the_ledger_denies_is_not_compacted),
        TEST(a_replaced_import_does_not_come_back),
        TEST(imports_that_were_replaced_one_by_another_do_not_come_back),
        TEST(an_import_without_a_record_counts_with_its_blobs_gone),
        TEST(an_import_says_which_one_it_replaced),
        TEST(what_came_again_behind_its_replacement_counts),
        TEST(only_weirs_own_blobs_are_deleted),
        TEST(a_deletion_that_was_killed_is_finished),
        TEST(an_export_anew_takes_the_place_of_its_rows),
        TEST(an_export_anew_has_the_rows_of_the_services_deleted_blobs_too),
        TEST(what_the_service_writes_under_a_deleted_name_is_added),
        TEST(late_rows_merge_into_what_stands_in_parquet_alone),
        TEST(what_somebody_took_away_is_still_in_the_files),
        TEST(a_missing_file_is_made_again_from_the_lines),
        TEST(a_missing_file_is_named_where_its_rows_are_nowhere_else),
        TEST(nothing_goes_before_its_file_was_looked_at),
        TEST(what_others_wrote_beside_the_files_stays),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
