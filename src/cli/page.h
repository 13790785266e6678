/* Page: lines of the text format of Prometheus, version 0.0.4 (docs/formats.md, "Metrics").
 *
 * Names begin with the command's, so that runs of several commands may be scraped beside each other. Figures that grow
 * while a run goes on are counters; each run begins them anew, as Prometheus expects of a program.
 */
#ifndef WEIR_CLI_PAGE_H
#define WEIR_CLI_PAGE_H

#include "cli/cli.h"

enum { CLI_PAGE_MAX = 64 << 20 }; /* bytes of one */

#define CLI_SUCCEEDED_NAME "last_success_timestamp_seconds"

struct cli_page {
    struct buf *out;
    const char *command;
};

/* What every run tells of itself. */
struct cli_page_run {
    int64_t begun; /* tick */
    double seconds;
    bool running;
    int status;
};

void cli_page_head(const struct cli_page *page, const char *name, const char *type,
                   const char *help);
/* `table` and `verdict` are labels; NULL: none. */
void cli_page_value(const struct cli_page *page, const char *name, const char *table,
                    const char *verdict, double value);
void cli_page_run(const struct cli_page *page, const struct cli_page_run *run);

/* When the table was last whole, by the page of an earlier run of the command: Unix time; 0: never. */
double cli_page_succeeded(struct str text, const char *command, const char *table);

#endif
