/* Text: views, growing buffers with a maximum, and the small things one does with text.
 *
 * `struct str` is a view: it owns nothing and need not end in NUL. `struct buf` owns bytes and has
 * a maximum, always; bytes[used] is NUL once anything was put in. Putting into a buffer that failed
 * does nothing, so a run of puts is checked once: buf_ok.
 */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

#include "base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* The same where C wants a constant: in the initializer of a static table. */
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

bool str_eq(struct str a, struct str b);
bool str_eq_case(struct str a, struct str b); /* ASCII letters without case */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s);           /* blanks, tabs, CR, LF at both ends */
int str_compare(struct str a, struct str b); /* by bytes, as memcmp */

/* Splits off what stands before `separator`, moving *rest behind it; false at the end. An empty text
 * has one part, an empty one. */
bool str_split(struct str *rest, char separator, struct str *part);

/* A whole text as a number; false when it is anything else or out of range. A minus sign is the only
 * sign, there are no blanks; a double is decimal ([-]1.5e-3), not NaN, not infinite, and may be too
 * small to be told from 0. */
bool str_int64(struct str s, int64_t *out);
bool str_uint64(struct str s, uint64_t *out);
bool str_double(struct str s, double *out);

/* Sizes as people write them: 20MB, 64kB, 1.5GB (decimal, as the bill is), 1KiB, plain bytes; a blank
 * before the unit and either case are fine. Broken bytes are rounded down. */
bool str_size(struct str s, uint64_t *out);

struct buf {
    char *bytes;
    size_t used, room, max;
    bool failed; /* a put did not fit, or found no memory */
    bool over;   /* it was `max` that it did not fit */
};

#define BUF_INIT(limit)                                                                            \
    {                                                                                              \
        .max = (limit)                                                                             \
    }

void buf_init(struct buf *buf, size_t max);
void buf_release(struct buf *buf);
void buf_reset(struct buf *buf); /* empty, memory kept, failure forgotten */

/* Room for n more bytes behind `used` (and a NUL); false when that would pass the maximum. */
bool buf_reserve(struct buf *buf, size_t n);
void buf_put(struct buf *buf, const void *bytes, size_t n);
void buf_puts(struct buf *buf, const char *text);
void buf_put_str(struct buf *buf, struct str s);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* True when no put failed; else sets ERROR_LIMIT or ERROR_MEMORY with `what` in the message. */
bool buf_ok(const struct buf *buf, const char *what, struct error *err);
struct str buf_str(const struct buf *buf);
const char *buf_text(const struct buf *buf); /* NUL-terminated; "" when empty */
/* Gives the bytes away (mem_free; "" when nothing was put); the buffer is empty again. NULL when a
 * put failed or no memory is left. */
char *buf_take(struct buf *buf);

/* Appends `s` as the inside of a JSON string: quotes, backslash and control characters escaped,
 * invalid UTF-8 replaced by U+FFFD. For control-plane text; rows have their own writer. */
void text_put_json(struct buf *buf, struct str s);
/* Appends the bytes that base64url text without padding stands for (RFC 4648, section 5). False for a character that is
 * none of it, or one too many. */
bool text_put_unbase64url(struct buf *buf, struct str s);

/* Appends `s` made safe for a terminal or a log line: control characters, ESC, DEL, C1, invalid
 * UTF-8 and the bidirectional overrides become visible escapes such as \x1b or \u202e. */
void text_put_safe(struct buf *buf, struct str s);

/* True when the bytes are valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool text_utf8_valid(struct str s);

/* One character at `p` (n bytes are there, n > 0): its code point and length; an invalid byte gives
 * U+FFFD and length 1. */
uint32_t text_utf8_next(const char *p, size_t n, size_t *length);
void text_put_utf8(struct buf *buf, uint32_t code_point);

/* The name nearest to `wanted` among `names` without case, or NULL when none is near (at most a
 * third of the letters differ): for "did you mean". */
const char *text_nearest(struct str wanted, const char *const *names, size_t count);

/* Numbers for people: 151203118 as 151,203,118; 151.20 M (grouped below a million); bytes as 123.9 GB
 * (decimal); a span of seconds as 350 ms, 4.2 s, 12 s, 48 min 12 s, 47 min, 2 h 05 min, 3 d 04 h, and
 * "unknown" when it is not a number. Written into `out`, NUL-terminated, and returned. */
enum { TEXT_NUMBER_MAX = 40 };
const char *text_grouped(uint64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_count(uint64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_bytes(uint64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_duration(double seconds, char out[TEXT_NUMBER_MAX]);

/* True for a GUID in its hyphenated form, either case. */
bool text_is_guid(struct str s);

/* What bytes are packed by that begin so, "gzip" (RFC 1952) or "zstd" (RFC 8878, also a frame that readers pass over); NULL: by
 * neither. Four bytes are enough to tell, none of which begins a line of JSON. */
const char *text_packing(struct str begin);

/* 2n hex digits, lower case, of n bytes into out[2n+1]. */
void text_hex(const void *bytes, size_t n, char *out);

#endif
