/* Source: the rows that a command is about: TABLE, or --query KQL|@FILE with --as NAME. */
#ifndef WEIR_CLI_SOURCE_H
#define WEIR_CLI_SOURCE_H

#include "cli/context.h"
#include "cli/range.h"
#include "export/export.h"

/* Options that name a source and shape its batches, for the lists of commands. */
#define CLI_SOURCE_OPTIONS CLI_QUERY, CLI_AS, CLI_ONE_BATCH
#define CLI_BATCH_OPTIONS CLI_BATCH_ROWS, CLI_BATCH_SPAN, CLI_WAIT, CLI_MAX_QUERIES

/* Reads source and range into options, with context's place, workspace and store. A query that cannot be cut by
 * time is ERROR_KQL with its position. *text is the query for cli_show_error, or empty. */
bool cli_source_read(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                     struct export_options *out, struct str *text, struct error *err);

#endif
