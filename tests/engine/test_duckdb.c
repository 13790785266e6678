/* The engine as its users see it: files of every form to rows, exact in every type. */
#include "kql/duckdb_functions.h"
#include "tests/engine/bench.h"

#include <pthread.h>

static void every_type_comes_back_exactly(void **state)
{
    struct bench *bench = *state;
    files_add(
        &bench->files, "a.json",
        STR("{\"b\":true,\"i\":-2147483648,\"l\":9007199254740993,\"r\":0.1,\"d\":\"1.50\","
            "\"t\":\"2022-02-26T12:41:19.2909747Z\",\"s\":\"-1.00:00:00.0000001\","
            "\"g\":\"74BE27DE-1E4E-49D9-B579-FE0B331D3642\",\"x\":\"a\\u0000\\n\\\"'\\u00e9\","
            "\"y\":{\"k\": [1.50, null]}}\n"
            "{\"b\":null,\"i\":null,\"l\":null,\"r\":null,\"d\":null,\"t\":null,\"s\":null,"
            "\"g\":null,\"x\":null,\"y\":null}\n"
            "{}\n"
            "{\"l\":-9223372036854775808,\"r\":\"NaN\",\"x\":\"\",\"y\":\"a\"}\n"));
    view(bench, ENGINE_LINES, EVERY_TYPE, NULL);
    struct buf expected = BUF_INIT(4096);
    buf_puts(&expected, "true|-2147483648|9007199254740993|0.10000000000000001|'1.50'|"
                        "2022-02-26T12:41:19.2909747Z|-864000000001|"
                        "'74be27de-1e4e-49d9-b579-fe0b331d3642'|'a");
    buf_putc(&expected, '\0');
    buf_puts(&expected, "\n\"'\xc3\xa9'|'{\"k\":[1.50,null]}'\n"
                        "null|null|null|null|null|null|null|null|''|null\n"
                        "null|null|null|null|null|null|null|null|''|null\n"
                        "null|null|-9223372036854775808|nan|null|null|null|null|''|'\"a\"'\n");
    struct buf out = BUF_INIT(SHOWN_MAX);
    assert_true(try_query(bench->task, "SELECT * FROM T", EVERY_TYPE, &out, &bench->err));
    assert_int_equal(out.used, expected.used);
    assert_memory_equal(out.bytes, expected.bytes, out.used);
    assert_int_equal(engine_misfits(bench->task), 0);
    buf_release(&out);
    buf_release(&expected);
}

static void misfits_are_null_and_counted(void **state)
{
    struct bench *bench = *state;
    files_add(&bench->files, "a.json",
              STR("[{\"i\":\"null\",\"t\":\"soon\"},{\"i\":1.5,\"t\":\"\"},{\"i\":\"7\"}]"));
    view(bench, ENGINE_LINES, "x:string i:int t:datetime", NULL);
    check_query(bench, "SELECT i, t FROM T", "i:int t:datetime", "null|null\nnull|null\n7|null\n");
    assert_int_equal(engine_misfits(bench->task), 3);
    check_query(bench, "SELECT count(*) FROM T", "n:long", "3\n");
    assert_int_equal(engine_misfits(bench->task), 3); /* columns not asked for are not converted */
}

static void csv_comes_with_mark_zone_and_quotes(void **state)
{
    struct bench *bench = *state;
    static const char *const keys[] = {"TimeGenerated [Pacific Time (US and Canada) Tijuana]",
                                       "Port", "Message", "Extra", NULL};
    files_add(
        &bench->files, "a.csv",
        STR("\xef\xbb\xbfTimeGenerated [Pacific Time (US and Canada) Tijuana],Message,Port,Extra\n"
            "\"10/26/2021, 2:16:58.298 PM\",\"a \"\"b\"\", c\nd\",80,\"{\"\"a\"\": 1}\"\n"
            "\"12/1/2021, 12:00:00.000 AM\",,none,\n"));
    view(bench, ENGINE_CSV,
         "TimeGenerated:datetime Port:int Message:string Extra:dynamic Gone:string", keys);
    check_query(bench, "SELECT * FROM T ORDER BY 1", "t:datetime p:int m:string e:dynamic g:string",
                "2021-10-26T21:16:58.298Z|80|'a \"b\", c\nd'|'{\"a\":1}'|''\n"
                "2021-12-01T08:00:00Z|null|''|null|''\n");
    assert_int_equal(engine_misfits(bench->task), 1);
}

static void gz_is_seen_by_content(void **state)
{
    struct bench *bench = *state;
    const char *packed = files_name(&bench->files, "a.json");
    files_pack(packed, STR("{\"n\":1}\n"));
    files_pack(packed, STR("{\"n\":2}\n"));
    files_add(&bench->files, "b.json.gz", STR("{\"n\":3}\n"));
    view(bench, ENGINE_LINES, "n:long", NULL);
    check_query(bench, "SELECT sum(n)::BIGINT FROM T", "n:long", "6\n");
}

static void csv_may_be_packed_too(void **state)
{
    struct bench *bench = *state;
    files_pack(files_name(&bench->files, "a.csv"), STR("n,m\n1,x\n"));
    files_add(&bench->files, "b[1]*.csv", STR("m,n\ny,2\n"));
    view(bench, ENGINE_CSV, "n:long m:string", NULL);
    check_query(bench, "SELECT * FROM T ORDER BY n", "n:long m:string", "1|'x'\n2|'y'\n");
}

static void a_view_of_no_files_has_columns_and_no_rows(void **state)
{
    struct bench *bench = *state;
    static const enum engine_form forms[] = {ENGINE_LINES, ENGINE_CSV, ENGINE_PARQUET};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        view(bench, forms[i], EVERY_TYPE, NULL);
        check_query(bench, "SELECT * FROM T", EVERY_TYPE, "");
        check_query(bench, "SELECT count(*) FROM T", "n:long", "0\n");
    }
}

static void a_broken_line_of_csv_is_named(void **state)
{
    struct bench *bench = *state;
    files_add(&bench->files, "a.csv", STR("n,m\n1,x\n2\n"));
    view(bench, ENGINE_CSV, "n:long m:string", NULL);
    assert_int_equal(query_error(bench, "SELECT * FROM T", "n:long m:string"), ERROR_FORMAT);
    assert_non_null(strstr(bench->err.message, "/a.csv: line 3: not valid CSV"));
}

static void csv_without_rows_or_names_is_empty(void **state)
{
    struct bench *bench = *state;
    files_add(&bench->files, "a.csv", STR(""));
    view(bench, ENGINE_CSV, "n:long", NULL);
    check_query(bench, "SELECT n FROM T", "n:long", "");
    files_add(&bench->files, "b.csv", STR("n,,n\n"));
    files_add(&bench->files, "c.csv", STR("n\n7\n"));
    view(bench, ENGINE_CSV, "n:long", NULL);
    check_query(bench, "SELECT n FROM T", "n:long", "7\n");
}

static void parquet_types_become_physical(void **state)
{
    struct bench *bench = *state;
    struct buf sql = BUF_INIT(4096);
    const char *path = files_name(&bench->files, "it's [1].parquet");
    buf_printf(&sql,
               "COPY (SELECT TIMESTAMP '2022-02-26 12:41:19.290974' AS t, "
               "TIMESTAMP_NS '2022-02-26 12:41:19.290974700' AS u, 5::TINYINT AS l, "
               "9007199254740993 AS b, 'text' AS s, {'a': 1, 'b': [1, 2]} AS y, "
               "'74BE27DE-1E4E-49D9-B579-FE0B331D3642' AS g, '12' AS i) TO '%s/it''s [1].parquet'",
               bench->files.folder);
    if (!engine_run(bench->task, buf_text(&sql), &bench->err))
        fail_msg("%s", bench->err.message);
    buf_release(&sql);
    assert_int_equal(access(path, R_OK), 0);
    view(bench, ENGINE_PARQUET,
         "t:datetime u:datetime l:long b:long s:string y:dynamic g:guid i:int z:real w:string",
         NULL);
    check_query(
        bench, "SELECT * FROM T",
        "t:datetime u:datetime l:long b:long s:string y:dynamic g:guid i:int z:real w:string",
        "2022-02-26T12:41:19.290974Z|2022-02-26T12:41:19.2909747Z|5|9007199254740993|'text'|"
        "'{\"a\":1,\"b\":[1,2]}'|'74be27de-1e4e-49d9-b579-fe0b331d3642'|12|null|''\n");
}

/* What users exported by hand (tests/data/portal): rows and columns as an independent reader counted them, and the
 * first time. */
static void files_of_the_portal_are_read(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *name, *time;
        enum engine_form form;
        size_t keys;
        const char *shown;
    } files[] = {
        {"CarbonBlackEvents_CL.json", "TimeGenerated", ENGINE_LINES, 98,
         "12|12|2020-05-26T23:55:02.694Z\n"},
        {"CommonSecurityLog.infoblox.csv", "TimeGenerated [Pacific Time (US and Canada) Tijuana]",
         ENGINE_CSV, 73, "25|25|2021-10-26T21:16:58.298Z\n"},
        {"CommonSecurityLog.paloalto.json", "TimeGenerated", ENGINE_LINES, 146, "25|0|null\n"},
        {"CommonSecurityLog.sonicwall.csv", "TimeGenerated [UTC]", ENGINE_CSV, 152,
         "25|25|2020-11-20T16:20:29.443Z\n"},
        {"CommonSecurityLog.thycotic.json", "TimeGenerated", ENGINE_LINES, 152,
         "12|12|2020-09-02T12:59:29.239Z\n"},
        {"Event.semperis.json", "TimeGenerated [UTC]", ENGINE_LINES, 21,
         "25|25|2021-07-08T16:00:30.21Z\n"},
        {"Okta_CL.json", "TimeGenerated", ENGINE_LINES, 71, "12|12|2020-05-26T22:20:03.402Z\n"},
        {"SquidProxy_CL.json", "EventTime [UTC]", ENGINE_LINES, 21, "25|25|2020-04-16T16:47:53Z\n"},
        {"Syslog.juniper.json", "EventTimestamp", ENGINE_LINES, 36, "25|25|2020-11-14T06:21:00Z\n"},
        {"Syslog.meraki.json", "EventTimestamp [UTC]", ENGINE_LINES, 68,
         "25|25|2020-10-13T06:52:50Z\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct buf path = BUF_INIT(PATH_MAX);
        buf_printf(&path, "%s/tests/data/portal/%s", WEIR_SOURCE_DIR, files[i].name);
        const char *const paths[] = {buf_text(&path)}, *const keys[] = {files[i].time};
        struct columns columns = columns_of("t:datetime"), found = {0};
        struct engine_files source = {.name = "P",
                                      .form = files[i].form,
                                      .paths = paths,
                                      .count = 1,
                                      .columns = &columns,
                                      .source_keys = keys};
        assert_true(engine_peek(bench->task, &source, &found, NULL, &bench->err));
        assert_int_equal(found.n, files[i].keys);
        if (!engine_load(bench->task, &source, NULL, &bench->err))
            fail_msg("%s", bench->err.message);
        check_query(bench, "SELECT count(*), count(t), arg_min(t, _weir_row) FROM P",
                    "rows:long times:long first:datetime", files[i].shown);
        columns_release(&found);
        columns_release(&columns);
        buf_release(&path);
    }
}

/* Every zone of the portal's menu is one that the engine knows; its clock in winter and in summer. */
static void zones_of_the_menu_are_known(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *header, *shown;
    } zones[] = {
        {"T [UTC]", "2021-01-01T12:00:00Z\n2021-07-01T12:00:00Z\n"},
        {"T [Pacific Time (US and Canada)]", "2021-01-01T20:00:00Z\n2021-07-01T19:00:00Z\n"},
        {"T [(UTC-05:00) Eastern Time (US and Canada)]",
         "2021-01-01T17:00:00Z\n2021-07-01T16:00:00Z\n"},
        {"T [Chennai, Kolkata, Mumbai, New Delhi]", "2021-01-01T06:30:00Z\n2021-07-01T06:30:00Z\n"},
        {"T [W. Europe Standard Time]", "2021-01-01T11:00:00Z\n2021-07-01T10:00:00Z\n"},
        {"T [Kathmandu]", "2021-01-01T06:15:00Z\n2021-07-01T06:15:00Z\n"},
        {"T [Australia/Sydney]", "2021-01-01T01:00:00Z\n2021-07-01T02:00:00Z\n"},
    };
    struct columns columns = columns_of("t:datetime");
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        struct buf text = BUF_INIT(4096);
        const char *const keys[] = {zones[i].header};
        buf_printf(&text, "{\"%s\":\"1/1/2021, 12:00:00.000 PM\"}\n{\"%s\":\"2021-07-01 12:00\"}\n",
                   zones[i].header, zones[i].header);
        const char *const path = files_add(&bench->files, "zone.json", buf_str(&text));
        struct engine_files files = {
            .name = "Z", .paths = &path, .count = 1, .columns = &columns, .source_keys = keys};
        if (!engine_view(bench->task, &files, &bench->err))
            fail_msg("%s", bench->err.message);
        check_query(bench, "SELECT t FROM Z ORDER BY t", "t:datetime", zones[i].shown);
        buf_release(&text);
    }
    columns_release(&columns);
}

static void rows_outside_the_range_are_left_out(void **state)
{
    struct bench *bench = *state;
    struct columns columns = columns_of("n:long TimeGenerated:datetime");
    struct engine_files files = {.name = "T", .paths = bench->files.list, .columns = &columns};
    files_add(&bench->files, "a.json",
              STR("{\"n\":1,\"TimeGenerated\":\"2022-01-01T00:00:00Z\"}\n"
                  "{\"n\":2,\"TimeGenerated\":\"2022-01-01T00:00:00.0000001Z\"}\n"
                  "{\"n\":3,\"TimeGenerated\":\"2022-01-02T00:00:00Z\"}\n{\"n\":4}\n"));
    files.count = 1;
    assert_true(tick_parse(STR("2022-01-01T00:00:00.0000001Z"), &files.from));
    assert_true(tick_parse(STR("2022-01-02"), &files.to));
    assert_true(engine_view(bench->task, &files, &bench->err));
    check_query(bench, "SELECT n FROM T", "n:long", "2\n");
    columns_release(&columns);
}

static void loaded_rows_keep_their_place(void **state)
{
    struct bench *bench = *state;
    struct columns columns = columns_of("n:long");
    uint64_t rows = 0;
    files_add(&bench->files, "a.json", STR("{\"n\":5}\n{\"n\":4}\n"));
    files_add(&bench->files, "b.json", STR("{\"n\":3}\n"));
    struct engine_files files = {
        .name = "odd \"name\"", .paths = bench->files.list, .count = 2, .columns = &columns};
    for (int i = 0; i < 2; i++) { /* the second time it is replaced */
        if (!engine_load(bench->task, &files, &rows, &bench->err))
            fail_msg("%s", bench->err.message);
        assert_int_equal(rows, 3);
    }
    struct engine_task *other = engine_task_new(bench->engine, &bench->err);
    struct buf out = BUF_INIT(SHOWN_MAX);
    assert_true(try_query(other, "SELECT n FROM \"odd \"\"name\"\"\" ORDER BY _weir_row", "n:long",
                          &out, &bench->err));
    assert_string_equal(buf_text(&out), "5\n4\n3\n");
    buf_release(&out);
    engine_task_free(other);
    columns_release(&columns);
}

static void a_failed_load_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    struct columns columns = columns_of("n:long");
    files_add(&bench->files, "a.json", STR("{\"n\":5}\n{\"n\":\n"));
    struct engine_files files = {
        .name = "L", .paths = bench->files.list, .count = 1, .columns = &columns};
    assert_false(engine_load(bench->task, &files, NULL, &bench->err));
    assert_int_equal(bench->err.code, ERROR_FORMAT);
    assert_non_null(strstr(bench->err.message, "/a.json: line 2: "));
    assert_int_equal(query_error(bench, "SELECT n FROM L", "n:long"), ERROR_INTERNAL);
    columns_release(&columns);
}

static void a_broken_line_and_a_missing_file_are_named(void **state)
{
    struct bench *bench = *state;
    files_add(&bench->files, "a.json", STR("{\"n\":1}\n\n{\"n\":1,]}\n"));
    view(bench, ENGINE_LINES, "n:long", NULL);
    assert_int_equal(query_error(bench, "SELECT n FROM T", "n:long"), ERROR_FORMAT);
    assert_non_null(strstr(bench->err.message, "/a.json: line 3: "));
    files_name(&bench->files, "gone.json");
    files_add(&bench->files, "a.json", STR("{}"));
    view(bench, ENGINE_LINES, "n:long", NULL);
    assert_int_equal(query_error(bench, "SELECT n FROM T", "n:long"), ERROR_NOT_FOUND);
    assert_non_null(strstr(bench->err.message, "gone.json"));
}

static void hostile_names_stay_names(void **state)
{
    struct bench *bench = *state;
    static const char *const keys[] = {"a\"; DROP TABLE x; --", "b'\n'"};
    struct columns columns = {0};
    assert_true(columns_add(&columns, STR("c\"; SELECT 1; --"), COLUMN_STRING, NULL));
    assert_true(columns_add(&columns, STR("d'\n'"), COLUMN_LONG, NULL));
    files_add(&bench->files, "it's; --.json",
              STR("{\"a\\\"; DROP TABLE x; --\":\"'; x\",\"b'\\n'\":7}\n"));
    struct engine_files files = {.name = "v\" \n'",
                                 .paths = bench->files.list,
                                 .count = 1,
                                 .columns = &columns,
                                 .source_keys = keys};
    if (!engine_view(bench->task, &files, &bench->err))
        fail_msg("%s", bench->err.message);
    check_query(bench, "SELECT \"c\"\"; SELECT 1; --\", \"d'\n'\" FROM \"v\"\" \n'\"",
                "c:string d:long", "''; x'|7\n");
    columns_release(&columns);
}

static void keys_are_found_in_order(void **state)
{
    struct bench *bench = *state;
    struct columns found = {0};
    files_add(&bench->files, "a.json",
              STR("{\"b\":1,\"a\\u0041\":2}\n{\"b\":1,\"c\":{\"d\":1}}\n"));
    files_add(&bench->files, "b.json", STR("[{\"e [UTC]\":1}]"));
    struct engine_files files = {.paths = bench->files.list, .count = 2};
    assert_true(engine_peek(bench->task, &files, &found, NULL, &bench->err));
    static const char *const names[] = {"b", "aA", "c", "e [UTC]"};
    assert_int_equal(found.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(found.v[i].name, names[i]);
    files_add(&bench->files, "c.csv", STR("\xef\xbb\xbf\"x, y\",z [UTC]\n1,2\n"));
    files.form = ENGINE_CSV;
    files.paths = bench->files.list + 2;
    files.count = 1;
    assert_true(engine_peek(bench->task, &files, &found, NULL, &bench->err));
    assert_int_equal(found.n, 2);
    assert_string_equal(found.v[0].name, "x, y");
    assert_string_equal(found.v[1].name, "z [UTC]");
    columns_release(&found);
}

static void a_zone_that_is_not_known_is_an_error(void **state)
{
    struct bench *bench = *state;
    static const char *const keys[] = {"TimeGenerated [Mars]"};
    struct columns columns = columns_of("TimeGenerated:datetime");
    files_add(&bench->files, "a.json", STR("{}"));
    struct engine_files files = {.name = "T",
                                 .paths = bench->files.list,
                                 .count = 1,
                                 .columns = &columns,
                                 .source_keys = keys};
    assert_false(engine_view(bench->task, &files, &bench->err));
    assert_int_equal(bench->err.code, ERROR_FORMAT);
    assert_non_null(strstr(bench->err.message, "Mars"));
    columns_release(&columns);
}

/* Each listed function is there under its name, with its argument and result types. */
static void every_listed_function_is_registered(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *name, *arguments;
        char result;
    } functions[] = {
#define X(name, arguments, result) {#name, arguments, result},
        KQL_DUCKDB_FUNCTIONS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        struct buf sql = BUF_INIT(4096);
        buf_printf(&sql, "SELECT weir_%s(", functions[i].name);
        for (const char *c = functions[i].arguments; *c; c++)
            buf_printf(&sql, "%sNULL::%s", c == functions[i].arguments ? "" : ", ",
                       *c == 'b'   ? "BOOLEAN"
                       : *c == 'i' ? "INTEGER"
                       : *c == 'l' ? "BIGINT"
                       : *c == 'r' ? "DOUBLE"
                       : *c == 'h' ? "HUGEINT"
                                   : "VARCHAR");
        buf_puts(&sql, ")");
        check_query(bench, buf_text(&sql),
                    functions[i].result == 'b'   ? "x:bool"
                    : functions[i].result == 'i' ? "x:int"
                    : functions[i].result == 'l' ? "x:long"
                    : functions[i].result == 'r' ? "x:real"
                                                 : "x:string",
                    "null\n");
        buf_release(&sql);
    }
}

static void functions_run_over_columns_with_nulls(void **state)
{
    struct bench *bench = *state;
    check_query(bench,
                "SELECT weir_has(s, 'cmd.exe'), weir_substring(s, 0, 20) FROM (VALUES "
                "('run cmd.exe now, and more than twelve bytes'), (NULL), ('no')) AS v(s)",
                "b:bool s:string", "true|'run cmd.exe now, and'\nnull|null\nfalse|'no'\n");
    check_query(bench, "SELECT sum(weir_add(i, 1))::BIGINT FROM range(100000) AS r(i)", "n:long",
                "5000050000\n");
}

static void columns_must_be_of_the_promised_type(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(query_error(bench, "SELECT 1", "x:long"), ERROR_INTERNAL);
    assert_non_null(strstr(bench->err.message, "BIGINT"));
    assert_int_equal(query_error(bench, "SELECT 1, 2", "x:int"), ERROR_INTERNAL);
    assert_int_equal(query_error(bench, "SELEC", "x:int"), ERROR_INTERNAL);
}

static void an_error_in_a_late_row_ends_the_result(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(
        query_error(bench,
                    "SELECT CAST(CASE WHEN i = 900000 THEN 'x' ELSE '1' END AS BIGINT) "
                    "FROM range(1000000) AS r(i)",
                    "x:long"),
        ERROR_FORMAT);
    check_query(bench, "SELECT 1::BIGINT", "x:long", "1\n");
}

/* What stands behind a sort keeps its order, though rows come from several threads. */
static void an_order_is_kept_through_later_stages(void **state)
{
    struct bench *bench = *state;
    struct columns columns = columns_of("x:long");
    const struct engine_chunk *chunk = NULL;
    struct engine_result *result = engine_query(
        bench->task,
        "SELECT x + 1 FROM (SELECT x FROM (SELECT i AS x FROM range(1000000) AS r(i) "
        "ORDER BY weir_mod(weir_mul(i, 7919), 1000003) DESC)) WHERE weir_mod(x, 3) <> 0",
        &columns, &bench->err);
    int64_t rows = 0, before = INT64_MAX;
    assert_non_null(result);
    while (engine_next(result, &chunk, &bench->err) && chunk) {
        const int64_t *values = chunk->vectors[0].values;
        for (size_t i = 0; i < chunk->rows; i++) {
            int64_t key = (values[i] - 1) * 7919 % 1000003;
            assert_true(key <= before);
            before = key;
        }
        rows += (int64_t) chunk->rows;
    }
    assert_int_equal(rows, 666666);
    engine_result_free(result);
    columns_release(&columns);
}

static void one_result_at_a_time(void **state)
{
    struct bench *bench = *state;
    struct columns columns = columns_of("x:long");
    struct engine_result *result =
        engine_query(bench->task, "SELECT i FROM range(1000000) AS r(i)", &columns, &bench->err);
    assert_non_null(result);
    assert_null(engine_query(bench->task, "SELECT 1::BIGINT", &columns, &bench->err));
    assert_int_equal(bench->err.code, ERROR_INTERNAL);
    engine_result_free(result); /* not read to its end */
    check_query(bench, "SELECT 1::BIGINT", "x:long", "1\n");
    columns_release(&columns);
}

static const char endless[] = "SELECT sum(a.i * b.i)::BIGINT FROM range(10000000000) AS a(i), "
                              "range(10000000000) AS b(i)";

static void *cancel(void *context)
{
    engine_task_cancel(context);
    return NULL;
}

static void a_cancelled_task_stays_cancelled(void **state)
{
    struct bench *bench = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel, bench->task), 0);
    assert_int_equal(query_error(bench, endless, "x:long"), ERROR_INTERRUPTED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(query_error(bench, "SELECT 1::BIGINT", "x:long"), ERROR_INTERRUPTED);
    struct engine_task *other = engine_task_new(bench->engine, &bench->err);
    struct buf out = BUF_INIT(SHOWN_MAX);
    assert_true(try_query(other, "SELECT 1::BIGINT", "x:long", &out, &bench->err));
    buf_release(&out);
    engine_task_free(other);
}

/* The first chunk is there, so the query runs: it is cancelled while more are made. */
static void a_stream_is_cancelled_between_chunks(void **state)
{
    struct bench *bench = *state;
    struct columns columns = columns_of("x:long");
    const struct engine_chunk *chunk;
    struct engine_result *result = engine_query(
        bench->task, "SELECT i FROM range(100000000000) AS r(i)", &columns, &bench->err);
    assert_non_null(result);
    assert_true(engine_next(result, &chunk, &bench->err));
    assert_non_null(chunk);
    engine_task_cancel(bench->task);
    assert_false(engine_next(result, &chunk, &bench->err));
    assert_int_equal(bench->err.code, ERROR_INTERRUPTED);
    assert_null(chunk);
    engine_result_free(result);
    columns_release(&columns);
}

struct worker {
    struct engine *engine;
    struct bench *bench;
    int number;
    bool right;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct error err = ERROR_INIT;
    struct engine_task *task = engine_task_new(worker->engine, &err);
    struct columns columns = columns_of("n:long");
    const char *path = worker->bench->files.list[worker->number];
    struct engine_files files = {.name = "T", .paths = &path, .count = 1, .columns = &columns};
    struct buf out = BUF_INIT(SHOWN_MAX);
    char expected[32];
    snprintf(expected, sizeof expected, "%d\n", worker->number + 1);
    worker->right = task != NULL;
    for (int i = 0; i < 50 && worker->right; i++)
        worker->right = engine_view(task, &files, &err) &&
                        try_query(task, "SELECT n FROM T", "n:long", &out, &err) &&
                        strcmp(buf_text(&out), expected) == 0;
    buf_release(&out);
    columns_release(&columns);
    engine_task_free(task);
    return NULL;
}

static void tasks_do_not_see_each_others_views(void **state)
{
    struct bench *bench = *state;
    struct worker workers[2];
    pthread_t threads[2];
    files_add(&bench->files, "a.json", STR("{\"n\":1}"));
    files_add(&bench->files, "b.json", STR("{\"n\":2}"));
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){bench->engine, bench, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(workers[i].right);
    }
}

static void nothing_but_files_is_reached(void **state)
{
    struct bench *bench = *state;
    assert_false(engine_run(bench->task, "INSTALL httpfs", &bench->err));
    bench->err = (struct error) ERROR_INIT;
    assert_false(engine_run(bench->task, "LOAD httpfs", &bench->err));
    bench->err = (struct error) ERROR_INIT;
    assert_false(engine_run(bench->task, "SET enable_external_access = true", &bench->err));
    assert_int_not_equal(
        query_error(bench, "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')", "x:string"),
        ERROR_NONE);
}

static void a_query_beyond_its_memory_fails_alone(void **state)
{
    struct bench *bench = *state;
    struct error err = ERROR_INIT;
    const struct engine_options options = {.memory = 64 << 20, .threads = 2};
    struct engine *engine = engine_open(&options, &err);
    struct engine_task *task = engine_task_new(engine, &err);
    struct buf out = BUF_INIT(SHOWN_MAX);
    (void) bench;
    assert_false(try_query(task,
                           "SELECT count(*) FROM (SELECT DISTINCT i, i + 1, i + 2 "
                           "FROM range(30000000) AS r(i))",
                           "n:long", &out, &err));
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_true(try_query(task, "SELECT 1::BIGINT", "n:long", &out, &err));
    buf_release(&out);
    engine_task_free(task);
    engine_free(engine);
}

static void an_engine_that_is_not_there_is_told(void **state)
{
    struct error err = ERROR_INIT;
    const struct engine_options options = {.driver = "sparkle"};
    (void) state;
    assert_null(engine_open(&options, &err));
    assert_int_equal(err.code, ERROR_USAGE);
}

static void an_engine_opens_beside_other_work(void **state)
{
    struct error err = ERROR_INIT;
    const struct engine_options options = {.threads = 1};
    (void) state;
    struct engine_opening *opening = engine_opening_new(&options, &err);
    assert_non_null(opening);
    struct engine *engine = engine_opened(opening, &err);
    struct engine_task *task = engine_task_new(engine, &err);
    struct buf out = BUF_INIT(SHOWN_MAX);
    assert_true(try_query(task, "SELECT 6 * 7", "n:int", &out, &err));
    buf_release(&out);
    engine_task_free(task);
    engine_free(engine);
    engine_opening_drop(engine_opening_new(NULL, &err));
    assert_int_equal(err.code, ERROR_NONE);
}

static void what_kept_it_from_opening_is_told_when_it_is_needed(void **state)
{
    struct error err = ERROR_INIT;
    const struct engine_options options = {.driver = "sparkle"};
    (void) state;
    struct engine_opening *opening = engine_opening_new(&options, &err);
    assert_int_equal(err.code, ERROR_NONE);
    assert_null(engine_opened(opening, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    engine_opening_drop(engine_opening_new(&options, NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_type_comes_back_exactly),
        TEST(misfits_are_null_and_counted),
        TEST(csv_comes_with_mark_zone_and_quotes),
        TEST(gz_is_seen_by_content),
        TEST(csv_may_be_packed_too),
        TEST(a_view_of_no_files_has_columns_and_no_rows),
        TEST(a_broken_line_of_csv_is_named),
        TEST(csv_without_rows_or_names_is_empty),
        TEST(parquet_types_become_physical),
        TEST(files_of_the_portal_are_read),
        TEST(zones_of_the_menu_are_known),
        TEST(rows_outside_the_range_are_left_out),
        TEST(loaded_rows_keep_their_place),
        TEST(a_failed_load_leaves_nothing),
        TEST(a_broken_line_and_a_missing_file_are_named),
        TEST(hostile_names_stay_names),
        TEST(keys_are_found_in_order),
        TEST(a_zone_that_is_not_known_is_an_error),
        TEST(every_listed_function_is_registered),
        TEST(functions_run_over_columns_with_nulls),
        TEST(columns_must_be_of_the_promised_type),
        TEST(an_error_in_a_late_row_ends_the_result),
        TEST(an_order_is_kept_through_later_stages),
        TEST(one_result_at_a_time),
        TEST(a_cancelled_task_stays_cancelled),
        TEST(a_stream_is_cancelled_between_chunks),
        TEST(tasks_do_not_see_each_others_views),
        TEST(nothing_but_files_is_reached),
        TEST(a_query_beyond_its_memory_fails_alone),
        cmocka_unit_test(an_engine_that_is_not_there_is_told),
        cmocka_unit_test(an_engine_opens_beside_other_work),
        cmocka_unit_test(what_kept_it_from_opening_is_told_when_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
