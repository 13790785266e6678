/* Time zones by name; see zones.h. */
#include "partition/zones.h"

#include "base/memory.h"
#include "engine/header.h"

void part_zones_release(struct part_zones *zones)
{
    for (size_t i = 0; i < zones->n; i++) {
        mem_free(zones->v[i]->zone);
        mem_free(zones->v[i]);
    }
    *zones = (struct part_zones){0};
}

static void set_name(struct part_zone *zone, struct str name)
{
    memcpy(zone->name, name.p, name.n);
    zone->name[name.n] = '\0';
    zone->known = true;
}

static void name_offset(struct part_zone *zone, int64_t ahead)
{
    int64_t minutes = (ahead < 0 ? -ahead : ahead) / TICK_MINUTE;
    char name[] = {ahead < 0 ? '-' : '+',
                   (char) ('0' + minutes / 600),
                   (char) ('0' + minutes / 60 % 10),
                   ':',
                   (char) ('0' + minutes % 60 / 10),
                   (char) ('0' + minutes % 10)};
    set_name(zone, (struct str){name, sizeof name});
}

static bool ask_engine(struct part_zone *zone, struct str name, struct error *err)
{
    struct error why = ERROR_INIT;
    const char *iana = engine_header_zone(name);
    struct str known = iana ? str_of(iana) : name;
    if (known.n == 0 || known.n > ENGINE_ZONE_NAME_MAX || memchr(known.p, '\0', known.n))
        return true;
    if (engine_zone_find(NULL, known, zone->zone, &why))
        set_name(zone, known);
    return why.code == ERROR_NONE || why.code == ERROR_FORMAT || error_pass(err, &why);
}

static bool look_up(struct part_zone *zone, struct str name, struct error *err)
{
    zone->zone = mem_alloc(1, sizeof *zone->zone, err);
    if (!zone->zone)
        return false;
    if (str_eq_case(name, STR("Coordinated Universal Time")))
        name = STR("UTC");
    if (!engine_zone_plain(name, zone->zone))
        return ask_engine(zone, name, err);
    if (zone->zone->n == 0)
        set_name(zone, STR("UTC"));
    else
        name_offset(zone, zone->zone->changes[0].offset);
    return true;
}

bool part_zones_find(struct part_zones *zones, struct str name, const struct part_zone **out,
                     struct error *err)
{
    *out = NULL;
    if (name.n > PART_ZONE_ASKED_MAX)
        return true;
    for (size_t i = 0; i < zones->n; i++) {
        if (str_eq(str_of(zones->v[i]->asked), name)) {
            *out = zones->v[i]->known ? zones->v[i] : NULL;
            return true;
        }
    }
    if (zones->n == PART_ZONES_MAX)
        return error_set(err, ERROR_LIMIT, "the inputs name more than %d time zones",
                         PART_ZONES_MAX);
    struct part_zone *zone = mem_alloc(1, sizeof *zone, err);
    if (!zone)
        return false;
    memcpy(zone->asked, name.p, name.n);
    zones->v[zones->n++] = zone;
    if (!look_up(zone, name, err))
        return false;
    *out = zone->known ? zone : NULL;
    return true;
}
