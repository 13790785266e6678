/* Jobs: search jobs and restores. */

#include "emulator/jobs.h"

#include "base/memory.h"
#include "base/tick.h"

#include <pthread.h>
#include <stdio.h>

struct jobs {
    struct jobs_options options;
    pthread_mutex_t lock; /* of the list, and of whoever makes or removes a table */
    struct job *v;        /* room for JOBS_MAX */
    size_t n;
};

struct jobs *jobs_new(const struct jobs_options *options, struct error *err)
{
    struct jobs *jobs = mem_alloc(1, sizeof *jobs, err);
    if (!jobs)
        return NULL;
    jobs->options = *options;
    jobs->v = mem_alloc(JOBS_MAX, sizeof *jobs->v, err);
    if (jobs->v && pthread_mutex_init(&jobs->lock, NULL) == 0)
        return jobs;
    if (jobs->v)
        error_set(err, ERROR_MEMORY, "no mutex for the jobs");
    mem_free(jobs->v);
    mem_free(jobs);
    return NULL;
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    for (size_t i = 0; i < jobs->n; i++)
        mem_free(jobs->v[i].query);
    mem_free(jobs->v);
    (void) pthread_mutex_destroy(&jobs->lock);
    mem_free(jobs);
}

/* --- limits ------------------------------------------------------------------------------------ */

static bool runs(const struct jobs *jobs, const struct job *job, int64_t now)
{
    return !atomic_load(&job->deleted) && now < job->began + jobs->options.time;
}

static bool check_search(const struct jobs *jobs, int64_t now, struct error *err)
{
    uint64_t running = 0;
    for (size_t i = 0; i < jobs->n; i++)
        running += jobs->v[i].kind == JOB_SEARCH && runs(jobs, &jobs->v[i], now);
    return running < jobs->options.at_once ||
           error_set(err, ERROR_LIMIT, "%llu search jobs run already in the workspace",
                     (unsigned long long) running);
}

static bool check_restore(const struct jobs *jobs, const struct job_ask *ask, int64_t now,
                          struct error *err)
{
    int running = 0, week = 0;
    for (size_t i = 0; i < jobs->n; i++) {
        const struct job *job = &jobs->v[i];
        if (job->kind != JOB_RESTORE)
            continue;
        bool same = str_eq_case(str_of(job->source), ask->source);
        running += runs(jobs, job, now);
        week += same && job->began > now - 7 * TICK_DAY;
        if (same && !atomic_load(&job->deleted))
            return error_set(err, ERROR_EXISTS, "the table has an active restore: '%s'", job->name);
    }
    if (ask->end - ask->start < JOBS_RESTORE_DAYS_LEAST * TICK_DAY)
        return error_set(err, ERROR_USAGE, "a restore is of two days at least");
    if (running >= JOBS_RESTORES_AT_ONCE)
        return error_set(err, ERROR_LIMIT, "%d restores run already in the workspace", running);
    return week < JOBS_RESTORES_A_WEEK ||
           error_set(err, ERROR_LIMIT, "the table was restored %d times within a week", week);
}

static bool check_source(const struct service *service, const struct job_ask *ask,
                         struct error *err)
{
    const struct table *source = tables_find(&service->tables, ask->source, err);
    if (!source)
        return false;
    if (!source->timed)
        return error_set(err, ERROR_USAGE, "the table has no TimeGenerated");
    return ask->kind == JOB_SEARCH || source->plan != PLAN_AUXILIARY ||
           error_set(err, ERROR_USAGE, "a table of the Auxiliary plan cannot be restored");
}

static bool is_taken(const struct tables *tables, struct str name)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (!atomic_load(&tables->v[i].gone) && str_eq_case(name, str_of(tables->v[i].name)))
            return true;
    }
    return false;
}

/* Letters, digits and underscores, behind a letter: so the name is no SQL. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return name.n > 0 && name.n < JOBS_NAME_MAX;
}

static bool check(struct service *service, const struct job_ask *ask, int64_t now,
                  struct error *err)
{
    struct jobs *jobs = service->jobs;
    if (!is_name(ask->name))
        return error_set(err, ERROR_USAGE, "the name is none of a table");
    if (ask->start >= ask->end)
        return error_set(err, ERROR_USAGE, "the time range is empty");
    if (is_taken(&service->tables, ask->name))
        return error_set(err, ERROR_EXISTS, "the table '%.*s' exists already", (int) ask->name.n,
                         ask->name.p);
    if (jobs->n == JOBS_MAX)
        return error_set(err, ERROR_LIMIT, "more than %d jobs", JOBS_MAX);
    return check_source(service, ask, err) &&
           (ask->kind == JOB_SEARCH ? check_search(jobs, now, err)
                                    : check_restore(jobs, ask, now, err));
}

/* --- making ------------------------------------------------------------------------------------ */

static bool fill(const struct job_ask *ask, int64_t now, struct job *job, struct error *err)
{
    *job = (struct job){
        .kind = ask->kind, .limit = ask->limit, .start = ask->start, .end = ask->end, .began = now};
    (void) snprintf(job->name, sizeof job->name, "%.*s", (int) ask->name.n, ask->name.p);
    (void) snprintf(job->source, sizeof job->source, "%.*s", (int) ask->source.n, ask->source.p);
    job->query = mem_copy(ask->query.p, ask->query.n, err);
    return job->query && random_guid(job->operation, err);
}

/* The caller holds the lock. */
static const struct job *make(struct service *service, const struct job_ask *ask, struct str query,
                              struct error *err)
{
    struct jobs *jobs = service->jobs;
    int64_t now = service_now(service);
    struct job *job = &jobs->v[jobs->n];
    if (!check(service, ask, now, err))
        return NULL;
    bool done = fill(ask, now, job, err);
    struct table *table = done ? tables_begin(&service->tables, ask->name, err) : NULL;
    if (table) {
        table->newest = now + jobs->options.time;
        table->result = true;
        done = ask->kind == JOB_SEARCH ? job_search(service, query, jobs->options.rows,
                                                    jobs->options.time, job, table, err)
                                       : job_restore(service, jobs->options.time, job, table, err);
        table->rows = job->rows;
    }
    if (table && done) {
        tables_publish(&service->tables);
        jobs->n++;
        return job;
    }
    if (table)
        tables_forget(&service->tables);
    mem_free(job->query);
    *job = (struct job){0};
    return NULL;
}

const struct job *jobs_start(struct service *service, const struct job_ask *ask, struct error *err)
{
    struct jobs *jobs = service->jobs;
    struct job_ask one = *ask;
    struct buf query = BUF_INIT(0), source = BUF_INIT(0);
    bool good = ask->kind == JOB_RESTORE || job_query(ask->query, &query, &source, err);
    if (ask->kind == JOB_SEARCH)
        one.source = buf_str(&source);
    const struct job *job = NULL;
    (void) pthread_mutex_lock(&jobs->lock);
    if (good)
        job = make(service, &one, buf_str(&query), err);
    (void) pthread_mutex_unlock(&jobs->lock);
    buf_release(&source);
    buf_release(&query);
    return job;
}

const struct job *jobs_named(struct jobs *jobs, struct str name)
{
    const struct job *found = NULL;
    (void) pthread_mutex_lock(&jobs->lock);
    for (size_t i = 0; i < jobs->n; i++) {
        if (!atomic_load(&jobs->v[i].deleted) && str_eq_case(name, str_of(jobs->v[i].name)))
            found = &jobs->v[i];
    }
    (void) pthread_mutex_unlock(&jobs->lock);
    return found;
}

const struct job *jobs_operation(struct jobs *jobs, struct str operation)
{
    const struct job *found = NULL;
    (void) pthread_mutex_lock(&jobs->lock);
    for (size_t i = 0; i < jobs->n; i++) {
        if (str_eq_case(operation, str_of(jobs->v[i].operation)))
            found = &jobs->v[i];
    }
    (void) pthread_mutex_unlock(&jobs->lock);
    return found;
}

/* The caller holds the lock. */
static bool remove_table(struct service *service, const struct job *job, struct error *err)
{
    struct jobs *jobs = service->jobs;
    for (size_t i = 0; i < service->tables.n; i++) {
        struct table *table = &service->tables.v[i];
        if (!atomic_load(&table->gone) && str_eq(str_of(table->name), str_of(job->name)))
            atomic_store(&table->gone, true);
    }
    atomic_store(&jobs->v[job - jobs->v].deleted, true);
    return job_drop(service, job, err);
}

bool jobs_delete(struct service *service, const struct job *job, struct error *err)
{
    (void) pthread_mutex_lock(&service->jobs->lock);
    bool done = atomic_load(&job->deleted) || remove_table(service, job, err);
    (void) pthread_mutex_unlock(&service->jobs->lock);
    return done;
}

/* --- how far it is ----------------------------------------------------------------------------- */

struct job_progress jobs_progress(const struct service *service, const struct job *job)
{
    /* The first tenth of the time goes by before a search job is under way. */
    static const double preparing = 0.1;
    const struct jobs_options *options = &service->jobs->options;
    int64_t gone = service_now(service) - job->began;
    double share = options->time > 0 ? (double) gone / (double) options->time : 1;
    struct job_progress progress = {.share = share < 1 ? share : 1, .state = "Succeeded"};
    if (share >= 1)
        progress.rows = job->rows;
    else if (job->kind == JOB_SEARCH)
        progress.rows = (uint64_t) ((double) job->rows * share);
    if (share < 1)
        progress.state = job->kind == JOB_RESTORE || share < preparing ? "Updating" : "InProgress";
    else if (job->partial && !options->silent)
        progress.state = "PartialSuccess";
    return progress;
}

void jobs_put_report(struct jobs *jobs, struct buf *out)
{
    buf_puts(out, ",\"jobs\":[");
    for (size_t i = 0; jobs && i < jobs->n; i++) {
        const struct job *job = &jobs->v[i];
        buf_printf(out,
                   "%s{\"name\":\"%s\",\"kind\":\"%s\",\"source\":\"%s\",\"rows\":%llu,"
                   "\"scanned\":%llu,\"partial\":%s,\"deleted\":%s}",
                   i > 0 ? "," : "", job->name, job->kind == JOB_SEARCH ? "search" : "restore",
                   job->source, (unsigned long long) job->rows, (unsigned long long) job->scanned,
                   job->partial ? "true" : "false", atomic_load(&job->deleted) ? "true" : "false");
    }
    buf_putc(out, ']');
}
