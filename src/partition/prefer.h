/* Prefer: rows that have a time by a rule which readers of the lake ask before that of their input (schema.json, `from`).
 *
 * No row of the sample has one, or the input is refused (guess.h). A row behind it that has one goes by it, since it must
 * stand where readers look for it: in the partition of the time that they take.
 */
#ifndef WEIR_PARTITION_PREFER_H
#define WEIR_PARTITION_PREFER_H

#include "lake/schema.h"
#include "partition/source.h"

/* Sets time->before: of `from`, the rules of readers in their order, those that are asked before this one. */
bool part_prefer_init(struct part_time *time, const struct lake_from *from, size_t n_from,
                      struct part_zones *zones, struct error *err);

/* For the lines of `text` as part_lines_rows found them: gives rows the time that readers take. A TimeGenerated beside
 * another time column is asked first; where it is a text that is no ISO time with its zone the row is rejected, since
 * readers may take it by rules of their own. Costs a search for each key, and more only for rows in which it stands. */
bool part_prefer_rows(const struct part_time *time, struct str text, struct part_chunk *chunk,
                      struct error *err);

#endif
