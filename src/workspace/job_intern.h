/* What job.c and job_plan.c share: see job.h. Internal to this room. */
#ifndef WEIR_WORKSPACE_JOB_INTERN_H
#define WEIR_WORKSPACE_JOB_INTERN_H

#include "workspace/job.h"

#define JOB_NAME_BEGIN "weir_"

/* Whether a table's name has the form of ours, and of which kind of job. */
bool job_name_kind(const char *name, enum workspace_job_kind *kind);

#endif
