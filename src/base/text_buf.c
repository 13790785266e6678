/* Growing buffers with a maximum; see text.h. */
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>

enum { BUF_FIRST = 64 }; /* bytes of the first block */

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf) BUF_INIT(max);
}

void buf_release(struct buf *buf)
{
    mem_free(buf->bytes);
    *buf = (struct buf) BUF_INIT(buf->max);
}

void buf_reset(struct buf *buf)
{
    buf->used = 0;
    buf->failed = buf->over = false;
    if (buf->bytes)
        buf->bytes[0] = '\0';
}

static bool fail(struct buf *buf, bool over)
{
    buf->failed = true;
    buf->over = over;
    return false;
}

bool buf_reserve(struct buf *buf, size_t n)
{
    if (buf->failed)
        return false;
    if (buf->used > buf->max || n > buf->max - buf->used || buf->used + n == SIZE_MAX)
        return fail(buf, true);
    size_t need = buf->used + n + 1;
    if (need <= buf->room)
        return true;
    size_t want = buf->room < BUF_FIRST ? BUF_FIRST : buf->room + buf->room / 2;
    if (want > buf->max && buf->max < SIZE_MAX)
        want = buf->max + 1;
    if (want < need)
        want = need;
    char *bigger = mem_resize(buf->bytes, want, 1, NULL);
    if (!bigger)
        return fail(buf, false);
    buf->bytes = bigger;
    buf->room = want;
    bigger[buf->used] = '\0';
    return true;
}

void buf_put(struct buf *buf, const void *bytes, size_t n)
{
    if (!buf_reserve(buf, n))
        return;
    if (n > 0)
        memcpy(buf->bytes + buf->used, bytes, n);
    buf->used += n;
    buf->bytes[buf->used] = '\0';
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

void buf_put_str(struct buf *buf, struct str s)
{
    buf_put(buf, s.p, s.n);
}

void buf_putc(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0) {
        (void) fail(buf, false);
    } else if (buf_reserve(buf, (size_t) n)) {
        (void) vsnprintf(buf->bytes + buf->used, (size_t) n + 1, format, again);
        buf->used += (size_t) n;
    }
    va_end(again);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

bool buf_ok(const struct buf *buf, const char *what, struct error *err)
{
    if (!buf->failed)
        return true;
    if (buf->over)
        return error_set(err, ERROR_LIMIT, "%s is longer than %zu bytes", what, buf->max);
    return error_set(err, ERROR_MEMORY, "no memory for %s", what);
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf_text(buf), buf->used};
}

const char *buf_text(const struct buf *buf)
{
    return buf->bytes ? buf->bytes : "";
}

char *buf_take(struct buf *buf)
{
    bool whole = buf_reserve(buf, 0);
    char *bytes = buf->bytes;
    if (!whole) {
        mem_free(bytes);
        bytes = NULL;
    }
    *buf = (struct buf) BUF_INIT(buf->max);
    return bytes;
}

/* -1: none of the alphabet. */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool text_put_unbase64url(struct buf *buf, struct str s)
{
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = digit_of(s.p[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned) digit) & 0xFFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_putc(buf, (char) (unsigned char) (bits >> held & 0xFF));
        }
    }
    return s.n % 4 != 1 && !buf->failed;
}
