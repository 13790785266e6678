/* Fetch: one pass over the waiting partitions of a plan.
 *
 * A job is a batch on its way. Rows stream into piles, one for each partition of the batch; a batch that
 * does not end whole drops its piles, so nothing of it is ever seen. When all shares of a partition are in and
 * the rows are those that were counted, the partition is written and gets its line in the ledger. A partition
 * whose rows are not those goes back to the plan with a reason; the run counts it again and makes another pass.
 *
 *     fetch.c    the pass: which query next, and how long to wait
 *     batch.c    what becomes of a batch: rows, endings, another try
 *     gather.c   what came whole becomes partitions
 */
#ifndef WEIR_EXPORT_FETCH_H
#define WEIR_EXPORT_FETCH_H

#include "export/access.h"
#include "export/join.h"
#include "export/trouble.h"
#include "lake/number.h"
#include "lake/partition.h"

struct export_fetch {
    const struct export_options *options;
    struct export_snapshot *snapshot;
    struct export_plan *plan;
    struct lake_ledger *ledger;
    const struct lake_numbers *numbers;
    struct export_join *join;
    struct lake_pool *pool;
    struct export_report *report;
    struct export_progress progress;

    const struct export_access
        *usage; /* what reading is billed by, of Basic and Auxiliary tables */
    /* Once, when the first queries are under way: what may be asked meanwhile. May be NULL. */
    bool (*meanwhile)(void *context, struct error *err);
    /* A partition that was not counted before has come, before it is written. *settled: leave it as it is. */
    bool (*came)(void *context, size_t part, bool *settled, struct error *err);
    void *context;

    struct lake_line *line; /* made from the columns of the first answer */
    struct export_job *active, *pending;
    struct export_job *whole; /* came, and are not written yet; oldest first */
    unsigned whole_count, malformed;
    unsigned active_count;
    struct export_open *open; /* partitions that are fetched in shares */
    struct export_troubles troubles;
    struct error failed;           /* ends the pass */
    uint64_t flushed_at, shown_at; /* clock_ns */
    struct random *random;
    bool more;    /* empty partitions are left to settle: the loop must not rest */
    bool inside;  /* a call-back of the loop, where the store must not be asked for anything */
    bool retyped; /* the schema is to be told what types the first answer had */
};

/* True when every waiting partition was written or set back (state EXPORT_FAILED, with a trouble). False: the
 * pass came to no end; jobs under way are dropped. */
bool export_fetch_pass(struct export_fetch *fetch, struct error *err);
void export_fetch_release(struct export_fetch *fetch);

/* A blob of the partition, or none, and its line. `joined` NULL: the partition stands alone. */
bool export_fetch_write(struct export_fetch *fetch, size_t part, struct lake_pile *const *piles,
                        size_t n, const struct export_joined *joined, struct error *err);

/* By what its partitions are compared. */
enum lake_proof export_fetch_proof(const struct export_fetch *fetch);

/* Notes why a partition is set back (EXPORT_FAILED), to be tried again while it has tries left. */
void export_fetch_set_back(struct export_fetch *fetch, size_t part, const char *reason);
/* The same for good. `rows`: what there is of it. */
void export_fetch_give_up(struct export_fetch *fetch, size_t part, uint64_t rows,
                          const char *reason);

#endif
