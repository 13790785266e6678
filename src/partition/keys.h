/* Keys: 128-bit hashes of rows with their numbers, more than memory holds, and which of them came twice. For dedup.c alone.
 *
 * Keys go by their first bits to one of KEYS_BUCKETS files that have no name. At the end each file is read into a table of
 * the different keys in it; where that would be too large, it is spread once more, by the next bits.
 */
#ifndef WEIR_PARTITION_KEYS_H
#define WEIR_PARTITION_KEYS_H

#include "base/stop.h"
#include "base/text.h"

enum {
    KEYS_BUCKETS_LOG2 = 6,
    KEYS_BUCKETS = 1 << KEYS_BUCKETS_LOG2,
    KEYS_LEVELS = 8,  /* times that a bucket is spread; each costs KEYS_BUCKETS descriptors */
    KEYS_STAGED = 256 /* of a bucket, gathered before they are written */
};

/* A row: `place` 0 is the lake's, others are 1 + the number in the import. */
struct key {
    uint64_t high, low, place;
};

struct keys;

/* The folder is copied and made. */
struct keys *keys_new(const char *folder, struct error *err);
void keys_free(struct keys *keys); /* NULL is fine; stages first */

/* What one thread gathers. */
struct keys_stage;
struct keys_stage *keys_stage_new(struct keys *keys, struct error *err);
void keys_stage_free(struct keys_stage *stage); /* NULL is fine */
/* Several threads at once, each with its own stage. */
bool keys_put(struct keys_stage *stage, const struct key *key, struct error *err);
bool keys_flush(struct keys_stage *stage, struct error *err);

/* Calls fn with the place of each row but the first of each key: with those that are not 0, in no order, some more than once.
 * All stages are flushed; `memory` is the most that a table takes. */
typedef bool keys_again_fn(void *context, uint64_t place, struct error *err);
bool keys_finish(struct keys *keys, uint64_t memory, const struct stop *stop, keys_again_fn *fn,
                 void *context, struct error *err);

#endif
