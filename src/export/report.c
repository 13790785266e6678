/* Report: what became of every partition of an export. See run.h. */
#include "export/run.h"

#include "base/memory.h"

#include <stdio.h>

const char *export_verdict_text(enum export_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) text,
        EXPORT_VERDICTS(X)
#undef X
    };
    return (unsigned) verdict < EXPORT_VERDICT_COUNT ? texts[verdict] : "?";
}

bool export_verdict_good(enum export_verdict verdict)
{
    return verdict == EXPORT_VERDICT_OK || verdict == EXPORT_VERDICT_AGED_OUT ||
           verdict == EXPORT_VERDICT_PURGED;
}

bool export_report_failed(struct export_report *report, const struct export_failed *failed,
                          struct error *err)
{
    report->failed_count++;
    if (report->failed_listed == EXPORT_FAILED_LISTED)
        return true;
    if (!mem_reserve(&report->failed, &report->failed_room, report->failed_listed,
                     EXPORT_FAILED_LISTED, sizeof *report->failed, err))
        return false;
    report->failed[report->failed_listed++] = *failed;
    return true;
}

void export_report_late(struct export_report *report, int64_t partition, uint64_t rows)
{
    report->late_rows += rows;
    report->late_count++;
    if (mem_reserve(&report->late, &report->late_room, report->late_listed, EXPORT_LATE_LISTED,
                    sizeof *report->late, NULL))
        report->late[report->late_listed++] =
            (struct export_late){.partition = partition, .rows = rows};
}

static bool named(const struct export *export, int64_t tick)
{
    size_t low = 0, high = export->options.only_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (export->options.only[middle] < tick)
            low = middle + 1;
        else
            high = middle;
    }
    return low < export->options.only_count && export->options.only[low] == tick;
}

static enum export_verdict verdict_of_settled(const struct lake_entry *entry)
{
    switch (entry ? entry->verdict : LAKE_VERDICT_VERIFIED) {
    case LAKE_VERDICT_AGED_OUT:
        return EXPORT_VERDICT_AGED_OUT;
    case LAKE_VERDICT_PURGED:
        return EXPORT_VERDICT_PURGED;
    default:
        return EXPORT_VERDICT_OK;
    }
}

/* What a partition that could not be proven is. */
static enum export_verdict verdict_of_failed(const struct lake_entry *entry,
                                             const struct export_trouble *trouble,
                                             const struct export_part *part)
{
    bool blob = entry && (entry->bytes > 0 || entry->joined);
    if (trouble && trouble->sums_differ)
        return EXPORT_VERDICT_CHANGED;
    if (trouble && trouble->rows > part->counted.rows)
        return EXPORT_VERDICT_CHANGED;
    return blob && export_rows_of(entry) < part->counted.rows ? EXPORT_VERDICT_GREW
                                                              : EXPORT_VERDICT_MISSING;
}

static bool list_failed(struct export *export, size_t part, enum export_verdict verdict,
                        struct error *err)
{
    const struct export_trouble *trouble = export_trouble_find(&export->fetch.troubles, part);
    struct export_failed failed = {
        .partition = export_plan_tick(&export->plan, part),
        .rows = trouble ? trouble->rows : 0,
        .rows_expected = export->plan.parts[part].counted.rows,
        .verdict = verdict,
        .tries = trouble && trouble->given_up ? trouble->tries : export->plan.parts[part].tries,
    };
    if (trouble && trouble->known > failed.rows_expected)
        failed.rows_expected = trouble->known;
    if (trouble)
        memcpy(failed.reasons, trouble->reasons, sizeof failed.reasons);
    return export_report_failed(&export->report, &failed, err);
}

/* What could not be proven is said in the ledger too, beside what the lake still has of it. */
static bool record_failed(struct export *export, size_t part, const struct lake_entry *entry,
                          struct error *err)
{
    struct lake_entry none = {.partition = export_plan_tick(&export->plan, part)};
    bool blob = entry && (entry->bytes > 0 || entry->joined);
    return export_settle_say(export, part, blob ? entry : &none,
                             blob ? LAKE_VERDICT_UNVERIFIED : LAKE_VERDICT_MISSING, err);
}

/* What earlier runs verified was what they might see. */
static void join_access(struct export *export, const struct lake_entry *entry)
{
    struct export_report *report = &export->report;
    const struct lake_run *by = lake_ledger_run(export->ledger, entry->run);
    bool less = by && (by->access == LAKE_ACCESS_CONDITIONAL ||
                       (by->access == LAKE_ACCESS_UNKNOWN && report->access == LAKE_ACCESS_FULL));
    if (!less || by->access == report->access)
        return;
    report->access = by->access;
    (void) snprintf(report->access_why, sizeof report->access_why,
                    "an earlier run verified a part of it, whose access was %s",
                    lake_access_text(by->access));
}

int64_t export_report_since(const struct export_options *options, const struct lake_ledger *ledger,
                            int64_t from, int64_t to)
{
    const struct lake_entry *entry = lake_ledger_next(ledger, from);
    while (entry && entry->partition < to && !entry->joined)
        entry = lake_ledger_next(ledger, entry->partition + 1);
    if (!entry || entry->partition >= to)
        return INT64_MAX;
    return options->continuous > 0 ? options->continuous : entry->partition;
}

void export_report_joined(struct export_report *report, const struct lake_entry *entry,
                          int64_t since)
{
    if (!entry)
        return;
    report->joined += entry->joined;
    report->beside_rows += entry->beside_rows;
    report->doubled += entry->doubled;
    if (entry->partition < since || entry->rows == 0)
        return;
    report->gaps++;
    report->filled += entry->rows;
}

static bool report_part(struct export *export, size_t i, int64_t since, struct error *err)
{
    struct export_report *report = &export->report;
    const struct export_part *part = &export->plan.parts[i];
    int64_t tick = export_plan_tick(&export->plan, i);
    const struct lake_entry *entry = lake_ledger_find(export->ledger, tick);
    if (export->options.only_count > 0 && !named(export, tick))
        return true;
    if (part->state != EXPORT_SETTLED) {
        const struct export_trouble *trouble = export_trouble_find(&export->fetch.troubles, i);
        enum export_verdict verdict = verdict_of_failed(entry, trouble, part);
        report->verdicts[verdict]++;
        return list_failed(export, i, verdict, err) &&
               (trouble && trouble->lost ? export_keep_record_lost(export, i, err)
                                         : record_failed(export, i, entry, err));
    }
    report->verdicts[verdict_of_settled(entry)]++;
    if (entry) {
        join_access(export, entry);
        report->rows_verified += export_rows_of(entry);
        report->bytes_verified += entry->bytes;
        export_report_joined(report, entry, since);
    }
    return true;
}

bool export_report_partitions(struct export *export, struct error *err)
{
    int64_t since =
        export_report_since(&export->options, export->ledger, export->plan.from, export->plan.to);
    for (size_t i = 0; i < export->plan.count; i++)
        if (!report_part(export, i, since, err))
            return false;
    return lake_ledger_flush(export->ledger, err);
}

void export_report_load(struct export *export)
{
    struct workspace_load load;
    struct export_report *report = &export->report;
    workspace_load(export->options.workspace, &load);
    report->queries = load.queries - export->before.queries;
    report->throttled = load.throttled - export->before.throttled;
    report->retried = load.retried - export->before.retried;
    report->received = load.bytes - export->before.bytes;
    report->waited = load.waited - export->before.waited;
    report->seconds = (double) (clock_ns() - export->began) / 1e9;
}

void export_report_release(struct export_report *report)
{
    mem_free(report->failed);
    mem_free(report->late);
    *report = (struct export_report){0};
}
