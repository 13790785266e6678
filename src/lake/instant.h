/* Instant: whether the records of a table's imports and compacted days are still as they were. Who reads records and then
 * lists blobs may find neither what was compacted or replaced between the two, nor the record that says where it is now.
 * So: an instant taken, the records, the blobs, another instant; and all of it anew where the two are not the same.
 */
#ifndef WEIR_LAKE_INSTANT_H
#define WEIR_LAKE_INSTANT_H

#include "lake/layout.h"
#include "store/store.h"

/* A sum over names, sizes, times and versions of the records. A disk tells times by some milliseconds: a record that is
 * put anew twice within them, as long as before, is not seen. */
struct lake_instant {
    uint64_t sum[2];
    uint64_t n;
};

/* One listing. */
bool lake_instant_take(struct store *store, const struct lake_place *place,
                       struct lake_instant *out, struct error *err);
bool lake_instant_same(const struct lake_instant *a, const struct lake_instant *b);

/* Hands an error of looking at a place on: what comes of records or blobs that others changed since `begun`, a record that
 * looks torn for one, becomes ERROR_IO that says so. Returns false. */
bool lake_instant_pass(struct store *store, const struct lake_place *place,
                       const struct lake_instant *begun, const struct error *why,
                       struct error *err);

#endif
