/* Loading with the engine itself: Parquet, which nothing else here can write. The other forms:
 * tests/clients/test_data.py. */

#include "emulator/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096 };

static char folder[] = "/tmp/weir-test-load.XXXXXX";

static int make_folder(void **state)
{
    (void) state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void) state;
    struct buf command = BUF_INIT(TEXT_MAX);
    buf_printf(&command, "rm -rf '%s'", folder);
    int status = system(buf_text(&command));
    buf_release(&command);
    return status;
}

static void write_parquet(struct engine_task *task)
{
    struct error err = ERROR_INIT;
    struct buf sql = BUF_INIT(TEXT_MAX);
    buf_printf(&sql,
               "COPY (SELECT TIMESTAMP '2024-01-01' + INTERVAL (i) SECOND AS \"TimeGenerated\", "
               "'x' || i AS "
               "\"Name_s\", i::DOUBLE AS \"N_d\", i %% 2 = 0 AS \"B_b\" FROM range(1000) t(i)) "
               "TO '%s/Par_CL.parquet' (FORMAT parquet)",
               folder);
    if (!engine_run(task, buf_text(&sql), &err))
        fail_msg("%s", err.message);
    buf_release(&sql);
}

static void check_rows(struct engine_task *task)
{
    static const enum column_type types[] = {COLUMN_LONG, COLUMN_LONG, COLUMN_REAL, COLUMN_LONG};
    static const char *const names[] = {"rows", "latest", "sum", "ids"};
    struct columns columns = {0};
    for (size_t i = 0; i < 4; i++)
        assert_true(columns_add(&columns, str_of(names[i]), types[i], NULL));
    struct engine_result *result =
        engine_query(task,
                     "SELECT count(*) FILTER (\"B_b\"), max(\"TimeGenerated\"), sum(\"N_d\"), "
                     "count(DISTINCT \"_ItemId\") FROM \"Par_CL\"",
                     &columns, NULL);
    const struct engine_chunk *chunk = NULL;
    assert_non_null(result);
    assert_true(engine_next(result, &chunk, NULL));
    assert_int_equal(((const int64_t *) chunk->vectors[0].values)[0], 500);
    /* 2024-01-01T00:16:39Z */
    assert_int_equal(((const int64_t *) chunk->vectors[1].values)[0], INT64_C(638396649990000000));
    assert_true(((const double *) chunk->vectors[2].values)[0] == 499500.0);
    assert_int_equal(((const int64_t *) chunk->vectors[3].values)[0], 1000);
    engine_result_free(result);
    columns_release(&columns);
}

static void parquet_becomes_a_table(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct engine *engine = engine_open(NULL, &err);
    struct watch *watch = watch_new(&err);
    struct tables tables = {0};
    struct buf notes = BUF_INIT(TEXT_MAX);
    assert_non_null(engine);
    struct engine_task *task = engine_task_new(engine, &err);
    write_parquet(task);
    struct data_options options = {.folder = folder, .workspace = "w"};
    if (!data_load(&options, engine, watch, &tables, &notes, &err))
        fail_msg("%s", err.message);
    assert_int_equal(tables.n, 1);
    assert_int_equal(tables.v[0].rows, 1000);
    assert_true(tables.v[0].timed);
    check_rows(task);
    buf_release(&notes);
    tables_release(&tables);
    watch_free(watch);
    engine_task_free(task);
    engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parquet_becomes_a_table),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
