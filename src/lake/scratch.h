/* Scratch: one unlinked file for what memory has no room for, cut into blocks that are used again.
 *
 * A run is written once, from its beginning to its end, and then read at any place. For the lake's room
 * alone (lake/pile.c). Not for threads.
 */
#ifndef WEIR_LAKE_SCRATCH_H
#define WEIR_LAKE_SCRATCH_H

#include "base/text.h"

enum {
    SCRATCH_BLOCK = 1 << 15,     /* bytes: a short run wastes half of one */
    SCRATCH_BLOCKS_MAX = 1 << 24 /* 512 GiB */
};

struct scratch;

struct scratch_run {
    uint32_t *blocks;
    size_t n, room; /* of blocks */
    uint64_t length;
};

/* The folder is copied; it and the file are made by the first write. */
struct scratch *scratch_new(const char *folder, struct error *err);
void scratch_free(struct scratch *scratch); /* all runs must be dropped */

/* Appends to a run, which begins as all zero. One run is written at a time, until its end. */
bool scratch_put(struct scratch *scratch, struct scratch_run *run, const void *bytes, size_t n,
                 struct error *err);
bool scratch_end(struct scratch *scratch, struct scratch_run *run, struct error *err);

/* Reads n bytes that the run has from `at` on. */
bool scratch_read(const struct scratch *scratch, const struct scratch_run *run, uint64_t at,
                  char *to, size_t n, struct error *err);

/* Gives the run's blocks back; whole or half written. */
void scratch_drop(struct scratch *scratch, struct scratch_run *run);

#endif
