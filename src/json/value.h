/* Values: checks and small rewrites of one JSON value in memory (RFC 8259). */
#ifndef WEIR_JSON_VALUE_H
#define WEIR_JSON_VALUE_H

#include "json/rows.h"

/* True when the whole text is one valid JSON value (white space around it allowed). */
bool json_valid(struct str text);

/* What kind a valid value is, by its first byte; JSON_KIND_NONE where none begins so. */
enum json_kind json_value_kind(struct str value);

/* Decodes the inside of a JSON string (escapes, surrogate pairs) as UTF-8 behind `out`; false when it
 * is not valid. A lone surrogate \ud800 becomes U+FFFD. */
bool json_unescape(struct str inside, struct buf *out);

/* The same into memory with room for inside.n bytes, which are always enough (what is behind the *n
 * bytes in that room may be overwritten); *lone tells of a lone surrogate. */
bool json_decode(struct str inside, char *to, size_t *n, bool *lone);

/* Appends a valid value without the white space between its tokens; texts of numbers and strings stay
 * as they are. False when it is not valid. */
bool json_minify(struct str value, struct buf *out);

/* The same into memory with room for value.n bytes, as for json_decode. */
bool json_compact(struct str value, char *to, size_t *n);

/* Walks a valid object's top-level members or an array's elements, in order. `*at` begins at 0.
 * key is the inside of the quotes, escaped; empty for arrays. False at the end or when not valid. */
struct json_member {
    struct str key;
    struct str value; /* trimmed, with its quotes when a string */
    enum json_kind kind;
};
bool json_next(struct str container, size_t *at, struct json_member *out);

#endif
