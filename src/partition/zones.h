/* Zones: time zones by their names, each looked for once: asking the engine takes some 50 ms. For one thread at a time;
 * what is found is read by all.
 */
#ifndef WEIR_PARTITION_ZONES_H
#define WEIR_PARTITION_ZONES_H

#include "base/text.h"
#include "engine/zone.h"

enum { PART_ZONES_MAX = 256, PART_ZONE_ASKED_MAX = 128 };

struct part_zone {
    char asked[PART_ZONE_ASKED_MAX + 1];
    char name[ENGINE_ZONE_NAME_MAX + 1]; /* "UTC", "+02:00", "America/Los_Angeles" */
    bool known;
    struct engine_zone *zone; /* owned */
};

/* A value of zeros is an empty one. */
struct part_zones {
    struct part_zone *v[PART_ZONES_MAX];
    size_t n;
};

void part_zones_release(struct part_zones *zones);

/* UTC and offsets (+02:00, +0200, +02) at once, else by an IANA, Windows or portal name, for which the engine is opened.
 * *out is lent; NULL: no such zone. False: the engine cannot be asked, or there are too many. */
bool part_zones_find(struct part_zones *zones, struct str name, const struct part_zone **out,
                     struct error *err);

#endif
