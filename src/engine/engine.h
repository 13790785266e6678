/* Engines: what runs a query over named relations. One driver today: duckdb, a shared object of ours
 * (libweir-duckdb.so beside the program or under the prefix) that is loaded when first needed.
 *
 * Physical types, in every relation, result and function:
 *
 *     bool BOOLEAN   int INTEGER   long BIGINT   real DOUBLE   datetime, timespan BIGINT (ticks)
 *     decimal VARCHAR (its text)   guid VARCHAR (lower case)   string VARCHAR, never null
 *     dynamic VARCHAR holding JSON text (a dynamic string has its quotes), null when null
 */
#ifndef WEIR_ENGINE_ENGINE_H
#define WEIR_ENGINE_ENGINE_H

#include "base/column.h"
#include "base/stop.h"

enum { ENGINE_CHUNK_ROWS = 2048 };

struct engine_options {
    const char *driver;   /* NULL: "duckdb" */
    const char *database; /* file; NULL: in memory */
    unsigned threads;     /* 0: as many as processors */
    uint64_t memory;      /* bytes; 0: the engine's default */
    const char *scratch;  /* folder for what does not fit; NULL: none */
};

struct engine;      /* one database; its functions are safe for several threads at once, */
struct engine_task; /* each thread with its own task (a connection) */

struct engine *engine_open(const struct engine_options *options, struct error *err);
void engine_free(struct engine *engine);

struct engine_task *engine_task_new(struct engine *engine, struct error *err);
void engine_task_free(struct engine_task *task);
void engine_task_cancel(struct engine_task *task); /* from any thread */

/* A relation over files of rows. */
enum engine_form {
    ENGINE_LINES,   /* JSON lines or one JSON array of objects, plain or gz (seen by content) */
    ENGINE_CSV,     /* header line, every value text that is converted to its column's type */
    ENGINE_PARQUET
};
struct engine_files {
    const char *name;               /* of the relation */
    enum engine_form form;
    const char *const *paths;
    size_t count;
    const struct columns *columns;  /* wanted columns; absent ones are null ('' for strings) */
    const char *const *source_keys; /* NULL, or for each column the key or header in the file ("TimeGenerated [UTC]") */
    int64_t from, to;               /* rows with TimeGenerated outside [from, to) may be left out; both 0: all */
    const char *time_zone;          /* CSV and JSON times without zone: IANA name; NULL: UTC. US style (11/20/2020, 4:20:29.443 PM) is understood */
};

/* Makes (replaces) a view over files; nothing is read yet. Values that do not fit their column's type become
 * null and are counted (engine_misfits). */
bool engine_view(struct engine_task *task, const struct engine_files *files, struct error *err);
/* Reads the files into a table `name` of the database, ordered as given; TimeGenerated kept for pruning. */
bool engine_load(struct engine_task *task, const struct engine_files *files, uint64_t *rows,
                 struct error *err);
/* Names (keys or headers) found in the files' first rows, in order, all as string: to know columns. */
bool engine_peek(struct engine_task *task, const struct engine_files *files, struct columns *out,
                 struct error *err);

/* Runs SQL that has no result. */
bool engine_run(struct engine_task *task, const char *sql, struct error *err);

/* A result: `columns` tells the KQL types that its columns carry (kql_columns). Chunks are lent until the
 * next call. The query may stream: nothing is kept whole. */
struct engine_vector {
    enum column_type type;
    const uint64_t *valid; /* bit r set: row r has a value; NULL: all have */
    const void *values;    /* bool, int32_t, int64_t, double by physical type; NULL for text */
    const struct str *text; /* strings, by row; NULL when not text */
};
struct engine_chunk {
    size_t rows, count;
    const struct engine_vector *vectors;
};
struct engine_result;
struct engine_result *engine_query(struct engine_task *task, const char *sql,
                                   const struct columns *columns, struct error *err);
/* The next chunk; *chunk is NULL at the end. */
bool engine_next(struct engine_result *result, const struct engine_chunk **chunk, struct error *err);
void engine_result_free(struct engine_result *result);
static inline struct str engine_text(const struct engine_vector *vector, size_t row)
{
    return vector->text[row];
}
static inline bool engine_valid(const struct engine_vector *vector, size_t row)
{
    return !vector->valid || (vector->valid[row / 64] >> (row % 64) & 1);
}

uint64_t engine_misfits(const struct engine_task *task); /* values read so far that did not fit their type */

#endif
