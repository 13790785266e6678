/* Records of imports: see record.h. */
#include "lake/record.h"

#include "lake/fields.h"

#include <stdio.h>

enum {
    PIECE = 64 << 10, /* bytes that a writer gathers */
    ID_DIGITS = LAKE_IMPORT_ID_MAX - 1,
    PARTS_FIRST = 1024 /* room that is made before they are seen */
};

static const char format_name[] = "weir-import";

#define HEAD_KEYS(X)                                                                               \
    X(FORMAT, "format")                                                                            \
    X(VERSION, "version")                                                                          \
    X(IMPORT, "import")                                                                            \
    X(WORKSPACE, "workspace")                                                                      \
    X(TABLE, "table")                                                                              \
    X(BY, "by")                                                                                    \
    X(STARTED, "started")                                                                          \
    X(DEDUP, "dedup")                                                                              \
    X(REPLACES, "replaces")                                                                        \
    X(REPLACED, "replaced")                                                                        \
    X(INPUTS, "inputs")                                                                            \
    X(PARTITIONS, "partitions")                                                                    \
    X(FIRST, "first")                                                                              \
    X(LAST, "last")                                                                                \
    X(ROWS, "rows")                                                                                \
    X(BYTES, "bytes")                                                                              \
    X(REJECTED, "rejected")                                                                        \
    X(DROPPED, "dropped")

#define INPUT_KEYS(X)                                                                              \
    X(INPUT, "input")                                                                              \
    X(BYTES, "bytes")                                                                              \
    X(HASH, "hash")                                                                                \
    X(ROWS, "rows")                                                                                \
    X(REJECTED, "rejected")                                                                        \
    X(TIME, "time")

#define TIME_KEYS(X) X(KEY, "key") X(FORMAT, "format") X(ZONE, "zone")
#define PART_KEYS(X) X(PARTITION, "partition") X(ROWS, "rows") X(BYTES, "bytes") X(HASH, "hash")

#define X(name, text) HEAD_##name,
enum head_key { HEAD_KEYS(X) HEAD_COUNT };
#undef X
#define X(name, text) INPUT_##name,
enum input_key { INPUT_KEYS(X) INPUT_COUNT };
#undef X
#define X(name, text) TIME_##name,
enum time_key { TIME_KEYS(X) TIME_COUNT };
#undef X
#define X(name, text) PART_##name,
enum part_key { PART_KEYS(X) PART_COUNT };
#undef X
#define X(name, text) text,
static const char *const head_keys[] = {HEAD_KEYS(X)};
static const char *const input_keys[] = {INPUT_KEYS(X)};
static const char *const time_keys[] = {TIME_KEYS(X)};
static const char *const part_keys[] = {PART_KEYS(X)};
#undef X

enum state { AT_HEAD, AT_INPUTS, AT_PARTS, AT_TAIL, AT_END };

struct record {
    enum lake_imports_depth depth;
    enum state state;
    struct arena *arena;
    struct lake_import *out;
    const char *workspace_id, *table;
    struct buf line;                      /* of the line that has not ended */
    size_t lines;                         /* so far */
    size_t n_inputs, n_parts, parts_room; /* so far; the head says how many there are */
    uint64_t rows, bytes, rejected;       /* their sums */
    struct hash_sha256 *hash;
};

bool record_id_ok(struct str id)
{
    if (id.n != ID_DIGITS)
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (!memchr("0123456789abcdef", id.p[i], 16))
            return false;
    return true;
}

void record_name(struct buf *out, const struct lake_place *place, const char *id)
{
    lake_own_name(out, place, "imports/");
    buf_puts(out, id);
    buf_puts(out, ".jsonl");
}

/* --- reading the head --- */

static bool read_id(const struct fields *f, size_t key, char out[LAKE_IMPORT_ID_MAX])
{
    struct str id;
    if (!fields_raw(f, key, &id))
        return false;
    if (!record_id_ok(id))
        return fields_bad(f, key);
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
    return true;
}

/* Which record it takes the place of: its id and when that began. Both or none. */
static bool read_replaces(const struct fields *f, struct lake_import *out)
{
    if (fields_null(f, HEAD_REPLACES) && fields_null(f, HEAD_REPLACED))
        return true;
    return read_id(f, HEAD_REPLACES, out->replaces) &&
           fields_tick(f, HEAD_REPLACED, &out->replaced) &&
           ((strcmp(out->replaces, out->id) != 0 || out->replaced != out->started) ||
            fields_bad(f, HEAD_REPLACES));
}

static bool read_count(const struct fields *f, size_t key, uint64_t max, size_t *out)
{
    uint64_t n;
    if (!fields_number(f, key, &n))
        return false;
    *out = (size_t) n;
    return n <= max || fields_bad(f, key);
}

/* The first and the last partition, or null where there are none. */
static bool read_range(const struct fields *f, struct lake_import *out)
{
    int64_t last;
    if (out->n_parts == 0)
        return (fields_null(f, HEAD_FIRST) || fields_bad(f, HEAD_FIRST)) &&
               (fields_null(f, HEAD_LAST) || fields_bad(f, HEAD_LAST));
    if (!fields_tick(f, HEAD_FIRST, &out->from) || !fields_tick(f, HEAD_LAST, &last))
        return false;
    if (out->from % TICK_PARTITION != 0)
        return fields_bad(f, HEAD_FIRST);
    out->to = last + TICK_PARTITION;
    return (last % TICK_PARTITION == 0 && last >= out->from) || fields_bad(f, HEAD_LAST);
}

static bool read_figures(const struct fields *f, struct lake_import *out)
{
    return fields_number(f, HEAD_ROWS, &out->rows) && fields_number(f, HEAD_BYTES, &out->bytes) &&
           fields_number(f, HEAD_REJECTED, &out->rejected) &&
           fields_number(f, HEAD_DROPPED, &out->dropped) &&
           read_count(f, HEAD_INPUTS, LAKE_IMPORT_INPUTS_MAX, &out->n_inputs) &&
           read_count(f, HEAD_PARTITIONS, LAKE_IMPORT_PARTS_MAX, &out->n_parts) &&
           read_range(f, out);
}

static bool read_head(struct record *record, struct str line, struct error *err)
{
    struct fields f = {.keys = head_keys, .n = HEAD_COUNT, .line = 1, .err = err};
    struct lake_import *out = record->out;
    struct arena *arena = record->arena;
    return fields_take(line, &f) &&
           fields_version(&f, HEAD_FORMAT, HEAD_VERSION, format_name, LAKE_IMPORT_VERSION) &&
           read_id(&f, HEAD_IMPORT, out->id) &&
           fields_text(&f, HEAD_WORKSPACE, LAKE_IMPORT_TEXT_MAX, false, arena,
                       &record->workspace_id) &&
           fields_text(&f, HEAD_TABLE, LAKE_IMPORT_TEXT_MAX, false, arena, &record->table) &&
           fields_text(&f, HEAD_BY, LAKE_IMPORT_LINE_MAX, false, arena, &out->by) &&
           fields_text(&f, HEAD_DEDUP, LAKE_IMPORT_LINE_MAX, true, arena, &out->dedup) &&
           fields_tick(&f, HEAD_STARTED, &out->started) && read_replaces(&f, out) &&
           read_figures(&f, out);
}

/* --- reading the lines behind it --- */

static bool read_time(const struct fields *f, struct arena *arena, struct lake_from *out)
{
    struct fields in = {.keys = time_keys, .n = TIME_COUNT, .line = f->line, .err = f->err};
    if (fields_null(f, INPUT_TIME))
        return true;
    if (!f->has[INPUT_TIME] || f->v[INPUT_TIME].kind != JSON_KIND_OBJECT)
        return fields_bad(f, INPUT_TIME);
    return fields_take(f->v[INPUT_TIME].value, &in) &&
           fields_text(&in, TIME_KEY, LAKE_IMPORT_LINE_MAX, false, arena, &out->key) &&
           fields_text(&in, TIME_FORMAT, LAKE_IMPORT_TEXT_MAX, false, arena, &out->format) &&
           fields_text(&in, TIME_ZONE, LAKE_IMPORT_TEXT_MAX, false, arena, &out->zone);
}

/* Inputs are given room as they come: the head's word is no reason to take much. */
static bool grow_inputs(struct record *record, struct error *err)
{
    struct lake_import *out = record->out;
    size_t n = record->n_inputs;
    if (n > 0 && (n & (n - 1)) != 0)
        return true;
    size_t room = n == 0 ? 1 : 2 * n;
    struct lake_import_input *inputs = arena_alloc(record->arena, room, sizeof *out->inputs, err);
    if (!inputs)
        return false;
    if (n > 0)
        memcpy(inputs, out->inputs, n * sizeof *inputs);
    out->inputs = inputs;
    return true;
}

static bool read_input(struct record *record, struct str line, struct error *err)
{
    struct fields f = {.keys = input_keys, .n = INPUT_COUNT, .line = record->lines, .err = err};
    struct lake_import_input input = {0};
    if (!fields_take(line, &f) ||
        !fields_text(&f, INPUT_INPUT, LAKE_IMPORT_LINE_MAX, false, record->arena, &input.name) ||
        !fields_number(&f, INPUT_BYTES, &input.bytes) ||
        !fields_number(&f, INPUT_ROWS, &input.rows) ||
        !fields_number(&f, INPUT_REJECTED, &input.rejected) ||
        !fields_hash(&f, INPUT_HASH, input.hash, sizeof input.hash) ||
        !read_time(&f, record->arena, &input.time) || !grow_inputs(record, err))
        return false;
    record->out->inputs[record->n_inputs++] = input;
    record->rejected += input.rejected;
    return true;
}

/* Whether a part may stand here: within the head's range, behind the one before, the first and the last at its ends. */
static bool in_order(const struct record *record, int64_t tick)
{
    const struct lake_import *out = record->out;
    bool first = record->n_parts == 0, last = record->n_parts + 1 == out->n_parts;
    return tick % TICK_PARTITION == 0 &&
           (first ? tick == out->from : tick > out->parts[record->n_parts - 1].partition) &&
           (last ? tick + TICK_PARTITION == out->to : tick < out->to);
}

static bool read_part(struct record *record, struct str line, struct error *err)
{
    struct fields f = {.keys = part_keys, .n = PART_COUNT, .line = record->lines, .err = err};
    struct lake_import_part part;
    if (!fields_take(line, &f) || !fields_tick(&f, PART_PARTITION, &part.partition) ||
        !fields_number(&f, PART_ROWS, &part.rows) || !fields_number(&f, PART_BYTES, &part.bytes) ||
        !fields_hash(&f, PART_HASH, part.hash, sizeof part.hash))
        return false;
    if (!in_order(record, part.partition))
        return fields_bad(&f, PART_PARTITION);
    if (!mem_reserve(&record->out->parts, &record->parts_room, record->n_parts,
                     LAKE_IMPORT_PARTS_MAX, sizeof part, err))
        return false;
    record->out->parts[record->n_parts++] = part;
    record->rows += part.rows;
    record->bytes += part.bytes;
    return true;
}

static bool read_tail(struct record *record, struct str line, struct error *err)
{
    char is[HASH_SHA256_HEX], said[HASH_SHA256_HEX] = "";
    unsigned char sum[HASH_SHA256_SIZE];
    uint64_t lines = 0;
    const struct lake_import *out = record->out;
    if (!fields_tail(line, &lines, said) || lines != record->lines - 2)
        return error_set(err, ERROR_FORMAT, "it is torn: line %zu does not end it", record->lines);
    if (!hash_sha256_end(record->hash, sum, err))
        return false;
    text_hex(sum, sizeof sum, is);
    if (!fields_unchanged(is, said, err))
        return false;
    return (record->rows == out->rows && record->bytes == out->bytes &&
            record->rejected == out->rejected) ||
           error_set(err, ERROR_FORMAT, "its head has other sums than its lines");
}

/* --- the whole --- */

struct record *record_new(enum lake_imports_depth depth, struct arena *arena,
                          struct lake_import *out, struct error *err)
{
    struct record *record = mem_alloc(1, sizeof *record, err);
    if (!record)
        return NULL;
    *out = (struct lake_import){0};
    *record = (struct record){.depth = depth, .arena = arena, .out = out};
    buf_init(&record->line, LAKE_IMPORT_LINE_MAX);
    record->hash = hash_sha256_new(err);
    if (record->hash)
        return record;
    record_free(record);
    return NULL;
}

void record_free(struct record *record)
{
    if (!record)
        return;
    buf_release(&record->line);
    hash_sha256_free(record->hash);
    mem_free(record);
}

const char *record_workspace_id(const struct record *record)
{
    return record->workspace_id ? record->workspace_id : "";
}

const char *record_table(const struct record *record)
{
    return record->table ? record->table : "";
}

/* What comes behind the lines so far. */
static void step(struct record *record)
{
    if (record->state == AT_TAIL)
        record->state = AT_END;
    else if (record->n_inputs < record->out->n_inputs)
        record->state = AT_INPUTS;
    else if (record->n_parts < record->out->n_parts)
        record->state = AT_PARTS;
    else
        record->state = AT_TAIL;
}

static bool take_line(struct record *record, struct str line, struct error *err)
{
    bool ok;
    record->lines++;
    switch (record->state) {
    case AT_HEAD:
        ok = read_head(record, line, err);
        break;
    case AT_INPUTS:
        ok = read_input(record, line, err);
        break;
    case AT_PARTS:
        ok = read_part(record, line, err);
        break;
    case AT_TAIL:
        ok = read_tail(record, line, err);
        break;
    default:
        return error_set(err, ERROR_FORMAT, "it goes on behind its last line");
    }
    if (ok && record->state != AT_TAIL) {
        hash_sha256_add(record->hash, line.p, line.n);
        hash_sha256_add(record->hash, "\n", 1);
    }
    if (ok)
        step(record);
    return ok;
}

static bool is_enough(const struct record *record)
{
    return record->depth == LAKE_IMPORTS_HEADS && record->state > AT_INPUTS;
}

static bool keep_rest(struct record *record, struct str rest, struct error *err)
{
    buf_put_str(&record->line, rest);
    if (record->line.over)
        return error_set(err, ERROR_FORMAT, "line %zu is longer than any, %d bytes",
                         record->lines + 1, LAKE_IMPORT_LINE_MAX);
    return buf_ok(&record->line, "a line of a record", err);
}

bool record_feed(struct record *record, const char *bytes, size_t n, bool *enough,
                 struct error *err)
{
    struct str rest = {bytes, n};
    const char *end;
    *enough = false;
    while (rest.n > 0 && (end = memchr(rest.p, '\n', rest.n))) {
        struct str line = {rest.p, (size_t) (end - rest.p)};
        rest = (struct str){end + 1, rest.n - line.n - 1};
        if (record->line.used > 0) {
            if (!keep_rest(record, line, err))
                return false;
            line = buf_str(&record->line);
        }
        if (line.n > LAKE_IMPORT_LINE_MAX)
            return keep_rest(record, line, err);
        if (!take_line(record, line, err))
            return false;
        buf_reset(&record->line);
        *enough = is_enough(record);
        if (*enough)
            return true;
    }
    if (n == 0 && (record->state != AT_END || record->line.used > 0))
        return error_set(err, ERROR_FORMAT, "it is torn: it ends in line %zu", record->lines + 1);
    return rest.n == 0 || keep_rest(record, rest, err);
}

/* --- writing --- */

struct lake_import_writer {
    struct store_writer *to;
    struct buf text;
    struct hash_sha256 *hash;
    uint64_t rows, bytes;        /* that the parts must come to */
    size_t lines, parts;         /* lines so far but the head; parts that must come */
    int64_t from, next, to_tick; /* the first part, the least that may come, the end */
};

static bool flush(struct lake_import_writer *writer, struct error *err)
{
    if (!buf_ok(&writer->text, "a record of an import", err))
        return false;
    hash_sha256_add(writer->hash, writer->text.bytes, writer->text.used);
    bool ok = store_writer_add(writer->to, writer->text.bytes, writer->text.used, err);
    buf_reset(&writer->text);
    return ok;
}

static struct str cut(const char *text)
{
    struct str all = str_of(text ? text : "");
    return (struct str){all.p, all.n < LAKE_IMPORT_TEXT_MAX ? all.n : LAKE_IMPORT_TEXT_MAX};
}

static void put_range(struct buf *out, const struct lake_import *import)
{
    if (import->n_parts == 0) {
        buf_puts(out, ",\"first\":null,\"last\":null");
        return;
    }
    fields_put_tick(out, "first", import->from);
    fields_put_tick(out, "last", import->to - TICK_PARTITION);
}

static void put_head(struct buf *out, const struct lake_place *place,
                     const struct lake_import *import)
{
    buf_printf(out, "{\"format\":\"%s\",\"version\":%d", format_name, LAKE_IMPORT_VERSION);
    fields_put_text(out, "import", import->id);
    buf_puts(out, ",\"workspace\":\"");
    for (const char *c = place->workspace_id; *c; c++)
        buf_putc(out, *c >= 'A' && *c <= 'F' ? (char) (*c - 'A' + 'a') : *c);
    buf_putc(out, '"');
    fields_put_text(out, "table", place->table);
    fields_put_text(out, "by", import->by ? import->by : "");
    fields_put_tick(out, "started", import->started);
    fields_put_text(out, "dedup", import->dedup && import->dedup[0] ? import->dedup : NULL);
    fields_put_text(out, "replaces", import->replaces[0] ? import->replaces : NULL);
    if (import->replaces[0])
        fields_put_tick(out, "replaced", import->replaced);
    else
        fields_put_text(out, "replaced", NULL);
    buf_printf(out, ",\"inputs\":%zu,\"partitions\":%zu", import->n_inputs, import->n_parts);
    put_range(out, import);
    buf_printf(out, ",\"rows\":%llu,\"bytes\":%llu,\"rejected\":%llu,\"dropped\":%llu}\n",
               (unsigned long long) import->rows, (unsigned long long) import->bytes,
               (unsigned long long) import->rejected, (unsigned long long) import->dropped);
}

static void put_input(struct buf *out, const struct lake_import_input *input)
{
    char hex[2 * LAKE_IMPORT_HASH + 1];
    text_hex(input->hash, sizeof input->hash, hex);
    buf_puts(out, "{\"input\":\"");
    text_put_json(out, cut(input->name));
    buf_printf(out, "\",\"bytes\":%llu,\"hash\":\"%s\",\"rows\":%llu,\"rejected\":%llu,\"time\":",
               (unsigned long long) input->bytes, hex, (unsigned long long) input->rows,
               (unsigned long long) input->rejected);
    if (!input->time.key) {
        buf_puts(out, "null}\n");
        return;
    }
    buf_puts(out, "{\"key\":\"");
    text_put_json(out, str_of(input->time.key));
    buf_putc(out, '"');
    fields_put_text(out, "format", input->time.format ? input->time.format : "");
    fields_put_text(out, "zone", input->time.zone ? input->time.zone : "");
    buf_puts(out, "}}\n");
}

static bool text_fits(const char *text)
{
    return !text || strlen(text) <= LAKE_IMPORT_TEXT_MAX;
}

static bool check_import(const struct lake_import *import, struct error *err)
{
    bool ok = record_id_ok(str_of(import->id)) && import->n_inputs <= LAKE_IMPORT_INPUTS_MAX &&
              import->n_parts <= LAKE_IMPORT_PARTS_MAX &&
              (import->replaces[0] == '\0' || record_id_ok(str_of(import->replaces))) &&
              text_fits(import->by) && text_fits(import->dedup);
    if (import->n_parts > 0)
        ok = ok && import->from % TICK_PARTITION == 0 && import->to % TICK_PARTITION == 0 &&
             import->from < import->to;
    uint64_t rejected = 0;
    for (size_t i = 0; ok && i < import->n_inputs; i++) {
        const struct lake_from *time = &import->inputs[i].time;
        ok = text_fits(time->key) && text_fits(time->format) && text_fits(time->zone);
        rejected += import->inputs[i].rejected;
    }
    ok = ok && rejected == import->rejected;
    return ok || error_set(err, ERROR_INTERNAL, "a record of an import is not begun rightly");
}

/* Head and inputs. */
static bool begin(struct lake_import_writer *writer, const struct lake_place *place,
                  const struct lake_import *import, struct error *err)
{
    put_head(&writer->text, place, import);
    for (size_t i = 0; i < import->n_inputs; i++) {
        put_input(&writer->text, &import->inputs[i]);
        writer->lines++;
        if (writer->text.used > PIECE && !flush(writer, err))
            return false;
    }
    return flush(writer, err);
}

struct lake_import_writer *lake_import_writer_new(struct store *store,
                                                  const struct lake_place *place,
                                                  const struct lake_import *import,
                                                  struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    if (!lake_place_check(place, err) || !check_import(import, err))
        return NULL;
    struct lake_import_writer *writer = mem_alloc(1, sizeof *writer, err);
    if (!writer)
        return NULL;
    *writer = (struct lake_import_writer){.rows = import->rows,
                                          .bytes = import->bytes,
                                          .parts = import->n_parts,
                                          .from = import->from,
                                          .next = import->from,
                                          .to_tick = import->to};
    buf_init(&writer->text, PIECE + 2 * LAKE_IMPORT_LINE_MAX);
    record_name(&name, place, import->id);
    writer->hash = hash_sha256_new(err);
    if (writer->hash && buf_ok(&name, "the name of a record", err))
        writer->to = store_writer_new(store, buf_text(&name), err);
    buf_release(&name);
    if (writer->to && begin(writer, place, import, err))
        return writer;
    lake_import_writer_abort(writer);
    return NULL;
}

bool lake_import_writer_part(struct lake_import_writer *writer, const struct lake_import_part *part,
                             struct error *err)
{
    char tick[TICK_TEXT_MAX], hex[2 * LAKE_IMPORT_HASH + 1];
    bool first = writer->next == writer->from, last = writer->parts == 1;
    if (writer->parts == 0 || part->partition % TICK_PARTITION != 0 ||
        (first ? part->partition != writer->from : part->partition < writer->next) ||
        (last ? part->partition + TICK_PARTITION != writer->to_tick
              : part->partition + TICK_PARTITION >= writer->to_tick) ||
        part->rows > writer->rows || part->bytes > writer->bytes)
        return error_set(err, ERROR_INTERNAL, "a partition that is none of its import");
    (void) tick_format(part->partition, tick);
    text_hex(part->hash, sizeof part->hash, hex);
    buf_printf(&writer->text,
               "{\"partition\":\"%s\",\"rows\":%llu,\"bytes\":%llu,\"hash\":\"%s\"}\n", tick,
               (unsigned long long) part->rows, (unsigned long long) part->bytes, hex);
    writer->next = part->partition + TICK_PARTITION;
    writer->rows -= part->rows;
    writer->bytes -= part->bytes;
    writer->parts--;
    writer->lines++;
    return writer->text.used < PIECE || flush(writer, err);
}

static bool put_tail(struct lake_import_writer *writer, struct error *err)
{
    unsigned char sum[HASH_SHA256_SIZE];
    char hex[HASH_SHA256_HEX];
    if (writer->parts > 0 || writer->rows > 0 || writer->bytes > 0)
        return error_set(err, ERROR_INTERNAL, "a record of an import lacks partitions");
    if (!flush(writer, err) || !hash_sha256_end(writer->hash, sum, err))
        return false;
    text_hex(sum, sizeof sum, hex);
    fields_put_tail(&writer->text, writer->lines, hex);
    return buf_ok(&writer->text, "a record of an import", err) &&
           store_writer_add(writer->to, writer->text.bytes, writer->text.used, err);
}

bool lake_import_writer_commit(struct lake_import_writer *writer, unsigned put, struct error *err)
{
    bool ok = put_tail(writer, err);
    if (ok) {
        ok = store_writer_commit(writer->to, put, NULL, err);
        writer->to = NULL;
    }
    lake_import_writer_abort(writer);
    return ok;
}

void lake_import_writer_abort(struct lake_import_writer *writer)
{
    if (!writer)
        return;
    store_writer_abort(writer->to);
    hash_sha256_free(writer->hash);
    buf_release(&writer->text);
    mem_free(writer);
}
