/* Layout: names of containers and blobs, as the continuous export has them (azure.md 3.3, DESIGN 3).
 *
 *     am-<table>/WorkspaceResourceId=/subscriptions/<sub>/resourcegroups/<rg>/providers/
 *         microsoft.operationalinsights/workspaces/<ws>/y=2021/m=11/d=07/h=03/m=05/PT05M.json
 */
#ifndef WEIR_LAKE_LAYOUT_H
#define WEIR_LAKE_LAYOUT_H

#include "base/text.h"
#include "base/tick.h"

enum { LAKE_CONTAINER_MAX = 63, LAKE_TABLE_MAX = 256 };

/* Which lake, which workspace, which table. All lent. */
struct lake_place {
    const char *workspace_id; /* GUID, lower case */
    const char *resource_id;  /* /subscriptions/..., any case */
    const char *table;        /* its true name */
};

/* Checks the three: a GUID, the five levels of a workspace's resource id, a table name of
 * [A-Za-z_][A-Za-z0-9_]*. Nothing of them can leave the lake. ERROR_SETTINGS. */
bool lake_place_check(const struct lake_place *place, struct error *err);

void lake_container(struct buf *out, const char *table); /* am-..., at most 63 */
/* <container>/WorkspaceResourceId=/..., lower case, no slash at the end. */
void lake_table_prefix(struct buf *out, const struct lake_place *place);
/* .../y=2021/m=11/d=07/h=03/m=05 of a partition (floored to 5 minutes). */
void lake_partition_prefix(struct buf *out, const struct lake_place *place, int64_t tick);
/* .../PT05M_weir.json */
void lake_export_name(struct buf *out, const struct lake_place *place, int64_t tick);
/* weir/<guid>/<table, lower case as in the container without am->/ */
void lake_own_prefix(struct buf *out, const struct lake_place *place);

enum lake_blob_kind {
    LAKE_BLOB_SERVICE, /* PT05M.json, PT5M.json, PT05M_1.json, PT1H.json: never touched */
    LAKE_BLOB_EXPORT,  /* PT05M_weir.json */
    LAKE_BLOB_IMPORT,  /* PT05M_<12 hex>.json */
    LAKE_BLOB_OTHER    /* part-*.json that others wrote */
};

/* Reads a blob's name back, behind the table's prefix, by position of the five levels; padded or not.
 * False when it is not a blob of rows. PT1H.json has span 1 hour. */
bool lake_parse_name(struct str behind_prefix, int64_t *tick, int64_t *span, enum lake_blob_kind *kind);

/* The few prefixes (year, month, day, hour folders) that cover [from, to), in order of time. */
typedef bool lake_prefix_fn(void *context, const char *prefix, struct error *err);
bool lake_prefixes(const struct lake_place *place, int64_t from, int64_t to, lake_prefix_fn *fn,
                   void *context, struct error *err);

#endif
