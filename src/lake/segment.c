/* Segments of the ledger: see segment.h. */
#include "lake/segment.h"

#include "lake/fields.h"

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

static void put_head(struct buf *out, const struct lake_segment *segment)
{
    const struct lake_run *run = &segment->run;
    char settle[TIMESPAN_TEXT_MAX];
    (void) timespan_format(run->settle, settle);
    buf_printf(out, "{\"format\":\"%s\",\"version\":%d,\"segment\":%llu", format_name,
               LAKE_LEDGER_VERSION, (unsigned long long) segment->number);
    fields_put_text(out, "previous", segment->previous[0] ? segment->previous : NULL);
    fields_put_text(out, "workspace", segment->workspace_id);
    fields_put_text(out, "table", segment->table);
    fields_put_text(out, "run", run->id);
    fields_put_text(out, "by", run->by);
    fields_put_tick(out, "started", run->started);
    fields_put_text(out, "identity", run->identity);
    fields_put_text(out, "access", lake_access_text(run->access));
    fields_put_text(out, "query", run->query);
    fields_put_tick(out, "from", run->from);
    fields_put_tick(out, "to", run->to);
    fields_put_tick(out, "t0", run->t0);
    fields_put_text(out, "settle", settle);
    fields_put_text(out, "columns", run->columns[0] ? run->columns : NULL);
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
        fields_put_text(out, "sha256", hex);
    }
    if (entry->has_md5) {
        char hex[2 * STORE_MD5 + 1];
        text_hex(entry->md5, sizeof entry->md5, hex);
        fields_put_text(out, "md5", hex);
    }
    if (entry->number > 0)
        buf_printf(out, ",\"number\":%u", entry->number);
    if (entry->joined)
        put_beside(out, entry);
    fields_put_text(out, "proof", lake_proof_text(entry->proof));
    fields_put_text(out, "verdict", lake_verdict_text(entry->verdict));
    fields_put_tick(out, "at", entry->at);
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
    fields_put_tail(out, n, hex);
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

#define X(name, text) HEAD_##name,
enum head_key { HEAD_KEYS(X) HEAD_COUNT };
#undef X
#define X(name, text) LINE_##name,
enum line_key { LINE_KEYS(X) LINE_COUNT };
#undef X
#define X(name, text) BESIDE_##name,
enum beside_key { BESIDE_KEYS(X) BESIDE_COUNT };
#undef X
#define X(name, text) text,
static const char *const head_keys[] = {HEAD_KEYS(X)};
static const char *const line_keys[] = {LINE_KEYS(X)};
static const char *const beside_keys[] = {BESIDE_KEYS(X)};
#undef X

/* --- head --- */

static bool read_run(const struct fields *f, struct arena *arena, struct lake_run *run)
{
    struct str settle;
    unsigned access;
    if (!fields_text(f, HEAD_RUN, ID_MAX, false, arena, &run->id) ||
        !fields_text(f, HEAD_BY, TEXT_MAX, false, arena, &run->by) ||
        !fields_text(f, HEAD_IDENTITY, TEXT_MAX, false, arena, &run->identity) ||
        !fields_text(f, HEAD_QUERY, LAKE_QUERY_MAX, true, arena, &run->query) ||
        !fields_tick(f, HEAD_STARTED, &run->started) || !fields_tick(f, HEAD_FROM, &run->from) ||
        !fields_tick(f, HEAD_TO, &run->to) || !fields_tick(f, HEAD_T0, &run->t0) ||
        !fields_enum(f, HEAD_ACCESS, accesses, LAKE_ACCESS_COUNT, &access) ||
        !fields_hex(f, HEAD_COLUMNS, run->columns) || !fields_raw(f, HEAD_SETTLE, &settle))
        return false;
    run->access = (enum lake_access) access;
    return timespan_parse(settle, &run->settle) || fields_bad(f, HEAD_SETTLE);
}

static bool read_head(struct str line, struct arena *arena, struct lake_segment *out,
                      struct error *err)
{
    struct fields f = {.keys = head_keys, .n = HEAD_COUNT, .line = 1, .err = err};
    return fields_take(line, &f) &&
           fields_version(&f, HEAD_FORMAT, HEAD_VERSION, format_name, LAKE_LEDGER_VERSION) &&
           fields_number(&f, HEAD_SEGMENT, &out->number) &&
           fields_hex(&f, HEAD_PREVIOUS, out->previous) &&
           fields_text(&f, HEAD_WORKSPACE, TEXT_MAX, false, arena, &out->workspace_id) &&
           fields_text(&f, HEAD_TABLE, TEXT_MAX, false, arena, &out->table) &&
           read_run(&f, arena, &out->run);
}

/* --- lines --- */

static bool read_beside(const struct fields *f, struct lake_entry *out)
{
    struct fields in = {.keys = beside_keys, .n = BESIDE_COUNT, .line = f->line, .err = f->err};
    if (f->v[LINE_BESIDE].kind != JSON_KIND_OBJECT)
        return fields_bad(f, LINE_BESIDE);
    out->joined = true;
    return fields_take(f->v[LINE_BESIDE].value, &in) &&
           fields_number(&in, BESIDE_ROWS, &out->beside_rows) &&
           fields_number(&in, BESIDE_BYTES, &out->beside_bytes) &&
           fields_number(&in, BESIDE_DOUBLED, &out->doubled) &&
           (out->proof != LAKE_PROOF_SUM || fields_sum(&in, BESIDE_SUM, &out->beside_sum));
}

/* What only some lines have. */
static bool read_more(const struct fields *f, struct lake_entry *out)
{
    uint64_t number = 0;
    out->has_md5 = f->has[LINE_MD5] && out->bytes > 0;
    if (out->has_md5 && !fields_hash(f, LINE_MD5, out->md5, STORE_MD5))
        return false;
    if (f->has[LINE_NUMBER] && !fields_number(f, LINE_NUMBER, &number))
        return false;
    if (number == 1 || number > LAKE_NUMBER_MAX)
        return fields_bad(f, LINE_NUMBER);
    out->number = (uint32_t) number;
    return !f->has[LINE_BESIDE] || read_beside(f, out);
}

static bool read_entry(const struct fields *f, struct lake_entry *out)
{
    unsigned proof, verdict;
    *out = (struct lake_entry){0};
    if (!fields_tick(f, LINE_PARTITION, &out->partition) ||
        !fields_number(f, LINE_ROWS_EXPECTED, &out->rows_expected) ||
        !fields_number(f, LINE_ROWS, &out->rows) || !fields_number(f, LINE_BYTES, &out->bytes) ||
        !fields_enum(f, LINE_PROOF, proofs, LAKE_PROOF_COUNT, &proof) ||
        !fields_enum(f, LINE_VERDICT, verdicts, LAKE_VERDICT_COUNT, &verdict) ||
        !fields_tick(f, LINE_AT, &out->at))
        return false;
    if (out->partition % TICK_PARTITION != 0)
        return fields_bad(f, LINE_PARTITION);
    out->proof = (uint8_t) proof;
    out->verdict = (uint8_t) verdict;
    if (proof == LAKE_PROOF_SUM && (!fields_sum(f, LINE_SUM_EXPECTED, &out->sum_expected) ||
                                    !fields_sum(f, LINE_SUM, &out->sum)))
        return false;
    return (out->bytes == 0 || fields_hash(f, LINE_SHA256, out->sha256, HASH_SHA256_SIZE)) &&
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
    if (!fields_tail(parts->tail, &lines, said) || lines != count)
        return error_set(err, ERROR_FORMAT, "it is torn: its last line does not end it");
    return hash_sha256_hex(parts->hashed, is, err) && fields_unchanged(is, said, err);
}

static bool read_lines(struct str lines, lake_entry_fn *fn, void *context, struct error *err)
{
    struct str line;
    struct lake_entry entry;
    struct fields f = {.keys = line_keys, .n = LINE_COUNT, .line = 2, .err = err};
    for (; lines.n > 0 && str_split(&lines, '\n', &line); f.line++)
        if (!fields_take(line, &f) || !read_entry(&f, &entry) || !fn(context, &entry, err))
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
