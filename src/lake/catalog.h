/* The catalog: what a lake holds, found by walking it. Nothing is kept; the lake itself is the catalog.
 *
 * Blobs of every kind and layout that layout.h reads are found: the service's own, ours, those of others,
 * padded or not. They come in order of time, a day at a time: memory is that of the blobs of one day, on a remote
 * store of two months (20 MB as the service and weir write them). There the folder of a year must be y=2021, and that of
 * a day d=7 or d=07, as all known writers have them: then one day among years is found with two requests (three before
 * the tenth), a year with one for its months and those of twelve flat lists.
 */
#ifndef WEIR_LAKE_CATALOG_H
#define WEIR_LAKE_CATALOG_H

#include "lake/layout.h"
#include "store/store.h"

enum {
    LAKE_BLOBS_MAX = 1 << 20,   /* of one table and day, on a remote store of two months */
    LAKE_FOLDERS_MAX = 1 << 16, /* of one table: days, on a remote store days and months */
    LAKE_TABLES_MAX = 1 << 16   /* of one lake */
};

struct lake_blob {
    struct str name; /* for store_..., valid during the call */
    int64_t tick;    /* its rows lie in [tick, tick + span) */
    int64_t span;    /* five minutes, or an hour */
    uint64_t size;
    int64_t modified; /* tick */
    int64_t created;  /* tick; 0: unknown */
    const unsigned char
        *md5; /* STORE_MD5 bytes that the store keeps of it, or NULL; valid during the call */
    enum lake_blob_kind kind;
    uint32_t
        number; /* of one that weir exported: only the one that the ledger names counts (lake/number.h) */
};

/* Every blob of the place's table with rows that may lie in [from, to), in order of tick, then name. So one of
 * an hour comes before those of the minutes in it. */
typedef bool lake_blob_fn(void *context, const struct lake_blob *blob, struct error *err);
bool lake_blobs(struct store *store, const struct lake_place *place, int64_t from, int64_t to,
                lake_blob_fn *fn, void *context, struct error *err);

/* What they come to. */
struct lake_totals {
    uint64_t blobs[LAKE_BLOB_KIND_COUNT], bytes[LAKE_BLOB_KIND_COUNT];
    uint64_t partitions; /* with at least one blob; one of an hour counts as 12 */
    int64_t first, end;  /* of all spans; 0 without blobs */
};
bool lake_blobs_total(struct store *store, const struct lake_place *place, int64_t from, int64_t to,
                      struct lake_totals *out, struct error *err);

/* A table of a lake. With container, resource_id, workspace_id and table it makes a struct lake_place. */
struct lake_table {
    char *container;    /* NULL: nothing but weir's own is there */
    char *resource_id;  /* /subscriptions/..., lower case; NULL: its schema cannot be read */
    char *workspace_id; /* NULL: weir never exported it (only the service's or others' blobs) */
    char *name;         /* its true name; NULL: not known */
};
struct lake_tables {
    struct lake_table *v;
    size_t n, room;
};
void lake_tables_release(struct lake_tables *tables);

/* All tables of a lake, by container and by what weir/ says of them, in order of container and resource id. */
bool lake_tables_find(struct store *store, struct lake_tables *out, struct error *err);

/* The container of a table: the one that is there in any form (am-SecurityEvent, am-Okta_CL), else
 * lake_container's. On a remote store lake_container's when there is something in it, and only then a look at all. */
bool lake_container_find(struct store *store, const char *table, struct buf *out,
                         struct error *err);

#endif
