/* Output: the same rows as JSON, CSV and a table; hostile text stays text. */
#include "cli/output.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COLUMNS = 4 };

/* Two rows in a form: text, long, dynamic, datetime. Freed by the caller. */
static char *shown(const char *form, const char *text)
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
                                  {.text = STR("9007199254740993")},
                                  {.text = STR("{\"a\":1.10}")},
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
        cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(csv_disarms_formulas),
        cmocka_unit_test(tables_align_and_show_no_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
