/* A partition is one blob of its rows in one order, told by its count, bytes, sum and hash; or no blob. */
#include "lake/partition.h"

#include "base/random.h"
#include "base/tick.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BLOB PLACE_FOLDER "/y=2021/m=11/d=07/h=03/m=05/PT05M_weir.json"

static int64_t partition_tick(void)
{
    return tick_of("2021-11-07T03:05:00Z");
}

static struct lake_pool *pool_new(struct fixture *f)
{
    struct buf path = BUF_INIT(PATH_MAX);
    assert_true(store_scratch(f->store, &path, &f->err));
    struct lake_pool_options options = {.scratch = buf_text(&path)};
    struct lake_pool *pool = lake_pool_new(&options, &f->err);
    assert_non_null(pool);
    buf_release(&path);
    return pool;
}

static void add(struct lake_pile *pile, int64_t offset, int64_t item, const char *line)
{
    assert_true(lake_pile_add_line(pile, partition_tick() + offset, item, str_of(line), NULL));
}

static void check_blob(struct fixture *f, const struct lake_written *written, const char *lines)
{
    char is[HASH_SHA256_HEX], want[HASH_SHA256_HEX];
    assert_true(store_get(f->store, BLOB, &f->text, &f->err));
    assert_string_equal(buf_text(&f->text), lines);
    assert_int_equal(written->bytes, strlen(lines));
    text_hex(written->sha256, sizeof written->sha256, is);
    assert_true(hash_sha256_hex(str_of(lines), want, NULL));
    assert_string_equal(is, want);
}

static void rows_of_all_piles_are_written_in_one_order(void **state)
{
    struct fixture *f = *state;
    struct lake_pool *pool = pool_new(f);
    struct lake_pile *piles[2] = {lake_pile_new(pool, NULL), lake_pile_new(pool, NULL)};
    struct lake_written written;
    add(piles[0], 20, 5, "{\"a\":3}\n");
    add(piles[0], 10, -7, "{\"a\":2}\n");
    add(piles[1], 10, 100, "{\"a\":1}\n");
    add(piles[1], 0, 1, "{\"a\":9}\n");
    assert_true(lake_partition_write(f->store, &place_of_tests, partition_tick() + 77, 0, 0, piles,
                                     2, &written, &f->err));
    assert_int_equal(written.rows, 4);
    assert_int_equal(written.sum, 99);
    check_blob(f, &written, "{\"a\":9}\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    struct lake_pile *turned[2] = {piles[1], piles[0]};
    assert_true(lake_partition_write(f->store, &place_of_tests, partition_tick(), 0, 0, turned, 2,
                                     &written, &f->err));
    check_blob(f, &written, "{\"a\":9}\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    lake_pile_free(piles[0]);
    lake_pile_free(piles[1]);
    lake_pool_free(pool);
}

static void no_rows_leave_no_blob(void **state)
{
    struct fixture *f = *state;
    struct lake_written written = {.rows = 7};
    assert_true(store_put(f->store, BLOB, STR("{}\n"), &f->err));
    assert_true(lake_partition_write(f->store, &place_of_tests, partition_tick(), 0, 0, NULL, 0,
                                     &written, &f->err));
    assert_true(written.rows == 0 && written.bytes == 0 && written.sum == 0);
    assert_false(store_get(f->store, BLOB, &f->text, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    error_clear(&f->err);
    assert_true(lake_partition_write(f->store, &place_of_tests, partition_tick(), 0, 0, NULL, 0,
                                     &written, &f->err));
}

static void many_rows_keep_their_count_and_sum(void **state)
{
    struct fixture *f = *state;
    enum { ROWS = 20000 };
    struct lake_pool *pool = pool_new(f);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    struct lake_written written;
    struct random random;
    uint64_t sum = 0;
    random_seed(&random, 1);
    for (int i = 0; i < ROWS; i++) {
        char line[64];
        int64_t item = (int64_t) random_next(&random);
        (void) snprintf(line, sizeof line, "{\"n\":%d}\n", i);
        add(pile, (int64_t) random_below(&random, TICK_PARTITION), item, line);
        sum += (uint64_t) item;
    }
    assert_true(lake_partition_write(f->store, &place_of_tests, partition_tick(), 0, 0, &pile, 1,
                                     &written, &f->err));
    assert_int_equal(written.rows, ROWS);
    assert_true(written.sum == sum);
    lake_pile_free(pile);
    lake_pool_free(pool);
}

static void a_write_that_fails_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct lake_pool *pool = pool_new(f);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    struct lake_written written;
    add(pile, 0, 1, "{}\n");
    assert_true(
        store_put(f->store, "am-okta-cl", STR("a file"), &f->err)); /* where a folder must be */
    assert_false(lake_partition_write(f->store, &place_of_tests, partition_tick(), 0, 0, &pile, 1,
                                      &written, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    lake_pile_free(pile);
    lake_pool_free(pool);
    store_free(f->store);
    assert_int_equal(folder_files(f->folder.path), 1);
    f->store = store_open(f->folder.lake, NULL);
}

static void a_blob_whose_last_line_does_not_end_is_not_written(void **state)
{
    struct fixture *f = *state;
    struct lake_written written;
    struct lake_writer *writer = lake_writer_new(f->store, BLOB, &f->err);
    assert_true(lake_writer_add(writer, STR("{}\n{"), &f->err));
    assert_false(lake_writer_commit(writer, &written, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    assert_false(store_get(f->store, BLOB, &f->text, NULL));
    writer = lake_writer_new(f->store, BLOB, NULL);
    assert_true(lake_writer_add(writer, STR("{}\n"), NULL));
    lake_writer_abort(writer);
    assert_false(store_get(f->store, BLOB, &f->text, NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(rows_of_all_piles_are_written_in_one_order),
        T(no_rows_leave_no_blob),
        T(many_rows_keep_their_count_and_sum),
        T(a_write_that_fails_leaves_nothing),
        T(a_blob_whose_last_line_does_not_end_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
