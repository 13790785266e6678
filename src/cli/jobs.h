/* Jobs: an export of history beyond interactive retention: --from search-job|restore.
 *
 * What the service makes of the range is a table for some hours, which the export reads in place of the real one.
 * It is billed: what it will cost is said and asked before it is begun. A run that is killed leaves it; the same
 * command finds it again, goes on, and removes it at its end.
 */
#ifndef WEIR_CLI_JOBS_H
#define WEIR_CLI_JOBS_H

#include "cli/context.h"
#include "export/export.h"
#include "workspace/job.h"

struct cli_jobs {
    const char *table; /* NULL: nothing was begun */
    struct workspace_job pieces[WORKSPACE_JOB_PIECES_MAX];
    struct workspace_job_state states[WORKSPACE_JOB_PIECES_MAX];
    size_t count, begun;
    bool partial;  /* a row limit was met: some of the range is not there */
    uint64_t told; /* clock_ns of the last line about progress */
    const struct cli *cli;
};

/* ERROR_USAGE for what does not go with --from; `tables`: how many are named. */
bool cli_jobs_check(const struct cli *cli, size_t tables, struct error *err);

/* Begins the jobs that the range of `options` needs, unless the ledger holds it whole, and waits for them. Then
 * options->source.relation (lent by the arena) is what they made. */
bool cli_jobs_run(struct cli_jobs *jobs, struct cli *cli, struct cli_context *context,
                  struct export_options *options, struct error *err);

/* Removes what the jobs made. */
bool cli_jobs_end(struct cli_jobs *jobs, struct cli_context *context, struct error *err);
/* Says what stays, when the export did not come to its end. */
void cli_jobs_say_left(const struct cli_jobs *jobs);

#endif
