/* Cutting of records; see cut.h. */
#include "partition/cut.h"

#include "partition/stream.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void count_to(struct part_cutter *cutter, struct str text, size_t end)
{
    const char *p = text.p + cutter->counted, *stop = text.p + end;
    while (p < stop && (p = memchr(p, '\n', (size_t) (stop - p)))) {
        cutter->lines++;
        p++;
    }
    cutter->counted = end;
}

static void begin(struct part_cutter *cutter, struct str text)
{
    count_to(cutter, text, cutter->at);
    cutter->open = true;
    cutter->start = cutter->at;
    cutter->line = cutter->lines;
    cutter->depth = 0;
    cutter->quoted = cutter->behind = cutter->dropped = false;
}

/* The record ends before text[end]. */
static enum part_cut_step give(struct part_cutter *cutter, size_t end, struct part_record *record)
{
    size_t length = end - cutter->start;
    cutter->open = false;
    *record = (struct part_record){
        .line = cutter->line, .start = (uint32_t) cutter->start, .length = (uint32_t) length};
    if (cutter->dropped || length > PART_LINE_MAX)
        record->reason = PART_REASON_LONG;
    return PART_CUT_RECORD;
}

static enum part_cut_step wrong(struct part_cutter *cutter, struct str text, const char *problem)
{
    count_to(cutter, text, cutter->at);
    cutter->problem = problem;
    return PART_CUT_WRONG;
}

/* --- one array ------------------------------------------------------------------------------------------ */

static bool skip_space(struct part_cutter *cutter, struct str text)
{
    while (cutter->at < text.n && is_space(text.p[cutter->at]))
        cutter->at++;
    return cutter->at < text.n;
}

/* Bytes that say something: within a string, and outside of one. */
enum { IN_STRING = 1, OUTSIDE = 2 };
static const unsigned char telling[256] = {['"'] = IN_STRING | OUTSIDE,
                                           ['\\'] = IN_STRING,
                                           ['['] = OUTSIDE,
                                           [']'] = OUTSIDE,
                                           ['{'] = OUTSIDE,
                                           ['}'] = OUTSIDE,
                                           [','] = OUTSIDE};

/* Stands at the next byte that says something, or at the end. */
static size_t next_telling(struct str text, size_t at, unsigned where)
{
    const char *p = text.p + at, *end = text.p + text.n;
    while (p < end && !(telling[(unsigned char) *p] & where))
        p++;
    return (size_t) (p - text.p);
}

/* Passes the inside of a string; true behind its quote. */
static bool pass_string(struct part_cutter *cutter, struct str text)
{
    while (cutter->at < text.n) {
        if (cutter->behind) {
            cutter->behind = false;
            cutter->at++;
            continue;
        }
        cutter->at = next_telling(text, cutter->at, IN_STRING);
        if (cutter->at == text.n)
            return false;
        cutter->behind = text.p[cutter->at++] == '\\';
        if (!cutter->behind)
            return true;
    }
    return false;
}

/* Passes to the comma or bracket that ends the element; false when the text ends before. */
static bool pass_element(struct part_cutter *cutter, struct str text)
{
    while (cutter->at < text.n) {
        if (cutter->quoted) {
            cutter->quoted = !pass_string(cutter, text);
            continue;
        }
        cutter->at = next_telling(text, cutter->at, OUTSIDE);
        if (cutter->at == text.n)
            return false;
        switch (text.p[cutter->at]) {
        case '"':
            cutter->quoted = true;
            break;
        case '[':
        case '{':
            cutter->depth++;
            break;
        case '}':
            cutter->depth -= cutter->depth > 0;
            break;
        case ']':
            if (cutter->depth == 0)
                return true;
            cutter->depth--;
            break;
        default: /* a comma */
            if (cutter->depth == 0)
                return true;
            break;
        }
        cutter->at++;
    }
    return false;
}

static enum part_cut_step end_array(struct part_cutter *cutter, struct str text, bool last)
{
    if (skip_space(cutter, text))
        return wrong(cutter, text, "something stands behind the array");
    return last ? PART_CUT_END : PART_CUT_MORE;
}

static enum part_cut_step break_off(struct part_cutter *cutter, struct str text, bool last)
{
    return last ? wrong(cutter, text, "the array does not end") : PART_CUT_MORE;
}

static enum part_cut_step cut_array(struct part_cutter *cutter, struct str text, bool last,
                                    struct part_record *record)
{
    if (cutter->ended)
        return end_array(cutter, text, last);
    if (!cutter->open) {
        if (!skip_space(cutter, text))
            return break_off(cutter, text, last);
        if (!cutter->begun) {
            if (text.p[cutter->at] != '[')
                return wrong(cutter, text, "there is no array");
            cutter->begun = cutter->empty = true;
            cutter->at++;
            if (!skip_space(cutter, text))
                return break_off(cutter, text, last);
        }
        if (cutter->empty && text.p[cutter->at] == ']') {
            cutter->ended = true;
            cutter->at++;
            return end_array(cutter, text, last);
        }
        cutter->empty = false;
        begin(cutter, text);
    }
    if (!pass_element(cutter, text))
        return break_off(cutter, text, last);
    size_t end = cutter->at;
    while (end > cutter->start && is_space(text.p[end - 1]))
        end--;
    cutter->ended = text.p[cutter->at++] == ']';
    return give(cutter, end, record);
}

/* --- CSV ------------------------------------------------------------------------------------------------ */

/* Passes the inside of a quoted cell; a quote behind a quote is one of its characters. */
static void pass_quoted(struct part_cutter *cutter, struct str text)
{
    while (cutter->at < text.n) {
        if (cutter->behind) {
            cutter->behind = false;
            if (text.p[cutter->at] != '"') {
                cutter->quoted = false;
                return;
            }
            cutter->at++;
            continue;
        }
        const char *quote = memchr(text.p + cutter->at, '"', text.n - cutter->at);
        if (!quote) {
            cutter->at = text.n;
            return;
        }
        cutter->at = (size_t) (quote - text.p) + 1;
        cutter->behind = true;
    }
}

/* Passes what is in no quotes, to an LF, behind a quote that opens, or to the end. */
static void pass_plain(struct part_cutter *cutter, struct str text)
{
    const char *p = text.p + cutter->at, *end = text.p + text.n;
    const char separator = cutter->separator;
    bool cell = cutter->cell;
    while (p < end && *p != '\n') {
        char c = *p++;
        if (c == '"' && cell) {
            cutter->quoted = true;
            cell = false;
            break;
        }
        cell = c == separator;
    }
    cutter->cell = cell;
    cutter->at = (size_t) (p - text.p);
}

/* Passes to the LF that ends the record. */
static bool pass_record(struct part_cutter *cutter, struct str text)
{
    while (cutter->at < text.n) {
        if (cutter->quoted)
            pass_quoted(cutter, text);
        else if (text.p[cutter->at] == '\n')
            return true;
        else
            pass_plain(cutter, text);
    }
    return false;
}

static enum part_cut_step cut_csv(struct part_cutter *cutter, struct str text, bool last,
                                  struct part_record *record)
{
    if (!cutter->open) {
        if (cutter->at == text.n)
            return last ? PART_CUT_END : PART_CUT_MORE;
        begin(cutter, text);
        cutter->cell = true;
    }
    bool ended = pass_record(cutter, text);
    if (!ended && !last)
        return PART_CUT_MORE;
    size_t end = cutter->at;
    cutter->at += ended;
    if (end > cutter->start && text.p[end - 1] == '\r')
        end--;
    return give(cutter, end, record);
}

enum part_cut_step part_cut(struct part_cutter *cutter, struct str text, bool last,
                            struct part_record *record)
{
    return cutter->separator ? cut_csv(cutter, text, last, record)
                             : cut_array(cutter, text, last, record);
}

/* --- pieces --------------------------------------------------------------------------------------------- */

/* Of a record that is too long only the beginning is kept. */
static void drop(struct part_cutter *cutter, struct buf *raw)
{
    if (!cutter->open || cutter->at - cutter->start <= PART_LINE_MAX)
        return;
    count_to(cutter, buf_str(raw), cutter->at);
    cutter->dropped = true;
    cutter->at = cutter->counted = cutter->start + PART_CUT_KEPT;
    raw->used = cutter->at;
}

/* What is behind the last whole record goes on with the next piece. */
static bool carry_over(struct part_cutter *cutter, struct part_piece *piece, struct buf *carry,
                       struct error *err)
{
    size_t from = cutter->open ? cutter->start : cutter->at;
    uint64_t inside = cutter->lines; /* LFs that were counted beyond `from` */
    if (cutter->open) {
        piece->lines = cutter->line;
        inside -= cutter->line;
    } else {
        count_to(cutter, buf_str(&piece->raw), from);
        piece->lines = cutter->lines;
        inside = 0;
    }
    buf_reset(carry);
    buf_put(carry, piece->raw.bytes + from, piece->raw.used - from);
    piece->raw.used = from;
    cutter->at -= from;
    cutter->counted -= from;
    cutter->start = 0;
    cutter->line = 0;
    cutter->lines = inside;
    return buf_ok(carry, "a piece of an input", err);
}

bool part_cut_piece(struct part_cutter *cutter, struct part_source *source, struct buf *carry,
                    uint64_t *lines, struct part_piece *piece, bool *end, struct error *err)
{
    struct part_record record;
    bool last = false;
    enum part_cut_step step = PART_CUT_MORE;
    buf_reset(&piece->raw);
    buf_put(&piece->raw, carry->bytes, carry->used);
    piece->record_count = 0;
    while (step == PART_CUT_MORE && piece->record_count == 0 && !last) {
        if (!part_stream_more(source->stream, PART_PIECE, &piece->raw, &last, err))
            return false;
        while ((step = part_cut(cutter, buf_str(&piece->raw), last, &record)) == PART_CUT_RECORD) {
            if (!part_piece_record(piece, &record, err))
                return false;
        }
        drop(cutter, &piece->raw);
    }
    if (step == PART_CUT_WRONG) {
        uint64_t line = *lines + cutter->lines + 1;
        return error_set(err, ERROR_FORMAT, "%s, line %llu: %s", source->input->name,
                         (unsigned long long) line, cutter->problem);
    }
    if (!carry_over(cutter, piece, carry, err))
        return false;
    *lines += piece->lines;
    *end = piece->record_count == 0;
    return true;
}
