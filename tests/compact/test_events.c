/* Whatever happens to a day's blobs, in whatever order: each row is there, and once. */
#include "rig.h"

#include "base/random.h"

enum { ROWS = 64, STEPS = 9, PARTS = 2 };

#define HOUR "PT1H.json"
#define MORE "PT05M_1.json"
#define ID_A "0123456789ab"

/* --- one by one -------------------------------------------------------------------------------------------- */

static void delete_ours(struct rig *rig)
{
    rig->options.delete_json = true;
    rig->options.delete_service_blobs = false;
    rig_compact(rig, ERROR_NONE);
    rig->options.delete_json = false;
}

/* Asked before it is compacted again, and after. */
static void check_both(struct rig *rig, const char *expected, uint64_t doubled)
{
    rig_check(rig, expected);
    assert_int_equal(rig->doubled, doubled);
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].doubled, doubled);
    rig_check(rig, expected);
    assert_int_equal(rig->coverage.compacted, 1);
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_CURRENT);
}

static void late_rows_beside_a_blob_that_was_deleted(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a 2b");
    rig_vouch(rig, 0, 2, 0);
    rig_put(rig, 0, THEIRS, "2b 3c 4");
    delete_ours(rig);
    assert_false(rig_has(rig, 0, OURS));
    rig_check(rig, "1 2 3 4 ");
    rig_put(rig, 0, THEIRS, "2b 3c 4 5e 1a");
    check_both(rig, "1 2 3 4 5 ", 2);
}

static void a_late_blob_repeats_rows_of_both(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, OURS, "1a 2b");
    rig_vouch(rig, 0, 2, 0);
    rig_put(rig, 0, THEIRS, "3c");
    rig_put(rig, 5, THEIRS, "3c"); /* of another partition: no double */
    delete_ours(rig);
    rig_put(rig, 0, MORE, "1a 3c 4d 4d");
    check_both(rig, "1 2 3 3 4 ", 3);
}

static void a_blob_of_an_hour_meets_all_its_partitions(void **state)
{
    struct rig *rig = *state;
    for (int m = 0; m < 10; m += 5) {
        rig_put(rig, m, OURS, m == 0 ? "1a" : "2b");
        rig_vouch(rig, m, 1, 0);
    }
    rig_put(rig, 60, OURS, "9a");
    rig_vouch(rig, 60, 1, 0);
    delete_ours(rig);
    rig_put(rig, 0, HOUR, "1a 2b 3c");
    check_both(rig, "1 2 3 9 ", 2);
}

static void the_services_deleted_rows_come_again(void **state)
{
    struct rig *rig = *state;
    rig_put(rig, 0, THEIRS, "1a 2b");
    rig->options.delete_service_blobs = rig->options.delete_json = true;
    rig_compact(rig, ERROR_NONE);
    rig->options.delete_service_blobs = rig->options.delete_json = false;
    rig_put(rig, 0, THEIRS, "2b");
    check_both(rig, "1 2 ", 1);
}

static void rows_of_an_import_are_no_doubles(void **state)
{
    struct rig *rig = *state;
    rig_import(rig, ID_A, 0, "1a");
    rig_put(rig, 0, OURS, "7g");
    delete_ours(rig);
    rig_put(rig, 0, THEIRS, "1a 7g");
    check_both(rig, "1 1 7 ", 1);
}

/* --- in any order ------------------------------------------------------------------------------------------ */

/* What the service has: row i is of partition `part[i]`; `lake`: a blob has had it; `sent`: the service's own has. */
struct world {
    struct rig *rig;
    size_t n;
    int part[ROWS];
    bool lake[ROWS];
    struct buf sent[PARTS]; /* what stands in the service's blobs now */
    size_t last[PARTS];     /* the row that it sent last, if any */
    bool any[PARTS];
};

static void put_word(struct buf *out, size_t row)
{
    buf_printf(out, "%s%zui%zu", out->used ? " " : "", row, row);
}

static void service_writes(struct world *world, int part)
{
    struct buf *sent = &world->sent[part];
    if (!rig_has(world->rig, 5 * part, THEIRS))
        buf_reset(sent); /* it begins anew, with what it has not sent, or sends again */
    if (world->any[part])
        put_word(sent, world->last[part]);
    for (int i = 0; i < 2; i++) {
        size_t row = world->n++;
        world->part[row] = part;
        world->lake[row] = true;
        put_word(sent, row);
        world->last[part] = row;
        world->any[part] = true;
    }
    rig_put(world->rig, 5 * part, THEIRS, buf_text(sent));
}

static void weir_exports(struct world *world, int part)
{
    struct buf rows = BUF_INIT(RIG_TEXT_MAX);
    uint64_t n = 0;
    world->part[world->n++] = part; /* one that the service has not sent */
    for (size_t i = 0; i < world->n; i++) {
        if (world->part[i] != part)
            continue;
        world->lake[i] = true;
        put_word(&rows, i);
        n++;
    }
    rig_put(world->rig, 5 * part, OURS, buf_text(&rows));
    rig_vouch(world->rig, 5 * part, n, 0);
    buf_release(&rows);
}

static void compact(struct world *world, bool ours, bool theirs)
{
    world->rig->options.delete_json = ours;
    world->rig->options.delete_service_blobs = theirs;
    rig_compact(world->rig, ERROR_NONE);
}

static void somebody_takes(struct world *world, int part)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct lake_days days;
    if (rig_record(world->rig, &days, 0)) { /* else its rows are gone for good */
        compact(world, false, false);
        rig_name(&name, 5 * part, OURS);
        assert_true(store_delete(world->rig->f->store, buf_text(&name), &world->rig->f->err));
    }
    lake_days_release(&days);
    buf_release(&name);
}

static void happen(struct world *world, uint64_t event)
{
    int part = (int) (event / 16 % PARTS);
    switch (event % 8) {
    case 0:
    case 1:
    case 2:
        service_writes(world, part);
        return;
    case 3:
        weir_exports(world, part);
        return;
    case 4:
        compact(world, false, false);
        return;
    case 5:
    case 6:
        compact(world, true, event % 8 == 6);
        return;
    default:
        somebody_takes(world, part);
    }
}

static void check_world(struct world *world)
{
    struct buf expected = BUF_INIT(RIG_TEXT_MAX);
    for (size_t i = 0; i < world->n; i++)
        if (world->lake[i])
            buf_printf(&expected, "%zu ", i);
    rig_check(world->rig, buf_text(&expected));
    buf_release(&expected);
}

static void each_row_is_there_once_in_any_order(void **state)
{
    struct world world = {.rig = *state};
    struct random random;
    uint64_t seed;
    assert_true(random_secret(&seed, sizeof seed, NULL));
    print_message("seed %llu\n", (unsigned long long) seed);
    random_seed(&random, seed);
    for (int i = 0; i < PARTS; i++)
        buf_init(&world.sent[i], RIG_TEXT_MAX);
    for (int i = 0; i < STEPS; i++) {
        happen(&world, random_next(&random));
        check_world(&world);
    }
    for (int i = 0; i < PARTS; i++)
        buf_release(&world.sent[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(late_rows_beside_a_blob_that_was_deleted),
        TEST(a_late_blob_repeats_rows_of_both),
        TEST(a_blob_of_an_hour_meets_all_its_partitions),
        TEST(the_services_deleted_rows_come_again),
        TEST(rows_of_an_import_are_no_doubles),
        TEST(each_row_is_there_once_in_any_order),
        TEST(each_row_is_there_once_in_any_order),
        TEST(each_row_is_there_once_in_any_order),
        TEST(each_row_is_there_once_in_any_order),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
