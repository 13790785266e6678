/* Engines: what runs a query over named relations. One driver today: duckdb, a shared object of ours
 * (libweir-duckdb.so beside the program or under the prefix) that is loaded when first needed. Who writes
 * a driver reads engine/driver.h.
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
#include "engine/zone.h"

enum { ENGINE_CHUNK_ROWS = 2048 };

struct engine_options {
    const char *driver;   /* NULL: "duckdb" */
    const char *database; /* file; NULL: in memory */
    unsigned threads;     /* 0: as many as processors */
    uint64_t memory;      /* bytes; 0: the engine's default */
    const char *scratch;  /* folder for what does not fit; NULL: none */
    bool
        ordered; /* rows of Parquet and CSV come in the order of the files; costs memory for what waits its turn */
};

/* One database. Its functions are safe for several threads at once, each thread with its own task: a
 * connection, which has at most one open result at a time. */
struct engine;
struct engine_task;

/* ERROR_IO: the engine is not installed, does not load or is of another version, or its database does not open. */
struct engine *engine_open(const struct engine_options *options, struct error *err);
void engine_free(struct engine *engine);

/* The same in a thread of its own, beside what the caller does until it needs the database: loading an engine takes as
 * long as a small query. What `options` points at is lent until the end, of which there are two: engine_opened waits
 * and gives what engine_open would have given; engine_opening_drop waits for no more than must be, and frees what was
 * opened (NULL is fine). Either frees the opening. */
struct engine_opening;
struct engine_opening *engine_opening_new(const struct engine_options *options, struct error *err);
struct engine *engine_opened(struct engine_opening *opening, struct error *err);
void engine_opening_drop(struct engine_opening *opening);

struct engine_task *engine_task_new(struct engine *engine, struct error *err);
void engine_task_free(struct engine_task *task);
/* Ends what the task does, and whatever it is asked later, with ERROR_INTERRUPTED. From any thread. */
void engine_task_cancel(struct engine_task *task);

/* A relation over files of rows. */
enum engine_form {
    ENGINE_LINES, /* JSON lines or one JSON array of objects, plain or gz (seen by content) */
    ENGINE_CSV,   /* header line, every value text that is converted to its column's type */
    ENGINE_PARQUET
};
/* Files that are not on the disk, for JSON lines: bytes come through call-backs, which several threads use at once,
 * each with handles of its own. The engine shares the files out in runs, which stand next to each other in the list;
 * a run is read by one thread in that order, and may be closed before its end. The same files may be read more than
 * once, also at the same time. A read may wait for bytes, but never for what another handle's thread does. */
struct engine_opener {
    void *context;
    size_t
        runs; /* that one reading of the files may have open at once; 0: one for each thread of the engine */
    /* Begins to read the files first .. first + count - 1. */
    bool (*open)(void *context, size_t first, size_t count, void **handle, struct error *err);
    /* The next bytes, at most `room` (> 0); *got 0 ends a file, and the next read begins the one behind it. An error
     * names the file. */
    bool (*read)(void *handle, void *to, size_t room, size_t *got, struct error *err);
    void (*close)(void *handle);
    /* Both or none: the engine holds the context as long as a thread of its own may use it, which may be longer than
     * the task lives. */
    void (*hold)(void *context);
    void (*release)(void *context);
};

/* Files of one partition are a group: they stand next to each other, and of the lines with an equal _ItemId only
 * the first is given, in the order of the list. A line that has no _ItemId (absent, null or empty) is given, unless it
 * stands beside a file that holds all rows and is itself in another: then it cannot be told from one of that file. */
enum engine_role {
    ENGINE_PART, /* holds some of its group's rows */
    ENGINE_WHOLE /* holds all that are known of */
};
/* Rows with an _ItemId of one group; more is ERROR_LIMIT. While its group is read such a row costs a slot of 16 bytes
 * in a table that is 3/8 to 3/4 full: at most 1 GB for one group, and half as much again while the table grows. */
enum { ENGINE_GROUP_ROWS_MAX = 3 << 24 };

/* Where else the time of a row may stand in JSON lines, when its TimeGenerated is absent, null or no time: the keys
 * are tried in the order of the list, and the first whose value is a time counts. If there are values but none is a
 * time, that is a misfit. A key TimeGenerated is tried too, and its zone is that of a TimeGenerated which names none.
 * Digits finer than a tick are cut off. */
enum engine_time_format {
    ENGINE_TIME_ISO,      /* tick_read */
    ENGINE_TIME_EPOCH_S,  /* tick_read_epoch: a number or the text of one */
    ENGINE_TIME_EPOCH_MS, /* the same in milliseconds */
    ENGINE_TIME_US        /* tick_read_us */
};
struct engine_time_key {
    const char *key; /* of the top level, decoded */
    enum engine_time_format format;
    const char *zone; /* of texts that name none (engine_zone_find). NULL: UTC; "": it is no time */
};

/* A file that engine_compact wrote: what it told of it then, and what has to be left out of it now. */
enum engine_trait {
    ENGINE_TICKS = 1,  /* of a datetime: `<name>__ticks` is there */
    ENGINE_MENDED = 2, /* `_weir_rest` has values of it, that it does not tell wholly */
    ENGINE_MISFITS = 4 /* some of which it does not tell at all: it is null there */
};
/* Rows of a compacted file that stand in a group of the lines, before them: a line of the group with the _ItemId of one of
 * those rows is left out, and counted as doubled. */
struct engine_shared {
    uint32_t source; /* the rows' `_weir_source` */
    uint32_t group;
};
struct engine_compacted {
    const char *path;              /* of the disk */
    const struct columns *columns; /* those that stand in the file, by the types they had then */
    const unsigned char *traits;   /* of each column */
    bool rest;                     /* it has the column `_weir_rest` */
    bool spanned;                  /* each row has a time, the least `first`, the greatest `last` */
    int64_t first, last;
    const uint32_t *left_out; /* rows whose `_weir_source` is one of these are not given */
    size_t left_out_count;
    const uint32_t *
        renumber; /* engine_compact alone: the new `_weir_source` of old number i; NULL: as it was */
    size_t renumber_count;
    const struct engine_shared *shared; /* not of rows that are left out */
    size_t shared_count;
};

/* source_keys: NULL, or for each column the key or header that it has in the files, or NULL for its own name.
 * from, to: rows whose TimeGenerated is outside [from, to) are left out; both 0: none are.
 * time_zone: of times that name none: an IANA name; NULL: the zone that the column's source key names
 * ("TimeGenerated [Pacific Time (US and Canada)]", engine/header.h), else UTC. */
struct engine_files {
    const char *name; /* of the relation */
    enum engine_form form;
    const char *const *paths;
    size_t count;
    const struct columns *columns; /* wanted; what no file has is null, '' if string */
    const char *const *source_keys;
    int64_t from, to;
    const char *time_zone;
    const struct engine_opener
        *opener;            /* NULL: paths are of the disk; else they are names for messages */
    const uint64_t *sizes;  /* with an opener: bytes of each file; NULL: not known */
    const uint32_t *groups; /* of each file, 0: of none; NULL: there are none. ENGINE_LINES only */
    const unsigned char *roles;              /* enum engine_role of each file; NULL: ENGINE_PART */
    const struct engine_time_key *time_keys; /* ENGINE_LINES only */
    size_t time_key_count;
    const struct engine_compacted
        *compacted; /* further files of the relation, beside `paths`. ENGINE_LINES only */
    size_t compacted_count;
};

/* Makes (replaces) a view over files, seen by this task alone; no row is read yet, but the _ItemId of shared ones. What
 * `files` points at need not outlive the call. Without files it has no rows. Values that do not fit their column's type
 * become null and are counted (engine_misfits). Rows come in no certain order. A file that is missing or broken fails the
 * query that reads it: ERROR_NOT_FOUND, ERROR_IO, ERROR_FORMAT, which name the file, and the line of JSON. */
bool engine_view(struct engine_task *task, const struct engine_files *files, struct error *err);
/* Reads the files into a table `name` of the database, whole or not at all; all tasks see it. It has one column more,
 * `_weir_row` (long): a row's place in the files as given, different for each row, growing, and the same whenever
 * the same files are loaded. `rows` may be NULL. */
/* Not with compacted files. */
bool engine_load(struct engine_task *task, const struct engine_files *files, uint64_t *rows,
                 struct error *err);
/* Names (keys or headers) found in the files' first rows, in order, all as string: to know columns. Parquet's own
 * types: bool; whole numbers of up to 32 bits int, of 64 long, beyond that (and unsigned 64) decimal; float and double
 * real; decimal; timestamps of any unit and dates datetime; time of day timespan; uuid guid; nested values dynamic; all
 * else string, bytes as base64. A decimal of more than 38 digits is ERROR_FORMAT: it would be read as another number.
 *
 * `cut`, unless NULL: the names of Parquet's times that are finer than what is read of them, whose digits below the microsecond
 * are lost: nanoseconds of UTC and INT96. Both lists are the caller's to release, on failure too. */
bool engine_peek(struct engine_task *task, const struct engine_files *files, struct columns *out,
                 struct columns *cut, struct error *err);

/* Runs SQL that has no result. */
bool engine_run(struct engine_task *task, const char *sql, struct error *err);

/* Runs a query and writes its rows to a new file of Parquet (zstd), in the order that the query gives them.
 * Memory does not grow with the rows, unless the query sorts: then it holds them, and the writer what waits for its
 * turn. Columns are named as in `columns` and have the types that readers of Parquet expect:
 *
 *     bool BOOLEAN   int INT32   long INT64   real DOUBLE   timespan INT64, in ticks of 100 ns
 *     decimal, guid, string, dynamic (as JSON) STRING
 *     datetime TIMESTAMP, in nanoseconds of UTC, exact to the tick. The file's flag isAdjustedToUTC is false: DuckDB
 *     neither writes it with nanoseconds nor reads such a file to better than a microsecond.
 *
 * `path` is absolute, and the caller's to name and to remove; what stands there is replaced. On failure there is no
 * file. ERROR_LIMIT names the column with a datetime before 1677-09-21 or after 2262-04-11, which has no such
 * nanosecond; ERROR_FORMAT the columns whose names differ in case alone, which DuckDB would rename. */
bool engine_copy_parquet(struct engine_task *task, const char *sql, const struct columns *columns,
                         const char *path, struct error *err);

/* Compaction: rows of `files` in one new file of Parquet (zstd), in order of TimeGenerated (null last), rows of one
 * tick in the order of the files and of their lines, those of compacted files first. files->columns is the table's
 * whole schema and holds TimeGenerated; form ENGINE_LINES. Doubles in groups are left out, as in a view. Of a range
 * [from, to) only its rows; those without a time when `to` is INT64_MAX.
 *
 * Columns of the file, named and typed so that other readers see what is meant:
 *
 *     bool BOOLEAN   int INT32   long INT64   real DOUBLE   timespan INT64, in ticks of 100 ns
 *     decimal, guid, string, dynamic (as JSON) STRING; a string is never null
 *     datetime TIMESTAMP in microseconds of UTC (isAdjustedToUTC true), and behind it `<name>__ticks` (signed 8 bits,
 *     0 to 9: what is below the microsecond) if it is not 0 in every row
 *     _weir_rest STRING, if any row has one: a JSON object with the exact text of what the columns do not tell: values
 *     that do not fit their column's type or that the column does not give back as they were (a number in a column of
 *     strings), and keys that are no columns. Null where there is none. Of a key that stands twice the last counts;
 *     null is left out, "" too
 *     _weir_source INT32: sources[i] of the row's files->paths[i]
 *
 * A column holds what a view over the lines would give, so reading needs `_weir_rest` only for a column whose type has
 * changed since, or that was none then. A column whose name differs from an earlier one's in case alone, is empty, or
 * is one of those made here, has no place of its own: its values are in `_weir_rest`, like those of unknown keys.
 *
 * `path` and those of compacted files are absolute. The new file is the caller's to name and to remove; on failure there
 * is none. The lines are read twice; ERROR_IO when they changed meanwhile. Sorting needs some six times the bytes of
 * the lines; what does not fit in engine_options.memory goes through scratch, slowly, and ERROR_MEMORY says that the
 * memory was too little even so: compact less at a time. Not one row: a file without rows. */
struct engine_compact_result {
    uint64_t rows, timeless; /* timeless: of them without a TimeGenerated */
    int64_t first, last;     /* ticks; both 0: no row has a time */
    struct columns columns;  /* for struct engine_compacted: released by the caller */
    unsigned char *traits;
    bool rest;
};
bool engine_compact(struct engine_task *task, const struct engine_files *files,
                    const uint32_t *sources, const char *path, struct engine_compact_result *out,
                    struct error *err);
void engine_compact_result_release(struct engine_compact_result *result);

/* A result: `columns` tells the KQL types that its columns carry (kql_columns). Chunks are lent until the
 * next call. The query may stream: nothing is kept whole. */
struct engine_vector {
    enum column_type type;
    const uint64_t *valid;  /* bit r set: row r has a value; NULL: all have */
    const void *values;     /* bool, int32_t, int64_t, double by physical type; NULL for text */
    const struct str *text; /* strings, by row; NULL when not text */
};
struct engine_chunk {
    size_t rows, count;
    const struct engine_vector *vectors;
};
struct engine_result;
struct engine_result *engine_query(struct engine_task *task, const char *sql,
                                   const struct columns *columns, struct error *err);
/* All columns and rows of a file of Parquet as they stand there, in the file's order if the engine is `ordered`: no
 * conversion of a view is used, so that what was written can be proven. bool, int and real as such; whole numbers of other
 * sizes long; timestamps (of microseconds) long, in microseconds since 1970; all else string, which may be null here.
 * `columns` is released first and then tells names and types. */
struct engine_result *engine_raw(struct engine_task *task, const char *path,
                                 struct columns *columns, struct error *err);
/* The next chunk; *chunk is NULL at the end. */
bool engine_next(struct engine_result *result, const struct engine_chunk **chunk,
                 struct error *err);
void engine_result_free(struct engine_result *result);
static inline struct str engine_text(const struct engine_vector *vector, size_t row)
{
    return vector->text[row];
}
static inline bool engine_valid(const struct engine_vector *vector, size_t row)
{
    return !vector->valid || (vector->valid[row / 64] >> (row % 64) & 1);
}

uint64_t engine_misfits(
    const struct engine_task *task); /* values read so far that did not fit their type */
uint64_t engine_doubled(
    const struct engine_task *task); /* lines so far that were left out of groups: doubles */

#endif
