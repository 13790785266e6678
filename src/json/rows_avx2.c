/* Rows, the fast path: plain rows at memory speed.
 *
 * A row is looked at in blocks of 64 bytes. Byte compares turn a block into 64-bit masks, one bit a byte,
 * and all the grammar of a plain row is arithmetic on masks:
 *
 *   - which bytes stand behind a backslash that counts (odd runs of backslashes, by one addition);
 *   - which bytes are inside a string (a running exclusive or over the quotes, by one carry-less multiply);
 *   - the structurals: commas, and the row's brackets, outside strings;
 *   - an empty value ends where a structural stands 3 behind another with two quotes between, or 5 behind
 *     another with `null` between. Most of a row's values are empty, so only the ends of the others are
 *     visited; a column's number is the count of structurals before it.
 *
 * Every look goes backward, at most 5 bytes into the block before, so nothing waits for a later block.
 *
 * What is accepted here is valid by construction: an opening quote must follow a structural and a closing
 * one must precede one, so a value that begins with a quote is one string; strings have no control
 * characters, only good escapes and good UTF-8 (Keiser and Lemire, "Validating UTF-8 in less than one
 * instruction per byte", 2020); all other values are read one by one at the row's end. Anything else
 * (white space, nested values, mistakes) is odd: the scalar twin reads that row and decides. The idea of
 * masks is that of Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019.
 */
#include "json/grammar.h"
#include "json/rows_scan.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define AVX2_INLINE                                                                                \
    __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul"), always_inline)) static inline

enum { BLOCK = 64, HALF = 32 };

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

/* Brackets and braces: they differ in one bit, 0x20, which no other byte of interest shares. */
AVX2_INLINE __m256i is_bracket(__m256i v)
{
    __m256i lower = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
    return _mm256_or_si256(_mm256_cmpeq_epi8(lower, _mm256_set1_epi8('{')),
                           _mm256_cmpeq_epi8(lower, _mm256_set1_epi8('}')));
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

/* Escaped bytes that none can be, and bytes that are no hex digit where \u wants one. */
AVX2_INLINE uint64_t bad_escapes(struct block b, uint64_t escaped, uint64_t *unicode_before)
{
    uint64_t unicode = escaped & bytes_equal(b, 'u'), before = *unicode_before;
    uint64_t simple = bytes_equal(b, '"') | bytes_equal(b, '\\') | bytes_equal(b, '/') |
                      bytes_equal(b, 'b') | bytes_equal(b, 'f') | bytes_equal(b, 'n') |
                      bytes_equal(b, 'r') | bytes_equal(b, 't');
    uint64_t bad = escaped & ~unicode & ~simple;
    *unicode_before = unicode;
    if ((unicode | before) != 0) {
        uint64_t digits = ahead(unicode, before, 1) | ahead(unicode, before, 2) |
                          ahead(unicode, before, 3) | ahead(unicode, before, 4);
        bad |= digits & ~join(is_hex(b.low), is_hex(b.high));
    }
    return bad;
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
AVX2_INLINE bool bad_utf8(struct block b, const char *p, bool first, bool high_before,
                          uint64_t high)
{
    __m256i before = first ? _mm256_setzero_si256() : load(p - HALF);
    if (high == 0)
        return high_before && is_cut(before);
    __m256i wrong = _mm256_or_si256(utf8_mistakes(b.low, before), utf8_mistakes(b.high, b.low));
    return _mm256_testz_si256(wrong, wrong) == 0;
}

/* The masks of a block that the visit of its cells wants. */
struct masks {
    uint64_t structural, visit, backslash;
};

/* One cell for each bit of `visit`: the value that ends there. */
AVX2_INLINE void add_cells(struct json_scan *scan, const char *row, struct masks m, bool escapes)
{
    const uint32_t base = (uint32_t) scan->at, structurals = scan->fast.structurals,
                   behind_last = scan->fast.behind_last, behind_escape = scan->fast.behind_escape;
    struct json_cell *const cells = scan->cells;
    uint16_t *const check = scan->checks;
    uint32_t checks = scan->fast.checks;
    size_t count = scan->count;
    for (uint64_t visit = m.visit; visit != 0; visit = _blsr_u64(visit)) {
        uint64_t below = _blsmsk_u64(visit) >> 1;
        uint32_t end = base + (uint32_t) _tzcnt_u64(visit);
        uint64_t before = m.structural & below;
        uint32_t start = before != 0 ? base + 64 - (uint32_t) _lzcnt_u64(before) : behind_last;
        uint32_t column = structurals + (uint32_t) __builtin_popcountll(before) - 1;
        bool escaped = false;
        if (escapes) {
            uint64_t slashes = m.backslash & below;
            uint32_t behind =
                slashes != 0 ? base + 64 - (uint32_t) _lzcnt_u64(slashes) : behind_escape;
            escaped = behind > start;
        }
        uint8_t kind = json_kind_of(row[start]);
        uint32_t quoted = kind == JSON_KIND_STRING;
        check[checks] = (uint16_t) count;
        checks += quoted ^ 1;
        cells[count++] = (struct json_cell){.column = column,
                                            .start = start + quoted,
                                            .length = end - start - 2 * quoted,
                                            .kind = kind,
                                            .escaped = escaped};
    }
    scan->fast.checks = checks;
    scan->count = count;
}

/* The cells that are no strings, one by one; true when all are whole numbers or words. */
static bool check_cells(const struct json_scan *scan, const char *row)
{
    for (uint32_t i = 0; i < scan->fast.checks; i++) {
        const struct json_cell *cell = scan->cells + scan->checks[i];
        const char *p = row + cell->start, *end = p + cell->length;
        size_t length =
            cell->kind == JSON_KIND_NUMBER ? json_take_number(p, end) : json_take_word(p, end);
        if (length == 0 || length != cell->length)
            return false;
    }
    return true;
}

/* Looks at the block at scan->at, of which only the bytes in `valid` are the row's. */
AVX2_INLINE enum json_step take_block(struct json_scan *scan, const char *row, uint64_t valid)
{
    const char *p = row + scan->at;
    struct block b = {load(p), load(p + HALF)};
    bool first = scan->at == 0;
    uint64_t backslash = bytes_equal(b, '\\'), escaped = 0, bad = 0;
    if ((backslash | scan->fast.escaped | scan->fast.unicode) != 0) {
        escaped = escaped_bytes(backslash, &scan->fast.escaped);
        bad = bad_escapes(b, escaped, &scan->fast.unicode);
    }
    uint64_t quote = bytes_equal(b, '"') & ~escaped;
    uint64_t inside = string_bytes(quote, &scan->fast.in_string);
    uint64_t brackets = join(is_bracket(b.low), is_bracket(b.high)) & ~inside;
    brackets &= ~(uint64_t) first; /* the row's own */
    uint64_t structural = (bytes_equal(b, ',') & ~inside) | brackets | first;
    uint64_t high = join(b.low, b.high);

    /* Up to the row's end; all when it is not here. */
    uint64_t range = _blsmsk_u64(brackets);
    if (brackets != 0)
        scan->length = scan->at + _tzcnt_u64(brackets) + 1;
    uint64_t closing = quote & ~inside;
    bad |= join(is_control(b.low), is_control(b.high)) | (backslash & ~inside);
    bad |= quote & inside & ~ahead(structural, scan->fast.structural, 1);
    bad |= ahead(closing, scan->fast.closing, 1) & ~structural;
    if ((bad & range & valid) != 0)
        return JSON_STEP_ODD;
    if ((valid == ALL || brackets != 0) && bad_utf8(b, p, first, scan->fast.high, high))
        return JSON_STEP_ODD;
    structural &= range;

    uint64_t visit = structural & ~(uint64_t) first;
    if (!scan->keep_empty) {
        uint64_t null_n = bytes_equal(b, 'n'), null_u = bytes_equal(b, 'u'),
                 null_l = bytes_equal(b, 'l');
        uint64_t strings = ahead(structural, scan->fast.structural, 3) &
                           ahead(quote, scan->fast.quote, 2) & ahead(quote, scan->fast.quote, 1);
        uint64_t nulls = ahead(structural, scan->fast.structural, 5) &
                         ahead(null_n, scan->fast.null_n, 4) & ahead(null_u, scan->fast.null_u, 3) &
                         ahead(null_l, scan->fast.null_l, 2) & ahead(null_l, scan->fast.null_l, 1);
        visit &= ~(strings | nulls);
        scan->fast.null_n = null_n;
        scan->fast.null_u = null_u;
        scan->fast.null_l = null_l;
    }
    uint32_t structurals = scan->fast.structurals + (uint32_t) __builtin_popcountll(structural);
    if (structurals > scan->columns + 1)
        return JSON_STEP_ODD;
    struct masks m = {structural, visit, backslash};
    if (backslash != 0 || scan->fast.behind_escape > scan->fast.behind_last)
        add_cells(scan, row, m, true);
    else
        add_cells(scan, row, m, false);

    if (brackets != 0)
        return row[scan->length - 1] == ']' && structurals == scan->columns + 1 &&
                       check_cells(scan, row)
                   ? JSON_STEP_ROW
                   : JSON_STEP_ODD;
    uint32_t base = (uint32_t) scan->at;
    if (structural != 0)
        scan->fast.behind_last = base + 64 - (uint32_t) _lzcnt_u64(structural);
    if (backslash != 0)
        scan->fast.behind_escape = base + 64 - (uint32_t) _lzcnt_u64(backslash);
    scan->fast.structurals = structurals;
    scan->fast.structural = structural;
    scan->fast.quote = quote;
    scan->fast.closing = closing;
    scan->fast.high = high != 0;
    scan->at += BLOCK;
    return JSON_STEP_MORE;
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

AVX2 enum json_step json_scan_avx2(struct json_scan *scan, const char *row, size_t n, bool padded)
{
    enum json_step step = JSON_STEP_MORE;
    while (step == JSON_STEP_MORE && n - scan->at >= BLOCK)
        step = take_block(scan, row, ALL);
    if (step != JSON_STEP_MORE || !padded || scan->at == n)
        return step;
    struct json_scan before = *scan;
    step = take_block(scan, row, _bzhi_u64(ALL, (unsigned) (n - scan->at)));
    if (step == JSON_STEP_MORE)
        *scan = before;
    return step;
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
