/* Times of rows; see time.h. */
#include "partition/time.h"

#include "base/memory.h"
#include "json/value.h"

static const char *const formats[PART_TIME_FORMAT_COUNT] = {
#define X(name, text) text,
    PART_TIME_FORMATS(X)
#undef X
};

static bool is_epoch(enum part_time_format format)
{
    return format == PART_TIME_EPOCH_S || format == PART_TIME_EPOCH_MS;
}

static enum part_reason within(int64_t tick, int64_t *out)
{
    if (tick < 0 || tick > TICK_MAX)
        return PART_REASON_TIME_RANGE;
    *out = tick;
    return PART_REASON_NONE;
}

/* A plain text, not empty. */
static enum part_reason read_text(const struct part_time *time, struct str text, int64_t *out)
{
    enum tick_read read = TICK_NO_TIME;
    int64_t tick = 0;
    if (text.n > PART_TIME_TEXT_MAX)
        return PART_REASON_TIME_TEXT;
    if (time->format == PART_TIME_ISO)
        read = tick_read(text, &tick);
    else if (time->format == PART_TIME_US)
        read = tick_read_us(text, &tick);
    else
        read = tick_read_epoch(
            text, time->format == PART_TIME_EPOCH_S ? TICK_EPOCH_SECONDS : TICK_EPOCH_MILLISECONDS,
            &tick);
    switch (read) {
    case TICK_UTC:
        *out = tick;
        return PART_REASON_NONE;
    case TICK_WALL:
        if (!time->zone)
            return PART_REASON_TIME_ZONE;
        return tick < 0 ? PART_REASON_TIME_RANGE
                        : within(engine_zone_utc(time->zone->zone, tick), out);
    case TICK_OUTSIDE:
        return PART_REASON_TIME_RANGE;
    case TICK_NO_TIME:
        break;
    }
    return PART_REASON_TIME_TEXT;
}

static enum part_reason read_escaped(const struct part_time *time, struct str inside, int64_t *tick)
{
    char text[6 * PART_TIME_TEXT_MAX];
    size_t n;
    bool lone;
    if (inside.n > sizeof text || !json_decode(inside, text, &n, &lone))
        return PART_REASON_TIME_TEXT;
    return read_text(time, str_trim((struct str){text, n}), tick);
}

void part_time_release(struct part_time *time)
{
    for (size_t i = 0; i < time->n_before; i++)
        mem_free(time->before[i].key);
    mem_free(time->before);
    mem_free(time->key);
    *time = (struct part_time){0};
}

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

enum part_reason part_time_value(const struct part_time *time, enum json_kind kind, bool escaped,
                                 struct str value, int64_t *tick)
{
    switch (kind) {
    case JSON_KIND_NONE:
        return PART_REASON_NO_TIME;
    case JSON_KIND_NULL:
        return PART_REASON_NULL_TIME;
    case JSON_KIND_STRING:
        return escaped ? read_escaped(time, value, tick) : read_text(time, str_trim(value), tick);
    case JSON_KIND_NUMBER:
        return is_epoch(time->format) ? read_text(time, value, tick) : PART_REASON_TIME_TYPE;
    default:
        return PART_REASON_TIME_TYPE;
    }
}

enum part_reason part_time_text(const struct part_time *time, struct str text, int64_t *tick)
{
    text = str_trim(text);
    return text.n == 0 ? PART_REASON_NULL_TIME : read_text(time, text, tick);
}
