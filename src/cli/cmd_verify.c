/* weir verify: the lake against its ledger, and the ledger against the workspace. */
#include "cli/ending.h"
#include "cli/output.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "cli/verification.h"

enum { LATE_SHOWN = 5 };

struct verify {
    struct cli *cli;
    struct cli_context context;
    struct cli_range range;
    struct cli_record record;
    struct cli_verification found;
    struct export_options options;
    struct lake_tables tables; /* offline: those of the lake */
    struct str text;           /* the query, for its errors */
};

static bool is_offline(const struct verify *verify)
{
    return cli_flag(verify->cli, CLI_OFFLINE);
}

/* -- where the table is -- */

/* Offline only the lake is needed: it says which workspace its table is of. */
static bool find_place(struct verify *verify, struct error *err)
{
    return lake_tables_find(verify->context.store, &verify->tables, err) &&
           cli_place_find(verify->cli, &verify->tables, verify->cli->args[0],
                          &verify->context.place, err);
}

static bool open_offline(struct verify *verify, struct error *err)
{
    struct export_options *options = &verify->options;
    if (!cli_open_store(verify->cli, &verify->context, err) || !find_place(verify, err))
        return false;
    *options = (struct export_options){.store = verify->context.store, .stop = verify->cli->stop};
    options->source.place = verify->context.place;
    options->source.from = verify->range.from;
    options->source.to = verify->range.to;
    return true;
}

static bool open_online(struct verify *verify, struct error *err)
{
    struct cli_context *context = &verify->context;
    return cli_open_store(verify->cli, context, err) &&
           cli_open_workspace(verify->cli, context, err) &&
           cli_source_read(verify->cli, context, &verify->range, &verify->options, &verify->text,
                           err);
}

/* -- the list -- */

static const struct {
    const char *name;
    enum column_type type;
} list_columns[] = {{"partition", COLUMN_DATETIME},
                    {"verdict", COLUMN_STRING},
                    {"rows", COLUMN_LONG},
                    {"rows_expected", COLUMN_LONG},
                    {"reasons", COLUMN_STRING}};

enum { LIST_COLUMNS = sizeof list_columns / sizeof *list_columns };

static bool put_failed(struct cli_output *output, const struct export_failed *one, bool people,
                       struct error *err)
{
    char time[TICK_TEXT_MAX], rows[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];
    bool known = one->rows != UINT64_MAX;
    (void) (people ? tick_format_short : tick_format)(one->partition, time);
    (void) snprintf(rows, sizeof rows, "%llu", (unsigned long long) one->rows);
    (void) snprintf(expected, sizeof expected, "%llu", (unsigned long long) one->rows_expected);
    if (people) {
        (void) text_grouped(one->rows, rows);
        (void) text_grouped(one->rows_expected, expected);
    }
    struct cli_cell cells[LIST_COLUMNS] = {
        {.text = str_of(time)},
        {.text = str_of(export_verdict_text(one->verdict))},
        {.text = str_of(known ? rows : "-"), .null = !known && !people},
        {.text = str_of(expected)},
        {.text = str_of(one->reasons)}};
    return cli_output_row(output, cells, err);
}

/* The list is the result: for people where there is one, for machines always, unless the report takes its place. */
static bool put_list(const struct verify *verify, struct error *err)
{
    struct cli *cli = verify->cli;
    const struct export_report *report = &verify->found.report;
    const char *path = cli_text(cli, CLI_REPORT);
    bool people = cli_output_is_table(cli);
    if ((people && report->failed_listed == 0) || (path && strcmp(path, "-") == 0))
        return true;
    struct columns columns = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < LIST_COLUMNS; i++)
        ok = columns_add(&columns, str_of(list_columns[i].name), list_columns[i].type, err);
    struct cli_output *output = ok ? cli_output_new(cli, &columns, err) : NULL;
    ok = output != NULL;
    for (size_t i = 0; ok && i < report->failed_listed; i++)
        ok = put_failed(output, &report->failed[i], people, err);
    if (ok)
        ok = cli_output_end(output, err);
    else
        cli_output_free(output);
    columns_release(&columns);
    return ok;
}

/* -- what is said -- */

static void say_lacking(const struct verify *verify)
{
    const struct cli_verification *found = &verify->found;
    char lacking[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX];
    if (found->lacking > 0)
        cli_last(verify->cli,
                 "%s of %s partitions of the range are not in the ledger; weir export with the "
                 "same range fetches them",
                 text_grouped(found->lacking, lacking), text_grouped(found->asked, asked));
}

/* Rows that came since: the first partitions by name, all by number. */
static void say_late(const struct verify *verify)
{
    const struct export_report *report = &verify->found.report;
    char rows[CLI_COUNT_TEXT], partitions[CLI_COUNT_TEXT], names[LATE_SHOWN * 40] = "";
    size_t used = 0;
    if (report->late_count == 0)
        return;
    for (size_t i = 0; i < report->late_listed && i < LATE_SHOWN; i++) {
        char time[TICK_TEXT_MAX];
        (void) tick_format_short(report->late[i].partition, time);
        int n = snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", time);
        used += n > 0 ? (size_t) n : 0;
    }
    cli_last(verify->cli, "%s came late to %s, since verified: %s%s. weir export fetches what came",
             cli_count_text(report->late_rows, "row", rows),
             cli_count_text(report->late_count, "partition", partitions), names,
             report->late_count > LATE_SHOWN ? " and others" : "");
}

static void say_outlived(const struct verify *verify)
{
    const struct export_report *report = &verify->found.report;
    char number[CLI_COUNT_TEXT];
    if (report->outlived > 0)
        cli_note(verify->cli, "%s %s rows in the lake that the workspace no longer has%s",
                 cli_count_text(report->outlived, "partition", number),
                 report->outlived == 1 ? "has" : "have",
                 report->access == LAKE_ACCESS_FULL ? "" : ", or does not show this identity");
    if (report->vanished > 0)
        cli_last(verify->cli, "%s that the ledger knew of %s nowhere any more",
                 cli_count_text(report->vanished, "row", number),
                 report->vanished == 1 ? "is" : "are");
}

static void tell_list(const struct verify *verify)
{
    const struct export_report *report = &verify->found.report;
    for (size_t i = 0; cli_log_is_json(verify->cli) && i < report->failed_listed; i++)
        cli_tell_failed(verify->cli, verify->options.source.place.table, &report->failed[i],
                        "a partition does not verify");
}

static void say_failed(const struct verify *verify)
{
    const struct export_report *report = &verify->found.report;
    char bad[TEXT_NUMBER_MAX], all[CLI_COUNT_TEXT], verdicts[CLI_VERDICTS_TEXT];
    uint64_t partitions = verify->found.totals.partitions;
    uint64_t failed = report->failed_count - verify->found.brought_failed;
    /* The workspace was asked of those without a line too. */
    partitions = verify->found.asked > partitions ? verify->found.asked : partitions;
    cli_last(verify->cli, "%s", cli_verdicts_text(report, verdicts));
    cli_last(verify->cli, "%s of %s of %s %s not verify; weir export --repair fetches %s",
             text_grouped(failed, bad), cli_count_text(partitions, "partition", all),
             verify->options.source.place.table, failed == 1 ? "does" : "do",
             failed == 1 ? "it" : "them");
}

static void say_verified(const struct verify *verify)
{
    const struct cli_verification *found = &verify->found;
    char parts[CLI_COUNT_TEXT], rows[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX], seen[CLI_SEEN_TEXT];
    cli_last(verify->cli, "%s of %s verified against %s%s: %s, %s",
             cli_count_text(found->totals.partitions, "partition", parts),
             verify->options.source.place.table,
             is_offline(verify) ? "its ledger" : "its ledger and the workspace",
             cli_seen_text(&found->report, verify->record.identity, seen),
             cli_count_text(found->totals.rows, "row", rows),
             text_bytes(found->totals.bytes, bytes));
    if (!found->by_listing)
        return;
    cli_note(verify->cli, "the blobs were compared by size and MD5, as the store lists them; "
                          "--offline reads them all");
    if (found->totals.unread > 0)
        cli_last(verify->cli, "%s blob%s by size alone: the store or the ledger has no MD5 of %s",
                 text_grouped(found->totals.unread, rows), found->totals.unread == 1 ? "" : "s",
                 found->totals.unread == 1 ? "it" : "them");
}

static void say_imports(const struct verify *verify)
{
    const struct cli_verification *found = &verify->found;
    const struct lake_check_imports *totals = &found->totals.imports;
    const char *table = verify->options.source.place.table;
    uint64_t killed = totals->findings[LAKE_FINDING_UNRECORDED];
    uint64_t failed = found->brought_failed - killed;
    char parts[CLI_COUNT_TEXT], imports[CLI_COUNT_TEXT], rows[CLI_COUNT_TEXT],
        bytes[TEXT_NUMBER_MAX], bad[TEXT_NUMBER_MAX];
    if (killed > 0)
        cli_last(verify->cli,
                 "%s of %s %s of an import that is under way, or was killed: then the same weir "
                 "partition command finishes it",
                 cli_count_text(killed, "partition", parts), table, killed == 1 ? "is" : "are");
    (void) cli_count_text(totals->partitions - killed, "partition", parts);
    (void) cli_count_text(found->imports, "import", imports);
    if (failed > 0)
        cli_last(verify->cli,
                 "%s of %s of %s of %s %s not verify; weir partition with its files and --replace "
                 "ID brings an import anew",
                 text_grouped(failed, bad), parts, imports, table, failed == 1 ? "does" : "do");
    else if (found->imports > 0)
        cli_last(verify->cli, "%s of %s of %s verified against %s: %s, %s", parts, imports, table,
                 found->imports == 1 ? "its record" : "their records",
                 cli_count_text(totals->rows, "row", rows), text_bytes(totals->bytes, bytes));
}

static void say_strays(const struct verify *verify)
{
    const struct cli_verification *found = &verify->found;
    const char *table = verify->options.source.place.table;
    char files[CLI_COUNT_TEXT];
    struct buf line = BUF_INIT(LAKE_NAME_MAX + CLI_COUNT_TEXT);
    if (found->left > 0)
        cli_note(verify->cli,
                 "%s of Parquet %s in no record and %s not read: weir compact %s removes what a "
                 "killed one left",
                 cli_count_text(found->left, "file", files), found->left == 1 ? "stands" : "stand",
                 found->left == 1 ? "is" : "are", table);
    if (found->strays == 0)
        return;
    cli_put_line(&line, found->stray);
    cli_last(verify->cli,
             "%s of Parquet (%s) %s all that is left of %s of %s and %s not read: the day's record "
             "was lost, bring it back",
             cli_count_text(found->strays, "file", files), buf_text(&line),
             found->strays == 1 ? "is" : "are", found->strays == 1 ? "a day" : "days", table,
             found->strays == 1 ? "is" : "are");
    buf_release(&line);
}

static void say_details(const struct verify *verify)
{
    const struct export_report *report = &verify->found.report;
    const struct cli_spent *spent = &verify->record.tables[0].spent;
    char t0[TICK_TEXT_MAX], verdicts[CLI_VERDICTS_TEXT], time[TEXT_NUMBER_MAX];
    cli_detail(verify->cli, "%s", cli_verdicts_text(report, verdicts));
    if (is_offline(verify))
        return;
    (void) tick_format_short(report->snapshot, t0);
    cli_detail(verify->cli, "counted as of each run's T0, and of %s UTC; proof by %s", t0,
               lake_proof_text(report->proof));
    cli_detail(verify->cli, "%llu queries, %llu of them again, %llu throttled, %s of waits",
               (unsigned long long) spent->queries, (unsigned long long) spent->retried,
               (unsigned long long) spent->throttled, text_duration(spent->waited, time));
}

static int say(const struct verify *verify)
{
    const struct cli_verification *found = &verify->found;
    const struct export_report *report = &found->report;
    const char *table = verify->options.source.place.table;
    if (found->exported) {
        say_details(verify);
        say_outlived(verify);
        say_late(verify);
        say_lacking(verify);
        cli_say_access(verify->cli, report, table, verify->record.identity);
    }
    tell_list(verify);
    if (report->failed_count > found->brought_failed)
        say_failed(verify);
    else if (found->exported)
        say_verified(verify);
    say_imports(verify);
    say_strays(verify);
    return report->failed_count > 0 || found->lacking > 0 || found->strays > 0
               ? error_exit_status(ERROR_INCOMPLETE)
               : 0;
}

/* -- the run -- */

static bool check(struct verify *verify, struct error *err)
{
    struct cli_progress progress;
    struct cli_table *table = verify->record.tables;
    struct export_options watched = verify->options;
    cli_progress_begin(&progress, &verify->record);
    watched.watch = &progress.watch;
    table->report = &verify->found.report;
    table->imports = is_offline(verify) ? &verify->found.totals.imports : NULL;
    cli_record_enter(&verify->record, table);
    table->ended = cli_verification_run(verify->cli, &watched, &verify->found, err);
    cli_record_leave(&verify->record);
    cli_progress_end(&progress);
    table->range.from = verify->found.from;
    table->range.to = verify->found.to;
    if (is_offline(verify))
        verify->record.identity = verify->found.identity;
    return table->ended;
}

static bool prepare(struct verify *verify, struct error *err)
{
    if (is_offline(verify) && verify->cli->arg_count == 0) {
        (void) error_set(err, ERROR_USAGE, "verify --offline needs TABLE");
        return false;
    }
    if (!cli_range_read(verify->cli, tick_now(), &verify->range, err) ||
        !(is_offline(verify) ? open_offline : open_online)(verify, err) ||
        !cli_record_tables(&verify->record, 1, err))
        return false;
    verify->record.tables[0].name = verify->options.source.place.table;
    verify->record.tables[0].range = verify->range;
    return cli_record_named(&verify->record, err) &&
           (is_offline(verify) ||
            cli_sign_in(verify->cli, &verify->context, &verify->record.identity, err));
}

static int go(struct verify *verify, struct error *err)
{
    bool ok = prepare(verify, err) && check(verify, err) && put_list(verify, err);
    if (!ok && verify->record.count > 0 && !verify->record.tables[0].ended)
        verify->record.tables[0].error = *err;
    return ok ? say(verify) : -1;
}

static int run(struct cli *cli, struct error *err)
{
    struct verify verify = {.cli = cli};
    if (!cli_record_begin(&verify.record, cli, &verify.context, err))
        return -1;
    int status = go(&verify, err);
    status = cli_record_end(&verify.record, status, verify.text, err);
    cli_verification_release(&verify.found);
    lake_tables_release(&verify.tables);
    cli_close(&verify.context);
    return status;
}

const struct cli_command cli_command_verify = {
    .name = "verify",
    .arguments = "TABLE",
    .purpose =
        "lake against workspace, partition by partition; --offline: lake against its own ledger",
    .about =
        "Reads every blob of the range anew and compares size, SHA-256, rows and the sum of "
        "_ItemId with the ledger; then the workspace counts again, as of the moment of each "
        "partition's export, and is compared as well. Without a range it is all that the ledger "
        "has. --offline leaves the workspace out and needs no settings: only the lake. Of a lake "
        "in "
        "Azure the blobs are not read but compared by size and MD5 as the store lists them, which "
        "it "
        "checked when it took them; --offline reads them all.\n\n"
        "What does not verify is the result, on standard output in the form of --output: "
        "partition, verdict, rows of the lake, rows of the workspace, reasons. The verdicts are "
        "missing (nothing proven is there), changed (other rows than the workspace has, or a "
        "blob that is not its ledger's) and grew (the workspace has more rows). Partitions that "
        "aged out of the workspace or were purged there are no fault of the lake: they are "
        "counted, and checked against the ledger alone. --offline compares the blobs of imports "
        "with their records, too; the reason names the import. The same weir partition "
        "command finishes one that was killed, and with --replace and its id it brings anew what "
        "is damaged.\n\n"
        "The exit status is 3 when a partition does not verify, and when the ledger lacks "
        "partitions of a given range. weir export --repair, with the same range, fetches exactly "
        "those. Rows that came late, after their partition was verified, are told and are no "
        "fault: the next export fetches them.",
    .example = "weir verify CommonSecurityLog --offline",
    .args_max = 1,
    .options = {CLI_RANGE_OPTIONS, CLI_OFFLINE, CLI_QUERY, CLI_AS, CLI_ONE_BATCH, CLI_REPORT,
                CLI_METRICS, CLI_PLAN, CLI_PATIENCE_OPTIONS, CLI_PRICES, CLI_OPTION_COUNT},
    .run = run,
};
