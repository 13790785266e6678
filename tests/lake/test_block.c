/* Rows whose values stand apart have the identities that their lines have. */
#include "base/memory.h"
#include "lake/row.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SCHEMA                                                                                     \
    "S string\nTimeGenerated datetime\nD dynamic\nL long\nI int\nR real\nT timespan\nG guid\n"     \
    "B bool\nM decimal\nts string\n"

enum { S, TIME, D, L, I, R, T, G, B, M, TS };

struct pair {
    struct lake_rows *rows;
    struct lake_block *block;
    struct lake_row_key block_sum, line_sum;
};

static struct pair pair_new(const struct lake_from *from, size_t n)
{
    struct columns columns = {0};
    struct pair pair = {0};
    assert_true(columns_read(STR(SCHEMA), &columns, NULL));
    pair.rows = lake_rows_new(&columns, NULL);
    assert_non_null(pair.rows);
    assert_true(lake_rows_from(pair.rows, from, n, NULL));
    pair.block = lake_block_new(pair.rows, NULL);
    assert_non_null(pair.block);
    columns_release(&columns);
    lake_block_begin(pair.block);
    return pair;
}

static void pair_free(struct pair *pair)
{
    lake_block_free(pair->block);
    lake_rows_free(pair->rows);
}

static void put(struct pair *pair, size_t column, const void *values, uint64_t there)
{
    struct error err = ERROR_INIT;
    if (!lake_block_put(pair->block, column, values, there, &err))
        fail_msg("%s", err.message);
}

static void line(struct pair *pair, const char *text)
{
    struct lake_row_key key;
    struct error err = ERROR_INIT;
    if (!lake_row_whole(pair->rows, str_of(text), &key, &err))
        fail_msg("%s: %s", text, err.message);
    lake_row_sum(&pair->line_sum, &key);
}

static void compare(const struct pair *pair, bool want)
{
    assert_int_equal(pair->block_sum.high == pair->line_sum.high &&
                         pair->block_sum.low == pair->line_sum.low,
                     want);
}

static int64_t tick_at(const char *text)
{
    int64_t tick;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void values_of_each_type_are_those_of_a_line(void **state)
{
    (void) state;
    const struct {
        int column;
        const void *value; /* NULL: the row has none */
        const char *member;
    } cases[] = {
        {S, &STR("a \"b\"\n"), "\"S\":\"a \\\"b\\\"\\n\""},
        {D, &STR(" {\"b\":1,\"a\":[1.50]}"), "\"D\":{\"a\":[1.5],\"b\":1}"},
        {D, &STR("\"x\""), "\"D\":\"x\""},
        {D, &STR("null"), "\"D\":null"},
        {L, &(int64_t){INT64_MIN}, "\"L\":-9223372036854775808"},
        {L, &(int64_t){0}, "\"L\":0"},
        {I, &(int32_t){-7}, "\"I\":-7"},
        {R, &(double){0.1}, "\"R\":0.1"},
        {R, &(double){-0.0}, "\"R\":0"},
        {R, &(double){(double) NAN}, "\"R\":\"NaN\""},
        {R, &(double){HUGE_VAL}, "\"R\":\"Infinity\""},
        {R, &(double){-HUGE_VAL}, "\"R\":\"-Infinity\""},
        {T, &(int64_t){12345}, "\"T\":\"00:00:00.0012345\""},
        {G, &STR("74be27de-1e4e-49d9-b579-fe0b331d3642"),
         "\"G\":\"{74BE27DE-1E4E-49D9-B579-FE0B331D3642}\""},
        {G, &STR("no guid"), "\"G\":\"no guid\""},
        {B, &(bool){true}, "\"B\":true"},
        {B, &(bool){false}, "\"B\":\"False\""},
        {M, &STR("1.500"), "\"M\":1.5"},
        {TS, NULL, "\"ts\":\"\""},
    };
    const int64_t time = tick_at("2021-11-07T03:05:12.1234567Z");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_new(NULL, 0);
        char text[512];
        uint64_t odd;
        (void) snprintf(text, sizeof text, "{\"TimeGenerated\":\"%s\",%s}",
                        "2021-11-07T03:05:12.1234567Z", cases[i].member);
        line(&pair, text);
        if (cases[i].column < TIME)
            put(&pair, (size_t) cases[i].column, cases[i].value, 1);
        put(&pair, TIME, &time, 1);
        if (cases[i].column > TIME && cases[i].value)
            put(&pair, (size_t) cases[i].column, cases[i].value, 1);
        lake_block_end(pair.block, 1, &pair.block_sum, &odd);
        assert_int_equal(odd, 0);
        compare(&pair, true);
        pair_free(&pair);
    }
}

static void rows_are_told_apart_by_row_column_and_value(void **state)
{
    (void) state;
    const int64_t times[LAKE_BLOCK_ROWS] = {[0] = 5, [63] = 7}, longs[LAKE_BLOCK_ROWS] = {[63] = 1};
    const struct {
        uint64_t times, longs, wanted;
        size_t column;
        bool same;
    } cases[] = {
        {UINT64_C(1) << 63 | 1, UINT64_C(1) << 63, UINT64_MAX & ~UINT64_C(2), L, false},
        {UINT64_C(1) << 63 | 1, UINT64_C(1) << 63, UINT64_C(1) << 63 | 1, L, true},
        {UINT64_C(1) << 63 | 1, UINT64_C(1) << 63, UINT64_C(1) << 63 | 1, T, false},
        {UINT64_C(1) << 63 | 1, 1, UINT64_C(1) << 63 | 1, L, false},
        {UINT64_C(1) << 63, UINT64_C(1) << 63, UINT64_C(1) << 63 | 1, L, false},
        {UINT64_C(1) << 63 | 1, UINT64_C(1) << 63, 1, L, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_new(NULL, 0);
        uint64_t odd;
        line(&pair, "{\"TimeGenerated\":\"0001-01-01T00:00:00.0000005Z\"}");
        line(&pair, "{\"TimeGenerated\":\"0001-01-01T00:00:00.0000007Z\",\"L\":1}");
        put(&pair, TIME, times, cases[i].times);
        put(&pair, cases[i].column, longs, cases[i].longs);
        lake_block_end(pair.block, cases[i].wanted, &pair.block_sum, &odd);
        compare(&pair, cases[i].same);
        pair_free(&pair);
    }
}

/* The rows' TimeGenerated was told by another column, or may have been. */
static void a_time_that_another_column_tells_is_as_in_the_line(void **state)
{
    (void) state;
    static const struct {
        const char *zone, *text;
    } cases[] = {
        {NULL, "2021-11-07T03:05:12Z"},
        {NULL, "2021-11-07T03:05:12"},
        {"Europe/Berlin", "2021-11-07T03:05:12"},
        {"Europe/Berlin", "2021-11-07T03:05:12Z"},
        {"", "2021-11-07T03:05:12"},
        {NULL, "no time"},
    };
    const int64_t time = tick_at("2021-11-07T03:05:12Z");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lake_from from = {.key = "ts", .format = "iso", .zone = cases[i].zone};
        struct pair pair = pair_new(&from, 1);
        struct str text = str_of(cases[i].text);
        char json[256];
        uint64_t odd;
        (void) snprintf(json, sizeof json, "{\"TimeGenerated\":\"%s\",\"ts\":\"%s\"}",
                        "2021-11-07T03:05:12Z", cases[i].text);
        line(&pair, json);
        put(&pair, TIME, &time, 1);
        put(&pair, TS, &text, 1);
        lake_block_end(pair.block, 3, &pair.block_sum, &odd);
        assert_int_equal(odd, 2); /* no time at all: the line has to tell */
        compare(&pair, true);
        pair_free(&pair);
    }
}

static void what_only_a_line_can_tell_is_left_to_it(void **state)
{
    (void) state;
    const struct lake_from from[] = {{.key = "ts", .format = "iso"}, {.key = "L", .format = "us"}};
    const int64_t times[2] = {1, 2}, longs[2] = {3, 4};
    struct pair pair = pair_new(from, 2);
    uint64_t odd;
    put(&pair, TIME, times, 3);
    put(&pair, L, longs, 2);
    lake_block_end(pair.block, 3, &pair.block_sum, &odd);
    assert_int_equal(odd, 2);
    line(&pair, "{\"TimeGenerated\":\"0001-01-01T00:00:00.0000001Z\"}");
    compare(&pair, true);
    pair_free(&pair);
}

static void a_dynamic_that_is_no_json_is_an_error(void **state)
{
    (void) state;
    struct pair pair = pair_new(NULL, 0);
    struct error err = ERROR_INIT;
    assert_false(lake_block_put(pair.block, D, &STR("{"), 1, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    pair_free(&pair);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_each_type_are_those_of_a_line),
        cmocka_unit_test(rows_are_told_apart_by_row_column_and_value),
        cmocka_unit_test(a_time_that_another_column_tells_is_as_in_the_line),
        cmocka_unit_test(what_only_a_line_can_tell_is_left_to_it),
        cmocka_unit_test(a_dynamic_that_is_no_json_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
