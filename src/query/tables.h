/* Tables: which tables a lake has of a workspace, their columns, and which of their blobs a range needs. */
#ifndef WEIR_QUERY_TABLES_H
#define WEIR_QUERY_TABLES_H

#include "lake/instant.h"
#include "lake/schema.h"
#include "query/days.h"
#include "query/query.h"

struct query_table {
    struct lake_schema schema;
    struct lake_place place; /* into the schema's texts */
    struct columns hidden, visible;
    struct buf container;
};

struct query_bring;

struct query_tables {
    struct store *store;
    struct query_bring *bring; /* lent by the caller where the store is remote, else NULL */
    char *workspace_id;
    struct query_table **v; /* those that a query named so far */
    size_t n, room;
    bool moved; /* the schema of one has changed since: all is to be begun anew */
};

/* workspace_id NULL: the only workspace of the lake, looked for with the first table: ERROR_SETTINGS when there are
 * several, ERROR_NOT_FOUND when there is none. */
bool query_tables_init(struct query_tables *tables, struct store *store, const char *workspace_id,
                       struct error *err);
void query_tables_release(struct query_tables *tables);

/* A table by its true name. ERROR_NOT_FOUND with the nearest name. Lent. */
struct query_table *query_tables_find(struct query_tables *tables, struct str name,
                                      struct error *err);

/* Where lines without a TimeGenerated have their time, as the engine wants it: schema->n_from of them, lent. */
void query_time_keys(const struct lake_schema *schema, struct engine_time_key out[LAKE_FROM_MAX]);

/* What holds rows of [from, to): blobs of lines, those of a group next to each other, and files of days that were
 * compacted (query/days.h). */
struct query_paths {
    struct buf text; /* names, or paths where the store has them; each with its NUL */
    const char **v;  /* into it */
    uint64_t *sizes;
    uint32_t *groups; /* NULL: there are none */
    unsigned char *roles;
    size_t n;

    struct engine_compacted
        *compacted; /* its paths are on the disk: those of a remote store are brought there */
    size_t compacted_count, compacted_room;
    struct query_known known;    /* in which their columns stand */
    struct arena arena;          /* and the rest of them */
    struct lake_instant instant; /* of the records by which they were chosen */
};

/* Finds them, and fills what the coverage says of files and of how much of its range is held. All of it is as it was
 * at one instant: what is compacted, replaced or deleted meanwhile is looked for anew, a few times, then query_moved. That
 * too when the schema is not any more what the query was compiled with, since rows might be read without their time:
 * tables->moved is set. */
bool query_paths_find(struct query_paths *paths, struct query_tables *tables,
                      const struct query_table *table, int64_t from, int64_t to,
                      struct query_coverage *coverage, struct error *err);
void query_paths_release(struct query_paths *paths);

/* ERROR_IO: the table's blobs became others while they were looked for or read. Returns false. */
bool query_moved(const char *table, struct error *err);

#endif
