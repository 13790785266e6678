/* Columns of converted inputs; see fields.h. */
#include "partition/fields.h"

#include "base/memory.h"
#include "engine/header.h"
#include "partition/seen.h"
#include "json/value.h"

enum { FIELDS_BYTES_MAX = 64 << 20 };

static const struct str usual = STR_INIT("TimeGenerated");

/* --- which columns there are ---------------------------------------------------------------------------- */

/* A zone in the header counts only if it is one: "Size [MB]" is a name. */
static bool name_field(struct part_field *field, struct str header,
                       const struct part_source_options *options, struct error *err)
{
    struct str name, zone;
    engine_header_split(header, &name, &zone);
    field->name = header;
    if (zone.n == 0)
        return true;
    if (!part_zones_find(options->zones, zone, &field->zone, err))
        return false;
    if (field->zone)
        field->name = name;
    return true;
}

static enum column_type type_of(const struct part_field *field, const enum column_type *own,
                                const struct part_source_options *options)
{
    int known = options->known ? columns_find(options->known, field->name) : -1;
    if (str_eq(field->name, usual))
        return COLUMN_DATETIME;
    if (known >= 0)
        return options->known->v[known].type;
    if (own && *own != COLUMN_STRING)
        return *own;
    if (field->zone)
        return COLUMN_DATETIME;
    return options->custom ? column_type_of_suffix(field->name) : COLUMN_STRING;
}

static bool put_member(struct part_field *field, struct arena *memory, struct error *err)
{
    struct buf text = BUF_INIT(8 * COLUMN_NAME_MAX);
    buf_puts(&text, ",\"");
    text_put_json(&text, field->name);
    buf_puts(&text, "\":");
    bool ok = buf_ok(&text, "the name of a column", err);
    field->member.n = text.used;
    field->member.p = ok ? arena_copy(memory, text.bytes, text.used, err) : NULL;
    buf_release(&text);
    return field->member.p != NULL;
}

static bool all_differ(const struct part_fields *fields, struct error *err)
{
    for (size_t i = 0; i < fields->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(fields->v[i].name, fields->v[k].name))
                return error_set(err, ERROR_FORMAT, "its header has two columns '%.*s'",
                                 (int) fields->v[i].name.n, fields->v[i].name.p);
        }
    }
    return true;
}

static bool init_field(struct part_fields *fields, size_t i, struct str header,
                       const enum column_type *own, const struct part_source_options *options,
                       struct error *err)
{
    struct part_field *field = &fields->v[i];
    if (header.n > COLUMN_NAME_MAX)
        return error_set(err, ERROR_FORMAT, "its header has a name of more than %d bytes",
                         COLUMN_NAME_MAX);
    const char *lasting = header.n > 0 ? arena_copy(fields->memory, header.p, header.n, err)
                                       : arena_format(fields->memory, err, "column_%zu", i + 1);
    if (!lasting || !name_field(field, (struct str){lasting, strlen(lasting)}, options, err))
        return false;
    field->type = type_of(field, own, options);
    if (!field->zone && options->time_zone &&
        !part_zones_find(options->zones, str_of(options->time_zone), &field->zone, err))
        return false;
    return put_member(field, fields->memory, err);
}

bool part_fields_init(struct part_fields *fields, const struct str *names,
                      const enum column_type *types, size_t n,
                      const struct part_source_options *options, struct error *err)
{
    *fields = (struct part_fields){0};
    fields->memory = mem_alloc(1, sizeof *fields->memory, err);
    if (!fields->memory)
        return false;
    arena_init(fields->memory, FIELDS_BYTES_MAX);
    fields->v = arena_alloc(fields->memory, n, sizeof *fields->v, err);
    if (!fields->v)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!init_field(fields, i, names[i], types ? &types[i] : NULL, options, err))
            return false;
    }
    fields->n = n;
    return all_differ(fields, err);
}

void part_fields_release(struct part_fields *fields)
{
    if (fields->memory)
        arena_release(fields->memory);
    mem_free(fields->memory);
    *fields = (struct part_fields){0};
}

bool part_fields_settle(struct part_fields *fields, const struct str *names,
                        const struct part_time *time, struct error *err)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (!str_eq(names[i], str_of(time->key)))
            continue;
        fields->time = i;
        fields->v[i].left_out = str_eq(fields->v[i].name, usual);
        return true;
    }
    return error_set(err, ERROR_SETTINGS, "its header has no column '%s'", time->key);
}

bool part_fields_seen(const struct part_fields *fields, struct part_seen *seen, struct error *err)
{
    for (size_t i = 0; seen && i < fields->n; i++) {
        if (!part_seen_name(seen, fields->v[i].name, fields->v[i].type, err))
            return false;
    }
    return true;
}

/* --- values --------------------------------------------------------------------------------------------- */

/* Eight bytes of which none has to be looked at: ASCII, no control character, no quote, no backslash. */
static bool is_plain8(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\';
    uint64_t low = (x - ones * ' ') | (quote - ones) | (backslash - ones);
    return ((low | x) & highs) == 0;
}

static bool is_plain(struct str text)
{
    size_t at = 0;
    for (; at + 8 <= text.n; at += 8) {
        if (!is_plain8(text.p + at))
            return false;
    }
    for (; at < text.n; at++) {
        unsigned char c = (unsigned char) text.p[at];
        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static void put_string(struct str text, struct buf *line)
{
    if (!is_plain(text)) {
        buf_putc(line, '"');
        text_put_json(line, text);
        buf_putc(line, '"');
        return;
    }
    if (!buf_reserve(line, text.n + 2))
        return;
    char *p = line->bytes + line->used;
    *p = '"';
    memcpy(p + 1, text.p, text.n);
    p[text.n + 1] = '"';
    line->used += text.n + 2;
}

static bool put_bool(struct str text, struct buf *line)
{
    bool is = str_eq_case(text, STR("true"));
    if (!is && !str_eq_case(text, STR("false")))
        return false;
    buf_puts(line, is ? "true" : "false");
    return true;
}

/* Digits with a minus sign at most, no zero before others, as JSON has integers. */
static bool put_whole(struct str text, int64_t least, int64_t most, struct buf *line)
{
    int64_t value;
    if (!str_int64(text, &value) || value < least || value > most)
        return false;
    buf_printf(line, "%lld", (long long) value);
    return true;
}

/* A number that JSON can say keeps its text. */
static bool put_real(struct str text, struct buf *line)
{
    double ignored;
    if (!str_double(text, &ignored) || !json_valid(text))
        return false;
    buf_put_str(line, text);
    return true;
}

static bool put_time(const struct part_zone *zone, struct str text, struct buf *line)
{
    char out[TICK_TEXT_MAX];
    int64_t tick;
    enum tick_read read = tick_read(text, &tick);
    if (read == TICK_NO_TIME)
        read = tick_read_us(text, &tick);
    if (read == TICK_WALL && zone && tick >= 0) {
        tick = engine_zone_utc(zone->zone, tick);
        read = tick >= 0 && tick <= TICK_MAX ? TICK_UTC : TICK_OUTSIDE;
    }
    if (read != TICK_UTC)
        return false;
    put_string((struct str){out, tick_format(tick, out)}, line);
    return true;
}

/* Text that is JSON is nested, any other a string. */
static bool put_dynamic(struct str text, struct buf *line)
{
    size_t before = line->used;
    if (json_minify(text, line))
        return true;
    line->used = before;
    return false;
}

static bool put_typed(const struct part_field *field, struct str text, struct buf *line)
{
    switch (field->type) {
    case COLUMN_BOOL:
        return put_bool(text, line);
    case COLUMN_INT:
        return put_whole(text, INT32_MIN, INT32_MAX, line);
    case COLUMN_LONG:
        return put_whole(text, INT64_MIN, INT64_MAX, line);
    case COLUMN_REAL:
        return put_real(text, line);
    case COLUMN_DATETIME:
        return put_time(field->zone, text, line);
    case COLUMN_DYNAMIC:
        return put_dynamic(text, line);
    case COLUMN_DECIMAL:
    case COLUMN_TIMESPAN:
    case COLUMN_GUID:
    case COLUMN_STRING:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return false;
}

void part_fields_begin(struct buf *line, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    size_t n = tick_format(tick, text);
    buf_puts(line, "{\"TimeGenerated\":\"");
    buf_put(line, text, n);
    buf_putc(line, '"');
}

void part_fields_put(const struct part_field *field, struct str text, struct buf *line)
{
    if (text.n == 0 || field->left_out)
        return;
    buf_put_str(line, field->member);
    if (field->type == COLUMN_STRING || !put_typed(field, str_trim(text), line))
        put_string(text, line);
}

void part_fields_end(struct buf *line)
{
    buf_puts(line, "}\n");
}
