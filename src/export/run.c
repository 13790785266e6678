/* Run: snapshot, count, plan, fetch, ledger. See export.h. */
#include "export/fetch.h"

#include "base/memory.h"
#include "base/random.h"
#include "lake/schema.h"

#include <stdio.h>

struct run {
    const struct export_options *options;
    struct export_report *report;
    struct export_snapshot snapshot;
    struct export_plan plan;
    struct export_fetch fetch;
    struct export_counted *counted; /* scratch of the counts, one a partition */
    struct lake_ledger *ledger;
    struct lake_pool *pool;
    struct store_lock *lock;
    struct random random;
    bool refresh; /* nothing that the ledger holds is skipped */
};

static void note(const struct export_options *options, const char *line)
{
    if (options->watch && options->watch->note)
        options->watch->note(options->watch->context, line);
}

static const struct lake_place *place(const struct run *run)
{
    return &run->options->source.place;
}

/* -- what is settled -- */

/* Whether the blob of a line is there, with its size. What is in it is lake/check.h's to read. */
static bool stands(const struct run *run, const struct lake_entry *entry)
{
    uint64_t size = 0;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_export_name(&name, place(run), entry->partition);
    bool there =
        entry->bytes == 0 ||
        (store_stat(run->options->store, buf_text(&name), &size, NULL) && size == entry->bytes);
    buf_release(&name);
    return there;
}

/* A line is final when late rows could no longer arrive at its T0 (EXPORT_YOUNG). */
static bool is_final(const struct run *run, const struct lake_entry *entry)
{
    const struct lake_run *by = lake_ledger_run(run->ledger, entry->run);
    return by && lake_entry_held(entry) &&
           entry->partition + TICK_PARTITION + EXPORT_YOUNG <= by->t0;
}

static void skip_final(struct run *run)
{
    struct export_plan *plan = &run->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct lake_entry *entry =
            run->refresh ? NULL : lake_ledger_find(run->ledger, export_plan_tick(plan, i));
        bool settled = entry && is_final(run, entry) && stands(run, entry);
        plan->parts[i].state = settled ? EXPORT_SETTLED : EXPORT_WAITING;
        run->report->skipped += settled;
    }
}

static bool say_again(struct run *run, size_t part, const struct lake_entry *entry,
                      enum lake_verdict verdict, struct error *err)
{
    struct lake_entry again = *entry;
    again.at = tick_now();
    again.verdict = (uint8_t) verdict;
    again.rows_expected = run->plan.parts[part].counted.rows;
    again.sum_expected = run->plan.parts[part].counted.sum;
    return lake_ledger_add(run->ledger, &again, err);
}

/* A young line that the workspace still agrees with: said again, under this run's T0. */
static bool still_true(struct run *run, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &run->plan.parts[part].counted;
    const struct lake_entry *entry =
        run->refresh ? NULL : lake_ledger_find(run->ledger, export_plan_tick(&run->plan, part));
    *settled = entry && entry->verdict == LAKE_VERDICT_VERIFIED && entry->rows == counted->rows &&
               (entry->proof == LAKE_PROOF_SUM) == run->snapshot.item &&
               entry->sum == counted->sum && stands(run, entry);
    if (!*settled)
        return true;
    run->plan.parts[part].state = EXPORT_SETTLED;
    run->report->skipped++;
    return say_again(run, part, entry, LAKE_VERDICT_VERIFIED, err);
}

/* The workspace has fewer rows of a partition than the lake: they aged out or were purged. The lake keeps what it
 * has, whatever the user asked for: nothing could bring it back. */
static bool keep_outlived(struct run *run, size_t part, bool *settled, struct error *err)
{
    const struct export_counted *counted = &run->plan.parts[part].counted;
    const struct lake_entry *entry =
        lake_ledger_find(run->ledger, export_plan_tick(&run->plan, part));
    *settled = entry && entry->bytes > 0 && entry->rows > counted->rows && stands(run, entry);
    if (!*settled)
        return true;
    run->plan.parts[part].state = EXPORT_SETTLED;
    run->report->outlived++;
    return say_again(run, part, entry,
                     counted->rows == 0 ? LAKE_VERDICT_AGED_OUT : LAKE_VERDICT_PURGED, err);
}

/* A blob that is about to be replaced is not what its line says for a moment; a run that ends in that moment must not
 * leave the line standing. */
static bool doubt_replaced(struct run *run, struct error *err)
{
    for (size_t i = 0; i < run->plan.count; i++) {
        const struct lake_entry *entry =
            lake_ledger_find(run->ledger, export_plan_tick(&run->plan, i));
        if (run->plan.parts[i].state == EXPORT_WAITING && entry && entry->bytes > 0 &&
            !say_again(run, i, entry, LAKE_VERDICT_UNVERIFIED, err))
            return false;
    }
    return lake_ledger_flush(run->ledger, err);
}

/* -- counting -- */

static void count_progress(struct run *run, size_t done)
{
    struct export_progress progress = {
        .phase = "count", .partitions = run->plan.count, .partitions_done = done};
    const struct export_watch *watch = run->options->watch;
    if (watch && watch->progress)
        watch->progress(watch->context, &progress);
}

/* Counts the parts [first, end), all of them waiting. */
static bool count_stretch(struct run *run, size_t first, size_t end, struct error *err)
{
    struct export_plan *plan = &run->plan;
    if (!export_count(run->options->workspace, &run->snapshot, run->snapshot.t0,
                      export_plan_tick(plan, first), export_plan_tick(plan, end), run->counted,
                      err))
        return false;
    for (size_t i = first; i < end; i++)
        plan->parts[i].counted = run->counted[i - first];
    count_progress(run, end);
    return true;
}

static bool count_waiting(struct run *run, struct error *err)
{
    struct export_plan *plan = &run->plan;
    for (size_t first = 0; first < plan->count;) {
        size_t end = first;
        while (end < plan->count && plan->parts[end].state == EXPORT_WAITING)
            end++;
        if (end > first && !count_stretch(run, first, end, err))
            return false;
        first = end > first ? end : first + 1;
    }
    return true;
}

static bool settle_counted(struct run *run, struct error *err)
{
    struct export_progress *progress = &run->fetch.progress;
    for (size_t i = 0; i < run->plan.count; i++) {
        bool settled = run->plan.parts[i].state == EXPORT_SETTLED;
        if ((!settled && !still_true(run, i, &settled, err)) ||
            (!settled && !keep_outlived(run, i, &settled, err)))
            return false;
        if (settled)
            continue;
        progress->partitions++;
        progress->rows_expected += run->plan.parts[i].counted.rows;
        run->report->without_ingestion_time += run->plan.parts[i].counted.unstamped;
    }
    return true;
}

/* -- passes -- */

/* The service does not count what is to be tried again: it stays as it is, and is listed. */
static bool leave_failed(struct run *run, struct error *why, struct error *err)
{
    if (why->code == ERROR_INTERRUPTED || why->code == ERROR_AUTH || why->code == ERROR_MEMORY) {
        if (err && err->code == ERROR_NONE)
            *err = *why;
        return false;
    }
    for (size_t i = 0; i < run->plan.count; i++) {
        if (run->plan.parts[i].state != EXPORT_WAITING)
            continue;
        run->plan.parts[i].tries = EXPORT_PARTITION_TRIES;
        export_fetch_set_back(&run->fetch, i, why->message);
    }
    return true;
}

static bool keep_all_outlived(struct run *run, struct error *err)
{
    for (size_t i = 0; i < run->plan.count; i++) {
        bool settled;
        if (run->plan.parts[i].state == EXPORT_WAITING && !keep_outlived(run, i, &settled, err))
            return false;
    }
    return true;
}

/* Partitions that were set back are counted again, since the workspace may have changed, and wait again. */
static bool set_up_again(struct run *run, bool *any, struct error *err)
{
    struct export_plan *plan = &run->plan;
    *any = false;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->parts[i].state != EXPORT_FAILED || plan->parts[i].tries >= EXPORT_PARTITION_TRIES)
            continue;
        plan->parts[i].state = EXPORT_WAITING;
        *any = true;
    }
    plan->next = 0;
    struct error why = ERROR_INIT;
    if (*any && !count_waiting(run, &why)) {
        *any = false;
        return leave_failed(run, &why, err);
    }
    return keep_all_outlived(run, err);
}

static bool fetch_all(struct run *run, struct error *err)
{
    bool any = true;
    while (any)
        if (!export_fetch_pass(&run->fetch, err) || !set_up_again(run, &any, err))
            return false;
    return true;
}

/* -- report -- */

static bool list_failed(struct run *run, size_t part, struct error *err)
{
    struct export_report *report = run->report;
    report->failed_count++;
    if (report->failed_listed == EXPORT_FAILED_LISTED)
        return true;
    if (!mem_reserve(&report->failed, &report->failed_room, report->failed_listed,
                     EXPORT_FAILED_LISTED, sizeof *report->failed, err))
        return false;
    const struct export_trouble *trouble = export_fetch_trouble(&run->fetch, part);
    struct export_failed *failed = &report->failed[report->failed_listed++];
    *failed = (struct export_failed){
        .partition = export_plan_tick(&run->plan, part),
        .rows = trouble ? trouble->rows : 0,
        .rows_expected = run->plan.parts[part].counted.rows,
        .sums_differ = trouble && trouble->sums_differ,
        .tries = run->plan.parts[part].tries,
    };
    if (trouble)
        memcpy(failed->reasons, trouble->reasons, sizeof failed->reasons);
    return true;
}

/* What could not be proven is said in the ledger too, beside what the lake still has of it. */
static bool record_failed(struct run *run, size_t part, const struct lake_entry *entry,
                          struct error *err)
{
    struct lake_entry none = {.partition = export_plan_tick(&run->plan, part)};
    bool blob = entry && entry->bytes > 0;
    return say_again(run, part, blob ? entry : &none,
                     blob ? LAKE_VERDICT_UNVERIFIED : LAKE_VERDICT_MISSING, err);
}

static bool report_partitions(struct run *run, struct error *err)
{
    for (size_t i = 0; i < run->plan.count; i++) {
        const struct lake_entry *entry =
            lake_ledger_find(run->ledger, export_plan_tick(&run->plan, i));
        bool settled = run->plan.parts[i].state == EXPORT_SETTLED;
        if (!settled && (!list_failed(run, i, err) || !record_failed(run, i, entry, err)))
            return false;
        if (settled && entry) {
            run->report->rows_verified += entry->rows;
            run->report->bytes_verified += entry->bytes;
        }
    }
    return lake_ledger_flush(run->ledger, err);
}

static void report_load(struct run *run, uint64_t began)
{
    struct workspace_load load;
    workspace_load(run->options->workspace, &load);
    run->report->queries = load.queries;
    run->report->throttled = load.throttled;
    run->report->seconds = (double) (clock_ns() - began) / 1e9;
}

/* -- phases -- */

static bool begin(struct run *run, struct error *err)
{
    const struct export_options *options = run->options;
    char owner[STORE_LOCK_OWNER_MAX];
    (void) snprintf(owner, sizeof owner, "weir export, run %s", options->run);
    /* The workspace is asked first: a table that is not there leaves no trace in the lake. */
    if (!export_snapshot_take(options, &run->snapshot, err))
        return false;
    run->lock = lake_lock_new(options->store, place(run), owner, err);
    run->ledger = run->lock ? lake_ledger_open(options->store, place(run), err) : NULL;
    if (!run->ledger)
        return false;
    run->report->snapshot = run->snapshot.t0;
    run->report->sums = run->snapshot.item;
    struct lake_run head = {
        .id = options->run,
        .by = "weir " WEIR_VERSION,
        .identity = options->identity ? options->identity : "",
        .query = options->source.query,
        .access = LAKE_ACCESS_UNKNOWN,
        .started = tick_now(),
        .t0 = run->snapshot.t0,
        .settle = options->settle > 0   ? options->settle
                  : options->settle < 0 ? 0
                                        : EXPORT_SETTLE,
        .from = options->source.from,
        .to = options->source.to,
    };
    return lake_columns_hash(&run->snapshot.columns, head.columns, err) &&
           lake_schema_update(options->store, place(run), options->source.query,
                              &run->snapshot.columns, NULL, err) &&
           lake_ledger_begin(run->ledger, &head, err);
}

static bool prepare(struct run *run, struct error *err)
{
    if (!export_plan_init(&run->plan, run->options, run->snapshot.columns.n, err))
        return false;
    run->report->partitions = run->plan.count;
    run->counted = mem_alloc(run->plan.count, sizeof *run->counted, err);
    if (!run->counted)
        return false;
    skip_final(run);
    return count_waiting(run, err) && settle_counted(run, err);
}

static bool pool(struct run *run, struct error *err)
{
    struct buf scratch = BUF_INIT(STORE_NAME_MAX * 4);
    struct lake_pool_options options = {.budget = run->options->memory};
    bool ok = store_scratch(run->options->store, &scratch, err);
    options.scratch = buf_text(&scratch);
    run->pool = ok ? lake_pool_new(&options, err) : NULL;
    buf_release(&scratch);
    return run->pool != NULL;
}

/* Says what is left to do, and lets the user say no. */
static bool announce(struct run *run, struct error *err)
{
    const struct export_watch *watch = run->options->watch;
    if (!watch || !watch->begin)
        return true;
    struct export_estimate estimate;
    bool ok = export_plan_estimate(&run->plan, run->options, &run->snapshot, &estimate, err) &&
              watch->begin(watch->context, &estimate, err);
    export_estimate_release(&estimate);
    return ok;
}

static bool go(struct run *run, struct error *err)
{
    if (!begin(run, err) || !prepare(run, err) || !announce(run, err) ||
        !doubt_replaced(run, err) || !pool(run, err))
        return false;
    if (run->report->without_ingestion_time > 0) {
        char line[120], number[TEXT_NUMBER_MAX];
        (void) snprintf(line, sizeof line,
                        "%s rows have no ingestion time; they count as there at the snapshot",
                        text_grouped(run->report->without_ingestion_time, number));
        note(run->options, line);
    }
    run->fetch.options = run->options;
    run->fetch.snapshot = &run->snapshot;
    run->fetch.plan = &run->plan;
    run->fetch.ledger = run->ledger;
    run->fetch.pool = run->pool;
    run->fetch.report = run->report;
    run->fetch.random = &run->random;
    run->fetch.progress.phase = "fetch";
    run->fetch.flushed_at = clock_ns();
    return fetch_all(run, err) && report_partitions(run, err);
}

bool export_run(const struct export_options *options, struct export_report *report,
                struct error *err)
{
    uint64_t began = clock_ns();
    /* A query that is asked for whole is written whole. */
    bool refresh = options->refresh || options->source.one_batch;
    struct run run = {.options = options, .report = report, .refresh = refresh};
    *report = (struct export_report){0};
    random_seed(&run.random, began);
    bool ok = go(&run, err);
    report_load(&run, began);
    export_fetch_release(&run.fetch);
    lake_pool_free(run.pool);
    mem_free(run.counted);
    export_plan_release(&run.plan);
    export_snapshot_release(&run.snapshot);
    lake_ledger_free(run.ledger);
    store_lock_free(run.lock);
    return ok;
}

void export_report_release(struct export_report *report)
{
    mem_free(report->failed);
    *report = (struct export_report){0};
}
