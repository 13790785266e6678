/* Join: the history meets the continuous export, by record. Internal to this room.
 *
 * The service's own blobs hold what arrived after its rule was made, at least once, and without what their store refused
 * for half a day (docs/service.md 3.2). So a partition where they stand is compared with them row by row:
 *
 *     compare   the waiting partitions' blobs are read once, ids counted and summed, each once. What is then
 *               equal to the workspace's count and sum the service has whole: nothing is fetched
 *     filter    a partition that was fetched, and is what was counted: rows that stand in the service's blobs
 *               are taken out, and the others are what is written
 *
 * A row is told by its `_ItemId`; where a line has none, by all its values (lake/row.h), as often as it stands there.
 * Rows that are told apart wrongly are written once more: the error is on the side of a double, never of a gap.
 *
 * The service may be writing still. Blobs are read up to the size that the listing had. A last line that is no whole
 * row, of a blob that was written lately, is on its way: the partition waits, is listed anew, and after some tries left
 * to the next run. Any other line that cannot be read is told by blob and number, and counts as missing there.
 *
 * Memory: the keys of one partition (of an hour, where the service wrote one blob for it), at most EXPORT_KEYS_MAX at a
 * time: more are taken in several passes over its blobs.
 */
#ifndef WEIR_EXPORT_JOIN_H
#define WEIR_EXPORT_JOIN_H

#include "export/keys.h"
#include "export/look.h"
#include "lake/pile.h"
#include "lake/row.h"

/* A blob that was written within this time may be written still. */
#define EXPORT_WRITING TICK_HOUR

/* A partition where the service's blobs stand. */
struct export_joint {
    size_t part;
    uint64_t rows, sum; /* with an id, each once */
    uint64_t doubled;   /* lines of ids that stood there already */
    uint64_t unkeyed;   /* lines without an id */
    bool read;          /* the figures are those of all its blobs */
    bool growing;       /* it ends in a line that is on its way */
    bool stale;         /* its blobs are listed again before they are read */
    bool told;          /* its damaged lines were told */
};

struct export_join {
    const struct export_options *options;
    const struct export_snapshot *snapshot;
    const struct export_plan *plan;
    const struct export_look *look;
    struct export_report *report;
    struct lake_pool *pool;
    struct export_joint *v; /* in order of `part` */
    size_t n, room;
    struct export_keys keys;
    struct lake_rows *rows;
    bool typed;       /* with the types of an answer */
    struct buf carry; /* a line that comes in pieces */
    unsigned told;    /* damaged lines */
};
void export_join_release(struct export_join *join);

bool export_join_add(struct export_join *join, size_t part, struct error *err); /* ascending */
/* NULL: the partition is not joined. `join` NULL is fine. */
struct export_joint *export_join_find(const struct export_join *join, size_t part);

/* Reads the blobs of all joints whose parts wait. Only where rows have ids. */
bool export_join_compare(struct export_join *join, struct error *err);
/* The service has every row that was counted. */
bool export_join_whole(const struct export_join *join, const struct export_joint *joint);

/* What the service's blobs have of the rows of a partition. */
struct export_joined {
    uint64_t rows, sum; /* found there */
    uint64_t doubled;   /* lines that stand there once more */
    uint64_t strangers; /* rows there that the workspace does not have */
    int64_t at;         /* when the blobs were listed, up to whose ends they were read: tick, */
    uint64_t bytes;     /* and the bytes of all of them */
};
/* All rows of a partition are in the piles, which stay; *missing, a new pile, gets those that stand in none of the
 * service's blobs. *why is not empty when it must wait: the blobs changed, or are being written. */
bool export_join_filter(struct export_join *join, struct export_joint *joint,
                        struct lake_pile *const *piles, size_t n, struct lake_pile **missing,
                        struct export_joined *out, char why[EXPORT_REASON_MAX], struct error *err);

#endif
