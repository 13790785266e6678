/* Batches: see batch.h. */
#include "export/batch.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdio.h>

enum {
    QUERY_TEXT_MAX = 1 << 20,
    TIMEOUTS_BEFORE_SPLIT = 1,
    TIMEOUT_SHARE_ROWS =
        1000, /* a share of fewer rows is not too much to ask: its time-outs are outages */
    TIMEOUT_SHARE_BYTES = 1000000, /* the same, where rows are not counted */
    MALFORMED_TRIES = 3, /* answers that are whole and wrong in form: the service means it */
    THROTTLES_MAX = 200, /* of one batch: the workspace's own pauses lie between them */
    SLICES_MAX = 300,    /* by time: of a second each */
    MALFORMED_MAX =
        64,       /* partitions that are given up for answers of a wrong form: then the run is */
    CUTS_MAX = 48 /* of one batch: 12 by hash, 32 by time, and some */
};

/* -- jobs -- */

static void drop_piles(struct export_job *job)
{
    for (size_t i = 0; job->piles && i < job->batch.count; i++)
        lake_pile_free(job->piles[i]);
    mem_free(job->piles);
    job->piles = NULL;
}

void export_job_free(struct export_job *job)
{
    drop_piles(job);
    mem_free(job);
}

struct export_job *export_job_new(struct export_fetch *fetch, const struct export_batch *batch,
                                  struct error *err)
{
    struct export_job *job = mem_alloc(1, sizeof *job, err);
    if (job) {
        job->fetch = fetch;
        job->batch = *batch;
    }
    return job;
}

void export_job_push(struct export_job **list, struct export_job *job)
{
    job->next = *list;
    *list = job;
}

void export_job_detach(struct export_job **list, struct export_job *job)
{
    while (*list && *list != job)
        list = &(*list)->next;
    if (*list)
        *list = job->next;
    job->next = NULL;
}

/* -- outcomes -- */

/* A throttled query waits in the workspace's own queue, which knows how long; a broken one here. */
static void again(struct export_job *job, bool throttled)
{
    drop_piles(job);
    double pause = http_backoff(job->tries, -1, job->fetch->random);
    job->not_before = throttled ? 0 : clock_ns() + (uint64_t) (pause * 1e9);
    export_job_push(&job->fetch->pending, job);
}

static bool give_up(struct export_job *job, struct error *err)
{
    bool open;
    bool ok = export_gather_broken(job, &open, err);
    for (size_t i = 0; !open && i < job->batch.count; i++)
        export_fetch_set_back(job->fetch, job->batch.first + i, job->reasons);
    export_job_free(job);
    return ok;
}

/* Two jobs in place of one. A partition that is cut becomes an open one. */
static bool split(struct export_job *job, const struct export_batch *a,
                  const struct export_batch *b, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    bool opened = a->whole || export_gather_open(fetch, a->first, job->batch.whole ? 2 : 1, err);
    struct export_job *second = opened ? export_job_new(fetch, b, err) : NULL;
    if (!second) {
        export_job_free(job);
        return false;
    }
    drop_piles(job);
    second->tries = job->tries;
    second->cuts = ++job->cuts;
    memcpy(second->reasons, job->reasons, sizeof second->reasons);
    job->batch = *a;
    job->not_before = 0;
    export_job_push(&fetch->pending, second);
    export_job_push(&fetch->pending, job);
    return true;
}

/* The n-th of so many slices of a partition, at whole seconds. */
static void slice_time(struct export_share *share, uint32_t n, uint32_t slices)
{
    int64_t from = share->from, seconds = (share->to - from) / TICK_SECOND;
    share->from = from + seconds * n / slices * TICK_SECOND;
    share->to = n + 1 < slices ? from + seconds * (n + 1) / slices * TICK_SECOND : share->to;
}

bool export_job_shares(struct export_fetch *fetch, struct export_batch *batch, uint32_t shares,
                       struct error *err)
{
    bool by_time = fetch->snapshot->search;
    if (by_time && shares > SLICES_MAX)
        shares = SLICES_MAX;
    if (!export_gather_open(fetch, batch->first, shares, err))
        return false;
    batch->whole = false;
    for (uint32_t part = 0; part < shares; part++) {
        struct export_batch one = *batch;
        if (by_time) {
            slice_time(&one.share, part, shares);
        } else {
            one.share.parts = shares;
            one.share.part = part;
        }
        struct export_job *job = export_job_new(fetch, &one, err);
        if (!job)
            return false;
        export_job_push(&fetch->pending, job);
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

/* Rows of a query may be equal in every column, and then no hash tells them apart: they are asked for once, with their
 * number. */
static bool fold(struct export_job *job)
{
    drop_piles(job);
    job->cuts++;
    job->batch.share.folded = true;
    export_job_push(&job->fetch->pending, job);
    return true;
}

/* When a cut by hash did not help. */
static bool may_fold(const struct export_job *job)
{
    return !job->fetch->snapshot->keyed && !job->batch.share.folded && job->batch.count == 1 &&
           job->batch.share.parts > 1 && job->cuts > 0;
}

/* Cuts a job in two. */
static bool cut(struct export_job *job, bool by_time, struct error *err)
{
    struct export_batch a, b;
    bool some = job->fetch->plan->uncounted || rows_of_share(job) > 0;
    if (job->cuts < CUTS_MAX && some && export_gather_may_cut(job->fetch, job->batch.first) &&
        export_plan_split(job->fetch->plan, &job->batch, by_time, &a, &b))
        return split(job, &a, &b, err);
    export_reason_add(job->reasons, "it cannot be cut further");
    return give_up(job, err);
}

/* A batch that the service found too large. With what was learned from that, its partitions are packed anew; a single
 * partition is fetched in as many shares as its count asks for; else it is cut in two. */
static bool too_large(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    const struct export_batch *batch = &job->batch;
    if (fetch->options->source.one_batch) {
        export_reason_add(job->reasons, "--one-batch cannot be cut");
        return give_up(job, err);
    }
    if (batch->count > 1 && !fetch->plan->uncounted && !export_plan_fits(fetch->plan, batch)) {
        export_plan_return(fetch->plan, batch);
        export_job_free(job);
        return true;
    }
    uint32_t shares = batch->whole && batch->count == 1 && !fetch->plan->uncounted
                          ? export_plan_shares(fetch->plan, batch->first)
                          : 1;
    if (shares > 2) {
        struct export_batch whole = *batch;
        export_job_free(job);
        return export_job_shares(fetch, &whole, shares, err);
    }
    return may_fold(job) ? fold(job) : cut(job, fetch->snapshot->search, err);
}

/* About how many engine bytes: of one partition by the share of its time and of its hashes. */
static double bytes_of_share(const struct export_job *job)
{
    uint64_t rows, bytes;
    batch_counted(job, &rows, &bytes);
    const struct export_share *share = &job->batch.share;
    return (double) bytes * (double) (share->to - share->from) /
           ((double) job->batch.count * (double) TICK_PARTITION) / share->parts;
}

/* What a time-out may mean is too much at once, but only where there is much. */
static bool worth_cutting(const struct export_job *job)
{
    bool much = job->batch.count > 1 ||
                (job->fetch->plan->uncounted ? bytes_of_share(job) >= TIMEOUT_SHARE_BYTES
                                             : rows_of_share(job) >= TIMEOUT_SHARE_ROWS);
    return much && job->tries > TIMEOUTS_BEFORE_SPLIT;
}

/* An answer that is whole and wrong in form, or a row that the lake cannot hold, again and again: the partition that it
 * is of is found, and listed. With too many of them the service is not what it was taken for, and the run ends. */
static bool malformed(struct export_job *job, const struct error *why, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    export_reason_add(job->reasons, why->message);
    if (++job->malformed < MALFORMED_TRIES) {
        job->tries++;
        again(job, false);
        return true;
    }
    struct export_batch a, b;
    if (job->batch.count > 1 && export_plan_split(job->fetch->plan, &job->batch, false, &a, &b))
        return split(job, &a, &b, err);
    if (++fetch->malformed < MALFORMED_MAX)
        return give_up(job, err);
    (void) error_pass(err, why);
    export_job_free(job);
    return false;
}

static bool broken(struct export_job *job, const struct workspace_result *result, struct error *err)
{
    if (result->outcome == WORKSPACE_THROTTLED && ++job->throttles < THROTTLES_MAX) {
        again(job, true);
        return true;
    }
    if (result->outcome == WORKSPACE_BROKEN && result->error.code == ERROR_FORMAT)
        return malformed(job, &result->error, err);
    job->tries++;
    export_reason_add(job->reasons, workspace_outcome_text(result->outcome));
    if (job->tries >= EXPORT_BATCH_TRIES)
        return give_up(job, err);
    if (result->outcome == WORKSPACE_TIMEOUT && worth_cutting(job))
        return cut(job, true, err);
    again(job, result->outcome == WORKSPACE_THROTTLED);
    return true;
}

/* An answer that was not counted before tells itself how many rows it has. */
static bool as_it_says(const struct export_job *job, const struct workspace_result *result,
                       struct error *err)
{
    if (!job->fetch->plan->uncounted || result->counted == result->rows)
        return true;
    if (result->counted == UINT64_MAX) {
        (void) error_set(err, ERROR_FORMAT,
                         "the service does not say how many rows an answer has (statistics)");
        return error_hint(err, "--passes 2 counts the rows before they are fetched; each pass is "
                               "billed");
    }
    return error_set(err, ERROR_PARTIAL, "%llu of the %llu rows that the answer says it has",
                     (unsigned long long) result->rows, (unsigned long long) result->counted);
}

static bool came_whole(struct export_job *job, const struct workspace_result *result,
                       struct error *err)
{
    struct error why = ERROR_INIT;
    if (!as_it_says(job, result, &why)) {
        if (why.code == ERROR_PARTIAL) {
            struct workspace_result partial = *result;
            partial.outcome = WORKSPACE_BROKEN;
            partial.error = why;
            return broken(job, &partial, err);
        }
        (void) error_pass(err, &why);
        export_job_free(job);
        return false;
    }
    uint64_t rows, bytes;
    batch_counted(job, &rows, &bytes);
    if (job->batch.whole && result->rows > 0 &&
        (rows == result->rows || job->fetch->plan->uncounted))
        export_plan_learn(job->fetch->plan, rows, bytes, result->bytes);
    job->fetch->report->outside += job->outside;
    struct export_job **last = &job->fetch->whole;
    while (*last)
        last = &(*last)->next;
    *last = job;
    job->fetch->whole_count++;
    return true;
}

/* "2021-11-07 03:05 to 2021-11-07 04:00: too large: ..." */
static void tell_thrown_away(const struct export_job *job, const struct workspace_result *result)
{
    const struct export_watch *watch = job->fetch->options->watch;
    char from[TICK_TEXT_MAX], to[TICK_TEXT_MAX], line[ERROR_MESSAGE_MAX + 2 * TICK_TEXT_MAX + 40];
    if (!watch || !watch->detail)
        return;
    (void) tick_format_short(job->batch.share.from, from);
    (void) tick_format_short(job->batch.share.to, to);
    (void) snprintf(line, sizeof line, "%s to %s: %s: %s", from, to,
                    workspace_outcome_text(result->outcome), result->error.message);
    watch->detail(watch->context, line);
}

static bool ended(struct export_job *job, const struct workspace_result *result, struct error *err)
{
    if (result->outcome != WORKSPACE_OK)
        tell_thrown_away(job, result);
    switch (result->outcome) {
    case WORKSPACE_OK:
        return came_whole(job, result, err);
    case WORKSPACE_TOO_LARGE:
        export_reason_add(job->reasons, workspace_outcome_text(result->outcome));
        export_plan_ceiling(job->fetch->plan, &job->batch, result->ceiling, result->limit);
        return too_large(job, err);
    case WORKSPACE_TIMEOUT:
    case WORKSPACE_THROTTLED:
    case WORKSPACE_BROKEN:
        return broken(job, result, err);
    case WORKSPACE_STOPPED: /* by on_columns or on_row, or by the user */
        if (result->error.code == ERROR_FORMAT)
            return malformed(job, &result->error, err);
        break;
    case WORKSPACE_REFUSED:
        break;
    }
    export_job_free(job);
    return error_pass(err, &result->error);
}

/* Reading a table of the Basic or Auxiliary plan is billed by what was ingested in the time that is read. */
static uint64_t bill_of(const struct export_fetch *fetch, const struct export_share *share)
{
    return fetch->snapshot->search ? export_access_bytes(fetch->usage, share->from, share->to) : 0;
}

/* -- call-backs of a query -- */

/* The answer's own types count: metadata may be behind it. */
static void take_types(struct export_fetch *fetch, const struct columns *columns)
{
    for (size_t i = 0; i < fetch->snapshot->columns.n; i++) {
        bool changed = fetch->snapshot->columns.v[i].type != columns->v[i].type;
        fetch->retyped = fetch->retyped || changed;
        fetch->snapshot->columns.v[i].type = columns->v[i].type;
    }
}

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct export_job *job = context;
    struct export_fetch *fetch = job->fetch;
    const struct columns *asked = &fetch->snapshot->columns;
    bool folded = job->batch.share.folded;
    bool same = columns->n == asked->n + folded &&
                (!folded || strcmp(columns->v[asked->n].name, EXPORT_COPIES) == 0);
    for (size_t i = 0; same && i < asked->n; i++)
        same = strcmp(columns->v[i].name, asked->v[i].name) == 0 &&
               (!fetch->line || columns->v[i].type == asked->v[i].type);
    if (!same)
        return error_set(err, ERROR_FORMAT, "the service sent other columns than were asked for");
    if (fetch->line)
        return true;
    take_types(fetch, columns);
    struct lake_line_options options = {.keep_empty = fetch->options->keep_empty};
    fetch->line = lake_line_new(&fetch->snapshot->columns, &options, err);
    return fetch->line != NULL;
}

/* How many rows a folded one stands for; its number is taken off the row. */
static bool take_copies(const struct export_job *job, struct json_row *row, uint64_t *copies,
                        struct error *err)
{
    size_t last = job->fetch->snapshot->columns.n;
    *copies = 1;
    if (!job->batch.share.folded)
        return true;
    const struct json_cell *cell = row->count > 0 ? &row->cells[row->count - 1] : NULL;
    if (!cell || cell->column != last ||
        !str_uint64((struct str){row->bytes + cell->start, cell->length}, copies) || *copies == 0 ||
        *copies > job->fetch->plan->parts[job->batch.first].counted.rows)
        return error_set(err, ERROR_FORMAT, "the service did not count equal rows");
    row->count--;
    return true;
}

/* Of a table whose range stands in `timespan` the service may give rows of its very end. */
static bool elsewhere(struct export_job *job, struct error *err)
{
    if (!job->fetch->snapshot->search)
        return error_set(err, ERROR_FORMAT,
                         "the service sent a row of another time than was asked for");
    job->outside++;
    return true;
}

/* The pile of a partition of the batch, made with its first row. */
static struct lake_pile *pile_of(struct export_job *job, size_t part, struct error *err)
{
    if (!job->piles)
        job->piles = mem_alloc(job->batch.count, sizeof *job->piles, err);
    if (job->piles && !job->piles[part])
        job->piles[part] = lake_pile_new(job->fetch->pool, err);
    return job->piles ? job->piles[part] : NULL;
}

static bool on_row(void *context, const struct json_row *given, struct error *err)
{
    struct export_job *job = context;
    struct export_fetch *fetch = job->fetch;
    struct json_row row = *given;
    int64_t tick, item;
    uint64_t copies;
    if (!take_copies(job, &row, &copies, err) ||
        !lake_line_key(fetch->line, &row, &tick, &item, err))
        return false;
    if (tick < job->batch.share.from || tick >= job->batch.share.to)
        return elsewhere(job, err);
    size_t part = (size_t) ((tick - fetch->plan->from) / TICK_PARTITION) - job->batch.first;
    struct lake_pile *pile = pile_of(job, part, err);
    bool ok = pile != NULL;
    for (; ok && copies > 0; copies--)
        ok = lake_pile_add(pile, fetch->line, &row, tick, item, err);
    return ok;
}

static void fail(struct export_fetch *fetch, const struct error *err)
{
    if (fetch->failed.code == ERROR_NONE)
        fetch->failed = *err;
}

static void on_done(void *context, const struct workspace_result *result)
{
    struct export_job *job = context;
    struct export_fetch *fetch = job->fetch;
    struct error err = ERROR_INIT;
    export_job_detach(&fetch->active, job);
    fetch->active_count--;
    fetch->progress.received += result->bytes;
    if (result->outcome == WORKSPACE_THROTTLED) /* nothing was read */
        fetch->report->scanned -= bill_of(fetch, &job->batch.share);
    /* The lane's next question goes out before what came is written. */
    fetch->inside = true;
    bool going = ended(job, result, &err) && fetch->failed.code == ERROR_NONE;
    if ((going && !export_fetch_fill(fetch, &err)) || err.code != ERROR_NONE)
        fail(fetch, &err);
    fetch->inside = false;
    workspace_wake(fetch->options->workspace);
}

/* -- start -- */

static bool bill(struct export_fetch *fetch, const struct export_share *share, struct error *err)
{
    uint64_t bytes = bill_of(fetch, share), most = fetch->options->scan_max;
    struct export_report *report = fetch->report;
    if (most > 0 && (bytes > most || report->scanned > most - bytes)) {
        char had[TEXT_NUMBER_MAX], may[TEXT_NUMBER_MAX];
        (void) error_set(err, ERROR_LIMIT, "reading on would be billed for more than %s; %s were",
                         text_bytes(most, may), text_bytes(report->scanned, had));
        return error_hint(err, "--max-cost; what is verified stays, and the same command goes on");
    }
    report->scanned += bytes;
    return true;
}

bool export_job_start(struct export_job *job, struct error *err)
{
    struct export_fetch *fetch = job->fetch;
    const struct export_share *share = &job->batch.share;
    char timespan[EXPORT_TIMESPAN_MAX];
    struct buf text = BUF_INIT(QUERY_TEXT_MAX);
    export_put_rows(&text, fetch->snapshot, share);
    struct workspace_query query = {
        .kql = buf_str(&text),
        .timespan = export_timespan(fetch->snapshot, share->from, share->to, timespan),
        .search = fetch->snapshot->search,
        .statistics = fetch->plan->uncounted,
        .keep_empty = fetch->options->keep_empty,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .context = job,
    };
    job->outside = 0;
    export_job_push(&fetch->active, job);
    fetch->active_count++;
    bool ok = buf_ok(&text, "query", err) && bill(fetch, share, err) &&
              workspace_start(fetch->options->workspace, &query, err);
    buf_release(&text);
    if (!ok) {
        export_job_detach(&fetch->active, job);
        fetch->active_count--;
        export_job_free(job);
    }
    return ok;
}
