/* Settle: which partitions need not be fetched. See run.h.
 *
 * 1. A line of the ledger is final when rows could no longer come late at its T0 (EXPORT_YOUNG): it is believed
 *    without a count, if its blob stands.
 * 2. A younger line is counted again. Equal: it is said again under this run's T0. More rows: they came late, and
 *    the partition is fetched.
 * 3. Fewer rows than the lake has: they aged out of the workspace or were purged. The lake keeps what it has,
 *    whatever the user asked for: nothing could bring it back.
 * 4. The same for a blob that no line vouches for, as after the loss of a ledger: it stays, and is listed.
 */
#include "export/run.h"

#include "lake/check.h"

#include <stdio.h>

enum {
    PIECE = 64 * 1024,
    AGED_LEAST =
        TICK_DAY / TICK_PARTITION /* empty partitions at the begin of a range: is it its age? */
};

static const struct lake_entry *entry_of(const struct export *export, size_t part)
{
    return lake_ledger_find(export->ledger, export_plan_tick(&export->plan, part));
}

static bool repairs(const struct export *export)
{
    return export->options.only_count > 0;
}

/* The blob of a partition is there, with this size. */
static bool blob_size(const struct export *export, int64_t tick, uint64_t *size)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_export_name(&name, export_place(export), tick);
    bool there = store_stat(export->options.store, buf_text(&name), size, NULL);
    buf_release(&name);
    return there;
}

/* Its bytes are those of its line. */
static bool is_intact(const struct export *export, const struct lake_entry *entry)
{
    struct lake_check_totals totals;
    struct lake_check_options options = {.from = entry->partition,
                                         .to = entry->partition + TICK_PARTITION,
                                         .stop = export->options.stop};
    return lake_check(export->options.store, export_place(export), export->ledger, &options,
                      &totals, NULL) &&
           totals.findings[LAKE_FINDING_OK] + totals.findings[LAKE_FINDING_UNVERIFIED] == 1;
}

/* Whether the blob of a line is there, with its size; for a repair, with its bytes. */
static bool stands(const struct export *export, const struct lake_entry *entry)
{
    uint64_t size = 0;
    return entry->bytes == 0 ||
           (blob_size(export, entry->partition, &size) && size == entry->bytes &&
            (!repairs(export) || is_intact(export, entry)));
}

static bool is_final(const struct export *export, const struct lake_entry *entry)
{
    const struct lake_run *by = lake_ledger_run(export->ledger, entry->run);
    return by && lake_entry_held(entry) &&
           entry->partition + TICK_PARTITION + EXPORT_YOUNG <= by->t0;
}

static void settle_all_but_named(struct export *export)
{
    struct export_plan *plan = &export->plan;
    for (size_t i = 0; i < plan->count; i++)
        plan->parts[i].state = EXPORT_SETTLED;
    for (size_t i = 0; i < export->options.only_count; i++) {
        int64_t tick = export->options.only[i];
        if (tick >= plan->from && tick < plan->to)
            plan->parts[(tick - plan->from) / TICK_PARTITION].state = EXPORT_WAITING;
    }
}

void export_settle_final(struct export *export)
{
    if (repairs(export)) {
        settle_all_but_named(export);
        return;
    }
    struct export_plan *plan = &export->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct lake_entry *entry = export->options.refresh ? NULL : entry_of(export, i);
        bool settled = entry && is_final(export, entry) && stands(export, entry);
        plan->parts[i].state = settled ? EXPORT_SETTLED : EXPORT_WAITING;
        export->report.skipped += settled;
    }
}

bool export_settle_say(struct export *export, size_t part, const struct lake_entry *entry,
                       enum lake_verdict verdict, struct error *err)
{
    struct lake_entry again = *entry;
    again.at = tick_now();
    again.verdict = (uint8_t) verdict;
    again.rows_expected = export->plan.parts[part].counted.rows;
    again.sum_expected = export->plan.parts[part].counted.sum;
    return lake_ledger_add(export->ledger, &again, err);
}

/* A young line that the workspace still agrees with. */
static bool still_true(struct export *export, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct lake_entry *entry =
        export->options.refresh || repairs(export) ? NULL : entry_of(export, part);
    *settled = entry && entry->verdict == LAKE_VERDICT_VERIFIED && entry->rows == counted->rows &&
               (entry->proof == LAKE_PROOF_SUM) == export->snapshot.item &&
               entry->sum == counted->sum && stands(export, entry);
    if (!*settled)
        return true;
    export->plan.parts[part].state = EXPORT_SETTLED;
    export->report.skipped++;
    return export_settle_say(export, part, entry, LAKE_VERDICT_VERIFIED, err);
}

/* Older than the table's retention, as far as that is known: rows may go at any time. */
static bool is_aged(const struct export *export, int64_t tick)
{
    return tick < export->snapshot.aged;
}

static bool keep_outlived(struct export *export, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct lake_entry *entry = entry_of(export, part);
    *settled = entry && entry->bytes > 0 && entry->rows > counted->rows && stands(export, entry);
    if (!*settled)
        return true;
    if (!export_snapshot_facts(&export->options, &export->snapshot, err))
        return false;
    bool known = export->snapshot.aged > 0;
    bool aged = known ? is_aged(export, entry->partition) : counted->rows == 0;
    export->plan.parts[part].state = EXPORT_SETTLED;
    export->report.outlived++;
    return export_settle_say(export, part, entry,
                             aged ? LAKE_VERDICT_AGED_OUT : LAKE_VERDICT_PURGED, err);
}

/* Lines of a blob that the ledger does not tell of. */
static bool count_lines(const struct export *export, int64_t tick, uint64_t *rows,
                        struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    char piece[PIECE];
    size_t n = 0;
    *rows = 0;
    lake_export_name(&name, export_place(export), tick);
    struct store_reader *reader = store_reader_new(export->options.store, buf_text(&name), err);
    bool ok = reader != NULL;
    do {
        ok = ok && store_reader_next(reader, piece, sizeof piece, &n, err);
        for (size_t i = 0; ok && i < n; i++)
            *rows += piece[i] == '\n';
    } while (ok && n > 0);
    store_reader_free(reader);
    buf_release(&name);
    return ok;
}

/* A blob that its line does not vouch for, with more rows than the workspace has by now: it is the last trace of them,
 * and proves nothing. It stays, and the partition is listed. */
static bool keep_unknown(struct export *export, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct lake_entry *entry = entry_of(export, part);
    int64_t tick = export_plan_tick(&export->plan, part);
    uint64_t size = 0, rows = 0;
    *settled = false;
    bool there = blob_size(export, tick, &size);
    if (!there && entry && entry->rows > counted->rows)
        export->report.vanished += entry->rows - counted->rows;
    if (!there || (entry && entry->bytes == size && !repairs(export)))
        return true;
    if (!count_lines(export, tick, &rows, err))
        return false;
    if (rows <= counted->rows)
        return true;
    char reason[EXPORT_REASON_MAX], had[TEXT_NUMBER_MAX], has[TEXT_NUMBER_MAX];
    (void) snprintf(reason, sizeof reason,
                    "its blob of %s rows is not that of the ledger, the workspace has %s by now: "
                    "left as it is",
                    text_grouped(rows, had), text_grouped(counted->rows, has));
    export_fetch_give_up(&export->fetch, part, rows, reason);
    *settled = true;
    return true;
}

/* Rows that came after their partition was verified. */
static void note_late(struct export *export, size_t part)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct lake_entry *entry = entry_of(export, part);
    if (entry && entry->verdict == LAKE_VERDICT_VERIFIED && counted->rows > entry->rows)
        export_report_late(&export->report, entry->partition, counted->rows - entry->rows);
}

/* A range that begins before the table's retention: of that time there is nothing to fetch, and no proof that nothing
 * was. It is not called verified. Its partitions are held back until the retention is known. */
void export_settle_hold(struct export *export)
{
    struct export_plan *plan = &export->plan;
    size_t empty = 0;
    while (empty < plan->count && plan->parts[empty].state == EXPORT_WAITING &&
           plan->parts[empty].counted.rows == 0)
        empty++;
    if (plan->uncounted || export->options.source.query || empty < AGED_LEAST)
        return;
    for (size_t i = 0; i < empty; i++)
        plan->parts[i].state = EXPORT_UNDER_WAY;
    export->held = empty;
}

static bool is_gone(const struct export *export, size_t part)
{
    int64_t tick = export_plan_tick(&export->plan, part);
    uint64_t size;
    return tick < export->snapshot.aged && !entry_of(export, part) &&
           !blob_size(export, tick, &size);
}

bool export_settle_held(struct export *export, struct error *err)
{
    struct export_plan *plan = &export->plan;
    size_t aged = 0;
    if (export->held == 0)
        return true;
    if (!export_snapshot_facts(&export->options, &export->snapshot, err))
        return false;
    for (size_t i = 0; i < export->held; i++) {
        struct lake_entry none = {.partition = export_plan_tick(plan, i)};
        bool gone = is_gone(export, i);
        plan->parts[i].state = gone ? EXPORT_SETTLED : EXPORT_WAITING;
        aged += gone;
        export->fetch.progress.partitions_done += gone;
        if (gone && !export_settle_say(export, i, &none, LAKE_VERDICT_AGED_OUT, err))
            return false;
    }
    export->held = 0;
    plan->next = 0;
    char line[160], number[TEXT_NUMBER_MAX];
    (void) snprintf(line, sizeof line,
                    "%s partitions are older than the table's retention of %u days: nothing of "
                    "them is there any more",
                    text_grouped(aged, number), export->snapshot.facts.retention_days);
    if (aged > 0)
        export_note(export, line);
    return true;
}

bool export_settle_counted(struct export *export, struct error *err)
{
    struct export_progress *progress = &export->fetch.progress;
    for (size_t i = 0; i < export->plan.count; i++) {
        bool settled = export->plan.parts[i].state == EXPORT_SETTLED;
        if (settled)
            continue;
        if (!export->plan.uncounted) {
            if (!still_true(export, i, &settled, err) ||
                (!settled && !keep_outlived(export, i, &settled, err)) ||
                (!settled && !keep_unknown(export, i, &settled, err)))
                return false;
            if (settled)
                continue;
            note_late(export, i);
        }
        progress->partitions++;
        progress->rows_expected += export->plan.parts[i].counted.rows;
        export->report.without_ingestion_time += export->plan.parts[i].counted.unstamped;
    }
    return true;
}

bool export_settle_outlived(struct export *export, struct error *err)
{
    for (size_t i = 0; i < export->plan.count; i++) {
        bool settled;
        if (export->plan.parts[i].state == EXPORT_WAITING &&
            !keep_outlived(export, i, &settled, err))
            return false;
    }
    return true;
}

/* A blob that is about to be replaced is not what its line says for a moment; a run that ends in that moment must not
 * leave the line standing. */
bool export_settle_doubt(struct export *export, struct error *err)
{
    for (size_t i = 0; i < export->plan.count; i++) {
        const struct lake_entry *entry = entry_of(export, i);
        if (export->plan.parts[i].state == EXPORT_WAITING && entry && entry->bytes > 0 &&
            !export_settle_say(export, i, entry, LAKE_VERDICT_UNVERIFIED, err))
            return false;
    }
    return lake_ledger_flush(export->ledger, err);
}
