/* Seen: which keys rows have, and of which types, for schema.json: what no schema tells, nobody could name in a query.
 *
 * One for each worker, brought together at the end. The order of the columns is that in which the input has them: by
 * (source, piece) of their first sight, so that it does not depend on threads.
 */
#ifndef WEIR_PARTITION_SEEN_H
#define WEIR_PARTITION_SEEN_H

#include "base/column.h"

struct part_seen;

struct part_seen *part_seen_new(struct error *err);
void part_seen_free(struct part_seen *seen);

/* What follows is of this source and piece. */
void part_seen_at(struct part_seen *seen, size_t source, uint64_t piece);

/* One line of the lake, valid. */
bool part_seen_line(struct part_seen *seen, struct str line, struct error *err);

/* Brings `from` into `into`. */
bool part_seen_merge(struct part_seen *into, const struct part_seen *from, struct error *err);

/* The columns to put into schema.json: those of `known` that were seen or stand in it with their known types, then
 * what else was seen: by the suffix of its name in a custom table, else by what its values were (bool, long, real,
 * datetime, string, dynamic). TimeGenerated (datetime) is always among them. */
bool part_seen_columns(const struct part_seen *seen, const struct columns *known, bool custom,
                       struct columns *out, struct error *err);

#endif
