/* Batches: what a job is, and what becomes of it. Internal to fetch.
 *
 *     a job comes whole      it waits for its turn in `whole`, while the next is asked for;
 *                            its piles become partitions, or a share of one          gather.c
 *     is too large           two smaller jobs, or its partitions are packed anew     batch.c
 *     breaks                 the same job again, later; after many tries set back    batch.c
 */
#ifndef WEIR_EXPORT_BATCH_H
#define WEIR_EXPORT_BATCH_H

#include "export/fetch.h"

struct export_job {
    struct export_job *next;
    struct export_fetch *fetch;
    struct export_batch batch;
    struct lake_pile **piles; /* one a partition, NULL: no row yet */
    uint64_t not_before;      /* clock_ns */
    uint64_t outside;         /* rows of another time, dropped */
    size_t gathered;          /* partitions of a whole batch that are written or set back */
    int tries, malformed, throttles, cuts;
    char reasons[EXPORT_REASON_MAX];
};

/* -- batch.c -- */

struct export_job *export_job_new(struct export_fetch *fetch, const struct export_batch *batch,
                                  struct error *err);
void export_job_free(struct export_job *job);
void export_job_push(struct export_job **list, struct export_job *job);
void export_job_detach(struct export_job **list, struct export_job *job);
/* Queues the job's query. False: the job is freed. */
bool export_job_start(struct export_job *job, struct error *err);
/* A partition that is known to be too large for one answer begins in shares: by hash, or, where reading is billed by the
 * time that it covers, by time. */
bool export_job_shares(struct export_fetch *fetch, struct export_batch *batch, uint32_t shares,
                       struct error *err);

/* -- fetch.c -- */

/* Starts as many jobs as may be under way, those that wait for another try first. */
bool export_fetch_fill(struct export_fetch *fetch, struct error *err);

/* -- gather.c -- */

/* Writes what came whole, for a moment, so that sockets are looked at in between. */
bool export_gather(struct export_fetch *fetch, struct error *err);
/* All rows of a partition are in: they are what was counted and are written, or it is set back. */
bool export_gather_partition(struct export_fetch *fetch, size_t part,
                             struct lake_pile *const *piles, size_t n, struct error *err);
/* A partition is fetched in so many shares more than before. */
bool export_gather_open(struct export_fetch *fetch, size_t part, size_t shares, struct error *err);
/* Whether it may be cut into more shares still. */
bool export_gather_may_cut(struct export_fetch *fetch, size_t part);
/* A share of it will not come: it is set back once, when the last of them is in. False in *open: it has no shares. */
bool export_gather_broken(struct export_job *job, bool *open, struct error *err);
void export_gather_release(struct export_fetch *fetch);

#endif
