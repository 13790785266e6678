/* Order: the lines of one piece by partition, those of one in the order of the input.
 *
 * Where the piece is in order of time, either way, as it is in almost every log, nothing is moved.
 */
#ifndef WEIR_PARTITION_ORDER_H
#define WEIR_PARTITION_ORDER_H

#include "partition/dedup.h"
#include "partition/run.h"
#include "partition/source.h"

/* The lines of one partition: lines[first .. first + count). */
struct part_group {
    uint32_t number;
    size_t first, count;
    uint64_t bytes;        /* with an LF behind each */
    struct part_room room; /* set by who reserves it */
};

/* A worker's; begins as all zero. */
struct part_order {
    struct part_line *lines;
    size_t line_count, line_room;
    struct part_group *groups;
    size_t group_count, group_room;
    bool sorted;    /* the lines as they stand */
    size_t dropped; /* rows that `dropped` left out */
    uint64_t *keys; /* to sort by, and the lines before that */
    struct part_line *before;
    size_t key_room;
};
void part_order_release(struct part_order *order);

/* The chunk's rows as lines, lent from it. With `dropped`, row i of the chunk is row first + i of the import. */
bool part_order_lines(struct part_order *order, const struct part_chunk *chunk,
                      const struct part_dedup *dropped, uint64_t first, struct error *err);

/* Then: the lines in order, and their groups. */
bool part_order_groups(struct part_order *order, struct error *err);

#endif
