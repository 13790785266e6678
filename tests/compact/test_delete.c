/* Blobs that Parquet stands in for are deleted, or it is told which are not. */
#include "rig.h"

#include "tests/lake/remote.h"

#include <unistd.h>

#define CONTAINER "am-okta-cl"

static int set_up(void **state)
{
    int failed = rig_set_up(state);
    struct rig *rig = *state;
    rig->options.store = rig->f->store = remote_new(rig->f->store);
    rig->options.delete_json = rig->options.delete_service_blobs = true;
    return failed;
}

static struct remote *remote(struct rig *rig)
{
    return remote_of(rig->f->store);
}

/* Of the only record: sources of each fate. */
static void count_fates(struct rig *rig, size_t out[LAKE_DAY_GONE_COUNT])
{
    struct lake_days days;
    const struct lake_day *record = rig_record(rig, &days, 0);
    memset(out, 0, LAKE_DAY_GONE_COUNT * sizeof *out);
    for (size_t i = 0; record && i < record->source_count; i++)
        out[record->sources[i].gone]++;
    lake_days_release(&days);
}

static void put_blobs(struct rig *rig)
{
    rig_put(rig, 0, OURS, "1a");
    rig_put(rig, 0, THEIRS, "1a 2b");
    rig_put(rig, 5, OURS, "3c");
    rig_put(rig, 10, THEIRS, "4d");
}

/* Takes the record away, so that the next run finds nothing. */
static void forget(struct rig *rig)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_day_name(&name, &place_of_tests, rig_minute(0));
    assert_true(store_delete(rig->f->store, buf_text(&name), &rig->f->err));
    buf_release(&name);
}

static size_t blobs_there(struct rig *rig)
{
    return (size_t) rig_has(rig, 0, OURS) + rig_has(rig, 0, THEIRS) + rig_has(rig, 5, OURS) +
           rig_has(rig, 10, THEIRS);
}

static void under_a_hold_nothing_is_begun(void **state)
{
    struct rig *rig = *state;
    struct lake_days days;
    put_blobs(rig);
    remote(rig)->immutable = CONTAINER;
    for (int i = 0; i < 2; i++) {
        rig->options.delete_service_blobs = i == 0;
        rig_compact(rig, ERROR_SETTINGS);
        assert_int_equal(rig->n, 0);
        assert_int_equal(rig->totals.deleted, 0);
        assert_null(rig_record(rig, &days, 0));
        lake_days_release(&days);
    }
    assert_int_equal(remote(rig)->deletes, 0);
    rig->options.delete_json = rig->options.delete_service_blobs = false;
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 4 ");
    rig->options.delete_json = true;
    rig_compact(rig, ERROR_SETTINGS);
    assert_int_equal(blobs_there(rig), 4);
    assert_false(remote(rig)->refused);
}

/* Records lie in container weir: one that cannot be replaced is found before a file is written. */
static void a_reopened_day_whose_record_is_held_fails_by_itself(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, THEIRS, "1a");
    rig_compact(rig, ERROR_NONE);
    remote(rig)->immutable = "weir";
    rig_put(rig, 0, THEIRS, "1a 2b");
    size_t puts = remote(rig)->puts;
    rig_compact(rig, ERROR_INCOMPLETE);
    assert_int_equal(rig->told[0].verdict, COMPACT_FAILED);
    assert_int_equal(remote(rig)->puts, puts);
    assert_false(remote(rig)->refused);
    rig_check(rig, "1 2 ");
    remote(rig)->immutable = NULL;
    rig_compact(rig, ERROR_NONE);
}

/* A hold that comes while blobs are deleted: what is gone is told, the rest is there, and no row is lost or twice. */
static void a_hold_that_comes_meanwhile_ends_it(void **state)
{
    struct rig *rig = *state;
    for (size_t at = 1; at <= 4; at++) {
        size_t fates[LAKE_DAY_GONE_COUNT];
        put_blobs(rig);
        remote(rig)->held = CONTAINER;
        remote(rig)->held_from = remote(rig)->deletes + at;
        rig_compact(rig, ERROR_SERVICE);
        assert_true(remote(rig)->refused);
        assert_int_equal(rig->totals.deleted, at - 1);
        assert_int_equal(blobs_there(rig), 4 - (at - 1));
        count_fates(rig, fates);
        assert_int_equal(fates[LAKE_DAY_GONE], at - 1);
        assert_int_equal(fates[LAKE_DAY_GOING], 4 - (at - 1));
        rig_check(rig, "1 2 3 4 ");
        remote(rig)->held_from = 0;
        rig_compact(rig, ERROR_SETTINGS); /* it is held still */
        rig_check(rig, "1 2 3 4 ");
        remote(rig)->immutable = NULL;
        rig_compact(rig, ERROR_NONE);
        assert_int_equal(rig->told[0].deleted, 4 - (at - 1));
        assert_int_equal(blobs_there(rig), 0);
        rig_check(rig, "1 2 3 4 ");
        forget(rig);
    }
}

/* Compacts, and leaves the record as a run does that is killed before it deletes a blob. */
static void leave_going(struct rig *rig)
{
    struct lake_days days;
    rig->options.delete_json = rig->options.delete_service_blobs = false;
    rig_compact(rig, ERROR_NONE);
    struct lake_day record = *rig_record(rig, &days, 0);
    for (size_t i = 0; i < record.source_count; i++)
        record.sources[i].gone = LAKE_DAY_GOING;
    assert_true(lake_day_write(rig->f->store, &place_of_tests, &record, &rig->f->err));
    lake_days_release(&days);
}

/* The killed run was asked for the service's blobs too, this one is not. */
static void what_a_killed_run_left_going_needs_to_be_asked_for_again(void **state)
{
    struct rig *rig = *state;
    size_t fates[LAKE_DAY_GONE_COUNT];
    put_blobs(rig);
    leave_going(rig);
    rig->options.delete_json = rig->options.dry_run = true;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->totals.deleted, 2);
    rig->options.dry_run = false;
    for (int i = 0; i < 2; i++) {
        rig_compact(rig, ERROR_NONE);
        assert_int_equal(rig->totals.deleted, i == 0 ? 2 : 0);
        assert_true(rig_has(rig, 0, THEIRS) && rig_has(rig, 10, THEIRS));
        assert_int_equal(blobs_there(rig), 2);
        count_fates(rig, fates);
        assert_int_equal(fates[LAKE_DAY_KEPT], 2);
        assert_int_equal(fates[LAKE_DAY_GONE], 2);
        rig_check(rig, "1 2 3 4 ");
    }
    rig->options.delete_service_blobs = true;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(blobs_there(rig), 0);
    rig_check(rig, "1 2 3 4 ");
}

static void what_grew_since_it_was_listed_stays(void **state)
{
    struct rig *rig = *state;
    put_blobs(rig);
    leave_going(rig);
    rig_put(rig, 10, THEIRS, "4d 5e");
    rig_check(rig, "1 2 3 4 5 ");
    rig->options.delete_json = rig->options.delete_service_blobs = true;
    rig_compact(rig, ERROR_NONE);
    rig_check(rig, "1 2 3 4 5 ");
    assert_int_equal(blobs_there(rig), 0);
}

/* On a disk: the folders of a partition go with its last blob, those that hold something else stay. */
static void empty_folders_go_too(void **state)
{
    struct rig *rig = *state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX), path = BUF_INIT(4096);
    rig->options.delete_json = true;
    rig_put(rig, 0, OURS, "1a");
    rig_put(rig, 5, OURS, "2b");
    rig_put(rig, 5, THEIRS, "3c");
    rig_compact(rig, ERROR_NONE);
    for (int m = 0; m <= 5; m += 5) {
        rig_name(&name, m, "x");
        assert_true(store_path(rig->f->store, buf_text(&name), &path, &rig->f->err));
        *strrchr(path.bytes, '/') = '\0';
        assert_int_equal(access(path.bytes, F_OK) == 0, m == 5);
    }
    rig->options.delete_service_blobs = true;
    rig_compact(rig, ERROR_NONE);
    *strstr(path.bytes, "/y=") = '\0';
    assert_int_equal(access(path.bytes, F_OK), 0);
    memcpy(strchr(path.bytes, '\0'), "/y=2021", sizeof "/y=2021"); /* as it was */
    assert_int_not_equal(access(path.bytes, F_OK), 0);
    rig_check(rig, "1 2 3 ");
    buf_release(&name);
    buf_release(&path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_tear_down)
        TEST(under_a_hold_nothing_is_begun),
        TEST(a_reopened_day_whose_record_is_held_fails_by_itself),
        TEST(a_hold_that_comes_meanwhile_ends_it),
        TEST(what_a_killed_run_left_going_needs_to_be_asked_for_again),
        TEST(what_grew_since_it_was_listed_stays),
        cmocka_unit_test_setup_teardown(empty_folders_go_too, rig_set_up, rig_tear_down),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
