/* Names: which tables a line and the file of --many name, and which it refuses. */
#include "support.h"

#include "cli/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool read_names(struct line *line, const char *words, const char *file,
                       struct cli_names *names)
{
    char text[512];
    const char *path = file ? temporary_file("tables.txt", file) : "";
    (void) snprintf(text, sizeof text, "export %s%s%s", words, file ? " --many " : "", path);
    line_parse(line, text);
    assert_true(line->ok);
    return cli_names_read(&line->cli, names, &line->err);
}

static void assert_names(const char *words, const char *file, const char *wanted)
{
    struct line line;
    struct cli_names names;
    char joined[256] = "";
    if (!read_names(&line, words, file, &names))
        fail_msg("%s", line.err.message);
    for (size_t i = 0; i < names.count; i++) {
        (void) strcat(joined, names.v[i]);
        (void) strcat(joined, ";");
    }
    assert_string_equal(joined, wanted);
    line_release(&line);
}

static void assert_refused(const char *words, const char *file, const char *message)
{
    struct line line;
    struct cli_names names;
    assert_false(read_names(&line, words, file, &names));
    if (!strstr(line.err.message, message))
        fail_msg("%s", line.err.message);
    line_release(&line);
}

static void names_stand_in_the_order_of_line_and_file(void **state)
{
    (void) state;
    assert_names("A B", NULL, "A;B;");
    assert_names("A", "B\nC", "A;B;C;");
    assert_names("", "# first\n\n  B  \r\n\tC # second\n#D\nE#F\n", "B;C;E;");
}

static void a_name_stands_once(void **state)
{
    (void) state;
    assert_refused("A a", NULL, "'a' is named twice");
    assert_refused("A", "B\nA\n", "line 2: table 'A' is named twice");
}

static void a_line_is_one_name(void **state)
{
    (void) state;
    assert_refused("", "A\nB C\n", "line 2: 'B C'");
    assert_refused("", "A,B\n", "line 1: 'A,B'");
    assert_refused("", "# nothing\n\n", "names no table");
    assert_refused("", NULL, "needs TABLE");
}

static void no_more_names_than_a_line_may_have(void **state)
{
    (void) state;
    char *text = malloc(CLI_NAMES_MAX * 8 + 16);
    assert_non_null(text);
    size_t used = 0;
    for (int i = 0; i <= CLI_NAMES_MAX; i++)
        used += (size_t) sprintf(text + used, "T%d\n", i);
    assert_refused("", text, "more than");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stand_in_the_order_of_line_and_file),
        cmocka_unit_test(a_name_stands_once),
        cmocka_unit_test(a_line_is_one_name),
        cmocka_unit_test(no_more_names_than_a_line_may_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
