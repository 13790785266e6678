/* Duck: what the files of this room share: a database, its tasks and sources. The only header that sees
 * duckdb.h.
 *
 * A source is a relation over files: a copy of what engine_view was given. SQL names it by its number, as
 * weir_lines(17), so that no path and no key of a file stands in SQL. It lives until its task ends or makes
 * another view of that name; views are temporary, of one connection, so no other task sees the number.
 *
 * A query that is cancelled may leave a worker of DuckDB at its work for a moment, even behind duckdb_close. So what
 * a worker touches is held, not lent: a bound query holds its source, a source its task's signs, and what is
 * registered with DuckDB the database; each is freed by whoever lets go last.
 */
#ifndef WEIR_ENGINE_DUCKDB_DUCK_H
#define WEIR_ENGINE_DUCKDB_DUCK_H

#include "base/memory.h"
#include "base/tick.h"
#include "engine/driver.h"
#include "engine/duckdb/convert.h"

#include <duckdb.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    DUCK_SQL_MAX = 16 * 1024 * 1024,  /* of a statement made here: it may list many files */
    DUCK_PATHS_MAX = 8 * 1024 * 1024, /* files of one relation */
    SOURCE_ZONES_MAX = 8,             /* time zones of one relation */
    SOURCE_TIMES_MAX = 64             /* other keys of TimeGenerated */
};

/* Behind the columns of weir_lines and of a loaded table: file number << 40 | byte in the file. */
#define DUCK_ROW_COLUMN "_weir_row"
enum { DUCK_ROW_SHIFT = 40 };

/* Behind those, for a compaction. */
#define DUCK_REST_COLUMN "_weir_rest"
#define DUCK_SOURCE_COLUMN "_weir_source"

/* What a worker tells its task and is told by it; outlives the task while a source holds it. */
struct signs {
    atomic_int holders;
    atomic_bool cancelled;
    atomic_uint_least64_t misfits, doubled;
};

/* Another key that the time of a row may stand under. */
struct source_time {
    char *key;
    struct convert_time time;
    struct engine_zone *zone; /* owned, what time.zone points at; NULL: UTC */
};

enum { SOURCE_VALUES = 128 }; /* a trait of a column: some row has a value, not '' */

/* Of a source whose lines are looked at whole, to be compacted: what they were found to have. */
struct source_whole {
    uint32_t *numbers;            /* of each file: its `_weir_source` */
    atomic_uint_least8_t *traits; /* of each column: enum engine_trait, SOURCE_VALUES */
    atomic_bool rest;             /* a row has one */
    atomic_uint_least64_t bytes;  /* of the lines */
};

struct source {
    atomic_int holders;
    int64_t number;
    struct driver_task *task; /* for the task's own thread alone */
    struct signs *signs;
    size_t threads; /* of the database */
    char *name;
    enum engine_form form;
    char **paths; /* absolute, or names of an opener's files */
    size_t count;
    struct engine_opener opener; /* held; without `open`: files of the disk */
    uint64_t *sizes;             /* of an opener's files, or NULL */
    uint32_t *groups;            /* of each file, or NULL */
    unsigned char *roles;        /* the same */
    struct scan_seed *seeds;     /* of groups, in their order */
    size_t seed_count;
    struct columns columns;
    char **keys;                /* of each column in the file */
    struct engine_zone **zones; /* of each column, owned by zone_list; NULL: UTC */
    struct engine_zone *zone_list[SOURCE_ZONES_MAX];
    struct source_time *times;
    size_t time_count;
    struct source_whole *whole; /* NULL: only wanted columns are looked at */
    int64_t from, to;
    int time_column;     /* TimeGenerated, or -1 */
    struct source *next; /* of the task */
};

struct driver_database {
    atomic_int holders;
    duckdb_database handle;
    size_t threads;
    uint64_t memory;      /* bytes; 0: DuckDB's default */
    pthread_mutex_t lock; /* over the tasks' lists of sources and next_number */
    int64_t next_number;
    struct driver_task *tasks;
};

struct driver_task {
    struct driver_database *database;
    duckdb_connection connection;
    struct signs *signs;
    bool busy; /* a result is open */
    struct source *sources;
    struct driver_task *next, *previous;
};

/* --- error.c: errors there and back -------------------------------------------------------------------- */

/* Our error as a text that DuckDB carries through (its code in front); into `out`, which is reset. */
const char *duck_error_text(const struct error *err, struct buf *out);
/* The same for a lack of memory, without needing any. */
extern const char duck_no_memory[];
/* DuckDB's error, or ours that it carried, into err. Returns false. */
bool duck_failed(const struct driver_task *task, duckdb_error_type type, const char *message,
                 struct error *err);

/* --- source.c ------------------------------------------------------------------------------------------- */

struct source *source_new(struct driver_task *task, const struct engine_files *files,
                          struct error *err);
/* A path that does not depend on the working folder; the caller's. NULL: err is set. */
char *source_absolute(const char *path, struct error *err);
/* Whether only rows of a range of time are wanted; whether rows without a time are among them: in a compaction they come
 * with the end of all time. */
static inline bool source_bounded(const struct source *source)
{
    return source->time_column >= 0 && (source->from != 0 || source->to != 0);
}
static inline bool source_timeless(const struct source *source)
{
    return source->whole && source->to == INT64_MAX;
}
/* Makes it one whose lines are looked at whole; the numbers are copied. */
bool source_be_whole(struct source *source, const uint32_t *numbers, struct error *err);
void source_hold(struct source *source);
void source_release(void *pointer); /* NULL is fine; the last one frees */
/* Puts it into its task's list, in place of one of that name. */
void source_keep(struct source *source);
void source_drop(struct source *source); /* out of the list, and released */
void source_drop_all(struct driver_task *task);
/* Held: release it. */
struct source *source_find(struct driver_database *database, int64_t number);
struct signs *signs_new(struct error *err);
void signs_release(struct signs *signs);
void database_hold(struct driver_database *database);
void database_release(void *pointer); /* (driver.c) */

/* Gives each datetime column its zone: that of its header ("TimeGenerated [UTC]"), else `all`, else UTC; and each
 * other key of TimeGenerated its own. ERROR_FORMAT for a zone that is not known. (zones.c) */
bool zones_find(struct source *source, const char *all, const struct engine_time_key *keys,
                struct error *err);
/* The stretches of a zone by its IANA name. ERROR_FORMAT: there is none of that name. */
bool zones_read(struct driver_task *task, const char *name, struct engine_zone *out,
                struct error *err);

/* --- lines.c, files.c, result.c, parquet.c, functions.c ------------------------------------------------------------ */

/* Registers weir_lines(number). */
bool lines_register(struct driver_database *database, duckdb_connection connection,
                    struct error *err);

bool files_view(struct driver_task *task, const struct engine_files *files, struct error *err);
bool files_load(struct driver_task *task, const struct engine_files *files, uint64_t *rows,
                struct error *err);
bool files_peek(struct driver_task *task, const struct engine_files *files, struct columns *out,
                struct columns *cut, struct error *err);

bool result_run(struct driver_task *task, const char *sql, struct error *err);
struct driver_result *result_query(struct driver_task *task, const char *sql,
                                   const struct columns *columns, struct error *err);
bool result_next(struct driver_result *result, const struct engine_chunk **chunk,
                 struct error *err);
void result_free(struct driver_result *result);

/* Whether a text is one whole statement with these columns; nothing is run. */
bool result_check(struct driver_task *task, const char *sql, const struct columns *columns,
                  struct error *err);

bool parquet_copy(struct driver_task *task, const char *sql, const struct columns *columns,
                  const char *path, struct error *err);

bool compact_write(struct driver_task *task, const struct engine_files *files,
                   const uint32_t *sources, const char *path, struct engine_compact_result *out,
                   struct error *err);
struct driver_result *raw_query(struct driver_task *task, const char *path, struct columns *columns,
                                struct error *err);

/* Registers the functions that KQL's SQL calls (kql/duckdb_functions.h) and those that convert the text of CSV
 * and Parquet: weir_in_<type>(source number, column number, text). */
bool functions_register(struct driver_database *database, duckdb_connection connection,
                        struct error *err);
/* Those for `_weir_rest`. (mend.c) */
bool mend_register(struct driver_database *database, duckdb_connection connection,
                   struct error *err);
/* Registers weir_<prefix><name>, with a letter for each argument and the result, as kql/duckdb_functions.h has them;
 * `extra` is DuckDB's to free with `release`, even on failure. */
bool functions_add(duckdb_connection connection, const char *prefix, const char *name,
                   const char *arguments, char result, duckdb_scalar_function_t run, void *extra,
                   duckdb_delete_callback_t release, struct error *err);
/* The letter of a column's physical type. */
char duck_letter(enum column_type type);

/* --- vectors -------------------------------------------------------------------------------------------- */

/* The physical type of a column. */
duckdb_type duck_type(enum column_type type);
const char *duck_type_name(enum column_type type);

/* A string of a vector, lent. */
static inline struct str duck_text(const duckdb_string_t *string)
{
    uint32_t n = string->value.inlined.length;
    return (struct str){n <= 12 ? string->value.inlined.inlined : string->value.pointer.ptr, n};
}

/* Sets row `row` of a VARCHAR vector; short strings stand in the vector itself. */
static inline void duck_put_text(duckdb_vector vector, duckdb_string_t *data, size_t row,
                                 struct str text)
{
    if (text.n <= 12) {
        memset(&data[row], 0, sizeof data[row]);
        data[row].value.inlined.length = (uint32_t) text.n;
        memcpy(data[row].value.inlined.inlined, text.p, text.n);
    } else {
        duckdb_vector_assign_string_element_len(vector, row, text.p, text.n);
    }
}

static inline bool duck_valid(const uint64_t *validity, size_t row)
{
    return !validity || (validity[row / 64] >> (row % 64) & 1);
}

static inline void duck_set_null(uint64_t *validity, size_t row)
{
    validity[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* A vector that is written, row by row. */
struct duck_sink {
    void *data;
    uint64_t *validity;
    duckdb_vector vector;
};
static inline struct duck_sink duck_sink(duckdb_vector vector)
{
    return (struct duck_sink){duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector),
                              vector};
}
void duck_put_value(enum column_type type, const struct duck_sink *sink, size_t row,
                    const union convert_value *value);
/* Null, or '' for a string. */
void duck_put_nothing(enum column_type type, const struct duck_sink *sink, size_t row);

/* Appends a name as SQL writes it: "a""b". */
void duck_put_name(struct buf *sql, struct str name);
/* Appends a string as SQL writes it: 'it''s'. */
void duck_put_string(struct buf *sql, struct str text);

#endif
