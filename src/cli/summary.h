/* Summary: what a run of partition or compact has come to: the JSON of --report, the page of --metrics, and the event `end`.
 *
 * The report is written when the run begins ("running") and when it ends, however that is, in one step each
 * (docs/formats.md, "A run's report"); the metrics from when the tables are known, every 10 seconds between, and when it
 * ends.
 */
#ifndef WEIR_CLI_SUMMARY_H
#define WEIR_CLI_SUMMARY_H

#include "cli/cli.h"

/* What --metrics tells of each table. */
struct cli_figures {
    const struct cli_figure {
        const char *name, *type, *help;
    } * v;
    size_t n;
    const char *(*table)(const void *context, size_t table); /* its name; NULL: there are no more */
    double (*value)(const void *context, size_t table, size_t figure);
    bool (*complete)(const void *context, size_t table);
    const char *complete_help;
};

struct cli_summary {
    struct cli *cli;
    const struct cli_figures *figures; /* set by the caller behind cli_summary_begin */
    double *
        succeeded; /* of each table: Unix time at which it was last complete; NULL: no metrics yet */
    uint64_t shown; /* clock_ns */
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

/* The tables are known: the first metrics, with what the file before had to tell. */
bool cli_summary_named(struct cli_summary *summary, struct error *err);
/* While it goes on: renews the metrics when it is time. */
void cli_summary_tick(struct cli_summary *summary);

/* Ends: `status` is the exit status, or -1 with *err. Gives it back; -1 with *err too where the report cannot be
 * written. */
int cli_summary_end(struct cli_summary *summary, int status, struct error *err);

#endif
