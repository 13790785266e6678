/* Times: the value of a row's time column as a tick, by rules that are settled before the first row is read.
 *
 *     iso        2021-11-07T03:05:12.3456789Z   2021-11-07 03:05:12+02:00   text; without Z and offset: the zone's
 *     us         11/20/2020, 4:20:29.443 PM     11/14/2020 6:21             text, month first; always the zone's
 *     epoch-s    1588205199.82437               number, or text that is one; seconds since 1970
 *     epoch-ms   1588205199824                  the same in milliseconds
 *
 * The grammars are those of base/tick.h, with blanks around them. What is finer than a tick (100 ns) is cut, towards
 * the past. Digits are taken exactly, never through a double.
 */
#ifndef WEIR_PARTITION_TIME_H
#define WEIR_PARTITION_TIME_H

#include "base/tick.h"
#include "partition/reject.h"
#include "partition/zones.h"
#include "json/rows.h"

enum {
    PART_TIME_TEXT_MAX = 256 /* bytes of a text, its escapes decoded; a longer one is no time */
};

/* enum, as options and schema.json have it. */
#define PART_TIME_FORMATS(X)                                                                       \
    X(ISO, "iso")                                                                                  \
    X(US, "us")                                                                                    \
    X(EPOCH_S, "epoch-s")                                                                          \
    X(EPOCH_MS, "epoch-ms")

enum part_time_format {
#define X(name, text) PART_TIME_##name,
    PART_TIME_FORMATS(X)
#undef X
        PART_TIME_FORMAT_COUNT
};

/* How the times of one input are read. Not changed once rows are read, so that threads share it. */
struct part_time {
    char *key; /* the column's name as the input has it, decoded; owned */
    enum part_time_format format;
    const struct part_zone *zone; /* of times that name none, lent; NULL: they are rejected */
    struct part_time *before;     /* rules that readers ask before this one (prefer.h); owned */
    size_t n_before;
};

void part_time_release(struct part_time *time);

const char *part_time_format_name(enum part_time_format format);
bool part_time_format_parse(struct str name, enum part_time_format *out);

/* A value as json/route.h gives it: of a string the inside of its quotes, as it came. */
enum part_reason part_time_value(const struct part_time *time, enum json_kind kind, bool escaped,
                                 struct str value, int64_t *tick);

/* The service's own form and its like, in a few nanoseconds: what most lines have. False: ask part_time_value. */
static inline bool part_time_fast(struct str text, int64_t *tick)
{
    return text.n <= PART_TIME_TEXT_MAX && tick_read(text, tick) == TICK_UTC;
}

/* A value as plain text: of a CSV cell. Empty is PART_REASON_NULL_TIME. */
enum part_reason part_time_text(const struct part_time *time, struct str text, int64_t *tick);

#endif
