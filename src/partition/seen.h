/* Seen: which keys rows have, and of which types, for schema.json: what no schema tells, nobody could name in a query.
 *
 * One for each worker, brought together at the end. Columns come in the order in which the input has them: by source, piece,
 * line and member of their first sight, so that it does not depend on threads.
 *
 * The first rows of an input are looked at, and of each piece some more (part_source_rows): rows alone, not what is rejected.
 * So a key that stands in one row of a million may be missed; it is in the lake all the same.
 */
#ifndef WEIR_PARTITION_SEEN_H
#define WEIR_PARTITION_SEEN_H

#include "base/column.h"

/* Columns of a schema that keys of rows may fill: far below what queries take (COLUMNS_MAX), since columns stay, and one row
 * of thousands of keys would be the end of the table. The service has 500. */
enum { PART_SEEN_COLUMNS_MAX = 2000 };

struct part_seen;

struct part_seen *part_seen_new(struct error *err);
void part_seen_free(struct part_seen *seen); /* NULL is fine */

/* What follows is of this source and piece, from its first line on. */
void part_seen_at(struct part_seen *seen, size_t source, uint64_t piece);

/* One line of the lake, valid. Keys of more than COLUMN_NAME_MAX bytes, and those beyond COLUMNS_MAX, are passed over. */
bool part_seen_line(struct part_seen *seen, struct str line, struct error *err);

/* A column of an input that has columns: its type is told, not seen. */
bool part_seen_name(struct part_seen *seen, struct str name, enum column_type type,
                    struct error *err);

/* Brings `from` into `into`. */
bool part_seen_merge(struct part_seen *into, const struct part_seen *from, struct error *err);

/* The columns for schema.json: those of `known` (NULL: none) as they are, then what else was seen: as it was told; in a
 * custom table (_CL) by the suffix of its name, if all values fit; else by what the values were: bool, long, real, datetime
 * (texts with their zone), dynamic, string. TimeGenerated (datetime) is always among them. Those beyond
 * PART_SEEN_COLUMNS_MAX are left out. *out is released first. */
bool part_seen_columns(const struct part_seen *seen, const struct columns *known, bool custom,
                       struct columns *out, struct error *err);

/* How many keys that were seen are not among these columns. */
size_t part_seen_left_out(const struct part_seen *seen, const struct columns *columns);

#endif
