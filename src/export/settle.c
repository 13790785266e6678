/* Settle: which partitions need not be fetched. See run.h.
 *
 * 1. A line of the ledger is final when rows could no longer come late at its T0 (EXPORT_YOUNG), and its run was not
 *    known to see less than there is: it is believed without a count, if its blob stands.
 * 2. A younger line is counted again. Equal: it is said again under this run's T0. More rows: they came late, and
 *    the partition is fetched.
 * 3. Fewer rows than the lake has or the ledger knows: keep.c.
 */
#include "export/run.h"

#include <stdio.h>

static const struct lake_entry *entry_of(const struct export *export, size_t part)
{
    return lake_ledger_find(export->ledger, export_plan_tick(&export->plan, part));
}

static bool repairs(const struct export *export)
{
    return export->options.only_count > 0;
}

static bool is_final(const struct export *export, const struct lake_entry *entry)
{
    const struct lake_run *by = lake_ledger_run(export->ledger, entry->run);
    bool reaches_further = export->options.source.relation != NULL; /* than who wrote the line */
    return by && lake_entry_held(entry) && by->access != LAKE_ACCESS_CONDITIONAL &&
           !(reaches_further && lake_entry_unseen(entry)) &&
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
        bool settled = entry && is_final(export, entry) && export_keep_stands(export, entry);
        plan->parts[i].state = settled ? EXPORT_SETTLED : EXPORT_WAITING;
        export->report.skipped += settled;
    }
}

/* The service's blobs have the rows that they had. One that was not joined yet is. */
static bool is_still_beside(const struct lake_entry *entry, const struct export_joint *joint)
{
    return entry->joined && joint->read && !joint->growing && joint->unkeyed == 0 &&
           joint->rows == entry->beside_rows && joint->sum == entry->beside_sum;
}

bool export_settle_say(struct export *export, size_t part, const struct lake_entry *entry,
                       enum lake_verdict verdict, struct error *err)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    struct lake_entry again = *entry;
    const struct export_joint *joint = export_join_find(&export->join, part);
    again.at = entry->joined ? entry->at : tick_now();
    if (joint && is_still_beside(entry, joint)) { /* as of the listing by which they were read */
        again.at = export->look.at;
        again.beside_bytes = export_look_bytes(&export->look, entry->partition);
        again.doubled = joint->doubled;
    }
    again.verdict = (uint8_t) verdict;
    /* Rows that were counted once and never came are not forgotten. */
    if (lake_entry_held(entry) || entry->rows_expected <= counted->rows) {
        again.rows_expected = counted->rows;
        again.sum_expected = counted->sum;
    }
    return lake_ledger_add(export->ledger, &again, err);
}

/* A young line that the workspace still agrees with. */
static bool still_true(struct export *export, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct lake_entry *entry =
        export->options.refresh || repairs(export) ? NULL : entry_of(export, part);
    const struct export_joint *joint = export_join_find(&export->join, part);
    *settled = entry && entry->verdict == LAKE_VERDICT_VERIFIED &&
               export_rows_of(entry) == counted->rows &&
               (entry->proof == LAKE_PROOF_SUM) == export->snapshot.item &&
               export_sum_of(entry) == counted->sum && export_keep_stands(export, entry) &&
               (!joint || is_still_beside(entry, joint));
    if (!*settled)
        return true;
    export->plan.parts[part].state = EXPORT_SETTLED;
    export->report.skipped++;
    return export_settle_say(export, part, entry, LAKE_VERDICT_VERIFIED, err);
}

/* Rows that came after their partition was verified. */
static void note_late(struct export *export, size_t part)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct lake_entry *entry = entry_of(export, part);
    uint64_t rows = entry ? export_rows_of(entry) : 0;
    if (entry && entry->verdict == LAKE_VERDICT_VERIFIED && counted->rows > rows)
        export_report_late(&export->report, entry->partition, counted->rows - rows);
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
    if (plan->uncounted || export->options.source.query || export->options.only_count > 0)
        return;
    for (size_t i = 0; i < empty; i++)
        plan->parts[i].state = EXPORT_UNDER_WAY;
    export->held = empty;
}

/* Nothing is there, and nothing was, but perhaps a line that says so. */
static bool is_gone(const struct export *export, size_t part)
{
    int64_t tick = export_plan_tick(&export->plan, part);
    const struct lake_entry *entry = entry_of(export, part);
    bool nothing = !entry || (entry->verdict == LAKE_VERDICT_AGED_OUT && entry->bytes == 0);
    uint64_t size;
    return tick < export->snapshot.aged && nothing && !export_keep_size(export, tick, &size);
}

bool export_settle_came(void *context, size_t part, bool *settled, struct error *err)
{
    struct export *export = context;
    struct lake_entry none = {.partition = export_plan_tick(&export->plan, part)};
    bool empty = export->plan.parts[part].counted.rows == 0;
    if (!export_keep(export, part, settled, err) ||
        (!*settled && empty && !export_snapshot_facts(&export->options, &export->snapshot, err)))
        return false;
    if (*settled)
        return true;
    note_late(export, part);
    if (!empty || !is_gone(export, part))
        return true;
    *settled = true;
    export->plan.parts[part].state = EXPORT_SETTLED;
    return export_settle_say(export, part, &none, LAKE_VERDICT_AGED_OUT, err);
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
    char line[200], number[TEXT_NUMBER_MAX];
    const struct workspace_facts *facts = &export->snapshot.facts;
    bool further = !export->snapshot.related && facts->total_retention_days > facts->retention_days;
    (void) snprintf(
        line, sizeof line, "%s partition%s older than the table's %sretention of %u days: %s",
        text_grouped(aged, number), aged == 1 ? " is" : "s are", further ? "interactive " : "",
        export->snapshot.related ? facts->total_retention_days : facts->retention_days,
        further ? "--from search-job or --from restore may find what was there"
                : "nothing of them is there any more");
    if (aged > 0)
        export_note(export, line);
    return true;
}

/* -- where the service's own blobs stand -- */

enum export_beside export_beside_of(const struct export *export, size_t part)
{
    const struct lake_entry *entry = entry_of(export, part);
    if (!repairs(export) || !entry)
        return export->options.beside;
    return entry->joined ? EXPORT_BESIDE_JOIN : EXPORT_BESIDE_KEEP;
}

static bool refuse_beside(size_t count, int64_t first, int64_t last, struct error *err)
{
    char number[TEXT_NUMBER_MAX], from[TICK_TEXT_MAX], to[TICK_TEXT_MAX];
    (void) tick_format_short(first, from);
    (void) tick_format_short(last + TICK_PARTITION, to);
    (void) error_set(err, ERROR_USAGE,
                     "%s partition%s of the range, from %s to %s, hold%s blobs of the service's "
                     "own continuous export already",
                     text_grouped(count, number), count == 1 ? "" : "s", from, to,
                     count == 1 ? "s" : "");
    return error_hint(err,
                      "--until-continuous writes only the rows that they lack; --beside writes "
                      "all rows beside them; --end %s leaves them out",
                      from);
}

static void note_beside(const struct export *export, size_t count)
{
    char line[160], number[TEXT_NUMBER_MAX];
    (void) snprintf(line, sizeof line,
                    "%s partition%s hold%s the service's own blobs too: rows stand there twice "
                    "(--beside)",
                    text_grouped(count, number), count == 1 ? "" : "s", count == 1 ? "s" : "");
    if (count > 0)
        export_note(export, line);
}

bool export_settle_beside(struct export *export, struct error *err)
{
    size_t kept = 0, refused = 0;
    int64_t first = 0, last = 0;
    for (size_t i = 0; i < export->plan.count; i++) {
        int64_t tick = export_plan_tick(&export->plan, i);
        if (export->plan.parts[i].state != EXPORT_WAITING ||
            !export_look_beside(&export->look, tick))
            continue;
        enum export_beside beside = export_beside_of(export, i);
        if (beside == EXPORT_BESIDE_JOIN && !export_join_add(&export->join, i, err))
            return false;
        kept += beside == EXPORT_BESIDE_KEEP;
        if (beside != EXPORT_BESIDE_REFUSE)
            continue;
        first = refused++ == 0 ? tick : first;
        last = tick;
    }
    note_beside(export, kept);
    return refused == 0 || refuse_beside(refused, first, last, err);
}

/* What the service has whole is not fetched. A blob of ours there goes when the export begins to write. */
static bool settle_theirs(struct export *export, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &export->plan.parts[part].counted;
    const struct export_joint *joint = export_join_find(&export->join, part);
    uint64_t size;
    *settled = joint && export_join_whole(&export->join, joint) &&
               !export->options.source.relation_partial &&
               !export_keep_size(export, export_plan_tick(&export->plan, part), &size);
    if (!*settled)
        return true;
    int64_t tick = export_plan_tick(&export->plan, part);
    struct lake_entry whole = {.partition = tick,
                               .at = export->look.at,
                               .beside_bytes = export_look_bytes(&export->look, tick),
                               .proof = LAKE_PROOF_SUM,
                               .joined = true,
                               .beside_rows = counted->rows,
                               .beside_sum = counted->sum,
                               .doubled = joint->doubled};
    note_late(export, part);
    export->plan.parts[part].state = EXPORT_SETTLED;
    export->report.fetched++;
    return export_settle_say(export, part, &whole, LAKE_VERDICT_VERIFIED, err);
}

bool export_settle_whole(struct export *export, struct error *err)
{
    for (size_t i = 0; i < export->join.n; i++) {
        const struct export_joint *joint = &export->join.v[i];
        const struct export_part *part = &export->plan.parts[joint->part];
        struct export_joined joined = {
            .rows = part->counted.rows,
            .sum = part->counted.sum,
            .doubled = joint->doubled,
            .at = export->look.at,
            .bytes =
                export_look_bytes(&export->look, export_plan_tick(&export->plan, joint->part))};
        if (part->state == EXPORT_WAITING && export_join_whole(&export->join, joint) &&
            !export_fetch_write(&export->fetch, joint->part, NULL, 0, &joined, err))
            return false;
    }
    return true;
}

bool export_settle_counted(struct export *export, struct error *err)
{
    struct export_progress *progress = &export->fetch.progress;
    for (size_t i = 0; i < export->plan.count; i++) {
        bool settled = false;
        if (export->plan.parts[i].state != EXPORT_WAITING)
            continue;
        if (!export->plan.uncounted) {
            if (!still_true(export, i, &settled, err) ||
                (!settled && !export_keep(export, i, &settled, err)) ||
                (!settled && !settle_theirs(export, i, &settled, err)))
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
        if (export->plan.parts[i].state == EXPORT_WAITING && !export_keep(export, i, &settled, err))
            return false;
    }
    return true;
}

/* A blob that is about to be replaced is not what its line says for a moment; a run that ends in that moment must not
 * leave the line standing. */
bool export_settle_doubt(struct export *export, struct error *err)
{
    bool any = false;
    for (size_t i = 0; i < export->plan.count; i++) {
        const struct lake_entry *entry = entry_of(export, i);
        if (export->plan.parts[i].state != EXPORT_WAITING || !entry || entry->bytes == 0)
            continue;
        any = true;
        if (!export_settle_say(export, i, entry, LAKE_VERDICT_UNVERIFIED, err))
            return false;
    }
    /* Other lines wait for what the identity may see, which stands in the head of their segment. */
    return !any || lake_ledger_flush(export->ledger, err);
}
