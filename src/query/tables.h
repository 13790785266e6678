/* Tables: which tables a lake has of a workspace, their columns, and which of their blobs a range needs. */
#ifndef WEIR_QUERY_TABLES_H
#define WEIR_QUERY_TABLES_H

#include "lake/schema.h"
#include "query/query.h"

struct query_table {
    struct lake_schema schema;
    struct lake_place place; /* into the schema's texts */
    struct columns hidden, visible;
    struct buf container;
};

struct query_tables {
    struct store *store;
    char *workspace_id;
    struct query_table **v; /* those that a query named so far */
    size_t n, room;
};

/* workspace_id NULL: the only workspace of the lake, looked for with the first table: ERROR_SETTINGS when there are
 * several, ERROR_NOT_FOUND when there is none. */
bool query_tables_init(struct query_tables *tables, struct store *store, const char *workspace_id,
                       struct error *err);
void query_tables_release(struct query_tables *tables);

/* A table by its true name. ERROR_NOT_FOUND with the nearest name. Lent. */
struct query_table *query_tables_find(struct query_tables *tables, struct str name,
                                      struct error *err);

/* Paths of the blobs that hold rows of [from, to). */
struct query_paths {
    struct buf text; /* the paths, each with its NUL */
    size_t *at;      /* where each begins in it */
    const char **v;
    size_t n, room;
};

/* Finds them, and fills what the coverage says of files and of how much of its range is held. */
bool query_paths_find(struct query_paths *paths, struct query_tables *tables,
                      const struct query_table *table, int64_t from, int64_t to,
                      struct query_coverage *coverage, struct error *err);
void query_paths_release(struct query_paths *paths);

#endif
