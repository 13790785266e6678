/* Count: rows and sums per partition as the workspace has them: the left side of the proof. */
#ifndef WEIR_EXPORT_COUNT_H
#define WEIR_EXPORT_COUNT_H

#include "export/snapshot.h"

struct export_counted {
    uint64_t rows;
    uint64_t sum;       /* of hash_xxhash64(_ItemId), modulo 2^64; 0 without `_ItemId` */
    uint64_t bytes;     /* estimate_data_size: engine bytes */
    uint64_t unstamped; /* rows without an ingestion time */
    uint64_t billed;    /* sum of `_BilledSize`; 0 where rows have none */
    bool known;         /* was counted */
    bool asked;         /* the caller's own mark */
};

/* Counts [from, to), multiples of TICK_PARTITION, into one element a partition (out has room for them;
 * partitions without rows become zero). Asks for several windows at once; one that the service refuses for size or
 * time is asked for in halves, down to one partition, and so is what was not asked for yet. A single partition that it
 * never counts in time stays unknown; with more than a few of them it is an outage, and an error. `beside`: another question, asked with the first windows;
 * its own outcome stands in it. NULL: none. */
bool export_count(struct workspace *workspace, const struct export_snapshot *snapshot, int64_t t0,
                  int64_t from, int64_t to, struct export_counted *out,
                  struct workspace_ask_one *beside, struct error *err);

#endif
