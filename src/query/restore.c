/* Rows of Parquet as lines: see restore.h. */
#include "query/restore.h"

#include "base/memory.h"
#include "base/tick.h"
#include "json/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { NONE = -1 };

struct place {
    int value, ticks; /* columns of the file; ticks NONE: there are none */
    enum column_type type;
    struct buf key; /* "name": */
};

struct query_restore {
    struct place *places;
    size_t n;
    int rest, source;
    struct buf line;
};

/* The types that engine_raw gives a column of ours. */
static enum column_type raw_type(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
    case COLUMN_INT:
    case COLUMN_REAL:
        return type;
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        return COLUMN_LONG;
    default:
        return COLUMN_STRING;
    }
}

/* A whole number of ours, which may be of 32 bits. */
static bool is_small(enum column_type wanted, enum column_type type)
{
    return wanted == COLUMN_LONG && type == COLUMN_INT;
}

static bool find(const struct columns *raw, const char *name, enum column_type type, int *out,
                 struct error *err)
{
    *out = columns_find(raw, str_of(name));
    return (*out >= 0 && (raw->v[*out].type == type || is_small(type, raw->v[*out].type))) ||
           error_set(err, ERROR_FORMAT, "the file has no column '%.200s' of the type it must have",
                     name);
}

static bool find_place(struct place *place, const struct column *column, unsigned char traits,
                       const struct columns *raw, struct error *err)
{
    char ticks[COLUMN_NAME_MAX + 16];
    *place = (struct place){.type = column->type, .ticks = NONE};
    buf_init(&place->key, 8 * COLUMN_NAME_MAX);
    buf_putc(&place->key, '"');
    text_put_json(&place->key, str_of(column->name));
    buf_puts(&place->key, "\":");
    (void) snprintf(ticks, sizeof ticks, "%s__ticks", column->name);
    return buf_ok(&place->key, "a name", err) &&
           find(raw, column->name, raw_type(column->type), &place->value, err) &&
           (!(traits & LAKE_DAY_TICKS) || find(raw, ticks, COLUMN_LONG, &place->ticks, err));
}

struct query_restore *query_restore_new(const struct columns *columns, const unsigned char *traits,
                                        bool rest, const struct columns *raw, struct error *err)
{
    struct query_restore *restore = mem_alloc(1, sizeof *restore, err);
    if (!restore)
        return NULL;
    buf_init(&restore->line, 4 * (size_t) JSON_ROW_MAX);
    restore->rest = NONE;
    restore->places = mem_alloc(columns->n, sizeof *restore->places, err);
    bool ok = restore->places && find(raw, "_weir_source", COLUMN_LONG, &restore->source, err) &&
              (!rest || find(raw, "_weir_rest", COLUMN_STRING, &restore->rest, err));
    for (; ok && restore->n < columns->n; restore->n++)
        ok = find_place(&restore->places[restore->n], &columns->v[restore->n], traits[restore->n],
                        raw, err);
    if (ok)
        return restore;
    query_restore_free(restore);
    return NULL;
}

void query_restore_free(struct query_restore *restore)
{
    if (!restore)
        return;
    for (size_t i = 0; i < restore->n; i++)
        buf_release(&restore->places[i].key);
    buf_release(&restore->line);
    mem_free(restore->places);
    mem_free(restore);
}

/* --- values --------------------------------------------------------------------------------------------- */

/* Text is valid UTF-8 by now: what came was JSON. */
static void put_string(struct buf *line, struct str text)
{
    size_t from = 0;
    buf_putc(line, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char) text.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_put(line, text.p + from, i - from);
        if (c < 0x20)
            buf_printf(line, "\\u%04x", c);
        else
            buf_printf(line, "\\%c", c);
        from = i + 1;
    }
    buf_put(line, text.p + from, text.n - from);
    buf_putc(line, '"');
}

static void put_real(struct buf *line, double value)
{
    if (isfinite(value))
        buf_printf(line, "%.17g", value);
    else
        buf_puts(line, isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
}

static bool put_time(struct buf *line, int64_t micros, int64_t ticks, struct error *err)
{
    char text[TICK_TEXT_MAX];
    int64_t most = (TICK_MAX - TICK_UNIX_EPOCH) / TICK_MICROSECOND;
    int64_t least = -TICK_UNIX_EPOCH / TICK_MICROSECOND;
    if (micros < least || micros > most || ticks < 0 || ticks >= TICK_MICROSECOND)
        return error_set(err, ERROR_FORMAT, "a time of the file is none");
    (void) tick_format(TICK_UNIX_EPOCH + micros * TICK_MICROSECOND + ticks, text);
    buf_printf(line, "\"%s\"", text);
    return true;
}

static int64_t number(const struct engine_chunk *chunk, int column, size_t row)
{
    const struct engine_vector *vector = &chunk->vectors[column];
    return vector->type == COLUMN_INT ? ((const int32_t *) vector->values)[row]
                                      : ((const int64_t *) vector->values)[row];
}

static bool put_value(struct buf *line, const struct place *place, const struct engine_chunk *chunk,
                      size_t row, struct error *err)
{
    const struct engine_vector *vector = &chunk->vectors[place->value];
    char span[TIMESPAN_TEXT_MAX];
    switch (place->type) {
    case COLUMN_BOOL:
        buf_puts(line, ((const bool *) vector->values)[row] ? "true" : "false");
        return true;
    case COLUMN_INT:
        buf_printf(line, "%" PRId32, ((const int32_t *) vector->values)[row]);
        return true;
    case COLUMN_LONG:
        buf_printf(line, "%" PRId64, number(chunk, place->value, row));
        return true;
    case COLUMN_REAL:
        put_real(line, ((const double *) vector->values)[row]);
        return true;
    case COLUMN_DATETIME:
        return put_time(line, number(chunk, place->value, row),
                        place->ticks == NONE ? 0 : number(chunk, place->ticks, row), err);
    case COLUMN_TIMESPAN:
        (void) timespan_format(number(chunk, place->value, row), span);
        buf_printf(line, "\"%s\"", span);
        return true;
    case COLUMN_DYNAMIC:
        buf_put_str(line, engine_text(vector, row));
        return true;
    default:
        put_string(line, engine_text(vector, row));
        return true;
    }
}

/* What is null or an empty text is in no line. */
static bool is_there(const struct place *place, const struct engine_chunk *chunk, size_t row)
{
    const struct engine_vector *vector = &chunk->vectors[place->value];
    return engine_valid(vector, row) && (!vector->text || engine_text(vector, row).n > 0);
}

/* The members of `_weir_rest`, behind the others. */
static bool put_rest(struct query_restore *restore, const struct engine_chunk *chunk, size_t row,
                     bool first, struct error *err)
{
    if (restore->rest == NONE || !engine_valid(&chunk->vectors[restore->rest], row))
        return true;
    struct str rest = str_trim(engine_text(&chunk->vectors[restore->rest], row));
    if (rest.n < 2 || rest.p[0] != '{' || !json_valid(rest))
        return error_set(err, ERROR_FORMAT, "a '_weir_rest' of the file is no JSON object");
    struct str inside = str_trim((struct str){rest.p + 1, rest.n - 2});
    if (inside.n > 0 && !first)
        buf_putc(&restore->line, ',');
    buf_put_str(&restore->line, inside);
    return true;
}

bool query_restore_line(struct query_restore *restore, const struct engine_chunk *chunk, size_t row,
                        struct str *line, struct error *err)
{
    bool first = true, ok = true;
    buf_reset(&restore->line);
    buf_putc(&restore->line, '{');
    for (size_t i = 0; ok && i < restore->n; i++) {
        const struct place *place = &restore->places[i];
        if (!is_there(place, chunk, row))
            continue;
        if (!first)
            buf_putc(&restore->line, ',');
        first = false;
        buf_put_str(&restore->line, buf_str(&place->key));
        ok = put_value(&restore->line, place, chunk, row, err);
    }
    ok = ok && put_rest(restore, chunk, row, first, err);
    buf_putc(&restore->line, '}');
    *line = buf_str(&restore->line);
    return ok && buf_ok(&restore->line, "a row", err);
}

uint32_t query_restore_source(const struct query_restore *restore, const struct engine_chunk *chunk,
                              size_t row)
{
    return (uint32_t) number(chunk, restore->source, row);
}
