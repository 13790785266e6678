/* Segments of the ledger: see segment.h. */
#include "lake/segment.h"

#include "json/value.h"

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

static void put_beside(struct buf *out, const struct lake_entry *entry)
{
    buf_printf(out, ",\"beside\":{\"rows\":%llu", (unsigned long long) entry->beside_rows);
    if (entry->proof == LAKE_PROOF_SUM)
        buf_printf(out, ",\"sum\":\"%lld\"", (long long) entry->beside_sum);
    buf_printf(out, ",\"bytes\":%llu,\"doubled\":%llu}", (unsigned long long) entry->beside_bytes,
               (unsigned long long) entry->doubled);
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
    if (entry->has_md5) {
        char hex[2 * STORE_MD5 + 1];
        text_hex(entry->md5, sizeof entry->md5, hex);
        put_text(out, "md5", hex);
    }
    if (entry->number > 0)
        buf_printf(out, ",\"number\":%u", entry->number);
    if (entry->joined)
        put_beside(out, entry);
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

#define HEAD_KEYS(X)                                                                               \
    X(FORMAT, "format")                                                                            \
    X(VERSION, "version")                                                                          \
    X(SEGMENT, "segment")                                                                          \
    X(PREVIOUS, "previous")                                                                        \
    X(WORKSPACE, "workspace")                                                                      \
    X(TABLE, "table")                                                                              \
    X(RUN, "run")                                                                                  \
    X(BY, "by")                                                                                    \
    X(STARTED, "started")                                                                          \
    X(IDENTITY, "identity")                                                                        \
    X(ACCESS, "access")                                                                            \
    X(QUERY, "query")                                                                              \
    X(FROM, "from")                                                                                \
    X(TO, "to")                                                                                    \
    X(T0, "t0")                                                                                    \
    X(SETTLE, "settle")                                                                            \
    X(COLUMNS, "columns")

#define LINE_KEYS(X)                                                                               \
    X(PARTITION, "partition")                                                                      \
    X(ROWS_EXPECTED, "rows_expected")                                                              \
    X(SUM_EXPECTED, "sum_expected")                                                                \
    X(ROWS, "rows")                                                                                \
    X(SUM, "sum")                                                                                  \
    X(BYTES, "bytes")                                                                              \
    X(SHA256, "sha256")                                                                            \
    X(MD5, "md5")                                                                                  \
    X(NUMBER, "number")                                                                            \
    X(BESIDE, "beside")                                                                            \
    X(PROOF, "proof")                                                                              \
    X(VERDICT, "verdict")                                                                          \
    X(AT, "at")

#define BESIDE_KEYS(X) X(ROWS, "rows") X(SUM, "sum") X(BYTES, "bytes") X(DOUBLED, "doubled")
#define TAIL_KEYS(X) X(LINES, "lines") X(SHA256, "sha256")

enum { KEYS_MAX = 20 };

#define X(name, text) HEAD_##name,
enum head_key { HEAD_KEYS(X) HEAD_COUNT };
#undef X
#define X(name, text) LINE_##name,
enum line_key { LINE_KEYS(X) LINE_COUNT };
#undef X
#define X(name, text) BESIDE_##name,
enum beside_key { BESIDE_KEYS(X) BESIDE_COUNT };
#undef X
#define X(name, text) TAIL_##name,
enum tail_key { TAIL_KEYS(X) TAIL_COUNT };
#undef X
#define X(name, text) text,
static const char *const head_keys[] = {HEAD_KEYS(X)};
static const char *const line_keys[] = {LINE_KEYS(X)};
static const char *const beside_keys[] = {BESIDE_KEYS(X)};
static const char *const tail_keys[] = {TAIL_KEYS(X)};
#undef X

/* One line of a segment, its members found by key. Keys that are not known are passed over. */
struct fields {
    const char *const *keys;
    size_t n;
    struct json_member v[KEYS_MAX];
    bool has[KEYS_MAX];
    size_t line;
    struct error *err;
};

/* False, which the compiler sees here, unlike in error_set. */
static bool bad(const struct fields *f, size_t key)
{
    (void) error_set(f->err, ERROR_FORMAT, "line %zu: '%s' is missing or wrong", f->line,
                     f->keys[key]);
    return false;
}

/* The index of a key; f->n when it is none of ours. `guess` is where it usually is. */
static size_t find_key(const struct fields *f, struct str key, size_t guess)
{
    if (guess < f->n && str_eq(key, str_of(f->keys[guess])))
        return guess;
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(key, str_of(f->keys[i])))
            return i;
    return f->n;
}

/* Takes a line apart. A key that stands twice is refused: no reader must have to choose. */
static bool take_apart(struct str line, struct fields *f)
{
    struct json_member member;
    size_t at = 0, guess = 0;
    bool ok = line.n > 1 && line.p[0] == '{' && line.p[line.n - 1] == '}';
    memset(f->has, 0, sizeof f->has);
    while (ok && json_next(line, &at, &member)) {
        size_t key = find_key(f, member.key, guess);
        guess = key + 1;
        if (key == f->n)
            continue;
        if (f->has[key])
            return bad(f, key);
        f->has[key] = true;
        f->v[key] = member;
    }
    /* json_next ends at the closing bracket, or at what is wrong. */
    if (ok && at + 1 == line.n)
        return true;
    (void) error_set(f->err, ERROR_FORMAT, "line %zu is no JSON object", f->line);
    return false;
}

static bool is_null(const struct fields *f, size_t key)
{
    return f->has[key] && f->v[key].kind == JSON_KIND_NULL;
}

/* The inside of a string, as it stands. */
static bool get_raw(const struct fields *f, size_t key, struct str *out)
{
    if (!f->has[key] || f->v[key].kind != JSON_KIND_STRING)
        return bad(f, key);
    *out = (struct str){f->v[key].value.p + 1, f->v[key].value.n - 2};
    return true;
}

/* A text decoded, in the arena; NULL in *out for null when `null_fine`. */
static bool get_text(const struct fields *f, size_t key, size_t max, bool null_fine,
                     struct arena *arena, const char **out)
{
    struct str raw;
    *out = NULL;
    if (null_fine && is_null(f, key))
        return true;
    if (!get_raw(f, key, &raw))
        return false;
    struct buf text = BUF_INIT(max);
    if (!json_unescape(raw, &text))
        (void) (text.failed && !text.over ? buf_ok(&text, "a text", f->err) : bad(f, key));
    else if (memchr(buf_text(&text), 0, text.used))
        (void) bad(f, key);
    else
        *out = arena_copy(arena, buf_text(&text), text.used, f->err);
    buf_release(&text);
    return *out != NULL;
}

static bool get_number(const struct fields *f, size_t key, uint64_t *out)
{
    if (!f->has[key] || f->v[key].kind != JSON_KIND_NUMBER || !str_uint64(f->v[key].value, out))
        return bad(f, key);
    return true;
}

static bool get_tick(const struct fields *f, size_t key, int64_t *out)
{
    struct str text;
    return get_raw(f, key, &text) && (tick_parse(text, out) || bad(f, key));
}

static bool get_sum(const struct fields *f, size_t key, uint64_t *out)
{
    struct str text;
    int64_t sum;
    if (!get_raw(f, key, &text) || !str_int64(text, &sum))
        return bad(f, key);
    *out = (uint64_t) sum;
    return true;
}

/* The index of the text among `count` texts. */
static bool get_enum(const struct fields *f, size_t key, const char *const *texts, unsigned count,
                     unsigned *out)
{
    struct str text;
    if (!get_raw(f, key, &text))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (str_eq(text, str_of(texts[i]))) {
            *out = i;
            return true;
        }
    }
    return bad(f, key);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_hash(const struct fields *f, size_t key, unsigned char *out, size_t size)
{
    struct str text;
    if (!get_raw(f, key, &text) || text.n != 2 * size)
        return bad(f, key);
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return bad(f, key);
        out[i] = (unsigned char) (high * 16 + low);
    }
    return true;
}

/* A hash or null, as text. */
static bool get_hex(const struct fields *f, size_t key, char out[HASH_SHA256_HEX])
{
    unsigned char sum[HASH_SHA256_SIZE];
    out[0] = '\0';
    if (is_null(f, key))
        return true;
    if (!get_hash(f, key, sum, sizeof sum))
        return false;
    text_hex(sum, sizeof sum, out);
    return true;
}

/* --- head --- */

static bool check_version(const struct fields *f)
{
    struct str format;
    uint64_t version;
    if (!get_raw(f, HEAD_FORMAT, &format) || !get_number(f, HEAD_VERSION, &version))
        return false;
    if (!str_eq(format, str_of(format_name)))
        return bad(f, HEAD_FORMAT);
    if (version == LAKE_LEDGER_VERSION)
        return true;
    (void) error_set(f->err, ERROR_FORMAT, "it is of version %llu, and this weir reads version %d",
                     (unsigned long long) version, LAKE_LEDGER_VERSION);
    return error_hint(f->err, "use the weir that wrote it, or a newer one");
}

static bool read_run(const struct fields *f, struct arena *arena, struct lake_run *run)
{
    struct str settle;
    unsigned access;
    if (!get_text(f, HEAD_RUN, ID_MAX, false, arena, &run->id) ||
        !get_text(f, HEAD_BY, TEXT_MAX, false, arena, &run->by) ||
        !get_text(f, HEAD_IDENTITY, TEXT_MAX, false, arena, &run->identity) ||
        !get_text(f, HEAD_QUERY, LAKE_QUERY_MAX, true, arena, &run->query) ||
        !get_tick(f, HEAD_STARTED, &run->started) || !get_tick(f, HEAD_FROM, &run->from) ||
        !get_tick(f, HEAD_TO, &run->to) || !get_tick(f, HEAD_T0, &run->t0) ||
        !get_enum(f, HEAD_ACCESS, accesses, LAKE_ACCESS_COUNT, &access) ||
        !get_hex(f, HEAD_COLUMNS, run->columns) || !get_raw(f, HEAD_SETTLE, &settle))
        return false;
    run->access = (enum lake_access) access;
    return timespan_parse(settle, &run->settle) || bad(f, HEAD_SETTLE);
}

static bool read_head(struct str line, struct arena *arena, struct lake_segment *out,
                      struct error *err)
{
    struct fields f = {.keys = head_keys, .n = HEAD_COUNT, .line = 1, .err = err};
    return take_apart(line, &f) && check_version(&f) &&
           get_number(&f, HEAD_SEGMENT, &out->number) &&
           get_hex(&f, HEAD_PREVIOUS, out->previous) &&
           get_text(&f, HEAD_WORKSPACE, TEXT_MAX, false, arena, &out->workspace_id) &&
           get_text(&f, HEAD_TABLE, TEXT_MAX, false, arena, &out->table) &&
           read_run(&f, arena, &out->run);
}

/* --- lines --- */

static bool read_beside(const struct fields *f, struct lake_entry *out)
{
    struct fields in = {.keys = beside_keys, .n = BESIDE_COUNT, .line = f->line, .err = f->err};
    if (f->v[LINE_BESIDE].kind != JSON_KIND_OBJECT)
        return bad(f, LINE_BESIDE);
    out->joined = true;
    return take_apart(f->v[LINE_BESIDE].value, &in) &&
           get_number(&in, BESIDE_ROWS, &out->beside_rows) &&
           get_number(&in, BESIDE_BYTES, &out->beside_bytes) &&
           get_number(&in, BESIDE_DOUBLED, &out->doubled) &&
           (out->proof != LAKE_PROOF_SUM || get_sum(&in, BESIDE_SUM, &out->beside_sum));
}

/* What only some lines have. */
static bool read_more(const struct fields *f, struct lake_entry *out)
{
    uint64_t number = 0;
    out->has_md5 = f->has[LINE_MD5] && out->bytes > 0;
    if (out->has_md5 && !get_hash(f, LINE_MD5, out->md5, STORE_MD5))
        return false;
    if (f->has[LINE_NUMBER] && !get_number(f, LINE_NUMBER, &number))
        return false;
    if (number == 1 || number > LAKE_NUMBER_MAX)
        return bad(f, LINE_NUMBER);
    out->number = (uint32_t) number;
    return !f->has[LINE_BESIDE] || read_beside(f, out);
}

static bool read_entry(const struct fields *f, struct lake_entry *out)
{
    unsigned proof, verdict;
    *out = (struct lake_entry){0};
    if (!get_tick(f, LINE_PARTITION, &out->partition) ||
        !get_number(f, LINE_ROWS_EXPECTED, &out->rows_expected) ||
        !get_number(f, LINE_ROWS, &out->rows) || !get_number(f, LINE_BYTES, &out->bytes) ||
        !get_enum(f, LINE_PROOF, proofs, LAKE_PROOF_COUNT, &proof) ||
        !get_enum(f, LINE_VERDICT, verdicts, LAKE_VERDICT_COUNT, &verdict) ||
        !get_tick(f, LINE_AT, &out->at))
        return false;
    if (out->partition % TICK_PARTITION != 0)
        return bad(f, LINE_PARTITION);
    out->proof = (uint8_t) proof;
    out->verdict = (uint8_t) verdict;
    if (proof == LAKE_PROOF_SUM &&
        (!get_sum(f, LINE_SUM_EXPECTED, &out->sum_expected) || !get_sum(f, LINE_SUM, &out->sum)))
        return false;
    return (out->bytes == 0 || get_hash(f, LINE_SHA256, out->sha256, HASH_SHA256_SIZE)) &&
           read_more(f, out);
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

/* The last line tells how many lines there are, and the hash of all before it. It does so in every version, and
 * so stands before the head: a version that is read from whole bytes was written. */
static bool check_tail(const struct parts *parts, struct error *err)
{
    char is[HASH_SHA256_HEX], said[HASH_SHA256_HEX] = "";
    uint64_t lines = 0;
    size_t count = count_lines(parts->lines);
    struct fields f = {.keys = tail_keys, .n = TAIL_COUNT, .line = count + 2};
    bool ok = take_apart(parts->tail, &f) && get_number(&f, TAIL_LINES, &lines) &&
              get_hex(&f, TAIL_SHA256, said);
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
    struct lake_entry entry;
    struct fields f = {.keys = line_keys, .n = LINE_COUNT, .line = 2, .err = err};
    for (; lines.n > 0 && str_split(&lines, '\n', &line); f.line++)
        if (!take_apart(line, &f) || !read_entry(&f, &entry) || !fn(context, &entry, err))
            return false;
    return true;
}

bool lake_segment_read(struct str text, struct arena *arena, struct lake_segment *out,
                       lake_entry_fn *fn, void *context, struct error *err)
{
    struct parts parts;
    *out = (struct lake_segment){0};
    if (!cut(text, &parts))
        return error_set(err, ERROR_FORMAT, "it is torn: it has no head or no last line");
    return check_tail(&parts, err) && read_head(parts.head, arena, out, err) &&
           read_lines(parts.lines, fn, context, err);
}
