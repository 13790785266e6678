/* Values of log files to physical types, from JSON cells and from text. */
#include "engine/duckdb/convert.h"

#include "base/memory.h"
#include "base/tick.h"
#include "engine/duckdb/when.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const outcomes[] = {"null", "value", "misfit", "no memory"};

/* What a value is, as one text. */
static void print(enum column_type type, enum convert_outcome outcome,
                  const union convert_value *value, char *out, size_t room)
{
    if (outcome != CONVERT_VALUE) {
        snprintf(out, room, "%s", outcomes[outcome]);
        return;
    }
    switch (type) {
    case COLUMN_BOOL:
        snprintf(out, room, "%s", value->boolean ? "true" : "false");
        break;
    case COLUMN_INT:
        snprintf(out, room, "%d", value->integer);
        break;
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        snprintf(out, room, "%lld", (long long) value->big);
        break;
    case COLUMN_REAL:
        snprintf(out, room, "%.17g", value->real);
        break;
    default:
        snprintf(out, room, "%.*s", (int) value->text.n, value->text.p);
    }
}

static struct json_cell cell_of(const char *json)
{
    struct str s = str_of(json);
    struct json_cell cell = {.length = (uint32_t) s.n};
    cell.kind = s.p[0] == '"'   ? JSON_KIND_STRING
                : s.p[0] == '{' ? JSON_KIND_OBJECT
                : s.p[0] == '[' ? JSON_KIND_ARRAY
                : s.p[0] == 't' ? JSON_KIND_TRUE
                : s.p[0] == 'f' ? JSON_KIND_FALSE
                : s.p[0] == 'n' ? JSON_KIND_NULL
                                : JSON_KIND_NUMBER;
    if (cell.kind == JSON_KIND_STRING) {
        cell.start = 1;
        cell.length -= 2;
        cell.escaped = memchr(json, '\\', s.n) != NULL;
    }
    return cell;
}

struct fact {
    enum column_type type;
    const char *from, *to;
};

static void check_cells(const struct fact *facts, size_t count)
{
    struct buf scratch = BUF_INIT(CONVERT_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        union convert_value value;
        char text[512];
        struct json_cell cell = cell_of(facts[i].from);
        enum convert_outcome outcome =
            convert_cell(facts[i].type, NULL, facts[i].from, &cell, &scratch, &value);
        print(facts[i].type, outcome, &value, text, sizeof text);
        if (strcmp(text, facts[i].to) != 0)
            fail_msg("%s as %s is %s, not %s", facts[i].from, column_type_name(facts[i].type), text,
                     facts[i].to);
    }
    buf_release(&scratch);
}

static void json_values_become_physical(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {COLUMN_BOOL, "true", "true"},
        {COLUMN_BOOL, "\"False\"", "false"},
        {COLUMN_BOOL, "1", "true"},
        {COLUMN_BOOL, "\"\"", "null"},
        {COLUMN_BOOL, "\"yes\"", "misfit"},
        {COLUMN_INT, "2147483647", "2147483647"},
        {COLUMN_INT, "2147483648", "misfit"},
        {COLUMN_INT, "\" 80 \"", "80"},
        {COLUMN_INT, "5.0", "5"},
        {COLUMN_INT, "5.5", "misfit"},
        {COLUMN_INT, "true", "misfit"},
        {COLUMN_INT, "\"null\"", "misfit"},
        {COLUMN_INT, "{\"a\":1}", "misfit"},
        {COLUMN_LONG, "9007199254740993", "9007199254740993"},
        {COLUMN_LONG, "-9223372036854775808", "-9223372036854775808"},
        {COLUMN_LONG, "9223372036854775808", "misfit"},
        {COLUMN_LONG, "1e3", "1000"},
        {COLUMN_LONG, "\"9007199254740993\"", "9007199254740993"},
        {COLUMN_REAL, "0.1", "0.10000000000000001"},
        {COLUMN_REAL, "\"-Infinity\"", "-inf"},
        {COLUMN_REAL, "\"NaN\"", "nan"},
        {COLUMN_REAL, "\"x\"", "misfit"},
        {COLUMN_REAL, "1e999", "misfit"},
        {COLUMN_DECIMAL, "123456789012345678901.10", "123456789012345678901.10"},
        {COLUMN_DECIMAL, "\"1.50\"", "1.50"},
        {COLUMN_DECIMAL, "\"abc\"", "misfit"},
        {COLUMN_DATETIME, "\"2022-02-26T12:41:19.2909747Z\"", "637814760792909747"},
        {COLUMN_DATETIME, "\"2022\\u002d02-26T12:41:19.2909747Z\"", "637814760792909747"},
        {COLUMN_DATETIME, "1645879279", "misfit"},
        {COLUMN_DATETIME, "\"\"", "null"},
        {COLUMN_TIMESPAN, "\"-00:00:00.0468750\"", "-468750"},
        {COLUMN_TIMESPAN, "468750", "468750"},
        {COLUMN_GUID, "\"74BE27DE-1E4E-49D9-B579-FE0B331D3642\"",
         "74be27de-1e4e-49d9-b579-fe0b331d3642"},
        {COLUMN_GUID, "\"74be27de1e4e49d9b579fe0b331d3642\"",
         "74be27de-1e4e-49d9-b579-fe0b331d3642"},
        {COLUMN_GUID, "\"a123456z-a123-1234-1234-1234aabbcc56\"", "misfit"},
        {COLUMN_GUID, "5", "misfit"},
        {COLUMN_STRING, "\"a\\n\\u00e9\\ud83d\\ude00\"", "a\n\xc3\xa9\xf0\x9f\x98\x80"},
        {COLUMN_STRING, "\"\"", ""},
        {COLUMN_STRING, "null", "null"},
        {COLUMN_STRING, "16", "16"},
        {COLUMN_STRING, "true", "true"},
        {COLUMN_STRING, "{\"a\": [1]}", "{\"a\": [1]}"},
        {COLUMN_DYNAMIC, "{ \"a\" : [ 1.50, \"x y\" ] }", "{\"a\":[1.50,\"x y\"]}"},
        {COLUMN_DYNAMIC, "\"plain \\\"text\\\"\"", "\"plain \\\"text\\\"\""},
        {COLUMN_DYNAMIC, "\"{\\\"a\\\": 1}\"", "{\"a\":1}"},
        {COLUMN_DYNAMIC, "\"[1,2]\"", "[1,2]"},
        {COLUMN_DYNAMIC, "\"{broken\"", "\"{broken\""},
        {COLUMN_DYNAMIC, "\"\"", "null"},
        {COLUMN_DYNAMIC, "null", "null"},
        {COLUMN_DYNAMIC, "12", "12"},
        {COLUMN_DYNAMIC, "\"12\"", "\"12\""},
    };
    check_cells(facts, sizeof facts / sizeof facts[0]);
}

static void text_becomes_physical(void **state)
{
    (void) state;
    static const struct fact facts[] = {
        {COLUMN_LONG, " 12 ", "12"},
        {COLUMN_LONG, "", "null"},
        {COLUMN_STRING, " 12 ", " 12 "},
        {COLUMN_STRING, "", ""},
        {COLUMN_DYNAMIC, "{\"a\": 1}", "{\"a\":1}"},
        {COLUMN_DYNAMIC, "some \"text\"", "\"some \\\"text\\\"\""},
        {COLUMN_DYNAMIC, "", "null"},
        {COLUMN_DYNAMIC, "null", "null"},
        {COLUMN_DATETIME, "7/8/2021, 4:00:30.210 PM", "637613568302100000"},
    };
    struct buf scratch = BUF_INIT(CONVERT_TEXT_MAX);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        union convert_value value;
        char text[512];
        enum convert_outcome outcome =
            convert_text(facts[i].type, NULL, str_of(facts[i].from), &scratch, &value);
        print(facts[i].type, outcome, &value, text, sizeof text);
        if (strcmp(text, facts[i].to) != 0)
            fail_msg("%s as %s is %s, not %s", facts[i].from, column_type_name(facts[i].type), text,
                     facts[i].to);
    }
    buf_release(&scratch);
}

/* Each form and the same time as ISO 8601 has it. */
static void times_are_read_in_every_form(void **state)
{
    (void) state;
    static const struct {
        const char *text, *iso;
        bool zoned;
    } forms[] = {
        {"2014-05-25T08:20:03.1234567Z", "2014-05-25T08:20:03.1234567Z", true},
        {"2014-05-25T10:20:03+02:00", "2014-05-25T08:20:03Z", true},
        {"2014-05-25 08:20", "2014-05-25T08:20:00Z", false},
        {"2014-5-2 8:20", "2014-05-02T08:20:00Z", false},
        {"2014-05", "2014-05-01T00:00:00Z", false},
        {"2014", "2014-01-01T00:00:00Z", false},
        {"11/20/2020, 4:20:29.443 PM", "2020-11-20T16:20:29.443Z", false},
        {"11/20/2020, 12:00:00.000 AM", "2020-11-20T00:00:00Z", false},
        {"11/20/2020, 12:00:00\xe2\x80\xafPM", "2020-11-20T12:00:00Z", false},
        {"11/14/2020 6:21", "2020-11-14T06:21:00Z", false},
        {"11-14-2020", "2020-11-14T00:00:00Z", false},
        {"Sat, 8 Nov 14 15:05:02 GMT", "2014-11-08T15:05:02Z", true},
        {"8 Nov 14 15:05", "2014-11-08T15:05:00Z", false},
        {"Saturday, 08-Nov-14 15:05:02 GMT", "2014-11-08T15:05:02Z", true},
        {"08-November-1999 15:05", "1999-11-08T15:05:00Z", false},
        {"8 Nov 99 15:05", "1999-11-08T15:05:00Z", false},
        {"2014-11-08 15:05:25 GMT", "2014-11-08T15:05:25Z", true},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int64_t tick = 0, expected = 1;
        bool zoned = false;
        assert_true(tick_parse(str_of(forms[i].iso), &expected));
        if (!when_parse(str_of(forms[i].text), &tick, &zoned) || tick != expected)
            fail_msg("%s is not %s", forms[i].text, forms[i].iso);
        assert_int_equal(zoned, forms[i].zoned);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "null",
        "13/01/2020",
        "02/30/2020",
        "11/20/20",
        "1602571971",
        "11/20/2020 PM",
        "11/20/2020 13:00 PM",
        "2020-01-01x",
        "2020-01-01 1:2",
        "8 Nox 14",
        "10:00",
        "2020-01-01T00:00 X",
        "0000-01-01",
        "11/20/2020 25:00",
        "2020-1-1 1:00 +15:00",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t tick;
        bool zoned;
        if (when_parse(str_of(bad[i]), &tick, &zoned))
            fail_msg("'%s' was taken for a time", bad[i]);
    }
}

/* Los Angeles around 2021: -8 h; from 2021-03-14 03:00 on -7 h; from 2021-11-07 01:00 on -8 h. */
static void wall_clock_times_follow_their_zone(void **state)
{
    (void) state;
    struct engine_zone *zone = mem_alloc(1, sizeof *zone, NULL);
    int64_t wall, tick;
    static const struct {
        const char *text, *utc;
    } facts[] = {
        {"10/26/2021, 2:16:58.298 PM", "2021-10-26T21:16:58.298Z"},
        {"2021-12-01 00:00", "2021-12-01T08:00:00Z"},
        {"2021-03-14 01:59:59", "2021-03-14T09:59:59Z"},
        {"2021-03-14 03:00", "2021-03-14T10:00:00Z"},
        {"1980-01-01", "1980-01-01T08:00:00Z"},
        {"2021-12-01T00:00:00Z", "2021-12-01T00:00:00Z"},
        {"2021-12-01T00:00:00+01:00", "2021-11-30T23:00:00Z"},
    };
    assert_non_null(zone);
    zone->n = 3;
    assert_true(tick_parse(STR("1970-01-01"), &wall));
    zone->changes[0].wall = wall;
    zone->changes[0].offset = -8 * TICK_HOUR;
    assert_true(tick_parse(STR("2021-03-14T03:00:00"), &wall));
    zone->changes[1].wall = wall;
    zone->changes[1].offset = -7 * TICK_HOUR;
    assert_true(tick_parse(STR("2021-11-07T01:00:00"), &wall));
    zone->changes[2].wall = wall;
    zone->changes[2].offset = -8 * TICK_HOUR;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        int64_t expected;
        assert_true(tick_parse(str_of(facts[i].utc), &expected));
        assert_true(convert_datetime(zone, str_of(facts[i].text), &tick));
        assert_int_equal(tick, expected);
    }
    assert_false(convert_datetime(zone, STR("9999-12-31 23:00"), &tick)); /* beyond the calendar */
    mem_free(zone);
}

static void lack_of_memory_is_told(void **state)
{
    (void) state;
    static const struct {
        enum column_type type;
        const char *json;
    } cells[] = {
        {COLUMN_STRING, "\"a\\nb\""},
        {COLUMN_DYNAMIC, "{ \"a\" : 1 }"},
        {COLUMN_DYNAMIC, "\"{\\\"a\\\" : 1}\""},
        {COLUMN_GUID, "\"74be27de1e4e49d9b579fe0b331d3642\""},
        {COLUMN_DATETIME, "\"2022\\u002d02-26\""},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct buf scratch = BUF_INIT(CONVERT_TEXT_MAX);
        struct json_cell cell = cell_of(cells[i].json);
        union convert_value value;
        mem_fail_at(1);
        assert_int_equal(convert_cell(cells[i].type, NULL, cells[i].json, &cell, &scratch, &value),
                         CONVERT_NO_MEMORY);
        mem_fail_at(0);
        assert_int_equal(convert_cell(cells[i].type, NULL, cells[i].json, &cell, &scratch, &value),
                         CONVERT_VALUE);
        buf_release(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_values_become_physical),
        cmocka_unit_test(text_becomes_physical),
        cmocka_unit_test(times_are_read_in_every_form),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(wall_clock_times_follow_their_zone),
        cmocka_unit_test(lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
