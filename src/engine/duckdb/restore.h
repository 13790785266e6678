/* Restore: files that engine_compact wrote as rows of a relation, in SQL: each value as a view over the lines would give it
 * (engine/engine.h, struct engine_compacted).
 */
#ifndef WEIR_ENGINE_DUCKDB_RESTORE_H
#define WEIR_ENGINE_DUCKDB_RESTORE_H

#include "engine/duckdb/reader.h"

/* The number of a column in the file, with exactly this name; -1: it is none of its own. */
int restore_find(const struct engine_compacted *file, const char *name);

/* Appends the expression that gives column `i` of the source from the file's columns. */
void restore_put_column(struct buf *sql, const struct source *source, size_t i,
                        const struct engine_compacted *file);
/* Appends the JSON text of column `i` of the file; null where it tells nothing. */
void restore_put_json(struct buf *sql, const struct engine_compacted *file, size_t i);
/* Appends the ticks of column `i` of the file, a datetime. */
void restore_put_ticks(struct buf *sql, const struct engine_compacted *file, size_t i);
/* Appends WHERE with the source's range and what `left_out` names; nothing when neither is there. */
void restore_put_where(struct buf *sql, const struct source *source,
                       const struct engine_compacted *file);

/* Appends SELECT statements with UNION ALL between them: the source's columns, of rows within its range, from all
 * `count` files. Files that are alike are read by one of them. */
bool restore_put_rows(struct buf *sql, const struct source *source,
                      const struct engine_compacted *files, size_t count, struct error *err);

#endif
