/* weir verify: the lake against its ledger, and the ledger against the workspace. */
#include "cli/progress.h"
#include "cli/source.h"
#include "lake/check.h"

enum { LISTED_MAX = 10000 };

/* What a verification found. */
struct found {
    struct lake_check_totals totals;
    uint64_t failed;  /* partitions that do not verify */
    uint64_t asked;   /* partitions of the range, if one was given */
    uint64_t lacking; /* those of them without a line in the ledger */
};

struct offline {
    struct cli *cli;
    uint64_t failed;
};

static bool on_checked(void *context, const struct lake_checked *checked, struct error *err)
{
    (void) err;
    struct offline *offline = context;
    if (checked->finding == LAKE_FINDING_OK)
        return true;
    if (offline->failed++ >= LISTED_MAX)
        return true;
    char time[TICK_TEXT_MAX], rows[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];
    (void) tick_format_short(checked->partition, time);
    if (checked->finding == LAKE_FINDING_ROWS)
        cli_last(offline->cli, "  %s   %s: %s of %s", time, lake_finding_text(checked->finding),
                 text_grouped(checked->rows, rows), text_grouped(checked->entry->rows, expected));
    else
        cli_last(offline->cli, "  %s   %s", time, lake_finding_text(checked->finding));
    return true;
}

/* Partitions of a given range that the ledger does not name: nothing proves them. */
static void count_lacking(const struct lake_ledger *ledger, const struct cli_range *range,
                          struct found *found)
{
    if (!range->given)
        return;
    found->asked = (uint64_t) ((range->to - range->from) / TICK_PARTITION);
    found->lacking = found->asked;
    const struct lake_entry *entry = lake_ledger_next(ledger, range->from);
    for (; entry && entry->partition < range->to;
         entry = lake_ledger_next(ledger, entry->partition + 1))
        found->lacking--;
}

static bool check_lake(struct cli *cli, const struct cli_context *context,
                       const struct cli_range *range, struct found *found, struct error *err)
{
    struct offline offline = {.cli = cli};
    struct lake_check_options options = {.from = range->from,
                                         .to = range->to,
                                         .stop = cli->stop,
                                         .fn = on_checked,
                                         .context = &offline};
    struct lake_ledger *ledger = lake_ledger_open(context->store, &context->place, err);
    if (ledger && lake_ledger_count(ledger) == 0) {
        (void) error_set(err, ERROR_NOT_FOUND, "the ledger of '%s' is empty: nothing was exported",
                         context->place.table);
        (void) error_hint(err, "weir export %s", context->place.table);
        lake_ledger_free(ledger);
        return false;
    }
    bool ok = ledger &&
              lake_check(context->store, &context->place, ledger, &options, &found->totals, err);
    if (ok)
        count_lacking(ledger, range, found);
    lake_ledger_free(ledger);
    found->failed = offline.failed;
    return ok;
}

static void say_lacking(const struct cli *cli, const struct found *found)
{
    char lacking[TEXT_NUMBER_MAX], asked[TEXT_NUMBER_MAX];
    if (found->lacking > 0)
        cli_last(cli,
                 "%s of %s partitions of the range are not in the ledger; weir export with the "
                 "same range fetches them",
                 text_grouped(found->lacking, lacking), text_grouped(found->asked, asked));
}

static int say(struct cli *cli, const struct cli_context *context, const struct found *found,
               const char *against)
{
    const struct lake_check_totals *totals = &found->totals;
    char parts[TEXT_NUMBER_MAX], rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX],
        bad[TEXT_NUMBER_MAX];
    (void) text_grouped(totals->partitions, parts);
    say_lacking(cli, found);
    if (found->failed > 0) {
        /* The workspace was asked of those without a line too. */
        if (found->asked > totals->partitions)
            (void) text_grouped(found->asked, parts);
        cli_last(cli,
                 "%s of %s partitions of %s do not verify; the same export again fetches what the "
                 "ledger lacks, "
                 "with --refresh all of its range",
                 text_grouped(found->failed, bad), parts, context->place.table);
        return error_exit_status(ERROR_INCOMPLETE);
    }
    cli_last(cli, "%s partitions of %s verified against %s: %s rows, %s", parts,
             context->place.table, against, text_grouped(totals->rows, rows),
             text_bytes(totals->bytes, bytes));
    return found->lacking > 0 ? error_exit_status(ERROR_INCOMPLETE) : 0;
}

/* -- offline: only the lake is needed -- */

static bool same(const char *wanted, const char *name)
{
    return !wanted || (name && str_eq_case(str_of(wanted), str_of(name)));
}

static bool find_place(struct cli *cli, struct cli_context *context, struct lake_tables *tables,
                       struct error *err)
{
    const struct lake_table *found = NULL;
    if (!lake_tables_find(context->store, tables, err))
        return false;
    for (size_t i = 0; i < tables->n; i++) {
        const struct lake_table *table = &tables->v[i];
        bool ours = table->workspace_id && table->name && table->resource_id &&
                    strcmp(table->name, cli->args[0]) == 0 &&
                    same(cli_text(cli, CLI_WORKSPACE_ID), table->workspace_id);
        if (ours && found) {
            (void) error_set(err, ERROR_USAGE, "'%s' of several workspaces is in the lake",
                             table->name);
            return error_hint(err, "--workspace-id %s", table->workspace_id);
        }
        found = ours ? table : found;
    }
    if (!found) {
        (void) error_set(err, ERROR_NOT_FOUND, "the lake has no export of '%s'", cli->args[0]);
        return error_hint(err, "weir lake ls lists the tables of the lake");
    }
    context->place = (struct lake_place){.workspace_id = found->workspace_id,
                                         .resource_id = found->resource_id,
                                         .table = found->name,
                                         .container = found->container};
    return true;
}

static int run_offline(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                       struct error *err)
{
    struct lake_tables tables = {0};
    struct found found = {0};
    bool ok = cli_open_store(cli, context, err) && find_place(cli, context, &tables, err) &&
              check_lake(cli, context, range, &found, err);
    int status = ok ? say(cli, context, &found, "its ledger") : -1;
    lake_tables_release(&tables);
    return status;
}

/* -- online -- */

static void list_differences(struct cli *cli, const struct export_report *report)
{
    for (size_t i = 0; i < report->failed_listed; i++) {
        const struct export_failed *one = &report->failed[i];
        char time[TICK_TEXT_MAX], rows[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];
        (void) tick_format_short(one->partition, time);
        cli_last(cli, "  %s   rows %s, workspace %s: %s", time, text_grouped(one->rows, rows),
                 text_grouped(one->rows_expected, expected), one->reasons);
    }
}

static bool check_workspace(struct cli *cli, const struct export_options *options,
                            struct found *found, struct error *err)
{
    struct export_report report;
    struct export_options with_watch = *options;
    struct cli_progress progress;
    cli_progress_begin(&progress, cli);
    with_watch.watch = &progress.watch;
    bool ok = export_verify(&with_watch, &report, err);
    cli_progress_end(&progress);
    if (ok) {
        list_differences(cli, &report);
        char outlived[TEXT_NUMBER_MAX];
        if (report.outlived > 0)
            cli_note(cli, "%s partitions have rows in the lake that the workspace no longer has",
                     text_grouped(report.outlived, outlived));
        found->failed += report.failed_count;
    }
    export_report_release(&report);
    return ok;
}

static int run_online(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                      struct error *err)
{
    struct export_options options = {0};
    struct found found = {0};
    struct str text = {0};
    bool ok = cli_open_store(cli, context, err) && cli_open_workspace(cli, context, err) &&
              cli_source_read(cli, context, range, &options, &text, err) &&
              check_lake(cli, context, range, &found, err) &&
              check_workspace(cli, &options, &found, err);
    if (!ok && err->code == ERROR_KQL && text.n > 0) {
        cli_show_error(cli, err, text);
        return error_exit_status(ERROR_KQL);
    }
    return ok ? say(cli, context, &found, "its ledger and the workspace") : -1;
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_context context = {0};
    struct cli_range range;
    int status = -1;
    if (cli_flag(cli, CLI_OFFLINE) && cli->arg_count == 0)
        (void) error_set(err, ERROR_USAGE, "verify --offline needs TABLE");
    else if (cli_range_read(cli, tick_now(), &range, err))
        status =
            (cli_flag(cli, CLI_OFFLINE) ? run_offline : run_online)(cli, &context, &range, err);
    cli_close(&context);
    return status;
}

const struct cli_command cli_command_verify = {
    .name = "verify",
    .arguments = "TABLE",
    .purpose =
        "lake against workspace, partition by partition; --offline: lake against its own ledger",
    .about = "Reads every blob of the range anew and compares size, SHA-256, rows and the sum of "
             "_ItemId with the ledger; then "
             "the workspace counts again, as of the moment of each partition's export, and is "
             "compared as well. Without a "
             "range it is all that the ledger has. --offline leaves the workspace out and needs no "
             "settings: only the lake.\n\n"
             "What differs is listed, and the exit status is 3, as it is when the ledger lacks "
             "partitions of a given range. weir export with --refresh fetches "
             "a range again.",
    .example = "weir verify CommonSecurityLog --offline",
    .args_max = 1,
    .options = {CLI_RANGE_OPTIONS, CLI_OFFLINE, CLI_QUERY, CLI_AS, CLI_ONE_BATCH, CLI_WAIT,
                CLI_MAX_QUERIES, CLI_OPTION_COUNT},
    .run = run,
};
