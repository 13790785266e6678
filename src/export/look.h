/* Look: what stands in the lake of the range already, found by one listing. Internal to this room.
 *
 * Our own blobs are remembered by their size, one number a partition; of the service's, which a join reads, also the
 * names. So nothing is asked of the store for each partition, and a year of both takes about 10 MB.
 */
#ifndef WEIR_EXPORT_LOOK_H
#define WEIR_EXPORT_LOOK_H

#include "export/plan.h"

#include "base/memory.h"
#include "lake/stand.h"

/* A blob of the service's own. */
struct export_theirs {
    const char *behind; /* its name behind the table's prefix */
    int64_t tick, span; /* its rows lie in [tick, tick + span) */
    uint64_t size;
    int64_t modified; /* tick */
};

struct export_look {
    int64_t from, to;
    int64_t at;     /* tick: what was written since may not be in it */
    uint64_t *ours; /* of each partition: bytes of our blob and one; 0: there is none */
    bool *beside;   /* of each partition: a blob of the service's may hold rows of it */
    struct export_theirs *theirs; /* in order of tick, then name */
    size_t count, room;
    struct buf prefix; /* of the table */
    struct arena arena;
    const struct lake_ledger *ledger; /* which names what number of our blobs counts */
    struct lake_stand stand;          /* blobs that were deleted, and are in Parquet */
};

/* Lists [from, to), a part of the plan's range; `ledger` may be NULL. */
bool export_look(struct export_look *look, struct store *store, const struct lake_place *place,
                 const struct lake_ledger *ledger, int64_t from, int64_t to, struct error *err);
void export_look_release(struct export_look *look);

/* Of the partition at `tick`. */
bool export_look_ours(const struct export_look *look, int64_t tick, uint64_t *size);
/* It is known that there is no blob of ours. */
bool export_look_none(const struct export_look *look, int64_t tick);
bool export_look_beside(const struct export_look *look, int64_t tick);
/* Bytes of the service's blobs that may hold rows of it; one of an hour counts with all of its bytes. They only grow. */
uint64_t export_look_bytes(const struct export_look *look, int64_t tick);
/* Whether Parquet stands in for our blob that the line tells of: it was deleted. */
bool export_look_stands(const struct export_look *look, const struct lake_entry *entry);
/* The same for blobs of the service: how many, and their bytes. */
size_t export_look_gone(const struct export_look *look, int64_t tick, uint64_t *bytes);
/* The service's blobs that begin in the hour of `tick`, or in later ones up to `to`: [*first, *end). Which of them
 * hold rows of a partition their tick and span say. */
void export_look_theirs(const struct export_look *look, int64_t tick, int64_t to, size_t *first,
                        size_t *end);

#endif
