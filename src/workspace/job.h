/* Jobs: search jobs and restores, by which rows beyond interactive retention can be queried (docs/service.md 1.8).
 *
 *     workspace_job_bill(w, &whole, 12, &bill, err);         what it will cost: said before it begins
 *     workspace_jobs_plan(w, &whole, rows, pieces, &n, err);
 *     workspace_job_begin(w, &pieces[i], &state, err);       starts it, or finds the one that a killed run left
 *     workspace_job_wait(w, &pieces[i], on_state, context, &state, err);
 *     ... the rows of state.name ...
 *     workspace_job_end(w, &pieces[i], err);                 removes its table, which ends the bill
 *
 * The result is a table of the workspace, made through Resource Manager. Its name follows from what is asked: kind, table
 * and range. So a run after a kill finds the same job, running or done, and pays for nothing twice; and a table with a
 * name of ours that nobody asks for any more can be told (workspace_jobs_left) and removed.
 *
 *     none ── begin ──> running ──> done      all rows
 *                          │   └──> partial   the row limit was met: the rest is not there
 *                          └──────> failed    begin removes it and starts anew
 *
 * One thread, not from a call-back of the workspace. All need its resource id and the endpoint of Resource Manager:
 * ERROR_SETTINGS without. ERROR_AUTH names the role. Interrupted, a job goes on: begin finds it again.
 */
#ifndef WEIR_WORKSPACE_JOB_H
#define WEIR_WORKSPACE_JOB_H

#include "base/tick.h"
#include "workspace/workspace.h"

enum {
    WORKSPACE_JOB_NAME_MAX = 45,          /* of a table */
    WORKSPACE_JOB_ROWS_MAX = 100000000,   /* of one search job */
    WORKSPACE_JOB_DAYS_MAX = 365,         /* of one search job, as older workspaces have it */
    WORKSPACE_JOB_RESTORE_DAYS_MIN = 2,   /* of one restore */
    WORKSPACE_JOB_RESTORE_GB_MIN = 2000,  /* GB that one is billed at least, ... */
    WORKSPACE_JOB_RESTORE_HOURS_MIN = 12, /* ... for so long */
    WORKSPACE_JOB_AT_ONCE = 5, /* search jobs that a run has under way; the service allows 10 */
    WORKSPACE_JOB_PIECES_MAX = 100,    /* a day's worth of a workspace is 200 */
    WORKSPACE_JOB_TABLES_MAX = 100000, /* of a workspace, that are looked through */
    WORKSPACE_JOB_HOURS_MAX = 26       /* the service ends a search job after 24 */
};

enum workspace_job_kind { WORKSPACE_JOB_SEARCH, WORKSPACE_JOB_RESTORE };

struct workspace_job {
    enum workspace_job_kind kind;
    const char *table; /* its true name; lent */
    int64_t from, to;  /* ticks, half-open */
};

/* The name of its result: weir_<table>_<12 hex>_SRCH or _RST. The same for the same job, in any run. */
void workspace_job_name(const struct workspace_job *job, char out[WORKSPACE_JOB_NAME_MAX + 1]);

/* What a range comes to in jobs the service takes: a search in pieces of at most a year and, as far as `rows` (of the whole
 * range, 0: not known) tells, half of what one may find, cut at midnight or a whole hour; a restore in one piece of whole
 * days, two at least and none beyond `now`, so maybe wider than what was asked. A result has the rows of its piece, and maybe
 * some of a second before and behind it (docs/service.md 1.8): who takes several together cuts each to its own range.
 * *n of out; ERROR_LIMIT. Asks nobody. */
bool workspace_jobs_cut(const struct workspace_job *whole, uint64_t rows, int64_t now,
                        struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                        struct error *err);

/* The same as of now, but around the jobs that an earlier run left of this table and in this range: those are pieces as they
 * are, however that run cut, so that nothing is paid twice. In order of time. Without `rows` of a search, Usage and the
 * rows of the last days tell about how many there are. */
bool workspace_jobs_plan(struct workspace *workspace, const struct workspace_job *whole,
                         uint64_t rows, struct workspace_job out[WORKSPACE_JOB_PIECES_MAX],
                         size_t *n, struct error *err);

struct workspace_job_bill {
    bool known;     /* as far as Usage tells; else `why` says what lacks */
    bool guessed;   /* Usage reaches back for a part of the range: the rest by its average */
    uint64_t bytes; /* that were ingested in the range: what a search job scans and is billed for */
    double gigabyte_days; /* of a restore that is kept so long: at least 2 TB and 12 hours */
    char why[WORKSPACE_WHY_MAX];
};
/* `hours` for which a restored table is kept. Prices are the caller's. */
bool workspace_job_bill(struct workspace *workspace, const struct workspace_job *job, double hours,
                        struct workspace_job_bill *out, struct error *err);

enum workspace_job_status {
    WORKSPACE_JOB_NONE, /* there is no such table */
    WORKSPACE_JOB_RUNNING,
    WORKSPACE_JOB_DONE,
    WORKSPACE_JOB_PARTIAL, /* done, but without the rows beyond its limit */
    WORKSPACE_JOB_FAILED,
    WORKSPACE_JOB_LEAVING /* its table is being removed */
};
const char *workspace_job_status_text(enum workspace_job_status status); /* "running" */

struct workspace_job_state {
    char name[WORKSPACE_JOB_NAME_MAX + 1];
    enum workspace_job_status status;
    bool found;                  /* by begin: an earlier run had started it */
    double progress;             /* 0 to 1; negative: not told */
    uint64_t rows;               /* found so far */
    double gigabytes;            /* scanned so far */
    char why[WORKSPACE_WHY_MAX]; /* FAILED, PARTIAL: one line */
};

/* How it stands; NONE when it is not there. ERROR_EXISTS: a table of that name is not this job's. */
bool workspace_job_ask(struct workspace *workspace, const struct workspace_job *job,
                       struct workspace_job_state *out, struct error *err);

/* Finds the job or starts it; one that failed, or is being removed, is waited away first. Returns when the service has taken
 * it. ERROR_USAGE for a restore of a table with plan Auxiliary; what else the service refuses is told with its words. */
bool workspace_job_begin(struct workspace *workspace, const struct workspace_job *job,
                         struct workspace_job_state *out, struct error *err);

/* Waits until it is done or partial (true), with looks that grow rarer, up to every 30 seconds. ERROR_SERVICE with the service's words when it failed, ERROR_NOT_FOUND when
 * somebody removed it, ERROR_TIMEOUT after WORKSPACE_JOB_HOURS_MAX. on_state (may be NULL) at each look. */
typedef void workspace_job_fn(void *context, const struct workspace_job_state *state);
bool workspace_job_wait(struct workspace *workspace, const struct workspace_job *job,
                        workspace_job_fn *on_state, void *context, struct workspace_job_state *out,
                        struct error *err);

/* Removes its table and waits until the service says that it is going; one that is not there is fine. Never a table that is not this job's. */
bool workspace_job_end(struct workspace *workspace, const struct workspace_job *job,
                       struct error *err);

/* Every result table that a weir made of this workspace, whoever left it: its name is that of what it says it holds. `job`
 * and `state` are lent for the call. A call-back's false ends the list with its error. */
typedef bool workspace_job_left_fn(void *context, const struct workspace_job *job,
                                   const struct workspace_job_state *state, struct error *err);
bool workspace_jobs_left(struct workspace *workspace, workspace_job_left_fn *fn, void *context,
                         struct error *err);

#endif
