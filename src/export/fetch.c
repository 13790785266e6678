/* Fetch: see fetch.h. */
#include "export/batch.h"

#include "base/memory.h"
#include "base/random.h"
#include "lake/schema.h"

enum {
    WHOLE_MAX = 8,    /* batches that wait to be written: a slow disk holds the questions back */
    EMPTY_SLICE = 512 /* empty partitions that are settled without a look at the sockets */
};

static const uint64_t flush_every = 2000000000, show_every = 200000000, nap_max = 500000000;

/* Long enough for a look at the sockets. */
static const double no_nap = 0.0001;

void export_fetch_set_back(struct export_fetch *fetch, size_t part, const char *reason)
{
    struct export_part *of = &fetch->plan->parts[part];
    struct export_trouble *trouble = export_trouble_make(&fetch->troubles, part);
    of->state = EXPORT_FAILED;
    if (of->tries < EXPORT_PARTITION_TRIES)
        of->tries++;
    if (trouble)
        export_reason_add(trouble->reasons, reason);
}

void export_fetch_give_up(struct export_fetch *fetch, size_t part, uint64_t rows,
                          const char *reason)
{
    unsigned tries = fetch->plan->parts[part].tries;
    fetch->plan->parts[part].tries = EXPORT_PARTITION_TRIES;
    export_fetch_set_back(fetch, part, reason);
    struct export_trouble *trouble = export_trouble_find(&fetch->troubles, part);
    if (!trouble)
        return;
    trouble->rows = rows;
    trouble->given_up = true;
    trouble->tries = tries;
}

enum lake_proof export_fetch_proof(const struct export_fetch *fetch)
{
    if (fetch->plan->uncounted)
        return LAKE_PROOF_ANSWER;
    return fetch->snapshot->item ? LAKE_PROOF_SUM : LAKE_PROOF_ROWS;
}

/* -- the next job -- */

/* Partitions that were counted empty need no query. A slice of them is settled, the rest waits again. */
static bool settle_empty(struct export_fetch *fetch, const struct export_batch *batch,
                         struct error *err)
{
    struct export_batch rest = *batch;
    size_t slice = batch->count < EMPTY_SLICE ? batch->count : EMPTY_SLICE;
    rest.first += slice;
    rest.count -= slice;
    export_plan_return(fetch->plan, &rest);
    fetch->more = true;
    for (size_t i = 0; i < slice; i++)
        if (!export_gather_partition(fetch, batch->first + i, NULL, 0, err))
            return false;
    return true;
}

static struct export_job *ready(struct export_fetch *fetch, uint64_t now)
{
    for (struct export_job *job = fetch->pending; job; job = job->next)
        if (job->not_before <= now) {
            export_job_detach(&fetch->pending, job);
            return job;
        }
    return NULL;
}

/* The next job to start: one that waits for another try, or a new batch. NULL without error: none now. */
static struct export_job *next_job(struct export_fetch *fetch, struct error *err)
{
    for (;;) {
        struct export_job *job = ready(fetch, clock_ns());
        struct export_batch batch;
        if (job || !export_plan_take(fetch->plan, &batch))
            return job;
        uint64_t rows = 0;
        for (size_t i = 0; i < batch.count; i++)
            rows += fetch->plan->parts[batch.first + i].counted.rows;
        uint32_t shares = batch.count == 1 && !fetch->options->source.one_batch
                              ? export_plan_shares(fetch->plan, batch.first)
                              : 1;
        if (rows == 0 && !fetch->plan->uncounted) {
            if (fetch->inside)
                export_plan_return(fetch->plan, &batch);
            else
                (void) settle_empty(fetch, &batch, err);
            return NULL;
        } else if (shares > 1) {
            if (!export_job_shares(fetch, &batch, shares, err))
                return NULL;
        } else {
            return export_job_new(fetch, &batch, err);
        }
    }
}

static unsigned queries_most(const struct export_fetch *fetch)
{
    return fetch->options->queries > 0 ? fetch->options->queries : WORKSPACE_CONCURRENT;
}

bool export_fetch_fill(struct export_fetch *fetch, struct error *err)
{
    while (fetch->active_count < queries_most(fetch) && fetch->whole_count < WHOLE_MAX) {
        struct error why = ERROR_INIT;
        struct export_job *job = next_job(fetch, &why);
        if (why.code != ERROR_NONE) {
            (void) error_pass(err, &why);
            if (job)
                export_job_free(job);
            return false;
        }
        if (!job)
            return true;
        if (!export_job_start(job, err))
            return false;
    }
    return true;
}

/* How long the loop may run before a job that waits could start. */
static double nap(const struct export_fetch *fetch)
{
    uint64_t now = clock_ns(), pause = nap_max;
    bool full = fetch->active_count >= queries_most(fetch);
    if (fetch->more || fetch->whole)
        return no_nap;
    for (const struct export_job *job = fetch->pending; job && !full; job = job->next) {
        uint64_t left = job->not_before > now ? job->not_before - now : 0;
        pause = left < pause ? left : pause;
    }
    return (double) pause / 1e9;
}

static void show(struct export_fetch *fetch)
{
    const struct export_watch *watch = fetch->options->watch;
    struct workspace_load load;
    workspace_load(fetch->options->workspace, &load);
    fetch->progress.queries = fetch->active_count;
    fetch->progress.blocked = load.blocked;
    fetch->progress.throttled = load.throttled;
    if (fetch->progress.rows > 0)
        fetch->progress.bytes_expected =
            (uint64_t) ((double) fetch->progress.bytes / (double) fetch->progress.rows *
                        (double) fetch->progress.rows_expected);
    if (watch && watch->progress)
        watch->progress(watch->context, &fetch->progress);
}

static bool tend(struct export_fetch *fetch, struct error *err)
{
    uint64_t now = clock_ns();
    if (now - fetch->shown_at >= show_every) {
        show(fetch);
        fetch->shown_at = now;
    }
    if (now - fetch->flushed_at < flush_every)
        return true;
    fetch->flushed_at = now;
    return lake_ledger_flush_soon(fetch->ledger, err);
}

/* The first queries are under way, and their answers take a while. */
static bool use_the_time(struct export_fetch *fetch, struct error *err)
{
    bool (*meanwhile)(void *, struct error *) = fetch->meanwhile;
    fetch->meanwhile = NULL;
    /* What was started waits in the queue until the loop has run. */
    return !meanwhile ||
           (workspace_run(fetch->options->workspace, 0, err) && meanwhile(fetch->context, err));
}

/* Before the first row is written. */
static bool tell_types(struct export_fetch *fetch, struct error *err)
{
    const struct export_source *source = &fetch->options->source;
    bool retyped = fetch->retyped;
    fetch->retyped = false;
    return !retyped || lake_schema_update(fetch->options->store, &source->place, source->query,
                                          &fetch->snapshot->columns, NULL, err);
}

static bool step(struct export_fetch *fetch, struct error *err)
{
    if (stop_asked(fetch->options->stop))
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    fetch->more = false;
    if (!export_fetch_fill(fetch, err) || !use_the_time(fetch, err) || !tell_types(fetch, err))
        return false;
    struct workspace *workspace = fetch->options->workspace;
    if (!export_gather(fetch, err))
        return false;
    if (fetch->active && !workspace_run(workspace, nap(fetch), err))
        return false;
    if (!fetch->active && fetch->pending && !workspace_pause(workspace, nap(fetch), err))
        return false;
    if (fetch->failed.code != ERROR_NONE) {
        return error_pass(err, &fetch->failed);
    }
    return tend(fetch, err);
}

bool export_fetch_pass(struct export_fetch *fetch, struct error *err)
{
    bool ok = true;
    export_plan_total(fetch->plan);
    do
        ok = step(fetch, err);
    while (ok && (fetch->active || fetch->pending || fetch->whole ||
                  fetch->plan->next < fetch->plan->count));
    /* What was verified stays verified, however the pass ended. */
    struct error late = ERROR_INIT;
    if (!lake_ledger_flush(fetch->ledger, ok ? err : &late))
        ok = false;
    show(fetch);
    return ok;
}

static void free_jobs(struct export_job **list)
{
    while (*list) {
        struct export_job *job = *list;
        *list = job->next;
        export_job_free(job);
    }
}

void export_fetch_release(struct export_fetch *fetch)
{
    free_jobs(&fetch->active);
    free_jobs(&fetch->pending);
    free_jobs(&fetch->whole);
    export_gather_release(fetch);
    lake_line_free(fetch->line);
    export_troubles_release(&fetch->troubles);
    fetch->line = NULL;
}
