/* Work: see work.h. */
#include "cli/work.h"

#include "cli/ending.h"
#include "cli/join.h"
#include "cli/members.h"
#include "cli/roles.h"

enum { MEMBERS_MAX = 4096 };

static const uint64_t ask_bytes = 100000000000; /* 100 GB */
static const double ask_seconds = 24 * 3600.0;  /* or a day of work */

const char *cli_work_table(const struct cli_work_item *item)
{
    return item->options.source.place.table;
}

const char *cli_work_prefix(const struct cli_work *work, const struct cli_work_item *item,
                            char out[CLI_WORK_PREFIX])
{
    (void) snprintf(out, CLI_WORK_PREFIX, "%s%s", work->count > 1 ? cli_work_table(item) : "",
                    work->count > 1 ? ": " : "");
    return out;
}

/* -- what is left to do -- */

static size_t add_left(const struct cli_work *work, struct cli_work_item *sum)
{
    size_t tables = 0;
    *sum = (struct cli_work_item){0};
    for (size_t i = 0; i < work->count; i++) {
        const struct cli_work_item *item = &work->items[i];
        if (item->state != CLI_WORK_PREPARED)
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

static void begin_text(const struct cli_work *work, size_t tables, const struct cli_work_item *sum,
                       struct buf *out)
{
    char rows[TEXT_NUMBER_MAX], json[TEXT_NUMBER_MAX], blobs[CLI_COUNT_TEXT], time[TEXT_NUMBER_MAX],
        scan[TEXT_NUMBER_MAX];
    if (!sum->any) {
        buf_puts(out, "nothing is left to fetch");
        return;
    }
    if (work->count > 1)
        buf_printf(out, "%zu table%s, ", tables, tables == 1 ? "" : "s");
    if (sum->left.rows > 0)
        buf_printf(out, "%s rows, ", text_count(sum->left.rows, rows));
    buf_printf(out, "%s as JSON, ", text_bytes(sum->left.json, json));
    if (sum->left.partitions > 0)
        buf_printf(out, "%s, ", cli_count_text(sum->left.partitions, "partition", blobs));
    buf_printf(out, "about %s. To %s.", text_duration(sum->seconds, time),
               store_address(work->context.store));
    if (sum->passes > 0 && !sum->unknown)
        buf_printf(out, " Reading is billed: %s.", text_bytes(sum->scan, scan));
    else if (sum->passes > 0)
        buf_puts(out, " Reading is billed, and Usage does not say how much there is: a guess.");
}

/* What ends before the run does is said now. */
static bool say_ends(struct cli_work *work, double seconds, struct error *err)
{
    struct cli_role_end role;
    char time[TICK_TEXT_MAX];
    if (!cli_check_access(&work->context, seconds, true, err) ||
        !cli_role_end(work->cli, &work->context, &role, err))
        return false;
    double left = (double) (role.until - tick_now()) / (double) TICK_SECOND;
    if (role.until == 0 || left > seconds)
        return true;
    (void) tick_format_short(role.until, time);
    cli_last(work->cli,
             "the role '%s' of this identity on the workspace ends at %s UTC, before this would: "
             "have it renewed until then",
             role.role, time);
    return true;
}

bool cli_work_announce(struct cli_work *work, struct error *err)
{
    struct cli_work_item sum;
    struct buf line = BUF_INIT(MEMBERS_MAX), members = BUF_INIT(MEMBERS_MAX);
    char json[TEXT_NUMBER_MAX], time[TEXT_NUMBER_MAX];
    size_t tables = add_left(work, &sum);
    begin_text(work, tables, &sum, &line);
    cli_put_text(&members, "run", work->context.run);
    cli_put_number(&members, "tables", tables);
    cli_put_number(&members, "rows", sum.left.rows);
    cli_put_number(&members, "bytes", sum.left.json);
    cli_put_number(&members, "partitions", sum.left.partitions);
    cli_put_real(&members, "seconds", sum.seconds);
    cli_put_number(&members, "scan", sum.scan);
    cli_tell(work->cli, CLI_INFO, "begin", &members, "%s", buf_text(&line));
    buf_release(&line);
    buf_release(&members);
    if (!say_ends(work, sum.seconds, err))
        return false;
    bool large = sum.left.json > ask_bytes || sum.seconds > ask_seconds;
    return !large || cli_confirm(work->cli, err, "this export is %s and takes about %s.",
                                 text_bytes(sum.left.json, json), text_duration(sum.seconds, time));
}

/* -- how a table ended -- */

static void say_failed(const struct cli_work *work, const struct cli_work_item *item)
{
    const struct cli *cli = work->cli;
    const struct export_report *report = item->told->report;
    char failed[TEXT_NUMBER_MAX], all[CLI_COUNT_TEXT], prefix[CLI_WORK_PREFIX];
    cli_last(cli,
             "%s%s of %s %s not verify. Everything else does; run the same command again to fetch "
             "%s.",
             cli_work_prefix(work, item, prefix), text_grouped(report->failed_count, failed),
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
        cli_tell_failed(cli, cli_work_table(item), one, line);
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

static void say_verified(const struct cli_work *work, const struct cli_work_item *item)
{
    const struct export_report *report = item->told->report;
    char parts[CLI_COUNT_TEXT], rows[TEXT_NUMBER_MAX], bytes[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX], number[TEXT_NUMBER_MAX];
    char joined[CLI_JOIN_TEXT], skipped[TEXT_NUMBER_MAX + 40] = "", aged[TEXT_NUMBER_MAX + 40] = "",
                                                          seen[CLI_SEEN_TEXT],
                                                          prefix[CLI_WORK_PREFIX];
    if (report->skipped > 0)
        (void) snprintf(skipped, sizeof skipped, " %s %s already, by the ledger.",
                        text_grouped(report->skipped, number),
                        report->skipped == 1 ? "was" : "were");
    uint64_t gone = report->verdicts[EXPORT_VERDICT_AGED_OUT];
    if (gone > 0)
        (void) snprintf(aged, sizeof aged, " %s of them had aged out.", text_grouped(gone, number));
    (void) cli_work_prefix(work, item, prefix);
    if (report->outlived > 0)
        cli_last(work->cli,
                 "%s%s %s rows in the lake that the workspace no longer has%s; they are kept",
                 prefix, cli_count_text(report->outlived, "partition", parts),
                 report->outlived == 1 ? "has" : "have",
                 report->access == LAKE_ACCESS_FULL ? "" : ", or does not show this identity");
    struct buf ledger = BUF_INIT(STORE_NAME_MAX);
    lake_own_prefix(&ledger, &item->options.source.place);
    cli_last(work->cli, "%s%s %sverified%s: %s rows, %s.%s%s%s %s in %s. Ledger %s/%s/ledger",
             prefix, cli_count_text(report->partitions, "partition", parts),
             cli_flag(work->cli, CLI_REPAIR) ? "repaired and " : "",
             cli_seen_text(report, work->record.identity, seen),
             text_grouped(report->rows_verified, rows), proof_text(report->proof), aged, skipped,
             cli_join_text(report, joined), text_bytes(report->bytes, bytes),
             text_duration(item->told->spent.seconds, time), store_address(work->context.store),
             buf_text(&ledger));
    buf_release(&ledger);
    cli_join_say(work->cli, report, cli_work_table(item));
}

static void say_details(const struct cli_work *work, const struct cli_work_item *item)
{
    const struct export_report *report = item->told->report;
    const struct cli_spent *spent = &item->told->spent;
    char t0[TICK_TEXT_MAX], verdicts[CLI_VERDICTS_TEXT], time[TEXT_NUMBER_MAX],
        bytes[TEXT_NUMBER_MAX];
    (void) tick_format_short(report->snapshot, t0);
    cli_detail(work->cli, "%s: as of %s UTC, proof by %s; %s", cli_work_table(item), t0,
               lake_proof_text(report->proof), cli_verdicts_text(report, verdicts));
    cli_detail(work->cli,
               "%s: %llu queries, %llu of them again, %llu throttled, %s of waits; %s received",
               cli_work_table(item), (unsigned long long) spent->queries,
               (unsigned long long) spent->retried, (unsigned long long) spent->throttled,
               text_duration(spent->waited, time), text_bytes(spent->received, bytes));
}

int cli_work_say_table(const struct cli_work *work, const struct cli_work_item *item)
{
    const struct export_report *report = item->told->report;
    say_details(work, item);
    cli_say_access(work->cli, report, cli_work_table(item), work->record.identity);
    if (report->failed_count > 0) {
        say_failed(work, item);
        return error_exit_status(ERROR_INCOMPLETE);
    }
    say_verified(work, item);
    return 0;
}

void cli_work_say_whole(const struct cli_work *work, const struct cli_work_item *item)
{
    char parts[CLI_COUNT_TEXT], seen[CLI_SEEN_TEXT];
    cli_say_access(work->cli, &item->found.report, cli_work_table(item), work->record.identity);
    cli_last(work->cli, "nothing to repair: %s of %s verif%s%s",
             cli_count_text(item->found.totals.partitions, "partition", parts),
             cli_work_table(item), item->found.totals.partitions == 1 ? "ies" : "y",
             cli_seen_text(&item->found.report, work->record.identity, seen));
}

void cli_work_say_all(const struct cli_work *work)
{
    char rows[TEXT_NUMBER_MAX], parts[CLI_COUNT_TEXT], bytes[TEXT_NUMBER_MAX],
        time[TEXT_NUMBER_MAX];
    uint64_t whole = 0, rows_n = 0, parts_n = 0, bytes_n = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct export_report *report = work->items[i].told->report;
        whole += work->items[i].state == CLI_WORK_DONE && report->failed_count == 0;
        parts_n += report ? report->partitions : 0;
        rows_n += report ? report->rows_verified : 0;
        bytes_n += report ? report->bytes : 0;
    }
    cli_last(work->cli, "%llu of %zu tables verified: %s partitions, %s rows. %s in %s.",
             (unsigned long long) whole, work->count, text_grouped(parts_n, parts),
             text_grouped(rows_n, rows), text_bytes(bytes_n, bytes),
             text_duration(cli_record_seconds(&work->record), time));
    for (size_t i = 0; i < work->count; i++) {
        const struct cli_work_item *item = &work->items[i];
        if (item->state == CLI_WORK_FAILED)
            cli_last(work->cli, "  %s failed: %s", cli_work_table(item), item->told->error.message);
        else if (item->told->report && item->told->report->failed_count > 0)
            cli_last(work->cli, "  %s is incomplete: %s of %s %s not verify", cli_work_table(item),
                     text_grouped(item->told->report->failed_count, rows),
                     cli_count_text(item->told->report->partitions, "partition", parts),
                     item->told->report->failed_count == 1 ? "does" : "do");
    }
}
