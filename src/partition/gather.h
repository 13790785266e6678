/* Gather: rows that were set aside (aside.h) to their partitions, bucket by bucket.
 *
 * A bucket that is in memory, or fits in, is put in order by partition and written in one run each. One in a file is read in
 * windows, in the order of the input, so that each partition grows by one run a window; where those would be short, the
 * bucket is first split into buckets of its own.
 */
#ifndef WEIR_PARTITION_GATHER_H
#define WEIR_PARTITION_GATHER_H

#include "base/stop.h"
#include "partition/aside.h"
#include "partition/files.h"

struct part_gather_options {
    struct part_aside *aside; /* with a batch, or ended */
    struct part_files *files;
    const char *folder; /* for the files of a bucket that is split */
    uint64_t load;      /* bytes that each worker may hold */
    uint64_t
        run; /* mean bytes of a partition's run in a window below which a bucket is split; 0: the usual */
    const struct stop *stop;
};

/* What one worker needs, used again for bucket after bucket. */
struct part_gather;
struct part_gather *part_gather_new(const struct part_gather_options *options, unsigned worker,
                                    struct error *err);
void part_gather_free(struct part_gather *gather);

/* The mean bytes of a run when a bucket of the batch is laid down; 0: it is empty. */
bool part_gather_measure(struct part_gather *gather, unsigned bucket, uint64_t *run,
                         struct error *err);

/* Lays a bucket down. Several workers at once, each with another bucket. */
bool part_gather_bucket(struct part_gather *gather, unsigned bucket, struct error *err);

#endif
