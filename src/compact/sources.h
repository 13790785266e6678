/* Sources: the blobs that a day's files are made from, each with its number in the new record. Internal to this room. */
#ifndef WEIR_COMPACT_SOURCES_H
#define WEIR_COMPACT_SOURCES_H

#include "compact/job.h"

struct compact_sources {
    const struct query_blob
        *blobs; /* those whose lines are read, those of a run next to each other */
    size_t n;
    uint32_t *numbers;                         /* of each blob: its place in the record */
    unsigned char (*sha256)[HASH_SHA256_SIZE]; /* of each, as it was read */
    bool merge;                                /* the files of the record before are read too */
    uint32_t *renumber;                        /* of each source of that record: its new number */
    struct compact_origin *origins;            /* in the order of the new record */
    size_t n_origins;
};

/* All of it is of the arena of `kept`. */
bool compact_sources_find(struct compact_sources *sources, struct compact_kept *kept,
                          struct error *err);
/* The list of the new record, once the blobs are read. */
bool compact_sources_list(const struct compact_sources *sources, struct compact_kept *kept,
                          struct lake_day *record, struct error *err);

#endif
