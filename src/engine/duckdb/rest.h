/* Rest: what the columns of a row do not tell of its line, as one JSON object (`_weir_rest`, engine_compact): values that
 * a column does not give back as they were, and keys that are no columns. For one thread; knows nothing of DuckDB.
 *
 * A value stands with its exact text, blanks between tokens aside; a key as the line writes it. null and "" are left out, since
 * they, and a key that is not there, are one. Of a key that stands twice the last counts.
 */
#ifndef WEIR_ENGINE_DUCKDB_REST_H
#define WEIR_ENGINE_DUCKDB_REST_H

#include "engine/duckdb/convert.h"
#include "json/lines.h"

enum {
    REST_KEYS_MAX = JSON_ROW_MAX / 4
}; /* of one line that are no columns: more do not fit a line */

struct rest;

/* `keys`: of the columns in the lines, decoded; lent for its life. */
struct rest *rest_new(char *const *keys, size_t count, struct error *err);
void rest_free(struct rest *rest); /* NULL is fine */

/* Begins a row; then each column's value that is to be kept, by its key; then the object's unknown keys. */
void rest_begin(struct rest *rest);
void rest_add(struct rest *rest, size_t column, const char *bytes, const struct json_cell *cell);
/* The whole object, valid until the next row; empty when there is nothing. */
bool rest_end(struct rest *rest, struct str object, struct str *out, struct error *err);

/* The value under a key in an object that rest_end gave; false: there is none, or `object` is no such object.
 * cell->start counts from object.p. */
bool rest_find(struct str object, struct str key, struct buf *scratch, struct json_cell *out);

#endif
