/* Records of compacted days: see day.h. */
#include "lake/day.h"

#include "lake/fields.h"

#include <ctype.h>
#include <stdlib.h>

enum { BY_MAX = 256, FILE_NAME_MAX = 64, HASH_BYTES = 16 };

static const char format_name[] = "weir-day";
static const char extension[] = ".jsonl";

/* --- names --- */

void lake_days_prefix(struct buf *out, const struct lake_place *place)
{
    lake_own_name(out, place, "days");
}

void lake_parquet_prefix(struct buf *out, const struct lake_place *place)
{
    lake_own_name(out, place, "parquet");
}

static void put_levels(struct buf *out, int64_t day)
{
    struct tick_civil c = tick_civil(day);
    buf_printf(out, "y=%04d/m=%02d/d=%02d", c.year, c.month, c.day);
}

void lake_day_name(struct buf *out, const struct lake_place *place, int64_t day)
{
    lake_days_prefix(out, place);
    buf_putc(out, '/');
    put_levels(out, day);
    buf_puts(out, extension);
}

void lake_day_folder(struct buf *out, const struct lake_place *place, int64_t day)
{
    lake_parquet_prefix(out, place);
    buf_putc(out, '/');
    put_levels(out, day);
}

/* The day in y=2021/m=11/d=07.jsonl. */
static bool parse_name(struct str name, int64_t *day)
{
    struct str part;
    if (!str_ends(name, STR(".jsonl")))
        return false;
    name.n -= strlen(extension);
    return lake_parse_day(&name, day) && !str_split(&name, '/', &part);
}

/* --- writing --- */

static void put_hex(struct buf *out, const char *key, const void *bytes, size_t n)
{
    char hex[HASH_SHA256_HEX];
    text_hex(bytes, n, hex);
    fields_put_text(out, key, hex);
}

static void put_hash(struct buf *out, const struct lake_row_key *hash)
{
    unsigned char bytes[HASH_BYTES];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char) (hash->high >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char) (hash->low >> (56 - 8 * i));
    }
    put_hex(out, "hash", bytes, sizeof bytes);
}

static void put_head(struct buf *out, const struct lake_place *place, const struct lake_day *day)
{
    buf_printf(out, "{\"format\":\"%s\",\"version\":%d", format_name, LAKE_DAY_VERSION);
    fields_put_text(out, "workspace", place->workspace_id);
    fields_put_text(out, "table", place->table);
    fields_put_tick(out, "day", day->day);
    fields_put_text(out, "by", day->by);
    fields_put_tick(out, "at", day->at);
    buf_printf(out, ",\"rows\":%llu,\"doubled\":%llu", (unsigned long long) day->rows,
               (unsigned long long) day->doubled);
    put_hash(out, &day->hash);
    if (day->instead)
        fields_put_text(out, "instead", day->instead);
    buf_puts(out, "}\n");
}

static void put_columns(struct buf *out, const struct lake_day_file *file)
{
    buf_puts(out, ",\"columns\":[");
    for (size_t i = 0; i < file->columns.n; i++) {
        buf_puts(out, i > 0 ? ",{\"name\":\"" : "{\"name\":\"");
        text_put_json(out, str_of(file->columns.v[i].name));
        buf_printf(out, "\",\"type\":\"%s\"", column_type_name(file->columns.v[i].type));
        if (file->traits[i] & LAKE_DAY_TICKS)
            buf_puts(out, ",\"ticks\":true");
        if (file->traits[i] & LAKE_DAY_MENDED)
            buf_puts(out, ",\"rest\":true");
        buf_putc(out, '}');
    }
    buf_puts(out, "]");
}

static void put_file(struct buf *out, const struct lake_day_file *file)
{
    buf_puts(out, "{\"file\":\"");
    text_put_json(out, str_of(file->name));
    buf_printf(out, "\",\"rows\":%llu,\"timeless\":%llu,\"bytes\":%llu",
               (unsigned long long) file->rows, (unsigned long long) file->timeless,
               (unsigned long long) file->bytes);
    if (file->rows > file->timeless) {
        fields_put_tick(out, "first", file->first);
        fields_put_tick(out, "last", file->last);
    }
    put_hex(out, "sha256", file->sha256, sizeof file->sha256);
    if (file->rest)
        buf_puts(out, ",\"rest\":true");
    put_columns(out, file);
    buf_puts(out, "}\n");
}

#define X(name, text) text,
static const char *const gones[] = {LAKE_DAY_GONES(X)};
#undef X

static void put_source(struct buf *out, const struct lake_day_source *source)
{
    buf_puts(out, "{\"source\":\"");
    text_put_json(out, str_of(source->name));
    buf_printf(out, "\",\"bytes\":%llu", (unsigned long long) source->size);
    put_hex(out, "sha256", source->sha256, sizeof source->sha256);
    if (source->gone != LAKE_DAY_KEPT)
        fields_put_text(out, "gone", gones[source->gone]);
    buf_puts(out, "}\n");
}

bool lake_day_put(struct buf *out, const struct lake_place *place, const struct lake_day *day,
                  struct error *err)
{
    size_t begin = out->used;
    char hex[HASH_SHA256_HEX];
    put_head(out, place, day);
    for (size_t i = 0; i < day->file_count; i++)
        put_file(out, &day->files[i]);
    for (size_t i = 0; i < day->source_count; i++)
        put_source(out, &day->sources[i]);
    if (!buf_ok(out, "the record of a day", err) ||
        !hash_sha256_hex((struct str){out->bytes + begin, out->used - begin}, hex, err))
        return false;
    fields_put_tail(out, day->file_count + day->source_count, hex);
    return buf_ok(out, "the record of a day", err);
}

bool lake_day_write(struct store *store, const struct lake_place *place, const struct lake_day *day,
                    struct error *err)
{
    struct buf text = BUF_INIT(LAKE_DAY_BYTES_MAX), name = BUF_INIT(LAKE_NAME_MAX);
    lake_day_name(&name, place, day->day);
    bool ok = buf_ok(&name, "the name of a record", err) && lake_day_put(&text, place, day, err) &&
              store_put(store, buf_text(&name), buf_str(&text), err) && store_sync(store, err);
    buf_release(&text);
    buf_release(&name);
    return ok;
}

/* --- reading --- */

#define HEAD_KEYS(X)                                                                               \
    X(FORMAT, "format")                                                                            \
    X(VERSION, "version")                                                                          \
    X(WORKSPACE, "workspace")                                                                      \
    X(TABLE, "table")                                                                              \
    X(DAY, "day")                                                                                  \
    X(BY, "by")                                                                                    \
    X(AT, "at")                                                                                    \
    X(ROWS, "rows")                                                                                \
    X(DOUBLED, "doubled")                                                                          \
    X(HASH, "hash")                                                                                \
    X(INSTEAD, "instead")
#define FILE_KEYS(X)                                                                               \
    X(FILE, "file")                                                                                \
    X(ROWS, "rows")                                                                                \
    X(TIMELESS, "timeless")                                                                        \
    X(BYTES, "bytes")                                                                              \
    X(FIRST, "first")                                                                              \
    X(LAST, "last")                                                                                \
    X(SHA256, "sha256")                                                                            \
    X(REST, "rest")                                                                                \
    X(COLUMNS, "columns")
#define SOURCE_KEYS(X) X(SOURCE, "source") X(BYTES, "bytes") X(SHA256, "sha256") X(GONE, "gone")
#define COLUMN_KEYS(X) X(NAME, "name") X(TYPE, "type") X(TICKS, "ticks") X(REST, "rest")

#define X(name, text) HEAD_##name,
enum head_key { HEAD_KEYS(X) HEAD_COUNT };
#undef X
#define X(name, text) FILE_##name,
enum file_key { FILE_KEYS(X) FILE_COUNT };
#undef X
#define X(name, text) SOURCE_##name,
enum source_key { SOURCE_KEYS(X) SOURCE_COUNT };
#undef X
#define X(name, text) COLUMN_KEY_##name,
enum column_key { COLUMN_KEYS(X) COLUMN_KEY_COUNT };
#undef X
#define X(name, text) text,
static const char *const head_keys[] = {HEAD_KEYS(X)};
static const char *const file_keys[] = {FILE_KEYS(X)};
static const char *const source_keys[] = {SOURCE_KEYS(X)};
static const char *const column_keys[] = {COLUMN_KEYS(X)};
#undef X

/* One record that is being read. */
struct reading {
    const struct lake_place *place;
    struct arena *arena;
    struct lake_day *out;
    size_t lines;      /* between head and end */
    struct buf levels; /* of its day, with a slash behind */
    struct error *err;
};

static bool read_hash(const struct fields *f, struct lake_row_key *out)
{
    unsigned char bytes[HASH_BYTES];
    if (!fields_hash(f, HEAD_HASH, bytes, sizeof bytes))
        return false;
    *out = (struct lake_row_key){0};
    for (int i = 0; i < 8; i++) {
        out->high = out->high << 8 | bytes[i];
        out->low = out->low << 8 | bytes[8 + i];
    }
    return true;
}

static bool read_head(struct reading *reading, struct str line)
{
    struct lake_day *day = reading->out;
    struct fields f = {.keys = head_keys, .n = HEAD_COUNT, .line = 1, .err = reading->err};
    struct str workspace, table;
    if (!fields_take(line, &f) ||
        !fields_version(&f, HEAD_FORMAT, HEAD_VERSION, format_name, LAKE_DAY_VERSION) ||
        !fields_raw(&f, HEAD_WORKSPACE, &workspace) || !fields_raw(&f, HEAD_TABLE, &table))
        return false;
    if (!str_eq(table, str_of(reading->place->table)) ||
        !str_eq_case(workspace, str_of(reading->place->workspace_id)))
        return error_set(reading->err, ERROR_FORMAT, "it is of another table");
    if (!fields_tick(&f, HEAD_DAY, &day->day) || !fields_tick(&f, HEAD_AT, &day->at) ||
        !fields_text(&f, HEAD_BY, BY_MAX, false, reading->arena, &day->by) ||
        !fields_number(&f, HEAD_ROWS, &day->rows) ||
        !fields_number(&f, HEAD_DOUBLED, &day->doubled) || !read_hash(&f, &day->hash) ||
        (f.has[HEAD_INSTEAD] && !fields_text(&f, HEAD_INSTEAD, LAKE_DAY_INSTEAD_MAX, false,
                                             reading->arena, &day->instead)))
        return false;
    if (day->day % TICK_DAY != 0)
        return fields_bad(&f, HEAD_DAY);
    put_levels(&reading->levels, day->day);
    buf_putc(&reading->levels, '/');
    return buf_ok(&reading->levels, "a day", reading->err);
}

/* A member that is true, or not there. */
static bool read_flag(const struct fields *f, size_t key, bool *out)
{
    *out = f->has[key];
    return !f->has[key] || f->v[key].kind == JSON_KIND_TRUE || fields_bad(f, key);
}

static bool read_column(struct reading *reading, struct str object, size_t line,
                        struct column *column, unsigned char *traits)
{
    struct fields f = {
        .keys = column_keys, .n = COLUMN_KEY_COUNT, .line = line, .err = reading->err};
    const char *name;
    struct str type;
    bool ticks, rest;
    if (!fields_take(object, &f) ||
        !fields_text(&f, COLUMN_KEY_NAME, COLUMN_NAME_MAX, false, reading->arena, &name) ||
        !fields_raw(&f, COLUMN_KEY_TYPE, &type) || !read_flag(&f, COLUMN_KEY_TICKS, &ticks) ||
        !read_flag(&f, COLUMN_KEY_REST, &rest))
        return false;
    if (!column_type_parse(type, &column->type))
        return fields_bad(&f, COLUMN_KEY_TYPE);
    column->name = arena_copy(reading->arena, name, strlen(name), reading->err);
    *traits = (unsigned char) ((ticks ? LAKE_DAY_TICKS : 0) | (rest ? LAKE_DAY_MENDED : 0));
    return column->name != NULL;
}

static bool read_columns(struct reading *reading, const struct fields *f,
                         struct lake_day_file *file)
{
    struct json_member member;
    size_t n = 0, at = 0, i = 0;
    struct str array = f->has[FILE_COLUMNS] ? f->v[FILE_COLUMNS].value : STR("");
    if (!f->has[FILE_COLUMNS] || f->v[FILE_COLUMNS].kind != JSON_KIND_ARRAY)
        return fields_bad(f, FILE_COLUMNS);
    while (json_next(array, &at, &member))
        n++;
    if (n > COLUMNS_MAX)
        return fields_bad(f, FILE_COLUMNS);
    struct column *columns = arena_alloc(reading->arena, n, sizeof *columns, reading->err);
    unsigned char *traits = arena_alloc(reading->arena, n, 1, reading->err);
    if (!columns || !traits)
        return false;
    for (at = 0; i < n && json_next(array, &at, &member); i++)
        if (!read_column(reading, member.value, f->line, &columns[i], &traits[i]))
            return false;
    file->columns = (struct columns){.v = columns, .n = n};
    file->traits = traits;
    return true;
}

/* One of the day's folder, and of no other; its name can lead nowhere else. */
static bool is_file_name(const struct reading *reading, const char *name)
{
    struct str text = str_of(name), levels = buf_str(&reading->levels);
    if (!str_starts(text, levels) || !str_ends(text, STR(".parquet")) ||
        text.n > levels.n + FILE_NAME_MAX)
        return false;
    for (size_t i = levels.n; i < text.n; i++)
        if (!isalnum((unsigned char) text.p[i]) && text.p[i] != '-' && text.p[i] != '.')
            return false;
    return text.n > levels.n + strlen(".parquet") && text.p[levels.n] != '.';
}

static bool read_file(struct reading *reading, const struct fields *f)
{
    struct lake_day_file *file = &reading->out->files[reading->out->file_count];
    *file = (struct lake_day_file){0};
    if (!fields_text(f, FILE_FILE, STORE_NAME_MAX, false, reading->arena, &file->name) ||
        !fields_number(f, FILE_ROWS, &file->rows) ||
        !fields_number(f, FILE_TIMELESS, &file->timeless) ||
        !fields_number(f, FILE_BYTES, &file->bytes) ||
        !fields_hash(f, FILE_SHA256, file->sha256, sizeof file->sha256) ||
        !read_flag(f, FILE_REST, &file->rest) || !read_columns(reading, f, file))
        return false;
    if (file->rows > file->timeless &&
        (!fields_tick(f, FILE_FIRST, &file->first) || !fields_tick(f, FILE_LAST, &file->last)))
        return false;
    if (!is_file_name(reading, file->name))
        return fields_bad(f, FILE_FILE);
    reading->out->file_count++;
    return true;
}

static int compare_sources(const struct lake_day_source *a, int64_t tick, struct str name)
{
    if (a->tick != tick)
        return a->tick < tick ? -1 : 1;
    return str_compare(str_of(a->name), name);
}

/* In order; one name twice where the first of them is gone. */
static bool may_follow(const struct lake_day_source *a, const struct lake_day_source *b)
{
    int order = compare_sources(a, b->tick, str_of(b->name));
    return order < 0 || (order == 0 && a->gone == LAKE_DAY_GONE);
}

static bool read_source(struct reading *reading, const struct fields *f)
{
    struct lake_day *day = reading->out;
    struct lake_day_source *source = &day->sources[day->source_count];
    unsigned gone = LAKE_DAY_KEPT;
    *source = (struct lake_day_source){0};
    if (!fields_text(f, SOURCE_SOURCE, STORE_NAME_MAX, false, reading->arena, &source->name) ||
        !fields_number(f, SOURCE_BYTES, &source->size) ||
        !fields_hash(f, SOURCE_SHA256, source->sha256, sizeof source->sha256) ||
        (f->has[SOURCE_GONE] && !fields_enum(f, SOURCE_GONE, gones, LAKE_DAY_GONE_COUNT, &gone)))
        return false;
    source->gone = (enum lake_day_gone) gone;
    if (!lake_parse_name(str_of(source->name), &source->tick, &source->span, &source->kind,
                         &source->number) ||
        tick_floor(source->tick, TICK_DAY) != day->day ||
        (day->source_count > 0 && !may_follow(source - 1, source)))
        return fields_bad(f, SOURCE_SOURCE);
    day->source_count++;
    return true;
}

static bool read_line(struct reading *reading, struct str line, size_t number)
{
    bool file = str_starts(line, STR("{\"file\":"));
    struct fields f = {.keys = file ? file_keys : source_keys,
                       .n = file ? (size_t) FILE_COUNT : (size_t) SOURCE_COUNT,
                       .line = number,
                       .err = reading->err};
    return fields_take(line, &f) && (file ? read_file(reading, &f) : read_source(reading, &f));
}

/* Cuts off the end and checks it: the number of lines, and the hash of all before. */
static bool cut_end(struct str *text, uint64_t *lines, struct error *err)
{
    char is[HASH_SHA256_HEX], said[HASH_SHA256_HEX] = "";
    const char *before =
        text->n > 1 && text->p[text->n - 1] == '\n' ? memrchr(text->p, '\n', text->n - 1) : NULL;
    if (!before)
        return error_set(err, ERROR_FORMAT, "it is torn: it has no head or no last line");
    size_t at = (size_t) (before - text->p) + 1;
    struct str tail = {text->p + at, text->n - at - 1};
    *text = (struct str){text->p, at};
    if (!fields_tail(tail, lines, said))
        return error_set(err, ERROR_FORMAT, "it is torn: its last line does not end it");
    return hash_sha256_hex(*text, is, err) && fields_unchanged(is, said, err);
}

/* Room for what its lines can be, before they are read. */
static bool begin_lines(struct reading *reading, struct str text)
{
    size_t files = 0, sources = 0;
    struct str line;
    while (text.n > 0 && str_split(&text, '\n', &line))
        *(str_starts(line, STR("{\"file\":")) ? &files : &sources) += 1;
    if (files > LAKE_DAY_FILES_MAX || sources > LAKE_DAY_SOURCES_MAX)
        return error_set(reading->err, ERROR_LIMIT, "it has too many lines");
    reading->lines = files + sources;
    reading->out->files =
        arena_alloc(reading->arena, files, sizeof *reading->out->files, reading->err);
    reading->out->sources =
        arena_alloc(reading->arena, sources, sizeof *reading->out->sources, reading->err);
    return reading->out->files && reading->out->sources;
}

static bool read_lines(struct reading *reading, struct str text, uint64_t lines)
{
    struct str line;
    if (!begin_lines(reading, text))
        return false;
    if (reading->lines != lines)
        return error_set(reading->err, ERROR_FORMAT, "it is torn: its last line does not end it");
    for (size_t n = 2; text.n > 0 && str_split(&text, '\n', &line); n++)
        if (!read_line(reading, line, n))
            return false;
    return true;
}

bool lake_day_parse(struct str text, const struct lake_place *place, struct arena *arena,
                    struct lake_day *out, struct error *err)
{
    struct reading reading = {.place = place, .arena = arena, .out = out, .err = err};
    struct str head;
    uint64_t lines = 0;
    *out = (struct lake_day){0};
    buf_init(&reading.levels, LAKE_NAME_MAX);
    bool ok = cut_end(&text, &lines, err) && str_split(&text, '\n', &head) &&
              read_head(&reading, head) && read_lines(&reading, text, lines);
    buf_release(&reading.levels);
    return ok;
}

/* --- the records of a table --- */

struct listing {
    struct store *store;
    const struct lake_place *place;
    int64_t from, to;
    size_t skip; /* bytes of the prefix and its slash */
    struct listed {
        int64_t day;
        size_t name;
        uint64_t size;
    } * v;
    size_t n, room;
    struct buf names;
};

/* One record of a day, under one name: under another it may be a copy, or a day's rows would count twice. */
static bool check_name(const struct listing *listing, struct str name, int64_t day,
                       struct error *err)
{
    struct buf own = BUF_INIT(LAKE_NAME_MAX);
    lake_day_name(&own, listing->place, day);
    bool ok = buf_ok(&own, "the name of a record", err);
    if (ok && !str_eq(name, buf_str(&own))) {
        (void) error_set(err, ERROR_FORMAT, "%.*s is no name of a day's record: it must be %s",
                         (int) name.n, name.p, buf_text(&own));
        ok = error_hint(err, "no data was touched. Give it that name if there is none; where there "
                             "is one, move it away");
    }
    buf_release(&own);
    return ok;
}

static bool add_record(void *context, const struct store_blob *blob, struct error *err)
{
    struct listing *listing = context;
    struct str behind;
    int64_t day;
    if (!lake_name_below(blob->name, listing->skip, store_address(listing->store), &behind, err))
        return false;
    if (!parse_name(behind, &day) || day + TICK_DAY <= listing->from || day >= listing->to)
        return true;
    if (!check_name(listing, blob->name, day, err))
        return false;
    if (!mem_reserve(&listing->v, &listing->room, listing->n, LAKE_DAYS_MAX, sizeof *listing->v,
                     err))
        return false;
    listing->v[listing->n++] =
        (struct listed){.day = day, .name = listing->names.used, .size = blob->size};
    buf_put_str(&listing->names, blob->name);
    buf_put(&listing->names, "", 1);
    return buf_ok(&listing->names, "names of records", err);
}

static int compare_listed(const void *left, const void *right)
{
    const struct listed *a = left, *b = right;
    return (a->day > b->day) - (a->day < b->day);
}

static bool take_record(struct lake_days *days, const struct lake_place *place,
                        const struct listing *listing, size_t i, struct str text, struct error *err)
{
    struct error why = ERROR_INIT;
    struct lake_day *day = &days->v[days->n];
    if (lake_day_parse(text, place, &days->arena, day, &why) && day->day == listing->v[i].day) {
        days->n++;
        return true;
    }
    if (why.code == ERROR_NONE)
        (void) error_set(&why, ERROR_FORMAT, "it is of another day");
    (void) error_set(err, why.code, "%s: %s", listing->names.bytes + listing->v[i].name,
                     why.message);
    return error_hint(err, "%s",
                      why.hint[0] ? why.hint
                                  : "no data was touched. If the day's JSON is all there, move "
                                    "that file away: weir compact writes it anew");
}

/* Reads what was listed, on a remote store many at once. */
static bool read_records(struct lake_days *days, struct store *store,
                         const struct lake_place *place, const struct listing *listing,
                         struct error *err)
{
    struct store_wanted *wanted = mem_alloc(listing->n, sizeof *wanted, err);
    struct store_ahead *ahead = NULL;
    struct buf text = BUF_INIT(LAKE_DAY_BYTES_MAX);
    struct str piece;
    size_t at;
    days->v = mem_alloc(listing->n, sizeof *days->v, err);
    days->room = listing->n;
    for (size_t i = 0; wanted && i < listing->n; i++)
        wanted[i] = (struct store_wanted){.name = listing->names.bytes + listing->v[i].name,
                                          .size = listing->v[i].size};
    bool ok =
        wanted && days->v && (ahead = store_ahead_new(store, wanted, listing->n, err)) != NULL;
    for (size_t i = 0; ok && i < listing->n; i++) {
        buf_reset(&text);
        do {
            ok = store_ahead_next(ahead, &at, &piece, err);
            if (ok)
                buf_put_str(&text, piece);
        } while (ok && piece.n > 0);
        ok = ok && buf_ok(&text, "the record of a day", err) &&
             take_record(days, place, listing, i, buf_str(&text), err);
    }
    store_ahead_free(ahead);
    buf_release(&text);
    mem_free(wanted);
    return ok;
}

bool lake_days_read(struct lake_days *days, struct store *store, const struct lake_place *place,
                    int64_t from, int64_t to, struct error *err)
{
    struct buf prefix = BUF_INIT(LAKE_NAME_MAX);
    bool all = from == 0 && to == 0;
    struct listing listing = {
        .store = store, .place = place, .from = from, .to = all ? INT64_MAX : to};
    *days = (struct lake_days){0};
    arena_init(&days->arena, LAKE_DAYS_TEXTS_MAX);
    buf_init(&listing.names, LAKE_DAYS_TEXTS_MAX);
    lake_days_prefix(&prefix, place);
    listing.skip = prefix.used + 1;
    bool ok = lake_place_check(place, err) && buf_ok(&prefix, "the name of a folder", err) &&
              store_list(store, buf_text(&prefix), add_record, &listing, err);
    if (ok && listing.n > 0) {
        qsort(listing.v, listing.n, sizeof *listing.v, compare_listed);
        ok = read_records(days, store, place, &listing, err);
    }
    mem_free(listing.v);
    buf_release(&listing.names);
    buf_release(&prefix);
    return ok;
}

void lake_days_release(struct lake_days *days)
{
    mem_free(days->v);
    arena_release(&days->arena);
    *days = (struct lake_days){0};
}

const struct lake_day *lake_days_find(const struct lake_days *days, int64_t tick)
{
    int64_t day = tick_floor(tick, TICK_DAY);
    size_t low = 0, high = days->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (days->v[middle].day == day)
            return &days->v[middle];
        if (days->v[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool lake_day_names(const struct lake_day *day, struct str file)
{
    for (size_t i = 0; day && i < day->file_count; i++)
        if (str_eq(file, str_of(day->files[i].name)))
            return true;
    return false;
}

bool lake_day_instead(const struct lake_day *day, struct str file)
{
    struct str rest = str_of(day->instead ? day->instead : ""), name;
    while (rest.n > 0 && str_split(&rest, ' ', &name))
        if (str_eq(file, name))
            return true;
    return false;
}

/* The first source at or behind a tick and name. */
static size_t lower_bound(const struct lake_day *day, int64_t tick, struct str name)
{
    size_t low = 0, high = day->source_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_sources(&day->sources[middle], tick, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct lake_day_source *lake_day_source(const struct lake_day *day, int64_t tick,
                                              struct str name)
{
    const struct lake_day_source *found = NULL;
    for (size_t at = lower_bound(day, tick, name);
         at < day->source_count && compare_sources(&day->sources[at], tick, name) == 0; at++)
        found = &day->sources[at];
    return found;
}

const struct lake_day_source *lake_days_stand_in(const struct lake_days *days,
                                                 const struct lake_place *place, int64_t tick,
                                                 uint32_t number)
{
    const struct lake_day *day = lake_days_find(days, tick);
    struct buf name = BUF_INIT(LAKE_NAME_MAX), prefix = BUF_INIT(LAKE_NAME_MAX);
    const struct lake_day_source *source = NULL;
    if (!day)
        return NULL;
    lake_table_prefix(&prefix, place);
    lake_export_name(&name, place, tick, number);
    if (!name.failed && !prefix.failed)
        source = lake_day_source(
            day, tick_floor(tick, TICK_PARTITION),
            (struct str){name.bytes + prefix.used + 1, name.used - prefix.used - 1});
    buf_release(&name);
    buf_release(&prefix);
    return source && source->gone != LAKE_DAY_KEPT ? source : NULL;
}

size_t lake_days_gone(const struct lake_days *days, int64_t tick, enum lake_blob_kind kind,
                      uint64_t *bytes)
{
    const struct lake_day *day = lake_days_find(days, tick);
    size_t n = 0;
    *bytes = 0;
    if (!day)
        return 0;
    for (size_t i = lower_bound(day, tick_floor(tick, TICK_HOUR), STR(""));
         i < day->source_count && day->sources[i].tick <= tick; i++) {
        const struct lake_day_source *source = &day->sources[i];
        if (source->kind != kind || source->gone == LAKE_DAY_KEPT ||
            source->tick + source->span <= tick)
            continue;
        n++;
        *bytes += source->size;
    }
    return n;
}
