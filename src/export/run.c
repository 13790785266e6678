/* Run: snapshot, count, plan, fetch, ledger. See export.h and run.h. */
#include "export/run.h"

#include "base/memory.h"
#include "base/random.h"
#include "lake/schema.h"

#include <stdio.h>

enum {
    STRETCHES_MAX = 8,       /* of waiting partitions, counted each by itself */
    SIEVE_BUDGET = 16 << 20, /* bytes of rows that a join leaves of a partition */
    REMOTE_BUDGET = 64 << 20 /* bytes of rows in memory beside uploads, which take as much */
};

static const double writing_pause = 2; /* seconds */

void export_note(const struct export *export, const char *line)
{
    const struct export_watch *watch = export->options.watch;
    if (watch && watch->note)
        watch->note(watch->context, line);
}

const struct lake_place *export_place(const struct export *export)
{
    return &export->options.source.place;
}

/* -- counting -- */

static void count_progress(struct export *export, size_t done)
{
    struct export_progress progress = {
        .phase = "count", .partitions = export->plan.count, .partitions_done = done};
    const struct export_watch *watch = export->options.watch;
    if (watch && watch->progress)
        watch->progress(watch->context, &progress);
}

static void take_count(struct export *export, size_t part, const struct export_counted *counted)
{
    struct export_part *of = &export->plan.parts[part];
    /* What the ledger knows of is keep.c's to miss. */
    if (export->recount && counted->rows < of->counted.rows &&
        !lake_ledger_find(export->ledger, export_plan_tick(&export->plan, part)))
        export->report.vanished += of->counted.rows - counted->rows;
    of->counted = *counted;
    if (!counted->known)
        export_fetch_give_up(&export->fetch, part, 0, "the workspace does not count it in time");
}

/* Counts the parts [first, end) and takes the counts of those that wait. */
static bool count_stretch(struct export *export, size_t first, size_t end,
                          struct workspace_ask_one *beside, struct error *err)
{
    struct export_plan *plan = &export->plan;
    if (!export_count(export->options.workspace, &export->snapshot, export->snapshot.t0,
                      export_plan_tick(plan, first), export_plan_tick(plan, end), export->counted,
                      beside, err))
        return false;
    for (size_t i = first; i < end; i++)
        if (plan->parts[i].state == EXPORT_WAITING)
            take_count(export, i, &export->counted[i - first]);
    count_progress(export, end);
    return true;
}

/* The next stretch of parts that wait, from `at` on. False: there is none. */
static bool next_stretch(const struct export_plan *plan, size_t at, size_t *first, size_t *end)
{
    while (at < plan->count && plan->parts[at].state != EXPORT_WAITING)
        at++;
    *first = *end = at;
    while (*end < plan->count && plan->parts[*end].state == EXPORT_WAITING)
        ++*end;
    return *end > *first;
}

/* Scattered parts are counted with what lies between them: one question is better than a hundred, unless each is billed
 * by the time that it covers. */
static bool count_waiting(struct export *export, struct workspace_ask_one *beside,
                          struct error *err)
{
    struct export_plan *plan = &export->plan;
    size_t first, end, begin = 0, last = 0, stretches = 0;
    for (size_t at = 0; next_stretch(plan, at, &first, &end); at = end) {
        begin = stretches == 0 ? first : begin;
        last = end;
        stretches++;
    }
    if (stretches > STRETCHES_MAX && !export->snapshot.search)
        return count_stretch(export, begin, last, beside, err);
    for (size_t at = 0; next_stretch(plan, at, &first, &end); at = end) {
        if (!count_stretch(export, first, end, beside, err))
            return false;
        beside = NULL;
    }
    return true;
}

/* Reading a table of the Basic or Auxiliary plan is billed: what it would come to is known before. */
static bool check_scan(const struct export *export, struct error *err)
{
    const struct export_options *options = &export->options;
    char may[TEXT_NUMBER_MAX], would[TEXT_NUMBER_MAX];
    if (!export->snapshot.search || options->scan_max == 0)
        return true;
    if (export->access.n == 0)
        return error_set(err, ERROR_USAGE,
                         "Usage has nothing of '%s', so what reading it is billed by is not known, "
                         "and no limit can be kept",
                         options->source.place.table);
    uint64_t scan =
        export_access_scan(&export->access, &export->plan) * (options->passes == 2 ? 2 : 1);
    return scan <= options->scan_max ||
           error_set(err, ERROR_USAGE,
                     "reading is billed by %s, which is more than the limit of %s",
                     text_bytes(scan, would), text_bytes(options->scan_max, may)) ||
           error_hint(err, "weir estimate shows what it would cost; --max-cost");
}

/* -- the steps -- */

struct export *export_new(const struct export_options *options, struct error *err)
{
    struct export *export = mem_alloc(1, sizeof *export, err);
    if (!export)
        return NULL;
    export->options = *options;
    /* A query that is asked for whole is written whole. */
    export->options.refresh = options->refresh || options->source.one_batch;
    export->began = clock_ns();
    random_seed(&export->random, export->began);
    workspace_load(options->workspace, &export->before);
    return export;
}

static struct lake_run head_of(const struct export *export)
{
    const struct export_options *options = &export->options;
    return (struct lake_run){
        .id = options->run,
        .by = "weir " WEIR_VERSION,
        .identity = options->identity ? options->identity : "",
        .query = options->source.query,
        .access = export->access.access,
        .started = tick_now(),
        .t0 = export->snapshot.t0,
        .settle = options->settle > 0   ? options->settle
                  : options->settle < 0 ? 0
                                        : EXPORT_SETTLE,
        .from = options->source.from,
        .to = options->source.to,
    };
}

/* What the query endpoint answers for is of the Analytics plan; a query may be of several tables. */
static enum workspace_plan plan_of(const struct export *export)
{
    if (export->options.source.query)
        return WORKSPACE_PLAN_UNKNOWN;
    if (export->options.source.relation)
        return export->options.plan;
    if (!export->snapshot.search)
        return WORKSPACE_PLAN_ANALYTICS;
    return export->options.plan ? export->options.plan : export->snapshot.facts.plan;
}

/* The workspace is asked first: a table that is not there leaves no trace in the lake. */
static bool begin(struct export *export, struct error *err)
{
    const struct export_options *options = &export->options;
    char owner[STORE_LOCK_OWNER_MAX];
    (void) snprintf(owner, sizeof owner, "weir export, run %s", options->run);
    if (options->source.query && options->beside == EXPORT_BESIDE_JOIN)
        return error_set(err, ERROR_USAGE,
                         "only a table can be joined with its continuous export, not a query");
    if (!export_snapshot_take(options, &export->snapshot, err))
        return false;
    export->lock = lake_lock_new(options->store, export_place(export), owner, err);
    export->ledger =
        export->lock ? lake_ledger_open(options->store, export_place(export), err) : NULL;
    export->report.snapshot = export->snapshot.t0;
    export->report.plan = plan_of(export);
    return export->ledger != NULL;
}

/* Where writing begins. */
static bool put_head(struct export *export, struct error *err)
{
    const struct export_options *options = &export->options;
    struct lake_run head = head_of(export);
    export->numbers = lake_numbers_new(options->store, export_place(export), options->source.from,
                                       options->source.to, err);
    export->fetch.numbers = export->numbers;
    return export->numbers && lake_columns_hash(&export->snapshot.columns, head.columns, err) &&
           lake_schema_update(options->store, export_place(export), options->source.query,
                              &export->snapshot.columns, NULL, err) &&
           lake_ledger_begin(export->ledger, &head, err);
}

/* What stands in the lake: of a repair only between the partitions that are named. */
static bool look(struct export *export, struct error *err)
{
    const struct export_options *options = &export->options;
    int64_t from = options->source.from, to = options->source.to;
    if (options->only_count > 0) {
        int64_t first = options->only[0],
                end = options->only[options->only_count - 1] + TICK_PARTITION;
        from = first > from && first < to ? first : from;
        to = end < to && end > from ? end : to;
    }
    return export_look(&export->look, options->store, export_place(export), export->ledger, from,
                       to, err);
}

static void fetch_init(struct export *export)
{
    struct export_fetch *fetch = &export->fetch;
    fetch->options = &export->options;
    fetch->snapshot = &export->snapshot;
    fetch->plan = &export->plan;
    fetch->ledger = export->ledger;
    fetch->join = &export->join;
    fetch->report = &export->report;
    fetch->usage = &export->access;
    fetch->random = &export->random;
    fetch->progress.phase = "fetch";
}

static bool any_waits(const struct export_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->parts[i].state == EXPORT_WAITING)
            return true;
    return false;
}

/* A table whose reading is billed is not read for a look ahead: `Usage` says about how much there is, and whether that
 * is within the limit. */
static bool look_at_usage(struct export *export, struct export_usage *usage, struct error *err)
{
    if (!workspace_ask_all(export->options.workspace, &usage->ask, 1, err) ||
        !export_access_read(&export->access, &export->options, usage, err) ||
        !check_scan(export, err))
        return false;
    export_access_guess(&export->access, &export->plan);
    if (export->plan.uncounted)
        return true;
    export->report.scanned += export_access_scan(&export->access, &export->plan);
    return count_waiting(export, NULL, err);
}

/* Rows of what waits, and beside the counts a look at `Usage` and a sample of rows: one wait for all. */
static bool look_at_rows(struct export *export, struct workspace_ask_one *beside, struct error *err)
{
    return export_sample_start(&export->sample, &export->options, &export->snapshot, err) &&
           count_waiting(export, beside, err) &&
           export_sample_wait(&export->sample, &export->options, err);
}

static bool look_ahead(struct export *export, struct error *err)
{
    struct export_usage usage;
    bool wanted;
    if (!any_waits(&export->plan))
        return true;
    bool ok = export_usage_init(&usage, &export->options, &wanted, err);
    if (export->snapshot.search)
        ok = ok && look_at_usage(export, &usage, err);
    else
        ok = ok && look_at_rows(export, wanted ? &usage.ask : NULL, err) &&
             export_access_read(&export->access, &export->options, &usage, err);
    export_usage_release(&usage);
    return ok;
}

/* What a row costs as JSON, before the first batch. */
static void learn(struct export *export)
{
    const struct export_sample *sample = &export->sample;
    struct export_plan *plan = &export->plan;
    export_plan_total(plan);
    if (sample->rows > 0 && plan->rows > 0)
        export_plan_learn(
            plan, plan->rows, plan->bytes,
            (uint64_t) ((double) sample->response / (double) sample->rows * (double) plan->rows));
}

static bool plan_init(struct export *export, struct error *err)
{
    struct export_plan *plan = &export->plan;
    if (!export_plan_init(plan, &export->options, export->snapshot.columns.n, err))
        return false;
    plan->uncounted = export->snapshot.search && export->options.passes < 2;
    /* A `timespan` may be read to the second alone; what is in it twice is dropped, what is in none is lost. */
    plan->grain = export->snapshot.search ? TICK_SECOND : 1;
    if (plan->uncounted) /* bytes are all that is known */
        plan->json_per_row = 0;
    export->counted = mem_alloc(plan->count, sizeof *export->counted, err);
    fetch_init(export);
    export->join.options = &export->options;
    export->join.snapshot = &export->snapshot;
    export->join.plan = plan;
    export->join.look = &export->look;
    export->join.report = &export->report;
    export->report.proof = export_fetch_proof(&export->fetch);
    return export->counted != NULL;
}

/* Rows of the service's own blobs, where comparing them may save a fetch. */
static bool compare(struct export *export, struct error *err)
{
    return export->join.n == 0 || !export->snapshot.item || export->plan.uncounted ||
           export_join_compare(&export->join, err);
}

bool export_prepare(struct export *export, struct error *err)
{
    if (!begin(export, err) || !plan_init(export, err) || !look(export, err))
        return false;
    export->report.partitions =
        export->options.only_count > 0 ? export->options.only_count : export->plan.count;
    export_settle_final(export);
    if (!export_settle_beside(export, err) || !put_head(export, err) || !look_ahead(export, err) ||
        !compare(export, err) || !export_settle_counted(export, err))
        return false;
    learn(export);
    return true;
}

bool export_estimate_of(struct export *export, struct export_estimate *out, struct error *err)
{
    struct export_plan *plan = &export->plan;
    if (!export_snapshot_take(&export->options, &export->snapshot, err) || !plan_init(export, err))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        plan->parts[i].state = EXPORT_WAITING;
    plan->uncounted = export->snapshot.search;
    return look_ahead(export, err) &&
           export_plan_estimate(plan, &export->options, &export->snapshot, &export->access,
                                &export->sample, out, err);
}

const struct export_estimate *export_left(struct export *export, struct error *err)
{
    export_estimate_release(&export->estimate);
    bool ok = export_plan_estimate(&export->plan, &export->options, &export->snapshot,
                                   &export->access, &export->sample, &export->estimate, err);
    return ok ? &export->estimate : NULL;
}

/* -- passes -- */

/* The service does not count what is to be tried again: it stays as it is, and is listed. */
static bool leave_failed(struct export *export, const struct error *why, struct error *err)
{
    if (why->code == ERROR_INTERRUPTED || why->code == ERROR_AUTH || why->code == ERROR_MEMORY) {
        return error_pass(err, why);
    }
    for (size_t i = 0; i < export->plan.count; i++)
        if (export->plan.parts[i].state == EXPORT_WAITING)
            export_fetch_give_up(&export->fetch, i, 0, why->message);
    return true;
}

/* The service is given a moment to end the line that it writes. */
static bool wait_for_service(struct export *export, struct error *err)
{
    for (size_t i = 0; i < export->join.n; i++) {
        const struct export_joint *joint = &export->join.v[i];
        if (joint->growing && export->plan.parts[joint->part].state == EXPORT_WAITING)
            return workspace_pause(export->options.workspace, writing_pause, err);
    }
    return true;
}

/* Partitions that were set back are counted again, since the workspace may have changed, and wait again. */
static bool set_up_again(struct export *export, bool *any, struct error *err)
{
    struct export_plan *plan = &export->plan;
    *any = false;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->parts[i].state != EXPORT_FAILED || plan->parts[i].tries >= EXPORT_PARTITION_TRIES)
            continue;
        plan->parts[i].state = EXPORT_WAITING;
        *any = true;
    }
    plan->next = 0;
    struct error why = ERROR_INIT;
    export->recount = true;
    if (!wait_for_service(export, err))
        return false;
    if (*any && !plan->uncounted && !count_waiting(export, NULL, &why)) {
        *any = false;
        return leave_failed(export, &why, err);
    }
    return plan->uncounted || export_settle_outlived(export, err);
}

static bool fetch_all(struct export *export, struct error *err)
{
    bool any = true;
    while (any)
        if (!export_fetch_pass(&export->fetch, err) || !set_up_again(export, &any, err))
            return false;
    return true;
}

static bool judge_access(void *context, struct error *err)
{
    struct export *export = context;
    struct export_access *access = &export->access;
    bool counted = !export->plan.uncounted;
    if (export->held > 0 && !export_snapshot_facts(&export->options, &export->snapshot, err))
        return false;
    if (!export_access_judge(&export->options, &export->snapshot, counted ? &export->plan : NULL,
                             access, err))
        return false;
    export->report.access = access->access;
    memcpy(export->report.access_why, access->why, sizeof access->why);
    lake_ledger_access(export->ledger, access->access);
    return export_settle_held(export, err);
}

static bool pools(struct export *export, struct error *err)
{
    struct buf scratch = BUF_INIT(STORE_NAME_MAX * 4);
    struct lake_pool_options options = {.budget = export->options.memory};
    if (options.budget == 0 && store_remote(export->options.store))
        options.budget = REMOTE_BUDGET;
    bool ok = store_scratch(export->options.store, &scratch, err);
    options.scratch = buf_text(&scratch);
    export->pool = ok ? lake_pool_new(&options, err) : NULL;
    export->fetch.pool = export->pool;
    options.budget = SIEVE_BUDGET;
    if (export->pool && export->join.n > 0)
        export->sieve = lake_pool_new(&options, err);
    export->join.pool = export->sieve;
    buf_release(&scratch);
    return export->pool && (export->sieve || export->join.n == 0);
}

static void note_rows(const struct export *export, uint64_t rows, const char *what)
{
    char line[200], number[TEXT_NUMBER_MAX];
    if (rows == 0)
        return;
    (void) snprintf(line, sizeof line, "%s rows %s", text_grouped(rows, number), what);
    export_note(export, line);
}

static bool fetch(struct export *export, struct error *err)
{
    const struct export_report *report = &export->report;
    note_rows(export, report->without_ingestion_time,
              "have no ingestion time; they count as there at the snapshot");
    note_rows(export, report->late_rows,
              "came late to partitions that were verified before; they are fetched");
    if (!export_settle_doubt(export, err) || !pools(export, err) ||
        !export_settle_whole(export, err))
        return false;
    export_settle_hold(export);
    export->fetch.flushed_at = clock_ns();
    export->fetch.meanwhile = judge_access;
    export->fetch.came = export_settle_came;
    export->fetch.context = export;
    if (!fetch_all(export, err) || !export_report_partitions(export, err))
        return false;
    note_rows(export, report->vanished, "were counted once and are nowhere any more");
    note_rows(export, report->outside, "of another time than was asked for were dropped");
    return true;
}

bool export_fetch(struct export *export, struct error *err)
{
    bool ok = fetch(export, err);
    /* The next export over this workspace may be of the same table. */
    export_fetch_release(&export->fetch);
    lake_pool_free(export->pool);
    lake_pool_free(export->sieve);
    export->pool = export->sieve = NULL;
    store_lock_free(export->lock);
    export->lock = NULL;
    export_report_load(export);
    return ok;
}

const struct export_report *export_told(struct export *export)
{
    return &export->report;
}

void export_free(struct export *export)
{
    if (!export)
        return;
    export_fetch_release(&export->fetch);
    lake_pool_free(export->pool);
    lake_pool_free(export->sieve);
    export_join_release(&export->join);
    export_look_release(&export->look);
    lake_numbers_free(export->numbers);
    mem_free(export->counted);
    export_plan_release(&export->plan);
    export_snapshot_release(&export->snapshot);
    export_access_release(&export->access);
    export_sample_release(&export->sample);
    export_estimate_release(&export->estimate);
    lake_ledger_free(export->ledger);
    store_lock_free(export->lock);
    export_report_release(&export->report);
    mem_free(export);
}

/* Says what is left to do, and lets the user say no. */
static bool announce(struct export *export, struct error *err)
{
    const struct export_watch *watch = export->options.watch;
    if (!watch || !watch->begin)
        return true;
    const struct export_estimate *left = export_left(export, err);
    return left && watch->begin(watch->context, left, err);
}

bool export_run(const struct export_options *options, struct export_report *report,
                struct error *err)
{
    *report = (struct export_report){0};
    struct export *export = export_new(options, err);
    bool ok =
        export && export_prepare(export, err) && announce(export, err) && export_fetch(export, err);
    if (export) {
        export_report_load(export);
        *report = export->report;
        export->report = (struct export_report){0};
    }
    export_free(export);
    return ok;
}
