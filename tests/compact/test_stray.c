/* Files that no record names: what a killed run left goes, what may be the only copy of its rows stays. */
#include "rig.h"

#include "tests/lake/remote.h"

#define ID_A "00000000000a"
#define FOLDER PLACE_OWN "/parquet/y=2021/m=11/d=07/"
#define DAY_NAME "y=2021/m=11/d=07"

static int remote_set_up(void **state)
{
    int failed = rig_set_up(state);
    struct rig *rig = *state;
    rig->options.store = rig->f->store = remote_new(rig->f->store);
    return failed;
}

/* A blob's bytes, kept aside. */
struct aside {
    struct buf name, bytes;
};

static void take_aside(struct rig *rig, struct aside *aside)
{
    buf_init(&aside->bytes, RIG_TEXT_MAX);
    if (!store_get(rig->f->store, buf_text(&aside->name), &aside->bytes, &rig->f->err))
        fail_msg("%s", rig->f->err.message);
}

static void record_aside(struct rig *rig, struct aside *aside)
{
    buf_init(&aside->name, LAKE_NAME_MAX);
    lake_day_name(&aside->name, &place_of_tests, rig_minute(0));
    take_aside(rig, aside);
}

static void file_aside(struct rig *rig, struct aside *aside)
{
    struct lake_days days;
    buf_init(&aside->name, LAKE_NAME_MAX);
    const struct lake_day *record = rig_record(rig, &days, 0);
    lake_parquet_prefix(&aside->name, &place_of_tests);
    buf_printf(&aside->name, "/%s", record->files[0].name);
    lake_days_release(&days);
    take_aside(rig, aside);
}

static void delete_blob(struct rig *rig, const struct buf *name)
{
    assert_true(store_delete(rig->f->store, name->bytes, &rig->f->err));
}

static void bring_back(struct rig *rig, struct aside *aside)
{
    assert_true(
        store_put(rig->f->store, buf_text(&aside->name), buf_str(&aside->bytes), &rig->f->err));
}

static bool is_there(struct rig *rig, struct aside *aside)
{
    uint64_t size;
    return store_stat(rig->f->store, buf_text(&aside->name), &size, NULL);
}

static void aside_release(struct aside *aside)
{
    buf_release(&aside->name);
    buf_release(&aside->bytes);
}

static bool count_file(void *context, const struct store_blob *blob, struct error *err)
{
    (void) err;
    *(size_t *) context += str_ends(blob->name, STR(".parquet"));
    return true;
}

static size_t files_there(struct rig *rig)
{
    size_t n = 0;
    assert_true(store_list(rig->f->store, PLACE_OWN "/parquet", count_file, &n, &rig->f->err));
    return n;
}

/* The last of what was told: the day failed, and why names the file and the way out. */
static void check_told(struct rig *rig, struct aside *file)
{
    assert_true(rig->n > 0);
    assert_int_equal(rig->told[rig->n - 1].verdict, COMPACT_FAILED);
    assert_int_equal(rig->told[rig->n - 1].day, rig_minute(0));
    assert_non_null(strstr(rig->why[rig->n - 1], strrchr(buf_text(&file->name), '/')));
    assert_non_null(strstr(rig->why[rig->n - 1], "days/" DAY_NAME ".jsonl"));
}

static void the_only_copy_stays_when_its_record_is_lost(void **state)
{
    struct rig *rig = *state;
    struct aside record, file;
    rig_import(rig, ID_A, 0, "1 2");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    record_aside(rig, &record);
    file_aside(rig, &file);
    delete_blob(rig, &record.name);
    for (int i = 0; i < 2; i++) {
        rig_compact(rig, ERROR_INCOMPLETE);
        assert_int_equal(rig->n, 1);
        assert_int_equal(rig->totals.days[COMPACT_FAILED], 1);
        check_told(rig, &file);
        assert_true(is_there(rig, &file));
    }
    bring_back(rig, &record);
    rig_check(rig, "1 2 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 ");
    aside_release(&record);
    aside_release(&file);
}

/* New blobs do not make a record that takes the place of the lost one, and are not deleted. */
static void a_day_whose_record_is_lost_is_not_compacted_from_what_came_since(void **state)
{
    struct rig *rig = *state;
    struct aside record, file;
    rig_put(rig, 0, OURS, "1a 2b");
    rig_put(rig, 5, OURS, "3c");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    record_aside(rig, &record);
    file_aside(rig, &file);
    delete_blob(rig, &record.name);
    rig_put(rig, 10, OURS, "4d 5e 6f 7g"); /* more of them */
    rig_put(rig, 5, OURS, "3c");
    for (int i = 0; i < 2; i++) {
        rig_compact(rig, ERROR_INCOMPLETE);
        assert_int_equal(rig->n, 1);
        check_told(rig, &file);
        assert_int_equal(files_there(rig), 1);
        assert_false(is_there(rig, &record));
        rig_check(rig, "3 4 5 6 7 ");
    }
    rig_name(&rig->f->text, 5, OURS);
    delete_blob(rig, &rig->f->text);
    bring_back(rig, &record);
    rig_check(rig, "1 2 3 4 5 6 7 ");
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 4 5 6 7 ");
    assert_int_equal(files_there(rig), 1);
    aside_release(&record);
    aside_release(&file);
}

/* Whoever does not want the rows moves the file away. */
static void a_file_that_cannot_be_read_stays(void **state)
{
    struct rig *rig = *state;
    struct aside file = {.name = BUF_INIT(LAKE_NAME_MAX)};
    buf_puts(&file.name, FOLDER "0123456789ab-0.parquet");
    buf_init(&file.bytes, RIG_TEXT_MAX);
    rig_put(rig, 0, OURS, "1");
    buf_puts(&file.bytes, "x");
    bring_back(rig, &file);
    rig_compact(rig, ERROR_INCOMPLETE);
    check_told(rig, &file);
    assert_int_equal(files_there(rig), 1);
    delete_blob(rig, &file.name);
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 ");
    aside_release(&file);
}

/* Killed before its record: the JSON is whole, and more of it came. */
static void what_a_run_left_before_its_record_goes(void **state)
{
    struct rig *rig = *state;
    struct aside record, file;
    rig_put(rig, 0, OURS, "1a 2b 2 2 {\"odd\":[1],\"s\":7,\"w\":\"2021-11-07T00:00:00.1234567Z\"}");
    rig_compact(rig, ERROR_NONE);
    record_aside(rig, &record);
    file_aside(rig, &file);
    delete_blob(rig, &record.name);
    rig_put(rig, 5, OURS, "3c");
    rig_compact(rig, ERROR_NONE);
    assert_false(is_there(rig, &file));
    assert_int_equal(files_there(rig), 1);
    aside_release(&record);
    aside_release(&file);
}

/* Killed behind its record, before the file of the one before was removed. */
static void what_a_run_left_behind_its_record_goes(void **state)
{
    struct rig *rig = *state;
    struct aside file;
    rig_put(rig, 0, OURS, "1a 2b");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    file_aside(rig, &file);
    rig_put(rig, 5, OURS, "3c");
    rig_compact(rig, ERROR_NONE);
    assert_false(is_there(rig, &file));
    bring_back(rig, &file);
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_CURRENT);
    assert_false(is_there(rig, &file));
    rig_check(rig, "1 2 3 ");
    aside_release(&file);
}

/* The file of before has a row that counts no more. */
static void what_a_record_stands_instead_of_goes_unread(void **state)
{
    struct rig *rig = *state;
    struct aside file;
    rig_put(rig, 0, OURS, "1a 2b");
    rig_vouch(rig, 0, 2, 0);
    rig_compact(rig, ERROR_NONE);
    file_aside(rig, &file);
    rig_put(rig, 0, OURS, "1a");
    rig_vouch(rig, 0, 1, 0);
    rig_compact(rig, ERROR_NONE);
    bring_back(rig, &file);
    rig_put(rig, 5, OURS, "3c"); /* the next record knows it, too */
    rig_compact(rig, ERROR_NONE);
    assert_false(is_there(rig, &file));
    rig_check(rig, "1 3 ");
    bring_back(rig, &file);
    rig_compact(rig, ERROR_NONE);
    assert_false(is_there(rig, &file));
    aside_release(&file);
}

static void a_file_where_the_folder_must_be_is_an_error(void **state)
{
    struct rig *rig = *state;
    assert_true(store_put(rig->f->store, PLACE_OWN "/parquet", STR("x"), &rig->f->err));
    rig_compact(rig, ERROR_FORMAT);
}

/* One of the two rows alike stands in the record's file: the other is in the later file alone. */
static void an_older_record_that_was_brought_back_costs_no_row(void **state)
{
    struct rig *rig = *state;
    struct aside old_record, old_file, record, file;
    rig_import(rig, ID_A, 0, "1");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    record_aside(rig, &old_record);
    file_aside(rig, &old_file);
    rig_put(rig, 0, OURS, "1");
    rig_compact(rig, ERROR_NONE);
    record_aside(rig, &record);
    file_aside(rig, &file);
    bring_back(rig, &old_record);
    bring_back(rig, &old_file);
    rig_check(rig, "1 ");
    rig_compact(rig, ERROR_INCOMPLETE);
    assert_int_equal(rig->n, 2);
    check_told(rig, &file);
    assert_true(is_there(rig, &file));
    bring_back(rig, &record);
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(files_there(rig), 1);
    rig_check(rig, "1 1 ");
    aside_release(&old_record);
    aside_release(&old_file);
    aside_release(&record);
    aside_release(&file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        TEST(the_only_copy_stays_when_its_record_is_lost),
        TEST(a_day_whose_record_is_lost_is_not_compacted_from_what_came_since),
        TEST(a_file_that_cannot_be_read_stays),
        TEST(what_a_run_left_before_its_record_goes),
        TEST(what_a_run_left_behind_its_record_goes),
        TEST(what_a_record_stands_instead_of_goes_unread),
        TEST(a_file_where_the_folder_must_be_is_an_error),
        TEST(an_older_record_that_was_brought_back_costs_no_row),
        cmocka_unit_test_setup_teardown(an_older_record_that_was_brought_back_costs_no_row,
                                        remote_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(what_a_run_left_before_its_record_goes, remote_set_up,
                                        rig_tear_down),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
