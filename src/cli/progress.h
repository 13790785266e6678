/* Progress: one line that is written over on a terminal, a line now and then elsewhere. */
#ifndef WEIR_CLI_PROGRESS_H
#define WEIR_CLI_PROGRESS_H

#include "cli/cli.h"
#include "cli/record.h"

struct cli_progress {
    const struct cli *cli;
    struct cli_record *record; /* renewed as it goes on */
    const char *table;         /* in front of each line, where there are several; NULL: one */
    uint64_t began, shown;     /* clock_ns */
    const char *phase;
    bool drawn; /* a line stands on the terminal */
    struct export_watch watch;
};

/* The watch of it is given to an export; it is valid as long as the struct. */
void cli_progress_begin(struct cli_progress *progress, struct cli_record *record);
void cli_progress_end(struct cli_progress *progress); /* takes the line away */

#endif
