/* Workers: what each thread of the machine does with a piece, and what they share; see machine.h. Internal to machine.c and
 * worker.c.
 *
 * Invariants:
 *
 *   1. Pieces have numbers in the order of the input, given under `take`. A worker has one piece at a time, and everything
 *      that depends on the order happens in its turn: when `next` is its number.
 *   2. Whether a piece is set aside is decided under `take`, and once one is all later ones are. So what a partition has
 *      of the direct way is before what was set aside.
 *   3. The first failure is kept; after it nobody takes a piece, and nobody waits for a turn.
 */
#ifndef WEIR_PARTITION_WORKER_H
#define WEIR_PARTITION_WORKER_H

#include "partition/aside.h"
#include "partition/gather.h"
#include "partition/machine.h"
#include "partition/order.h"

#include <pthread.h>
#include <stdatomic.h>

struct part_machine;

struct part_worker {
    struct part_machine *machine;
    unsigned index;
    pthread_t thread;
    struct part_piece piece;
    struct part_chunk chunk;
    struct part_order order;
    struct part_run run;
    struct part_block *block;
    struct part_gather *gather; /* NULL: a reading of keys */
    struct part_dedup_worker *keys;
    int64_t first, last; /* ticks of the chunk's rows */
    size_t source;       /* of the piece */
    uint64_t number;     /* of the piece among all */
    uint64_t stored;     /* bytes of the input that it took, as they are stored */
    bool aside;
};

struct part_machine {
    const struct part_machine_options *options;
    struct part_machine_result *out;
    struct part_aside *aside; /* NULL: a reading of keys */
    struct part_worker *workers;
    unsigned worker_count;

    pthread_mutex_t take; /* of these */
    size_t source;
    uint64_t fed;   /* of a stream: bytes that it has read */
    uint64_t taken; /* pieces */
    atomic_bool scattered;

    pthread_mutex_t turn; /* of these, and of *out */
    pthread_cond_t turns, ended;
    atomic_uint_fast64_t next;
    size_t finished; /* sources whose end was told */
    uint64_t line;   /* of the source, before the piece of this turn */
    int votes;
    struct partition_progress progress;
    unsigned running;
    bool sorting; /* the input is at its end */
    struct error error;
    atomic_bool failed;
    atomic_bool laying; /* there is a batch, which workers lay down before they take a piece */
    atomic_uint bucket; /* the next of it */
    unsigned laid;      /* buckets of it that are done */
    uint64_t lay_at;    /* bytes set aside when the next is cut */
    uint64_t load;      /* bytes of a bucket file that each worker may hold */
};

static inline bool part_first_reading(const struct part_machine *machine)
{
    return machine->options->keys != NULL;
}

/* Sets up worker `index`; release it either way. */
bool part_worker_init(struct part_machine *machine, unsigned index, struct error *err);
void part_worker_release(struct part_worker *worker); /* one of zeros is fine */

/* What a worker's thread does: piece after piece, until none is left or somebody has failed. */
bool part_worker_read(struct part_worker *worker, struct error *err);
/* The same of the batch: lays down bucket after bucket, until all are taken. */
bool part_worker_lay(struct part_worker *worker, struct error *err);

/* Ends the sources before `until`, whose pieces have all had their turns. In a turn, or when no worker runs. */
bool part_machine_end_sources(struct part_machine *machine, size_t until, struct error *err);

#endif
