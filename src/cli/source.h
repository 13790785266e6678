/* Source: the rows that a command is about: TABLE, or --query KQL|@FILE with --as NAME. */
#ifndef WEIR_CLI_SOURCE_H
#define WEIR_CLI_SOURCE_H

#include "cli/context.h"
#include "cli/range.h"
#include "export/export.h"

/* Options that name a source and shape its batches, for the lists of commands. */
#define CLI_SOURCE_OPTIONS CLI_QUERY, CLI_AS, CLI_ONE_BATCH
#define CLI_PATIENCE_OPTIONS CLI_WAIT, CLI_MAX_QUERIES, CLI_STALL_TIMEOUT, CLI_ANSWER_TIMEOUT
#define CLI_BATCH_OPTIONS CLI_BATCH_ROWS, CLI_BATCH_SPAN, CLI_PATIENCE_OPTIONS
/* Tables of the Basic and Auxiliary plans, whose reading is billed. */
#define CLI_PLAN_OPTIONS CLI_PLAN, CLI_PASSES, CLI_MAX_COST, CLI_PRICES

/* The tables that a command is about, each once: TABLE..., and those of --many FILE. Lent by the arena. ERROR_USAGE for
 * one that stands there twice (their case aside: the lake has but one place for them) and for a name that is none. */
enum { CLI_NAMES_MAX = 4096 };
struct cli_names {
    const char **v;
    size_t count;
};
bool cli_names_read(struct cli *cli, struct cli_names *out, struct error *err);

/* All tables of the workspace that the lake has an export of; those made by a query are left out, aloud. */
bool cli_names_of_lake(struct cli *cli, struct store *store, struct cli_names *out,
                       struct error *err);

/* A table as the source of an export; its texts are lent by the arena, so that there may be several. */
bool cli_source_table(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                      const char *table, struct export_options *out, struct error *err);

/* Reads source and range into options, with context's place, workspace and store. A query that cannot be cut by
 * time is ERROR_KQL with its position. *text is the query for cli_show_error, or empty. */
bool cli_source_read(struct cli *cli, struct cli_context *context, const struct cli_range *range,
                     struct export_options *out, struct str *text, struct error *err);

#endif
