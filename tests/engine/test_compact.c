/* Compaction: what stands in the file, and that a view over it gives what the lines gave. */
#include "tests/engine/bench.h"

enum { FILES_COMPACTED = 4 };

/* A table that is compacted in steps. */
struct stand {
    struct bench *bench;
    struct columns columns;
    int64_t from, to; /* of what is compacted */
    struct engine_compact_result results[FILES_COMPACTED];
    struct engine_compacted files[FILES_COMPACTED];
    size_t n;
};

static struct stand stand_of(struct bench *bench, const char *types)
{
    struct stand stand = {.bench = bench, .columns = columns_of(types)};
    return stand;
}

static void stand_end(struct stand *stand)
{
    columns_release(&stand->columns);
    for (size_t i = 0; i < stand->n; i++)
        engine_compact_result_release(&stand->results[i]);
}

/* Compacts lines, and files that were compacted before; the new file is the last of the stand. */
static struct engine_compact_result *compact(struct stand *stand, const char *const *lines,
                                             size_t count, const struct engine_compacted *before,
                                             size_t before_count)
{
    static const uint32_t sources[] = {7, 8, 9, 10};
    static const char *const names[] = {"1.parquet", "2.parquet", "3.parquet", "4.parquet"};
    struct bench *bench = stand->bench;
    struct engine_compact_result *out = &stand->results[stand->n];
    const char *path = files_name(&bench->files, names[stand->n]);
    const struct engine_files files = {.form = ENGINE_LINES,
                                       .paths = lines,
                                       .count = count,
                                       .columns = &stand->columns,
                                       .from = stand->from,
                                       .to = stand->to,
                                       .compacted = before,
                                       .compacted_count = before_count};
    if (!engine_compact(bench->task, &files, sources, path, out, &bench->err))
        fail_msg("%s", bench->err.message);
    stand->files[stand->n++] =
        (struct engine_compacted){.path = path,
                                  .columns = &out->columns,
                                  .traits = out->traits,
                                  .rest = out->rest,
                                  .spanned = out->rows > 0 && out->timeless == 0,
                                  .first = out->first,
                                  .last = out->last};
    return out;
}

/* A view T over compacted files, beside lines. */
static void view_compacted(struct stand *stand, const struct engine_compacted *compacted,
                           size_t compacted_count, const char *const *lines, size_t count,
                           int64_t from, int64_t to)
{
    struct bench *bench = stand->bench;
    const struct engine_files files = {.name = "T",
                                       .form = ENGINE_LINES,
                                       .paths = lines,
                                       .count = count,
                                       .columns = &stand->columns,
                                       .from = from,
                                       .to = to,
                                       .compacted = compacted,
                                       .compacted_count = compacted_count};
    if (!engine_view(bench->task, &files, &bench->err))
        fail_msg("%s", bench->err.message);
}

static unsigned trait_of(const struct engine_compact_result *result, const char *name)
{
    int i = columns_find(&result->columns, str_of(name));
    assert_true(i >= 0);
    return result->traits[i];
}

/* Names and types of a file's columns, by DuckDB's own account. */
static void check_file(struct bench *bench, const char *path, const char *expected)
{
    struct buf sql = BUF_INIT(4096);
    buf_printf(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '%s')", path);
    check_query(bench, buf_text(&sql), "name:string type:string", expected);
    buf_release(&sql);
}

static void check_rests(struct bench *bench, const char *path, const char *expected)
{
    struct buf sql = BUF_INIT(4096);
    buf_printf(&sql,
               "SELECT \"_weir_rest\" FROM read_parquet('%s', file_row_number = true) ORDER BY "
               "file_row_number",
               path);
    check_query(bench, buf_text(&sql), "rest:dynamic", expected);
    buf_release(&sql);
}

#define ALL_TYPES                                                                                  \
    "TimeGenerated:datetime b:bool i:int l:long r:real d:decimal t:datetime s:timespan g:guid "    \
    "x:string y:dynamic"

/* Every type, nulls, misfits, values that a column gives back changed, unknown keys, and a key twice. */
static const char every_case[] =
    "{\"TimeGenerated\":\"2021-11-07T03:05:00.1234567Z\",\"b\":true,\"i\":-2147483648,"
    "\"l\":9223372036854775807,\"r\":0.1,\"d\":\"1.50\",\"t\":\"0001-01-01T00:00:00Z\","
    "\"s\":\"-1.00:00:00.0000001\",\"g\":\"74BE27DE-1E4E-49D9-B579-FE0B331D3642\","
    "\"x\":\"\\n\\\"'\\u00e9\",\"y\":{\"k\":[1.50,null]}}\n"
    "{\"TimeGenerated\":\"2021-11-07T03:05:01Z\",\"b\":\"yes\",\"i\":\"443\",\"l\":1.5,\"r\":"
    "\"NaN\","
    "\"d\":2.50,\"t\":1,\"s\":7,\"g\":\"no\",\"x\":443,\"y\":\"[1, 2]\"}\n"
    "{\"TimeGenerated\":\"2021-11-07T03:05:02Z\",\"b\":null,\"i\":\"\",\"x\":\"\",\"unknown\":{"
    "\"a\" : 1},"
    "\"none\":null,\"empty\":\"\"}\n"
    "{\"x\":{\"a\": \"b c\"},\"unknown\":1,\"x\":\"last\",\"unknown\":2,"
    "\"TimeGenerated\":\"2021-11-07T03:05:03.123456789Z\",\"l\":9007199254740993.0,"
    "\"r\":9007199254740993,\"g\":\"{74be27de1e4e49d9b579fe0b331d3642}\",\"x\\u0020y\":true}\n"
    "{\"TimeGenerated\":\"garbage\",\"t\":\"11/20/2020, 4:20 "
    "PM\",\"x\":\"\\ud800\",\"y\":\"text\"}\n"
    "{\"i\":1e2,\"l\":5.0,\"r\":1e400,\"b\":1,\"s\":\"x\",\"d\":\"x\",\"y\":3}\n";

static const char all_values[] = "SELECT * FROM T ORDER BY TimeGenerated NULLS LAST, x DESC";

static void a_view_gives_what_the_lines_gave(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, ALL_TYPES);
    struct buf lines = BUF_INIT(SHOWN_MAX), restored = BUF_INIT(SHOWN_MAX);
    const char *path = files_add(&bench->files, "a.json", str_of(every_case));
    view_compacted(&stand, NULL, 0, &path, 1, 0, 0);
    assert_true(try_query(bench->task, all_values, ALL_TYPES, &lines, &bench->err));
    uint64_t misfits = engine_misfits(bench->task);
    struct engine_compact_result *result = compact(&stand, &path, 1, NULL, 0);
    assert_int_equal(result->rows, 6);
    assert_int_equal(result->timeless, 2);
    assert_true(result->rest);
    uint64_t before = engine_misfits(bench->task);
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    if (!try_query(bench->task, all_values, ALL_TYPES, &restored, &bench->err))
        fail_msg("%s", bench->err.message);
    assert_string_equal(buf_text(&restored), buf_text(&lines));
    assert_int_equal(engine_misfits(bench->task) - before, misfits);
    check_rests(
        bench, stand.files[0].path,
        "null\n"
        "'{\"b\":\"yes\",\"i\":\"443\",\"l\":1.5,\"t\":1,\"s\":7,\"g\":\"no\",\"x\":443}'\n"
        "'{\"unknown\":{\"a\":1}}'\n"
        "'{\"TimeGenerated\":\"2021-11-07T03:05:03.123456789Z\",\"l\":9007199254740993.0,"
        "\"r\":9007199254740993,\"g\":\"{74be27de1e4e49d9b579fe0b331d3642}\","
        "\"unknown\":2,\"x\\u0020y\":true}'\n"
        "'{\"TimeGenerated\":\"garbage\",\"t\":\"11/20/2020, 4:20 PM\",\"x\":\"\\ud800\"}'\n"
        "'{\"b\":1,\"r\":1e400,\"d\":\"x\",\"s\":\"x\"}'\n");
    buf_release(&lines);
    buf_release(&restored);
    stand_end(&stand);
}

static void columns_are_those_that_readers_expect(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, ALL_TYPES);
    const char *path = files_add(&bench->files, "a.json",
                                 STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"t\":\"2021-11-"
                                     "07T03:05:00.0000001Z\"}\n"));
    struct engine_compact_result *result = compact(&stand, &path, 1, NULL, 0);
    check_file(bench, stand.files[0].path,
               "'TimeGenerated'|'TIMESTAMP WITH TIME ZONE'\n'b'|'BOOLEAN'\n'i'|'INTEGER'\n"
               "'l'|'BIGINT'\n'r'|'DOUBLE'\n'd'|'VARCHAR'\n't'|'TIMESTAMP WITH TIME ZONE'\n"
               "'t__ticks'|'TINYINT'\n's'|'BIGINT'\n'g'|'VARCHAR'\n'x'|'VARCHAR'\n"
               "'y'|'VARCHAR'\n'_weir_source'|'INTEGER'\n");
    assert_false(result->rest);
    assert_int_equal(trait_of(result, "t"), ENGINE_TICKS);
    assert_int_equal(trait_of(result, "TimeGenerated"), 0);
    assert_int_equal(trait_of(result, "x"), 0);
    stand_end(&stand);
}

/* Names that a file of Parquet cannot tell apart, or that are its own. */
static void a_name_without_a_place_keeps_its_values(void **state)
{
    struct bench *bench = *state;
    static const char types[] = "timegenerated:string TimeGenerated:datetime a:long A:string "
                                "t__TICKS:int t:datetime _weir_rest:string _Weir_Source:long";
    struct stand stand = stand_of(bench, types);
    const char *path =
        files_add(&bench->files, "a.json",
                  STR("{\"timegenerated\":\"x\",\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"a\":1,"
                      "\"A\":\"B\","
                      "\"t__TICKS\":3,\"t\":\"2021-11-07T03:05:00.0000001Z\",\"_weir_rest\":\"{}\","
                      "\"_Weir_Source\":12}\n"));
    struct engine_compact_result *result = compact(&stand, &path, 1, NULL, 0);
    assert_int_equal(result->columns.n, 3);
    check_rests(bench, stand.files[0].path,
                "'{\"timegenerated\":\"x\",\"A\":\"B\",\"t__TICKS\":3,\"_weir_rest\":\"{}\","
                "\"_Weir_Source\":12}'\n");
    columns_release(&stand.columns);
    stand.columns = columns_of("TimeGenerated:datetime A:string t__TICKS:int _weir_rest:string "
                               "_Weir_Source:long");
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT * FROM T", "t:datetime a:string k:int r:string s:long",
                "2021-11-07T03:05:00Z|'B'|3|'{}'|12\n");
    stand_end(&stand);
}

static void rows_stand_in_order_of_time_then_of_the_lines(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime n:long");
    struct buf text = BUF_INIT(1 << 24), sql = BUF_INIT(4096);
    const char *paths[2];
    for (int file = 0; file < 2; file++) {
        buf_reset(&text);
        for (int i = 0; i < 100000; i++)
            buf_printf(&text, "{\"TimeGenerated\":\"2021-11-07T%02d:00:00Z\",\"n\":%d}\n",
                       (i * 7 + file) % 24, file * 100000 + i);
        paths[file] = files_add(&bench->files, file ? "b.json" : "a.json", buf_str(&text));
    }
    struct engine_compact_result *result = compact(&stand, paths, 2, NULL, 0);
    assert_int_equal(result->rows, 200000);
    buf_printf(&sql,
               "SELECT count(*) FILTER (t < before OR (t = before AND n < n_before)), "
               "count(*) FILTER (s <> 7 + n // 100000) FROM (SELECT n, \"_weir_source\" AS s, "
               "\"TimeGenerated\" AS t, lag(\"TimeGenerated\") OVER w AS before, lag(n) OVER w AS "
               "n_before FROM read_parquet('%s', file_row_number = true) WINDOW w AS (ORDER BY "
               "file_row_number))",
               stand.files[0].path);
    check_query(bench, buf_text(&sql), "wrong:long strange:long", "0|0\n");
    buf_release(&text);
    buf_release(&sql);
    stand_end(&stand);
}

static void a_range_is_exact_to_the_tick(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime n:long");
    const char *path =
        files_add(&bench->files, "a.json",
                  STR("{\"TimeGenerated\":\"2021-11-07T03:05:00.0000009Z\",\"n\":1}\n"
                      "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000010Z\",\"n\":2}\n"
                      "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000011Z\",\"n\":3}\n"
                      "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000020Z\",\"n\":4}\n"
                      "{\"n\":5}\n"));
    int64_t zero;
    assert_true(tick_parse(STR("2021-11-07T03:05:00Z"), &zero));
    (void) compact(&stand, &path, 1, NULL, 0);
    view_compacted(&stand, stand.files, 1, NULL, 0, zero + 10, zero + 20);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "2\n3\n");
    view_compacted(&stand, stand.files, 1, NULL, 0, zero + 9, zero + 11);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "1\n2\n");
    view_compacted(&stand, stand.files, 1, NULL, 0, zero, INT64_MAX);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "1\n2\n3\n4\n");
    stand_end(&stand);
}

/* A file whose rows are all within the range is asked for none of their times: its edges are the range's. */
static void a_range_that_ends_where_a_file_does_is_exact(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime n:long");
    const char *first =
                   files_add(&bench->files, "a.json",
                             STR("{\"TimeGenerated\":\"2021-11-07T03:05:00.0000001Z\",\"n\":1}\n"
                                 "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000005Z\",\"n\":2}\n")),
               *second =
                   files_add(&bench->files, "b.json",
                             STR("{\"TimeGenerated\":\"2021-11-07T03:05:00.0000003Z\",\"n\":3}\n"
                                 "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000008Z\",\"n\":4}\n"));
    int64_t zero;
    assert_true(tick_parse(STR("2021-11-07T03:05:00Z"), &zero));
    (void) compact(&stand, &first, 1, NULL, 0);
    (void) compact(&stand, &second, 1, NULL, 0);
    view_compacted(&stand, stand.files, 2, NULL, 0, zero + 1, zero + 9);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "1\n2\n3\n4\n");
    view_compacted(&stand, stand.files, 2, NULL, 0, zero + 1, zero + 8);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "1\n2\n3\n");
    view_compacted(&stand, stand.files, 2, NULL, 0, zero + 2, zero + 9);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "2\n3\n4\n");
    view_compacted(&stand, stand.files, 2, NULL, 0, zero + 2, zero + 5);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "3\n");
    stand_end(&stand);
}

/* The schema of today: a type that changed, a column that was an unknown key then, one that no file knows. */
static void a_column_of_today_is_read_from_a_file_of_then(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime i:int r:real x:string t:datetime");
    const char *path = files_add(
        &bench->files, "a.json",
        STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"i\":7,\"r\":0.5,\"x\":\"12\",\"late\":5,"
            "\"t\":\"2021-11-07T03:05:00.0000001Z\"}\n"
            "{\"TimeGenerated\":\"2021-11-07T03:05:01Z\",\"i\":99999999999,\"x\":13,\"late\":\"x\"}"
            "\n"));
    (void) compact(&stand, &path, 1, NULL, 0);
    columns_release(&stand.columns);
    stand.columns = columns_of("TimeGenerated:datetime i:long r:string x:int t:string late:long "
                               "never:string");
    static const char types[] = "t:datetime i:long r:string x:int t:string late:long n:string";
    static const char expected[] =
        "2021-11-07T03:05:00Z|7|'0.5'|12|'2021-11-07T03:05:00.0000001Z'|5|''\n"
        "2021-11-07T03:05:01Z|99999999999|''|13|''|null|''\n";
    view_compacted(&stand, NULL, 0, &path, 1, 0, 0);
    check_query(bench, "SELECT * FROM T ORDER BY 1", types, expected);
    uint64_t before = engine_misfits(bench->task);
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT * FROM T ORDER BY 1", types, expected);
    assert_int_equal(engine_misfits(bench->task) - before, 1); /* late: "x" */
    stand_end(&stand);
}

static void superseded_rows_are_left_out_and_lines_stand_beside(void **state)
{
    struct bench *bench = *state;
    static const uint32_t left_out[] = {7, 9};
    struct stand stand = stand_of(bench, "TimeGenerated:datetime x:string");
    const char *paths[3];
    paths[0] = files_add(&bench->files, "a.json",
                         STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"x\":\"a\"}\n"));
    paths[1] = files_add(&bench->files, "b.json",
                         STR("{\"TimeGenerated\":\"2021-11-07T03:06:00Z\",\"x\":\"b\"}\n"));
    paths[2] = files_add(&bench->files, "c.json",
                         STR("{\"TimeGenerated\":\"2021-11-07T03:07:00Z\",\"x\":\"c\"}\n"));
    (void) compact(&stand, paths, 3, NULL, 0);
    struct engine_compacted some[2] = {stand.files[0], stand.files[0]};
    some[0].left_out = left_out;
    some[0].left_out_count = 2;
    view_compacted(&stand, some, 1, paths, 1, 0, 0);
    check_query(bench, "SELECT x FROM T ORDER BY x", "x:string", "'a'\n'b'\n");
    view_compacted(&stand, some, 2, NULL, 0, 0, 0);
    check_query(bench, "SELECT x FROM T WHERE x >= 'b' ORDER BY x", "x:string", "'b'\n'b'\n'c'\n");
    stand_end(&stand);
}

/* A day that is compacted again: old files, of an older schema, and new lines. */
static void a_file_is_merged_with_new_lines(void **state)
{
    struct bench *bench = *state;
    static const uint32_t left_out[] = {8}, renumber[] = {0, 0, 0, 0, 0, 0, 0, 70, 80};
    struct stand stand = stand_of(bench, "TimeGenerated:datetime i:int x:string r:real");
    const char *old[2], *late;
    old[0] = files_add(&bench->files, "a.json",
                       STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"i\":1,\"x\":\"2\","
                           "\"late\":5,\"r\":0.5}\n"
                           "{\"TimeGenerated\":\"2021-11-07T03:05:01Z\",\"i\":\"y\",\"x\":443,"
                           "\"late\":\"z\",\"more\":1,"
                           "\"r\":\"Infinity\"}\n"));
    old[1] = files_add(&bench->files, "b.json",
                       STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"i\":99}\n"));
    late = files_add(&bench->files, "c.json",
                     STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\",\"i\":2,\"late\":6}\n"));
    (void) compact(&stand, old, 2, NULL, 0);
    columns_release(&stand.columns);
    stand.columns = columns_of("TimeGenerated:datetime i:long x:int r:string late:long");
    struct engine_compacted before = stand.files[0];
    before.left_out = left_out;
    before.left_out_count = 1;
    before.renumber = renumber;
    before.renumber_count = 9;
    struct engine_compact_result *result = compact(&stand, &late, 1, &before, 1);
    assert_int_equal(result->rows, 3);
    view_compacted(&stand, &stand.files[1], 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT TimeGenerated, i, x, r, late FROM T ORDER BY 1, 2",
                "t:datetime i:long x:int r:string late:long",
                "2021-11-07T03:05:00Z|1|2|'0.5'|5\n"
                "2021-11-07T03:05:00Z|2|null|''|6\n"
                "2021-11-07T03:05:01Z|null|443|'Infinity'|null\n");
    check_rests(bench, stand.files[1].path,
                "'{\"x\":\"2\",\"r\":0.5}'\n"
                "null\n"
                "'{\"i\":\"y\",\"late\":\"z\",\"more\":1}'\n");
    struct buf sql = BUF_INIT(4096);
    buf_printf(&sql, "SELECT CAST(\"_weir_source\" AS BIGINT) FROM '%s' ORDER BY TimeGenerated, i",
               stand.files[1].path);
    check_query(bench, buf_text(&sql), "s:long", "70\n7\n70\n");
    buf_release(&sql);
    stand_end(&stand);
}

/* A day in two files by time; each row in one of them. */
static void a_range_of_the_rows_can_be_compacted(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime n:long");
    const char *path =
        files_add(&bench->files, "a.json",
                  STR("{\"TimeGenerated\":\"2021-11-07T03:05:00.0000009Z\",\"n\":1}\n"
                      "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000010Z\",\"n\":2}\n"
                      "{\"TimeGenerated\":\"2021-11-07T03:05:00.0000013Z\",\"n\":3}\n"
                      "{\"n\":4}\n"));
    int64_t middle;
    assert_true(tick_parse(STR("2021-11-07T03:05:00.0000010Z"), &middle));
    stand.from = INT64_MIN;
    stand.to = middle;
    assert_int_equal(compact(&stand, &path, 1, NULL, 0)->rows, 1);
    stand.from = middle;
    stand.to = INT64_MAX;
    assert_int_equal(compact(&stand, &path, 1, NULL, 0)->rows, 3);
    stand.from = middle + 1; /* the same from the file */
    assert_int_equal(compact(&stand, NULL, 0, &stand.files[1], 1)->rows, 2);
    view_compacted(&stand, stand.files, 2, NULL, 0, 0, 0);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "1\n2\n3\n4\n");
    view_compacted(&stand, &stand.files[2], 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT n FROM T ORDER BY n", "n:long", "3\n4\n");
    stand_end(&stand);
}

/* Zeroes in place of the first quarter of a file of two groups of rows: who reads the first group fails. */
static void spoil_first_group(const char *path)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long quarter = ftell(file) / 4;
    assert_int_equal(fseek(file, 4, SEEK_SET), 0);
    for (long i = 4; i < quarter; i++)
        assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fclose(file), 0);
}

static void groups_of_rows_that_a_filter_excludes_are_not_read(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime x:string n:long");
    struct buf text = BUF_INIT(1 << 26);
    int64_t late;
    for (int i = 0; i < 250000; i++)
        buf_printf(
            &text,
            "{\"TimeGenerated\":\"2021-11-07T%02d:%02d:%02d.5000001Z\",\"x\":\"x%07d\",\"n\":%d}\n",
            i / 10800, i / 180 % 60, i / 3 % 60, i, i);
    const char *path = files_add(&bench->files, "a.json", buf_str(&text));
    buf_release(&text);
    assert_true(tick_parse(STR("2021-11-07T23:00:00Z"), &late));
    (void) compact(&stand, &path, 1, NULL, 0);
    spoil_first_group(stand.files[0].path);
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    assert_int_not_equal(
        query_error(bench, "SELECT max(TimeGenerated) FROM T WHERE x > ''", "t:datetime"),
        ERROR_NONE);
    view_compacted(&stand, stand.files, 1, NULL, 0, late, late + TICK_HOUR);
    check_query(bench, "SELECT count(*) FROM T WHERE x > ''", "n:long", "1600\n");
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT n FROM T WHERE x = 'x0249999'", "n:long", "249999\n");
    check_query(bench, "SELECT x FROM T WHERE n > 249998", "x:string", "'x0249999'\n");
    stand_end(&stand);
}

static void another_key_of_the_time_is_compacted_too(void **state)
{
    struct bench *bench = *state;
    static const uint32_t sources[] = {0};
    static const struct engine_time_key keys[] = {{.key = "ts", .format = ENGINE_TIME_EPOCH_S}};
    struct columns columns = columns_of("TimeGenerated:datetime uid:string");
    const char *lines =
        files_add(&bench->files, "a.json", STR("{\"ts\":1588205199.82437,\"uid\":\"a\"}\n"));
    const char *path = files_name(&bench->files, "a.parquet");
    struct engine_compact_result result;
    const struct engine_files files = {.form = ENGINE_LINES,
                                       .paths = &lines,
                                       .count = 1,
                                       .columns = &columns,
                                       .time_keys = keys,
                                       .time_key_count = 1};
    assert_true(engine_compact(bench->task, &files, sources, path, &result, &bench->err));
    assert_int_equal(result.timeless, 0);
    assert_true(result.first == result.last);
    check_rests(bench, path, "'{\"ts\":1588205199.82437}'\n");
    engine_compact_result_release(&result);
    columns_release(&columns);
}

static void a_file_is_read_as_it_stands(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, "TimeGenerated:datetime x:string b:bool g:guid");
    struct columns columns = {0};
    const struct engine_chunk *chunk = NULL;
    const char *path = files_add(&bench->files, "a.json",
                                 STR("{\"TimeGenerated\":\"1970-01-01T00:00:01.0000017Z\",\"x\":"
                                     "\"a\",\"b\":true,\"k\":1}\n"));
    (void) compact(&stand, &path, 1, NULL, 0);
    struct engine_result *result =
        engine_raw(bench->task, stand.files[0].path, &columns, &bench->err);
    assert_non_null(result);
    static const struct {
        const char *name;
        enum column_type type;
    } expected[] = {{"TimeGenerated", COLUMN_LONG}, {"TimeGenerated__ticks", COLUMN_LONG},
                    {"x", COLUMN_STRING},           {"b", COLUMN_BOOL},
                    {"g", COLUMN_STRING},           {"_weir_rest", COLUMN_STRING},
                    {"_weir_source", COLUMN_INT}};
    assert_int_equal(columns.n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < columns.n; i++) {
        assert_string_equal(columns.v[i].name, expected[i].name);
        assert_int_equal(columns.v[i].type, expected[i].type);
    }
    assert_true(engine_next(result, &chunk, &bench->err) && chunk && chunk->rows == 1);
    assert_int_equal(*(const int64_t *) chunk->vectors[0].values, 1000001);
    assert_int_equal(*(const int64_t *) chunk->vectors[1].values, 7);
    assert_true(str_eq(engine_text(&chunk->vectors[5], 0), STR("{\"k\":1}")));
    assert_false(engine_valid(&chunk->vectors[4], 0));
    engine_result_free(result);
    columns_release(&columns);
    stand_end(&stand);
}

static void no_row_is_a_file_without_rows(void **state)
{
    struct bench *bench = *state;
    struct stand stand = stand_of(bench, ALL_TYPES);
    struct engine_compact_result *result = compact(&stand, NULL, 0, NULL, 0);
    assert_int_equal(result->rows, 0);
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT count(*) FROM T", "n:long", "0\n");
    stand_end(&stand);
}

/* Sorting goes through scratch, and leaves nothing there. */
static void more_lines_than_memory_are_compacted(void **state)
{
    struct bench *bench = *state;
    enum { ROWS = 330000, STRIDE = 7919 };
    char *scratch = (char *) (uintptr_t) files_name(&bench->files, "scratch");
    const struct engine_options options = {
        .threads = 2, .memory = UINT64_C(96) << 20, .scratch = scratch};
    struct stand stand = stand_of(bench, "TimeGenerated:datetime x:string n:long");
    struct buf text = BUF_INIT(1 << 27);
    for (int i = 0; i < ROWS; i++) {
        int64_t k = (int64_t) i * STRIDE % ROWS;
        buf_printf(
            &text,
            "{\"TimeGenerated\":\"2021-11-07T%02d:%02d:%02d.0000001Z\",\"x\":\"%096d%096d%096d\","
            "\"n\":%d}\n",
            (int) (k / 36000), (int) (k / 600 % 60), (int) (k / 10 % 60), i, i * 7, i * 3, (int) k);
    }
    const char *path = files_add(&bench->files, "a.json", buf_str(&text));
    assert_true(text.used > options.memory);
    buf_release(&text);
    engine_task_free(bench->task);
    engine_free(bench->engine);
    bench->engine = engine_open(&options, &bench->err);
    bench->task = engine_task_new(bench->engine, &bench->err);
    assert_non_null(bench->task);
    assert_int_equal(compact(&stand, &path, 1, NULL, 0)->rows, ROWS);
    view_compacted(&stand, stand.files, 1, NULL, 0, 0, 0);
    check_query(bench, "SELECT count(*), sum(n)::BIGINT, min(length(x)) FROM T",
                "n:long s:long l:long", "330000|54449835000|288\n");
    struct buf sql = BUF_INIT(4096); /* ten rows have one time */
    buf_printf(&sql,
               "SELECT count(*) FROM read_parquet('%s', file_row_number = true) "
               "WHERE n // 10 <> file_row_number // 10",
               stand.files[0].path);
    check_query(bench, buf_text(&sql), "wrong:long", "0\n");
    buf_release(&sql);
    (void) rmdir(scratch);
    stand_end(&stand);
}

static void a_failure_leaves_no_file(void **state)
{
    struct bench *bench = *state;
    static const uint32_t sources[] = {0};
    struct columns columns = columns_of("TimeGenerated:datetime x:string");
    const char *lines = files_add(&bench->files, "a.json",
                                  STR("{\"TimeGenerated\":\"2021-11-07T03:05:00Z\"}\n{\"x\":\n"));
    const char *path = files_name(&bench->files, "a.parquet");
    struct engine_compact_result result;
    struct engine_files files = {
        .form = ENGINE_LINES, .paths = &lines, .count = 1, .columns = &columns};
    assert_false(engine_compact(bench->task, &files, sources, path, &result, &bench->err));
    assert_int_equal(bench->err.code, ERROR_FORMAT);
    assert_non_null(strstr(bench->err.message, "a.json: line 2"));
    assert_int_not_equal(access(path, F_OK), 0);
    columns_release(&columns);
    columns = columns_of("x:string");
    bench->err = (struct error) ERROR_INIT;
    assert_false(engine_compact(bench->task, &files, sources, path, &result, &bench->err));
    assert_int_equal(bench->err.code, ERROR_FORMAT);
    columns_release(&columns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_view_gives_what_the_lines_gave),
        TEST(columns_are_those_that_readers_expect),
        TEST(a_name_without_a_place_keeps_its_values),
        TEST(rows_stand_in_order_of_time_then_of_the_lines),
        TEST(a_range_is_exact_to_the_tick),
        TEST(a_range_that_ends_where_a_file_does_is_exact),
        TEST(a_column_of_today_is_read_from_a_file_of_then),
        TEST(superseded_rows_are_left_out_and_lines_stand_beside),
        TEST(a_file_is_merged_with_new_lines),
        TEST(a_range_of_the_rows_can_be_compacted),
        TEST(groups_of_rows_that_a_filter_excludes_are_not_read),
        TEST(another_key_of_the_time_is_compacted_too),
        TEST(a_file_is_read_as_it_stands),
        TEST(no_row_is_a_file_without_rows),
        TEST(more_lines_than_memory_are_compacted),
        TEST(a_failure_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
