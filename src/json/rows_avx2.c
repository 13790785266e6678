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
#include "json/block.h"
#include "json/grammar.h"
#include "json/rows_scan.h"

#ifdef __x86_64__

enum { AHEAD = 8, AT_ONCE = 3 };

/* The bytes at which `null` begins. */
AVX2_INLINE __m256i null_begins(const char *p)
{
    __m256i first = _mm256_cmpeq_epi8(load(p), _mm256_set1_epi8('n'));
    __m256i second = _mm256_cmpeq_epi8(load(p + 1), _mm256_set1_epi8('u'));
    __m256i third = _mm256_cmpeq_epi8(load(p + 2), _mm256_set1_epi8('l'));
    __m256i fourth = _mm256_cmpeq_epi8(load(p + 3), _mm256_set1_epi8('l'));
    return _mm256_and_si256(_mm256_and_si256(first, second), _mm256_and_si256(third, fourth));
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
    if (m->high)
        return !whole || bad_utf8(p, m->first != 0) == 0;
    return !(fast->high && whole && is_cut(load(p - HALF)));
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

/* lzcnt, which not all compilers know by name, is in every processor that has the others. What they know was asked of
 * the processor once: asking it again is dear on a virtual machine. */
bool json_scan_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
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
