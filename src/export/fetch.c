/* Fetch: see fetch.h. */
#include "export/fetch.h"

#include "base/memory.h"
#include "base/random.h"
#include "lake/schema.h"

#include <stdio.h>

enum {
    QUERY_TEXT_MAX = 1 << 20,
    TIMEOUTS_BEFORE_SPLIT = 1,
    TIMEOUT_SHARE_ROWS =
        1000, /* a share of fewer rows is not too much to ask: its time-outs are outages */
    MALFORMED_TRIES = 3, /* answers that are whole and wrong in form: the service means it */
    CUTS_MAX = 48,       /* of one batch: 12 by hash, 32 by time, and some */
    EMPTY_SLICE = 512    /* empty partitions that are settled without a look at the sockets */
};

static const uint64_t flush_every = 2000000000, show_every = 200000000, nap_max = 500000000;

struct export_job {
    struct export_job *next;
    struct export_fetch *fetch;
    struct export_batch batch;
    struct lake_pile **piles; /* one a partition, NULL: no row yet */
    uint64_t not_before;      /* clock_ns */
    int tries, malformed, cuts;
    char reasons[EXPORT_REASON_MAX];
};

struct export_open {
    struct export_open *next;
    size_t part;
    size_t shares_left;
    struct lake_pile **piles;
    size_t count, room;
    bool broken; /* a share was given up */
};

/* -- reasons -- */

/* "cut body, PartialError x 3": equal neighbours are merged when they are read back to back. */
static void add_reason(char reasons[EXPORT_REASON_MAX], const char *reason)
{
    size_t used = strlen(reasons), n = strlen(reason);
    if (used >= n && strcmp(reasons + used - n, reason) == 0)
        return;
    (void) snprintf(reasons + used, EXPORT_REASON_MAX - used, "%s%s", used ? ", " : "", reason);
}

struct export_trouble *export_fetch_trouble(struct export_fetch *fetch, size_t part)
{
    for (size_t i = 0; i < fetch->trouble_count; i++)
        if (fetch->troubles[i].part == part)
            return &fetch->troubles[i];
    return NULL;
}

static struct export_trouble *trouble_for(struct export_fetch *fetch, size_t part)
{
    struct export_trouble *trouble = export_fetch_trouble(fetch, part);
    if (trouble || !mem_reserve(&fetch->troubles, &fetch->trouble_room, fetch->trouble_count,
                                EXPORT_FAILED_LISTED, sizeof *trouble, NULL))
        return trouble;
    trouble = &fetch->troubles[fetch->trouble_count++];
    *trouble = (struct export_trouble){.part = part};
    return trouble;
}

static void note_reason(struct export_fetch *fetch, size_t part, const char *reason)
{
    struct export_trouble *trouble = trouble_for(fetch, part);
    if (trouble)
        add_reason(trouble->reasons, reason);
}

void export_fetch_set_back(struct export_fetch *fetch, size_t part, const char *reason)
{
    struct export_part *of = &fetch->plan->parts[part];
    of->state = EXPORT_FAILED;
    if (of->tries < EXPORT_PARTITION_TRIES)
        of->tries++;
    note_reason(fetch, part, reason);
}

/* It came through after all. */
static void forget_trouble(struct export_fetch *fetch, size_t part)
{
    struct export_trouble *trouble = export_fetch_trouble(fetch, part);
    if (trouble)
        *trouble = fetch->troubles[--fetch->trouble_count];
}

static void fail(struct export_fetch *fetch, const struct error *err)
{
    if (fetch->failed.code == ERROR_NONE)
        fetch->failed = *err;
}

/* -- jobs -- */

static void drop_piles(struct export_job *job)
{
    for (size_t i = 0; job->piles && i < job->batch.count; i++)
        lake_pile_free(job->piles[i]);
    mem_free(job->piles);
    job->piles = NULL;
}

static void free_job(struct export_job *job)
{
    drop_piles(job);
    mem_free(job);
}

static struct export_job *new_job(struct export_fetch *fetch, const struct export_batch *batch,
                                  struct error *err)
{
    struct export_job *job = mem_alloc(1, sizeof *job, err);
    if (job) {
        job->fetch = fetch;
        job->batch = *batch;
    }
    return job;
}

static void push(struct export_job **list, struct export_job *job)
{
    job->next = *list;
    *list = job;
}

static void detach(struct export_job **list, struct export_job *job)
{
    while (*list && *list != job)
        list = &(*list)->next;
    if (*list)
        *list = job->next;
    job->next = NULL;
}

static struct export_open *open_of(struct export_fetch *fetch, size_t part)
{
    for (struct export_open *open = fetch->open; open; open = open->next)
        if (open->part == part)
            return open;
    return NULL;
}

/* A partition that is fetched in one share more than before. */
static bool open_share(struct export_fetch *fetch, size_t part, size_t shares, struct error *err)
{
    struct export_open *open = open_of(fetch, part);
    if (!open) {
        open = mem_alloc(1, sizeof *open, err);
        if (!open)
            return false;
        open->part = part;
        open->next = fetch->open;
        fetch->open = open;
    }
    open->shares_left += shares;
    return true;
}

static void close_open(struct export_fetch *fetch, struct export_open *open)
{
    struct export_open **at = &fetch->open;
    while (*at && *at != open)
        at = &(*at)->next;
    if (*at)
        *at = open->next;
    for (size_t i = 0; i < open->count; i++)
        lake_pile_free(open->piles[i]);
    mem_free(open->piles);
    mem_free(open);
}

/* -- writing -- */

static bool write_partition(struct export_fetch *fetch, size_t part, struct lake_pile *const *piles,
                            size_t n, struct error *err)
{
    const struct export_counted *counted = &fetch->plan->parts[part].counted;
    struct lake_written written;
    int64_t tick = export_plan_tick(fetch->plan, part);
    if (!lake_partition_write(fetch->options->store, &fetch->options->source.place, tick, piles, n,
                              &written, err))
        return false;
    struct lake_entry entry = {
        .partition = tick,
        .at = tick_now(),
        .rows_expected = counted->rows,
        .sum_expected = counted->sum,
        .rows = written.rows,
        .sum = written.sum,
        .bytes = written.bytes,
        .proof = fetch->snapshot->item ? LAKE_PROOF_SUM : LAKE_PROOF_ROWS,
        .verdict = LAKE_VERDICT_VERIFIED,
    };
    memcpy(entry.sha256, written.sha256, sizeof entry.sha256);
    if (written.rows != counted->rows)
        return error_set(err, ERROR_INTERNAL, "%llu rows were piled up and %llu written",
                         (unsigned long long) counted->rows, (unsigned long long) written.rows);
    if (!lake_ledger_add(fetch->ledger, &entry, err))
        return false;
    fetch->plan->parts[part].state = EXPORT_SETTLED;
    forget_trouble(fetch, part);
    fetch->report->fetched++;
    fetch->report->rows += written.rows;
    fetch->report->bytes += written.bytes;
    fetch->progress.partitions_done++;
    fetch->progress.rows += written.rows;
    fetch->progress.bytes += written.bytes;
    return true;
}

/* All rows of a partition are in: they are what was counted, or the partition is set back. */
static bool finish_partition(struct export_fetch *fetch, size_t part,
                             struct lake_pile *const *piles, size_t n, struct error *err)
{
    const struct export_counted *counted = &fetch->plan->parts[part].counted;
    uint64_t rows = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        rows += lake_pile_rows(piles[i]);
        sum += lake_pile_sum(piles[i]);
    }
    bool sums_differ = rows == counted->rows && fetch->snapshot->item && sum != counted->sum;
    if (rows == counted->rows && !sums_differ)
        return write_partition(fetch, part, piles, n, err);
    char reason[EXPORT_REASON_MAX];
    if (sums_differ)
        (void) snprintf(reason, sizeof reason, "other rows than counted");
    else
        (void) snprintf(reason, sizeof reason, "%llu of %llu rows", (unsigned long long) rows,
                        (unsigned long long) counted->rows);
    export_fetch_set_back(fetch, part, reason);
    struct export_trouble *trouble = export_fetch_trouble(fetch, part);
    if (trouble) {
        trouble->rows = rows;
        trouble->sums_differ = sums_differ;
    }
    return true;
}

static bool finish_whole(struct export_job *job, struct error *err)
{
    for (size_t i = 0; i < job->batch.count; i++) {
        struct lake_pile *pile = job->piles ? job->piles[i] : NULL;
        if (!finish_partition(job->fetch, job->batch.first + i, &pile, pile ? 1 : 0, err))
            return false;
    }
    return true;
}

static bool share_in(struct export_fetch *fetch, struct export_open *open, struct error *err)
{
    if (--open->shares_left > 0)
        return true;
    bool ok = true;
    if (open->broken)
        export_fetch_set_back(fetch, open->part, "shares of it did not come");
    else
        ok = finish_partition(fetch, open->part, open->piles, open->count, err);
    close_open(fetch, open);
    return ok;
}

static bool finish_share(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    struct export_open *open = open_of(fetch, job->batch.first);
    if (!open)
        return error_set(err, ERROR_INTERNAL, "a share of no open partition came in");
    if (job->piles && job->piles[0]) {
        if (!mem_reserve(&open->piles, &open->room, open->count, SIZE_MAX / sizeof *open->piles,
                         sizeof *open->piles, err))
            return false;
        open->piles[open->count++] = job->piles[0];
        job->piles[0] = NULL;
    }
    return share_in(fetch, open, err);
}

/* -- outcomes -- */

/* A throttled query waits in the workspace's own queue, which knows how long; a broken one here. */
static void again(struct export_job *job, bool throttled)
{
    drop_piles(job);
    double pause = http_backoff(job->tries, -1, job->fetch->random);
    job->not_before = throttled ? 0 : clock_ns() + (uint64_t) (pause * 1e9);
    push(&job->fetch->pending, job);
}

/* A partition in shares is set back once, when the last of them is in. */
static bool give_up(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    struct export_open *open = job->batch.whole ? NULL : open_of(fetch, job->batch.first);
    bool ok = true;
    if (open) {
        open->broken = true;
        note_reason(fetch, job->batch.first, job->reasons);
        ok = share_in(fetch, open, err);
    } else {
        for (size_t i = 0; i < job->batch.count; i++)
            export_fetch_set_back(fetch, job->batch.first + i, job->reasons);
    }
    free_job(job);
    return ok;
}

/* Two jobs in place of one. A partition that is cut becomes an open one. */
static bool split(struct export_job *job, const struct export_batch *a,
                  const struct export_batch *b, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    bool opened = a->whole || open_share(fetch, a->first, job->batch.whole ? 2 : 1, err);
    struct export_job *second = opened ? new_job(fetch, b, err) : NULL;
    if (!second) {
        free_job(job);
        return false;
    }
    drop_piles(job);
    second->tries = job->tries;
    second->cuts = ++job->cuts;
    memcpy(second->reasons, job->reasons, sizeof second->reasons);
    job->batch = *a;
    job->not_before = 0;
    push(&fetch->pending, second);
    push(&fetch->pending, job);
    return true;
}

/* A partition that is known to be too large for one answer begins in shares, by the hash of its rows' ids:
 * that cuts evenly, bursts within one tick too, so no query is spent on finding the cut. */
static bool pre_split(struct export_fetch *fetch, struct export_batch *batch, uint32_t shares,
                      struct error *err)
{
    if (!open_share(fetch, batch->first, shares, err))
        return false;
    batch->whole = false;
    batch->share.parts = shares;
    for (uint32_t part = 0; part < shares; part++) {
        batch->share.part = part;
        struct export_job *job = new_job(fetch, batch, err);
        if (!job)
            return false;
        push(&fetch->pending, job);
    }
    return true;
}

static void batch_counted(const struct export_job *job, uint64_t *rows, uint64_t *bytes)
{
    *rows = *bytes = 0;
    for (size_t i = 0; i < job->batch.count; i++) {
        *rows += job->fetch->plan->parts[job->batch.first + i].counted.rows;
        *bytes += job->fetch->plan->parts[job->batch.first + i].counted.bytes;
    }
}

/* About how many rows a share of a batch has. */
static uint64_t rows_of_share(const struct export_job *job)
{
    uint64_t rows, bytes;
    batch_counted(job, &rows, &bytes);
    return (rows + job->batch.share.parts - 1) / job->batch.share.parts;
}

/* A batch that the service found too large. With what was learned from that, its partitions are packed anew; a single
 * partition is fetched in as many shares as its count asks for; else it is cut in two. */
static bool too_large(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    const struct export_batch *batch = &job->batch;
    struct export_batch a, b;
    if (fetch->options->source.one_batch) {
        add_reason(job->reasons, "--one-batch cannot be cut");
        return give_up(job, err);
    }
    if (batch->count > 1 && !export_plan_fits(fetch->plan, batch)) {
        export_plan_return(fetch->plan, batch);
        free_job(job);
        return true;
    }
    uint32_t shares = batch->whole && batch->count == 1 && fetch->snapshot->item
                          ? export_plan_shares(fetch->plan, batch->first)
                          : 1;
    if (shares > 2) {
        struct export_batch whole = *batch;
        free_job(job);
        return pre_split(fetch, &whole, shares, err);
    }
    if (job->cuts < CUTS_MAX && rows_of_share(job) > 0 &&
        export_plan_split(batch, fetch->snapshot->item, &a, &b))
        return split(job, &a, &b, err);
    add_reason(job->reasons, "it cannot be cut further");
    return give_up(job, err);
}

/* What a time-out may mean is too much at once, but only where there is much. */
static bool worth_cutting(const struct export_job *job)
{
    bool much = job->batch.count > 1 || rows_of_share(job) >= TIMEOUT_SHARE_ROWS;
    return much && job->tries > TIMEOUTS_BEFORE_SPLIT;
}

static bool broken(struct export_job *job, const struct workspace_result *result, struct error *err)
{
    job->tries++;
    bool malformed = result->outcome == WORKSPACE_BROKEN && result->error.code == ERROR_FORMAT;
    add_reason(job->reasons,
               malformed ? result->error.message : workspace_outcome_text(result->outcome));
    if (malformed && ++job->malformed >= MALFORMED_TRIES) {
        if (err && err->code == ERROR_NONE)
            *err = result->error;
        free_job(job);
        return false;
    }
    if (job->tries >= EXPORT_BATCH_TRIES)
        return give_up(job, err);
    if (result->outcome == WORKSPACE_TIMEOUT && worth_cutting(job))
        return too_large(job, err);
    again(job, result->outcome == WORKSPACE_THROTTLED);
    return true;
}

static bool came_whole(struct export_job *job, const struct workspace_result *result,
                       struct error *err)
{
    uint64_t rows, bytes;
    batch_counted(job, &rows, &bytes);
    if (job->batch.whole && result->rows > 0 && rows == result->rows)
        export_plan_learn(job->fetch->plan, rows, bytes, result->bytes);
    bool ok = job->batch.whole ? finish_whole(job, err) : finish_share(job, err);
    free_job(job);
    return ok;
}

static bool ended(struct export_job *job, const struct workspace_result *result, struct error *err)
{
    switch (result->outcome) {
    case WORKSPACE_OK:
        return came_whole(job, result, err);
    case WORKSPACE_TOO_LARGE:
        add_reason(job->reasons, workspace_outcome_text(result->outcome));
        export_plan_ceiling(job->fetch->plan, &job->batch, result->ceiling, result->limit);
        return too_large(job, err);
    case WORKSPACE_TIMEOUT:
    case WORKSPACE_THROTTLED:
    case WORKSPACE_BROKEN:
        return broken(job, result, err);
    case WORKSPACE_REFUSED:
    case WORKSPACE_STOPPED:
        break;
    }
    free_job(job);
    if (err && err->code == ERROR_NONE)
        *err = result->error;
    return false;
}

/* -- call-backs of a query -- */

/* The answer's own types count: metadata may be behind it. */
static bool take_types(struct export_fetch *fetch, const struct columns *columns, struct error *err)
{
    bool changed = false;
    for (size_t i = 0; i < columns->n; i++) {
        changed = changed || fetch->snapshot->columns.v[i].type != columns->v[i].type;
        fetch->snapshot->columns.v[i].type = columns->v[i].type;
    }
    const struct export_source *source = &fetch->options->source;
    return !changed || lake_schema_update(fetch->options->store, &source->place, source->query,
                                          &fetch->snapshot->columns, NULL, err);
}

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct export_job *job = context;
    struct export_fetch *fetch = job->fetch;
    const struct columns *asked = &fetch->snapshot->columns;
    bool same = columns->n == asked->n;
    for (size_t i = 0; same && i < asked->n; i++)
        same = strcmp(columns->v[i].name, asked->v[i].name) == 0 &&
               (!fetch->line || columns->v[i].type == asked->v[i].type);
    if (!same)
        return error_set(err, ERROR_FORMAT, "the service sent other columns than were asked for");
    if (fetch->line)
        return true;
    if (!take_types(fetch, columns, err))
        return false;
    struct lake_line_options options = {.keep_empty = fetch->options->keep_empty};
    fetch->line = lake_line_new(columns, &options, err);
    return fetch->line != NULL;
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct export_job *job = context;
    struct export_fetch *fetch = job->fetch;
    int64_t tick, item;
    if (!lake_line_key(fetch->line, row, &tick, &item, err))
        return false;
    if (tick < job->batch.share.from || tick >= job->batch.share.to)
        return error_set(err, ERROR_FORMAT,
                         "the service sent a row of another time than was asked for");
    size_t part = (size_t) ((tick - fetch->plan->from) / TICK_PARTITION) - job->batch.first;
    if (!job->piles) {
        job->piles = mem_alloc(job->batch.count, sizeof *job->piles, err);
        if (!job->piles)
            return false;
    }
    if (!job->piles[part]) {
        job->piles[part] = lake_pile_new(fetch->pool, err);
        if (!job->piles[part])
            return false;
    }
    return lake_pile_add(job->piles[part], fetch->line, row, tick, item, err);
}

static void on_done(void *context, const struct workspace_result *result)
{
    struct export_job *job = context;
    struct export_fetch *fetch = job->fetch;
    struct error err = ERROR_INIT;
    detach(&fetch->active, job);
    fetch->active_count--;
    fetch->progress.received += result->bytes;
    if (!ended(job, result, &err))
        fail(fetch, &err);
    workspace_wake(fetch->options->workspace);
}

/* -- the pass -- */

static bool start(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    struct buf text = BUF_INIT(QUERY_TEXT_MAX);
    export_put_rows(&text, fetch->snapshot, &job->batch.share);
    struct workspace_query query = {
        .kql = buf_str(&text),
        .timespan = fetch->snapshot->timespan,
        .keep_empty = fetch->options->keep_empty,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .context = job,
    };
    push(&fetch->active, job);
    fetch->active_count++;
    bool ok =
        buf_ok(&text, "query", err) && workspace_start(fetch->options->workspace, &query, err);
    buf_release(&text);
    if (!ok) {
        detach(&fetch->active, job);
        fetch->active_count--;
        free_job(job);
    }
    return ok;
}

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
        if (!finish_partition(fetch, batch->first + i, NULL, 0, err))
            return false;
    return true;
}

static struct export_job *ready(struct export_fetch *fetch, uint64_t now)
{
    for (struct export_job *job = fetch->pending; job; job = job->next)
        if (job->not_before <= now) {
            detach(&fetch->pending, job);
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
        uint32_t shares =
            batch.count == 1 && fetch->snapshot->item && !fetch->options->source.one_batch
                ? export_plan_shares(fetch->plan, batch.first)
                : 1;
        if (rows == 0) {
            (void) settle_empty(fetch, &batch, err);
            return NULL;
        } else if (shares > 1) {
            if (!pre_split(fetch, &batch, shares, err))
                return NULL;
        } else {
            return new_job(fetch, &batch, err);
        }
    }
}

static unsigned queries_most(const struct export_fetch *fetch)
{
    return fetch->options->queries > 0 ? fetch->options->queries : WORKSPACE_CONCURRENT;
}

static bool fill(struct export_fetch *fetch, struct error *err)
{
    while (fetch->active_count < queries_most(fetch)) {
        struct error why = ERROR_INIT;
        struct export_job *job = next_job(fetch, &why);
        if (why.code != ERROR_NONE) {
            if (err && err->code == ERROR_NONE)
                *err = why;
            if (job)
                free_job(job);
            return false;
        }
        if (!job)
            return true;
        if (!start(job, err))
            return false;
    }
    return true;
}

/* How long the loop may run before a job that waits could start. */
static double nap(const struct export_fetch *fetch)
{
    uint64_t now = clock_ns(), pause = nap_max;
    bool full = fetch->active_count >= queries_most(fetch);
    if (fetch->more)
        return 0;
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
    return lake_ledger_flush(fetch->ledger, err);
}

static bool step(struct export_fetch *fetch, struct error *err)
{
    if (stop_asked(fetch->options->stop))
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    fetch->more = false;
    if (!fill(fetch, err))
        return false;
    struct workspace *workspace = fetch->options->workspace;
    if (fetch->active && !workspace_run(workspace, nap(fetch), err))
        return false;
    if (!fetch->active && fetch->pending && !workspace_pause(workspace, nap(fetch), err))
        return false;
    if (fetch->failed.code != ERROR_NONE) {
        if (err && err->code == ERROR_NONE)
            *err = fetch->failed;
        return false;
    }
    return tend(fetch, err);
}

bool export_fetch_pass(struct export_fetch *fetch, struct error *err)
{
    bool ok = true;
    do
        ok = step(fetch, err);
    while (ok && (fetch->active || fetch->pending || fetch->plan->next < fetch->plan->count));
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
        free_job(job);
    }
}

void export_fetch_release(struct export_fetch *fetch)
{
    free_jobs(&fetch->active);
    free_jobs(&fetch->pending);
    while (fetch->open)
        close_open(fetch, fetch->open);
    lake_line_free(fetch->line);
    mem_free(fetch->troubles);
    fetch->line = NULL;
    fetch->troubles = NULL;
}
