/* Seen: which texts there were, for leaving out what comes again. For one thread; knows nothing of DuckDB.
 *
 * Of each text its 128-bit hash is kept (XXH3, base/hash.h): two of a thousand million different texts share
 * one with a chance of 10^-21. 16 bytes for each place of a table that is at most three quarters full.
 */
#ifndef WEIR_ENGINE_DUCKDB_SEEN_H
#define WEIR_ENGINE_DUCKDB_SEEN_H

#include "base/text.h"

struct seen;

struct seen_hash {
    uint64_t v[2];
};
struct seen_hash seen_hash(struct str text);

/* At most `max` texts. */
struct seen *seen_new(size_t max, struct error *err);
void seen_free(struct seen *seen); /* NULL is fine */

/* Forgets all texts. Costs no more than adding them did. */
void seen_reset(struct seen *seen);

/* Adds a text; *first says that it was not there yet. ERROR_LIMIT beyond `max`. */
bool seen_add(struct seen *seen, struct str text, bool *first, struct error *err);
/* The same by its hash. */
bool seen_add_hash(struct seen *seen, struct seen_hash hash, bool *first, struct error *err);

#endif
