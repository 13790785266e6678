/* Fields: one line of JSON of which the keys are known, to and fro: lines of the ledger's segments, and of the records of
 * imports and of compacted days. Internal to this room.
 *
 * Keys may come in any order, none twice; those that are not known are passed over. What is missing or wrong is ERROR_FORMAT
 * with the number of the line and the key.
 */
#ifndef WEIR_LAKE_FIELDS_H
#define WEIR_LAKE_FIELDS_H

#include "base/hash.h"
#include "base/memory.h"
#include "base/tick.h"
#include "json/value.h"

enum { FIELDS_MAX = 20 };

struct fields {
    const char *const *keys;
    size_t n; /* at most FIELDS_MAX */
    struct json_member v[FIELDS_MAX];
    bool has[FIELDS_MAX];
    size_t line; /* its number, for messages */
    struct error *err;
};

/* A member behind another one: ,"key":"text", or null for NULL. */
void fields_put_text(struct buf *out, const char *key, const char *text);
void fields_put_tick(struct buf *out, const char *key, int64_t tick);

/* Takes a line apart: one whole object without white space around it. What it finds is lent from the line. */
bool fields_take(struct str line, struct fields *f);

/* False, with the error of a key that is missing or wrong. */
bool fields_bad(const struct fields *f, size_t key);

bool fields_null(const struct fields *f, size_t key);
bool fields_raw(const struct fields *f, size_t key,
                struct str *out); /* the inside of a string, as it stands */
/* A text of at most `max` bytes decoded, in the arena; NULL for null when `null_fine`. */
bool fields_text(const struct fields *f, size_t key, size_t max, bool null_fine,
                 struct arena *arena, const char **out);
bool fields_number(const struct fields *f, size_t key, uint64_t *out);
bool fields_tick(const struct fields *f, size_t key, int64_t *out);
bool fields_sum(const struct fields *f, size_t key,
                uint64_t *out); /* of 64 bits, as text with a sign */
/* The index of the text among `count` texts. */
bool fields_enum(const struct fields *f, size_t key, const char *const *texts, unsigned count,
                 unsigned *out);
/* `size` bytes in lower-case hex digits. */
bool fields_hash(const struct fields *f, size_t key, unsigned char *out, size_t size);
/* A SHA-256 as text; "" for null. */
bool fields_hex(const struct fields *f, size_t key, char out[HASH_SHA256_HEX]);

/* What all of them have: a head that names its format and version, and a last line that tells how many lines stand between
 * the two and the hash of all bytes before it. */
/* The keys are those of "format" and "version". A version that is another's is ERROR_FORMAT with a hint. */
bool fields_version(const struct fields *f, size_t format_key, size_t version_key,
                    const char *format, int version);
void fields_put_tail(struct buf *out, size_t lines, const char *sha256);
/* False when the line is no such end; what is wrong is the caller's to say. */
bool fields_tail(struct str line, uint64_t *lines, char sha256[HASH_SHA256_HEX]);
/* False, ERROR_FORMAT: the bytes have not the hash that the last line names. */
bool fields_unchanged(const char *is, const char *said, struct error *err);

#endif
