/* Ending: the last lines of an export and a verification. */
#ifndef WEIR_CLI_ENDING_H
#define WEIR_CLI_ENDING_H

#include "cli/record.h"

/* "2,010 ok, 3 grew, 2 missing": what there is of each verdict. */
enum { CLI_VERDICTS_TEXT = 320 };
const char *cli_verdicts_text(const struct export_report *report, char out[CLI_VERDICTS_TEXT]);

/* Where what "verified" means is narrower than all rows: ", complete as seen by <identity>"; else "". */
enum { CLI_SEEN_TEXT = 600 };
const char *cli_seen_text(const struct export_report *report, const char *identity,
                          char out[CLI_SEEN_TEXT]);
/* And why: a line of its own where rows are known to be hidden, a detail where that is not known. */
void cli_say_access(const struct cli *cli, const struct export_report *report, const char *table,
                    const char *identity);

/* A partition that does not verify, as an event of the log. */
void cli_tell_failed(const struct cli *cli, const char *table, const struct export_failed *one,
                     const char *line);

/* Why one has the exit status it has, where several ended: the worse of the two. */
int cli_worse_status(int a, int b);

#endif
