/* Verify: the ledger's lines against the workspace as it is. See export.h.
 *
 * Of a joined partition some rows stand in the service's own blobs: those are read again, since what nobody watches may
 * go. They may have grown; they must not have lost.
 */
#include "export/run.h"

#include "base/memory.h"

#include <stdio.h>

struct verify {
    const struct export_options *options;
    struct export_report *report;
    struct export_snapshot snapshot;
    struct lake_ledger *ledger;
    struct export_counted *counted,
        *now;                       /* of a window, as of the moments of the proofs, and now */
    struct export_counted *scratch; /* of one question */
    int64_t from, to;
    /* Where partitions are joined: */
    int64_t since; /* INT64_MAX: none is */
    struct export_plan plan;
    struct export_look look;
    struct export_join join;
};

enum { WINDOW_MAX = 31 * 288 }; /* partitions: bounds memory */

static const struct lake_run *run_of(const struct verify *verify, const struct lake_entry *entry)
{
    return entry ? lake_ledger_run(verify->ledger, entry->run) : NULL;
}

/* The moment as of which a partition was proven. */
static int64_t moment(const struct verify *verify, int64_t tick)
{
    const struct lake_run *run = run_of(verify, lake_ledger_find(verify->ledger, tick));
    return run ? run->t0 : verify->snapshot.t0;
}

static bool list(struct export_report *report, int64_t tick, const struct lake_entry *entry,
                 const struct export_counted *counted, enum export_verdict verdict,
                 const char *reason, struct error *err)
{
    struct export_failed failed = {
        .partition = tick,
        .rows = entry ? export_rows_of(entry) : 0,
        .rows_expected = counted->rows,
        .verdict = verdict,
    };
    (void) snprintf(failed.reasons, sizeof failed.reasons, "%s", reason);
    return export_report_failed(report, &failed, err);
}

/* *reason is set where the verdict is no good one. */
static enum export_verdict judge(const struct verify *verify, const struct lake_entry *entry,
                                 const struct export_counted *counted, const char **reason)
{
    *reason = "the workspace does not count it in time";
    if (!counted->known)
        return EXPORT_VERDICT_MISSING;
    if (!entry && counted->rows == 0)
        return EXPORT_VERDICT_OK;
    *reason = "not exported yet";
    if (!entry)
        return EXPORT_VERDICT_MISSING;
    *reason = "never verified";
    if (!lake_entry_held(entry))
        return EXPORT_VERDICT_MISSING;
    *reason = "the workspace has rows that the lake lacks";
    if (export_rows_of(entry) < counted->rows)
        return EXPORT_VERDICT_GREW;
    if (export_rows_of(entry) > counted->rows)
        return export_snapshot_ages(&verify->snapshot, entry->partition, counted->rows)
                   ? EXPORT_VERDICT_AGED_OUT
                   : EXPORT_VERDICT_PURGED;
    *reason = "as many rows, but not the same";
    bool sums = verify->snapshot.item && entry->proof == LAKE_PROOF_SUM;
    return sums && export_sum_of(entry) != counted->sum ? EXPORT_VERDICT_CHANGED
                                                        : EXPORT_VERDICT_OK;
}

/* Rows that came after the moment of the proof. */
static void note_late(struct verify *verify, const struct lake_entry *entry,
                      const struct export_counted *counted, const struct export_counted *now)
{
    if (entry && now && now->rows > counted->rows)
        export_report_late(verify->report, entry->partition, now->rows - counted->rows);
}

/* What the ledger knew of, and nobody has any more. */
static void note_lost(struct export_report *report, const struct lake_entry *entry)
{
    if (entry && lake_entry_held(entry) && entry->verdict != LAKE_VERDICT_VERIFIED &&
        entry->rows_expected > export_rows_of(entry))
        report->vanished += entry->rows_expected - export_rows_of(entry);
}

/* Whether the service's blobs have what they had. *reason is set where they do not. */
static enum export_verdict judge_beside(const struct verify *verify, const struct lake_entry *entry,
                                        const char **reason)
{
    if (!entry || !entry->joined || !lake_entry_held(entry) || entry->beside_rows == 0)
        return EXPORT_VERDICT_OK;
    size_t part = (size_t) ((entry->partition - verify->from) / TICK_PARTITION);
    const struct export_joint *joint = export_join_find(&verify->join, part);
    uint64_t gone;
    if (export_look_gone(&verify->look, entry->partition, &gone) > 0 &&
        gone + export_look_bytes(&verify->look, entry->partition) >= entry->beside_bytes)
        return EXPORT_VERDICT_OK; /* compared when they were put into Parquet */
    *reason = "the service's own blobs could not be read";
    if (joint && !joint->read)
        return EXPORT_VERDICT_MISSING;
    *reason = "the service's own blobs lack rows that they had";
    if (!joint || joint->rows + joint->unkeyed < entry->beside_rows ||
        export_look_bytes(&verify->look, entry->partition) < entry->beside_bytes)
        return EXPORT_VERDICT_MISSING;
    *reason = "the service's own blobs have other rows than they had";
    bool sums = entry->proof == LAKE_PROOF_SUM && joint->unkeyed == 0;
    return sums && joint->rows == entry->beside_rows && joint->sum != entry->beside_sum
               ? EXPORT_VERDICT_CHANGED
               : EXPORT_VERDICT_OK;
}

static bool compare(struct verify *verify, int64_t tick, const struct export_counted *counted,
                    const struct export_counted *now, struct error *err)
{
    struct export_report *report = verify->report;
    const struct lake_entry *entry = lake_ledger_find(verify->ledger, tick);
    const char *reason = "";
    enum export_verdict verdict = judge(verify, entry, counted, &reason);
    if (export_verdict_good(verdict) && judge_beside(verify, entry, &reason) != EXPORT_VERDICT_OK)
        verdict = judge_beside(verify, entry, &reason);
    report->partitions++;
    report->verdicts[verdict]++;
    note_late(verify, entry, counted, now);
    if (!export_verdict_good(verdict))
        return list(report, tick, entry, counted, verdict, reason, err);
    report->rows_verified += entry ? export_rows_of(entry) : 0;
    report->outlived += entry && export_rows_of(entry) > counted->rows;
    note_lost(report, entry);
    report->bytes_verified += entry ? entry->bytes : 0;
    export_report_joined(report, entry, verify->since);
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

/* What rows may still have come to since its proof. */
static bool is_young(const struct verify *verify, int64_t tick)
{
    const struct lake_run *run = run_of(verify, lake_ledger_find(verify->ledger, tick));
    return run && tick + TICK_PARTITION + EXPORT_YOUNG > run->t0;
}

/* What the ledger alone vouches for. */
static bool is_aged(const struct verify *verify, int64_t tick)
{
    const struct lake_entry *entry = lake_ledger_find(verify->ledger, tick);
    return tick < verify->snapshot.aged && entry && lake_entry_held(entry);
}

/* Partitions [first, end) of the window at `from`, as of a moment. */
static bool count(struct verify *verify, int64_t from, size_t first, size_t end, int64_t as_of,
                  struct export_counted *out, struct error *err)
{
    return export_count(verify->options->workspace, &verify->snapshot, as_of,
                        from + (int64_t) first * TICK_PARTITION,
                        from + (int64_t) end * TICK_PARTITION, out, NULL, err);
}

/* Behind the last partition of the window that was proven as of the same moment as the first. Where reading is billed by
 * the time that it covers: of the neighbours alone. */
static size_t moment_end(const struct verify *verify, int64_t from, size_t first, size_t n)
{
    int64_t as_of = moment(verify, from + (int64_t) first * TICK_PARTITION);
    size_t end = first + 1;
    for (size_t i = first + 1; i < n; i++) {
        int64_t tick = from + (int64_t) i * TICK_PARTITION;
        if (moment(verify, tick) == as_of && !is_aged(verify, tick))
            end = i + 1;
        else if (verify->snapshot.search)
            break;
    }
    return end;
}

/* One question for each moment in the window, however scattered its partitions are. */
static bool count_window(struct verify *verify, int64_t from, size_t n, struct error *err)
{
    for (size_t i = 0; i < n; i++)
        verify->counted[i] = (struct export_counted){.known = false};
    for (size_t first = 0; first < n; first++) {
        int64_t tick = from + (int64_t) first * TICK_PARTITION;
        if (verify->counted[first].asked || is_aged(verify, tick))
            continue;
        int64_t as_of = moment(verify, tick);
        size_t end = moment_end(verify, from, first, n);
        if (!count(verify, from, first, end, as_of, verify->scratch, err))
            return false;
        for (size_t i = first; i < end; i++)
            if (moment(verify, from + (int64_t) i * TICK_PARTITION) == as_of) {
                verify->counted[i] = verify->scratch[i - first];
                verify->counted[i].asked = true;
            }
    }
    return true;
}

/* What may have come since: of the young ones, as of now. */
static bool count_young(struct verify *verify, int64_t from, size_t n, struct error *err)
{
    size_t first = n, end = 0;
    for (size_t i = 0; i < n; i++)
        if (is_young(verify, from + (int64_t) i * TICK_PARTITION)) {
            first = first < n ? first : i;
            end = i + 1;
        }
    return first == n || verify->snapshot.search ||
           count(verify, from, first, end, verify->snapshot.t0, verify->now + first, err);
}

static bool keep_aged(struct verify *verify, int64_t tick, struct error *err)
{
    struct export_report *report = verify->report;
    const struct lake_entry *entry = lake_ledger_find(verify->ledger, tick);
    const struct export_counted none = {0};
    const char *reason = "";
    enum export_verdict verdict = judge_beside(verify, entry, &reason);
    report->partitions++;
    if (verdict != EXPORT_VERDICT_OK) {
        report->verdicts[verdict]++;
        return list(report, tick, entry, &none, verdict, reason, err);
    }
    report->verdicts[EXPORT_VERDICT_AGED_OUT]++;
    note_lost(report, entry);
    export_report_joined(report, entry, verify->since);
    report->rows_verified += entry ? export_rows_of(entry) : 0;
    report->bytes_verified += entry ? entry->bytes : 0;
    return true;
}

static bool compare_window(struct verify *verify, int64_t from, size_t n, struct error *err)
{
    if (!count_window(verify, from, n, err) || !count_young(verify, from, n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t tick = from + (int64_t) i * TICK_PARTITION;
        bool young = is_young(verify, tick) && !verify->snapshot.search;
        if (!(is_aged(verify, tick) ? keep_aged(verify, tick, err)
                                    : compare(verify, tick, &verify->counted[i],
                                              young ? &verify->now[i] : NULL, err)))
            return false;
    }
    return true;
}

static bool compare_all(struct verify *verify, struct error *err)
{
    for (int64_t from = verify->from; from < verify->to;) {
        size_t n = (size_t) ((verify->to - from) / TICK_PARTITION);
        n = n < WINDOW_MAX ? n : WINDOW_MAX;
        if (stop_asked(verify->options->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!compare_window(verify, from, n, err))
            return false;
        from += (int64_t) n * TICK_PARTITION;
        progress(verify, from);
    }
    return true;
}

/* Counting a table of the Basic or Auxiliary plan is a pass, and billed. */
static bool bill(struct verify *verify, struct error *err)
{
    struct export_options options = *verify->options;
    struct export_access access = {0};
    struct export_usage usage;
    bool wanted;
    if (!verify->snapshot.search)
        return true;
    options.source.from = verify->from;
    options.source.to = verify->to;
    bool ok = export_usage_init(&usage, &options, &wanted, err) &&
              workspace_ask_all(options.workspace, &usage.ask, 1, err) &&
              export_access_read(&access, &options, &usage, err);
    uint64_t bytes = export_access_bytes(&access, verify->from, verify->to);
    if (ok && options.scan_max > 0 && (access.n == 0 || bytes > options.scan_max))
        ok = error_set(err, ERROR_USAGE,
                       "counting '%s' is a pass over it, and billed by more than the limit, or by "
                       "what Usage does not tell",
                       options.source.place.table) ||
             error_hint(err, "--max-cost; --offline reads the lake alone");
    verify->report->scanned = bytes;
    export_usage_release(&usage);
    export_access_release(&access);
    return ok;
}

static bool judge_access(struct verify *verify, struct error *err)
{
    struct export_access access = {0};
    bool ok = export_access_judge(verify->options, &verify->snapshot, NULL, &access, err);
    verify->report->access = access.access;
    memcpy(verify->report->access_why, access.why, sizeof access.why);
    export_access_release(&access);
    return ok;
}

/* Joined partitions that the ledger vouches for, and where the service's blobs still are. */
static bool list_joints(struct verify *verify, struct error *err)
{
    const struct lake_entry *entry = lake_ledger_next(verify->ledger, verify->from);
    for (; entry && entry->partition < verify->to;
         entry = lake_ledger_next(verify->ledger, entry->partition + 1)) {
        size_t part = (size_t) ((entry->partition - verify->from) / TICK_PARTITION);
        if (!entry->joined || !lake_entry_held(entry) ||
            !export_look_beside(&verify->look, entry->partition))
            continue;
        verify->plan.parts[part].state = EXPORT_WAITING;
        if (!export_join_add(&verify->join, part, err))
            return false;
    }
    return true;
}

/* What the service's own blobs have by now, where the ledger relies on them. */
static bool read_beside(struct verify *verify, struct error *err)
{
    const struct export_options *options = verify->options;
    struct export_options range = *options;
    verify->since = export_report_since(options, verify->ledger, verify->from, verify->to);
    if (verify->since == INT64_MAX)
        return true;
    range.source.from = verify->from;
    range.source.to = verify->to;
    verify->join = (struct export_join){.options = options,
                                        .snapshot = &verify->snapshot,
                                        .plan = &verify->plan,
                                        .look = &verify->look,
                                        .report = verify->report};
    return export_plan_init(&verify->plan, &range, verify->snapshot.columns.n, err) &&
           export_look(&verify->look, options->store, &options->source.place, verify->ledger,
                       verify->from, verify->to, err) &&
           list_joints(verify, err) && export_join_compare(&verify->join, err);
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
        lake_ledger_range(verify->ledger, &verify->from, &verify->to);
    if (lake_ledger_count(verify->ledger) == 0) {
        (void) error_set(err, ERROR_NOT_FOUND, "the ledger of '%s' is empty: nothing was exported",
                         options->source.place.table);
        return error_hint(err, "weir export %s", options->source.place.table);
    }
    verify->counted = mem_alloc(WINDOW_MAX, sizeof *verify->counted, err);
    verify->now = mem_alloc(WINDOW_MAX, sizeof *verify->now, err);
    verify->scratch = mem_alloc(WINDOW_MAX, sizeof *verify->scratch, err);
    return verify->counted && verify->now && verify->scratch &&
           export_snapshot_take(options, &verify->snapshot, err) &&
           export_snapshot_facts(options, &verify->snapshot, err) && bill(verify, err) &&
           read_beside(verify, err) && compare_all(verify, err) && judge_access(verify, err);
}

bool export_verify(const struct export_options *options, struct export_report *report,
                   struct error *err)
{
    uint64_t began = clock_ns();
    *report = (struct export_report){0};
    struct verify verify = {.options = options, .report = report};
    bool ok = go(&verify, err);
    report->snapshot = verify.snapshot.t0;
    report->proof = verify.snapshot.item ? LAKE_PROOF_SUM : LAKE_PROOF_ROWS;
    report->plan = verify.snapshot.facts.plan;
    report->seconds = (double) (clock_ns() - began) / 1e9;
    mem_free(verify.counted);
    mem_free(verify.now);
    mem_free(verify.scratch);
    export_join_release(&verify.join);
    export_look_release(&verify.look);
    export_plan_release(&verify.plan);
    export_snapshot_release(&verify.snapshot);
    lake_ledger_free(verify.ledger);
    return ok;
}
