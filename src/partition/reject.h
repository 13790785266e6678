/* Rejects: why a line is not taken, in the order in which it is asked. The first reason that holds is the one that is
 * told. A line is never taken in part.
 */
#ifndef WEIR_PARTITION_REJECT_H
#define WEIR_PARTITION_REJECT_H

#include "json/route.h"

/* enum, the text in the reject file. */
#define PART_REASONS(X)                                                                            \
    X(LONG, "longer than 48 MiB")                                                                  \
    X(FORM, "not one valid JSON object")                                                           \
    X(RECORD, "not one valid CSV record")                                                          \
    X(NO_TIME, "no time column")                                                                   \
    X(NULL_TIME, "its time is null")                                                               \
    X(TIME_TYPE, "its time is of another type")                                                    \
    X(TIME_TEXT, "its time is no time")                                                            \
    X(TIME_ZONE, "its time names no zone")                                                         \
    X(TIME_RANGE, "its time is outside the years 1 to 9999")

enum part_reason {
    PART_REASON_NONE, /* taken */
#define X(name, text) PART_REASON_##name,
    PART_REASONS(X)
#undef X
        PART_REASON_COUNT
};

enum {
    PART_LINE_MAX =
        JSON_LINE_MAX, /* bytes of one line, record or element: what readers of the lake take */
    PART_REJECT_TEXT_MAX = 1000 /* characters of it that the reject file repeats */
};

/* "its time is null"; "" for PART_REASON_NONE. */
const char *part_reason_text(enum part_reason reason);

/* Appends the reject file's line, with its LF: {"file":…,"line":…,"reason":…,"text":…}. The text is cut to
 * PART_REJECT_TEXT_MAX characters; what is no UTF-8 becomes U+FFFD. */
void part_reject_put(struct buf *out, struct str file, uint64_t line, enum part_reason reason,
                     struct str text);

#endif
