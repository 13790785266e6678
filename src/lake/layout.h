/* Layout: names of containers and blobs, as the continuous export has them (docs/service.md 3.3, docs/formats.md).
 *
 *     am-<table>/WorkspaceResourceId=/subscriptions/<sub>/resourcegroups/<rg>/providers/
 *         microsoft.operationalinsights/workspaces/<ws>/y=2021/m=11/d=07/h=03/m=05/PT05M.json
 */
#ifndef WEIR_LAKE_LAYOUT_H
#define WEIR_LAKE_LAYOUT_H

#include "base/text.h"
#include "base/tick.h"

enum {
    LAKE_CONTAINER_MAX = 63,
    LAKE_TABLE_MAX = 256,
    LAKE_NAME_MAX = 1024,
    LAKE_QUERY_MAX = 1 << 20,
    LAKE_NUMBER_MAX = 999999 /* of a numbered blob */
};

/* Which workspace, which table, where. All lent. */
struct lake_place {
    const char *workspace_id; /* GUID, lower case */
    const char *resource_id;  /* /subscriptions/..., any case */
    const char *table;        /* its true name */
    const char *container;    /* NULL: lake_container's; else one that is there in another form */
};

/* Checks them: a GUID, the five levels of a workspace's resource id, a table name of
 * [A-Za-z_][A-Za-z0-9_]*, a container of [A-Za-z0-9_-]. Nothing of them can leave the lake.
 * ERROR_SETTINGS. Every name below fits in LAKE_NAME_MAX then. */
bool lake_place_check(const struct lake_place *place, struct error *err);

/* The names. Each goes into out, which is reset first and has a maximum of LAKE_NAME_MAX or more; none has a
 * slash at the end. */
void lake_container(struct buf *out, const char *table); /* am-..., at most 63 */
/* <container>/WorkspaceResourceId=/..., lower case. */
void lake_table_prefix(struct buf *out, const struct lake_place *place);
/* .../y=2021/m=11/d=07/h=03/m=05 of a partition (floored to 5 minutes). */
void lake_partition_prefix(struct buf *out, const struct lake_place *place, int64_t tick);
/* .../PT05M_weir.json (number 0), or .../PT05M_weir_2.json: on a container where nothing can be replaced, what is
 * written anew takes the next number from 2 on (lake/number.h), and the ledger names the one that counts. */
void lake_export_name(struct buf *out, const struct lake_place *place, int64_t tick,
                      uint32_t number);
/* weir/<guid>/<table>, both lower case, the table as in its container without am- */
void lake_own_prefix(struct buf *out, const struct lake_place *place);
/* The same and what stands in it: schema.json, ledger/00000001.jsonl, lock */
void lake_own_name(struct buf *out, const struct lake_place *place, const char *name);

/* What stands in a listed blob's name behind the first `skip` bytes: the folder that was listed, and a slash. `lake` is its
 * address, for the message. ERROR_FORMAT when the folder itself is a blob: nothing below it can be read, which is not
 * the same as nothing being there. */
bool lake_name_below(struct str name, size_t skip, const char *lake, struct str *out,
                     struct error *err);

/* kind, its name for people */
#define LAKE_BLOB_KINDS(X)                                                                         \
    X(SERVICE, "service") /* PT05M*.json, PT5M*.json, PT1H*.json of others: never touched */       \
    X(EXPORT, "export")   /* PT05M_weir.json, PT05M_weir_<n>.json */                               \
    X(IMPORT, "import")   /* PT05M_<12 hex>.json */                                                \
    X(OTHER, "other")     /* part-*.json that others wrote */

enum lake_blob_kind {
#define X(name, text) LAKE_BLOB_##name,
    LAKE_BLOB_KINDS(X)
#undef X
        LAKE_BLOB_KIND_COUNT
};
const char *lake_blob_kind_text(enum lake_blob_kind kind);

/* Reads a blob's name back, behind the table's prefix (a slash in front is fine), by position of the five
 * levels: `x=1` with any key of letters, padded or not. False when it is not a blob of rows: another
 * depth or name, no date, a minute that begins no partition. PT1H*.json has span 1 hour (minute 0). *number is that of
 * lake_export_name, 0 for other kinds. */
bool lake_parse_name(struct str behind_prefix, int64_t *tick, int64_t *span,
                     enum lake_blob_kind *kind, uint32_t *number);

/* The number in one level `x=07` or `x=7` (four digits at most); false when it is none. */
bool lake_parse_level(struct str part, int *value);
/* Cuts the three folders of a day, y=2021/m=11/d=07, off the beginning of *path; false: it does not begin so. */
bool lake_parse_day(struct str *path, int64_t *day);

/* The few prefixes (year, month, day, hour folders, padded) that cover [from, to) in whole hours and nothing
 * else, in order of time. Un-padded folders are not among them: lake/catalog.h finds those too. */
typedef bool lake_prefix_fn(void *context, const char *prefix, struct error *err);
bool lake_prefixes(const struct lake_place *place, int64_t from, int64_t to, lake_prefix_fn *fn,
                   void *context, struct error *err);

#endif
