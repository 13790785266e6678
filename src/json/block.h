/* Blocks: 64 bytes of JSON as masks, one bit a byte, with AVX2; for this room alone.
 *
 * What rows_avx2.c and route_avx2.c have in common: byte compares, which bytes a backslash escapes, which are
 * inside a string, and what no string may hold: control characters, bad escapes, bad UTF-8 (Keiser and
 * Lemire, "Validating UTF-8 in less than one instruction per byte", 2020). The idea of masks is that of
 * Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019.
 */
#ifndef WEIR_JSON_BLOCK_H
#define WEIR_JSON_BLOCK_H

#ifdef __x86_64__

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define AVX2_COLD __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul"), noinline)) static
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

/* The bytes at which the 64 at p go wrong as UTF-8; `first`: nothing stands before them. A character that they cut is
 * not wrong yet. */
AVX2_COLD uint64_t bad_utf8(const char *p, bool first)
{
    __m256i before = first ? _mm256_setzero_si256() : load(p - HALF);
    struct block b = {load(p), load(p + HALF)};
    __m256i none = _mm256_setzero_si256();
    return ~join(_mm256_cmpeq_epi8(utf8_mistakes(b.low, before), none),
                 _mm256_cmpeq_epi8(utf8_mistakes(b.high, b.low), none));
}

#endif

#endif
