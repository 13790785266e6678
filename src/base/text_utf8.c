/* UTF-8, and text made safe for JSON and for terminals; see text.h. */
#include "base/text.h"

static const uint32_t REPLACEMENT = 0xFFFD;

/* The bytes of a character after its first are 10xxxxxx; the first of them is narrower for some
 * leading bytes, which rules out overlong forms, surrogates and what lies above U+10FFFF
 * (The Unicode Standard, table 3-7). */
static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return is_tail(second);
    }
}

/* Length that a leading byte announces, or 0 when no character begins with it. */
static size_t announced(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF)
        return 2;
    if (c >= 0xE0 && c <= 0xEF)
        return 3;
    return c >= 0xF0 && c <= 0xF4 ? 4 : 0;
}

/* Length of the whole valid character at p, or 0. */
static size_t whole(const unsigned char *p, size_t n)
{
    size_t length = announced(p[0]);
    if (length == 0 || length > n)
        return 0;
    if (length > 1 && !second_fits(p[0], p[1]))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!is_tail(p[i]))
            return 0;
    return length;
}

bool text_utf8_valid(struct str s)
{
    const unsigned char *p = (const unsigned char *) s.p;
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t at = 0;
    while (at < s.n) {
        uint64_t eight;
        if (s.n - at >= sizeof eight) {
            memcpy(&eight, p + at, sizeof eight);
            if ((eight & high) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t length = whole(p + at, s.n - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

uint32_t text_utf8_next(const char *p, size_t n, size_t *length)
{
    const unsigned char *b = (const unsigned char *) p;
    *length = whole(b, n);
    switch (*length) {
    case 1:
        return b[0];
    case 2:
        return (b[0] & 0x1FU) << 6 | (b[1] & 0x3FU);
    case 3:
        return (b[0] & 0x0FU) << 12 | (b[1] & 0x3FU) << 6 | (b[2] & 0x3FU);
    case 4:
        return (b[0] & 0x07U) << 18 | (b[1] & 0x3FU) << 12 | (b[2] & 0x3FU) << 6 | (b[3] & 0x3FU);
    default:
        *length = 1;
        return REPLACEMENT;
    }
}

void text_put_utf8(struct buf *buf, uint32_t c)
{
    char bytes[4];
    size_t n = 0;
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = REPLACEMENT;
    if (c < 0x80) {
        bytes[n++] = (char) c;
    } else if (c < 0x800) {
        bytes[n++] = (char) (0xC0 | c >> 6);
        bytes[n++] = (char) (0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        bytes[n++] = (char) (0xE0 | c >> 12);
        bytes[n++] = (char) (0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char) (0x80 | (c & 0x3F));
    } else {
        bytes[n++] = (char) (0xF0 | c >> 18);
        bytes[n++] = (char) (0x80 | (c >> 12 & 0x3F));
        bytes[n++] = (char) (0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char) (0x80 | (c & 0x3F));
    }
    buf_put(buf, bytes, n);
}

/* The letter of a two-character escape that JSON and C share, or 0. */
static char short_escape(uint32_t c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void put_json_escape(struct buf *buf, uint32_t c)
{
    char letter = c == '"' || c == '\\' ? (char) c : short_escape(c);
    if (letter)
        buf_put(buf, (char[]){'\\', letter}, 2);
    else
        buf_printf(buf, "\\u%04x", (unsigned) c);
}

void text_put_json(struct buf *buf, struct str s)
{
    size_t done = 0;
    for (size_t at = 0, length; at < s.n; at += length) {
        uint32_t c = text_utf8_next(s.p + at, s.n - at, &length);
        bool broken = c == REPLACEMENT && length == 1;
        if (c >= 0x20 && c != '"' && c != '\\' && !broken)
            continue;
        buf_put(buf, s.p + done, at - done);
        done = at + length;
        if (broken)
            text_put_utf8(buf, REPLACEMENT);
        else
            put_json_escape(buf, c);
    }
    if (s.n > done)
        buf_put(buf, s.p + done, s.n - done);
}

/* Characters that move the cursor, end a line, or turn the direction of writing: C0, DEL, C1, the
 * line and paragraph separators, and the marks, embeddings, overrides and isolates of the
 * bidirectional algorithm (Unicode Standard Annex 9, table 3). */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static void put_visible(struct buf *buf, uint32_t c)
{
    char letter = short_escape(c);
    if (letter)
        buf_put(buf, (char[]){'\\', letter}, 2);
    else if (c < 0x80)
        buf_printf(buf, "\\x%02x", (unsigned) c);
    else
        buf_printf(buf, "\\u%04x", (unsigned) c);
}

void text_put_safe(struct buf *buf, struct str s)
{
    size_t done = 0;
    for (size_t at = 0, length; at < s.n; at += length) {
        uint32_t c = text_utf8_next(s.p + at, s.n - at, &length);
        bool broken = c == REPLACEMENT && length == 1;
        if (!broken && !is_unsafe(c))
            continue;
        buf_put(buf, s.p + done, at - done);
        done = at + length;
        if (broken)
            buf_printf(buf, "\\x%02x", (unsigned) (unsigned char) s.p[at]);
        else
            put_visible(buf, c);
    }
    if (s.n > done)
        buf_put(buf, s.p + done, s.n - done);
}
