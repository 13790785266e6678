/* Times of rows; see time.h. */
#include "partition/time.h"

#include "base/memory.h"
#include "engine/header.h"
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

static void name_zone(struct part_time *time, struct str name)
{
    time->has_zone = true;
    memcpy(time->zone_name, name.p, name.n);
    time->zone_name[name.n] = '\0';
}

/* +hh:mm, +hhmm or +hh: as the end of a time, where base/tick.h knows it. */
static bool set_offset(struct part_time *time, struct str name)
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
    int64_t minutes = (wall - utc) / TICK_MINUTE, size = minutes < 0 ? -minutes : minutes;
    time->zone.n = 1;
    time->zone.changes[0].wall = 0;
    time->zone.changes[0].offset = wall - utc;
    char written[8] = {minutes < 0 ? '-' : '+',       (char) ('0' + size / 600),
                       (char) ('0' + size / 60 % 10), ':',
                       (char) ('0' + size % 60 / 10), (char) ('0' + size % 10)};
    name_zone(time, str_of(written));
    return true;
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
        if (!time->has_zone)
            return PART_REASON_TIME_ZONE;
        return tick < 0 ? PART_REASON_TIME_RANGE : within(engine_zone_utc(&time->zone, tick), out);
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

bool part_time_set_zone(struct part_time *time, struct str name, struct error *err)
{
    struct error why = ERROR_INIT;
    time->zone.n = 0;
    if (str_eq_case(name, STR("UTC")) || str_eq_case(name, STR("Z")) ||
        str_eq_case(name, STR("GMT")) || str_eq_case(name, STR("Etc/UTC"))) {
        name_zone(time, STR("UTC"));
        return true;
    }
    if (set_offset(time, name))
        return true;
    const char *iana = engine_header_zone(name);
    struct str known = iana ? str_of(iana) : name;
    if (known.n == 0 || known.n > PART_ZONE_NAME_MAX || memchr(known.p, '\0', known.n)) {
        error_set(&why, ERROR_FORMAT, "no such zone");
    } else if (engine_zone_find(NULL, known, &time->zone, &why)) {
        name_zone(time, known);
        return true;
    }
    if (why.code != ERROR_FORMAT)
        return error_pass(err, &why);
    error_set(err, ERROR_SETTINGS, "time zone '%.*s' is not known",
              (int) (name.n < 80 ? name.n : 80), name.p);
    return error_hint(err, "--time-zone takes UTC, an offset (+02:00), an IANA name "
                           "(America/Los_Angeles), or a name of Windows or the portal");
}

enum part_reason part_time_value(const struct part_time *time, enum json_kind kind, bool escaped,
                                 struct str value, int64_t *tick)
{
    /* The service's own form, which most lines have. */
    if (kind == JSON_KIND_STRING && time->format == PART_TIME_ISO && !escaped &&
        tick_read(value, tick) == TICK_UTC)
        return PART_REASON_NONE;
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
