/* Summary: what a run of partition or compact has come to: the JSON of --report, and the event `end`.
 *
 * The report is written when the run begins ("running") and when it ends, however that is, in one step each
 * (docs/formats.md, "A run's report").
 */
#ifndef WEIR_CLI_SUMMARY_H
#define WEIR_CLI_SUMMARY_H

#include "cli/cli.h"

struct cli_summary {
    struct cli *cli;
    /* Puts what it has come to as members (cli/members.h); called when it ends. */
    void (*put)(void *context, struct buf *out);
    void *context;
    int64_t begun;     /* tick */
    uint64_t begun_ns; /* clock_ns */
};

/* Begins; a path that cannot be written is found now. */
bool cli_summary_begin(struct cli_summary *summary, struct cli *cli,
                       void (*put)(void *context, struct buf *out), void *context,
                       struct error *err);

/* Ends: `status` is the exit status, or -1 with *err. Gives it back; -1 with *err too where the report cannot be
 * written. */
int cli_summary_end(struct cli_summary *summary, int status, struct error *err);

#endif
