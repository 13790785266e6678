/* weir export: history into the lake, proven.
 *
 * Several tables are one work: all are prepared first, so that one line tells what is to do and one question is
 * asked; then they are fetched one after the other, over one workspace with its one pace. A table that fails does not
 * stop the others.
 */
#include "cli/ending.h"
#include "cli/jobs.h"
#include "cli/join.h"
#include "cli/source.h"
#include "cli/work.h"

/* Plans of all tables are held at once: partitions of all of them together. */
enum { PARTITIONS_MAX = 24 * 365 * 288 };

static bool is_repair(const struct cli_work *work)
{
    return cli_flag(work->cli, CLI_REPAIR);
}

/* -- steps of one table -- */

static void take_turn(struct cli_work *work, struct cli_work_item *item)
{
    cli_progress_begin(&work->progress, &work->record);
    work->progress.table = work->count > 1 ? cli_work_table(item) : NULL;
    cli_record_enter(&work->record, item->told);
}

static void end_turn(struct cli_work *work)
{
    cli_record_leave(&work->record);
    cli_progress_end(&work->progress);
}

/* What weir verify names is what a repair fetches. */
static bool find_faults(struct cli_work *work, struct cli_work_item *item, struct error *err)
{
    struct export_options *options = &item->options;
    const struct cli_verification *found = &item->found;
    char number[CLI_COUNT_TEXT], prefix[CLI_WORK_PREFIX];
    int64_t *ticks;
    size_t count;
    bool more;
    cli_verification_release(&item->found);
    options->source.from = work->range.from;
    options->source.to = work->range.to;
    options->only_count = 0;
    if (!cli_verification_run(work->cli, options, &item->found, err) ||
        !cli_verification_ticks(work->cli, options, found, &ticks, &count, &more, err))
        return false;
    options->source.from = found->from;
    options->source.to = found->to;
    for (size_t i = 0; i < count; i++) {
        options->source.from = ticks[i] < options->source.from ? ticks[i] : options->source.from;
        if (ticks[i] >= options->source.to)
            options->source.to = ticks[i] + TICK_PARTITION;
    }
    item->told->range =
        (struct cli_range){.from = options->source.from, .to = options->source.to, .given = true};
    options->only = ticks;
    options->only_count = count;
    item->whole = count == 0;
    (void) cli_count_text(count, "partition", number);
    if (count > 0)
        cli_note(work->cli, "%s%s %s not verify%s", cli_work_prefix(work, item, prefix), number,
                 count == 1 ? "does" : "do",
                 more ? ": the first of more; run the same command again for the others" : "");
    return true;
}

static bool take_estimate(struct cli_work_item *item, struct error *err)
{
    const struct export_estimate *left = export_left(item->export, err);
    if (!left)
        return false;
    item->left = left->total;
    item->seconds = left->seconds;
    item->scan = left->scan;
    item->passes = left->passes;
    item->unknown = left->passes > 0 && !left->scan_known;
    item->any = left->total.rows > 0 || (left->passes > 0 && left->count > 0);
    return true;
}

/* --max-cost is for all: what one reads is no longer there for the next. */
static uint64_t scan_left(const struct cli_work *work, const struct cli_work_item *item)
{
    uint64_t spent = 0;
    for (size_t i = 0; i < work->count; i++)
        if (&work->items[i] != item && work->items[i].state != CLI_WORK_WAITING)
            spent += work->items[i].scan;
    return work->scan_max == 0 ? 0 : work->scan_max > spent ? work->scan_max - spent : 1;
}

static bool prepare_item(struct cli_work *work, struct cli_work_item *item, struct error *err)
{
    if (is_repair(work) && !find_faults(work, item, err))
        return false;
    if (item->whole) {
        item->told->report = &item->found.report;
        return true;
    }
    item->options.watch = &work->progress.watch;
    item->options.scan_max = scan_left(work, item);
    item->export = export_new(&item->options, err);
    if (!item->export)
        return false;
    item->told->report = export_told(item->export);
    return export_prepare(item->export, err) && take_estimate(item, err);
}

/* -- all of them -- */

static bool is_fatal(const struct cli_work *work, const struct error *why)
{
    return work->count == 1 || why->code == ERROR_INTERRUPTED || why->code == ERROR_MEMORY ||
           stop_asked(work->cli->stop);
}

/* What failed may have left queries under way, which would tell of themselves to an export that is no more: then the
 * others begin anew over a workspace of their own. */
static bool clear_away(struct cli_work *work, struct error *err)
{
    struct workspace_load load;
    workspace_load(work->context.workspace, &load);
    if (load.running + load.queued == 0)
        return true;
    if (!cli_open_workspace_again(work->cli, &work->context, err))
        return false;
    for (size_t i = 0; i < work->count; i++) {
        struct cli_work_item *item = &work->items[i];
        item->options.workspace = work->context.workspace;
        if (item->state != CLI_WORK_PREPARED)
            continue;
        item->told->report = NULL;
        export_free(item->export);
        item->export = NULL;
        item->state = CLI_WORK_WAITING;
    }
    return true;
}

static bool fail_item(struct cli_work *work, struct cli_work_item *item, const struct error *why,
                      struct error *err)
{
    item->told->error = *why;
    item->state = CLI_WORK_FAILED;
    if (is_fatal(work, why)) {
        *err = *why;
        return false;
    }
    struct error shown = *why;
    if (!strstr(shown.message, cli_work_table(item)))
        (void) error_prefix(&shown, "%s", cli_work_table(item));
    cli_show_error(work->cli, &shown, (struct str){0});
    work->status = cli_worse_status(work->status, error_exit_status(why->code));
    return clear_away(work, err);
}

static bool prepare_all(struct cli_work *work, struct error *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct cli_work_item *item = &work->items[i];
        struct error why = ERROR_INIT;
        if (item->state != CLI_WORK_WAITING)
            continue;
        take_turn(work, item);
        bool ok = prepare_item(work, item, &why);
        end_turn(work);
        if (!ok && !fail_item(work, item, &why, err))
            return false;
        if (!ok)
            continue;
        item->state = item->whole ? CLI_WORK_DONE : CLI_WORK_PREPARED;
        item->told->ended = item->whole;
        if (item->whole)
            cli_work_say_whole(work, item);
    }
    return true;
}

static struct cli_work_item *next_item(struct cli_work *work, enum cli_work_state state)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->items[i].state == state)
            return &work->items[i];
    return NULL;
}

static bool fetch_item(struct cli_work *work, struct cli_work_item *item, struct error *err)
{
    struct error why = ERROR_INIT;
    take_turn(work, item);
    bool ok = export_fetch(item->export, &why);
    end_turn(work);
    if (!ok)
        return fail_item(work, item, &why, err);
    item->state = CLI_WORK_DONE;
    item->told->ended = true;
    work->status = cli_worse_status(work->status, cli_work_say_table(work, item));
    return true;
}

static bool fetch_all(struct cli_work *work, struct error *err)
{
    struct cli_work_item *item;
    while ((item = next_item(work, CLI_WORK_PREPARED)) || next_item(work, CLI_WORK_WAITING)) {
        if (!(item ? fetch_item(work, item, err) : prepare_all(work, err)))
            return false;
    }
    return true;
}

/* -- the run -- */

static bool check_options(struct cli_work *work, struct error *err)
{
    const struct cli *cli = work->cli;
    if (cli_text(cli, CLI_QUERY) && cli_text(cli, CLI_MANY))
        return error_set(err, ERROR_USAGE, "either --many or --query, not both");
    if (is_repair(work) && cli_flag(cli, CLI_REFRESH))
        return error_set(err, ERROR_USAGE, "either --repair or --refresh, not both");
    if (is_repair(work) && cli_flag(cli, CLI_ONE_BATCH)) {
        (void) error_set(err, ERROR_USAGE, "--repair fetches partitions, --one-batch asks for all");
        return error_hint(err, "the same export without --repair");
    }
    if (is_repair(work) && cli_flag(cli, CLI_UNTIL_CONTINUOUS)) {
        (void) error_set(err, ERROR_USAGE, "either --repair or --until-continuous, not both");
        return error_hint(err, "a repair joins again what the ledger says is joined");
    }
    return cli_join_read(cli, &work->beside, err);
}

static bool read_range(struct cli_work *work, struct error *err)
{
    return (is_repair(work) ? cli_range_read : cli_range_need)(work->cli, tick_now(), &work->range,
                                                               err);
}

static bool make_items(struct cli_work *work, const struct cli_names *names, struct error *err)
{
    size_t count = names->count;
    uint64_t partitions = (uint64_t) ((work->range.to - work->range.from) / TICK_PARTITION) * count;
    if (count > 1 && partitions > PARTITIONS_MAX)
        return error_set(err, ERROR_LIMIT,
                         "%zu tables of this range are %llu partitions; %d are planned at once",
                         count, (unsigned long long) partitions, PARTITIONS_MAX);
    work->items = mem_alloc(count, sizeof *work->items, err);
    if (!work->items || !cli_record_tables(&work->record, count, err))
        return false;
    work->count = count;
    for (size_t i = 0; i < count; i++) {
        work->items[i].told = &work->record.tables[i];
        work->items[i].told->name = names->v[i];
        work->items[i].told->range = work->range;
    }
    return true;
}

static bool read_sources(struct cli_work *work, struct error *err)
{
    struct cli *cli = work->cli;
    bool query = cli_text(cli, CLI_QUERY) != NULL;
    for (size_t i = 0; i < work->count; i++) {
        struct cli_work_item *item = &work->items[i];
        bool ok = query ? cli_source_read(cli, &work->context, &work->range, &item->options,
                                          &work->text, err)
                        : cli_source_table(cli, &work->context, &work->range, item->told->name,
                                           &item->options, err);
        if (!ok)
            return false;
        item->options.beside = work->beside;
        work->scan_max = item->options.scan_max;
    }
    return cli_record_named(&work->record, err);
}

/* Where the continuous export has taken over, each table has an end of its own. */
static bool read_ends(struct cli_work *work, struct error *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct cli_work_item *item = &work->items[i];
        struct cli_range *range = &item->told->range;
        struct error why = ERROR_INIT;
        if (!cli_join_range(work->cli, &item->options, range, &why) &&
            !fail_item(work, item, &why, err))
            return false;
        item->options.source.from = range->from;
        item->options.source.to = range->to;
    }
    return true;
}

/* A repair that names no table is of all that the lake has. */
static bool read_names(struct cli_work *work, struct cli_names *names, struct error *err)
{
    const struct cli *cli = work->cli;
    if (!is_repair(work) || cli->arg_count > 0 || cli_text(cli, CLI_MANY))
        return cli_names_read(work->cli, names, err);
    return cli_open_store(cli, &work->context, err) &&
           cli_names_of_lake(work->cli, work->context.store, names, err);
}

/* What is asked for, before anybody is. */
static bool read_line(struct cli_work *work, struct error *err)
{
    const char *as = cli_text(work->cli, CLI_AS);
    struct cli_names names = {.v = &as, .count = 1};
    if (!check_options(work, err) || !read_range(work, err))
        return false;
    if (cli_text(work->cli, CLI_QUERY))
        as = as ? as : "";
    else if (!read_names(work, &names, err))
        return false;
    return cli_jobs_check(work->cli, names.count, err) && make_items(work, &names, err);
}

static bool open_all(struct cli_work *work, struct error *err)
{
    if (!read_line(work, err) ||
        !(work->context.store || cli_open_store(work->cli, &work->context, err)) ||
        !cli_check_access(&work->context, 0, true, err) ||
        !cli_open_workspace(work->cli, &work->context, err) || !read_sources(work, err) ||
        !cli_sign_in(work->cli, &work->context, &work->record.identity, err) ||
        !read_ends(work, err))
        return false;
    cli_detail(work->cli, "run %s, signed in as %s", work->context.run, work->record.identity);
    for (size_t i = 0; i < work->count; i++)
        work->items[i].options.identity = work->record.identity;
    return true;
}

/* History that the workspace gives by a job alone. */
static bool run_jobs(struct cli_work *work, struct error *err)
{
    if (!cli_text(work->cli, CLI_FROM))
        return true;
    work->jobs = mem_alloc(1, sizeof *work->jobs, err);
    return work->jobs &&
           cli_jobs_run(work->jobs, work->cli, &work->context, &work->items[0].options, err);
}

/* What is not whole is wanted again by the next run, unless the job itself lacks it. */
static bool end_jobs(struct cli_work *work, struct error *err)
{
    if (!work->jobs)
        return true;
    if (work->status != 0 && !work->jobs->partial) {
        cli_jobs_say_left(work->jobs);
        return true;
    }
    return cli_jobs_end(work->jobs, &work->context, err);
}

static int go(struct cli_work *work, struct error *err)
{
    if (!open_all(work, err) || !run_jobs(work, err) || !prepare_all(work, err))
        return -1;
    if (next_item(work, CLI_WORK_PREPARED) &&
        (!cli_work_announce(work, err) || !fetch_all(work, err)))
        return -1;
    if (work->count > 1)
        cli_work_say_all(work);
    if (!end_jobs(work, err))
        return -1;
    return work->status;
}

static void close_all(struct cli_work *work)
{
    /* Before the exports: what is under way tells them of itself. */
    workspace_free(work->context.workspace);
    work->context.workspace = NULL;
    for (size_t i = 0; i < work->count; i++) {
        export_free(work->items[i].export);
        cli_verification_release(&work->items[i].found);
    }
    mem_free(work->items);
    mem_free(work->jobs);
    cli_close(&work->context);
}

static int run(struct cli *cli, struct error *err)
{
    struct cli_work work = {.cli = cli};
    if (!cli_record_begin(&work.record, cli, &work.context, err))
        return -1;
    int status = go(&work, err);
    if (status < 0 && work.jobs)
        cli_jobs_say_left(work.jobs);
    status = cli_record_end(&work.record, status, work.text, err);
    close_all(&work);
    return status;
}

const struct cli_command cli_command_export = {
    .name = "export",
    .arguments = "TABLE...",
    .purpose = "history into the lake; run it again and it resumes; ends with a verified ledger",
    .about =
        "Takes a table, or the rows of a query, out of the workspace and lays them down in "
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
        "rows may have come late. --refresh fetches everything again; --repair fetches the "
        "partitions that weir verify names, of the range or else of all that the ledger has, "
        "and no others; without TABLE, of all tables that the lake has of the workspace.\n\n"
        "Several tables, named here or in the file of --many, are one work with one estimate, "
        "one pace and one report. A table that fails does not stop the others; the exit "
        "status is the worst one.\n\n"
        "--report FILE tells what came of it as JSON, also when it fails or is interrupted; "
        "--metrics FILE tells Prometheus, while it runs too. What is verified is what this "
        "identity may see: where conditions hide rows from it, or where that cannot be told, "
        "the last line and the report say so.\n\n"
        "Where the service's continuous export has blobs in the range already, an export stops "
        "before it fetches anything: --until-continuous joins with them, and writes only the "
        "rows that they lack, by _ItemId or else by the whole row; without an end it goes as "
        "far as the continuous export needs to have taken over, by the rule's creation. "
        "--beside writes all rows, which are then there twice.\n\n"
        "Rows that are older than the table's interactive retention are reached by --from "
        "search-job or --from restore: weir says what that bills and asks (--yes says yes, "
        "--max-cost refuses more), starts the work, waits for it (a long range takes several), "
        "exports what it found, and removes its table from the workspace. A run that was killed "
        "or interrupted leaves the work; the same command finds it and goes on, and pays nothing "
        "twice. Where the service's row limit was met the exit status is 3.\n\n"
        "The lake may be a folder, a storage account (https://NAME.blob.core.windows.net), or "
        "one container of it. weir signs in to it as it does to the workspace, or with "
        "--storage-key or --storage-sas, which say where the secret is; the role that is "
        "needed is Storage Blob Data Contributor.\n\n"
        "Reading a table of the Basic or Auxiliary plan is billed by the bytes ingested in "
        "the range. It is read once, and each answer is compared with what it says it has; "
        "with --passes 2 it is counted before. --max-cost refuses what would cost more.\n\n"
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
    .args_max = CLI_ARGS_MAX,
    .options = {CLI_RANGE_OPTIONS, CLI_MANY, CLI_SOURCE_OPTIONS, CLI_REFRESH, CLI_REPAIR,
                CLI_JOIN_OPTIONS, CLI_FROM, CLI_TIER, CLI_REPORT, CLI_METRICS, CLI_PLAN_OPTIONS,
                CLI_SETTLE, CLI_BATCH_OPTIONS, CLI_MEMORY, CLI_KEEP_EMPTY, CLI_OPTION_COUNT},
    .run = run,
};
