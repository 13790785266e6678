/* Route, the fast path: plain lines at memory speed.
 */
#include "json/block.h"
#include "json/grammar.h"
#include "json/route_scan.h"

#ifdef __x86_64__

/* What the next block must know of this one. */
struct carry {
    uint64_t in_string; /* all ones when it ended inside a string */
    uint64_t tokens;    /* all ones when the line's tokens so far are odd in number */
    uint64_t marks;     /* the same of its colons and separators */
    uint64_t between;   /* its first bytes that lie between two lines */
    uint64_t other, zero, opening, letter; /* masks of the last block */
    uint64_t escaped;                      /* 1 when its last backslash escapes the next byte */
    uint64_t unicode;                      /* mask of the last block: escapes by \u */
    uint64_t dirty; /* all ones when the string that it ended in has a backslash */
    uint64_t cut;   /* 1 when a character was cut by its end */
    bool first;
};

/* What bytes are compared with, 32 times each. In memory: they are more than there are registers. */
struct letters {
    __m256i quote, backslash, comma, colon, zero, blank, first, to_low, above_nine;
    struct block wanted; /* the wanted key */
};

/* The text, and what is found in it. */
struct scan {
    const char *text;
    size_t n;
    size_t line; /* where the line at hand begins */
    size_t key;  /* where its wanted key ends, if behind `line` */
    struct json_line *lines;
    size_t count, room;
    const struct letters *letters;
    uint64_t wanted_mask; /* bytes of the wanted key */
    unsigned distance;    /* from its opening quote to the closing one */
};

AVX2_INLINE uint64_t equal(struct block b, __m256i letter)
{
    return join(_mm256_cmpeq_epi8(b.low, letter), _mm256_cmpeq_epi8(b.high, letter));
}

/* A number or word that begins at p, up to a comma or the line's closing brace. */
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

/* Where those strings end that have no backslash in them. */
AVX2_INLINE uint64_t clean_ends(uint64_t inside, uint64_t opening, uint64_t backslash,
                                struct carry *carry, uint64_t in_string)
{
    uint64_t begin = opening << 1 | (in_string & ~carry->dirty & 1);
    uint64_t run = inside & ~opening & ~backslash, out;
    uint64_t over = (uint64_t) __builtin_add_overflow(run, begin, &out) | opening >> 63;
    carry->dirty = (uint64_t) ((int64_t) inside >> 63) & ~(0 - over);
    return out;
}

/* The value whose key ends at the quote `key`, in a line that ends before `end`. */
AVX2_INLINE void set_value(struct json_line *line, const char *text, size_t key, size_t end)
{
    size_t at = key + 2;
    struct json_look look;
    line->kind = json_kinds[(unsigned char) text[at]];
    if (line->kind == JSON_KIND_STRING) {
        struct block b = {load(text + at + 1), load(text + at + 1 + HALF)};
        uint64_t quote = bytes_equal(b, '"'), backslash = bytes_equal(b, '\\');
        line->value = (uint32_t) at + 1;
        if (_blsmsk_u64(quote) >= _blsmsk_u64(backslash) || quote == 0) {
            line->value_length = (uint32_t) json_take_string(text + at, text + end, &look) - 2;
            line->escaped = look.escaped;
        } else {
            line->value_length = (uint32_t) _tzcnt_u64(quote);
        }
        return;
    }
    line->value = (uint32_t) at;
    line->value_length = (uint32_t) json_take_value(text + at, text + end, &look);
}

/* Notes where the wanted key ends, of the candidates: strings of its length and first letter that are keys. */
AVX2_INLINE void note_key(struct scan *scan, size_t base, uint64_t candidates)
{
    for (; candidates != 0; candidates = _blsr_u64(candidates)) {
        size_t end = base + _tzcnt_u64(candidates);
        const char *p = scan->text + end + 1 - scan->distance;
        if (end >= scan->n)
            return;
        uint64_t same = join(_mm256_cmpeq_epi8(load(p), scan->letters->wanted.low),
                             _mm256_cmpeq_epi8(load(p + HALF), scan->letters->wanted.high));
        if ((~same & scan->wanted_mask) == 0)
            scan->key = end;
    }
}

/* Gives the line whose closing brace stands at `end`; false when it is no line end that is plain. */
AVX2_INLINE bool end_line(struct scan *scan, size_t end)
{
    const char *text = scan->text;
    if (end + 1 >= scan->n || text[end] != '}' || text[end + 1] != '\n')
        return false;
    struct json_line *line = &scan->lines[scan->count++];
    *line = (struct json_line){.start = (uint32_t) scan->line,
                               .length = (uint32_t) (end + 1 - scan->line)};
    if (scan->key > scan->line)
        set_value(line, text, scan->key, end + 1);
    scan->line = end + 2;
    return scan->count < scan->room && scan->line < scan->n && text[scan->line] == '{';
}

/* Lines that end in the block before the first mistake in it. */
AVX2_INLINE bool end_lines(struct scan *scan, size_t base, uint64_t ends, uint64_t bad,
                           uint64_t keys)
{
    if (bad != 0)
        ends &= _blsmsk_u64(bad) >> 1;
    for (; ends != 0; ends = _blsr_u64(ends)) {
        note_key(scan, base, keys & _blsmsk_u64(ends));
        keys &= ~_blsmsk_u64(ends);
        if (!end_line(scan, base + _tzcnt_u64(ends)))
            return false;
    }
    note_key(scan, base, keys);
    return bad == 0;
}

/* What is found where bytes at p + 1 are control characters or beyond ASCII. */
struct strange {
    uint64_t ends; /* where lines may end: at the byte before a control character outside strings */
    uint64_t bad;
    uint64_t cut;
};

AVX2_COLD struct strange take_strange(const char *p, bool first, uint64_t inside, uint64_t cut)
{
    struct block b = {load(p + 1), load(p + 1 + HALF)};
    uint64_t control = join(is_control(b.low), is_control(b.high));
    struct strange out = {.ends = control & ~inside, .bad = control & inside};
    if (join(b.low, b.high) != 0) {
        uint64_t wrong = bad_utf8(p + 1, first);
        out.bad |= wrong << 1 | (wrong & UINT64_C(1) << 63);
        out.cut = is_cut(b.high) ? 1 : 0;
    } else {
        out.bad |= cut;
    }
    return out;
}

/* Looks at the block at `base`; false when the scan ends in it. */
AVX2_INLINE bool take_block(struct scan *scan, struct carry *carry, size_t base)
{
    const struct letters *letters = scan->letters;
    const char *p = scan->text + base;
    struct block b = {load(p), load(p + HALF)};
    uint64_t backslash = equal(b, letters->backslash), escaped = 0, bad = 0;
    uint64_t in_string = carry->in_string, cut = carry->cut;
    bool slashes = (backslash | carry->escaped | carry->unicode | carry->dirty) != 0;
    if (__builtin_expect(slashes, 0)) {
        escaped = escaped_bytes(backslash, &carry->escaped);
        uint64_t unicode = escaped & bytes_equal(b, 'u');
        bad |= bad_escapes(p, escaped, unicode, carry->unicode);
        carry->unicode = unicode;
    }
    uint64_t quote = equal(b, letters->quote) & ~escaped;
    uint64_t inside = string_bytes(quote, &carry->in_string);
    uint64_t opening = quote & inside, closing = quote & ~inside;

    uint64_t ends = 0;
    __m256i strange = _mm256_or_si256(_mm256_cmpgt_epi8(letters->blank, load(p + 1)),
                                      _mm256_cmpgt_epi8(letters->blank, load(p + 1 + HALF)));
    carry->cut = 0;
    if (__builtin_expect(_mm256_movemask_epi8(strange) != 0, 0)) {
        struct strange found = take_strange(p, carry->first, inside, cut);
        ends = found.ends;
        bad |= found.bad;
        carry->cut = found.cut;
    } else {
        bad |= cut;
    }

    uint64_t between = carry->between | ends << 1 | ends << 2;
    uint64_t colons = equal(b, letters->colon) & ~inside;
    uint64_t separators = (equal(b, letters->comma) & ~inside) | ends;
    uint64_t marks = colons | separators;
    uint64_t other = ~(inside | quote | marks | between);
    uint64_t starts = other & ~(other << 1 | carry->other);
    uint64_t values = closing | starts, tokens = values | marks;
    uint64_t odd = string_bytes(tokens, &carry->tokens);
    uint64_t odd_marks = string_bytes(marks, &carry->marks);
    bad |= (backslash & ~inside) | ((odd ^ values) & tokens) | ((odd_marks ^ separators) & marks) |
           (starts & odd_marks);

    uint64_t digits =
        join(_mm256_cmpgt_epi8(letters->above_nine, _mm256_add_epi8(b.low, letters->to_low)),
             _mm256_cmpgt_epi8(letters->above_nine, _mm256_add_epi8(b.high, letters->to_low)));
    uint64_t zero = equal(b, letters->zero) & starts;
    bad |= (zero << 1 | carry->zero) & other & digits;
    if (__builtin_expect((other & ~digits) != 0, 0))
        bad |= bad_scalars(scan->text + scan->line, p, scan->text + scan->n, other, starts);

    if (__builtin_expect(slashes, 0)) {
        uint64_t clean = clean_ends(inside, opening, backslash, carry, in_string);
        bad |= closing & ~clean & odd_marks;
    }

    uint64_t letter = equal(b, letters->first);
    uint64_t keys = closing & odd_marks & ahead(opening, carry->opening, (int) scan->distance) &
                    ahead(letter, carry->letter, (int) scan->distance - 1);
    carry->between = 0;
    carry->other = other >> 63;
    carry->zero = zero >> 63;
    carry->opening = opening;
    carry->letter = letter;
    carry->first = false;
    if (__builtin_expect((ends | bad) != 0, 0)) {
        carry->between = ends >> 63 | ends >> 62;
        return end_lines(scan, base, ends, bad, keys);
    }
    note_key(scan, base, keys);
    return true;
}

AVX2_COLD void set_letters(struct letters *letters, struct str wanted)
{
    char key[BLOCK] = {0};
    memcpy(key, wanted.p, wanted.n);
    *letters = (struct letters){.quote = _mm256_set1_epi8('"'),
                                .backslash = _mm256_set1_epi8('\\'),
                                .comma = _mm256_set1_epi8(','),
                                .colon = _mm256_set1_epi8(':'),
                                .zero = _mm256_set1_epi8('0'),
                                .blank = _mm256_set1_epi8(' '),
                                .first = _mm256_set1_epi8(*wanted.p),
                                .to_low = _mm256_set1_epi8((char) (0x80 - '0')),
                                .above_nine = _mm256_set1_epi8((char) (0x80 + 10)),
                                .wanted = {load(key), load(key + HALF)}};
}

AVX2 size_t json_route_avx2(const struct json_route *route, struct str text, size_t *at,
                            struct json_line *lines, size_t room)
{
    struct str wanted = route->wanted ? route->key : STR("\x01");
    struct letters letters;
    struct scan scan = {.text = text.p,
                        .n = text.n,
                        .line = *at,
                        .lines = lines,
                        .room = room,
                        .letters = &letters,
                        .wanted_mask = _bzhi_u64(ALL, (unsigned) wanted.n),
                        .distance = (unsigned) wanted.n + 1};
    struct carry carry = {.marks = ALL, .between = 1, .first = true};
    size_t base = *at;
    if (base < text.n && text.p[base] == '{') {
        set_letters(&letters, wanted);
        while (base < text.n && take_block(&scan, &carry, base))
            base += BLOCK;
    }
    *at = scan.line;
    return scan.count;
}

#else

size_t json_route_avx2(const struct json_route *route, struct str text, size_t *at,
                       struct json_line *lines, size_t room)
{
    (void) route, (void) text, (void) at, (void) lines, (void) room;
    return 0;
}

#endif
