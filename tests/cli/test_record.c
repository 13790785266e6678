/* Record: what report and metrics say of a run, by its tables. */
#include "support.h"

#include "cli/ending.h"
#include "cli/members.h"
#include "cli/record.h"
#include "json/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A run of three tables: one verified, one with a partition that is not, one that failed. */
struct run {
    struct line line;
    struct cli_context context;
    struct cli_record record;
    struct cli_table tables[3];
    struct export_report reports[2];
    struct export_failed failed;
    struct buf text;
};

static int begin(void **state)
{
    static struct run run;
    run = (struct run){.text = BUF_INIT(1 << 20)};
    line_parse(&run.line, "export A B C --lake \"L\"");
    run.line.cli.command = cli_commands[0];
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, "export") == 0)
            run.line.cli.command = cli_commands[i];
    run.failed = (struct export_failed){.partition = TICK_UNIX_EPOCH,
                                        .verdict = EXPORT_VERDICT_GREW,
                                        .rows = UINT64_MAX,
                                        .rows_expected = 7,
                                        .reasons = "a \"cut\"\n body"};
    run.reports[0] = (struct export_report){.rows = 5, .partitions = 2, .verdicts = {2}};
    run.reports[1] = (struct export_report){
        .partitions = 2, .failed_count = 1, .failed = &run.failed, .failed_listed = 1};
    run.tables[0] = (struct cli_table){.name = "A", .report = &run.reports[0], .ended = true};
    run.tables[1] = (struct cli_table){.name = "B", .report = &run.reports[1], .ended = true};
    run.tables[2] = (struct cli_table){.name = "C\\\"\n"};
    (void) error_set(&run.tables[2].error, ERROR_NOT_FOUND, "\x1b[31mnot there\xff");
    run.record = (struct cli_record){.cli = &run.line.cli,
                                     .context = &run.context,
                                     .tables = run.tables,
                                     .count = 3,
                                     .begun = TICK_UNIX_EPOCH};
    *state = &run;
    return 0;
}

static int end(void **state)
{
    struct run *run = *state;
    buf_release(&run->text);
    line_release(&run->line);
    return 0;
}

static void assert_has(const struct run *run, const char *part)
{
    if (!strstr(buf_text(&run->text), part))
        fail_msg("'%s' is not in:\n%s", part, buf_text(&run->text));
}

static void verdicts_follow_from_how_it_ended(void **state)
{
    struct run *run = *state;
    struct cli_record *record = &run->record;
    assert_string_equal(cli_table_verdict(record, &run->tables[0]), "verified");
    assert_string_equal(cli_table_verdict(record, &run->tables[1]), "incomplete");
    assert_string_equal(cli_table_verdict(record, &run->tables[2]), "failed");
    run->tables[2].error.code = ERROR_INTERRUPTED;
    assert_string_equal(cli_table_verdict(record, &run->tables[2]), "interrupted");
    error_clear(&run->tables[2].error);
    assert_string_equal(cli_table_verdict(record, &run->tables[2]), "waiting");
    record->current = &run->tables[2];
    assert_string_equal(cli_table_verdict(record, &run->tables[2]), "running");
    record->current = NULL;
    assert_string_equal(cli_record_verdict(record), "running");
    record->ended = 1;
    assert_string_equal(cli_record_verdict(record), "verified");
    record->status = 3;
    assert_string_equal(cli_record_verdict(record), "incomplete");
    record->status = 1;
    assert_string_equal(cli_record_verdict(record), "failed");
    (void) error_set(&record->error, ERROR_INTERRUPTED, "interrupted");
    assert_string_equal(cli_record_verdict(record), "interrupted");
}

static void a_report_is_json_whatever_text_is_in_it(void **state)
{
    struct run *run = *state;
    cli_report_put(&run->text, &run->record);
    assert_true(buf_ok(&run->text, "report", NULL));
    assert_true(json_valid(buf_str(&run->text)));
    assert_true(text_utf8_valid(buf_str(&run->text)));
    assert_has(run, "\"rows\":null,\"rows_expected\":7");
    assert_has(run, "\"reasons\":\"a \\\"cut\\\"\\n body\"");
    assert_has(run, "\"verdict\":\"grew\"");
    assert_has(run, "\"ended\":null,\"verdict\":\"running\",\"exit\":null");
    assert_has(run, "\"cost\":null");
}

static void labels_are_escaped(void **state)
{
    struct run *run = *state;
    cli_metrics_put(&run->text, &run->record);
    assert_has(run, "\nweir_export_rows_total{table=\"A\"} 5\n");
    assert_has(run, "\nweir_export_rows_total{table=\"C\\\\\\\"\\n\"} 0\n");
    assert_has(run, "\nweir_export_complete{table=\"A\"} 1\n");
    assert_has(run, "\nweir_export_complete{table=\"B\"} 0\n");
    assert_has(run, "\nweir_export_failed_partitions{table=\"B\"} 1\n");
    assert_has(run, "\nweir_export_partitions{table=\"A\",verdict=\"aged out\"} 0\n");
    assert_has(run, "\nweir_export_running 1\n");
}

static void what_was_told_is_recalled(void **state)
{
    struct run *run = *state;
    run->tables[0].succeeded = 1637280000.5;
    run->tables[1].succeeded = 12;
    cli_metrics_put(&run->text, &run->record);
    run->tables[0].succeeded = run->tables[1].succeeded = 0;
    cli_metrics_recall(buf_str(&run->text), &run->record);
    assert_true(run->tables[0].succeeded == 1637280000.5);
    assert_true(run->tables[1].succeeded == 12);
}

static void nonsense_is_not_recalled(void **state)
{
    struct run *run = *state;
    static const char text[] = "weir_export_last_success_timestamp_seconds{table=\"A\"}\n"
                               "weir_export_last_success_timestamp_seconds{table=\"A\n"
                               "weir_export_last_success_timestamp_seconds{table=\"A\"} x\n"
                               "weir_verify_last_success_timestamp_seconds{table=\"A\"} 5\n"
                               "weir_export_last_success_timestamp_seconds{table=\"Z\"} 5\n\n";
    cli_metrics_recall(str_of(text), &run->record);
    for (size_t i = 0; i < run->record.count; i++)
        assert_true(run->tables[i].succeeded == 0);
}

static void what_was_spent_is_the_tables_own(void **state)
{
    struct run *run = *state;
    cli_record_enter(&run->record, &run->tables[0]);
    cli_record_leave(&run->record);
    assert_true(run->tables[0].spent.seconds >= 0);
    assert_true(run->tables[1].spent.seconds == 0);
    assert_int_equal(run->tables[0].spent.queries, 0);
}

static void the_worse_status_counts(void **state)
{
    (void) state;
    static const int order[] = {0, 3, 2, 1, 130};
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 5; b++)
            assert_int_equal(cli_worse_status(order[a], order[b]), order[a > b ? a : b]);
}

static void verdicts_are_counted_in_words(void **state)
{
    struct run *run = *state;
    char text[CLI_VERDICTS_TEXT];
    struct export_report *report = &run->reports[0];
    report->verdicts[EXPORT_VERDICT_OK] = 2010;
    report->verdicts[EXPORT_VERDICT_AGED_OUT] = 1;
    assert_string_equal(cli_verdicts_text(report, text), "2,010 ok, 1 aged out");
    for (int i = 0; i < EXPORT_VERDICT_COUNT; i++)
        report->verdicts[i] = UINT64_MAX;
    assert_true(strlen(cli_verdicts_text(report, text)) < sizeof text);
}

static void access_other_than_full_is_said(void **state)
{
    (void) state;
    struct export_report report = {.access = LAKE_ACCESS_FULL};
    char text[CLI_SEEN_TEXT];
    assert_string_equal(cli_seen_text(&report, "X", text), "");
    report.access = LAKE_ACCESS_UNKNOWN;
    assert_string_equal(cli_seen_text(&report, "X", text), ", complete as seen by X");
    report.access = LAKE_ACCESS_CONDITIONAL;
    assert_string_equal(cli_seen_text(&report, "X", text), ", complete as seen by X");
    assert_non_null(strstr(cli_seen_text(&report, NULL, text), "complete as seen by"));
}

static void members_have_their_commas(void **state)
{
    struct run *run = *state;
    cli_put_open(&run->text, NULL, '{');
    cli_put_open(&run->text, "a", '[');
    cli_put_number(&run->text, NULL, 1);
    cli_put_bool(&run->text, NULL, true);
    cli_put_close(&run->text, ']');
    cli_put_real(&run->text, "b", 0.5);
    cli_put_real(&run->text, "c", nan(""));
    cli_put_time(&run->text, "d", 0);
    cli_put_text(&run->text, "e", "[");
    cli_put_open(&run->text, "f", '{');
    cli_put_close(&run->text, '}');
    cli_put_close(&run->text, '}');
    assert_string_equal(
        buf_text(&run->text),
        "{\"a\":[1,true],\"b\":0.500000,\"c\":null,\"d\":null,\"e\":\"[\",\"f\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(verdicts_follow_from_how_it_ended, begin, end),
        cmocka_unit_test_setup_teardown(a_report_is_json_whatever_text_is_in_it, begin, end),
        cmocka_unit_test_setup_teardown(labels_are_escaped, begin, end),
        cmocka_unit_test_setup_teardown(what_was_told_is_recalled, begin, end),
        cmocka_unit_test_setup_teardown(nonsense_is_not_recalled, begin, end),
        cmocka_unit_test_setup_teardown(what_was_spent_is_the_tables_own, begin, end),
        cmocka_unit_test(the_worse_status_counts),
        cmocka_unit_test_setup_teardown(verdicts_are_counted_in_words, begin, end),
        cmocka_unit_test(access_other_than_full_is_said),
        cmocka_unit_test_setup_teardown(members_have_their_commas, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
