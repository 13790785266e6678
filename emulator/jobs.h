/* Jobs: search jobs and restores: a table that is made from another one, as Resource Manager is asked
 * for it (docs/service.md 1.8). They find rows beyond the interactive retention, which queries do not.
 *
 * The rows are found at once, in the request that starts the job; that it takes its time is played: by
 * the emulator's clock the rows become visible one after the other (a restore's all together), and its
 * state follows. So a job goes on, or stands still, as the clock does. Safe for threads. */
#ifndef WEIR_EMULATOR_JOBS_H
#define WEIR_EMULATOR_JOBS_H

#include "base/random.h"
#include "emulator/service.h"

enum {
    JOBS_MAX = 1000, /* of a run of the emulator */
    JOBS_NAME_MAX = 128,
    JOBS_RESTORES_AT_ONCE = 2,
    JOBS_RESTORES_A_WEEK = 4, /* of a table */
    JOBS_RESTORE_DAYS_LEAST = 2
};

struct jobs_options {
    int64_t time;     /* ticks that a job takes */
    uint64_t rows;    /* of a search job's result; more is partial success */
    uint64_t at_once; /* search jobs */
    bool silent;      /* partial success is told by the number of rows alone */
};

enum job_kind { JOB_SEARCH, JOB_RESTORE };

struct job_ask {
    enum job_kind kind;
    struct str name;
    struct str query;   /* of a search job */
    struct str source;  /* of a restore: the table */
    uint64_t limit;     /* rows; 0: the service's own */
    int64_t start, end; /* [start, end) by TimeGenerated */
};

/* Nothing of it changes, but for `deleted`; lent until jobs_free. */
struct job {
    enum job_kind kind;
    char name[JOBS_NAME_MAX], source[JOBS_NAME_MAX], operation[GUID_TEXT];
    char *query;
    uint64_t limit, rows, scanned; /* as asked; found; bytes read */
    int64_t start, end, began;
    bool partial; /* there were more rows than may be given */
    atomic_bool deleted;
};

struct jobs;

struct jobs *jobs_new(const struct jobs_options *options, struct error *err);
void jobs_free(struct jobs *jobs);

/* Starts a job. ERROR_EXISTS: the name is taken; ERROR_LIMIT: too many at once, or in a week;
 * ERROR_NOT_FOUND: no such source; ERROR_KQL: the query is refused; ERROR_USAGE: the rest. */
const struct job *jobs_start(struct service *service, const struct job_ask *ask, struct error *err);

/* The job of a result table that is there, by its name in any case; or any job by its operation. NULL:
 * none. */
const struct job *jobs_named(struct jobs *jobs, struct str name);
const struct job *jobs_operation(struct jobs *jobs, struct str operation);

/* Removes the result. */
bool jobs_delete(struct service *service, const struct job *job, struct error *err);

/* How far a job is. */
struct job_progress {
    double share; /* 0 to 1 */
    uint64_t rows;
    const char *state; /* provisioningState */
};
struct job_progress jobs_progress(const struct service *service, const struct job *job);

/* A member ,"jobs":[...] for the report. */
void jobs_put_report(struct jobs *jobs, struct buf *out);

/* --- job_query.c and job_table.c: for jobs.c ---------------------------------------------------- */

/* A search job's query, with what it keeps of the original row; its table's name into `source`, which
 * it initializes. ERROR_KQL: not of the subset that search jobs know. */
bool job_query(struct str text, struct buf *out, struct buf *source, struct error *err);

/* Makes the result's relation and describes it in `table`; fills rows, scanned and partial of the job. */
bool job_search(struct service *service, struct str query, uint64_t rows, int64_t time,
                struct job *job, struct table *table, struct error *err);
bool job_restore(struct service *service, int64_t time, struct job *job, struct table *table,
                 struct error *err);
bool job_drop(struct service *service, const struct job *job, struct error *err);

#endif
