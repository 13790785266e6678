/* Marks: a value of a row as what it says, however it is written (row.h). Internal to this room.
 *
 * A value becomes a mark: what kind of value it is, and 128 bits that are the value itself where it fits in them, else a
 * hash of it. An array is the hash of its elements' marks, an object the sum of the hashes of its members, so that their order
 * does not matter.
 */
#ifndef WEIR_LAKE_MARK_H
#define WEIR_LAKE_MARK_H

#include "base/column.h"
#include "base/hash.h"
#include "json/value.h"

enum { MARKS_TEXTS = 4 /* texts in texts in a dynamic value */ };

enum mark_kind {
    MARK_NONE, /* null, empty or not there */
    MARK_FALSE,
    MARK_TRUE,
    MARK_INTEGER, /* of 64 bits */
    MARK_DECIMAL, /* another exact number */
    MARK_REAL,
    MARK_TIME,
    MARK_SPAN,
    MARK_GUID,
    MARK_TEXT,
    MARK_ARRAY,
    MARK_OBJECT
};

struct mark {
    uint64_t kind; /* enum mark_kind */
    uint64_t bits[2];
};

/* What making marks needs; not for threads. */
struct marks {
    struct buf text;               /* a string decoded */
    struct buf outer[MARKS_TEXTS]; /* texts that hold JSON */
};
void marks_init(struct marks *marks);
void marks_release(struct marks *marks);

static inline struct mark mark_of(enum mark_kind kind, uint64_t bits)
{
    return (struct mark){kind, {bits, 0}};
}

/* n words as bytes, to be hashed. */
static inline struct str mark_words(const void *v, size_t n)
{
    return (struct str){v, n * sizeof(uint64_t)};
}

struct mark mark_text(enum mark_kind kind, struct str text);

/* The inside of a string as its characters: itself where it has no escape, else in `to`. False: it is none, or `to` failed. */
bool mark_decode(struct str inside, struct buf *to, struct str *out);

/* A valid value inside a dynamic one, `depth` deep; false beyond JSON_DEPTH_MAX, or when a buffer failed. */
bool mark_json(struct marks *marks, struct str value, enum json_kind kind, int depth,
               struct mark *out);
/* A dynamic value as it stands in the line, or the text that holds it, or one that holds that. */
bool mark_dynamic(struct marks *marks, struct str value, enum json_kind kind, struct mark *out);
/* A value of a column of another type from its text: that of a string, else that in the line. False: it is not of that type. */
bool mark_typed(struct marks *marks, struct str text, enum column_type type, struct mark *out);

#endif
