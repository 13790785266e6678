/* A row as a line: which keys, which bytes, which types, and what is refused. */
#include "base/hash.h"
#include "base/memory.h"
#include "lake/line.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LINE_SLACK = 64 };

/* What one row became. */
struct made {
    struct lake_line *line;
    struct buf text;
    int64_t tick, item;
};

static bool make(void *context, const struct json_row *row, struct error *err)
{
    struct made *made = context;
    size_t length, bound = lake_line_bound(made->line, row);
    if (!lake_line_key(made->line, row, &made->tick, &made->item, err))
        return false;
    assert_true(buf_reserve(&made->text, bound + LINE_SLACK));
    if (!lake_line_write(made->line, row, made->text.bytes + made->text.used, &length, err))
        return false;
    assert_true(length <= bound);
    made->text.used += length;
    made->text.bytes[made->text.used] = '\0';
    return true;
}

/* The lines of `rows`, or the error's message; columns are one `name type` a line. */
static void run_with(struct made *made, const char *schema, const char *rows, bool keep,
                     bool scalar)
{
    struct error err = ERROR_INIT;
    struct columns columns = {.n = 0};
    struct lake_line_options options = {.keep_empty = keep};
    size_t used;
    bool ended;
    *made = (struct made){.text = BUF_INIT(1 << 20)};
    assert_true(columns_read(str_of(schema), &columns, &err));
    made->line = lake_line_new(&columns, &options, &err);
    struct json_rows_options scan = {
        .columns = columns.n, .keep_empty = keep, .scalar = scalar, .row = make, .context = made};
    struct json_rows *all = json_rows_new(&scan, NULL);
    if (made->line == NULL || !json_rows_feed(all, rows, strlen(rows), &used, &ended, &err)) {
        buf_reset(&made->text);
        buf_printf(&made->text, "error: %s", err.message);
        assert_int_equal(err.code, ERROR_FORMAT);
    }
    json_rows_free(all);
    lake_line_free(made->line);
    columns_release(&columns);
}

static void expect_with(const char *schema, const char *rows, const char *want, bool keep)
{
    for (int scalar = 0; scalar < 2; scalar++) {
        struct made made;
        run_with(&made, schema, rows, keep, scalar);
        assert_string_equal(buf_text(&made.text), want);
        buf_release(&made.text);
    }
}

static void expect(const char *schema, const char *rows, const char *want)
{
    expect_with(schema, rows, want, false);
}

#define TIME "\"2022-02-26T12:41:19.2909747Z\""
static const char schema[] = "TenantId string\nTimeGenerated datetime\nPort int\nMessage string\n"
                             "Extra dynamic\n_ItemId string\n";

static void keys_stand_in_column_order_without_empty_values(void **state)
{
    (void) state;
    expect(schema,
           "[[\"t\"," TIME ",443,\"\",null,\"i\"],[\"\",\"2022-02-26\",null,\"m\",\"\",\"j\"]]",
           "{\"TenantId\":\"t\",\"TimeGenerated\":" TIME ",\"Port\":443,\"_ItemId\":\"i\"}\n"
           "{\"TimeGenerated\":\"2022-02-26\",\"Message\":\"m\",\"_ItemId\":\"j\"}\n");
}

static void empty_values_are_written_when_asked_for(void **state)
{
    (void) state;
    expect_with(schema, "[[\"\"," TIME ",null,\"m\",null,\"\"]]",
                "{\"TenantId\":\"\",\"TimeGenerated\":" TIME
                ",\"Port\":null,\"Message\":\"m\",\"Extra\":null,\"_ItemId\":\"\"}\n",
                true);
}

static void strings_arrive_byte_for_byte(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "C:\\\\Windows\\\\x \\\"q\\\" \\/ \\u0041\\u00e9 \\ud83d\\ude00 \\ud800 \\n\\t\\u0000",
        "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\x7F",
        "{\\\"a\\\": 1}",
        "null",
        "exactly thirty-one bytes, quote",
        "a text of more than sixty-four bytes, longer than what is copied at once, by far",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf rows = BUF_INIT(4096), want = BUF_INIT(4096);
        buf_printf(&rows, "[[\"%s\"," TIME ",1,\"%s\",null,\"\"]]", texts[i], texts[i]);
        buf_printf(&want,
                   "{\"TenantId\":\"%s\",\"TimeGenerated\":" TIME
                   ",\"Port\":1,\"Message\":\"%s\"}\n",
                   texts[i], texts[i]);
        expect(schema, buf_text(&rows), buf_text(&want));
        buf_release(&rows);
        buf_release(&want);
    }
}

/* The value as it comes for the dynamic column, and as it is written. */
static const char *const dynamics[][2] = {
    {"\"{\\\"a\\\":[1,2.50,1e3],\\\"b\\\":\\\"x\\\\ny\\\"}\"",
     "{\"a\":[1,2.50,1e3],\"b\":\"x\\ny\"}"},
    {"\"{ \\\"a\\\" :\\n\\t[ 1 , \\\" \\\" ] }\\r\\n\"", "{\"a\":[1,\" \"]}"},
    {"\"[]\"", "[]"},
    {"\"12345678901234567890.10\"", "12345678901234567890.10"},
    {"\"true\"", "true"},
    {"\"\\\"quoted\\\"\"", "\"quoted\""},
    {"\"{\\\"a\\\":\\\"\\\\u00e9\\\"}\"", "{\"a\":\"\\u00e9\"}"},
    {"\"{\\\"a\\\":\\\"\\u00e9\\\"}\"", "{\"a\":\"\xC3\xA9\"}"},
    {"\"{\\\"a\\\":\\\"\\ud83d\\ude00\\\"}\"", "{\"a\":\"\xF0\x9F\x98\x80\"}"},
    /* what is no JSON stays the string that came */
    {"\"plain text\"", "\"plain text\""},
    {"\"{\\\"a\\\":1\"", "\"{\\\"a\\\":1\""},
    {"\"{\\\"a\\\":\\\"\\n\\\"}\"", "\"{\\\"a\\\":\\\"\\n\\\"}\""},
    {"\"{\\\"a\\\":\\\"\\ud800\\\"}\"", "\"{\\\"a\\\":\\\"\\ud800\\\"}\""},
    {"\" \"", "\" \""},
    {"\"{} {}\"", "\"{} {}\""},
    {"\"C:\\\\Windows\"", "\"C:\\\\Windows\""},
    /* native values */
    {"{\"a\": [1, 2], \"b\" : \" \"}", "{\"a\":[1,2],\"b\":\" \"}"},
    {"[1,2.50]", "[1,2.50]"},
    {"1.50", "1.50"},
    {"false", "false"},
};

static void dynamic_values_are_nested_json(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof dynamics / sizeof dynamics[0]; i++) {
        struct buf rows = BUF_INIT(4096), want = BUF_INIT(4096);
        buf_printf(&rows, "[[\"\"," TIME ",1,\"m\",%s,\"i\"]]", dynamics[i][0]);
        buf_printf(&want,
                   "{\"TimeGenerated\":" TIME
                   ",\"Port\":1,\"Message\":\"m\",\"Extra\":%s,\"_ItemId\":\"i\"}\n",
                   dynamics[i][1]);
        expect(schema, buf_text(&rows), buf_text(&want));
        buf_release(&rows);
        buf_release(&want);
    }
}

struct value {
    const char *type, *text;
    bool good;
};

static const struct value values[] = {
    {"bool", "true", true},
    {"bool", "false", true},
    {"bool", "1", false},
    {"bool", "\"true\"", false},
    {"int", "0", true},
    {"int", "-0", true},
    {"int", "12345678", true},
    {"int", "123456789", true},
    {"int", "2147483647", true},
    {"int", "-2147483648", true},
    {"int", "2147483648", false},
    {"int", "-2147483649", false},
    {"int", "99999999999999999999", false},
    {"int", "1.0", false},
    {"int", "1e3", false},
    {"int", "\"1\"", false},
    {"int", "true", false},
    {"int", "[1]", false},
    {"long", "9223372036854775807", true},
    {"long", "-9223372036854775808", true},
    {"long", "9223372036854775808", false},
    {"long", "-9223372036854775809", false},
    {"long", "0.5", false},
    {"real", "1", true},
    {"real", "-1.5e-300", true},
    {"real", "\"NaN\"", true},
    {"real", "\"Infinity\"", true},
    {"real", "\"-Infinity\"", true},
    {"real", "\"nan\"", false},
    {"real", "\"1.5\"", false},
    {"decimal", "1.50", true},
    {"decimal", "\"12345678901234567890.123456789\"", true},
    {"decimal", "\"-0.5\"", true},
    {"decimal", "\"1e5\"", true},
    {"decimal", "\"1 \"", false},
    {"decimal", "\" 1\"", false},
    {"decimal", "\"[1]\"", false},
    {"decimal", "\"NaN\"", false},
    {"decimal", "true", false},
    {"datetime", "\"2022-02-26T12:41:19Z\"", true},
    {"datetime", "\"0001-01-01T00:00:00Z\"", true},
    {"datetime", "\"9999-12-31T23:59:59.9999999Z\"", true},
    {"datetime", "\"2022-02-30T00:00:00Z\"", false},
    {"datetime", "\"yesterday\"", false},
    {"datetime", "1645879279", false},
    {"timespan", "\"00:00:00.0468750\"", true},
    {"timespan", "\"-1.02:03:04\"", true},
    {"timespan", "\"1 hour\"", false},
    {"timespan", "5", false},
    {"guid", "\"8ecf8077-cf51-4820-aadd-14040956f35d\"", true},
    {"guid", "\"8ecf8077-cf51-4820-aadd-14040956f35\"", false},
    {"guid", "7", false},
    {"string", "\"\\u0041\"", true},
    {"string", "1", false},
    {"string", "true", false},
    {"string", "{}", false},
};

static void values_are_of_their_columns_type(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct buf rows = BUF_INIT(4096), want = BUF_INIT(4096), columns = BUF_INIT(4096);
        struct made made;
        buf_printf(&columns, "TimeGenerated datetime\nX %s\n", values[i].type);
        buf_printf(&rows, "[[" TIME ",%s]]", values[i].text);
        if (values[i].good)
            buf_printf(&want, "{\"TimeGenerated\":" TIME ",\"X\":%s}\n", values[i].text);
        else
            buf_printf(&want,
                       "error: column X is of type %s, but its value is not: ", values[i].type);
        run_with(&made, buf_text(&columns), buf_text(&rows), false, false);
        if (!str_starts(buf_str(&made.text), buf_str(&want)))
            fail_msg("%s %s gave: %s", values[i].type, values[i].text, buf_text(&made.text));
        buf_release(&made.text);
        buf_release(&columns);
        buf_release(&rows);
        buf_release(&want);
    }
}

static void a_row_needs_its_time(void **state)
{
    (void) state;
    expect(schema, "[[\"t\",null,1,\"m\",null,\"i\"]]", "error: a row without TimeGenerated");
    expect(schema, "[[\"t\",\"\",1,\"m\",null,\"i\"]]", "error: a row without TimeGenerated");
    expect(schema, "[[\"t\",5,1,\"m\",null,\"i\"]]",
           "error: column TimeGenerated is of type datetime, but its value is not: 5");
    expect(schema,
           "[[\"t\",\"a text that is longer than what a message shows\",1,\"m\",null,\"i\"]]",
           "error: column TimeGenerated is of type datetime, but its value is not: "
           "a text that is longer than what a messag...");
}

static void a_table_needs_a_column_of_time(void **state)
{
    (void) state;
    expect("A string\n", "[]",
           "error: there is no column TimeGenerated of type datetime, which a lake needs");
    expect("TimeGenerated string\n", "[]",
           "error: there is no column TimeGenerated of type datetime, which a lake needs");
}

static void the_keys_are_tick_and_hash_of_the_item(void **state)
{
    (void) state;
    struct made made;
    int64_t tick;
    assert_true(tick_parse(STR("2022-02-26T12:41:19.2909747Z"), &tick));
    run_with(&made, schema, "[[\"t\"," TIME ",1,\"m\",null,\"World\"]]", false, false);
    assert_int_equal(made.tick, tick);
    assert_true(made.item == INT64_C(1846988464401551951)); /* docs/service.md 1.10 */
    buf_release(&made.text);
    run_with(&made, schema, "[[\"\"," TIME ",null,\"\",null,\"W\\u006frld\"]]", false, false);
    assert_true(made.item == INT64_C(1846988464401551951));
    buf_release(&made.text);
    run_with(&made, schema, "[[\"\"," TIME ",null,\"\",null,\"\"]]", false, false);
    assert_true(made.item == hash_xx64(STR("")));
    buf_release(&made.text);
    run_with(&made, "TimeGenerated datetime\n", "[[" TIME "]]", false, false);
    assert_int_equal(made.item, 0);
    buf_release(&made.text);
}

/* The search for the key's cells, whatever is left out before and behind it. */
static void the_time_is_found_among_any_cells(void **state)
{
    (void) state;
    enum { COLUMNS = 7 };
    for (int time = 0; time < COLUMNS; time++)
        for (int filled = 0; filled < 1 << COLUMNS; filled++) {
            struct buf columns = BUF_INIT(4096), rows = BUF_INIT(4096), want = BUF_INIT(4096);
            buf_puts(&rows, "[[");
            for (int i = 0; i < COLUMNS; i++) {
                if (i == time)
                    buf_puts(&columns, "TimeGenerated datetime\n");
                else
                    buf_printf(&columns, "C%d int\n", i);
                bool there = (filled >> i & 1) != 0;
                buf_printf(&rows, "%s%s", i > 0 ? "," : "",
                           !there      ? "null"
                           : i == time ? TIME
                                       : "1");
                if (there && i == time)
                    buf_puts(&want,
                             want.used ? ",\"TimeGenerated\":" TIME : "{\"TimeGenerated\":" TIME);
                else if (there)
                    buf_printf(&want, "%s\"C%d\":1", want.used ? "," : "{", i);
            }
            buf_puts(&rows, "]]");
            buf_puts(&want, "}\n");
            bool timed = (filled >> time & 1) != 0;
            expect(buf_text(&columns), buf_text(&rows),
                   timed ? buf_text(&want) : "error: a row without TimeGenerated");
            buf_release(&columns);
            buf_release(&rows);
            buf_release(&want);
        }
}

static void names_are_escaped_and_may_be_long(void **state)
{
    (void) state;
    struct columns columns = {.n = 0};
    struct made made = {.text = BUF_INIT(1 << 16)};
    static const char text[] = "[[1," TIME ",2,3,4]]";
    char name[COLUMN_NAME_MAX];
    size_t used;
    bool ended;
    memset(name, 'n', sizeof name);
    assert_true(columns_add(&columns, STR("a\"b\\c\n"), COLUMN_INT, NULL));
    assert_true(columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, NULL));
    assert_true(columns_add(&columns, (struct str){name, 44}, COLUMN_INT, NULL));
    assert_true(columns_add(&columns, (struct str){name, 45}, COLUMN_INT, NULL));
    assert_true(columns_add(&columns, (struct str){name, sizeof name - 1}, COLUMN_INT, NULL));
    made.line = lake_line_new(&columns, NULL, NULL);
    struct json_rows_options scan = {.columns = columns.n, .row = make, .context = &made};
    struct json_rows *rows = json_rows_new(&scan, NULL);
    assert_true(json_rows_feed(rows, text, strlen(text), &used, &ended, NULL));
    struct buf want = BUF_INIT(1 << 16);
    buf_puts(&want, "{\"a\\\"b\\\\c\\n\":1,\"TimeGenerated\":" TIME);
    buf_printf(&want, ",\"%.44s\":2,\"%.45s\":3,\"%.*s\":4}\n", name, name, (int) sizeof name - 1,
               name);
    assert_string_equal(buf_text(&made.text), buf_text(&want));
    buf_release(&want);
    buf_release(&made.text);
    json_rows_free(rows);
    lake_line_free(made.line);
    columns_release(&columns);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    struct columns columns = {.n = 0};
    static const char text[] = "[[\"\"," TIME ",1,\"\",\"{\\\"a\\\":1}\",\"\\u0041\"]]";
    assert_true(columns_read(str_of(schema), &columns, NULL));
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        struct made made = {.text = BUF_INIT(1 << 16)};
        size_t used;
        bool ended, ok;
        struct json_rows_options scan = {.columns = columns.n, .row = make, .context = &made};
        struct json_rows *rows = json_rows_new(&scan, NULL);
        assert_true(buf_reserve(&made.text, 1 << 15));
        mem_fail_at(n);
        made.line = lake_line_new(&columns, NULL, &err);
        ok = made.line != NULL && json_rows_feed(rows, text, strlen(text), &used, &ended, &err);
        mem_fail_at(0);
        assert_int_equal(err.code, ok ? ERROR_NONE : ERROR_MEMORY);
        json_rows_free(rows);
        lake_line_free(made.line);
        buf_release(&made.text);
        done = ok;
        assert_true(n > 4 || !ok);
    }
    columns_release(&columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_stand_in_column_order_without_empty_values),
        cmocka_unit_test(empty_values_are_written_when_asked_for),
        cmocka_unit_test(strings_arrive_byte_for_byte),
        cmocka_unit_test(dynamic_values_are_nested_json),
        cmocka_unit_test(values_are_of_their_columns_type),
        cmocka_unit_test(a_row_needs_its_time),
        cmocka_unit_test(a_table_needs_a_column_of_time),
        cmocka_unit_test(the_keys_are_tick_and_hash_of_the_item),
        cmocka_unit_test(the_time_is_found_among_any_cells),
        cmocka_unit_test(names_are_escaped_and_may_be_long),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
