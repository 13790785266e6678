/* Lines: a row of the service as one line of the lake; see line.h.
 *
 * A column's `,"Name":` is made once. A line is then a run of copies: name, value, name, value, each with stores
 * that are wider than what is copied (the next copy covers the rest; the bound leaves room for the last).
 * Values are not looked at while they are copied, but noted when their kind alone does not prove their
 * type; the noted ones are checked afterwards in one loop. So the loop that all values pass has no branch
 * that depends on the data, but for long values and dynamic columns.
 */
#include "lake/line.h"

#include "base/hash.h"
#include "base/memory.h"
#include "json/value.h"

#include <endian.h>

enum {
    NAME_WIDE = 48,   /* bytes copied for a name; a longer one is kept apart */
    VALUE_WIDE = 32,  /* bytes copied at once of a value */
    EXCERPT_MAX = 40, /* bytes of a wrong value in a message */
    DYNAMIC_MAX = JSON_ROW_MAX + 64
};

/* Eight digits as one word: less '0' each is below 10, which adding 6 shows in its upper half. */
static const uint64_t DIGITS = UINT64_C(0x3030303030303030), SIXES = UINT64_C(0x0606060606060606),
                      HIGH_HALVES = UINT64_C(0xF0F0F0F0F0F0F0F0);

/* What is known of a column. A cache line each. */
struct slot {
    char name[NAME_WIDE]; /* ,"Name": */
    const char *longer;   /* the same when it does not fit */
    uint16_t n;
    uint8_t plain; /* bit k: kind k needs no check */
    uint8_t type;
    uint32_t reserved;
};

struct lake_line {
    struct columns columns;
    struct slot *slots;
    uint16_t *checks; /* cells of the row at hand that want a check */
    size_t names;     /* bytes of all names together */
    int time, item;   /* columns; item is -1 when there is none */
    bool keep_empty;
    struct buf names_text;
    struct buf dynamic; /* the decoded text of the dynamic value at hand */
};

static uint8_t plain_kinds(enum column_type type)
{
    enum {
        NULLS = 1 << JSON_KIND_NULL,
        BOOLS = 1 << JSON_KIND_FALSE | 1 << JSON_KIND_TRUE,
        NUMBERS = 1 << JSON_KIND_NUMBER,
        STRINGS = 1 << JSON_KIND_STRING,
        NESTED = 1 << JSON_KIND_ARRAY | 1 << JSON_KIND_OBJECT
    };
    switch (type) {
    case COLUMN_BOOL:
        return NULLS | BOOLS;
    case COLUMN_REAL:
    case COLUMN_DECIMAL:
        return NULLS | NUMBERS;
    case COLUMN_STRING:
        return NULLS | STRINGS;
    case COLUMN_DYNAMIC:
        return NULLS | BOOLS | NUMBERS | STRINGS | NESTED;
    default:
        return NULLS;
    }
}

/* Writes the texts of all names one after the other and lets the slots point to them. */
static bool make_slots(struct lake_line *line, struct error *err)
{
    struct buf *text = &line->names_text;
    for (size_t i = 0; i < line->columns.n; i++) {
        const struct column *column = line->columns.v + i;
        size_t before = text->used;
        buf_puts(text, ",\"");
        text_put_json(text, str_of(column->name));
        buf_puts(text, "\":");
        line->slots[i].n = (uint16_t) (text->used - before);
        line->slots[i].type = (uint8_t) column->type;
        line->slots[i].plain = plain_kinds(column->type);
        if ((int) i == line->time)
            line->slots[i].plain |= 1 << JSON_KIND_STRING; /* lake_line_key has seen it */
    }
    if (!buf_ok(text, "the names of the columns", err))
        return false;
    const char *at = buf_text(text);
    for (size_t i = 0; i < line->columns.n; i++) {
        struct slot *slot = line->slots + i;
        slot->longer = slot->n > NAME_WIDE ? at : NULL;
        memcpy(slot->name, at, slot->n > NAME_WIDE ? NAME_WIDE : slot->n);
        at += slot->n;
    }
    line->names = text->used;
    return true;
}

static bool find_keys(struct lake_line *line, struct error *err)
{
    line->time = columns_find(&line->columns, STR("TimeGenerated"));
    line->item = columns_find(&line->columns, STR("_ItemId"));
    if (line->time < 0 || line->columns.v[line->time].type != COLUMN_DATETIME)
        return error_set(err, ERROR_FORMAT,
                         "there is no column TimeGenerated of type datetime, which a lake needs");
    return true;
}

/* The column's cell, or NULL. Cells ascend by column; most often all before it or all behind it are there, else a
 * search without branches that depend on the data finds it. */
static const struct json_cell *find_cell(const struct json_row *row, size_t columns, size_t column)
{
    const struct json_cell *cells = row->cells;
    size_t n = row->count, from_end = columns - column;
    if (column < n && cells[column].column == column)
        return &cells[column];
    if (from_end <= n && cells[n - from_end].column == column)
        return &cells[n - from_end];
    while (n > 1) {
        size_t half = n / 2;
        cells = cells[half].column <= column ? cells + half : cells;
        n -= half;
    }
    return n > 0 && cells->column == column ? cells : NULL;
}

static struct str cell_text(const struct json_row *row, const struct json_cell *cell)
{
    return (struct str){row->bytes + cell->start, cell->length};
}

static bool refuse_value(const struct lake_line *line, const struct json_row *row,
                         const struct json_cell *cell, struct error *err)
{
    const struct column *column = line->columns.v + cell->column;
    struct str text = cell_text(row, cell);
    return error_set(err, ERROR_FORMAT, "column %s is of type %s, but its value is not: %.*s%s",
                     column->name, column_type_name(column->type),
                     (int) (text.n < EXCERPT_MAX ? text.n : EXCERPT_MAX), text.p,
                     text.n > EXCERPT_MAX ? "..." : "");
}

/* At most 8 digits, and nothing else. The text is a JSON number, in a row: bytes behind it can be read. */
static inline bool is_short_whole(struct str text)
{
    uint64_t eight;
    if (text.n > sizeof eight)
        return false;
    memcpy(&eight, text.p, sizeof eight);
    eight = (le64toh(eight) ^ DIGITS) << 8 * (sizeof eight - text.n); /* what follows falls out */
    return (((eight + SIXES) | eight) & HIGH_HALVES) == 0;
}

/* A JSON number without fraction and exponent, in the range of the type. */
static bool is_whole(struct str text, enum column_type type)
{
    int64_t value;
    return str_int64(text, &value) &&
           (type == COLUMN_LONG || (value >= INT32_MIN && value <= INT32_MAX));
}

static bool is_number(struct str text)
{
    bool begins = text.n > 0 && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9'));
    return begins && text.p[text.n - 1] >= '0' && json_valid(text);
}

/* A value whose kind alone does not prove its type. Empty text stands for null in every type. */
static bool check_value(const struct lake_line *line, const struct json_row *row,
                        const struct json_cell *cell)
{
    struct str text = cell_text(row, cell);
    enum column_type type = (enum column_type) line->slots[cell->column].type;
    int64_t value;
    if (type == COLUMN_INT || type == COLUMN_LONG)
        return cell->kind == JSON_KIND_NUMBER && (is_short_whole(text) || is_whole(text, type));
    if (cell->kind != JSON_KIND_STRING)
        return false;
    switch (type) {
    case COLUMN_DATETIME:
        return tick_parse(text, &value);
    case COLUMN_TIMESPAN:
        return timespan_parse(text, &value);
    case COLUMN_GUID:
        return text_is_guid(text);
    case COLUMN_REAL:
        return str_eq(text, STR("NaN")) || str_eq(text, STR("Infinity")) ||
               str_eq(text, STR("-Infinity"));
    case COLUMN_DECIMAL:
        return is_number(text);
    default:
        return false;
    }
}

static inline char *put_name(char *to, const struct slot *slot)
{
    if (slot->longer != NULL)
        memcpy(to, slot->longer, slot->n);
    else
        memcpy(to, slot->name, NAME_WIDE);
    return to + slot->n;
}

static inline char *put_value(char *to, const char *from, size_t n)
{
    memcpy(to, from, VALUE_WIDE);
    if (n > VALUE_WIDE) {
        memcpy(to + VALUE_WIDE, from + VALUE_WIDE, VALUE_WIDE);
        if (n > 2 * (size_t) VALUE_WIDE)
            memcpy(to + 2 * VALUE_WIDE, from + 2 * VALUE_WIDE, n - 2 * VALUE_WIDE);
    }
    return to + n;
}

/* The value as it came, with its quotes when it is a string. */
static inline char *put_cell(char *to, const struct json_row *row, const struct json_cell *cell)
{
    size_t quoted = cell->kind == JSON_KIND_STRING;
    return put_value(to, row->bytes + cell->start - quoted, cell->length + 2 * quoted);
}

/* What a string of a dynamic column holds, as nested JSON; 0 bytes when it is none, or when it holds half
 * a surrogate pair, which UTF-8 cannot. */
static bool nested_text(struct lake_line *line, const struct json_row *row,
                        const struct json_cell *cell, char *to, size_t *n, struct error *err)
{
    struct str text = cell_text(row, cell);
    bool lone = false;
    *n = 0;
    if (cell->escaped) {
        size_t length = 0;
        buf_reset(&line->dynamic);
        if (!buf_reserve(&line->dynamic, text.n))
            return buf_ok(&line->dynamic, "a dynamic value", err);
        if (!json_decode(text, line->dynamic.bytes, &length, &lone) || lone)
            return true;
        text = (struct str){line->dynamic.bytes, length};
    }
    if (!json_compact(text, to, n))
        *n = 0;
    return true;
}

/* A dynamic value; NULL with an error when memory is used up. */
static char *put_dynamic(struct lake_line *line, const struct json_row *row,
                         const struct json_cell *cell, char *to, struct error *err)
{
    size_t n = 0;
    if (cell->kind == JSON_KIND_STRING && !nested_text(line, row, cell, to, &n, err))
        return NULL;
    if ((cell->kind == JSON_KIND_ARRAY || cell->kind == JSON_KIND_OBJECT) &&
        !json_compact(cell_text(row, cell), to, &n))
        n = 0;
    return n > 0 ? to + n : put_cell(to, row, cell);
}

struct lake_line *lake_line_new(const struct columns *columns,
                                const struct lake_line_options *options, struct error *err)
{
    struct lake_line *line = mem_alloc(1, sizeof *line, err);
    if (line == NULL)
        return NULL;
    line->keep_empty = options != NULL && options->keep_empty;
    buf_init(&line->names_text, (size_t) COLUMNS_MAX * (6 * COLUMN_NAME_MAX + 4));
    buf_init(&line->dynamic, DYNAMIC_MAX);
    line->slots = mem_alloc(columns->n, sizeof *line->slots, err);
    line->checks = mem_alloc(columns->n + 1, sizeof *line->checks, err);
    if (line->slots == NULL || line->checks == NULL ||
        !columns_copy(columns, &line->columns, err) || !find_keys(line, err) ||
        !make_slots(line, err)) {
        lake_line_free(line);
        return NULL;
    }
    return line;
}

void lake_line_free(struct lake_line *line)
{
    if (line == NULL)
        return;
    columns_release(&line->columns);
    buf_release(&line->names_text);
    buf_release(&line->dynamic);
    mem_free(line->slots);
    mem_free(line->checks);
    mem_free(line);
}

/* The hash of the _ItemId; KQL takes a missing string for an empty one. */
static bool hash_item(struct lake_line *line, const struct json_row *row, int64_t *item,
                      struct error *err)
{
    const struct json_cell *cell = find_cell(row, line->columns.n, (size_t) line->item);
    struct str text = cell == NULL || cell->kind == JSON_KIND_NULL ? STR("") : cell_text(row, cell);
    if (cell != NULL && cell->escaped) {
        buf_reset(&line->dynamic);
        if (!json_unescape(text, &line->dynamic))
            return buf_ok(&line->dynamic, "an _ItemId", err) && refuse_value(line, row, cell, err);
        text = buf_str(&line->dynamic);
    }
    *item = hash_xx64(text);
    return true;
}

bool lake_line_key(struct lake_line *line, const struct json_row *row, int64_t *tick, int64_t *item,
                   struct error *err)
{
    const struct json_cell *cell = find_cell(row, line->columns.n, (size_t) line->time);
    if (cell == NULL)
        return error_set(err, ERROR_FORMAT, "a row without TimeGenerated");
    if (cell->kind != JSON_KIND_STRING || !tick_parse(cell_text(row, cell), tick))
        return refuse_value(line, row, cell, err);
    *item = 0;
    return line->item < 0 || hash_item(line, row, item, err);
}

size_t lake_line_bound(const struct lake_line *line, const struct json_row *row)
{
    return line->names + row->length + 3; /* {} and line feed */
}

bool lake_line_write(struct lake_line *line, const struct json_row *row, char *to, size_t *length,
                     struct error *err)
{
    const struct slot *slots = line->slots;
    uint16_t *checks = line->checks;
    size_t n_checks = 0;
    char *out = to;
    for (size_t i = 0; i < row->count; i++) {
        const struct json_cell *cell = row->cells + i;
        const struct slot *slot = slots + cell->column;
        bool empty = cell->kind == JSON_KIND_NULL || cell->length == 0;
        if (empty && !line->keep_empty)
            continue;
        out = put_name(out, slot);
        if (slot->type == COLUMN_DYNAMIC) {
            out = put_dynamic(line, row, cell, out, err);
            if (out == NULL)
                return false;
            continue;
        }
        out = put_cell(out, row, cell);
        checks[n_checks] = (uint16_t) i;
        n_checks += !(empty || (slot->plain >> cell->kind & 1));
    }
    for (size_t i = 0; i < n_checks; i++)
        if (!check_value(line, row, row->cells + checks[i]))
            return refuse_value(line, row, row->cells + checks[i], err);
    out += out == to; /* a row without values still has its brace */
    *to = '{';
    out[0] = '}';
    out[1] = '\n';
    *length = (size_t) (out + 2 - to);
    return true;
}
