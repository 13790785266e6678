/* weir export: history into the lake, proven.
 *
 * Several tables are one work: all are prepared first, so that one line tells what is to do and one question is
 * asked; then they are fetched one after the other, over one workspace with its one pace. A table that fails does not
 * stop the others.
 */
#include "cli/ending.h"
#include "cli/jobs.h"
#include "cli/join.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/roles.h"
#include "cli/source.h"
#include "cli/verification.h"

static const uint64_t ask_bytes = 100000000000; /* 100 GB */
static const double ask_seconds = 24 * 3600.0;  /* or a day of work */

/* Plans of all tables are held at once: partitions of all of them together. */
enum { PARTITIONS_MAX = 24 * 365 * 288, MEMBERS_MAX = 4096 };

enum state { WAITING, PREPARED, DONE, FAILED };

struct item {
    struct export_options options;
    struct export *export;
    struct cli_table *told;
    struct cli_verification found; /* of a repair */
    enum state state;
    bool whole; /* of a repair: nothing to fetch */
    struct export_day left;
    uint64_t scan;
    double seconds;
    unsigned passes;
    bool any;     /* partitions are left */
    bool unknown; /* how much is in them nobody says */
};

struct job {
    struct cli *cli;
    struct cli_context context;
    struct cli_record record;
    struct cli_range range;
    struct cli_progress progress;
    struct item *items;
    size_t count;
    struct str text;   /* the query, for its errors */
    uint64_t scan_max; /* of all tables; 0: no limit */
    enum export_beside beside;
    struct cli_jobs *jobs; /* of --from; NULL: none */
    int status;            /* the worst so far */
};

static bool is_repair(const struct job *job)
{
    return cli_flag(job->cli, CLI_REPAIR);
}

static const char *table_of(const struct item *item)
{
    return item->options.source.place.table;
}

/* "Syslog: " where there are several. */
static const char *prefix_of(const struct job *job, const struct item *item,
                             char out[LAKE_TABLE_MAX + 4])
{
    (void) snprintf(out, LAKE_TABLE_MAX + 4, "%s%s", job->count > 1 ? table_of(item) : "",
                    job->count > 1 ? ": " : "");
    return out;
}

/* -- what is left to do -- */

static size_t add_left(const struct job *job, struct item *sum)
{
    size_t tables = 0;
    *sum = (struct item){0};
    for (size_t i = 0; i < job->count; i++) {
        const struct item *item = &job->items[i];
        if (item->state != PREPARED)
            continue;
        sum->left.rows += item->left.rows;
        sum->left.json += item->left.json;
        sum->left.partitions += item->left.partitions;
        sum->seconds += item->seconds;
        sum->scan += item->scan;
        sum->passes = item->passes > sum->passes ? item->passes : sum->passes;
        sum->any = sum->any || item->any;
        sum->unknown = sum->unknown || item->unknown;
        tables++;
    }
    return tables;
}

static void begin_text(const struct job *job, size_t tables, const struct item *sum,
                       struct buf *out)
{
    char rows[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX], blobs[CLI_COUNT_TEXT], time[TEXT_NUMBER_MAX],
        scan[TEXT_NUMBER_MAX];
    if (!sum->any) {
        buf_puts(out, "nothing is left to fetch");
        return;
    }
    if (job->count > 1)
        buf_printf(out, "%zu table%s, ", tables, tables == 1 ? "" : "s");
    if (sum->left.rows > 0)
        buf_printf(out, "%s rows, ", text_count(sum->left.rows, rows));
    buf_printf(out, "%s as JSON, ", text_bytes(sum->left.json, json));
    if (sum->left.partitions > 0)
        buf_printf(out, "%s, ", cli_count_text(sum->left.partitions, "partition", blobs));
    buf_printf(out, "about %s. To %s.", text_duration(sum->seconds, time),
               store_address(job->context.store));
    if (sum->passes > 0 && !sum->unknown)
        buf_printf(out, " Reading is billed: %s.", text_bytes(sum->scan, scan));
    else if (sum->passes > 0)
        buf_puts(out, " Reading is billed, and Usage does not say how much there is: a guess.");
}

/* What ends before the run does is said now. */
static bool say_ends(struct job *job, double seconds, struct error *err)
{
    struct cli_role_end role;
    char time[TICK_TEXT_MAX];
    if (!cli_check_access(&job->context, seconds, true, err) ||
        !cli_role_end(job->cli, &job->context, &role, err))
        return false;
    double left = (double) (role.until - tick_now()) / (double) TICK_SECOND;
    if (role.until == 0 || left > seconds)
        return true;
    (void) tick_format_short(role.until, time);
    cli_last(job->cli,
             "the role '%s' of this identity on the workspace ends at %s UTC, before this would: "
             "have it renewed until then",
             role.role, time);
    return true;
}

static bool announce(struct job *job, struct error *err)
{
    struct item sum;
    struct buf line = BUF_INIT(MEMBERS_MAX), members = BUF_INIT(MEMBERS_MAX);
    char json[TEXT_NUMBER_MAX], time[TEXT_NUMBER_MAX];
    size_t tables = add_left(job, &sum);
    begin_text(job, tables, &sum, &line);
    cli_put_text(&members, "run", job->context.run);
    cli_put_number(&members, "tables", tables);
    cli_put_number(&members, "rows", sum.left.rows);
    cli_put_number(&members, "bytes", sum.left.json);
    cli_put_number(&members, "partitions", sum.left.partitions);
    cli_put_real(&members, "seconds", sum.seconds);
    cli_put_number(&members, "scan", sum.scan);
    cli_tell(job->cli, CLI_INFO, "begin", &members, "%s", buf_text(&line));
    buf_release(&line);
    buf_release(&members);
    if (!say_ends(job, sum.seconds, err))
        return false;
    bool large = sum.left.json > ask_bytes || sum.seconds > ask_seconds;
    return !large || cli_confirm(job->cli, err, "this export is %s and takes about %s.",
                                 text_bytes(sum.left.json, json), text_duration(sum.seconds, time));
}

/* -- how a table ended -- */

static void say_failed(const struct job *job, const struct item *item)
{
    const struct cli *cli = job->cli;
    const struct export_report *report = item->told->report;
    char failed[TEXT_NUMBER_MAX], all[CLI_COUNT_TEXT], prefix[LAKE_TABLE_MAX + 4];
    cli_last(cli,
             "%s%s of %s %s not verify. Everything else does; run the same command again to fetch "
             "%s.",
             prefix_of(job, item, prefix), text_grouped(report->failed_count, failed),
             cli_count_text(report->partitions, "partition", all),
             report->failed_count == 1 ? "does" : "do", report->failed_count == 1 ? "it" : "them");
    for (size_t i = 0; i < report->failed_listed; i++) {
        const struct export_failed *one = &report->failed[i];
        char time[TICK_TEXT_MAX], rows[TEXT_NUMBER_MAX], expected[TEXT_NUMBER_MAX];
        char line[EXPORT_REASON_MAX + 200];
        (void) tick_format_short(one->partition, time);
        char tries[TEXT_NUMBER_MAX + 16] = "";
        if (one->tries > 0)
            (void) snprintf(tries, sizeof tries, ", fetched %u time%s", one->tries,
                            one->tries == 1 ? "" : "s");
        (void) snprintf(line, sizeof line, "  %s   rows %s of %s   %s%s: %s", time,
                        text_grouped(one->rows, rows), text_grouped(one->rows_expected, expected),
                        export_verdict_text(one->verdict), tries, one->reasons);
        cli_tell_failed(cli, table_of(item), one, line);
    }
    if (report->failed_count > report->failed_listed)
        cli_last(cli, "  and %s more",
                 text_grouped(report->failed_count - report->failed_listed, failed));
}

static const char *proof_text(enum lake_proof proof)
{
    return proof == LAKE_PROOF_SUM      ? "counts and sums equal"
           : proof == LAKE_PROOF_ANSWER ? "as many as each answer counted"
                                        : "counts equal";
}

static void say_verified(const struct job *job, const struct item *item)
{
    const struct export_report *report = item->told->report;
    char parts[CLI_COUNT_TEXT], rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX], number[TEXT_NUMBER_MAX];
    char joined[CLI_JOIN_TEXT], skipped[TEXT_NUMBER_MAX + 40] = "", aged[TEXT_NUMBER_MAX + 40] = "",
                                                          seen[CLI_SEEN_TEXT],
                                                          prefix[LAKE_TABLE_MAX + 4];
    if (report->skipped > 0)
        (void) snprintf(skipped, sizeof skipped, " %s %s already, by the ledger.",
                        text_grouped(report->skipped, number),
                        report->skipped == 1 ? "was" : "were");
    uint64_t gone = report->verdicts[EXPORT_VERDICT_AGED_OUT];
    if (gone > 0)
        (void) snprintf(aged, sizeof aged, " %s of them had aged out.", text_grouped(gone, number));
    (void) prefix_of(job, item, prefix);
    if (report->outlived > 0)
        cli_last(job->cli,
                 "%s%s %s rows in the lake that the workspace no longer has%s; they are kept",
                 prefix, cli_count_text(report->outlived, "partition", parts),
                 report->outlived == 1 ? "has" : "have",
                 report->access == LAKE_ACCESS_FULL ? "" : ", or does not show this identity");
    struct buf ledger = BUF_INIT(STORE_NAME_MAX);
    lake_own_prefix(&ledger, &item->options.source.place);
    cli_last(job->cli, "%s%s %sverified%s: %s rows, %s.%s%s%s %s in %s. Ledger %s/%s/ledger",
             prefix, cli_count_text(report->partitions, "partition", parts),
             is_repair(job) ? "repaired and " : "",
             cli_seen_text(report, job->record.identity, seen),
             text_grouped(report->rows_verified, rows), proof_text(report->proof), aged, skipped,
             cli_join_text(report, joined), text_bytes(report->bytes, bytes),
             text_duration(item->told->spent.seconds, time), store_address(job->context.store),
             buf_text(&ledger));
    buf_release(&ledger);
    cli_join_say(job->cli, report, table_of(item));
}

static void say_details(const struct job *job, const struct item *item)
{
    const struct export_report *report = item->told->report;
    const struct cli_spent *spent = &item->told->spent;
    char t0[TICK_TEXT_MAX], verdicts[CLI_VERDICTS_TEXT], time[TEXT_NUMBER_MAX],
        bytes[TEXT_NUMBER_MAX];
    (void) tick_format_short(report->snapshot, t0);
    cli_detail(job->cli, "%s: as of %s UTC, proof by %s; %s", table_of(item), t0,
               lake_proof_text(report->proof), cli_verdicts_text(report, verdicts));
    cli_detail(job->cli,
               "%s: %llu queries, %llu of them again, %llu throttled, %s of waits; %s received",
               table_of(item), (unsigned long long) spent->queries,
               (unsigned long long) spent->retried, (unsigned long long) spent->throttled,
               text_duration(spent->waited, time), text_bytes(spent->received, bytes));
}

static int say_item(const struct job *job, const struct item *item)
{
    const struct export_report *report = item->told->report;
    say_details(job, item);
    cli_say_access(job->cli, report, table_of(item), job->record.identity);
    if (report->failed_count > 0) {
        say_failed(job, item);
        return error_exit_status(ERROR_INCOMPLETE);
    }
    say_verified(job, item);
    return 0;
}

/* Where there are several: what they came to, then each that is not whole. */
static void say_all(const struct job *job)
{
    char rows[TEXT_NUMBER_MAX], parts[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX];
    uint64_t whole = 0, rows_n = 0, parts_n = 0, bytes_n = 0;
    for (size_t i = 0; i < job->count; i++) {
        const struct export_report *report = job->items[i].told->report;
        whole += job->items[i].state == DONE && report->failed_count == 0;
        parts_n += report ? report->partitions : 0;
        rows_n += report ? report->rows_verified : 0;
        bytes_n += report ? report->bytes : 0;
    }
    cli_last(job->cli, "%llu of %zu tables verified: %s partitions, %s rows. %s in %s.",
             (unsigned long long) whole, job->count, text_grouped(parts_n, parts),
             text_grouped(rows_n, rows), text_bytes(bytes_n, bytes),
             text_duration(cli_record_seconds(&job->record), time));
    for (size_t i = 0; i < job->count; i++) {
        const struct item *item = &job->items[i];
        if (item->state == FAILED)
            cli_last(job->cli, "  %s failed: %s", table_of(item), item->told->error.message);
        else if (item->told->report && item->told->report->failed_count > 0)
            cli_last(job->cli, "  %s is incomplete: %s of %s %s not verify", table_of(item),
                     text_grouped(item->told->report->failed_count, rows),
                     cli_count_text(item->told->report->partitions, "partition", parts),
                     item->told->report->failed_count == 1 ? "does" : "do");
    }
}

/* -- steps of one table -- */

static void take_turn(struct job *job, struct item *item)
{
    cli_progress_begin(&job->progress, &job->record);
    job->progress.table = job->count > 1 ? table_of(item) : NULL;
    cli_record_enter(&job->record, item->told);
}

static void end_turn(struct job *job)
{
    cli_record_leave(&job->record);
    cli_progress_end(&job->progress);
}

/* What weir verify names is what a repair fetches. */
static bool find_faults(struct job *job, struct item *item, struct error *err)
{
    struct export_options *options = &item->options;
    const struct cli_verification *found = &item->found;
    char number[CLI_COUNT_TEXT], prefix[LAKE_TABLE_MAX + 4];
    int64_t *ticks;
    size_t count;
    bool more;
    cli_verification_release(&item->found);
    options->source.from = job->range.from;
    options->source.to = job->range.to;
    options->only_count = 0;
    if (!cli_verification_run(job->cli, options, &item->found, err) ||
        !cli_verification_ticks(job->cli, options, found, &ticks, &count, &more, err))
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
        cli_note(job->cli, "%s%s %s not verify%s", prefix_of(job, item, prefix), number,
                 count == 1 ? "does" : "do",
                 more ? ": the first of more; run the same command again for the others" : "");
    return true;
}

static bool take_estimate(struct item *item, struct error *err)
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
static uint64_t scan_left(const struct job *job, const struct item *item)
{
    uint64_t spent = 0;
    for (size_t i = 0; i < job->count; i++)
        if (&job->items[i] != item && job->items[i].state != WAITING)
            spent += job->items[i].scan;
    return job->scan_max == 0 ? 0 : job->scan_max > spent ? job->scan_max - spent : 1;
}

static bool prepare_item(struct job *job, struct item *item, struct error *err)
{
    if (is_repair(job) && !find_faults(job, item, err))
        return false;
    if (item->whole) {
        item->told->report = &item->found.report;
        return true;
    }
    item->options.watch = &job->progress.watch;
    item->options.scan_max = scan_left(job, item);
    item->export = export_new(&item->options, err);
    if (!item->export)
        return false;
    item->told->report = export_told(item->export);
    return export_prepare(item->export, err) && take_estimate(item, err);
}

static int say_whole(const struct job *job, const struct item *item)
{
    char parts[CLI_COUNT_TEXT], seen[CLI_SEEN_TEXT];
    cli_say_access(job->cli, &item->found.report, table_of(item), job->record.identity);
    cli_last(job->cli, "nothing to repair: %s of %s verif%s%s",
             cli_count_text(item->found.totals.partitions, "partition", parts), table_of(item),
             item->found.totals.partitions == 1 ? "ies" : "y",
             cli_seen_text(&item->found.report, job->record.identity, seen));
    return 0;
}

/* -- all of them -- */

static bool is_fatal(const struct job *job, const struct error *why)
{
    return job->count == 1 || why->code == ERROR_INTERRUPTED || why->code == ERROR_MEMORY ||
           stop_asked(job->cli->stop);
}

/* What failed may have left queries under way, which would tell of themselves to an export that is no more: then the
 * others begin anew over a workspace of their own. */
static bool clear_away(struct job *job, struct error *err)
{
    struct workspace_load load;
    workspace_load(job->context.workspace, &load);
    if (load.running + load.queued == 0)
        return true;
    if (!cli_open_workspace_again(job->cli, &job->context, err))
        return false;
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        item->options.workspace = job->context.workspace;
        if (item->state != PREPARED)
            continue;
        item->told->report = NULL;
        export_free(item->export);
        item->export = NULL;
        item->state = WAITING;
    }
    return true;
}

static bool fail_item(struct job *job, struct item *item, const struct error *why,
                      struct error *err)
{
    item->told->error = *why;
    item->state = FAILED;
    if (is_fatal(job, why)) {
        *err = *why;
        return false;
    }
    struct error shown = *why;
    if (!strstr(shown.message, table_of(item)))
        (void) error_prefix(&shown, "%s", table_of(item));
    cli_show_error(job->cli, &shown, (struct str){0});
    job->status = cli_worse_status(job->status, error_exit_status(why->code));
    return clear_away(job, err);
}

static bool prepare_all(struct job *job, struct error *err)
{
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        struct error why = ERROR_INIT;
        if (item->state != WAITING)
            continue;
        take_turn(job, item);
        bool ok = prepare_item(job, item, &why);
        end_turn(job);
        if (!ok && !fail_item(job, item, &why, err))
            return false;
        if (!ok)
            continue;
        item->state = item->whole ? DONE : PREPARED;
        item->told->ended = item->whole;
        if (item->whole)
            job->status = cli_worse_status(job->status, say_whole(job, item));
    }
    return true;
}

static struct item *next_item(struct job *job, enum state state)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->items[i].state == state)
            return &job->items[i];
    return NULL;
}

static bool fetch_item(struct job *job, struct item *item, struct error *err)
{
    struct error why = ERROR_INIT;
    take_turn(job, item);
    bool ok = export_fetch(item->export, &why);
    end_turn(job);
    if (!ok)
        return fail_item(job, item, &why, err);
    item->state = DONE;
    item->told->ended = true;
    job->status = cli_worse_status(job->status, say_item(job, item));
    return true;
}

static bool fetch_all(struct job *job, struct error *err)
{
    struct item *item;
    while ((item = next_item(job, PREPARED)) || next_item(job, WAITING)) {
        if (!(item ? fetch_item(job, item, err) : prepare_all(job, err)))
            return false;
    }
    return true;
}

/* -- the run -- */

static bool check_options(struct job *job, struct error *err)
{
    const struct cli *cli = job->cli;
    if (cli_text(cli, CLI_QUERY) && cli_text(cli, CLI_MANY))
        return error_set(err, ERROR_USAGE, "either --many or --query, not both");
    if (is_repair(job) && cli_flag(cli, CLI_REFRESH))
        return error_set(err, ERROR_USAGE, "either --repair or --refresh, not both");
    if (is_repair(job) && cli_flag(cli, CLI_ONE_BATCH)) {
        (void) error_set(err, ERROR_USAGE, "--repair fetches partitions, --one-batch asks for all");
        return error_hint(err, "the same export without --repair");
    }
    if (is_repair(job) && cli_flag(cli, CLI_UNTIL_CONTINUOUS)) {
        (void) error_set(err, ERROR_USAGE, "either --repair or --until-continuous, not both");
        return error_hint(err, "a repair joins again what the ledger says is joined");
    }
    return cli_join_read(cli, &job->beside, err);
}

static bool read_range(struct job *job, struct error *err)
{
    return (is_repair(job) ? cli_range_read : cli_range_need)(job->cli, tick_now(), &job->range,
                                                              err);
}

static bool make_items(struct job *job, const struct cli_names *names, struct error *err)
{
    size_t count = names->count;
    uint64_t partitions = (uint64_t) ((job->range.to - job->range.from) / TICK_PARTITION) * count;
    if (count > 1 && partitions > PARTITIONS_MAX)
        return error_set(err, ERROR_LIMIT,
                         "%zu tables of this range are %llu partitions; %d are planned at once",
                         count, (unsigned long long) partitions, PARTITIONS_MAX);
    job->items = mem_alloc(count, sizeof *job->items, err);
    if (!job->items || !cli_record_tables(&job->record, count, err))
        return false;
    job->count = count;
    for (size_t i = 0; i < count; i++) {
        job->items[i].told = &job->record.tables[i];
        job->items[i].told->name = names->v[i];
        job->items[i].told->range = job->range;
    }
    return true;
}

static bool read_sources(struct job *job, struct error *err)
{
    struct cli *cli = job->cli;
    bool query = cli_text(cli, CLI_QUERY) != NULL;
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        bool ok = query ? cli_source_read(cli, &job->context, &job->range, &item->options,
                                          &job->text, err)
                        : cli_source_table(cli, &job->context, &job->range, item->told->name,
                                           &item->options, err);
        if (!ok)
            return false;
        item->options.beside = job->beside;
        job->scan_max = item->options.scan_max;
    }
    return cli_record_named(&job->record, err);
}

/* Where the continuous export has taken over, each table has an end of its own. */
static bool read_ends(struct job *job, struct error *err)
{
    for (size_t i = 0; i < job->count; i++) {
        struct item *item = &job->items[i];
        struct cli_range *range = &item->told->range;
        struct error why = ERROR_INIT;
        if (!cli_join_range(job->cli, &item->options, range, &why) &&
            !fail_item(job, item, &why, err))
            return false;
        item->options.source.from = range->from;
        item->options.source.to = range->to;
    }
    return true;
}

/* A repair that names no table is of all that the lake has. */
static bool read_names(struct job *job, struct cli_names *names, struct error *err)
{
    const struct cli *cli = job->cli;
    if (!is_repair(job) || cli->arg_count > 0 || cli_text(cli, CLI_MANY))
        return cli_names_read(job->cli, names, err);
    return cli_open_store(cli, &job->context, err) &&
           cli_names_of_lake(job->cli, job->context.store, names, err);
}

/* What is asked for, before anybody is. */
static bool read_line(struct job *job, struct error *err)
{
    const char *as = cli_text(job->cli, CLI_AS);
    struct cli_names names = {.v = &as, .count = 1};
    if (!check_options(job, err) || !read_range(job, err))
        return false;
    if (cli_text(job->cli, CLI_QUERY))
        as = as ? as : "";
    else if (!read_names(job, &names, err))
        return false;
    return cli_jobs_check(job->cli, names.count, err) && make_items(job, &names, err);
}

static bool open_all(struct job *job, struct error *err)
{
    if (!read_line(job, err) ||
        !(job->context.store || cli_open_store(job->cli, &job->context, err)) ||
        !cli_check_access(&job->context, 0, true, err) ||
        !cli_open_workspace(job->cli, &job->context, err) || !read_sources(job, err) ||
        !cli_sign_in(job->cli, &job->context, &job->record.identity, err) || !read_ends(job, err))
        return false;
    cli_detail(job->cli, "run %s, signed in as %s", job->context.run, job->record.identity);
    for (size_t i = 0; i < job->count; i++)
        job->items[i].options.identity = job->record.identity;
    return true;
}

/* History that the workspace gives by a job alone. */
static bool run_jobs(struct job *job, struct error *err)
{
    if (!cli_text(job->cli, CLI_FROM))
        return true;
    job->jobs = mem_alloc(1, sizeof *job->jobs, err);
    return job->jobs &&
           cli_jobs_run(job->jobs, job->cli, &job->context, &job->items[0].options, err);
}

/* What is not whole is wanted again by the next run, unless the job itself lacks it. */
static bool end_jobs(struct job *job, struct error *err)
{
    if (!job->jobs)
        return true;
    if (job->status != 0 && !job->jobs->partial) {
        cli_jobs_say_left(job->jobs);
        return true;
    }
    return cli_jobs_end(job->jobs, &job->context, err);
}

static int go(struct job *job, struct error *err)
{
    if (!open_all(job, err) || !run_jobs(job, err) || !prepare_all(job, err))
        return -1;
    if (next_item(job, PREPARED) && (!announce(job, err) || !fetch_all(job, err)))
        return -1;
    if (job->count > 1)
        say_all(job);
    if (!end_jobs(job, err))
        return -1;
    return job->status;
}

static void close_all(struct job *job)
{
    /* Before the exports: what is under way tells them of itself. */
    workspace_free(job->context.workspace);
    job->context.workspace = NULL;
    for (size_t i = 0; i < job->count; i++) {
        export_free(job->items[i].export);
        cli_verification_release(&job->items[i].found);
    }
    mem_free(job->items);
    mem_free(job->jobs);
    cli_close(&job->context);
}

static int run(struct cli *cli, struct error *err)
{
    struct job job = {.cli = cli};
    if (!cli_record_begin(&job.record, cli, &job.context, err))
        return -1;
    int status = go(&job, err);
    if (status < 0 && job.jobs)
        cli_jobs_say_left(job.jobs);
    status = cli_record_end(&job.record, status, job.text, err);
    close_all(&job);
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
        "--max-cost refuses more), starts the job, waits for it (a long range takes several), "
        "exports what it found, and removes its table from the workspace. A run that was killed "
        "or interrupted leaves the job; the same command finds it and goes on, and pays nothing "
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
