/* Jobs: see job.h. */
#include "workspace/job.h"

static bool not_built(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

void workspace_job_name(const struct workspace_job *job, char out[WORKSPACE_JOB_NAME_MAX + 1])
{
    (void) job;
    out[0] = '\0';
}

bool workspace_jobs_cut(const struct workspace_job *whole, uint64_t rows, int64_t now,
                        struct workspace_job out[WORKSPACE_JOB_PIECES_MAX], size_t *n,
                        struct error *err)
{
    (void) rows;
    (void) now;
    out[0] = *whole;
    *n = 1;
    return not_built(err);
}

bool workspace_job_bill(struct workspace *workspace, const struct workspace_job *job, double hours,
                        struct workspace_job_bill *out, struct error *err)
{
    (void) workspace;
    (void) job;
    (void) hours;
    *out = (struct workspace_job_bill){0};
    return not_built(err);
}

const char *workspace_job_status_text(enum workspace_job_status status)
{
    (void) status;
    return "?";
}

bool workspace_job_ask(struct workspace *workspace, const struct workspace_job *job,
                       struct workspace_job_state *out, struct error *err)
{
    (void) workspace;
    (void) job;
    *out = (struct workspace_job_state){0};
    return not_built(err);
}

bool workspace_job_begin(struct workspace *workspace, const struct workspace_job *job,
                         struct workspace_job_state *out, struct error *err)
{
    return workspace_job_ask(workspace, job, out, err);
}

bool workspace_job_wait(struct workspace *workspace, const struct workspace_job *job,
                        workspace_job_fn *on_state, void *context, struct workspace_job_state *out,
                        struct error *err)
{
    (void) on_state;
    (void) context;
    return workspace_job_ask(workspace, job, out, err);
}

bool workspace_job_end(struct workspace *workspace, const struct workspace_job *job,
                       struct error *err)
{
    (void) workspace;
    (void) job;
    return not_built(err);
}

bool workspace_jobs_left(struct workspace *workspace, workspace_job_left_fn *fn, void *context,
                         struct error *err)
{
    (void) workspace;
    (void) fn;
    (void) context;
    return not_built(err);
}
