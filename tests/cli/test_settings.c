/* Settings: one profile of weir.yaml; what is wrong in it is said with its line. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void read_with(struct line *line, const char *yaml, const char *more)
{
    char words[300];
    (void) snprintf(words, sizeof words, "export T --config %s %s",
                    temporary_file("weir.yaml", yaml), more);
    line_parse(line, words);
}

static void assert_refused(const char *yaml, const char *message, const char *hint)
{
    struct line line;
    read_with(&line, yaml, "");
    assert_false(line.ok);
    assert_int_equal(line.err.code, ERROR_SETTINGS);
    if (!strstr(line.err.message, message) || !strstr(line.err.hint, hint))
        fail_msg("%s / %s", line.err.message, line.err.hint);
    line_release(&line);
}

static const char *const two = "profile: b\n"
                               "profiles:\n"
                               "  a:\n    lake: lake-a\n    batch-rows: 7\n"
                               "  b:\n    lake: lake-b\n";

static void the_named_profile_counts(void **state)
{
    (void) state;
    struct line line;
    read_with(&line, two, "--profile a");
    assert_true(line.ok);
    assert_string_equal(cli_text(&line.cli, CLI_LAKE), "lake-a");
    assert_int_equal(cli_number(&line.cli, CLI_BATCH_ROWS, 0), 7);
    line_release(&line);
}

static void else_the_files_own(void **state)
{
    (void) state;
    struct line line;
    read_with(&line, two, "");
    assert_true(line.ok);
    assert_string_equal(cli_text(&line.cli, CLI_LAKE), "lake-b");
    assert_int_equal(cli_number(&line.cli, CLI_BATCH_ROWS, 0), 0);
    line_release(&line);
}

static void else_the_only_one(void **state)
{
    (void) state;
    struct line line;
    read_with(&line, "profiles:\n  x: {lake: there}\n", "");
    assert_true(line.ok);
    assert_string_equal(cli_text(&line.cli, CLI_LAKE), "there");
    line_release(&line);
}

static void the_line_is_stronger_than_the_file(void **state)
{
    (void) state;
    struct line line;
    read_with(&line, two, "--lake here");
    assert_true(line.ok);
    assert_string_equal(cli_text(&line.cli, CLI_LAKE), "here");
    line_release(&line);
}

static void mistakes_are_said_with_their_line(void **state)
{
    (void) state;
    assert_refused("profiles:\n  a:\n    lkae: x\n", "line 3: there is no setting 'lkae'",
                   "'lake'");
    assert_refused("profiles:\n  a:\n    batch-rows: many\n", "line 3", "");
    assert_refused("profiles:\n  a:\n    lake: [x]\n", "line 3: one value", "");
    assert_refused("lake: x\n", "line 1: 'lake' is not known here", "");
    assert_refused("profiles:\n  a: {lake: x\n", "not YAML", "");
    assert_refused("profiles:\n  a: {lake: x}\n  b: {lake: y}\n", "2 profiles", "--profile a");
    assert_refused("profile: c\nprofiles:\n  a: {lake: x}\n", "no profile 'c'", "");
}

static void options_of_one_run_are_no_settings(void **state)
{
    (void) state;
    assert_refused("profiles:\n  a:\n    days: 3\n", "no setting 'days'", "");
    assert_refused("profiles:\n  a:\n    refresh: true\n", "no setting 'refresh'", "");
}

static void a_secret_by_value_is_refused_and_not_shown(void **state)
{
    (void) state;
    struct line line;
    read_with(&line, "profiles:\n  a:\n    client-secret: hunter2~secret\n", "");
    assert_false(line.ok);
    assert_null(strstr(line.err.message, "hunter2"));
    assert_null(strstr(line.err.hint, "hunter2"));
    assert_non_null(strstr(line.err.hint, "env:NAME"));
    line_release(&line);
    assert_refused("profiles:\n  a:\n    storage-sas: sv=1&sig=x\n",
                   "line 3: --storage-sas must say", "keyvault://");
    assert_refused("profiles:\n  a:\n    lake: https://a.blob.core.windows.net/c?sig=x\n",
                   "holds more than an address", "--storage-sas");
}

static void a_named_file_must_be_there(void **state)
{
    (void) state;
    struct line line;
    line_parse(&line, "export T --config /nonexistent/weir.yaml");
    assert_false(line.ok);
    assert_int_equal(line.err.code, ERROR_SETTINGS);
    line_release(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_named_profile_counts),
        cmocka_unit_test(else_the_files_own),
        cmocka_unit_test(else_the_only_one),
        cmocka_unit_test(the_line_is_stronger_than_the_file),
        cmocka_unit_test(mistakes_are_said_with_their_line),
        cmocka_unit_test(options_of_one_run_are_no_settings),
        cmocka_unit_test(a_secret_by_value_is_refused_and_not_shown),
        cmocka_unit_test(a_named_file_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
