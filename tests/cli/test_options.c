/* The command line: where options may stand, what is refused and with which help. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_error(const char *words, const char *message, const char *hint)
{
    struct line line;
    line_parse(&line, words);
    assert_false(line.ok);
    assert_int_equal(line.err.code, ERROR_USAGE);
    if (!strstr(line.err.message, message) || !strstr(line.err.hint, hint))
        fail_msg("%s: %s / %s", words, line.err.message, line.err.hint);
    line_release(&line);
}

static void shared_options_stand_before_or_after_the_command(void **state)
{
    (void) state;
    const char *const lines[] = {"--lake L export T", "export T --lake L", "export --lake=L T",
                                 "-q --lake L export T"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct line line;
        line_parse(&line, lines[i]);
        assert_true(line.ok);
        assert_string_equal(line.cli.command->name, "export");
        assert_string_equal(cli_text(&line.cli, CLI_LAKE), "L");
        assert_int_equal(line.cli.arg_count, 1);
        assert_string_equal(line.cli.args[0], "T");
        line_release(&line);
    }
}

static void commands_of_two_words_are_found(void **state)
{
    (void) state;
    struct line line;
    line_parse(&line, "--lake L lake stat T");
    assert_true(line.ok);
    assert_string_equal(line.cli.command->name, "lake stat");
    assert_string_equal(line.cli.args[0], "T");
    line_release(&line);
}

static void letters_may_be_joined(void **state)
{
    (void) state;
    struct line line;
    line_parse(&line, "preview T -qvn7");
    assert_true(line.ok);
    assert_true(cli_flag(&line.cli, CLI_QUIET) && cli_flag(&line.cli, CLI_VERBOSE));
    assert_int_equal(cli_number(&line.cli, CLI_ROWS, 0), 7);
    line_release(&line);
}

static void after_two_dashes_all_is_argument(void **state)
{
    (void) state;
    struct line line;
    line_parse(&line, "query -- --odd");
    assert_true(line.ok);
    assert_string_equal(line.cli.args[0], "--odd");
    line_release(&line);
}

static void mistakes_get_the_nearest_name(void **state)
{
    (void) state;
    assert_error("exprot T", "no command 'exprot'", "'export'");
    assert_error("export T --dyas 3", "no option --dyas", "--days");
    assert_error("lake", "second word", "");
    assert_error("preview T --refresh", "no option --refresh", "");
    assert_error("export T --days", "needs a value", "");
    assert_error("export T --days many", "whole number", "");
    assert_error("export T --wait soon", "duration", "");
    assert_error("query Q --output xml", "one of table", "");
    assert_error("export T --max-cost much", "a number such as 12.50", "");
    assert_error("export T --max-cost -1", "a number such as 12.50", "");
    assert_error("export T --passes 3", "one of 1|2", "");
    assert_error("export T --plan free", "one of analytics", "");
    assert_error("verify A B", "one argument too many", "");
    assert_error("export T --tier warm", "one of hot|cool|cold|archive", "");
    assert_error("export T --sign-in magic", "one of auto|settings", "");
}

static void the_environment_stands_behind_the_line(void **state)
{
    (void) state;
    assert_int_equal(setenv("WEIR_LAKE", "from-environment", 1), 0);
    struct line line;
    line_parse(&line, "export T");
    assert_string_equal(cli_text(&line.cli, CLI_LAKE), "from-environment");
    line_release(&line);
    line_parse(&line, "export T --lake from-line");
    assert_string_equal(cli_text(&line.cli, CLI_LAKE), "from-line");
    line_release(&line);
    assert_int_equal(unsetenv("WEIR_LAKE"), 0);
}

static void a_wrong_value_in_the_environment_names_its_variable(void **state)
{
    (void) state;
    assert_int_equal(setenv("WEIR_BATCH_ROWS", "lots", 1), 0);
    struct line line;
    line_parse(&line, "export T");
    assert_false(line.ok);
    assert_int_equal(line.err.code, ERROR_SETTINGS);
    assert_non_null(strstr(line.err.message, "WEIR_BATCH_ROWS"));
    line_release(&line);
    assert_int_equal(unsetenv("WEIR_BATCH_ROWS"), 0);
}

static void several_tables_are_one_line(void **state)
{
    (void) state;
    struct line line;
    line_parse(&line, "export A --days 3 B C --max-cost 12.5 --many F");
    assert_true(line.ok);
    assert_int_equal(line.cli.arg_count, 3);
    assert_string_equal(line.cli.args[2], "C");
    assert_string_equal(cli_text(&line.cli, CLI_MANY), "F");
    assert_true(cli_decimal(&line.cli, CLI_MAX_COST, 0) == 12.5);
    assert_true(cli_decimal(&line.cli, CLI_DAYS, 0) == 3);
    line_release(&line);
}

static void secrets_are_given_by_reference_alone(void **state)
{
    (void) state;
    static const char *const names[] = {"client-secret", "certificate", "certificate-password",
                                        "storage-key", "storage-sas"};
    static const char *const good[] = {"env:NAME", "file:/run/secrets/key"};
    static const char *const bad[] = {"hunter2~secret", "sv=2021&sig=hunter2",
                                      "env:", "file:", "https://hunter2.example.com/"};
    char words[200];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t k = 0; k < sizeof good / sizeof *good; k++) {
            struct line line;
            (void) snprintf(words, sizeof words, "export T --%s %s", names[i], good[k]);
            line_parse(&line, words);
            if (!line.ok)
                fail_msg("%s: %s", words, line.err.message);
            line_release(&line);
        }
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            struct line line;
            (void) snprintf(words, sizeof words, "export T --%s %s", names[i], bad[k]);
            line_parse(&line, words);
            assert_false(line.ok);
            assert_int_equal(line.err.code, ERROR_USAGE);
            assert_non_null(strstr(line.err.message, names[i]));
            assert_null(strstr(line.err.message, "hunter2"));
            assert_non_null(strstr(line.err.hint, "env:NAME"));
            assert_non_null(strstr(line.err.hint, "file:PATH"));
            assert_non_null(strstr(line.err.hint, "keyvault://"));
            line_release(&line);
        }
    }
}

/* It would be shown, logged, and stand in the report. */
static void the_address_of_a_lake_holds_no_secret(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "--lake https://a.blob.core.windows.net/c?sv=2021&sig=hunter2 export T",
        "--lake https://me:hunter2@a.blob.core.windows.net/c export T",
        "--lake https://a.blob.core.windows.net --storage-key env:K --storage-sas env:S export T"};
    static const char *const good[] = {
        "--lake abfss://lake@a.dfs.core.windows.net/x export T", "--lake ./odd?name@x export T",
        "--lake http://127.0.0.1:10000/devstoreaccount1 --storage-key env:K export T"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct line line;
        line_parse(&line, bad[i]);
        assert_false(line.ok);
        assert_int_equal(line.err.code, ERROR_SETTINGS);
        assert_null(strstr(line.err.message, "hunter2"));
        line_release(&line);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct line line;
        line_parse(&line, good[i]);
        assert_true(line.ok);
        line_release(&line);
    }
}

static void the_nearer_secret_of_the_lake_counts(void **state)
{
    (void) state;
    struct line line;
    assert_int_equal(setenv("WEIR_STORAGE_KEY", "env:KEY", 1), 0);
    line_parse(&line, "export T --lake https://a.blob.core.windows.net --storage-sas env:SAS");
    assert_true(line.ok);
    assert_null(cli_text(&line.cli, CLI_STORAGE_KEY));
    assert_string_equal(cli_text(&line.cli, CLI_STORAGE_SAS), "env:SAS");
    line_release(&line);
    assert_int_equal(unsetenv("WEIR_STORAGE_KEY"), 0);
}

static void a_first_word_alone_shows_its_commands(void **state)
{
    (void) state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(cli_help_group(out, "lake"));
    assert_false(cli_help_group(out, "lak"));
    assert_false(cli_help_group(out, "export"));
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "lake ls"));
    assert_non_null(strstr(text, "lake stat"));
    free(text);
}

/* The form of messages is wanted for the very error that keeps the line from being read. */
static void the_form_of_errors_is_found_in_a_line_that_is_refused(void **state)
{
    (void) state;
    static const struct {
        const char *words;
        bool json;
    } cases[] = {{"exprot --log-format json", true},     {"--log-format=json exprot", true},
                 {"exprot --log-format text", false},    {"export --nope --log-format=json", true},
                 {"exprot -- --log-format json", false}, {"exprot --log-format", false},
                 {"exprot --log-formats json", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct line line;
        line_parse(&line, cases[i].words);
        assert_false(line.ok);
        int n = 0;
        while (line.words[n])
            n++;
        cli_parse_log_format(&line.cli, n, line.words);
        if (cli_log_is_json(&line.cli) != cases[i].json)
            fail_msg("%s", cases[i].words);
        line_release(&line);
    }
}

/* What is seldom needed is only named there. */
static void help_fits_a_screen(void **state)
{
    (void) state;
    enum { LINES = 50, COLUMNS = 132 };
    for (int i = 0; cli_commands[i]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        cli_help(out, cli_commands[i]);
        assert_int_equal(fclose(out), 0);
        struct str rest = {text, size}, line;
        int lines = 0;
        for (; str_split(&rest, '\n', &line); lines++)
            if (line.n > COLUMNS)
                fail_msg("%s: %.*s", cli_commands[i]->name, (int) line.n, line.p);
        assert_true(lines < LINES);
        for (int k = 0; cli_commands[i]->options[k] != CLI_OPTION_COUNT; k++)
            assert_non_null(strstr(text, cli_options[cli_commands[i]->options[k]].name));
        free(text);
    }
}

/* What a command lacks here, help, manual and completion would lack too. */
static void every_command_is_described_whole(void **state)
{
    (void) state;
    for (int i = 0; cli_commands[i]; i++) {
        const struct cli_command *command = cli_commands[i];
        assert_true(command->purpose && command->purpose[0] &&
                    command->purpose[strlen(command->purpose) - 1] != '.');
        assert_true(command->about && strlen(command->about) > 20);
        assert_true(command->example && strstr(command->example, "weir "));
        assert_non_null(command->run);
        int n = 0;
        while (n < CLI_COMMAND_OPTIONS_MAX && command->options[n] != CLI_OPTION_COUNT)
            n++;
        assert_true(n < CLI_COMMAND_OPTIONS_MAX);
    }
}

static void examples_are_valid_lines(void **state)
{
    (void) state;
    for (int i = 0; cli_commands[i]; i++) {
        const char *example = cli_commands[i]->example;
        if (strncmp(example, "weir ", 5) != 0 || strpbrk(example, "'|<"))
            continue;
        struct line line;
        line_parse(&line, example + 5);
        if (!line.ok)
            fail_msg("%s: %s", example, line.err.message);
        assert_ptr_equal(line.cli.command, cli_commands[i]);
        line_release(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_options_stand_before_or_after_the_command),
        cmocka_unit_test(commands_of_two_words_are_found),
        cmocka_unit_test(letters_may_be_joined),
        cmocka_unit_test(after_two_dashes_all_is_argument),
        cmocka_unit_test(mistakes_get_the_nearest_name),
        cmocka_unit_test(the_environment_stands_behind_the_line),
        cmocka_unit_test(a_wrong_value_in_the_environment_names_its_variable),
        cmocka_unit_test(several_tables_are_one_line),
        cmocka_unit_test(secrets_are_given_by_reference_alone),
        cmocka_unit_test(the_nearer_secret_of_the_lake_counts),
        cmocka_unit_test(a_first_word_alone_shows_its_commands),
        cmocka_unit_test(the_address_of_a_lake_holds_no_secret),
        cmocka_unit_test(the_form_of_errors_is_found_in_a_line_that_is_refused),
        cmocka_unit_test(help_fits_a_screen),
        cmocka_unit_test(every_command_is_described_whole),
        cmocka_unit_test(examples_are_valid_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
