/* Times of rows; see time.h. */
#include "partition/time.h"

#include "base/memory.h"

void part_time_release(struct part_time *time)
{
    mem_free(time->key);
    part_zone_release(&time->zone);
    *time = (struct part_time){0};
}

static const char *const formats[PART_TIME_FORMAT_COUNT] = {
#define X(name, text) text,
    PART_TIME_FORMATS(X)
#undef X
};

const char *part_time_format_name(enum part_time_format format)
{
    return formats[format];
}

bool part_time_format_parse(struct str name, enum part_time_format *out)
{
    for (unsigned i = 0; i < PART_TIME_FORMAT_COUNT; i++) {
        if (str_eq(name, str_of(formats[i]))) {
            *out = (enum part_time_format) i;
            return true;
        }
    }
    return false;
}

bool part_zone_fixed(struct str name, struct part_zone *zone)
{
    (void) name;
    (void) zone;
    return false;
}

void part_zone_release(struct part_zone *zone)
{
    mem_free(zone->changes);
    *zone = (struct part_zone){0};
}

int64_t part_zone_to_utc(const struct part_zone *zone, int64_t wall)
{
    (void) zone;
    return wall;
}

enum part_reason part_time_json(const struct part_time *time, enum json_kind kind, struct str value,
                                int64_t *tick)
{
    if (kind != JSON_KIND_STRING || value.n < 2)
        return PART_REASON_TIME_TYPE;
    return part_time_text(time, (struct str){value.p + 1, value.n - 2}, tick);
}

enum part_reason part_time_text(const struct part_time *time, struct str text, int64_t *tick)
{
    (void) time;
    return tick_parse(text, tick) ? PART_REASON_NONE : PART_REASON_TIME_TEXT;
}

bool part_time_fast(struct str text, int64_t *tick)
{
    return tick_parse(text, tick);
}
