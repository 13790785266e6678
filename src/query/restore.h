/* Restore: a row of a compacted file as a line of JSON, from the values as they stand in the file: for who proves a file, and
 * for who compares with its rows.
 *
 * This is the other half of compaction's proof, so it shares nothing with what wrote the file, nor with how queries read it: each
 * value is written out by the type that the record gives its column, and what `_weir_rest` has is put behind, where it counts
 * as the later of two equal keys does. The line has the identity (lake_row_whole) of the line that the row came from.
 */
#ifndef WEIR_QUERY_RESTORE_H
#define WEIR_QUERY_RESTORE_H

#include "engine/engine.h"
#include "lake/day.h"

struct query_restore;

/* `columns` and `traits` as engine_compact told them, or the day's record; `raw` as engine_raw did. ERROR_FORMAT names a
 * column that is missing or has another type. */
struct query_restore *query_restore_new(const struct columns *columns, const unsigned char *traits,
                                        bool rest, const struct columns *raw, struct error *err);
void query_restore_free(struct query_restore *restore); /* NULL is fine */

/* The line of row `row`, without a line feed; lent until the next call. */
bool query_restore_line(struct query_restore *restore, const struct engine_chunk *chunk, size_t row,
                        struct str *line, struct error *err);
/* Its `_weir_source`. */
uint32_t query_restore_source(const struct query_restore *restore, const struct engine_chunk *chunk,
                              size_t row);

#endif
