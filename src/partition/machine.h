/* The machine: sources to partitions, by as many threads as there are processors.
 *
 * A worker goes round:
 *
 *     take       the next piece of the inputs                              one at a time, in the order of the input
 *     rows       where its lines are and which partition each is of        in parallel
 *     reserve    line numbers, rejects, where each partition's run goes    one at a time, in the order of the input
 *     write      the runs to those places                                  in parallel
 *
 * so that a piece stays in its processor's cache from the first to the last, and what is written does not depend on the
 * number of threads or their luck. That is the direct way. Where pieces come whose runs are short and belong to partitions
 * that were written before, the input is in no order: all that is taken from then on is set aside by bucket in
 * `rows` already (aside.h). What was set aside is gathered by partition (gather.h) by all workers together, as soon as
 * that makes runs worth a write: so little memory is touched, and again and again. Where partitions are too many for that it
 * stays in memory as long as it fits, then goes to files, and is gathered when the input is at its end.
 */
#ifndef WEIR_PARTITION_MACHINE_H
#define WEIR_PARTITION_MACHINE_H

#include "partition/dedup.h"
#include "partition/files.h"
#include "partition/partition.h"
#include "partition/source.h"

struct part_machine_options {
    struct part_source *const *sources; /* open, none was taken from; closed as they end */
    size_t source_count;
    const char *scratch;
    unsigned threads; /* at least 1, at most PARTITION_THREADS_MAX */
    uint64_t memory;
    struct partition_small small;
    const struct stop *stop;
    /* Both or none: `keys` in the first reading, in which nothing is written; `dropped` in the second, with the row number
     * of each piece that the first one left. What the second reading writes is of use only where it read the same:
     * part_machine_same. */
    struct part_dedup *keys;
    const struct part_dedup *dropped;
    /* A line that is rejected, in the order of the input; its line counts from 1. NULL: only counted. */
    bool (*reject)(void *context, size_t source, uint64_t line, enum part_reason reason,
                   struct str text, struct error *err);
    void *reject_context;
    /* Now and then, from the calling thread. */
    void (*progress)(void *context, const struct partition_progress *progress);
    void *progress_context;
    uint64_t total;         /* bytes of the inputs, for it */
    struct part_seen *seen; /* what is met of keys goes there; NULL: not wanted */
};

struct part_machine_source {
    uint64_t rows, rejected, bytes;
    uint64_t blank; /* lines; of forms that are lines */
    unsigned char hash[PART_DIGEST_SIZE];
};

struct part_machine_result {
    struct part_machine_source *sources;
    uint64_t
        *firsts; /* the number of each piece's first row, by keys' reading; give it to the next */
    size_t first_count, first_room;
    uint64_t rows, rejected, dropped, spilled;
    int64_t from,
        to; /* of a reading of keys: the partitions of its rows, half-open; both 0 without rows */
    bool moved; /* a second reading: a piece's first row has another number than in the first */
    uint64_t reasons[PART_REASON_COUNT];
    struct part_files *files; /* closed, whole; NULL after a reading of keys */
};

/* *out begins as all zero, or as the first reading left it (its files are gone then); release it either way. */
bool part_machine_run(const struct part_machine_options *options, struct part_machine_result *out,
                      struct error *err);
void part_machine_release(struct part_machine_result *result);

/* Whether the second reading, `second`, read of each of the n sources what the first one had read, `first`: the same bytes, and
 * the same rows under the same numbers. If not, rows were dropped that are no doubles. */
bool part_machine_same(const struct part_machine_source *first,
                       const struct part_machine_result *second, size_t n);

#endif
