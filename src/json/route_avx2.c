/* Route, the fast path: plain lines at memory speed.
 *
 * A plain line is one flat object without white space between its tokens, as programs write it. It is looked at in
 * blocks of 64 bytes, the first one behind its opening brace; byte compares turn a block into 64-bit
 * masks, one bit a byte, and all the grammar of a plain line is arithmetic on masks, without a walk from token
 * to token:
 *
 *   - strings: from each quote that counts to the next (a running exclusive or, by one carry-less multiply);
 *   - marks: colons and separators outside strings; a separator is a comma, or the brace that ends the line;
 *   - a value or key begins behind each mark, at a quote or another byte outside strings, and nowhere else: so
 *     the bytes behind marks and the bytes where something begins are the same bits;
 *   - marks take turns: colon, separator, colon... (a running exclusive or again). Behind an even number of them
 *     what begins is a key, and must be a string; behind an odd number it is a value;
 *   - other bytes outside strings are numbers and words. Numbers of digits alone are checked in masks too; the
 *     rest one by one, by the grammar.
 *
 * Strings have no control characters, only good escapes and good UTF-8. The wanted key ends at a closing quote that
 * is a key's, so far behind an opening one as the key is long, with the key's first letter behind that: what
 * is left then is compared. A key with an escape in it is odd.
 *
 * What is odd (white space, nested values, {}, mistakes) is for the scalar twin, line by line.
 */
#include "json/block.h"
#include "json/grammar.h"
#include "json/route_scan.h"

#ifdef __x86_64__

/* What bytes are compared with. In memory, for they are more than there are registers. */
struct letters {
    __m256i quote, backslash, comma, colon, zero, blank, first, to_lowest, above_nine;
};

struct plain {
    const char *text;
    size_t n;
    struct letters letters;
    struct block key;  /* the wanted key */
    uint64_t key_mask; /* its bytes */
    int distance;      /* from its opening quote to the closing one */
};

/* What a block must know of the one before it in the line. */
struct carry {
    uint64_t in_string; /* all ones: it ended inside a string */
    uint64_t behind;    /* all ones: it ended behind an even number of marks */
    uint64_t leads;     /* 1: its last byte was a mark */
    uint64_t other;     /* 1: its last byte was of a number or word */
    uint64_t zero;      /* 1: a number began with 0 there */
    uint64_t names;     /* where strings began with the key's first letter */
};

/* The same, but seldom of interest. */
struct rare {
    uint64_t slashes; /* not 0: one of the next three is not */
    uint64_t escaped; /* 1: its last backslash escapes the next byte */
    uint64_t unicode; /* where it had \u */
    uint64_t dirty;   /* all ones: the string that it ended in has a backslash */
    uint64_t cut;     /* 1: it ended within a character */
};

/* What is found in a block. */
struct masks {
    uint64_t backslash, opening, closing;
    uint64_t inside; /* from each opening quote up to before its closing one */
    uint64_t marks, separators;
    uint64_t
        behind; /* bytes behind an even number of marks, those that are a separator among them */
    uint64_t other, starts; /* bytes of numbers and words; the first one of each */
    uint64_t ends;          /* where the line may end */
    uint64_t bad;
};

AVX2_INLINE uint64_t equal(struct block b, __m256i letter)
{
    return join(_mm256_cmpeq_epi8(b.low, letter), _mm256_cmpeq_epi8(b.high, letter));
}

/* ---- what is seldom ---- */

/* A number or word that begins at p, up to a comma or to the line's closing brace. */
static bool is_good_scalar(const char *p, const char *end)
{
    struct json_look look;
    if (p >= end)
        return false;
    size_t n = json_kind_of(*p) == JSON_KIND_NUMBER ? json_take_number(p, end, &look)
                                                    : json_take_word(p, end, &look);
    return n > 0 && (p[n] == ',' || (p[n] == '}' && (unsigned char) p[n + 1] < 0x20));
}

/* Where the numbers and words begin that are wrong, of those that touch the block at p. */
AVX2_COLD uint64_t bad_scalars(const char *line, const char *p, const char *end, uint64_t other,
                               uint64_t starts)
{
    uint64_t bad = 0;
    if ((other & ~starts & 1) != 0) {
        const char *from = p;
        while (from > line && from[-1] != ':')
            from--;
        bad = is_good_scalar(from, end) ? 0 : 1;
    }
    for (uint64_t left = starts; left != 0; left = _blsr_u64(left))
        if (!is_good_scalar(p + _tzcnt_u64(left), end))
            bad |= _blsi_u64(left);
    return bad;
}

/* Escapes other than those of a quote or backslash; those by \u among them. */
AVX2_COLD uint64_t bad_others(struct rare *rare, const char *p, uint64_t escaped)
{
    struct block b = {load(p), load(p + HALF)};
    uint64_t unicode = escaped & bytes_equal(b, 'u');
    uint64_t bad = bad_escapes(p, escaped, unicode, rare->unicode);
    rare->unicode = unicode;
    return bad;
}

/* Which bytes are escaped; and in *bad those that none can be. */
AVX2_INLINE uint64_t take_escapes(struct rare *rare, const char *p, uint64_t backslash,
                                  uint64_t quote, uint64_t *bad)
{
    uint64_t escaped = escaped_bytes(backslash, &rare->escaped);
    if (((escaped & ~(backslash | quote)) | rare->unicode) != 0)
        *bad = bad_others(rare, p, escaped);
    return escaped;
}

/* Backslashes outside strings, and the closing quotes of keys with a backslash in them. A bit that is added where a
 * string begins is carried on to its end, or to the first backslash. */
AVX2_INLINE uint64_t odd_slashes(struct rare *rare, const struct masks *m)
{
    uint64_t goes_on = (m->inside & ~m->opening) | m->closing, clean;
    uint64_t begin = m->opening << 1 | (goes_on & ~rare->dirty & 1);
    uint64_t run = m->inside & ~m->opening & ~m->backslash;
    bool over = __builtin_add_overflow(run, begin, &clean);
    over |= m->opening >> 63 != 0;
    rare->dirty = m->inside >> 63 != 0 && !over ? ALL : 0;
    rare->slashes = rare->escaped | rare->unicode | rare->dirty;
    return (m->backslash & ~m->inside) | (m->closing & ~clean & m->behind);
}

struct strange {
    uint64_t ends; /* bytes outside strings with a control character behind them */
    uint64_t bad;  /* bytes with something wrong behind them */
};

/* Some bytes at p + 1 are control characters or beyond ASCII. */
AVX2_COLD struct strange take_strange(struct rare *rare, const char *p, bool first, uint64_t inside)
{
    struct block b = {load(p + 1), load(p + 1 + HALF)};
    uint64_t control = join(is_control(b.low), is_control(b.high));
    struct strange out = {.ends = control & ~inside, .bad = control & inside};
    if (join(b.low, b.high) != 0) {
        out.bad |= bad_utf8(p + 1, first);
        rare->cut = is_cut(b.high) ? 1 : 0;
    } else {
        out.bad |= rare->cut;
        rare->cut = 0;
    }
    return out;
}

/* ---- a block ---- */

AVX2_INLINE void find_strings(struct masks *m, struct carry *carry, uint64_t quote)
{
    m->inside = string_bytes(quote, &carry->in_string);
    m->opening = quote & m->inside;
    m->closing = quote & ~m->inside;
}

/* Marks, and what stands between them. */
AVX2_INLINE void find_marks(struct masks *m, struct carry *carry, struct block b,
                            const struct letters *letters)
{
    uint64_t colons = equal(b, letters->colon) & ~m->inside;
    m->separators = (equal(b, letters->comma) & ~m->inside) | m->ends;
    m->marks = colons | m->separators;
    m->behind = string_bytes(m->marks, &carry->behind);
    m->other = ~(m->inside | m->closing | m->marks);
    m->starts = m->other & ~(m->other << 1 | carry->other);
    m->bad |= ((m->opening | m->starts) ^ (m->marks << 1 | carry->leads)) |
              ((m->behind ^ m->separators) & m->marks) | (m->starts & m->behind);
    carry->leads = m->marks >> 63;
    carry->other = m->other >> 63;
}

/* Digits behind a 0 that a number begins with are wrong; returns what is no digit in numbers and words. */
AVX2_INLINE uint64_t check_digits(struct masks *m, struct carry *carry, struct block b,
                                  const struct letters *letters)
{
    __m256i low = _mm256_add_epi8(b.low, letters->to_lowest);
    __m256i high = _mm256_add_epi8(b.high, letters->to_lowest);
    uint64_t digits = join(_mm256_cmpgt_epi8(letters->above_nine, low),
                           _mm256_cmpgt_epi8(letters->above_nine, high));
    uint64_t zero = equal(b, letters->zero) & m->starts;
    m->bad |= (zero << 1 | carry->zero) & digits;
    carry->zero = zero >> 63;
    return m->other & ~digits;
}

/* The last of the candidates that is the wanted key, or `otherwise`: where it ends. */
AVX2_INLINE size_t find_key(const struct plain *plain, size_t base, uint64_t candidates,
                            size_t otherwise)
{
    for (; candidates != 0; candidates = _blsr_u64(candidates)) {
        size_t end = base + _tzcnt_u64(candidates);
        const char *p = plain->text + end + 1 - plain->distance;
        if (end >= plain->n)
            break;
        uint64_t same = join(_mm256_cmpeq_epi8(load(p), plain->key.low),
                             _mm256_cmpeq_epi8(load(p + HALF), plain->key.high));
        if ((~same & plain->key_mask) == 0)
            otherwise = end;
    }
    return otherwise;
}

/* ---- a line ---- */

/* Behind the quote at p, up to the string's end. */
AVX2_INLINE void set_string(struct json_line *line, const char *p, const char *end)
{
    struct block b = {load(p + 1), load(p + 1 + HALF)};
    uint64_t quote = bytes_equal(b, '"'), backslash = bytes_equal(b, '\\');
    struct json_look look;
    if ((backslash & (quote - 1)) == 0 && quote != 0) {
        line->value_length = (uint32_t) _tzcnt_u64(quote);
    } else {
        line->value_length = (uint32_t) json_take_string(p, end, &look) - 2;
        line->escaped = look.escaped;
    }
}

/* Gives the line that ends before `end`; its wanted key ends at `key`, or is 0. False: it does not end as a plain
 * line does. */
AVX2_INLINE bool end_line(const struct plain *plain, size_t start, size_t key, size_t end,
                          struct json_line *line)
{
    const char *text = plain->text;
    struct json_look look;
    if (end >= plain->n || text[end - 1] != '}' || text[end] != '\n' || end - start > JSON_LINE_MAX)
        return false;
    *line = (struct json_line){.start = (uint32_t) start, .length = (uint32_t) (end - start)};
    if (key == 0)
        return true;
    const char *value = text + key + 2;
    line->kind = json_kinds[(unsigned char) *value];
    line->value = (uint32_t) (value - text) + (line->kind == JSON_KIND_STRING);
    if (line->kind == JSON_KIND_STRING)
        set_string(line, value, text + end);
    else
        line->value_length = (uint32_t) json_take_value(value, text + end, &look);
    return true;
}

/* The line whose opening brace stands at `start`; false when it is not plain or has no end. */
AVX2_INLINE bool take_line(const struct plain *plain, size_t start, struct json_line *line)
{
    const struct letters *letters = &plain->letters;
    struct carry carry = {.behind = ALL, .leads = 1};
    struct rare rare = {0};
    size_t key = 0;
    for (size_t base = start + 1; base < plain->n; base += BLOCK) {
        const char *p = plain->text + base;
        struct block b = {load(p), load(p + HALF)}, next = {load(p + 1), load(p + 1 + HALF)};
        struct masks m = {.backslash = equal(b, letters->backslash)};
        uint64_t quote = equal(b, letters->quote), bad = 0;
        struct strange strange = {0};

        bool slashes = (m.backslash | rare.slashes) != 0;
        if (__builtin_expect(slashes, 0))
            quote &= ~take_escapes(&rare, p, m.backslash, quote, &bad);
        find_strings(&m, &carry, quote);
        __m256i below = _mm256_or_si256(_mm256_cmpgt_epi8(letters->blank, next.low),
                                        _mm256_cmpgt_epi8(letters->blank, next.high));
        if (__builtin_expect(((uint32_t) _mm256_movemask_epi8(below) | rare.cut) != 0, 0))
            strange = take_strange(&rare, p, base == start + 1, m.inside);
        m.ends = strange.ends;
        m.bad = bad | strange.bad;

        find_marks(&m, &carry, b, letters);
        if (__builtin_expect(check_digits(&m, &carry, b, letters) != 0, 0))
            m.bad |= bad_scalars(plain->text + start, p, plain->text + plain->n, m.other, m.starts);
        if (__builtin_expect(slashes, 0))
            m.bad |= odd_slashes(&rare, &m);

        uint64_t names = m.opening & equal(next, letters->first);
        uint64_t keys = m.closing & m.behind & ahead(names, carry.names, plain->distance);
        carry.names = names;
        if (__builtin_expect((keys | m.bad | m.ends) == 0, 1))
            continue;
        uint64_t of_line = _blsmsk_u64(m.ends);
        key = find_key(plain, base, keys & of_line, key);
        if ((m.bad & of_line) != 0)
            return false;
        if (m.ends != 0)
            return end_line(plain, start, key, base + _tzcnt_u64(m.ends) + 1, line);
    }
    return false;
}

AVX2_COLD void begin(struct plain *plain, struct str text, struct str key)
{
    char bytes[BLOCK] = {0};
    memcpy(bytes, key.p, key.n);
    *plain = (struct plain){.text = text.p,
                            .n = text.n,
                            .key = {load(bytes), load(bytes + HALF)},
                            .key_mask = _bzhi_u64(ALL, (unsigned) key.n),
                            .distance = (int) key.n + 1};
    /* Digits are the lowest ten bytes, as signed numbers, when to_lowest is added. */
    plain->letters = (struct letters){.quote = _mm256_set1_epi8('"'),
                                      .backslash = _mm256_set1_epi8('\\'),
                                      .comma = _mm256_set1_epi8(','),
                                      .colon = _mm256_set1_epi8(':'),
                                      .zero = _mm256_set1_epi8('0'),
                                      .blank = _mm256_set1_epi8(' '),
                                      .first = _mm256_set1_epi8(*key.p),
                                      .to_lowest = _mm256_set1_epi8((char) (0x80 - '0')),
                                      .above_nine = _mm256_set1_epi8((char) (0x80 + 10))};
}

AVX2 size_t json_route_avx2(const struct json_route *route, struct str text, size_t *at,
                            struct json_line *lines, size_t room)
{
    struct plain plain;
    size_t count = 0, line = *at;
    begin(&plain, text, route->wanted ? route->key : STR("\x01")); /* which no plain line has */
    while (count < room && line < text.n && text.p[line] == '{' &&
           take_line(&plain, line, &lines[count])) {
        line += lines[count].length + 1;
        count++;
    }
    *at = line;
    return count;
}

#else

size_t json_route_avx2(const struct json_route *route, struct str text, size_t *at,
                       struct json_line *lines, size_t room)
{
    (void) route, (void) text, (void) at, (void) lines, (void) room;
    return 0;
}

#endif
