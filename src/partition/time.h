/* Times: the value of a row's time column as a tick, by rules that are settled before the first row is read.
 *
 *     iso        2021-11-07T03:05:12.3456789Z   2021-11-07 03:05:12+02:00   text; without Z and offset: the zone's
 *     us         11/20/2020, 4:20:29.443 PM     11/14/2020 6:21             text, month first; always the zone's
 *     epoch-s    1588205199.82437               number, or text that is one; seconds since 1970
 *     epoch-ms   1588205199824                  the same in milliseconds
 *
 * What is finer than a tick (100 ns) is cut, towards the past. Digits are taken exactly, never through a double.
 */
#ifndef WEIR_PARTITION_TIME_H
#define WEIR_PARTITION_TIME_H

#include "base/tick.h"
#include "partition/reject.h"
#include "json/rows.h"

enum { PART_ZONE_NAME_MAX = 64, PART_ZONE_CHANGES_MAX = 1024 };

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

/* What a wall clock is ahead of UTC, from a wall-clock time on. */
struct part_zone_change {
    int64_t wall, ahead; /* ticks */
};
struct part_zone {
    char name[PART_ZONE_NAME_MAX +
              1]; /* "UTC", "+02:00", "America/Los_Angeles"; "": none is known */
    struct part_zone_change *changes; /* ascending; owned; the first holds for all before too */
    size_t count;
};

/* How the times of one input are read. Read-only once rows are read, so that threads share it. */
struct part_time {
    char *key; /* the column's name as the input has it, decoded; owned */
    enum part_time_format format;
    struct part_zone zone; /* of times that name none */
};

void part_time_release(struct part_time *time);

const char *part_time_format_name(enum part_time_format format);
bool part_time_format_parse(struct str name, enum part_time_format *out);

/* "UTC", "Z", "+02:00", "-0530" without further ado: true, *zone is set. False for other names, which engine/engine.h
 * has to be asked for (part_zone_find in guess.h). Never allocates. */
bool part_zone_fixed(struct str name, struct part_zone *zone);
void part_zone_release(struct part_zone *zone);

/* Wall clock to UTC. Within the hour that is skipped or stands twice the last change that the wall clock has reached
 * holds, as in queries (engine/duckdb/convert.h). */
int64_t part_zone_to_utc(const struct part_zone *zone, int64_t wall);

/* The value of a JSON line's time key: `value` as it stands in the line, with its quotes if it is a string. */
enum part_reason part_time_json(const struct part_time *time, enum json_kind kind, struct str value,
                                int64_t *tick);

/* The value as plain text: of a CSV cell, or the inside of a string without escapes. */
enum part_reason part_time_text(const struct part_time *time, struct str text, int64_t *tick);

/* The service's own form, 2021-11-07T03:05:12[.f…]Z, in a few nanoseconds. False: anything else, also what is no
 * time: ask part_time_text. Reads text.p[0 .. text.n) alone. */
bool part_time_fast(struct str text, int64_t *tick);

#endif
