/* Reader: DuckDB's own readers of CSV and Parquet: their calls in SQL, and the columns that they find. */
#ifndef WEIR_ENGINE_DUCKDB_READER_H
#define WEIR_ENGINE_DUCKDB_READER_H

#include "engine/duckdb/cast.h"
#include "engine/duckdb/csv.h"

/* The columns of files. */
struct found {
    struct cast_column *v;
    size_t n;
    char **names; /* of Parquet, where nobody else owns them */
};

void found_release(struct found *found);
/* By its own name; NULL: there is none. */
const struct cast_column *found_name(const struct found *found, const char *name);

/* Every column of files of CSV with this header is text, and is called by its number. `header` is lent to `out`. */
bool found_csv(const struct csv_header *header, struct found *out, struct error *err);
/* The columns of files of Parquet together, without reading rows. */
bool found_parquet(struct driver_task *task, char *const *paths, size_t count, struct found *out,
                   struct error *err);

/* Append a call. Files of CSV have one header. Files of Parquet have the columns of the first, or (`united`) all
 * that any has; `numbered` gives file_row_number too. */
void reader_put_csv(struct buf *sql, char *const *paths, size_t count,
                    const struct csv_header *header);
struct reader_parquet {
    bool united, numbered;
};
void reader_put_parquet(struct buf *sql, char *const *paths, size_t count,
                        struct reader_parquet how);
/* What files of Parquet say of their columns. */
void reader_put_schema(struct buf *sql, char *const *paths, size_t count);

#endif
