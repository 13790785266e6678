/* Zones: time zones as the stretches of wall-clock time between the changes of their clocks, so that a time without a
 * zone becomes UTC by a table and no rule is known here. The stretches come from the engine, which has the IANA
 * database.
 *
 *     struct engine_zone zone;
 *     ok = engine_zone_find(NULL, STR("Pacific Time (US and Canada)"), &zone, err);
 *     tick = engine_zone_utc(&zone, wall);
 */
#ifndef WEIR_ENGINE_ZONE_H
#define WEIR_ENGINE_ZONE_H

#include "base/tick.h"

enum {
    ENGINE_ZONE_CHANGES_MAX = 1024, /* changes of clock of one time zone */
    ENGINE_ZONE_NAME_MAX = 64       /* bytes of an IANA name */
};

/* 16 kB: better not on a stack of many. */
struct engine_zone {
    size_t n; /* 0: UTC */
    struct {
        int64_t wall;                   /* tick of the wall clock from which on */
        int64_t offset;                 /* ticks that the wall clock is ahead of UTC */
    } changes[ENGINE_ZONE_CHANGES_MAX]; /* ascending; the first holds for all before it too */
};

struct engine_task;

/* A zone that needs no database: UTC, Z, GMT, Etc/UTC (without case), or an offset: +02:00, +0200, -02. False: the name is
 * none of these. */
bool engine_zone_plain(struct str name, struct engine_zone *out);

/* The same, and names as IANA, Windows or the portal's menu writes them (engine/header.h), between 1970 and 2100; UTC
 * have no changes. Without a task (NULL) an engine is opened for the call, which takes some 50 ms. ERROR_FORMAT: no
 * such zone; ERROR_IO: the engine is not installed. */
bool engine_zone_find(struct engine_task *task, struct str name, struct engine_zone *out,
                      struct error *err);

/* Wall clock to UTC. What holds within the hour that is skipped or stands twice, the stretches say. NULL: UTC. May
 * leave 0 .. TICK_MAX at the ends. Any thread. */
static inline int64_t engine_zone_utc(const struct engine_zone *zone, int64_t wall)
{
    if (!zone || zone->n == 0)
        return wall;
    size_t low = 0, high = zone->n; /* changes[low] holds, or is the first of all */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].wall <= wall)
            low = middle;
        else
            high = middle;
    }
    return wall - zone->changes[low].offset;
}

#endif
