/* Files of Parquet that others wrote: their own types, and the exact values of each. */
#include "tests/engine/bench.h"

/* A file of the rows of a query, by DuckDB's own writer. */
static const char *write_file(struct bench *bench, const char *name, const char *select)
{
    const char *path = files_name(&bench->files, name);
    struct buf sql = BUF_INIT(1 << 16);
    buf_printf(&sql, "COPY (%s) TO '%s' (FORMAT parquet, ROW_GROUP_SIZE 2048)", select, path);
    if (!engine_run(bench->task, buf_text(&sql), &bench->err))
        fail_msg("%s", bench->err.message);
    buf_release(&sql);
    return path;
}

static struct columns peek(struct bench *bench)
{
    struct columns found = {0};
    const struct engine_files files = {
        .form = ENGINE_PARQUET, .paths = bench->files.list, .count = bench->files.n};
    if (!engine_peek(bench->task, &files, &found, NULL, &bench->err))
        fail_msg("%s", bench->err.message);
    return found;
}

/* A view T over the files with the types that they have of themselves. */
static void view_peeked(struct bench *bench, const char *zone)
{
    struct columns found = peek(bench);
    const struct engine_files files = {.name = "T",
                                       .form = ENGINE_PARQUET,
                                       .paths = bench->files.list,
                                       .count = bench->files.n,
                                       .columns = &found,
                                       .time_zone = zone};
    if (!engine_view(bench->task, &files, &bench->err))
        fail_msg("%s", bench->err.message);
    columns_release(&found);
}

/* One value as SQL writes it, the type that it has to weir, and how it is shown. */
struct foreign_case {
    const char *sql, *type, *shown;
};

static const struct foreign_case foreign_cases[] = {
    {"true", "bool", "true"},
    {"(-128)::TINYINT", "int", "-128"},
    {"65535::USMALLINT", "int", "65535"},
    {"4294967295::UINTEGER", "long", "4294967295"},
    {"(-9223372036854775807)::BIGINT", "long", "-9223372036854775807"},
    {"18446744073709551615::UBIGINT", "decimal", "'18446744073709551615'"},
    {"12345678901234567890123456.10::DECIMAL(38,2)", "decimal", "'12345678901234567890123456.10'"},
    {"0.5::FLOAT", "real", "0.5"},
    {"'nan'::DOUBLE", "real", "nan"},
    {"TIMESTAMP '2021-11-07 03:05:00.123456'", "datetime", "2021-11-07T03:05:00.123456Z"},
    {"TIMESTAMPTZ '2021-11-07 03:05:00+02'", "datetime", "2021-11-07T01:05:00Z"},
    {"TIMESTAMP_NS '2021-11-07 03:05:00.123456789'", "datetime", "2021-11-07T03:05:00.1234567Z"},
    {"make_timestamp_ns(-1)", "datetime", "1969-12-31T23:59:59.9999999Z"},
    {"TIMESTAMP_MS '1600-01-01 00:00:00.001'", "datetime", "1600-01-01T00:00:00.001Z"},
    {"TIMESTAMP '10000-01-01 00:00:00'", "datetime", "null"},
    {"DATE '0001-01-01'", "datetime", "0001-01-01T00:00:00Z"},
    {"TIME '23:59:59.000001'", "timespan", "863990000010"},
    {"'74BE27DE-1E4E-49D9-B579-FE0B331D3642'::UUID", "guid",
     "'74be27de-1e4e-49d9-b579-fe0b331d3642'"},
    {"'it''s'", "string", "'it's'"},
    {"'\\x00\\xFF'::BLOB", "string", "'AP8='"},
    {"'{\"a\": 1.50}'::JSON", "dynamic", "'{\"a\":1.50}'"},
    {"{'a': [1, NULL], 'b': MAP {'k': 'v'}}", "dynamic", "'{\"a\":[1,null],\"b\":{\"k\":\"v\"}}'"},
    {"['x', 'y']", "dynamic", "'[\"x\",\"y\"]'"},
    {"NULL::VARCHAR", "string", "''"},
    {"NULL::TIMESTAMP", "datetime", "null"},
};

static void a_file_tells_its_own_types_and_values(void **state)
{
    struct bench *bench = *state;
    struct buf sql = BUF_INIT(1 << 16), types = BUF_INIT(4096), shown = BUF_INIT(4096);
    size_t n = sizeof foreign_cases / sizeof *foreign_cases;
    for (size_t i = 0; i < n; i++) {
        buf_printf(&sql, "%s %s AS c%zu", i ? "," : "SELECT", foreign_cases[i].sql, i);
        buf_printf(&types, "%sc%zu:%s", i ? " " : "", i, foreign_cases[i].type);
        buf_printf(&shown, "%s%s", i ? "|" : "", foreign_cases[i].shown);
    }
    buf_putc(&shown, '\n');
    (void) write_file(bench, "types.parquet", buf_text(&sql));
    struct columns found = peek(bench);
    assert_int_equal(found.n, n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(column_type_name(found.v[i].type), foreign_cases[i].type) != 0)
            fail_msg("%s is %s", foreign_cases[i].sql, column_type_name(found.v[i].type));
    view_peeked(bench, NULL);
    check_query(bench, "SELECT * FROM T", buf_text(&types), buf_text(&shown));
    assert_int_equal(engine_misfits(bench->task), 1); /* the year 10000 */
    columns_release(&found);
    buf_release(&sql);
    buf_release(&types);
    buf_release(&shown);
}

static void a_time_of_the_wall_clock_has_the_zone_it_is_given(void **state)
{
    struct bench *bench = *state;
    (void) write_file(bench, "zone.parquet",
                      "SELECT TIMESTAMP '2021-07-01 02:00:00' AS w, "
                      "TIMESTAMP_NS '2021-01-01 01:00:00.000000001' AS n, "
                      "TIMESTAMPTZ '2021-07-01 02:00:00+00' AS u");
    view_peeked(bench, "Europe/Berlin");
    check_query(bench, "SELECT * FROM T", "w:datetime n:datetime u:datetime",
                "2021-07-01T00:00:00Z|2021-01-01T00:00:00Z|2021-07-01T02:00:00Z\n");
}

static void values_find_their_way_to_other_types(void **state)
{
    struct bench *bench = *state;
    (void) write_file(bench, "other.parquet",
                      "SELECT 7::UBIGINT AS l, '5' AS i, 1 AS b, 2.50::DECIMAL(5,2) AS r, "
                      "'2021-11-07T03:05:00Z' AS t, 300::BIGINT AS x, 'no' AS m, "
                      "TIMESTAMPTZ '2021-11-07 03:05:00+00' AS s");
    view(bench, ENGINE_PARQUET,
         "l:long i:int b:bool r:real t:datetime x:string m:long s:string absent:string", NULL);
    check_query(bench, "SELECT * FROM T",
                "l:long i:int b:bool r:real t:datetime x:string m:long s:string absent:string",
                "7|5|true|2.5|2021-11-07T03:05:00Z|'300'|null|'2021-11-07 03:05:00+00'|''\n");
    assert_int_equal(engine_misfits(bench->task), 1);
}

/* Two threads and many row groups: only an ordered engine keeps them apart. */
static void an_ordered_engine_gives_rows_in_the_order_of_the_files(void **state)
{
    struct bench *bench = *state;
    const struct engine_options options = {.threads = 2, .ordered = true};
    (void) write_file(bench, "1.parquet", "SELECT i AS n FROM range(100000) AS r(i)");
    (void) write_file(bench, "2.parquet", "SELECT i AS n FROM range(100000, 300000) AS r(i)");
    engine_task_free(bench->task);
    engine_free(bench->engine);
    bench->engine = engine_open(&options, &bench->err);
    bench->task = engine_task_new(bench->engine, &bench->err);
    assert_non_null(bench->task);
    view_peeked(bench, NULL);
    struct columns columns = columns_of("n:long");
    const struct engine_chunk *chunk = NULL;
    int64_t next = 0;
    struct engine_result *result =
        engine_query(bench->task, "SELECT n FROM T", &columns, &bench->err);
    assert_non_null(result);
    while (engine_next(result, &chunk, &bench->err) && chunk)
        for (size_t row = 0; row < chunk->rows; row++)
            assert_int_equal(((const int64_t *) chunk->vectors[0].values)[row], next++);
    assert_int_equal(next, 300000);
    engine_result_free(result);
    columns_release(&columns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_file_tells_its_own_types_and_values),
        TEST(a_time_of_the_wall_clock_has_the_zone_it_is_given),
        TEST(values_find_their_way_to_other_types),
        TEST(an_ordered_engine_gives_rows_in_the_order_of_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
