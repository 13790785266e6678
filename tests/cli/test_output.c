/* Output: the same rows as JSON, CSV and a table; hostile text stays text. */
#include "cli/output.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COLUMNS = 4 };

/* Two rows in a form: text, long, dynamic, datetime. Freed by the caller. */
static char *shown_with(const char *form, const char *text, const char *n, const char *bag)
{
    struct line line;
    char words[64], *out = NULL;
    size_t size = 0;
    (void) snprintf(words, sizeof words, "query Q -o %s", form);
    line_parse(&line, words);
    assert_true(line.ok);
    line.cli.out = open_memstream(&out, &size);
    struct columns columns = {0};
    struct error err = ERROR_INIT;
    assert_true(columns_add(&columns, STR("name"), COLUMN_STRING, &err));
    assert_true(columns_add(&columns, STR("n"), COLUMN_LONG, &err));
    assert_true(columns_add(&columns, STR("bag"), COLUMN_DYNAMIC, &err));
    assert_true(columns_add(&columns, STR("at"), COLUMN_DATETIME, &err));
    struct cli_output *output = cli_output_new(&line.cli, &columns, &err);
    assert_non_null(output);
    struct cli_cell a[COLUMNS] = {{.text = str_of(text)},
                                  {.text = str_of(n)},
                                  {.text = str_of(bag)},
                                  {.text = STR("2021-11-07T03:05:00.1234567Z")}};
    struct cli_cell b[COLUMNS] = {
        {.text = STR("")}, {.null = true}, {.null = true}, {.null = true}};
    assert_true(cli_output_row(output, a, &err));
    assert_true(cli_output_row(output, b, &err));
    assert_true(cli_output_end(output, &err));
    assert_int_equal(fclose(line.cli.out), 0);
    columns_release(&columns);
    line_release(&line);
    return out;
}

static char *shown(const char *form, const char *text)
{
    return shown_with(form, text, "9007199254740993", "{\"a\":1.10}");
}

static void assert_shown(const char *form, const char *text, const char *want)
{
    char *got = shown(form, text);
    assert_string_equal(got, want);
    free(got);
}

static void json_lines_keep_numbers_and_dynamics(void **state)
{
    (void) state;
    assert_shown("jsonl", "a\"b",
                 "{\"name\":\"a\\\"b\",\"n\":9007199254740993,\"bag\":{\"a\":1.10},\"at\":\"2021-"
                 "11-07T03:05:00.1234567Z\"}\n"
                 "{\"name\":\"\",\"n\":null,\"bag\":null,\"at\":null}\n");
}

/* A server may send anything as a dynamic or a number: it cannot add keys or lines. */
static void json_lines_let_nothing_out_of_its_value(void **state)
{
    (void) state;
    static const struct {
        const char *n, *bag, *want;
    } cases[] = {
        {"1", "1,\"admin\":true", "\"n\":1,\"bag\":\"1,\\\"admin\\\":true\","},
        {"1", "a\nb", "\"n\":1,\"bag\":\"a\\nb\","},
        {"1", "{ \"a\" :\n[1.10, 2] }", "\"n\":1,\"bag\":{\"a\":[1.10,2]},"},
        {"1", "", "\"n\":1,\"bag\":\"\","},
        {"1,\"m\":2", "{}", "\"n\":\"1,\\\"m\\\":2\",\"bag\":{},"},
        {"NaN", "{}", "\"n\":\"NaN\",\"bag\":{},"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = shown_with("jsonl", "x", cases[i].n, cases[i].bag);
        assert_non_null(strstr(got, cases[i].want));
        assert_ptr_equal(strchr(strchr(got, '\n') + 1, '\n'), got + strlen(got) - 1);
        free(got);
    }
}

static void json_is_one_array(void **state)
{
    (void) state;
    char *got = shown("json", "x");
    assert_int_equal(strncmp(got, "[\n{\"name\":\"x\"", 13), 0);
    assert_non_null(strstr(got, "},\n{"));
    assert_string_equal(got + strlen(got) - 4, "}\n]\n");
    free(got);
}

static void csv_quotes_what_needs_it(void **state)
{
    (void) state;
    assert_shown("csv", "a,\"b\"\nc",
                 "name,n,bag,at\r\n\"a,\"\"b\"\"\nc\",9007199254740993,\"{\"\"a\"\":1.10}\","
                 "2021-11-07T03:05:00.1234567Z\r\n,,,\r\n");
}

static void csv_disarms_formulas(void **state)
{
    (void) state;
    const char *const formulas[] = {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1"};
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        char *got = shown("csv", formulas[i]), want[40];
        (void) snprintf(want, sizeof want, "\"'%s\"", formulas[i]);
        assert_non_null(strstr(got, want));
        free(got);
    }
}

static void tables_align_and_show_no_escapes(void **state)
{
    (void) state;
    char *got = shown("table", "red\x1b[31m");
    assert_null(strchr(got, '\x1b'));
    assert_non_null(strstr(got, "\\x1b[31m"));
    struct str rest = str_of(got), head, first;
    assert_true(str_split(&rest, '\n', &head) && str_split(&rest, '\n', &first));
    const char *n = memmem(head.p, head.n, "  n  ", 5),
               *value = memmem(first.p, first.n, "9007199254740993", 16);
    assert_non_null(n);
    assert_non_null(value);
    assert_int_equal(n + 2 - head.p, value + 15 - first.p); /* numbers end under their heading */
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_keep_numbers_and_dynamics),
        cmocka_unit_test(json_lines_let_nothing_out_of_its_value),
        cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(csv_disarms_formulas),
        cmocka_unit_test(tables_align_and_show_no_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
