/* Lines: a row of the service as one line of the lake (docs/formats.md).
 *
 * Keys stand in column order; nulls and empty strings are left out unless asked for; a dynamic value is
 * nested JSON with its number texts unchanged (the service sends it as a string that holds JSON; text
 * that is not JSON stays a string); everything else arrives byte for byte.
 */
#ifndef WEIR_LAKE_LINE_H
#define WEIR_LAKE_LINE_H

#include "base/column.h"
#include "base/tick.h"
#include "json/rows.h"

struct lake_line_options {
    bool keep_empty;
};

struct lake_line; /* what is known of a table's columns; not for threads */

/* TimeGenerated (datetime) must be among the columns, else ERROR_FORMAT. */
struct lake_line *lake_line_new(const struct columns *columns,
                                const struct lake_line_options *options, struct error *err);
void lake_line_free(struct lake_line *line);

/* Reads what routing needs: the tick of TimeGenerated and, when the columns have `_ItemId`, hash_xx64 of
 * it (*item is 0 without one). ERROR_FORMAT when TimeGenerated is null or no datetime. */
bool lake_line_key(struct lake_line *line, const struct json_row *row, int64_t *tick, int64_t *item,
                   struct error *err);

/* Upper bound of the bytes that lake_line_write writes for this row, line feed included. */
size_t lake_line_bound(const struct lake_line *line, const struct json_row *row);

/* Writes {"A":..,"B":..}\n to `to`, which has room for the bound and 64 bytes more, after lake_line_key has taken
 * the row. Checks every other value against its column's type (ERROR_FORMAT names column and type). */
bool lake_line_write(struct lake_line *line, const struct json_row *row, char *to, size_t *length,
                     struct error *err);

#endif
