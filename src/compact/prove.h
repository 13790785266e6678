/* Prove: what the lines of a day say against what its files say. Internal to this room.
 *
 * Both sides come to a number of rows and the sum of their identities (lake_row_whole), which does not depend on order. The
 * left side reads the blobs themselves, the right side the files as they were written, value by value; they share what
 * an identity is, and nothing else.
 */
#ifndef WEIR_COMPACT_PROVE_H
#define WEIR_COMPACT_PROVE_H

#include "base/stop.h"
#include "engine/engine.h"
#include "lake/day.h"
#include "lake/schema.h"
#include "query/days.h"

/* Identities of the table's rows, for one thread. */
struct lake_rows *compact_rows_new(const struct lake_schema *schema, struct error *err);

struct compact_sum {
    uint64_t rows, doubled;
    struct lake_row_key hash;
};

/* The _ItemId that stand in groups of the lines before them: those of shared rows of files (engine/engine.h). */
struct compact_shared_id {
    struct lake_row_key id;
    uint32_t group;
};
struct compact_shared {
    struct compact_shared_id *v;
    size_t n, room;
};
void compact_shared_release(struct compact_shared *shared);

/* Adds to `sum` the rows of blobs[0..n), of which those of a group stand next to each other: of the lines with one
 * _ItemId the first, unless it is among those of `shared` for its group, and the others as engine/engine.h says. The SHA-256 of blob i goes to sha256[i]. A blob that was
 * changed since it was listed is ERROR_PARTIAL; a line that is no object ERROR_FORMAT, with the blob's name and the line. */
bool compact_sum_lines(struct store *store, struct lake_rows *rows, const struct query_blob *blobs,
                       size_t n, const struct compact_shared *shared, const struct stop *stop,
                       unsigned char (*sha256)[HASH_SHA256_SIZE], struct compact_sum *sum,
                       struct error *err);

/* That none of the blobs is packed: ERROR_FORMAT names the first that is. For when lines could not be read; what cannot be
 * read here is passed over. */
bool compact_check_plain(struct store *store, const struct query_blob *blobs, size_t n,
                         struct error *err);

/* Adds the rows of a file at `path`, but those of sources in left_out (ascending); and to `shared` (or NULL) the _ItemId of
 * those that the file shares. `schema` has the columns of `rows`. */
bool compact_sum_file(struct engine_task *task, struct lake_rows *rows,
                      const struct columns *schema, const struct engine_compacted *file,
                      const struct stop *stop, struct compact_shared *shared,
                      struct compact_sum *sum, struct error *err);

#endif
