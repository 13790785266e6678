/* Rows without an id: those of a query. They are cut by the hash of all columns, and where many are equal in every
 * column, no hash tells them apart: they come once, with their number. */
#include "played.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void begin_with_query(struct played *played, uint64_t seed, size_t rows)
{
    played_begin(played, seed, rows);
    played->fake.no_items = true;
    played->options.source.query = "T | where true";
}

static void assert_exported(struct played *played)
{
    struct error err = ERROR_INIT;
    if (!played_run(played, &err))
        fail_msg("%s", err.message);
    assert_int_equal(played->report.failed_count, 0);
    assert_int_equal(played->report.proof, LAKE_PROOF_ROWS);
    assert_int_equal(played->report.rows_verified, played->fake.count);
    played_assert_whole(played);
}

static void a_partition_is_cut_by_all_columns(void **state)
{
    (void) state;
    struct played played;
    begin_with_query(&played, 31, 3000);
    played.fake.max_rows = 100;
    assert_exported(&played);
    played_end(&played);
}

static void equal_rows_come_once_with_their_number(void **state)
{
    (void) state;
    struct played played;
    begin_with_query(&played, 32, 2000);
    for (size_t i = 500; i < 1500; i++) /* a thousand rows, equal in every column */
        played.fake.rows[i] = played.fake.rows[500];
    played.fake.max_rows = 60;
    assert_exported(&played);
    assert_true(played.fake.answered < 400);
    played_end(&played);
}

/* One tick with 700 rows, all of them in groups of equal ones, under a ceiling of 50 distinct rows. */
static void groups_of_equal_rows_in_one_tick(void **state)
{
    (void) state;
    struct played played;
    begin_with_query(&played, 33, 700);
    for (size_t i = 0; i < 700; i++) {
        played.fake.rows[i].tick = played.fake.rows[0].tick;
        played.fake.rows[i].id = i % 90;
    }
    played.fake.max_rows = 50;
    assert_exported(&played);
    played_end(&played);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_is_cut_by_all_columns),
        cmocka_unit_test(equal_rows_come_once_with_their_number),
        cmocka_unit_test(groups_of_equal_rows_in_one_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
