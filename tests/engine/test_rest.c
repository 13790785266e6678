/* What the columns of a row do not tell of its line. */
#include "base/memory.h"
#include "engine/duckdb/rest.h"

#include <setjmp.h>

#include <cmocka.h>

enum { COLUMNS = 9 };

static char *const keys[COLUMNS] = {"b", "i", "l", "r", "d", "t", "s", "g", "x"};
static const enum column_type types[COLUMNS] = {COLUMN_BOOL,     COLUMN_INT,     COLUMN_LONG,
                                                COLUMN_REAL,     COLUMN_DECIMAL, COLUMN_DATETIME,
                                                COLUMN_TIMESPAN, COLUMN_GUID,    COLUMN_STRING};

struct stand {
    struct rest *rest;
    struct json_lines *lines;
    struct str names[COLUMNS];
    struct buf scratch;
};

static int set_up(void **state)
{
    struct stand *stand = mem_alloc(1, sizeof *stand, NULL);
    for (size_t i = 0; i < COLUMNS; i++)
        stand->names[i] = str_of(keys[i]);
    const struct json_lines_options options = {.keys = stand->names, .count = COLUMNS};
    stand->rest = rest_new(keys, COLUMNS, NULL);
    stand->lines = json_lines_new(&options, NULL);
    buf_init(&stand->scratch, CONVERT_TEXT_MAX);
    assert_true(stand->rest && stand->lines);
    *state = stand;
    return 0;
}

static int tear_down(void **state)
{
    struct stand *stand = *state;
    rest_free(stand->rest);
    json_lines_free(stand->lines);
    buf_release(&stand->scratch);
    mem_free(stand);
    return 0;
}

/* As a reader of lines does it. */
static struct str rest_of(struct stand *stand, const char *line)
{
    struct error err = ERROR_INIT;
    struct json_object object;
    struct str out;
    size_t at = 0;
    json_lines_reset(stand->lines);
    if (json_lines_next(stand->lines, str_of(line), &at, true, &object, &err) != 1)
        fail_msg("%s: %s", line, err.message);
    rest_begin(stand->rest);
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct json_cell *cell = &object.cells[i];
        union convert_value value = {.big = 0};
        if (!object.present[i])
            continue;
        enum convert_outcome outcome =
            convert_cell(types[i], NULL, object.bytes.p, cell, &stand->scratch, &value);
        if (!convert_keeps(types[i], NULL, object.bytes.p, cell, outcome, value.big))
            rest_add(stand->rest, i, object.bytes.p, cell);
    }
    assert_true(rest_end(stand->rest, object.bytes, &out, &err));
    return out;
}

static void check_cases(struct stand *stand, const char *const (*cases)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str rest = rest_of(stand, cases[i][0]);
        if (!str_eq(rest, str_of(cases[i][1])))
            fail_msg("%s\nhas  %.*s\nnot  %s", cases[i][0], (int) rest.n, rest.p, cases[i][1]);
    }
}

static void what_a_column_gives_back_is_not_kept_twice(void **state)
{
    static const char *const cases[][2] = {
        {"{}", ""},
        {"{\"b\":true,\"i\":-1,\"l\":9223372036854775807,\"r\":0.30000000000000004,\"d\":1.50}",
         ""},
        {"{\"b\":null,\"i\":\"\",\"l\":null,\"x\":\"\",\"g\":\"\"}", ""},
        {"{\"l\":5.0,\"r\":1588205199.824370,\"d\":\"0.10\",\"x\":\"\\u00e9\\ud83d\\ude00\"}", ""},
        {"{\"t\":\"2021-11-07T03:05:00.1234567+02:00\",\"s\":\"-1.00:00:00.0000001\"}", ""},
        {"{\"t\":\"2021-11-07T03:05:00.123456700Z\",\"r\":\"-Infinity\"}", ""},
        {"{\"g\":\"74BE27DE-1E4E-49D9-B579-FE0B331D3642\"}", ""},
        {"{\"r\":9007199254740992,\"l\":-9007199254740993}", ""},
    };
    check_cases(*state, cases, sizeof cases / sizeof *cases);
}

static void what_a_column_does_not_give_back_is_kept(void **state)
{
    static const char *const cases[][2] = {
        {"{\"b\":1}", "{\"b\":1}"},
        {"{\"b\":\"True\"}", "{\"b\":\"True\"}"},
        {"{\"i\":\"7\",\"l\":\" \"}", "{\"i\":\"7\",\"l\":\" \"}"},
        {"{\"i\":2147483648}", "{\"i\":2147483648}"},
        {"{\"l\":9007199254740993.0}", "{\"l\":9007199254740993.0}"},
        {"{\"r\":9007199254740993}", "{\"r\":9007199254740993}"},
        {"{\"r\":0.1234567890123456789}", "{\"r\":0.1234567890123456789}"},
        {"{\"r\":123456789012345678901234567890}", "{\"r\":123456789012345678901234567890}"},
        {"{\"r\":1e999}", "{\"r\":1e999}"},
        {"{\"r\":\"nan\"}", "{\"r\":\"nan\"}"},
        {"{\"d\":\" 1\"}", "{\"d\":\" 1\"}"},
        {"{\"t\":\"11/20/2020, 4:20 PM\"}", "{\"t\":\"11/20/2020, 4:20 PM\"}"},
        {"{\"t\":\"2021-11-07T03:05:00.12345678Z\"}", "{\"t\":\"2021-11-07T03:05:00.12345678Z\"}"},
        {"{\"t\":5}", "{\"t\":5}"},
        {"{\"s\":5}", "{\"s\":5}"},
        {"{\"g\":\"74be27de1e4e49d9b579fe0b331d3642\"}",
         "{\"g\":\"74be27de1e4e49d9b579fe0b331d3642\"}"},
        {"{\"x\":443}", "{\"x\":443}"},
        {"{\"x\":[1, {\"a\" : \"b c\"}]}", "{\"x\":[1,{\"a\":\"b c\"}]}"},
        {"{\"x\":false}", "{\"x\":false}"},
        {"{\"x\":\"\\ud800\"}", "{\"x\":\"\\ud800\"}"},
        {"{\"x\":\"\\\\ud800\"}", ""},
        {"{\"x\":\"\\udc00\\ud800\"}", "{\"x\":\"\\udc00\\ud800\"}"},
    };
    check_cases(*state, cases, sizeof cases / sizeof *cases);
}

static void keys_that_are_no_columns_are_kept_once(void **state)
{
    static const char *const cases[][2] = {
        {"{\"k\":1,\"x\":\"a\",\"m\":{\"n\": 2}}", "{\"k\":1,\"m\":{\"n\":2}}"},
        {"{\"k\":null,\"m\":\"\",\"n\":\" \"}", "{\"n\":\" \"}"},
        {"{\"k\":1,\"m\":2,\"k\":3}", "{\"m\":2,\"k\":3}"},
        {"{\"k\":1,\"k\":null}", ""},
        {"{\"k\":1,\"\\u006b\":2}", "{\"\\u006b\":2}"},
        {"{\"\\u0078\":5,\"X\":6}", "{\"x\":5,\"X\":6}"},
        {"{\"\\ud800\":1,\"\\ud801\":2,\"\":3}", "{\"\\ud800\":1,\"\\ud801\":2,\"\":3}"},
        {"{\"x\":1,\"k\":2,\"x\":\"b\"}", "{\"k\":2}"},
    };
    check_cases(*state, cases, sizeof cases / sizeof *cases);
}

static void a_value_is_found_by_its_key(void **state)
{
    struct stand *stand = *state;
    const struct str object = STR("{\"a\":\"x\\ny\",\"\\u0062\":[1],\"c\":7}");
    struct json_cell cell;
    assert_true(rest_find(object, STR("a"), &stand->scratch, &cell));
    assert_int_equal(cell.kind, JSON_KIND_STRING);
    assert_true(cell.escaped);
    assert_true(str_eq((struct str){object.p + cell.start, cell.length}, STR("x\\ny")));
    assert_true(rest_find(object, STR("b"), &stand->scratch, &cell));
    assert_int_equal(cell.kind, JSON_KIND_ARRAY);
    assert_true(rest_find(object, STR("c"), &stand->scratch, &cell));
    assert_true(str_eq((struct str){object.p + cell.start, cell.length}, STR("7")));
    assert_false(rest_find(object, STR("d"), &stand->scratch, &cell));
    assert_false(rest_find(STR("no object"), STR("a"), &stand->scratch, &cell));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_a_column_gives_back_is_not_kept_twice),
        TEST(what_a_column_does_not_give_back_is_kept),
        TEST(keys_that_are_no_columns_are_kept_once),
        TEST(a_value_is_found_by_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
