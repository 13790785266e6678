/* CSV: cells of records, and whole inputs as lines of the lake. */
#include "tests/partition/taken.h"

#include "partition/csv.h"
#include "partition/fields.h"
#include "json/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- cells --- */

/* The cells of a record between bars, or "invalid". */
static void assert_cells(const char *record, const char *expected)
{
    struct part_csv_cell cells[8];
    struct buf out = BUF_INIT(4096), scratch = BUF_INIT(4096);
    size_t n;
    bool ok = part_csv_split(str_of(record), ',', cells, 8, &n);
    for (size_t i = 0; ok && i < n; i++) {
        struct str text;
        assert_true(part_csv_text(&cells[i], &scratch, &text));
        buf_putc(&out, '|');
        buf_put_str(&out, text);
    }
    assert_string_equal(ok ? buf_text(&out) : "invalid", expected);
    buf_release(&out);
    buf_release(&scratch);
}

static void cells_are_split_as_rfc_4180_says(void **state)
{
    (void) state;
    assert_cells("", "|");
    assert_cells("a", "|a");
    assert_cells("a,b", "|a|b");
    assert_cells(",", "||");
    assert_cells("\"a,b\",c", "|a,b|c");
    assert_cells("\"a\"\"b\",\"\"", "|a\"b|");
    assert_cells("\"\"\"\"\"\"", "|\"\"");
    assert_cells("\"a\nb\"", "|a\nb");
    assert_cells("5\" disk,x", "|5\" disk|x");
    assert_cells(" \"a\" ,b", "| \"a\" |b");
    assert_cells("a,b,", "|a|b|");
}

static void what_is_no_record_is_told(void **state)
{
    (void) state;
    assert_cells("\"a", "invalid");
    assert_cells("\"a\"b", "invalid");
    assert_cells("\"a\" ,b", "invalid");
    assert_cells("\"\"\"", "invalid");
    assert_cells("1,2,3,4,5,6,7,8,9", "invalid");
}

static void the_separator_is_that_of_the_header(void **state)
{
    (void) state;
    assert_int_equal(part_csv_separator(STR("a,b,c")), ',');
    assert_int_equal(part_csv_separator(STR("a;b;\"c,d,e\"")), ';');
    assert_int_equal(part_csv_separator(STR("a\tb")), '\t');
    assert_int_equal(part_csv_separator(STR("a")), ',');
}

/* --- inputs --- */

static void take(const char *text, const struct part_source_options *options, struct taken *out)
{
    char *path = taken_text("a.csv", text);
    taken_all(path, options, out);
    free(path);
}

static void assert_line(const char *text, const struct part_source_options *options,
                        const char *line)
{
    struct taken taken;
    take(text, options, &taken);
    assert_int_equal(taken.row_count, 1);
    assert_string_equal(taken.rows[0].line, line);
    taken_release(&taken);
}

static void records_become_lines(void **state)
{
    (void) state;
    assert_line("\xef\xbb\xbf"
                "a,TimeGenerated [UTC],b\r\n1,\"11/20/2020, 4:20:29.443 PM\",\"x\"\"y\n\"\r\n",
                NULL,
                "{\"TimeGenerated\":\"2020-11-20T16:20:29.443Z\",\"a\":\"1\",\"b\":\"x\\\"y\\n\"}");
    assert_line("TimeGenerated;a\n2021-11-07T05:05:12.10+02:00;\n", NULL,
                "{\"TimeGenerated\":\"2021-11-07T03:05:12.1Z\"}");
}

/* Each byte at each place of a cell: as a JSON string it says what it said. */
static void every_character_arrives(void **state)
{
    struct part_field field = {.member = STR(",\"a\":"), .type = COLUMN_STRING};
    (void) state;
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 17; at++) {
            struct buf line = BUF_INIT(4096), back = BUF_INIT(4096);
            char text[17];
            memset(text, 'x', sizeof text);
            text[at] = (char) c;
            part_fields_put(&field, (struct str){text, sizeof text}, &line);
            const size_t begin = strlen(",\"a\":\"");
            assert_memory_equal(line.bytes, ",\"a\":\"", begin);
            assert_true(
                json_unescape((struct str){line.bytes + begin, line.used - begin - 1}, &back));
            assert_true(str_eq(buf_str(&back), (struct str){text, sizeof text}));
            buf_release(&line);
            buf_release(&back);
        }
    }
}

static void a_time_of_another_name_stays_beside_time_generated(void **state)
{
    (void) state;
    assert_line(
        "at,n\n2021-11-07T03:05:12Z,1\n", NULL,
        "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"at\":\"2021-11-07T03:05:12Z\",\"n\":\"1\"}");
    assert_line(
        "ms,n\n1588205199824,1\n",
        &(struct part_source_options){.time_column = "ms", .time_format = "epoch-ms"},
        "{\"TimeGenerated\":\"2020-04-30T00:06:39.824Z\",\"ms\":\"1588205199824\",\"n\":\"1\"}");
}

static void cells_get_the_types_of_the_known_table(void **state)
{
    struct columns known = {0};
    struct error err = ERROR_INIT;
    (void) state;
    assert_true(columns_add(&known, STR("i"), COLUMN_INT, &err));
    assert_true(columns_add(&known, STR("l"), COLUMN_LONG, &err));
    assert_true(columns_add(&known, STR("r"), COLUMN_REAL, &err));
    assert_true(columns_add(&known, STR("b"), COLUMN_BOOL, &err));
    assert_true(columns_add(&known, STR("d"), COLUMN_DYNAMIC, &err));
    assert_true(columns_add(&known, STR("t"), COLUMN_DATETIME, &err));
    assert_true(columns_add(&known, STR("s"), COLUMN_STRING, &err));
    const struct part_source_options options = {.known = &known};
    assert_line("TimeGenerated,i,l,r,b,d,t [UTC],s\n"
                "2021-11-07T03:05:12Z,2147483647,-9223372036854775808,1.50,True,\"{\"\"a\"\": 1}\","
                "\"1/2/2021, 3:04:05 AM\", 7 \n",
                &options,
                "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"i\":2147483647,"
                "\"l\":-9223372036854775808,\"r\":1.50,\"b\":true,\"d\":{\"a\":1},"
                "\"t\":\"2021-01-02T03:04:05Z\",\"s\":\" 7 \"}");
    /* What does not fit stays as it was. */
    assert_line("TimeGenerated,i,l,r,b,d,t,s\n"
                "2021-11-07T03:05:12Z,2147483648,1.5,0x10,yes,{a},\"1/2/2021, 3:04:05 AM\",null\n",
                &options,
                "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"i\":\"2147483648\",\"l\":\"1.5\","
                "\"r\":\"0x10\",\"b\":\"yes\",\"d\":\"{a}\",\"t\":\"1/2/2021, 3:04:05 AM\","
                "\"s\":\"null\"}");
    columns_release(&known);
}

static void suffixes_tell_types_in_a_custom_table(void **state)
{
    (void) state;
    assert_line(
        "TimeGenerated,n_d,f_b,x_s\n2021-11-07T03:05:12Z,1e3,false,5\n",
        &(struct part_source_options){.custom = true},
        "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"n_d\":1e3,\"f_b\":false,\"x_s\":\"5\"}");
    assert_line("TimeGenerated,n_d\n2021-11-07T03:05:12Z,1e3\n", NULL,
                "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"n_d\":\"1e3\"}");
}

static void records_that_are_none_are_rejected_with_their_lines(void **state)
{
    struct taken taken;
    (void) state;
    take("TimeGenerated,a\n"               /* 1 */
         "2021-11-07T03:05:12Z,\"x\ny\"\n" /* 2 and 3 */
         "2021-11-07T03:05:12Z\n"          /* 4: a cell too few */
         "2021-11-07T03:05:12Z,1,2\n"      /* 5: one too many */
         "\n  \r\n"                        /* 6, 7: blank */
         ",1\n"                            /* 8 */
         "yesterday,1\n"                   /* 9 */
         "2021-11-07T03:05:12,1\n"         /* 10 */
         "2021-11-07T03:05:12Z,\xff\n"     /* 11 */
         "2021-11-07T03:05:12Z,1\n"        /* 12 */
         "2021-11-07T03:05:12Z,\"1\n",     /* 13: a quote that does not close */
         NULL, &taken);
    assert_int_equal(taken.row_count, 2);
    assert_string_equal(taken.rows[0].line,
                        "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"a\":\"x\\ny\"}");
    static const struct {
        uint64_t line;
        enum part_reason reason;
    } expected[] = {{4, PART_REASON_RECORD},     {5, PART_REASON_RECORD},
                    {8, PART_REASON_NULL_TIME},  {9, PART_REASON_TIME_TEXT},
                    {10, PART_REASON_TIME_ZONE}, {11, PART_REASON_RECORD},
                    {13, PART_REASON_RECORD}};
    assert_int_equal(taken.reject_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < taken.reject_count; i++) {
        assert_int_equal(taken.rejects[i].line, expected[i].line);
        assert_int_equal(taken.rejects[i].reason, expected[i].reason);
    }
    assert_string_equal(taken.rejects[1].text, "2021-11-07T03:05:12Z,1,2");
    taken_release(&taken);
}

static void pieces_may_end_anywhere(void **state)
{
    struct taken taken;
    const size_t rows = 5000;
    char *text = malloc(rows * 600 + 100);
    size_t n = sprintf(text, "TimeGenerated,n,x\n");
    uint64_t seed = 29;
    (void) state;
    for (size_t i = 0; i < rows; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        n += sprintf(text + n, "2021-11-07T03:05:12Z,%zu,\"%*s\"\"\r\n,\"\r\n", i,
                     (int) (seed >> 33) % 500, "");
    }
    take(text, NULL, &taken);
    free(text);
    assert_int_equal(taken.row_count, rows);
    assert_int_equal(taken.lines, 2 * rows + 1);
    for (size_t i = 0; i < rows; i++) {
        char begin[100];
        (void) snprintf(begin, sizeof begin,
                        "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"n\":\"%zu\",\"x\":\"", i);
        assert_memory_equal(taken.rows[i].line, begin, strlen(begin));
        assert_true(str_ends(str_of(taken.rows[i].line), STR("\\\"\\r\\n,\"}")));
    }
    taken_release(&taken);
}

static void assert_fails(const char *text, enum error_code code, const char *message)
{
    struct error err = ERROR_INIT;
    struct taken taken;
    char *path = taken_text("b.csv", text);
    assert_false(taken_read(path, NULL, &taken, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.message, message))
        fail_msg("%s", err.message);
    free(path);
}

static void a_header_that_cannot_be_is_refused(void **state)
{
    char *wide = malloc(50000);
    size_t n = 0;
    (void) state;
    assert_fails("TimeGenerated,a,a\n2021-11-07T03:05:12Z,1,2\n", ERROR_FORMAT,
                 "its header has two columns 'a'");
    assert_fails("TimeGenerated,\"a\n2021-11-07T03:05:12Z,1\n", ERROR_FORMAT,
                 "its header is no valid record of CSV");
    assert_fails("TimeGenerated,a\r2021-11-07T03:05:12Z,1\r", ERROR_FORMAT, "carriage return");
    for (size_t i = 0; i < 5001; i++)
        n += sprintf(wide + n, "c%zu,", i);
    assert_fails(wide, ERROR_LIMIT, "its header has more than 4096 columns");
    free(wide);
}

static void a_header_alone_has_no_rows(void **state)
{
    struct taken taken;
    (void) state;
    take("TimeGenerated,a\n", NULL, &taken);
    assert_int_equal(taken.row_count + taken.reject_count, 0);
    taken_release(&taken);
    take("", NULL, &taken);
    assert_int_equal(taken.row_count + taken.reject_count, 0);
    taken_release(&taken);
}

static void columns_are_told_with_their_types(void **state)
{
    struct taken taken;
    (void) state;
    take("b,TimeGenerated [UTC],Start [UTC],n_d\nx,\"11/20/2020, 4:20 PM\",,2\n",
         &(struct part_source_options){.custom = true}, &taken);
    static const struct {
        const char *name;
        enum column_type type;
    } expected[] = {{"TimeGenerated", COLUMN_DATETIME},
                    {"b", COLUMN_STRING},
                    {"Start", COLUMN_DATETIME},
                    {"n_d", COLUMN_REAL}};
    assert_int_equal(taken.columns.n, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < taken.columns.n; i++) {
        assert_string_equal(taken.columns.v[i].name, expected[i].name);
        assert_int_equal(taken.columns.v[i].type, expected[i].type);
    }
    taken_release(&taken);
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
        cmocka_unit_test(cells_are_split_as_rfc_4180_says),
        cmocka_unit_test(what_is_no_record_is_told),
        cmocka_unit_test(the_separator_is_that_of_the_header),
        cmocka_unit_test(records_become_lines),
        cmocka_unit_test(every_character_arrives),
        cmocka_unit_test(a_time_of_another_name_stays_beside_time_generated),
        cmocka_unit_test(cells_get_the_types_of_the_known_table),
        cmocka_unit_test(suffixes_tell_types_in_a_custom_table),
        cmocka_unit_test(records_that_are_none_are_rejected_with_their_lines),
        cmocka_unit_test(pieces_may_end_anywhere),
        cmocka_unit_test(a_header_that_cannot_be_is_refused),
        cmocka_unit_test(a_header_alone_has_no_rows),
        cmocka_unit_test(columns_are_told_with_their_types),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
