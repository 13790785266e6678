/* Segments of the ledger: see segment.h. */
#include "lake/segment.h"

#include <jansson.h>

enum {
    ID_MAX = 64,
    TEXT_MAX = 4096 /* any other text of a head but the query */
};

static const char format_name[] = "weir-ledger";

/* --- enums as texts --- */

#define X(name, text) text,
static const char *const verdicts[] = {LAKE_VERDICTS(X)};
static const char *const proofs[] = {LAKE_PROOFS(X)};
static const char *const accesses[] = {LAKE_ACCESSES(X)};
#undef X

const char *lake_verdict_text(enum lake_verdict verdict)
{
    return (unsigned) verdict < LAKE_VERDICT_COUNT ? verdicts[verdict] : "?";
}

const char *lake_proof_text(enum lake_proof proof)
{
    return (unsigned) proof < LAKE_PROOF_COUNT ? proofs[proof] : "?";
}

const char *lake_access_text(enum lake_access access)
{
    return (unsigned) access < LAKE_ACCESS_COUNT ? accesses[access] : "?";
}

/* --- writing --- */

static void put_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, ",\"%s\":", key);
    if (!text) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '"');
    text_put_json(out, str_of(text));
    buf_putc(out, '"');
}

static void put_tick(struct buf *out, const char *key, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format(tick, text);
    put_text(out, key, text);
}

static void put_head(struct buf *out, const struct lake_segment *segment)
{
    const struct lake_run *run = &segment->run;
    char settle[TIMESPAN_TEXT_MAX];
    (void) timespan_format(run->settle, settle);
    buf_printf(out, "{\"format\":\"%s\",\"version\":%d,\"segment\":%llu", format_name,
               LAKE_LEDGER_VERSION, (unsigned long long) segment->number);
    put_text(out, "previous", segment->previous[0] ? segment->previous : NULL);
    put_text(out, "workspace", segment->workspace_id);
    put_text(out, "table", segment->table);
    put_text(out, "run", run->id);
    put_text(out, "by", run->by);
    put_tick(out, "started", run->started);
    put_text(out, "identity", run->identity);
    put_text(out, "access", lake_access_text(run->access));
    put_text(out, "query", run->query);
    put_tick(out, "from", run->from);
    put_tick(out, "to", run->to);
    put_tick(out, "t0", run->t0);
    put_text(out, "settle", settle);
    put_text(out, "columns", run->columns[0] ? run->columns : NULL);
    buf_puts(out, "}\n");
}

static void put_entry(struct buf *out, const struct lake_entry *entry)
{
    char tick[TICK_TEXT_MAX];
    (void) tick_format(entry->partition, tick);
    buf_printf(out, "{\"partition\":\"%s\",\"rows_expected\":%llu", tick,
               (unsigned long long) entry->rows_expected);
    if (entry->proof == LAKE_PROOF_SUM)
        buf_printf(out, ",\"sum_expected\":\"%lld\"", (long long) entry->sum_expected);
    buf_printf(out, ",\"rows\":%llu", (unsigned long long) entry->rows);
    if (entry->proof == LAKE_PROOF_SUM)
        buf_printf(out, ",\"sum\":\"%lld\"", (long long) entry->sum);
    buf_printf(out, ",\"bytes\":%llu", (unsigned long long) entry->bytes);
    if (entry->bytes > 0) {
        char hex[HASH_SHA256_HEX];
        text_hex(entry->sha256, sizeof entry->sha256, hex);
        put_text(out, "sha256", hex);
    }
    put_text(out, "proof", lake_proof_text(entry->proof));
    put_text(out, "verdict", lake_verdict_text(entry->verdict));
    put_tick(out, "at", entry->at);
    buf_puts(out, "}\n");
}

bool lake_segment_write(const struct lake_segment *segment, const struct lake_entry *entries,
                        size_t n, struct buf *out, struct error *err)
{
    char hex[HASH_SHA256_HEX];
    size_t begin = out->used;
    put_head(out, segment);
    for (size_t i = 0; i < n; i++)
        put_entry(out, &entries[i]);
    if (!buf_ok(out, "a segment of the ledger", err))
        return false;
    if (!hash_sha256_hex((struct str){out->bytes + begin, out->used - begin}, hex, err))
        return false;
    buf_printf(out, "{\"lines\":%zu,\"sha256\":\"%s\"}\n", n, hex);
    return buf_ok(out, "a segment of the ledger", err);
}

/* --- reading --- */

/* One line as an object; the caller lets go of it. NULL with an error. */
static json_t *parse(struct str line, size_t number, struct error *err)
{
    json_error_t why;
    json_t *object = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(object))
        return object;
    json_decref(object);
    (void) error_set(err, ERROR_FORMAT, "line %zu is no JSON object", number);
    return NULL;
}

/* False, which the compiler sees here, unlike in error_set. */
static bool bad(size_t number, const char *key, struct error *err)
{
    (void) error_set(err, ERROR_FORMAT, "line %zu: '%s' is missing or wrong", number, key);
    return false;
}

/* What is read from one object: its line, and where errors go. */
struct in {
    const json_t *object;
    size_t line;
    struct error *err;
};

static bool get_text(const struct in *in, const char *key, size_t max, struct str *out)
{
    const json_t *value = json_object_get(in->object, key);
    if (!json_is_string(value) || json_string_length(value) > max)
        return bad(in->line, key, in->err);
    *out = (struct str){json_string_value(value), json_string_length(value)};
    return true;
}

/* A copy in the arena; NULL in *out for null when `null_fine`. */
static bool get_copy(const struct in *in, const char *key, size_t max, bool null_fine,
                     struct arena *arena, const char **out)
{
    struct str text;
    *out = NULL;
    if (null_fine && json_is_null(json_object_get(in->object, key)))
        return true;
    if (!get_text(in, key, max, &text))
        return false;
    *out = arena_copy(arena, text.p, text.n, in->err);
    return *out != NULL;
}

static bool get_number(const struct in *in, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(in->object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return bad(in->line, key, in->err);
    *out = (uint64_t) json_integer_value(value);
    return true;
}

static bool get_tick(const struct in *in, const char *key, int64_t *out)
{
    struct str text;
    return get_text(in, key, TICK_TEXT_MAX, &text) &&
           (tick_parse(text, out) || bad(in->line, key, in->err));
}

static bool get_sum(const struct in *in, const char *key, uint64_t *out)
{
    struct str text;
    int64_t sum;
    if (!get_text(in, key, TEXT_MAX, &text) || !str_int64(text, &sum))
        return bad(in->line, key, in->err);
    *out = (uint64_t) sum;
    return true;
}

/* The index of the text among `count` texts. */
static bool get_enum(const struct in *in, const char *key, const char *const *texts, unsigned count,
                     unsigned *out)
{
    struct str text;
    if (!get_text(in, key, TEXT_MAX, &text))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (str_eq(text, str_of(texts[i]))) {
            *out = i;
            return true;
        }
    }
    return bad(in->line, key, in->err);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_sha256(const struct in *in, const char *key, unsigned char out[HASH_SHA256_SIZE])
{
    struct str text;
    if (!get_text(in, key, HASH_SHA256_HEX - 1, &text) || text.n != HASH_SHA256_HEX - 1)
        return bad(in->line, key, in->err);
    for (size_t i = 0; i < HASH_SHA256_SIZE; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return bad(in->line, key, in->err);
        out[i] = (unsigned char) (high * 16 + low);
    }
    return true;
}

/* A hash or null, as text. */
static bool get_hex(const struct in *in, const char *key, char out[HASH_SHA256_HEX])
{
    unsigned char sum[HASH_SHA256_SIZE];
    out[0] = '\0';
    if (json_is_null(json_object_get(in->object, key)))
        return true;
    if (!get_sha256(in, key, sum))
        return false;
    text_hex(sum, sizeof sum, out);
    return true;
}

/* --- head --- */

static bool check_version(const struct in *in)
{
    struct str format;
    uint64_t version;
    if (!get_text(in, "format", TEXT_MAX, &format) || !get_number(in, "version", &version))
        return false;
    if (!str_eq(format, str_of(format_name)))
        return bad(in->line, "format", in->err);
    if (version == LAKE_LEDGER_VERSION)
        return true;
    (void) error_set(in->err, ERROR_FORMAT, "it is of version %llu, and this weir reads version %d",
                     (unsigned long long) version, LAKE_LEDGER_VERSION);
    return error_hint(in->err, "use the weir that wrote it, or a newer one");
}

static bool read_run(const struct in *in, struct arena *arena, struct lake_run *run)
{
    struct str settle;
    unsigned access;
    if (!get_copy(in, "run", ID_MAX, false, arena, &run->id) ||
        !get_copy(in, "by", TEXT_MAX, false, arena, &run->by) ||
        !get_copy(in, "identity", TEXT_MAX, false, arena, &run->identity) ||
        !get_copy(in, "query", LAKE_QUERY_MAX, true, arena, &run->query) ||
        !get_tick(in, "started", &run->started) || !get_tick(in, "from", &run->from) ||
        !get_tick(in, "to", &run->to) || !get_tick(in, "t0", &run->t0) ||
        !get_enum(in, "access", accesses, LAKE_ACCESS_COUNT, &access) ||
        !get_hex(in, "columns", run->columns) || !get_text(in, "settle", TEXT_MAX, &settle))
        return false;
    run->access = (enum lake_access) access;
    return timespan_parse(settle, &run->settle) || bad(in->line, "settle", in->err);
}

static bool read_head(const struct in *in, struct arena *arena, struct lake_segment *out)
{
    return check_version(in) && get_number(in, "segment", &out->number) &&
           get_hex(in, "previous", out->previous) &&
           get_copy(in, "workspace", TEXT_MAX, false, arena, &out->workspace_id) &&
           get_copy(in, "table", TEXT_MAX, false, arena, &out->table) &&
           read_run(in, arena, &out->run);
}

/* --- lines --- */

static bool read_entry(const struct in *in, struct lake_entry *out)
{
    unsigned proof, verdict;
    *out = (struct lake_entry){0};
    if (!get_tick(in, "partition", &out->partition) ||
        !get_number(in, "rows_expected", &out->rows_expected) ||
        !get_number(in, "rows", &out->rows) || !get_number(in, "bytes", &out->bytes) ||
        !get_enum(in, "proof", proofs, LAKE_PROOF_COUNT, &proof) ||
        !get_enum(in, "verdict", verdicts, LAKE_VERDICT_COUNT, &verdict) ||
        !get_tick(in, "at", &out->at))
        return false;
    if (out->partition % TICK_PARTITION != 0)
        return bad(in->line, "partition", in->err);
    out->proof = (uint8_t) proof;
    out->verdict = (uint8_t) verdict;
    if (proof == LAKE_PROOF_SUM &&
        (!get_sum(in, "sum_expected", &out->sum_expected) || !get_sum(in, "sum", &out->sum)))
        return false;
    return out->bytes == 0 || get_sha256(in, "sha256", out->sha256);
}

/* --- the whole --- */

/* The parts of a segment's text. */
struct parts {
    struct str head, lines, tail;
    struct str hashed; /* all but the tail */
};

/* Cuts off the last line, with its line feed. */
static bool cut_last(struct str *text, struct str *line)
{
    if (text->n == 0 || text->p[text->n - 1] != '\n')
        return false;
    const char *before = memrchr(text->p, '\n', text->n - 1);
    size_t at = before ? (size_t) (before - text->p) + 1 : 0;
    *line = (struct str){text->p + at, text->n - at - 1};
    text->n = at;
    return true;
}

static bool cut(struct str text, struct parts *parts)
{
    const char *end = memchr(text.p, '\n', text.n);
    if (!end)
        return false;
    parts->head = (struct str){text.p, (size_t) (end - text.p)};
    parts->hashed = text;
    if (!cut_last(&parts->hashed, &parts->tail) || parts->hashed.n <= parts->head.n)
        return false;
    parts->lines = (struct str){end + 1, parts->hashed.n - parts->head.n - 1};
    return true;
}

static size_t count_lines(struct str text)
{
    size_t n = 0;
    for (const char *p = text.p, *end = text.p + text.n; (p = memchr(p, '\n', (size_t) (end - p)));
         p++)
        n++;
    return n;
}

/* The last line tells how many lines there are, and the hash of all before it. */
static bool check_tail(const struct parts *parts, struct error *err)
{
    char is[HASH_SHA256_HEX], said[HASH_SHA256_HEX];
    uint64_t lines;
    size_t count = count_lines(parts->lines);
    json_t *object = parse(parts->tail, count + 2, NULL);
    struct in in = {object, count + 2, NULL};
    bool ok = object && get_number(&in, "lines", &lines) && get_hex(&in, "sha256", said);
    json_decref(object);
    if (!ok || lines != count)
        return error_set(err, ERROR_FORMAT, "it is torn: its last line does not end it");
    if (!hash_sha256_hex(parts->hashed, is, err))
        return false;
    return strcmp(is, said) == 0 ||
           error_set(err, ERROR_FORMAT,
                     "it was changed: its bytes do not have the hash %.12s... "
                     "that its last line names",
                     said);
}

static bool read_lines(struct str lines, lake_entry_fn *fn, void *context, struct error *err)
{
    struct str line;
    size_t number = 2;
    for (; lines.n > 0 && str_split(&lines, '\n', &line); number++) {
        struct lake_entry entry;
        json_t *object = parse(line, number, err);
        struct in in = {object, number, err};
        bool ok = object && read_entry(&in, &entry) && fn(context, &entry, err);
        json_decref(object);
        if (!ok)
            return false;
    }
    return true;
}

bool lake_segment_read(struct str text, struct arena *arena, struct lake_segment *out,
                       lake_entry_fn *fn, void *context, struct error *err)
{
    struct parts parts;
    *out = (struct lake_segment){0};
    if (!cut(text, &parts))
        return error_set(err, ERROR_FORMAT, "it is torn: it has no head or no last line");
    json_t *object = parse(parts.head, 1, err);
    struct in in = {object, 1, err};
    bool ok = object && read_head(&in, arena, out);
    json_decref(object);
    return ok && check_tail(&parts, err) && read_lines(parts.lines, fn, context, err);
}
