/* Runs: lines of one partition to their place in its file, in as few writes as their bytes allow.
 *
 * Lines that stand behind one another in memory go out from where they are; others are copied together first, as many as
 * stay in the processor's second cache.
 */
#ifndef WEIR_PARTITION_RUN_H
#define WEIR_PARTITION_RUN_H

#include "partition/files.h"

/* A line on its way to a partition (tick / TICK_PARTITION), without its LF. Lent. The byte behind it can be read: where
 * it is an LF, it is the line's own. */
struct part_line {
    const char *text;
    uint32_t length, number;
};

/* A worker's; begins as all zero. */
struct part_run {
    char *bytes;
    size_t room;
};
void part_run_release(struct part_run *run);

/* Writes n lines, an LF behind each, from room on: so many bytes as were reserved. */
bool part_run_write(struct part_run *run, struct part_files *files, unsigned worker,
                    const struct part_room *room, const struct part_line *lines, size_t n,
                    struct error *err);

#endif
