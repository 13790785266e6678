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

/* The blobs that hold rows of [from, to): those of a partition next to each other. Of weir's own only the one counts
 * that the ledger names by its number; without a line the one of the highest.
 *
 * What the service's continuous export wrote stands beside weir's, some of it twice: it delivers at least once, and
 * a partition may have been exported too. So the blobs of a partition in which the service has any are a group
 * (engine/engine.h), weir's own first: of the lines with one _ItemId the first is given. One of an hour makes a group of
 * all twelve partitions. There is no group where the ledger says that both were compared when they were joined and that
 * nothing stood twice, if the service has not written there since. Lines without _ItemId of the service are left out
 * where weir's own are verified and not joined, under the same condition: what came later is in no blob of weir's. */
struct query_paths {
    struct buf text; /* names, or paths where the store has them; each with its NUL */
    const char **v;  /* into it */
    uint64_t *sizes;
    uint32_t *groups; /* NULL: there are none */
    unsigned char *roles;
    size_t n;
};

/* Finds them, and fills what the coverage says of files and of how much of its range is held. */
bool query_paths_find(struct query_paths *paths, struct query_tables *tables,
                      const struct query_table *table, int64_t from, int64_t to,
                      struct query_coverage *coverage, struct error *err);
void query_paths_release(struct query_paths *paths);

#endif
