/* Answers: rows of the service straight to the output, for commands that show what a query gives. */
#ifndef WEIR_CLI_ANSWER_H
#define WEIR_CLI_ANSWER_H

#include "cli/context.h"

/* Asks and shows, row by row as they come; tries again while nothing was shown yet. */
bool cli_show_answer(struct cli *cli, struct cli_context *context, struct str kql,
                     const char *timespan, struct error *err);

#endif
