/* Rows by value: see row.h.
 *
 * A row is the hash of its columns' marks (mark.h) in the order of the columns. Nothing of this is kept anywhere, so it may
 * change from version to version.
 */
#include "lake/rows.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
    EXTRAS_MAX = 1 << 20, /* keys of a line that are no columns */
    NAMES_MAX = 1 << 20   /* bytes of the keys of places */
};

/* The text of a cell: a string's characters; of anything else its JSON without white space. */
static bool cell_text(const struct json_object *object, size_t key, struct buf *to, struct str *out)
{
    const struct json_cell *cell = &object->cells[key];
    struct str raw = {object->bytes.p + cell->start, cell->length};
    if (cell->kind == JSON_KIND_STRING)
        return mark_decode(raw, to, out);
    *out = raw;
    if (cell->kind != JSON_KIND_ARRAY && cell->kind != JSON_KIND_OBJECT)
        return true;
    buf_reset(to);
    if (!json_minify(raw, to))
        return false;
    *out = buf_str(to);
    return true;
}

static bool is_empty(const struct json_object *object, size_t key)
{
    const struct json_cell *cell = &object->cells[key];
    return !object->present[key] || cell->kind == JSON_KIND_NULL || cell->length == 0;
}

static bool mark_cell(struct lake_rows *rows, const struct json_object *object, size_t key,
                      struct mark *out)
{
    const struct json_cell *cell = &object->cells[key];
    struct str text;
    if (rows->columns.v[key].type == COLUMN_DYNAMIC) {
        size_t quote = cell->kind == JSON_KIND_STRING;
        struct str value = {object->bytes.p + cell->start - quote, cell->length + 2 * quote};
        return mark_dynamic(&rows->marks, value, (enum json_kind) cell->kind, out);
    }
    if (!cell_text(object, key, &rows->marks.outer[0], &text))
        return false;
    if (!mark_typed(&rows->marks, text, rows->columns.v[key].type, out))
        *out = mark_text(MARK_TEXT, text);
    return !rows->marks.text.failed;
}

static bool no_row(struct error *err, const char *why)
{
    (void) error_set(err, ERROR_FORMAT, "%s", why);
    return false;
}

static bool no_value(struct lake_rows *rows, struct error *err)
{
    return buf_ok(&rows->marks.text, "a value", err) &&
           buf_ok(&rows->marks.outer[0], "a value", err) &&
           no_row(err, "a value that is nested too deep");
}

static void feed_mark(struct lake_rows *rows, size_t column, const struct mark *mark, size_t *n)
{
    if (mark->kind == MARK_NONE)
        return;
    rows->feed[*n] = column;
    memcpy(rows->feed + *n + 1, mark, sizeof *mark);
    *n += MARK_WORDS;
}

static bool find_value(struct lake_rows *rows, const struct json_object *object,
                       struct lake_row_key *out, struct error *err)
{
    size_t n = 0;
    uint64_t hash[2];
    for (size_t i = 0; i < rows->columns.n; i++) {
        struct mark mark;
        if (!rows->in_value[i] || is_empty(object, i))
            continue;
        if (!mark_cell(rows, object, i, &mark))
            return no_value(rows, err);
        feed_mark(rows, i, &mark, &n);
    }
    hash_xx128(mark_words(rows->feed, n), hash);
    *out = (struct lake_row_key){.high = hash[1], .low = hash[0]};
    return true;
}

static bool find_item(struct lake_rows *rows, const struct json_object *object,
                      struct lake_row *out, struct error *err)
{
    struct str item = STR("");
    uint64_t hash[2];
    bool is_text =
        !is_empty(object, rows->item) && object->cells[rows->item].kind == JSON_KIND_STRING;
    if (is_text && !cell_text(object, rows->item, &rows->marks.text, &item))
        return buf_ok(&rows->marks.text, "an _ItemId", err) &&
               no_row(err, "an _ItemId that is no text");
    out->has_item = item.n > 0;
    out->item = hash_xx64(item);
    if (!out->has_item)
        return true;
    hash_xx128(item, hash);
    out->id = (struct lake_row_key){.high = hash[1], .low = hash[0]};
    return true;
}

enum told rows_tell_text(const struct place *place, struct str text, int64_t *tick)
{
    enum tick_read read =
        place->form == PLACE_US ? tick_read_us(text, tick) : tick_read(text, tick);
    if (read == TICK_NO_TIME && place->form == PLACE_US)
        return TOLD_NONE;
    if (read == TICK_WALL)
        return place->zone == ZONE_UTC    ? TOLD_TIME
               : place->zone == ZONE_NONE ? TOLD_NONE
                                          : TOLD_UNSURE;
    return read == TICK_UTC ? TOLD_TIME : TOLD_UNSURE;
}

static enum told tell_place(struct lake_rows *rows, const struct place *place,
                            const struct json_object *object, int64_t *tick)
{
    struct str text;
    if (is_empty(object, place->key) ||
        !cell_text(object, place->key, &rows->marks.outer[0], &text))
        return TOLD_NONE;
    if (place->form == PLACE_SECONDS || place->form == PLACE_MILLISECONDS)
        return tick_read_epoch(text,
                               place->form == PLACE_SECONDS ? TICK_EPOCH_SECONDS
                                                            : TICK_EPOCH_MILLISECONDS,
                               tick) == TICK_UTC
                   ? TOLD_TIME
                   : TOLD_NONE;
    return object->cells[place->key].kind == JSON_KIND_STRING ? rows_tell_text(place, text, tick)
                                                              : TOLD_NONE;
}

/* The time that other places tell, or, with `own`, those that are of TimeGenerated itself. Unsure: there is a value that
 * only a reader who knows all zones and forms can tell. */
static enum told find_place(struct lake_rows *rows, const struct json_object *object, bool own,
                            int64_t *tick)
{
    enum told told = TOLD_NONE;
    for (size_t i = 0; i < rows->n_places && told == TOLD_NONE; i++)
        if ((rows->places[i].key == rows->time) == own)
            told = tell_place(rows, &rows->places[i], object, tick);
    return told;
}

/* The row's own time, if it is one: a text that names its zone, else as its place says, else of UTC. */
static bool own_time(struct lake_rows *rows, const struct json_object *object, int64_t *tick)
{
    struct str text = STR("");
    int64_t wall = 0;
    bool is_text = object->cells[rows->time].kind == JSON_KIND_STRING;
    if (!cell_text(object, rows->time, &rows->marks.text, &text))
        return false;
    enum tick_read read = is_text ? tick_read(text, tick) : TICK_NO_TIME;
    if (read == TICK_UTC)
        return true;
    wall = *tick;
    if (find_place(rows, object, true, tick) == TOLD_TIME)
        return true;
    *tick = wall;
    return read == TICK_WALL && wall >= 0;
}

static bool find_time(struct lake_rows *rows, const struct json_object *object, int64_t *tick,
                      struct error *err)
{
    bool told = is_empty(object, rows->time) ? find_place(rows, object, false, tick) == TOLD_TIME
                                             : own_time(rows, object, tick);
    return told || no_row(err, "a row without TimeGenerated");
}

/* One object and nothing else. */
static bool find_object(struct lake_rows *rows, struct str line, struct json_object *out,
                        struct error *err)
{
    size_t at = 0;
    if (str_starts(line, STR("\xef\xbb\xbf")))
        line = (struct str){line.p + 3, line.n - 3};
    line = str_trim(line);
    if (line.n == 0 || line.p[0] != '{' || line.n > JSON_ROW_MAX)
        return no_row(err, "a line that is no JSON object");
    json_lines_reset(rows->lines);
    int found = json_lines_next(rows->lines, line, &at, true, out, err);
    if (found > 0 && out->bytes.n == line.n)
        return true;
    return found < 0 ? false : no_row(err, "a line that is no whole JSON object");
}

bool lake_row_read(struct lake_rows *rows, struct str line, bool value, struct lake_row *out,
                   struct error *err)
{
    struct json_object object;
    *out = (struct lake_row){0};
    buf_reset(&rows->marks.text);
    return find_object(rows, line, &object, err) && find_time(rows, &object, &out->tick, err) &&
           find_item(rows, &object, out, err) &&
           (!value || find_value(rows, &object, &out->value, err));
}

/* --- the whole line --- */

/* The number of the column of that name, or columns.n. `guess` is where it usually is. */
static size_t find_column(const struct lake_rows *rows, struct str key, size_t guess)
{
    size_t low = 0, high = rows->columns.n;
    if (guess < rows->columns.n && str_eq(key, rows->keys[guess]))
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(rows->keys[rows->sorted[middle]], key);
        if (order == 0)
            return rows->sorted[middle];
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    return rows->columns.n;
}

static bool add_extra(struct lake_rows *rows, struct str key, const struct json_member *member,
                      struct error *err)
{
    if (!mem_reserve(&rows->extras, &rows->extras_room, rows->n_extras, EXTRAS_MAX,
                     sizeof *rows->extras, err))
        return false;
    struct extra *extra = &rows->extras[rows->n_extras];
    *extra = (struct extra){.place = rows->n_extras, .mark = mark_of(MARK_NONE, 0)};
    hash_xx128(key, extra->key);
    bool empty = member->kind == JSON_KIND_STRING && member->value.n == 2;
    if (!empty && !mark_json(&rows->marks, member->value, member->kind, 1, &extra->mark))
        return no_value(rows, err);
    rows->n_extras++;
    return true;
}

/* Whether a key of the line is no column: those that are looked for beside them are none either. */
static bool has_extras(const struct lake_rows *rows, const struct json_object *object)
{
    bool any = object->others > 0;
    for (size_t key = rows->columns.n; key < rows->n_keys; key++)
        any = any || object->present[key];
    return any;
}

static bool find_extras(struct lake_rows *rows, const struct json_object *object, struct error *err)
{
    struct json_member member;
    struct str key;
    size_t at = 0, guess = 0;
    rows->n_extras = 0;
    if (!has_extras(rows, object))
        return true;
    while (json_next(object->bytes, &at, &member)) {
        if (!mark_decode(member.key, &rows->marks.outer[0], &key))
            return no_value(rows, err);
        size_t column = find_column(rows, key, guess);
        guess = column + 1;
        if (column == rows->columns.n && !add_extra(rows, key, &member, err))
            return false;
    }
    return true;
}

/* By key, then by place. */
static int compare_extras(const void *left, const void *right)
{
    const struct extra *a = left, *b = right;
    int order = memcmp(a->key, b->key, sizeof a->key);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* Their sum: the last of each key. */
static void sum_extras(struct lake_rows *rows, struct lake_row_key *sum)
{
    if (rows->n_extras > 1)
        qsort(rows->extras, rows->n_extras, sizeof *rows->extras, compare_extras);
    for (size_t i = 0; i < rows->n_extras; i++) {
        const struct extra *extra = &rows->extras[i];
        uint64_t one[2 + 3];
        if (extra->mark.kind == MARK_NONE ||
            (i + 1 < rows->n_extras && memcmp(extra->key, extra[1].key, sizeof extra->key) == 0))
            continue;
        memcpy(one, extra->key, sizeof extra->key);
        memcpy(one + 2, &extra->mark, sizeof extra->mark);
        hash_xx128(mark_words(one, 5), one);
        lake_row_sum(sum, &(struct lake_row_key){.high = one[1], .low = one[0]});
    }
}

/* TimeGenerated as the line tells it, or as the other places do; nothing where one of them needs a reader who knows all
 * zones, since a row that was converted has its time by then, and must be the same. */
static bool mark_own_time(struct lake_rows *rows, const struct json_object *object,
                          struct mark *out)
{
    int64_t tick = 0;
    enum told told = find_place(rows, object, false, &tick);
    *out = mark_of(MARK_NONE, 0);
    if (rows->unsure || told == TOLD_UNSURE)
        return true;
    if (is_empty(object, rows->time)) {
        *out = told == TOLD_TIME ? mark_of(MARK_TIME, (uint64_t) tick) : *out;
        return true;
    }
    if (!own_time(rows, object, &tick))
        return mark_cell(rows, object, rows->time, out);
    *out = mark_of(MARK_TIME, (uint64_t) tick);
    return true;
}

static bool sum_columns(struct lake_rows *rows, const struct json_object *object,
                        struct lake_row_key *out, struct error *err)
{
    size_t n = 0;
    uint64_t hash[2];
    for (size_t i = 0; i < rows->columns.n; i++) {
        struct mark mark;
        if (i != rows->time && is_empty(object, i))
            continue;
        if (!(i == rows->time ? mark_own_time(rows, object, &mark)
                              : mark_cell(rows, object, i, &mark)))
            return no_value(rows, err);
        feed_mark(rows, i, &mark, &n);
    }
    hash_xx128(mark_words(rows->feed, n), hash);
    *out = (struct lake_row_key){.high = hash[1], .low = hash[0]};
    return true;
}

struct lake_row_key rows_whole_of(const struct lake_row_key *columns,
                                  const struct lake_row_key *extras)
{
    uint64_t both[4];
    memcpy(both, columns, sizeof *columns);
    memcpy(both + 2, extras, sizeof *extras);
    hash_xx128(mark_words(both, 4), both);
    return (struct lake_row_key){.high = both[1], .low = both[0]};
}

bool lake_row_whole(struct lake_rows *rows, struct str line, struct lake_row_key *out,
                    struct error *err)
{
    struct json_object object;
    struct lake_row_key extras = {0};
    buf_reset(&rows->marks.text);
    buf_reset(&rows->marks.outer[0]);
    if (!find_object(rows, line, &object, err) || !sum_columns(rows, &object, out, err) ||
        !find_extras(rows, &object, err))
        return false;
    sum_extras(rows, &extras);
    *out = rows_whole_of(out, &extras);
    return true;
}

void lake_row_sum(struct lake_row_key *sum, const struct lake_row_key *one)
{
    sum->low += one->low;
    sum->high += one->high + (sum->low < one->low);
}

/* --- some columns --- */

/* TimeGenerated, or what stands in for it: as a time where the text says which, else by its text. */
static bool mark_any_time(struct lake_rows *rows, const struct json_object *object,
                          struct mark *out)
{
    struct str text;
    size_t key = rows->time;
    for (size_t i = 0; i < rows->n_places && is_empty(object, key); i++)
        key = rows->places[i].key;
    *out = mark_of(MARK_NONE, 0);
    if (is_empty(object, key))
        return true;
    int64_t tick;
    bool told = key != rows->time && find_place(rows, object, false, &tick) == TOLD_TIME;
    if (!cell_text(object, key, &rows->marks.outer[0], &text))
        return false;
    told = told || (key == rows->time && object->cells[key].kind == JSON_KIND_STRING &&
                    tick_read(text, &tick) == TICK_UTC);
    *out = told ? mark_of(MARK_TIME, (uint64_t) tick) : mark_text(MARK_TEXT, text);
    return true;
}

bool lake_row_chosen(struct lake_rows *rows, struct str line, const bool *chosen,
                     struct lake_row_key *out, bool *any, bool *filled, struct error *err)
{
    struct json_object object;
    uint64_t hash[2];
    size_t n = 0;
    buf_reset(&rows->marks.text);
    buf_reset(&rows->marks.outer[0]);
    if (!find_object(rows, line, &object, err))
        return false;
    for (size_t i = 0; i < rows->columns.n; i++) {
        struct mark mark;
        if (!chosen[i] || (i != rows->time && is_empty(&object, i)))
            continue;
        if (!(i == rows->time ? mark_any_time(rows, &object, &mark)
                              : mark_cell(rows, &object, i, &mark)))
            return no_value(rows, err);
        feed_mark(rows, i, &mark, &n);
        if (filled && mark.kind != MARK_NONE)
            filled[i] = true;
    }
    *any = n > 0;
    hash_xx128(mark_words(rows->feed, n), hash);
    *out = (struct lake_row_key){.high = hash[1], .low = hash[0]};
    return true;
}

/* --- the columns --- */

static int compare_names(const void *left, const void *right, void *keys)
{
    const struct str *v = keys;
    return str_compare(v[*(const size_t *) left], v[*(const size_t *) right]);
}

static void find_keys(struct lake_rows *rows)
{
    static const char *const apart[] = {"_ItemId", "TenantId", "Type"};
    for (size_t i = 0; i < rows->columns.n; i++) {
        rows->keys[i] = str_of(rows->columns.v[i].name);
        rows->in_value[i] = true;
        for (size_t k = 0; k < sizeof apart / sizeof apart[0]; k++)
            if (str_eq(rows->keys[i], str_of(apart[k])))
                rows->in_value[i] = false;
    }
    int item = columns_find(&rows->columns, STR("_ItemId"));
    rows->n_keys = rows->columns.n + (item < 0);
    rows->item = item < 0 ? rows->columns.n : (size_t) item;
    rows->keys[rows->item] = STR("_ItemId");
    for (size_t i = 0; i < rows->columns.n; i++)
        rows->sorted[i] = i;
    qsort_r(rows->sorted, rows->columns.n, sizeof *rows->sorted, compare_names, rows->keys);
}

static bool begin_lines(struct lake_rows *rows, struct error *err)
{
    const struct json_lines_options options = {.keys = rows->keys, .count = rows->n_keys};
    json_lines_free(rows->lines);
    rows->lines = json_lines_new(&options, err);
    return rows->lines != NULL;
}

static bool rows_init(struct lake_rows *rows, const struct columns *columns, struct error *err)
{
    int time = columns_find(columns, STR("TimeGenerated"));
    marks_init(&rows->marks);
    arena_init(&rows->names, NAMES_MAX);
    if (time < 0 || columns->v[time].type != COLUMN_DATETIME)
        return error_set(err, ERROR_FORMAT, "there is no column TimeGenerated of type datetime");
    rows->time = (size_t) time;
    rows->keys = mem_alloc(columns->n + 1 + LAKE_FROM_MAX, sizeof *rows->keys, err);
    rows->sorted = mem_alloc(columns->n, sizeof *rows->sorted, err);
    rows->in_value = mem_alloc(columns->n + 1, sizeof *rows->in_value, err);
    rows->feed = mem_alloc(columns->n * MARK_WORDS + 1, sizeof *rows->feed, err);
    if (!rows->keys || !rows->sorted || !rows->in_value || !rows->feed ||
        !columns_copy(columns, &rows->columns, err))
        return false;
    find_keys(rows);
    return begin_lines(rows, err);
}

struct lake_rows *lake_rows_new(const struct columns *columns, struct error *err)
{
    struct lake_rows *rows = mem_alloc(1, sizeof *rows, err);
    if (rows && rows_init(rows, columns, err))
        return rows;
    lake_rows_free(rows);
    return NULL;
}

void lake_rows_free(struct lake_rows *rows)
{
    if (!rows)
        return;
    json_lines_free(rows->lines);
    columns_release(&rows->columns);
    mem_free(rows->keys);
    mem_free(rows->sorted);
    mem_free(rows->extras);
    arena_release(&rows->names);
    mem_free(rows->in_value);
    mem_free(rows->feed);
    marks_release(&rows->marks);
    mem_free(rows);
}

/* The number of a key in the scanner's list, added when it is new. */
static bool use_key(struct lake_rows *rows, const char *key, size_t *out, struct error *err)
{
    for (*out = 0; *out < rows->n_keys; ++*out)
        if (str_eq(rows->keys[*out], str_of(key)))
            return true;
    const char *copy = arena_copy(&rows->names, key, strlen(key), err);
    if (!copy)
        return false;
    rows->keys[rows->n_keys++] = str_of(copy);
    return true;
}

static struct place place_of(const struct lake_from *from)
{
    static const char *const forms[] = {[PLACE_ISO] = "iso",
                                        [PLACE_US] = "us",
                                        [PLACE_SECONDS] = "epoch-s",
                                        [PLACE_MILLISECONDS] = "epoch-ms"};
    struct place place = {.zone = from->zone && !from->zone[0]                    ? ZONE_NONE
                                  : !from->zone || strcmp(from->zone, "UTC") == 0 ? ZONE_UTC
                                                                                  : ZONE_OTHER};
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(from->format, forms[i]) == 0)
            place.form = i;
    return place;
}

bool lake_rows_from(struct lake_rows *rows, const struct lake_from *from, size_t n,
                    struct error *err)
{
    if (n > LAKE_FROM_MAX)
        return error_set(err, ERROR_LIMIT, "a table's time is in more than %d places",
                         LAKE_FROM_MAX);
    rows->n_places = 0;
    for (size_t i = 0; i < n; i++) {
        struct place *place = &rows->places[rows->n_places++];
        *place = place_of(&from[i]);
        if (!use_key(rows, from[i].key, &place->key, err))
            return false;
        rows->unsure = rows->unsure || (place->key == rows->time && place->zone == ZONE_OTHER);
    }
    return begin_lines(rows, err);
}
