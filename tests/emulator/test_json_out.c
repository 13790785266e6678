/* JSON out: each type's form, escaping, and the three ceilings. */

#include "emulator/json_out.h"

#include "base/tick.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODY_MAX = 1 << 20 };

static struct engine_chunk one_vector(struct engine_vector *vector, size_t rows)
{
    return (struct engine_chunk){.rows = rows, .count = 1, .vectors = vector};
}

/* The rows of one column as they stand in the answer, between the brackets. */
static void expect_rows(struct engine_vector vector, size_t rows, bool native, const char *wanted)
{
    struct buf body = BUF_INIT(BODY_MAX);
    struct json_out out = {.body = &body, .native_dynamic = native};
    struct engine_chunk chunk = one_vector(&vector, rows);
    struct columns none = {0};
    json_out_begin(&out, &none);
    size_t start = body.used;
    assert_true(json_out_chunk(&out, &chunk));
    assert_string_equal(buf_text(&body) + start, wanted);
    buf_release(&body);
}

static void numbers_and_booleans(void **state)
{
    (void) state;
    int64_t longs[] = {0, -1, INT64_MAX, INT64_MIN};
    expect_rows((struct engine_vector){.type = COLUMN_LONG, .values = longs}, 4, false,
                "[0],[-1],[9223372036854775807],[-9223372036854775808]");
    int32_t ints[] = {7, INT32_MIN};
    expect_rows((struct engine_vector){.type = COLUMN_INT, .values = ints}, 2, false,
                "[7],[-2147483648]");
    bool bools[] = {true, false};
    expect_rows((struct engine_vector){.type = COLUMN_BOOL, .values = bools}, 2, false,
                "[true],[false]");
}

static void reals_read_back_as_the_same_number(void **state)
{
    (void) state;
    double reals[] = {1, 0.1, -2.5, 1e300, 5e-324, 1.0 / 3, 123456789012345680.0, -0.0};
    expect_rows((struct engine_vector){.type = COLUMN_REAL, .values = reals}, 8, false,
                "[1.0],[0.1],[-2.5],[1e+300],[4.94065645841247e-324],[0.3333333333333333],"
                "[1.2345678901234568e+17],[-0.0]");
    double odd[] = {(double) NAN, HUGE_VAL, -HUGE_VAL};
    expect_rows((struct engine_vector){.type = COLUMN_REAL, .values = odd}, 3, false,
                "[\"NaN\"],[\"Infinity\"],[\"-Infinity\"]");
}

static void random_reals_read_back(void **state)
{
    (void) state;
    uint64_t seed = clock_ns();
    print_message("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_next(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        struct engine_vector vector = {.type = COLUMN_REAL, .values = &value};
        struct engine_chunk chunk = one_vector(&vector, 1);
        struct buf body = BUF_INIT(BODY_MAX);
        struct json_out out = {.body = &body};
        assert_true(json_out_chunk(&out, &chunk));
        assert_true(strtod(buf_text(&body) + 1, NULL) == value);
        buf_release(&body);
    }
}

static void times(void **state)
{
    (void) state;
    int64_t ticks[] = {0, TICK_MAX, 637814760792909747, -1, TICK_MAX + 1};
    expect_rows((struct engine_vector){.type = COLUMN_DATETIME, .values = ticks}, 5, false,
                "[\"0001-01-01T00:00:00Z\"],[\"9999-12-31T23:59:59.9999999Z\"],"
                "[\"2022-02-26T12:41:19.2909747Z\"],[null],[null]");
    int64_t spans[] = {0, 468750, -TICK_DAY - 1};
    expect_rows((struct engine_vector){.type = COLUMN_TIMESPAN, .values = spans}, 3, false,
                "[\"00:00:00\"],[\"00:00:00.0468750\"],[\"-1.00:00:00.0000001\"]");
}

static void dynamic_values_are_strings_unless_asked_for(void **state)
{
    (void) state;
    struct str texts[] = {STR("{\"a\":[1,\"x\"]}"), STR("\"plain \\\"text\\\"\""), STR("12"),
                          STR("true")};
    struct engine_vector vector = {.type = COLUMN_DYNAMIC, .text = texts};
    expect_rows(vector, 4, false,
                "[\"{\\\"a\\\":[1,\\\"x\\\"]}\"],[\"plain \\\"text\\\"\"],[\"12\"],[\"true\"]");
    expect_rows(vector, 4, true, "[{\"a\":[1,\"x\"]}],[\"plain \\\"text\\\"\"],[12],[true]");
}

static void guid_and_decimal_are_strings(void **state)
{
    (void) state;
    struct str guid = STR("5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10"), decimal = STR("1.50");
    expect_rows((struct engine_vector){.type = COLUMN_GUID, .text = &guid}, 1, false,
                "[\"5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10\"]");
    expect_rows((struct engine_vector){.type = COLUMN_DECIMAL, .text = &decimal}, 1, false,
                "[\"1.50\"]");
}

static void null_is_null_in_every_type(void **state)
{
    (void) state;
    int64_t zeros[2] = {0};
    struct str texts[2] = {STR("x"), STR("y")};
    uint64_t valid = 2;
    for (int type = 0; type < COLUMN_TYPE_COUNT; type++) {
        struct buf body = BUF_INIT(BODY_MAX);
        struct json_out out = {.body = &body};
        struct engine_vector vector = {
            .type = (enum column_type) type, .values = zeros, .text = texts, .valid = &valid};
        struct engine_chunk chunk = one_vector(&vector, 2);
        assert_true(json_out_chunk(&out, &chunk));
        assert_memory_equal(buf_text(&body), "[null],[", 8);
        assert_memory_not_equal(buf_text(&body) + 7, "[null]", 6);
        buf_release(&body);
    }
}

/* Every byte below 0x80 at every place of a word, and what a JSON reader makes of it. */
static void strings_read_back_whatever_is_in_them(void **state)
{
    (void) state;
    for (int byte = 1; byte < 0x80; byte++) {
        for (size_t at = 0; at < 20; at++) {
            char text[] = "abcdefgh\xc3\xa9ijklmnop\xe2\x82\xac";
            text[at < 8 ? at : at < 16 ? at + 2 : 7] = (char) byte;
            struct str s = str_of(text);
            struct engine_vector vector = {.type = COLUMN_STRING, .text = &s};
            struct engine_chunk chunk = one_vector(&vector, 1);
            struct buf body = BUF_INIT(BODY_MAX);
            struct json_out out = {.body = &body};
            assert_true(json_out_chunk(&out, &chunk));
            json_t *row = json_loads(buf_text(&body), 0, NULL);
            assert_non_null(row);
            assert_string_equal(json_string_value(json_array_get(row, 0)), text);
            json_decref(row);
            buf_release(&body);
        }
    }
}

static void escapes_are_the_least_that_the_grammar_asks_for(void **state)
{
    (void) state;
    struct str s = STR("\"\\\b\f\n\r\t\x01/\x7f");
    expect_rows((struct engine_vector){.type = COLUMN_STRING, .text = &s}, 1, false,
                "[\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001/\x7f\"]");
}

/* --- ceilings --------------------------------------------------------------------------------- */

enum { ROWS = 100 };

struct answer {
    struct buf body;
    struct json_out out;
};

static void make_answer(struct answer *answer, struct json_out limits)
{
    int64_t values[ROWS];
    for (int64_t i = 0; i < ROWS; i++)
        values[i] = i;
    struct engine_vector vector = {.type = COLUMN_LONG, .values = values};
    struct engine_chunk chunk = one_vector(&vector, ROWS);
    struct columns columns = {0};
    assert_true(columns_add(&columns, STR("a \"b\""), COLUMN_LONG, NULL));
    buf_init(&answer->body, BODY_MAX);
    answer->out = limits;
    answer->out.body = &answer->body;
    json_out_begin(&answer->out, &columns);
    (void) json_out_chunk(&answer->out, &chunk);
    json_out_end(&answer->out);
    buf_putc(&answer->body, '}');
    columns_release(&columns);
}

static size_t rows_in(const struct answer *answer)
{
    json_t *root = json_loads(buf_text(&answer->body), 0, NULL);
    assert_non_null(root);
    const json_t *table = json_array_get(json_object_get(root, "tables"), 0);
    assert_string_equal(json_string_value(json_object_get(table, "name")), "PrimaryResult");
    const json_t *column = json_array_get(json_object_get(table, "columns"), 0);
    assert_string_equal(json_string_value(json_object_get(column, "name")), "a \"b\"");
    assert_string_equal(json_string_value(json_object_get(column, "type")), "long");
    size_t rows = json_array_size(json_object_get(table, "rows"));
    json_decref(root);
    return rows;
}

static void expect_ceiling(struct json_out limits, enum json_ceiling ceiling, size_t rows)
{
    struct answer answer;
    make_answer(&answer, limits);
    assert_int_equal(answer.out.ceiling, ceiling);
    assert_int_equal(answer.out.rows, rows);
    assert_int_equal(rows_in(&answer), rows);
    buf_release(&answer.body);
}

static void ceilings_let_through_what_they_name_and_not_one_more(void **state)
{
    (void) state;
    expect_ceiling((struct json_out){0}, JSON_CEILING_NONE, ROWS);
    expect_ceiling((struct json_out){.max_rows = ROWS}, JSON_CEILING_NONE, ROWS);
    expect_ceiling((struct json_out){.max_rows = ROWS - 1}, JSON_CEILING_ROWS, ROWS - 1);
    expect_ceiling((struct json_out){.max_bytes = ROWS * 8}, JSON_CEILING_NONE, ROWS);
    expect_ceiling((struct json_out){.max_bytes = ROWS * 8 - 1}, JSON_CEILING_BYTES, ROWS - 1);
    expect_ceiling((struct json_out){.max_bytes = 7}, JSON_CEILING_BYTES, 0);
}

static void a_body_that_is_too_long_is_told(void **state)
{
    (void) state;
    struct answer whole, cut;
    make_answer(&whole, (struct json_out){0});
    make_answer(&cut, (struct json_out){.max_json = whole.body.used / 2});
    assert_int_equal(cut.out.ceiling, JSON_CEILING_BODY);
    buf_release(&whole.body);
    buf_release(&cut.body);
}

static void a_broken_answer_is_whole_json_with_fewer_rows(void **state)
{
    (void) state;
    struct random random;
    random_seed(&random, 11);
    size_t low = 0, high = 0;
    for (int i = 0; i < 200; i++) {
        struct answer answer;
        make_answer(&answer, (struct json_out){.break_off = &random});
        assert_int_equal(rows_in(&answer), answer.out.rows);
        assert_in_range(answer.out.rows, 1, ROWS);
        low += answer.out.rows <= ROWS / 2;
        high += answer.out.rows > ROWS / 2;
        buf_release(&answer.body);
    }
    assert_true(low > 50 && high > 50);
}

/* How often each value stands in an answer whose rows are the numbers from 0 on. */
static void count_values(const struct answer *answer, size_t seen[ROWS])
{
    json_t *root = json_loadb(answer->body.bytes, answer->body.used, 0, NULL);
    const json_t *table = json_array_get(json_object_get(root, "tables"), 0);
    const json_t *rows = json_object_get(table, "rows");
    memset(seen, 0, ROWS * sizeof *seen);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_int_t value = json_integer_value(json_array_get(json_array_get(rows, i), 0));
        assert_in_range(value, 0, ROWS - 1);
        seen[value]++;
    }
    json_decref(root);
}

static void a_doubled_answer_has_as_many_rows_but_not_the_same(void **state)
{
    (void) state;
    struct random random;
    random_seed(&random, 12);
    size_t lost_before = 0;
    for (int i = 0; i < 200; i++) {
        struct answer answer;
        size_t seen[ROWS], lost = ROWS, twice = ROWS;
        make_answer(&answer, (struct json_out){.double_up = &random});
        assert_int_equal(rows_in(&answer), ROWS);
        count_values(&answer, seen);
        for (size_t value = 0; value < ROWS; value++) {
            if (seen[value] == 0)
                lost = value;
            else if (seen[value] == 2)
                twice = value;
        }
        assert_true(lost < ROWS && twice < ROWS);
        lost_before += lost < twice;
        buf_release(&answer.body);
    }
    assert_in_range(lost_before, 50, 150);
}

static void one_row_cannot_be_doubled(void **state)
{
    (void) state;
    struct random random;
    random_seed(&random, 13);
    struct answer answer;
    make_answer(&answer, (struct json_out){.double_up = &random, .max_rows = 1});
    assert_int_equal(rows_in(&answer), 1);
    buf_release(&answer.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_booleans),
        cmocka_unit_test(reals_read_back_as_the_same_number),
        cmocka_unit_test(random_reals_read_back),
        cmocka_unit_test(times),
        cmocka_unit_test(dynamic_values_are_strings_unless_asked_for),
        cmocka_unit_test(guid_and_decimal_are_strings),
        cmocka_unit_test(null_is_null_in_every_type),
        cmocka_unit_test(strings_read_back_whatever_is_in_them),
        cmocka_unit_test(escapes_are_the_least_that_the_grammar_asks_for),
        cmocka_unit_test(ceilings_let_through_what_they_name_and_not_one_more),
        cmocka_unit_test(a_body_that_is_too_long_is_told),
        cmocka_unit_test(a_broken_answer_is_whole_json_with_fewer_rows),
        cmocka_unit_test(a_doubled_answer_has_as_many_rows_but_not_the_same),
        cmocka_unit_test(one_row_cannot_be_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
