/* Parquet as lines of the lake. */
#include "tests/partition/taken.h"

#include "base/file.h"
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

/* --- what happens while a file is read --- */

static struct between {
    const char *old, *new; /* the file `new` becomes `old` ... */
    int at;                /* ... before the query of this number, from 1 on; 0: never */
    int calls;
} between;

struct engine_result *__real_engine_query(struct engine_task *task, const char *sql,
                                          const struct columns *columns, struct error *err);
struct engine_result *__wrap_engine_query(struct engine_task *task, const char *sql,
                                          const struct columns *columns, struct error *err);

struct engine_result *__wrap_engine_query(struct engine_task *task, const char *sql,
                                          const struct columns *columns, struct error *err)
{
    if (++between.calls == between.at)
        assert_int_equal(rename(between.new, between.old), 0);
    return __real_engine_query(task, sql, columns, err);
}

/* --- inputs --- */

/* A file of the rows of a query; the path is the caller's to free. */
static char *write_parquet(const char *name, const char *select)
{
    struct error err = ERROR_INIT;
    struct buf path = BUF_INIT(4096), sql = BUF_INIT(1 << 16);
    struct engine *engine = engine_open(&(struct engine_options){0}, &err);
    struct engine_task *task = engine ? engine_task_new(engine, &err) : NULL;
    path_join(&path, taken_folder(), name);
    buf_printf(&sql, "COPY (%s) TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 2048)", select,
               buf_text(&path));
    if (!task || !engine_run(task, buf_text(&sql), &err))
        fail_msg("%s", err.message);
    engine_task_free(task);
    engine_free(engine);
    buf_release(&sql);
    return buf_take(&path);
}

static void values_of_all_types_become_json(void **state)
{
    struct taken taken;
    (void) state;
    char *path = write_parquet(
        "types.parquet",
        "SELECT TIMESTAMPTZ '2021-11-07 03:05:12.345678Z' AS TimeGenerated, true AS b, "
        "(-7)::TINYINT AS i, 9223372036854775807 AS l, 0.1::DOUBLE AS r, 'nan'::DOUBLE AS nan, "
        "1.50::DECIMAL(9,2) AS d, 'a\"b' AS s, '' AS e, NULL::INTEGER AS n, "
        "{'x': [1, NULL]} AS y, DATE '2020-02-29' AS t, "
        "'74BE27DE-1E4E-49D9-B579-FE0B331D3642'::UUID AS g");
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.form, "Parquet");
    assert_int_equal(taken.row_count, 1);
    assert_string_equal(taken.rows[0].line,
                        "{\"TimeGenerated\":\"2021-11-07T03:05:12.345678Z\",\"b\":true,\"i\":-7,"
                        "\"l\":9223372036854775807,\"r\":0.1,\"nan\":\"NaN\",\"d\":\"1.50\","
                        "\"s\":\"a\\\"b\",\"y\":{\"x\":[1,null]},\"t\":\"2020-02-29T00:00:00Z\","
                        "\"g\":\"74be27de-1e4e-49d9-b579-fe0b331d3642\"}");
    int64_t tick;
    assert_true(tick_parse(STR("2021-11-07T03:05:12.345678Z"), &tick));
    assert_int_equal(taken.rows[0].tick, tick);
    assert_int_equal(columns_find(&taken.columns, STR("l")) >= 0, 1);
    assert_int_equal(taken.columns.v[columns_find(&taken.columns, STR("l"))].type, COLUMN_LONG);
    taken_release(&taken);
    free(path);
}

static void rows_come_in_the_order_of_the_file(void **state)
{
    struct taken taken;
    (void) state;
    char *path = write_parquet("order.parquet",
                               "SELECT TIMESTAMP '2021-11-07' + INTERVAL 1 SECOND * (i * 7919 % "
                               "20000) AS \"when\", i FROM range(20000) t(i)");
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.key, "when");
    assert_true(taken.guessed);
    assert_int_equal(taken.row_count, 20000);
    for (size_t i = 0; i < taken.row_count; i++) {
        char end[32];
        (void) snprintf(end, sizeof end, ",\"i\":%zu}", i);
        assert_true(str_ends(str_of(taken.rows[i].line), str_of(end)));
    }
    assert_int_equal(taken.lines, 20000);
    assert_true(taken.bytes > 0);
    taken_release(&taken);
    free(path);
}

static void rows_without_a_time_are_rejected_by_their_numbers(void **state)
{
    struct taken taken;
    (void) state;
    char *path =
        write_parquet("rejects.parquet", "SELECT * FROM (VALUES ('2021-11-07T03:05:12Z', 1), "
                                         "(NULL, 2), ('soon', 3), ('2021-11-07', 4)) t(stamp, n)");
    taken_all(path, &(struct part_source_options){.time_column = "stamp"}, &taken);
    assert_int_equal(taken.row_count, 1);
    assert_int_equal(taken.reject_count, 3);
    /* Text columns have no null: it is empty. */
    static const enum part_reason reasons[] = {PART_REASON_NULL_TIME, PART_REASON_TIME_TEXT,
                                               PART_REASON_TIME_ZONE};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(taken.rejects[i].line, i + 2);
        assert_int_equal(taken.rejects[i].reason, reasons[i]);
    }
    assert_string_equal(taken.rejects[1].text, "{\"stamp\":\"soon\",\"n\":3}");
    taken_release(&taken);
    free(path);
}

/* That it is no column of a line is no reason to hide it. */
static void a_rejected_row_shows_its_time(void **state)
{
    struct taken taken;
    (void) state;
    char *path = write_parquet("shown.parquet",
                               "SELECT * FROM (VALUES ('2021-11-07T03:05:12Z', 1), "
                               "('soon', 2), ('2021-11-07 03:05:00', 3)) t(\"TimeGenerated\", n)");
    taken_all(path, &(struct part_source_options){0}, &taken);
    assert_int_equal(taken.reject_count, 2);
    assert_string_equal(taken.rejects[0].text, "{\"TimeGenerated\":\"soon\",\"n\":2}");
    assert_string_equal(taken.rejects[1].text,
                        "{\"TimeGenerated\":\"2021-11-07 03:05:00\",\"n\":3}");
    taken_release(&taken);
    free(path);
}

static void counts_since_1970_are_times_by_their_format(void **state)
{
    struct taken taken;
    (void) state;
    char *path = write_parquet("epoch.parquet", "SELECT 1588205199.82437::DOUBLE AS ts, 5 AS n");
    taken_all(path, &(struct part_source_options){.time_column = "ts", .time_format = "epoch-s"},
              &taken);
    assert_string_equal(taken.rows[0].line, "{\"TimeGenerated\":\"2020-04-30T00:06:39.82437Z\","
                                            "\"ts\":1588205199.82437,\"n\":5}");
    taken_release(&taken);
    free(path);
}

/* The engine wants a file on the disk: what comes through a pipe is copied first. */
static void standard_input_is_copied(void **state)
{
    struct taken plain, piped;
    (void) state;
    char *path = write_parquet(
        "piped.parquet", "SELECT TIMESTAMP '2021-11-07' AS TimeGenerated, i FROM range(3000) t(i)");
    taken_all(path, NULL, &plain);
    int saved = dup(STDIN_FILENO), fd = open(path, O_RDONLY);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    (void) close(fd);
    taken_all("-", NULL, &piped);
    assert_int_equal(piped.row_count, plain.row_count);
    assert_string_equal(piped.rows[2999].line, plain.rows[2999].line);
    assert_memory_equal(piped.hash, plain.hash, sizeof piped.hash);
    assert_int_equal(piped.bytes, plain.bytes);
    taken_release(&plain);
    taken_release(&piped);
    (void) dup2(saved, STDIN_FILENO);
    (void) close(saved);
    free(path);
}

/* The hash must be of the rows. The first query is for the sample, the second one for the rows. */
static void a_file_that_changes_while_it_is_read_is_refused(void **state)
{
    struct error err = ERROR_INIT;
    struct taken taken;
    (void) state;
    for (int at = 1; at <= 2; at++) {
        char *old =
            write_parquet("old.parquet", "SELECT TIMESTAMP '2021-11-07' AS \"when\", 1 AS n");
        char *new =
            write_parquet("new.parquet", "SELECT TIMESTAMP '2021-11-07' AS \"when\", 2 AS n");
        between = (struct between){.old = old, .new = new, .at = at};
        error_clear(&err);
        assert_false(taken_read(old, NULL, &taken, &err));
        assert_int_equal(between.calls, 2);
        assert_int_equal(err.code, ERROR_IO);
        assert_non_null(strstr(err.message, "changed"));
        between = (struct between){0};
        taken_all(old, NULL, &taken);
        assert_string_equal(taken.rows[0].line,
                            "{\"TimeGenerated\":\"2021-11-07T00:00:00Z\",\"when\":"
                            "\"2021-11-07T00:00:00Z\",\"n\":2}");
        taken_release(&taken);
        free(old);
        free(new);
    }
}

/* A blob is copied once; another one in its place is not what was read. */
static void the_hash_of_a_blob_is_that_of_its_copy(void **state)
{
    struct error err = ERROR_INIT;
    struct taken plain;
    struct part_zones zones = {0};
    struct part_source_options options = {.zones = &zones, .scratch = taken_folder()};
    struct part_piece piece;
    unsigned char hash[PART_DIGEST_SIZE];
    uint64_t bytes;
    bool end = false;
    (void) state;
    char *path = write_parquet("blob.parquet", "SELECT TIMESTAMP '2021-11-07' AS \"when\", 1 AS n");
    taken_all(path, NULL, &plain);
    struct store *store = store_open(taken_folder(), &err);
    assert_non_null(store);
    struct part_input input = {
        .kind = PART_INPUT_BLOB, .name = path, .path = strdup("blob.parquet"), .store = store};
    struct part_source *source = part_source_open(&input, &options, &err);
    assert_non_null(source);
    assert_int_equal(remove(path), 0); /* another reading would find nothing */
    part_piece_init(&piece);
    while (!end)
        assert_true(part_source_take(source, &piece, &end, &err));
    assert_true(part_source_end(source, hash, &bytes, &err));
    assert_memory_equal(hash, plain.hash, sizeof hash);
    assert_int_equal(bytes, plain.bytes);
    part_piece_release(&piece);
    part_source_free(source);
    store_free(store);
    part_zones_release(&zones);
    taken_release(&plain);
    free(input.path);
    free(path);
}

static void what_is_no_parquet_fails(void **state)
{
    struct error err = ERROR_INIT;
    struct taken taken;
    (void) state;
    char *path = taken_text("broken.parquet", "PAR1 and nothing more");
    assert_false(taken_read(path, NULL, &taken, &err));
    assert_non_null(strstr(err.message, "broken.parquet"));
    free(path);
}

static int clean(void **state)
{
    (void) state;
    taken_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_all_types_become_json),
        cmocka_unit_test(rows_come_in_the_order_of_the_file),
        cmocka_unit_test(rows_without_a_time_are_rejected_by_their_numbers),
        cmocka_unit_test(a_rejected_row_shows_its_time),
        cmocka_unit_test(counts_since_1970_are_times_by_their_format),
        cmocka_unit_test(standard_input_is_copied),
        cmocka_unit_test(a_file_that_changes_while_it_is_read_is_refused),
        cmocka_unit_test(the_hash_of_a_blob_is_that_of_its_copy),
        cmocka_unit_test(what_is_no_parquet_fails),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
