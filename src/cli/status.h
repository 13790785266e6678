/* Status: how long work stands: one line that is written over on a terminal, a line now and then elsewhere. */
#ifndef WEIR_CLI_STATUS_H
#define WEIR_CLI_STATUS_H

#include "cli/cli.h"

struct cli_status {
    const struct cli *cli;
    uint64_t shown; /* clock_ns */
    bool drawn;     /* a line stands on the terminal */
};

void cli_status_begin(struct cli_status *status, const struct cli *cli);
/* Whether it is time for another line; true at most once for each. */
bool cli_status_due(struct cli_status *status);
/* Shows it; `members`: for machines, may be NULL. */
void cli_status_show(struct cli_status *status, const struct buf *members, const char *line);
/* Takes the line away, so that another message may stand in its place. */
void cli_status_wipe(struct cli_status *status);

#endif
