/* Output: rows of a result on stdout, as a table for people or as JSON, JSON lines or CSV for machines.
 *
 * Cells come as text: strings decoded, dynamics as their JSON, other values as their JSON text without quotes.
 * A table is aligned by its first rows, so no result is held whole. In CSV, text that a spreadsheet would run
 * as a formula is given a quote in front; control characters never reach a terminal.
 */
#ifndef WEIR_CLI_OUTPUT_H
#define WEIR_CLI_OUTPUT_H

#include "base/column.h"
#include "cli/cli.h"

enum { CLI_OUTPUT_MEASURED = 500, CLI_OUTPUT_WIDTH_MAX = 60, CLI_OUTPUT_ROW_MAX = 256 << 20 };

struct cli_cell {
    struct str text;
    bool null;
};

struct cli_output;

/* Columns are lent for its life. */
struct cli_output *cli_output_new(const struct cli *cli, const struct columns *columns,
                                  struct error *err);
bool cli_output_row(struct cli_output *output, const struct cli_cell *cells, struct error *err);
/* Writes what is left, and frees. A broken pipe is no error. */
bool cli_output_end(struct cli_output *output, struct error *err);
void cli_output_free(struct cli_output *output);

/* Whether the form is the table for people. */
bool cli_output_is_table(const struct cli *cli);
const char *cli_output_form(const struct cli *cli);

#endif
