/* Aside: rows that wait for their partitions' turn, by bucket, in memory and then in files.
 *
 * Where the input is in no order, a row in a thousand is next to one of its own partition. So each piece's rows are copied
 * by bucket (a hash of the partition) into a block; blocks stand in the order of the input. Each bucket's segments, in
 * their order, hold its rows in the order of the input (gather.h lays them down).
 *
 *     part_aside_make(aside, worker, lines, n, &block, &err);      in parallel
 *     part_aside_put(aside, block);                                in the order of the input
 *     part_aside_cut(aside);                                       what was put so far is a batch: it can be laid down
 *     part_aside_drop_batch(aside);                                it was
 *     part_aside_end(aside, &err);                                 after the last one: all the rest is
 *
 * What fits in memory stays there until it is cut. When more is held than may be, the oldest blocks go to the end of one file
 * for each bucket; from then on nothing can be cut, since those rows come first.
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

uint64_t part_aside_held(struct part_aside *aside); /* bytes of memory that are in use */
/* What was written to files. */
uint64_t part_aside_spilled(struct part_aside *aside);

/* Makes what was put so far the batch; there is none. While it is there, others may make and put. False: nothing
 * was put, or files hold rows that come before. */
bool part_aside_cut(struct part_aside *aside);
/* It is no batch after all. Before anything else was put. */
void part_aside_mend(struct part_aside *aside);
void part_aside_drop_batch(struct part_aside *aside);
/* When anything went to files, all else goes there too; or else it is the batch. */
bool part_aside_end(struct part_aside *aside, struct error *err);

struct part_bucket {
    uint64_t bytes; /* of its segments; 0: it is empty */
    bool in_file;   /* after the end; else it is that of the batch */
};
void part_aside_bucket(const struct part_aside *aside, unsigned bucket, struct part_bucket *out);
/* The segments of a bucket of the batch, in order: as many as fit into `room`; returns how many there are. */
size_t part_aside_segments(const struct part_aside *aside, unsigned bucket,
                           const struct part_segment **out, size_t room);
/* The file of one that is in a file. */
void part_aside_path(const struct part_aside *aside, unsigned bucket,
                     char out[PART_ASIDE_PATH_MAX]);

#endif
