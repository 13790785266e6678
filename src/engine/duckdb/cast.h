/* Cast: values of DuckDB's own types, as CSV and Parquet have them, to the physical types of engine/engine.h, in SQL. */
#ifndef WEIR_ENGINE_DUCKDB_CAST_H
#define WEIR_ENGINE_DUCKDB_CAST_H

#include "engine/duckdb/duck.h"

/* A column as a reader of DuckDB's has it. */
struct cast_column {
    const char *name; /* in the files */
    char *sql;        /* as the reader's SQL calls it */
    duckdb_type type;
    bool json; /* a text that is declared to be JSON */
};

/* The type that a column has to weir when nobody says which (engine_peek). */
enum column_type cast_type(const struct cast_column *column);

/* Appends the expression that gives column `i` of a source. `found` NULL: no file has it. What does not fit becomes null and
 * is counted. */
void cast_put(struct buf *sql, const struct source *source, size_t i,
              const struct cast_column *found);

#endif
