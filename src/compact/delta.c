/* A Delta table over the files: see job.h. */
#include "compact/job.h"

bool compact_delta(struct compact_job *job, struct error *err)
{
    (void) job;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
