/* Verify: the ledger's lines against the workspace as it is. See export.h. */
#include "export/count.h"

#include "base/memory.h"
#include "lake/ledger.h"

#include <stdio.h>

struct verify {
    const struct export_options *options;
    struct export_report *report;
    struct export_snapshot snapshot;
    struct lake_ledger *ledger;
    struct export_counted *counted;
    int64_t from, to;
};

enum { STRETCH_MAX = 31 * 288 }; /* partitions counted at once: bounds memory */

/* The moment as of which a partition was proven. */
static int64_t moment(const struct verify *verify, const struct lake_entry *entry)
{
    const struct lake_run *run = entry ? lake_ledger_run(verify->ledger, entry->run) : NULL;
    return run ? run->t0 : verify->snapshot.t0;
}

static bool list(struct export_report *report, int64_t tick, const struct lake_entry *entry,
                 const struct export_counted *counted, const char *reason, struct error *err)
{
    report->failed_count++;
    if (report->failed_listed == EXPORT_FAILED_LISTED)
        return true;
    if (!mem_reserve(&report->failed, &report->failed_room, report->failed_listed,
                     EXPORT_FAILED_LISTED, sizeof *report->failed, err))
        return false;
    struct export_failed *failed = &report->failed[report->failed_listed++];
    *failed = (struct export_failed){
        .partition = tick,
        .rows = entry ? entry->rows : 0,
        .rows_expected = counted->rows,
        .sums_differ = entry && entry->rows == counted->rows,
    };
    (void) snprintf(failed->reasons, sizeof failed->reasons, "%s", reason);
    return true;
}

/* NULL: they agree. */
static const char *difference(const struct verify *verify, const struct lake_entry *entry,
                              const struct export_counted *counted)
{
    if (!entry)
        return counted->rows > 0 ? "not exported yet" : NULL;
    if (!lake_entry_held(entry))
        return "never verified";
    if (entry->rows < counted->rows)
        return "the workspace has rows that the lake lacks";
    if (entry->rows > counted->rows)
        return NULL; /* the lake has outlived the workspace */
    bool sums = verify->snapshot.item && entry->proof == LAKE_PROOF_SUM;
    return sums && entry->sum != counted->sum ? "as many rows, but not the same" : NULL;
}

static bool compare(struct verify *verify, int64_t tick, const struct export_counted *counted,
                    struct error *err)
{
    const struct lake_entry *entry = lake_ledger_find(verify->ledger, tick);
    const char *reason = difference(verify, entry, counted);
    verify->report->partitions++;
    if (reason)
        return list(verify->report, tick, entry, counted, reason, err);
    verify->report->rows_verified += counted->rows;
    verify->report->outlived += entry && entry->rows > counted->rows;
    verify->report->bytes_verified += entry ? entry->bytes : 0;
    return true;
}

static void progress(const struct verify *verify, int64_t at)
{
    const struct export_watch *watch = verify->options->watch;
    struct export_progress now = {
        .phase = "verify",
        .partitions = (uint64_t) ((verify->to - verify->from) / TICK_PARTITION),
        .partitions_done = (uint64_t) ((at - verify->from) / TICK_PARTITION),
    };
    if (watch && watch->progress)
        watch->progress(watch->context, &now);
}

/* Neighbours that were proven as of the same moment are counted together. */
static int64_t stretch_end(const struct verify *verify, int64_t from)
{
    int64_t as_of = moment(verify, lake_ledger_find(verify->ledger, from)), to = from;
    while (to < verify->to && (to - from) / TICK_PARTITION < STRETCH_MAX &&
           moment(verify, lake_ledger_find(verify->ledger, to)) == as_of)
        to += TICK_PARTITION;
    return to;
}

static bool compare_all(struct verify *verify, struct error *err)
{
    for (int64_t from = verify->from; from < verify->to;) {
        int64_t to = stretch_end(verify, from);
        int64_t as_of = moment(verify, lake_ledger_find(verify->ledger, from));
        if (stop_asked(verify->options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!export_count(verify->options->workspace, &verify->snapshot, as_of, from, to,
                          verify->counted, err))
            return false;
        for (int64_t tick = from; tick < to; tick += TICK_PARTITION)
            if (!compare(verify, tick, &verify->counted[(tick - from) / TICK_PARTITION], err))
                return false;
        from = to;
        progress(verify, from);
    }
    return true;
}

/* Without a range: from the ledger's first line to behind its last. */
static void ledger_range(struct verify *verify)
{
    const struct lake_entry *entry = lake_ledger_next(verify->ledger, 0);
    verify->from = verify->to = entry ? entry->partition : 0;
    for (; entry; entry = lake_ledger_next(verify->ledger, entry->partition + 1))
        verify->to = entry->partition + TICK_PARTITION;
}

static bool go(struct verify *verify, struct error *err)
{
    const struct export_options *options = verify->options;
    verify->ledger = lake_ledger_open(options->store, &options->source.place, err);
    if (!verify->ledger)
        return false;
    verify->from = options->source.from;
    verify->to = options->source.to;
    if (verify->from == verify->to)
        ledger_range(verify);
    if (lake_ledger_count(verify->ledger) == 0) {
        (void) error_set(err, ERROR_NOT_FOUND, "the ledger of '%s' is empty: nothing was exported",
                         options->source.place.table);
        return error_hint(err, "weir export %s", options->source.place.table);
    }
    verify->counted = mem_alloc(STRETCH_MAX, sizeof *verify->counted, err);
    return verify->counted && export_snapshot_take(options, &verify->snapshot, err) &&
           compare_all(verify, err);
}

bool export_verify(const struct export_options *options, struct export_report *report,
                   struct error *err)
{
    uint64_t began = clock_ns();
    *report = (struct export_report){0};
    struct verify verify = {.options = options, .report = report};
    bool ok = go(&verify, err);
    report->snapshot = verify.snapshot.t0;
    report->sums = verify.snapshot.item;
    report->seconds = (double) (clock_ns() - began) / 1e9;
    mem_free(verify.counted);
    export_snapshot_release(&verify.snapshot);
    lake_ledger_free(verify.ledger);
    return ok;
}
