/* Progress: the status of an export or a verification, by its watch. */
#ifndef WEIR_CLI_PROGRESS_H
#define WEIR_CLI_PROGRESS_H

#include "cli/cli.h"
#include "cli/record.h"
#include "cli/status.h"

struct cli_progress {
    const struct cli *cli;
    struct cli_record *record; /* renewed as it goes on */
    const char *table;         /* in front of each line, where there are several; NULL: one */
    struct cli_status status;
    const char *phase;
    uint64_t began; /* clock_ns: the phase */
    struct export_watch watch;
};

/* The watch of it is given to an export; it is valid as long as the struct. */
void cli_progress_begin(struct cli_progress *progress, struct cli_record *record);
void cli_progress_end(struct cli_progress *progress); /* takes the line away */

#endif
