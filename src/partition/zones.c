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

static bool is_utc(struct str name)
{
    static const struct str names[] = {STR_INIT("UTC"), STR_INIT("Z"), STR_INIT("GMT"),
                                       STR_INIT("Etc/UTC"), STR_INIT("Coordinated Universal Time")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_case(name, names[i]))
            return true;
    }
    return false;
}

/* +hh:mm, +hhmm or +hh: what base/tick.h takes at the end of a time. */
static bool read_offset(struct str name, int64_t *ahead)
{
    static const struct str noon = STR_INIT("2000-01-01T12:00");
    char text[32];
    int64_t wall, utc;
    if (name.n < 3 || name.n > 6 || (name.p[0] != '+' && name.p[0] != '-'))
        return false;
    memcpy(text, noon.p, noon.n);
    memcpy(text + noon.n, name.p, name.n);
    if (tick_read((struct str){text, noon.n + name.n}, &utc) != TICK_UTC ||
        tick_read(noon, &wall) != TICK_WALL)
        return false;
    *ahead = wall - utc;
    return true;
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

static bool set_stretches(struct part_zone *zone, struct error *err)
{
    if (!zone->zone)
        zone->zone = mem_alloc(1, sizeof *zone->zone, err);
    return zone->zone != NULL;
}

static bool ask_engine(struct part_zone *zone, struct str name, struct error *err)
{
    struct error why = ERROR_INIT;
    const char *iana = engine_header_zone(name);
    struct str known = iana ? str_of(iana) : name;
    if (known.n == 0 || known.n > ENGINE_ZONE_NAME_MAX || memchr(known.p, '\0', known.n))
        return true;
    if (!set_stretches(zone, err))
        return false;
    if (engine_zone_find(NULL, known, zone->zone, &why))
        set_name(zone, known);
    return why.code == ERROR_NONE || why.code == ERROR_FORMAT || error_pass(err, &why);
}

static bool look_up(struct part_zone *zone, struct str name, struct error *err)
{
    int64_t ahead;
    if (is_utc(name)) {
        set_name(zone, STR("UTC"));
        return true;
    }
    if (!read_offset(name, &ahead))
        return ask_engine(zone, name, err);
    if (!set_stretches(zone, err))
        return false;
    zone->zone->n = 1;
    zone->zone->changes[0].wall = 0;
    zone->zone->changes[0].offset = ahead;
    name_offset(zone, ahead);
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
