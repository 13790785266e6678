/* Names of zones that need no database; see zone.h. */
#include "engine/zone.h"

enum { OFFSET_TEXT_MAX = 6 };

static bool is_utc(struct str name)
{
    static const char *const names[] = {"UTC", "Z", "GMT", "Etc/UTC"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_eq_case(name, str_of(names[i])))
            return true;
    }
    return false;
}

/* An offset is read as the end of a time, where base/tick.h knows it. */
static bool read_offset(struct str name, int64_t *ahead)
{
    static const struct str noon = STR_INIT("2000-01-01T12:00");
    char text[32];
    int64_t wall, utc;
    if (name.n < 3 || name.n > OFFSET_TEXT_MAX || (name.p[0] != '+' && name.p[0] != '-'))
        return false;
    memcpy(text, noon.p, noon.n);
    memcpy(text + noon.n, name.p, name.n);
    if (tick_read((struct str){text, noon.n + name.n}, &utc) != TICK_UTC ||
        tick_read(noon, &wall) != TICK_WALL)
        return false;
    *ahead = wall - utc;
    return true;
}

bool engine_zone_plain(struct str name, struct engine_zone *out)
{
    int64_t ahead = 0;
    out->n = 0;
    if (is_utc(name))
        return true;
    if (!read_offset(name, &ahead))
        return false;
    out->changes[0].wall = 0;
    out->changes[0].offset = ahead;
    out->n = ahead != 0;
    return true;
}
