/* Results as files of Parquet: exact in every type, whole or not there. */
#include "tests/engine/bench.h"

#include <dirent.h>
#include <pthread.h>

static const char *file_of(struct bench *bench)
{
    return files_name(&bench->files, "it's [1] \"odd\".parquet");
}

static void copy_as(struct bench *bench, const char *sql, const struct columns *columns,
                    const char *path)
{
    if (!engine_copy_parquet(bench->task, sql, columns, path, &bench->err))
        fail_msg("%s: %s", sql, bench->err.message);
}

static void copy(struct bench *bench, const char *sql, const char *types, const char *path)
{
    struct columns columns = columns_of(types);
    copy_as(bench, sql, &columns, path);
    columns_release(&columns);
}

/* The error of a copy, after which the folder must be empty. */
static enum error_code copy_error(struct bench *bench, const char *sql, const char *types)
{
    struct columns columns = columns_of(types);
    bench->err = (struct error) ERROR_INIT;
    assert_false(engine_copy_parquet(bench->task, sql, &columns, file_of(bench), &bench->err));
    columns_release(&columns);
    size_t entries = 0;
    DIR *folder = opendir(bench->files.folder);
    assert_non_null(folder);
    while (readdir(folder))
        entries++;
    assert_int_equal(closedir(folder), 0);
    assert_int_equal(entries, 2); /* . and .. */
    return bench->err.code;
}

static void every_value_comes_back_exactly(void **state)
{
    struct bench *bench = *state;
    const char *lines =
        files_add(&bench->files, "a.json",
                  STR("{\"l\":1,\"b\":true,\"i\":-2147483648,\"r\":0.1,\"d\":\"1.50\","
                      "\"t\":\"2022-02-26T12:41:19.2909747Z\",\"s\":\"-1.00:00:00.0000001\","
                      "\"g\":\"74BE27DE-1E4E-49D9-B579-FE0B331D3642\",\"x\":\"\\n\\\"'\\u00e9\","
                      "\"y\":{\"k\":[1.50,null]}}\n"
                      "{\"l\":9007199254740993,\"b\":false,\"i\":2147483647,\"r\":\"NaN\","
                      "\"t\":\"1677-09-21T00:12:43.1452242Z\",\"y\":\"a\"}\n"
                      "{\"l\":9223372036854775807,\"t\":\"2262-04-11T23:47:16.8547758Z\"}\n"
                      "{\"t\":\"1969-12-31T23:59:59.9999999Z\"}\n"));
    const char *expected =
        "1|true|-2147483648|0.10000000000000001|'1.50'|2022-02-26T12:41:19.2909747Z|"
        "-864000000001|'74be27de-1e4e-49d9-b579-fe0b331d3642'|'\n\"'\xc3\xa9'|"
        "'{\"k\":[1.50,null]}'\n"
        "9007199254740993|false|2147483647|nan|null|1677-09-21T00:12:43.1452242Z|null|null|''|"
        "'\"a\"'\n"
        "9223372036854775807|null|null|null|null|2262-04-11T23:47:16.8547758Z|null|null|''|null\n"
        "null|null|null|null|null|1969-12-31T23:59:59.9999999Z|null|null|''|null\n";
    static const char types[] =
        "l:long b:bool i:int r:real d:decimal t:datetime s:timespan g:guid x:string y:dynamic";
    struct columns columns = columns_of(types);
    const char *path = file_of(bench);
    struct engine_files files = {
        .name = "T", .paths = &lines, .count = 1, .columns = &columns, .form = ENGINE_LINES};
    assert_true(engine_view(bench->task, &files, &bench->err));
    copy_as(bench, "SELECT * FROM T", &columns, path);
    files.form = ENGINE_PARQUET;
    files.paths = &path;
    assert_true(engine_view(bench->task, &files, &bench->err));
    check_query(bench, "SELECT * FROM T ORDER BY l NULLS LAST", types, expected);
    assert_int_equal(engine_misfits(bench->task), 0);
    columns_release(&columns);
}

/* What other readers find in the file, by the reader's own account of it. */
static void types_are_those_that_readers_expect(void **state)
{
    struct bench *bench = *state;
    const char *path = files_name(&bench->files, "types.parquet");
    struct buf sql = BUF_INIT(4096);
    copy(bench,
         "SELECT true, 1::INTEGER, 1::BIGINT, 1::DOUBLE, 'a', 621355968000000000::BIGINT, "
         "1::BIGINT, 'a', 'a', '1'",
         EVERY_TYPE, path);
    buf_printf(&sql,
               "SELECT name, type, coalesce(nullif(regexp_extract(logical_type, "
               "'isAdjustedToUTC=.*NANOS=Nano'), ''), converted_type, '') "
               "FROM parquet_schema('%s') WHERE type IS NOT NULL",
               path);
    check_query(bench, buf_text(&sql), "name:string type:string logical:string",
                "'b'|'BOOLEAN'|''\n'i'|'INT32'|'INT_32'\n'l'|'INT64'|'INT_64'\n"
                "'r'|'DOUBLE'|''\n'd'|'BYTE_ARRAY'|'UTF8'\n"
                "'t'|'INT64'|'isAdjustedToUTC=0, unit=TimeUnit(MILLIS=<null>, MICROS=<null>, "
                "NANOS=Nano'\n"
                "'s'|'INT64'|'INT_64'\n'g'|'BYTE_ARRAY'|'UTF8'\n'x'|'BYTE_ARRAY'|'UTF8'\n"
                "'y'|'BYTE_ARRAY'|'UTF8'\n");
    buf_reset(&sql);
    buf_printf(&sql, "SELECT DISTINCT compression FROM parquet_metadata('%s')", path);
    check_query(bench, buf_text(&sql), "x:string", "'ZSTD'\n");
    buf_release(&sql);
}

static void odd_names_stay_names(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {"a\"b",   "it's; DROP", "c0", "\xc3\xa9 \xe2\x82\xac",
                                        "x) -- ", "Count_"};
    struct columns columns = {0}, found = {0};
    const char *path = file_of(bench);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(columns_add(&columns, str_of(names[i]), COLUMN_LONG, NULL));
    copy_as(bench, "SELECT 1::BIGINT, 2::BIGINT, 3::BIGINT, 4::BIGINT, 5::BIGINT, 6::BIGINT -- (",
            &columns, path);
    struct engine_files files = {
        .name = "T", .form = ENGINE_PARQUET, .paths = &path, .count = 1, .columns = &columns};
    assert_true(engine_peek(bench->task, &files, &found, NULL, &bench->err));
    assert_int_equal(found.n, columns.n);
    for (size_t i = 0; i < found.n; i++)
        assert_string_equal(found.v[i].name, names[i]);
    assert_true(engine_view(bench->task, &files, &bench->err));
    check_query(bench, "SELECT * FROM T", "a:long b:long c:long d:long e:long f:long",
                "1|2|3|4|5|6\n");
    columns_release(&columns);
    columns_release(&found);
}

static void a_result_without_rows_has_its_columns(void **state)
{
    struct bench *bench = *state;
    const char *path = file_of(bench);
    struct columns found = {0}, cut = {0}, columns = columns_of("n:long t:datetime");
    struct engine_files files = {
        .name = "T", .form = ENGINE_PARQUET, .paths = &path, .count = 1, .columns = &columns};
    copy_as(bench, "SELECT 1::BIGINT, 2::BIGINT WHERE false", &columns, path);
    assert_true(engine_peek(bench->task, &files, &found, &cut, &bench->err));
    assert_int_equal(found.n, 2);
    assert_int_equal(cut.n, 0); /* our own nanoseconds are read whole */
    columns_release(&columns);
    columns_release(&cut);
    columns_release(&found);
}

static void the_order_of_the_query_is_kept(void **state)
{
    struct bench *bench = *state;
    const char *path = file_of(bench);
    struct columns columns = columns_of("n:long");
    struct engine_files files = {
        .name = "T", .form = ENGINE_PARQUET, .paths = &path, .count = 1, .columns = &columns};
    copy_as(bench, "SELECT i FROM range(500000) AS r(i) ORDER BY i * 7919 % 500009 DESC", &columns,
            path);
    /* A load numbers rows by their place in the file. */
    assert_true(engine_load(bench->task, &files, NULL, &bench->err));
    check_query(bench,
                "SELECT count(*), count(*) FILTER (k > before) FROM (SELECT n * 7919 % 500009 AS "
                "k, lag(n * 7919 % 500009) OVER (ORDER BY _weir_row) AS before FROM T)",
                "rows:long wrong:long", "500000|0\n");
    columns_release(&columns);
}

static void a_time_beyond_nanoseconds_is_told_by_its_column(void **state)
{
    struct bench *bench = *state;
    static const char *const ticks[] = {"0", "529122247631452241", "713589688368547759",
                                        "3155378975999999999", "-9223372036854775808"};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        struct buf sql = BUF_INIT(256);
        buf_printf(&sql,
                   "SELECT i, (CASE i WHEN 4000 THEN %s ELSE %lld END)::BIGINT "
                   "FROM range(5000) AS r(i)",
                   ticks[i], (long long) TICK_UNIX_EPOCH);
        assert_int_equal(copy_error(bench, buf_text(&sql), "n:long it's:datetime"), ERROR_LIMIT);
        assert_non_null(strstr(bench->err.message, "column 'it's'"));
        assert_non_null(strstr(bench->err.message, "jsonl"));
        buf_release(&sql);
    }
}

static void names_that_differ_in_case_alone_are_refused(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(copy_error(bench, "SELECT 1::BIGINT, 2::BIGINT", "a:long A:long"),
                     ERROR_FORMAT);
    assert_non_null(strstr(bench->err.message, "'a' and 'A'"));
}

static void sql_cannot_leave_its_brackets(void **state)
{
    struct bench *bench = *state;
    static const char *const hostile[] = {
        "SELECT 1::BIGINT) AS q(c0)) TO '/dev/null' --",
        "SELECT 1::BIGINT; SELECT 2::BIGINT",
        "SELECT 1::BIGINT /*",
        "SELECT 1::BIGINT; --",
        "SELECT 'text'",
        "SELECT 1::BIGINT, 2::BIGINT",
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        assert_int_not_equal(copy_error(bench, hostile[i], "n:long"), ERROR_NONE);
}

static void *cancel(void *task)
{
    engine_task_cancel(task);
    return NULL;
}

static void a_failed_or_cancelled_copy_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    pthread_t thread;
    assert_int_not_equal(
        copy_error(bench,
                   "SELECT CAST(i AS BIGINT) // (CASE WHEN i < 400000 THEN 1 ELSE error('x') END)"
                   " FROM range(500000) AS r(i)",
                   "n:long"),
        ERROR_NONE);
    assert_int_equal(pthread_create(&thread, NULL, cancel, bench->task), 0);
    /* Would run for hours: it ends because it is cancelled, before or after it began. */
    enum error_code code = copy_error(
        bench, "SELECT i FROM range(1000000000000) AS r(i) WHERE weir_mod(i, 1000000007) = 1",
        "n:long");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(code, ERROR_INTERRUPTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_value_comes_back_exactly),
        TEST(types_are_those_that_readers_expect),
        TEST(odd_names_stay_names),
        TEST(a_result_without_rows_has_its_columns),
        TEST(the_order_of_the_query_is_kept),
        TEST(a_time_beyond_nanoseconds_is_told_by_its_column),
        TEST(names_that_differ_in_case_alone_are_refused),
        TEST(sql_cannot_leave_its_brackets),
        TEST(a_failed_or_cancelled_copy_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
