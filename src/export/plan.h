/* Plan: the partitions of a range, and the batches in which they are fetched.
 *
 * Neighbouring partitions are packed, oldest first, into batches that stay under the three ceilings of the
 * service. What a row costs as JSON is not known before rows have come, so it is guessed from the columns,
 * and learned from every answer. A partition that alone is too large is fetched in shares of its rows' ids.
 * Nothing is skipped.
 *
 *     WAITING --take--> UNDER WAY --ok--> (all shares in) --equal--> VERIFIED
 *                          |                    |
 *                          |                    +--not equal--> WAITING, until its tries are used up: FAILED
 *                          +--refused for size--> two smaller batches
 *                          +--broken--> the same batch again, later
 */
#ifndef WEIR_EXPORT_PLAN_H
#define WEIR_EXPORT_PLAN_H

#include "export/count.h"

enum export_state {
    EXPORT_SETTLED, /* verified by the ledger already, or by this run */
    EXPORT_WAITING, /* to be fetched */
    EXPORT_UNDER_WAY,
    EXPORT_FAILED
};

struct export_part {
    struct export_counted counted;
    uint8_t state; /* enum export_state */
    uint8_t tries; /* fetches that ended with other rows than counted */
};

struct export_plan {
    int64_t from, to;
    struct export_part *parts; /* one a partition */
    size_t count;
    size_t next; /* nothing before this index is waiting */

    uint64_t rows_max, bytes_max, json_max; /* aims: a part of the ceilings */
    uint64_t json_ceiling;
    double spread; /* how far an answer was from what was expected, of late: a share of it */
    int64_t span_max;
    double json_per_row,
        json_per_byte; /* learned: a row costs the one, plus bytes times the other */
    bool learned;
    int64_t grain;        /* ticks: times are cut at multiples of it */
    bool uncounted;       /* rows are not counted before: Basic and Auxiliary tables in one pass */
    unsigned lanes;       /* batches that are under way at once */
    uint64_t rows, bytes; /* of the waiting partitions */
    uint64_t batches;     /* that the waiting partitions are to be packed in; 0: not decided */
    uint64_t taken;       /* with rows, since the totals were made */
};

struct export_batch {
    struct export_share
        share;           /* whole partitions when parts == 1 and from, to are multiples of 5 min */
    size_t first, count; /* partitions it touches */
    bool whole;          /* covers its partitions whole */
};

bool export_plan_init(struct export_plan *plan, const struct export_options *options,
                      size_t columns, struct error *err);
void export_plan_release(struct export_plan *plan);
int64_t export_plan_tick(const struct export_plan *plan, size_t part);

/* All sums over the waiting partitions anew: after states or counts were set from outside. */
void export_plan_total(struct export_plan *plan);

/* The next batch of waiting partitions, oldest first; they are under way then. False: none is waiting. Batches are not
 * as large as they may be, but so that the lanes come out even at the end. */
bool export_plan_take(struct export_plan *plan, struct export_batch *out);

/* What is under way waits again: after a trial packing. */
void export_plan_rewind(struct export_plan *plan);

/* Learns from an answer that was too large: where the ceiling is, and what a row costs at least. */
void export_plan_ceiling(struct export_plan *plan, const struct export_batch *batch,
                         enum workspace_ceiling ceiling, uint64_t limit);
/* Whether a batch is within what is known of ceilings and costs by now. */
bool export_plan_fits(const struct export_plan *plan, const struct export_batch *batch);
/* Gives a batch of whole partitions back: they wait, and are packed anew. */
void export_plan_return(struct export_plan *plan, const struct export_batch *batch);

/* Cuts a batch in two: several partitions between two of them; one by the hash of its rows (of their ids, or of all
 * columns), which cuts evenly whatever their times. `by_time`: within one partition by time, to the grain, since a
 * share by hash takes the service as long as the whole. Each falls back on the other. False: it cannot be cut
 * further. */
bool export_plan_split(const struct export_plan *plan, const struct export_batch *batch,
                       bool by_time, struct export_batch *a, struct export_batch *b);

/* How many equal shares a partition should be fetched in, by its count. 1: one is enough. */
uint32_t export_plan_shares(const struct export_plan *plan, size_t part);

/* Learns from a whole answer: rows, their engine bytes, JSON bytes. */
void export_plan_learn(struct export_plan *plan, uint64_t rows, uint64_t bytes, uint64_t json);
/* JSON bytes that an answer is expected to have. */
uint64_t export_plan_json(const struct export_plan *plan, uint64_t rows, uint64_t bytes);

#endif
