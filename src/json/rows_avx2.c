/* Rows, the fast path: plain rows at memory speed.
 *
 * A row is looked at in blocks of 64 bytes. Byte compares turn a block into 64-bit masks, one bit a byte,
 * and all the grammar of a plain row is arithmetic on masks:
 *
 *   - which bytes stand behind a backslash that counts (odd runs of backslashes, by one addition);
 *   - which bytes are inside a string (a running exclusive or over the quotes, by one carry-less multiply);
 *   - the structurals: commas, and the row's brackets, outside strings;
 *   - an empty value ends at the structural behind a closing quote that follows its opening one, or behind
 *     `null`. Most of a row's values are empty, so only the ends of the others are visited; a column's
 *     number is the count of structurals before it.
 *
 * What is accepted here is valid by construction. An opening quote must follow a structural and a closing
 * one precede one, so a value that begins with a quote is one string; strings have no control characters,
 * only good escapes and good UTF-8 (Keiser and Lemire, "Validating UTF-8 in less than one instruction per
 * byte", 2020); all other values are read one by one at the row's end. Anything else (white space, nested
 * values, mistakes) is odd: the scalar twin reads that row and decides. The idea of masks is that of
 * Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019.
 *
 * What a block must know of the one before comes over in struct json_fast. AHEAD bytes of the next block are
 * read: for `null`, and for numbers of up to eight digits.
 */
#include "json/grammar.h"
#include "json/rows_scan.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define AVX2_COLD __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul"), noinline)) static
#define AVX2_INLINE                                                                                \
    __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul"), always_inline)) static inline

enum { BLOCK = 64, HALF = 32, AHEAD = 8, AT_ONCE = 3 };

static const uint64_t ALL = UINT64_MAX;

/* 64 bytes in two registers. */
struct block {
    __m256i low, high;
};

AVX2_INLINE __m256i load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *) (const void *) p);
}

AVX2_INLINE uint64_t join(__m256i low, __m256i high)
{
    return (uint32_t) _mm256_movemask_epi8(low) | (uint64_t) (uint32_t) _mm256_movemask_epi8(high)
                                                      << HALF;
}

AVX2_INLINE uint64_t bytes_equal(struct block b, char c)
{
    __m256i v = _mm256_set1_epi8(c);
    return join(_mm256_cmpeq_epi8(b.low, v), _mm256_cmpeq_epi8(b.high, v));
}

/* The bytes at which `null` begins. */
AVX2_INLINE __m256i null_begins(const char *p)
{
    __m256i first = _mm256_cmpeq_epi8(load(p), _mm256_set1_epi8('n'));
    __m256i second = _mm256_cmpeq_epi8(load(p + 1), _mm256_set1_epi8('u'));
    __m256i third = _mm256_cmpeq_epi8(load(p + 2), _mm256_set1_epi8('l'));
    __m256i fourth = _mm256_cmpeq_epi8(load(p + 3), _mm256_set1_epi8('l'));
    return _mm256_and_si256(_mm256_and_si256(first, second), _mm256_and_si256(third, fourth));
}

AVX2_INLINE __m256i is_control(__m256i v)
{
    __m256i last = _mm256_set1_epi8(0x1F);
    return _mm256_cmpeq_epi8(_mm256_max_epu8(v, last), last);
}

/* The mask moved n bytes on, with what comes over from the block before. */
AVX2_INLINE uint64_t ahead(uint64_t mask, uint64_t before, int n)
{
    return mask << n | before >> (64 - n);
}

/* Which bytes stand behind a backslash that counts. A run of backslashes that begins at an odd place is
 * told from one at an even place by adding its first bit to it: the carry comes out behind the run, and
 * where it comes out says whether the run is odd. *carry is the same across blocks. */
AVX2_INLINE uint64_t escaped_bytes(uint64_t backslash, uint64_t *carry)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    uint64_t out;
    backslash &= ~*carry;
    uint64_t behind = backslash << 1 | *carry;
    uint64_t odd_starts = backslash & ~even & ~behind;
    *carry = __builtin_add_overflow(odd_starts, backslash, &out);
    return (even ^ out << 1) & behind;
}

/* From each opening quote up to before its closing one. */
AVX2_INLINE uint64_t string_bytes(uint64_t quote, uint64_t *carry)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long) quote), _mm_set1_epi8((char) 0xFF), 0);
    uint64_t inside = (uint64_t) _mm_cvtsi128_si64(product) ^ *carry;
    *carry = (uint64_t) ((int64_t) inside >> 63);
    return inside;
}

AVX2_INLINE __m256i is_hex(__m256i v)
{
    __m256i lower = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
    __m256i digit = _mm256_and_si256(_mm256_cmpgt_epi8(v, _mm256_set1_epi8('0' - 1)),
                                     _mm256_cmpgt_epi8(_mm256_set1_epi8('9' + 1), v));
    __m256i letter = _mm256_and_si256(_mm256_cmpgt_epi8(lower, _mm256_set1_epi8('a' - 1)),
                                      _mm256_cmpgt_epi8(_mm256_set1_epi8('f' + 1), lower));
    return _mm256_or_si256(digit, letter);
}

/* Escaped bytes that none can be, and bytes that are no hex digit where a \u before them wants one. */
AVX2_COLD uint64_t bad_escapes(const char *p, uint64_t escaped, uint64_t unicode,
                               uint64_t unicode_before)
{
    struct block b = {load(p), load(p + HALF)};
    uint64_t simple = bytes_equal(b, '"') | bytes_equal(b, '\\') | bytes_equal(b, '/') |
                      bytes_equal(b, 'b') | bytes_equal(b, 'f') | bytes_equal(b, 'n') |
                      bytes_equal(b, 'r') | bytes_equal(b, 't');
    uint64_t digits = ahead(unicode, unicode_before, 1) | ahead(unicode, unicode_before, 2) |
                      ahead(unicode, unicode_before, 3) | ahead(unicode, unicode_before, 4);
    return (escaped & ~unicode & ~simple) | (digits & ~join(is_hex(b.low), is_hex(b.high)));
}

/* The 32 bytes that begin n before `v`; `before` are the 32 before it. */
#define BYTES_BEFORE(v, before, n)                                                                 \
    _mm256_alignr_epi8(v, _mm256_permute2x128_si256(before, v, 0x21), 16 - (n))

/* UTF-8: what is wrong with two neighbouring bytes is found by three table look-ups, over the halves of the
 * first byte and the upper half of the second; each bit is one kind of mistake, and it is made when
 * all three agree. */
enum {
    TOO_SHORT = 1,   /* a lead or ASCII where a tail must be */
    TOO_LONG = 2,    /* ASCII, then a tail */
    OVERLONG_3 = 4,  /* E0 80..9F */
    TOO_LARGE = 8,   /* F4 90..BF and F5.. */
    SURROGATE = 16,  /* ED A0..BF */
    OVERLONG_2 = 32, /* C0, C1 */
    OVERLONG_4 = 64, /* F0 80..8F; and F5.. 80..8F */
    TWO_TAILS = 128, /* right only as third or fourth byte */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_TAILS
};

AVX2_INLINE __m256i look_up(__m256i index, __m128i table)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), index);
}

AVX2_INLINE __m256i upper_half(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0F));
}

/* Not zero in each byte where a mistake shows. */
AVX2_INLINE __m256i utf8_mistakes(__m256i v, __m256i before)
{
    const __m128i first_upper =
        _mm_setr_epi8(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
                      TOO_LONG, (char) TWO_TAILS, (char) TWO_TAILS, (char) TWO_TAILS,
                      (char) TWO_TAILS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
                      TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
    const char large = (char) (ANY_LOW | TOO_LARGE | OVERLONG_4);
    const __m128i first_lower =
        _mm_setr_epi8((char) (ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4),
                      (char) (ANY_LOW | OVERLONG_2), (char) ANY_LOW, (char) ANY_LOW,
                      (char) (ANY_LOW | TOO_LARGE), large, large, large, large, large, large, large,
                      large, (char) (ANY_LOW | TOO_LARGE | OVERLONG_4 | SURROGATE), large, large);
    const char tail = (char) (TOO_LONG | OVERLONG_2 | TWO_TAILS);
    const __m128i second_upper = _mm_setr_epi8(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        (char) (tail | OVERLONG_3 | OVERLONG_4), (char) (tail | OVERLONG_3 | TOO_LARGE),
        (char) (tail | SURROGATE | TOO_LARGE), (char) (tail | SURROGATE | TOO_LARGE), TOO_SHORT,
        TOO_SHORT, TOO_SHORT, TOO_SHORT);
    __m256i one = BYTES_BEFORE(v, before, 1);
    __m256i pairs = _mm256_and_si256(
        _mm256_and_si256(look_up(upper_half(one), first_upper),
                         look_up(_mm256_and_si256(one, _mm256_set1_epi8(0x0F)), first_lower)),
        look_up(upper_half(v), second_upper));
    /* A third or fourth byte must be a tail behind a tail, and only it may be. */
    __m256i third = _mm256_subs_epu8(BYTES_BEFORE(v, before, 2), _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(BYTES_BEFORE(v, before, 3), _mm256_set1_epi8(0xF0 - 0x80));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char) 0x80));
    return _mm256_xor_si256(must, pairs);
}

/* A character that the 32 bytes begin and do not end: its lead stands too near to their end. */
AVX2_INLINE bool is_cut(__m256i v)
{
    const char any = (char) 0xFF;
    const __m256i most =
        _mm256_setr_epi8(any, any, any, any, any, any, any, any, any, any, any, any, any, any, any,
                         any, any, any, any, any, any, any, any, any, any, any, any, any, any,
                         (char) 0xEF, (char) 0xDF, (char) 0xBF);
    __m256i over = _mm256_subs_epu8(v, most);
    return _mm256_testz_si256(over, over) == 0;
}

/* True when the block goes wrong as UTF-8; a mistake behind the row's end may count. */
AVX2_COLD bool bad_utf8(const char *p, bool first, bool high)
{
    __m256i before = first ? _mm256_setzero_si256() : load(p - HALF);
    if (!high)
        return is_cut(before);
    struct block b = {load(p), load(p + HALF)};
    __m256i wrong = _mm256_or_si256(utf8_mistakes(b.low, before), utf8_mistakes(b.high, b.low));
    return _mm256_testz_si256(wrong, wrong) == 0;
}

/* What is found in a block. */
struct masks {
    uint64_t first; /* 1 in the row's first block */
    uint64_t backslash, opening, closing, structural;
    uint64_t close; /* the bracket that ends the row, and others behind it */
    uint64_t behind_structural, behind_closing;
    uint64_t visit; /* where a value ends that is not empty */
    uint64_t other; /* those of them that are no strings */
    bool high;
};

/* Strings, structurals and the row's end. False: something is odd, before the row's end as far as it is here. */
AVX2_INLINE bool find_masks(struct masks *m, struct json_fast *fast, const char *p, uint64_t valid)
{
    struct block b = {load(p), load(p + HALF)};
    uint64_t escaped = 0, bad = 0;
    m->backslash = bytes_equal(b, '\\');
    if ((m->backslash | fast->escaped | fast->unicode) != 0) {
        escaped = escaped_bytes(m->backslash, &fast->escaped);
        uint64_t unicode = escaped & bytes_equal(b, 'u');
        bad = bad_escapes(p, escaped, unicode, fast->unicode);
        fast->unicode = unicode;
    }
    uint64_t quote = bytes_equal(b, '"') & ~escaped;
    uint64_t inside = string_bytes(quote, &fast->in_string);
    m->opening = quote & inside;
    m->closing = quote & ~inside;
    m->close = bytes_equal(b, ']') & ~inside;
    m->structural = (bytes_equal(b, ',') & ~inside) | m->close | m->first;
    m->behind_structural = ahead(m->structural, fast->structural, 1);
    m->behind_closing = ahead(m->closing, fast->closing, 1);
    m->high = _mm256_movemask_epi8(_mm256_or_si256(b.low, b.high)) != 0;

    if (_mm256_movemask_epi8(is_control(_mm256_min_epu8(b.low, b.high))) != 0)
        bad |= join(is_control(b.low), is_control(b.high));
    bad |= (m->backslash & ~inside) | (m->opening & ~m->behind_structural) |
           (m->behind_closing & ~m->structural);
    uint64_t range = _blsmsk_u64(m->close) & valid;
    m->structural &= range;
    if ((bad & range) != 0)
        return false;
    bool whole = valid == ALL || m->close != 0;
    return !(m->high || fast->high) || !whole || !bad_utf8(p, m->first != 0, m->high);
}

/* The ends of values that are not empty. */
AVX2_INLINE void find_visits(struct masks *m, struct json_fast *fast, const char *p,
                             bool keep_empty)
{
    m->visit = m->structural & ~m->first;
    if (!keep_empty) {
        uint64_t null = join(null_begins(p), null_begins(p + HALF)) & m->behind_structural;
        m->visit &= ~(m->behind_closing & ahead(m->opening, fast->opening, 2));
        m->visit &= ~ahead(null, fast->null, 4);
        fast->null = null;
    }
    m->other = m->visit & ~m->behind_closing;
}

/* Position behind the last bit of the mask, or `otherwise` when it has none. */
AVX2_INLINE uint32_t behind(uint64_t mask, uint32_t base, uint32_t otherwise)
{
    return mask != 0 ? base + BLOCK - (uint32_t) _lzcnt_u64(mask) : otherwise;
}

/* Notes a cell for each bit of `visit`, the value that ends there, as if it were a string. They are noted by
 * threes, the last ones beyond the count: that is cheaper than a branch for each. */
AVX2_INLINE void note_cells(struct json_cell *cell, const struct masks *m, uint32_t base,
                            const struct json_fast *fast, bool escapes)
{
    uint64_t visit = m->visit;
    while (visit != 0)
        for (size_t i = 0; i < AT_ONCE; i++, cell++) {
            uint64_t below = _blsmsk_u64(visit) >> 1, before = m->structural & below;
            uint32_t start = behind(before, base, fast->behind_last);
            uint32_t end = base + (uint32_t) _tzcnt_u64(visit);
            bool escaped =
                escapes && behind(m->backslash & below, base, fast->behind_escape) > start;
            *cell = (struct json_cell){.column = fast->structurals +
                                                 (uint32_t) __builtin_popcountll(before) - 1,
                                       .start = start + 1,
                                       .length = end - start - 2,
                                       .kind = JSON_KIND_STRING,
                                       .escaped = escaped};
            visit = _blsr_u64(visit);
        }
}

/* Notes which of the block's cells are no strings; returns how many are noted now. */
AVX2_INLINE size_t note_others(uint16_t *checks, size_t n, const struct masks *m, size_t count)
{
    for (uint64_t other = m->other; other != 0; other = _blsr_u64(other)) {
        uint64_t below = _blsmsk_u64(other) >> 1;
        checks[n++] = (uint16_t) (count + (size_t) __builtin_popcountll(m->visit & below));
    }
    return n;
}

/* Digits without sign, fraction and exponent, at most 8: nearly all numbers there are. */
static bool is_short_number(const char *p, size_t n)
{
    uint64_t eight;
    if (n == 0 || n > 8 || (*p == '0' && n > 1))
        return false;
    memcpy(&eight, p, sizeof eight);
    eight = (eight ^ UINT64_C(0x3030303030303030)) << 8 * (8 - n); /* others fall out */
    return (((eight + UINT64_C(0x0606060606060606)) | eight) & UINT64_C(0xF0F0F0F0F0F0F0F0)) == 0;
}

/* A cell that was noted as a string, and is none; true when it is a whole number or word. */
static bool mend_cell(struct json_cell *cell, const char *row)
{
    struct json_look look;
    cell->start -= 1;
    cell->length += 2;
    const char *p = row + cell->start, *end = p + cell->length;
    cell->kind = json_kinds[(unsigned char) *p];
    if (cell->kind != JSON_KIND_NUMBER)
        return cell->length > 0 && json_take_word(p, end, &look) == cell->length;
    return is_short_number(p, cell->length) || json_take_number(p, end, &look) == cell->length;
}

static bool mend_cells(const struct json_scan *scan, const char *row, size_t n)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        ok &= mend_cell(scan->cells + scan->checks[i], row);
    return ok;
}

/* What the next block must know of this one. */
AVX2_INLINE void pass_on(struct json_fast *fast, const struct masks *m, uint32_t base,
                         uint32_t structurals)
{
    fast->behind_last = behind(m->structural, base, fast->behind_last);
    fast->behind_escape = behind(m->backslash, base, fast->behind_escape);
    fast->structurals = structurals;
    fast->structural = m->structural;
    fast->opening = m->opening;
    fast->closing = m->closing;
    fast->high = m->high;
}

/* Looks at the block at scan->at, of which only the bytes in `valid` are the row's. */
AVX2_INLINE enum json_step take_block(struct json_scan *scan, struct json_fast *fast,
                                      const char *row, uint64_t valid)
{
    const char *p = row + scan->at;
    const uint32_t base = (uint32_t) scan->at;
    struct masks m = {.first = base == 0};
    bool plain = find_masks(&m, fast, p, valid);
    if (m.close != 0)
        scan->length = base + _tzcnt_u64(m.close) + 1;
    uint32_t structurals = fast->structurals + (uint32_t) __builtin_popcountll(m.structural);
    if (!plain || structurals > scan->columns + 1)
        return JSON_STEP_ODD;

    find_visits(&m, fast, p, scan->keep_empty);
    if (m.backslash != 0 || fast->behind_escape > fast->behind_last)
        note_cells(scan->cells + scan->count, &m, base, fast, true);
    else
        note_cells(scan->cells + scan->count, &m, base, fast, false);
    fast->others = note_others(scan->checks, fast->others, &m, scan->count);
    scan->count += (size_t) __builtin_popcountll(m.visit);
    if (m.close == 0) {
        pass_on(fast, &m, base, structurals);
        scan->at += BLOCK;
        return JSON_STEP_MORE;
    }
    bool whole = structurals == scan->columns + 1 && mend_cells(scan, row, fast->others);
    return whole ? JSON_STEP_ROW : JSON_STEP_ODD;
}

/* Compilers do not all know it by name. */
static bool has_lzcnt(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & bit_LZCNT) != 0;
}

bool json_scan_has_avx2(void)
{
    return has_lzcnt() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
           __builtin_cpu_supports("pclmul");
}

/* The last bytes there are now, with zeros behind them: nothing of it counts unless the row ends in it. */
AVX2_COLD enum json_step take_tail(struct json_scan *scan, const char *row, size_t n)
{
    struct json_scan before = *scan;
    struct json_fast fast = scan->fast;
    enum json_step step = JSON_STEP_MORE;
    while (step == JSON_STEP_MORE && scan->at < n) {
        size_t left = n - scan->at;
        step = take_block(scan, &fast, row, left < BLOCK ? _bzhi_u64(ALL, (unsigned) left) : ALL);
    }
    if (step == JSON_STEP_MORE)
        *scan = before;
    return step;
}

AVX2 enum json_step json_scan_avx2(struct json_scan *scan, const char *row, size_t n, bool padded)
{
    enum json_step step = JSON_STEP_MORE;
    struct json_fast fast = scan->fast;
    while (step == JSON_STEP_MORE && n - scan->at >= BLOCK + AHEAD)
        step = take_block(scan, &fast, row, ALL);
    scan->fast = fast;
    return step == JSON_STEP_MORE && padded ? take_tail(scan, row, n) : step;
}

#else

bool json_scan_has_avx2(void)
{
    return false;
}

enum json_step json_scan_avx2(struct json_scan *scan, const char *row, size_t n, bool padded)
{
    (void) padded;
    return json_scan_scalar(scan, row, n);
}

#endif
