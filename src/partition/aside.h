/* Aside: rows that wait for their partitions' turn, by bucket, in memory and then in files.
 *
 * Where the input is in no order, a row in a thousand is next to one of its own partition. So each piece's rows are copied
 * by bucket (a hash of the partition) into a block; blocks stand in the order of the input. While they fit in memory
 * they stay there; when they do not, the oldest go to the end of one file for each bucket. In the end each bucket's
 * segments, in their order, hold its rows in the order of the input (gather.h lays them down).
 *
 *     part_aside_make(aside, worker, lines, n, &block, &err);      in parallel
 *     part_aside_put(aside, block);                                in the order of the input
 *     part_aside_end(aside, &err);                                 after the last one, one thread
 *     part_aside_bucket(aside, b, &bucket);                        then, in parallel
 */
#ifndef WEIR_PARTITION_ASIDE_H
#define WEIR_PARTITION_ASIDE_H

#include "partition/run.h"

enum {
    PART_BUCKETS = 64,
    PART_LEVELS = 2, /* a bucket too large is split once more, by other bits of the hash */
    PART_ASIDE_PATH_MAX = 4096
};

/* A block's rows of one bucket: so many row heads, then their texts, each with an LF. All is padded to 8 bytes. */
struct part_row_head {
    uint32_t number, length; /* with its LF */
};
struct part_segment {
    uint32_t rows, bytes; /* bytes: of all of it, this head and the padding too */
    struct part_row_head heads[];
};
static inline const char *part_segment_text(const struct part_segment *segment)
{
    return (const char *) (segment->heads + segment->rows);
}

struct part_aside;
struct part_block;

struct part_aside_options {
    const char *folder; /* for the files, whose names begin with `name`; both copied */
    const char *name;
    unsigned workers;
    unsigned level; /* 0, or 1: the buckets of a bucket */
    uint64_t held;  /* bytes in memory, more or less: above it blocks go to files */
};

struct part_aside *part_aside_new(const struct part_aside_options *options, struct error *err);
void part_aside_free(struct part_aside *aside); /* NULL is fine; files are removed */

/* Copies lines into a block; may write others to files first, to have room. */
bool part_aside_make(struct part_aside *aside, unsigned worker, const struct part_line *lines,
                     size_t n, struct part_block **out, struct error *err);
void part_aside_put(struct part_aside *aside, struct part_block *block);
/* For one that will not be put. NULL is fine. */
void part_aside_drop(struct part_aside *aside, struct part_block *block);

/* When anything went to files, all else goes there too. */
bool part_aside_end(struct part_aside *aside, struct error *err);
/* What was written to files. */
uint64_t part_aside_spilled(const struct part_aside *aside);
uint64_t part_aside_bytes(const struct part_aside *aside); /* of all buckets */

struct part_bucket {
    uint64_t rows, bytes; /* of its segments; 0: it is empty */
    bool in_file;
};
void part_aside_bucket(const struct part_aside *aside, unsigned bucket, struct part_bucket *out);
/* The segments of a bucket that is in memory, in order: as many as fit into `room`; returns how many there are. */
size_t part_aside_segments(const struct part_aside *aside, unsigned bucket,
                           const struct part_segment **out, size_t room);
/* The file of one that is in a file. */
void part_aside_path(const struct part_aside *aside, unsigned bucket,
                     char out[PART_ASIDE_PATH_MAX]);

#endif
