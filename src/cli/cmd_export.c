/* weir export: history into the lake, proven. */
#include "cli/progress.h"
#include "cli/source.h"

static const uint64_t ask_bytes = 100000000000; /* 100 GB */
static const double ask_seconds = 24 * 3600.0;  /* or a day of work */

static bool on_begin(void *context, const struct export_estimate *estimate, struct error *err)
{
    const struct cli_progress *progress = context;
    const struct cli *cli = progress->cli;
    char rows[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX], blobs[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX];
    (void) text_count(estimate->total.rows, rows);
    (void) text_bytes(estimate->total.json, json);
    (void) text_grouped(estimate->total.partitions, blobs);
    (void) text_duration(estimate->seconds, time);
    if (estimate->total.rows == 0)
        cli_note(cli, "nothing is left to fetch");
    else
        cli_note(cli, "%s rows, %s as JSON, %s partitions, about %s. To %s.", rows, json, blobs,
                 time, cli_text(cli, CLI_LAKE));
    bool large = estimate->total.json > ask_bytes || estimate->seconds > ask_seconds;
    return !large || cli_confirm(cli, err, "this export is %s and takes about %s.", json, time);
}

static void list_failed(const struct cli *cli, const struct export_report *report)
{
    char failed[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX];
    cli_last(cli,
             "%s partitions of %s do not verify. Everything else does; run the same command again "
             "to fetch them.",
             text_grouped(report->failed_count, failed), text_grouped(report->partitions, all));
    for (size_t i = 0; i < report->failed_listed; i++) {
        const struct export_failed *one = &report->failed[i];
        char time[TICK_TEXT_MAX], rows[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];
        (void) tick_format_short(one->partition, time);
        cli_last(cli, "  %s   rows %s of %s   fetched %u times: %s", time,
                 text_grouped(one->rows, rows), text_grouped(one->rows_expected, expected),
                 one->tries, one->reasons);
    }
    if (report->failed_count > report->failed_listed)
        cli_last(cli, "  and %s more",
                 text_grouped(report->failed_count - report->failed_listed, failed));
}

static void say_verified(const struct cli *cli, const struct export_report *report,
                         const struct lake_place *place)
{
    char parts[TEXT_NUMBER_MAX], rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX];
    char skipped[TEXT_NUMBER_MAX + 40] = "";
    if (report->skipped > 0) {
        char number[TEXT_NUMBER_MAX];
        (void) snprintf(skipped, sizeof skipped, " %s were already.",
                        text_grouped(report->skipped, number));
    }
    char outlived[TEXT_NUMBER_MAX];
    if (report->outlived > 0)
        cli_last(
            cli,
            "%s partitions have rows in the lake that the workspace no longer has; they are kept",
            text_grouped(report->outlived, outlived));
    struct buf ledger = BUF_INIT(STORE_NAME_MAX);
    lake_own_prefix(&ledger, place);
    cli_last(cli,
             "%s partitions verified: %s rows, counts%s equal.%s %s in %s. Ledger %s/%s/ledger",
             text_grouped(report->partitions, parts), text_grouped(report->rows_verified, rows),
             report->proof == LAKE_PROOF_SUM ? " and sums" : "", skipped, text_bytes(report->bytes, bytes),
             text_duration(report->seconds, time), cli_text(cli, CLI_LAKE), buf_text(&ledger));
    buf_release(&ledger);
}

static int run_export(struct cli *cli, const struct export_options *options, struct error *err)
{
    struct export_report report;
    struct cli_progress progress;
    cli_progress_begin(&progress, cli);
    progress.watch.begin = on_begin;
    struct export_options watched = *options;
    watched.watch = &progress.watch;
    bool ok = export_run(&watched, &report, err);
    cli_progress_end(&progress);
    int status = !ok ? -1 : report.failed_count > 0 ? 3 : 0;
    if (status == 3)
        list_failed(cli, &report);
    else if (status == 0)
        say_verified(cli, &report, &options->source.place);
    export_report_release(&report);
    return status;
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct export_options options = {0};
    struct cli_range range;
    struct str text = {0};
    int status = -1;
    if (cli_range_need(cli, tick_now(), &range, err) && cli_open_store(cli, &context, err) &&
        cli_open_workspace(cli, &context, err) &&
        cli_source_read(cli, &context, &range, &options, &text, err))
        status = run_export(cli, &options, err);
    if (status < 0 && err->code == ERROR_KQL) {
        cli_show_error(cli, err, text);
        status = error_exit_status(ERROR_KQL);
    }
    cli_close(&context);
    return status;
}

const struct cli_command cli_command_export = {
    .name = "export",
    .arguments = "TABLE",
    .purpose = "history into the lake; run it again and it resumes; ends with a verified ledger",
    .about = "Takes a table, or the rows of a query, out of the workspace and lays them down in "
             "the lake in the layout of the "
             "service's own continuous export: one blob for each five minutes.\n\n"
             "First the workspace counts rows for each partition, as of a moment 15 minutes back "
             "(--settle), with an "
             "order-free sum over _ItemId. Then the rows are fetched in batches, oldest first, and "
             "every partition is "
             "compared with its count before the ledger calls it verified. It ends in one of two "
             "ways: every partition "
             "verified, or exit status 3 and the list of those that are not.\n\n"
             "What the ledger holds as verified is skipped, so the same command may be run again "
             "at any time, or every day "
             "with --days 30. Partitions that were younger than three days when they were verified "
             "are counted again, since "
             "rows may have come late. --refresh fetches everything again.\n\n"
             "Batches are packed under the service's three ceilings: 500,000 rows, 64,000,000 "
             "engine bytes and 100,000,000 "
             "bytes of JSON; the size of a row is learned on the way. Smaller batches "
             "(--batch-rows, --batch-span) help where "
             "queries time out on a busy workspace; a longer --wait helps where a few minutes of "
             "data are very large. More "
             "than five queries at once do not help: the service queues the sixth, and refuses "
             "what waits three minutes.\n\n"
             "A query given with --query must keep TimeGenerated, and can be cut into batches only "
             "where every operator works "
             "row by row (where, extend, project, parse, mv-expand, union of tables). Any other is "
             "refused, or asked for whole "
             "with --one-batch.",
    .example = "weir export CommonSecurityLog --end-date 2021-11-07 --lookback-days 7",
    .args_max = 1,
    .options = {CLI_RANGE_OPTIONS, CLI_SOURCE_OPTIONS, CLI_BATCH_OPTIONS, CLI_SETTLE, CLI_REFRESH,
                CLI_KEEP_EMPTY, CLI_MEMORY, CLI_OPTION_COUNT},
    .run = run,
};
