/* Join: an export that meets the service's continuous export: --until-continuous, --beside. */
#ifndef WEIR_CLI_JOIN_H
#define WEIR_CLI_JOIN_H

#include "cli/range.h"
#include "export/export.h"

#define CLI_JOIN_OPTIONS CLI_UNTIL_CONTINUOUS, CLI_BESIDE

/* What becomes of partitions that the service has blobs of. ERROR_USAGE for options that do not go together. */
bool cli_join_read(const struct cli *cli, enum export_beside *out, struct error *err);

/* With --until-continuous and no end, the range's end is where the continuous export has taken over: asks the rule of
 * the table of `options`, says what came of it, and moves the range there (its begin too where it is given as so many
 * days before the end), and tells the export since when the service writes. Else leaves it as it is. */
bool cli_join_range(const struct cli *cli, struct export_options *options, struct cli_range *range,
                    struct error *err);

/* " 12 partitions are joined with the continuous export: ..."; empty where none is. */
enum { CLI_JOIN_TEXT = 512 };
const char *cli_join_text(const struct export_report *report, char out[CLI_JOIN_TEXT]);

/* What the service's blobs had that should not be there: a line for each kind. */
void cli_join_say(const struct cli *cli, const struct export_report *report, const char *table);

#endif
