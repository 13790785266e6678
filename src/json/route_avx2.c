/* Route, the fast path: lines at memory speed.
 *
 * A line is looked at in blocks of 64 bytes, the first one behind its opening brace; byte compares turn a block into
 * 64-bit masks, one bit a byte, and the grammar is arithmetic on masks, without a walk from token to token.
 * Strings are found first: from each quote that counts to the next (a running exclusive or, by one carry-less
 * multiply). They must have no control characters, only good escapes and good UTF-8.
 *
 * A tight line is one flat object without white space between its tokens, as programs write it:
 *
 *   - marks: colons and separators outside strings; a separator is a comma, or the brace that ends the line;
 *   - a key or value begins behind each mark, at a quote or another byte outside strings, and nowhere else: so
 *     the bytes behind marks and the bytes where something begins are the same bits;
 *   - marks take turns: colon, separator, colon... (a running exclusive or again). Behind an even number of them
 *     what begins is a key, and must be a string; behind an odd number it is a value.
 *
 * A loose line may have white space and nested values. Each token says what may follow it, and that place is found by
 * an addition that carries its bit over the white space. Brackets are visited one by one: they say which
 * bytes are in an array, where no keys are, and which are not nested, where the wanted key may be. A loose line
 * takes about twice the time of a tight one.
 *
 * Other bytes outside strings are numbers and words. Numbers of digits alone are checked in masks too; the rest one by
 * one, by the grammar. The wanted key ends at a closing quote that is a key's, so far behind an opening one as
 * the key is long, with the key's first letter behind that: what is left then is compared.
 *
 * What is odd (a blank line, a mistake, a top-level key with an escape in it) is for the scalar twin.
 */
#include "json/block.h"
#include "json/grammar.h"
#include "json/route_scan.h"

#ifdef __x86_64__

enum {
    LOOSE_RUN = 16
}; /* lines taken for loose ones, until it is tried again whether they are tight */

/* What bytes are compared with. In memory, for they are more than there are registers. */
struct letters {
    __m256i quote, backslash, comma, colon, zero, blank, first, to_lowest, above_nine;
    __m256i tab, cr, lf, open, close; /* of loose lines; braces */
};

/* The text, and the key that is looked for. */
struct search {
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
    uint64_t other;     /* 1: its last byte was of a number or word */
    uint64_t zero;      /* 1: a number began with 0 there */
    uint64_t names;     /* where strings began with the key's first letter */
};

/* The same of a tight line. */
struct tight {
    uint64_t behind; /* all ones: it ended behind an even number of marks */
    uint64_t leads;  /* 1: its last byte was a mark */
};

/* The same of a loose line; 1 for what may stand at the next byte, or behind the white space that begins there. */
struct loose {
    uint64_t key, value, colon, separator;
    uint64_t empty;  /* the end of what has just been opened */
    uint64_t in_key; /* 1: it ended inside a key */
    size_t end;      /* of the object, behind its last brace; 0: not yet */
    unsigned depth;
    bool arrays[JSON_DEPTH_MAX]; /* of what is open: is it an array */
};

/* The same of any line, but seldom of interest. */
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
    uint64_t inside;        /* from each opening quote up to before its closing one */
    uint64_t keys;          /* of `closing` those of keys that are not nested */
    uint64_t other, starts; /* bytes of numbers and words; the first one of each */
    uint64_t ends;          /* where the line may end: the byte before its LF */
    uint64_t bad;
};

AVX2_INLINE uint64_t equal(struct block b, __m256i letter)
{
    return join(_mm256_cmpeq_epi8(b.low, letter), _mm256_cmpeq_epi8(b.high, letter));
}

/* ---- what is seldom ---- */

static bool is_behind_scalar(const char *p, bool loose)
{
    if (loose)
        return json_is_space(*p) || *p == ',' || *p == ']' || *p == '}';
    return *p == ',' || (*p == '}' && (unsigned char) p[1] < 0x20);
}

/* A whole number or word begins at p, before the end of the text. */
static bool is_good_scalar(const char *p, const char *end, bool loose)
{
    struct json_look look;
    if (p >= end)
        return false;
    size_t n = json_kind_of(*p) == JSON_KIND_NUMBER ? json_take_number(p, end, &look)
                                                    : json_take_word(p, end, &look);
    return n > 0 && is_behind_scalar(p + n, loose);
}

static const char *scalar_start(const char *p, const char *line)
{
    while (p > line && p[-1] != ':' && p[-1] != ',' && p[-1] != '[' && !json_is_space(p[-1]))
        p--;
    return p;
}

/* Where the numbers and words begin that are wrong, of those that touch the block. */
AVX2_COLD uint64_t bad_scalars(const struct search *search, size_t line, size_t base,
                               uint64_t other, uint64_t starts, bool loose)
{
    const char *text = search->text, *p = text + base, *end = text + search->n;
    uint64_t bad = 0;
    if ((other & ~starts & 1) != 0)
        bad = is_good_scalar(scalar_start(p, text + line), end, loose) ? 0 : 1;
    for (uint64_t left = starts; left != 0; left = _blsr_u64(left))
        if (!is_good_scalar(p + _tzcnt_u64(left), end, loose))
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

/* Backslashes outside strings, and the ends of top-level keys with a backslash in them. A bit that is added where a
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
    return (m->backslash & ~m->inside) | (m->keys & ~clean);
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

AVX2_INLINE void find_scalars(struct masks *m, struct carry *carry, uint64_t other)
{
    m->other = other;
    m->starts = other & ~(other << 1 | carry->other);
    carry->other = other >> 63;
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
AVX2_INLINE size_t find_key(const struct search *search, size_t base, uint64_t candidates,
                            size_t otherwise)
{
    for (; candidates != 0; candidates = _blsr_u64(candidates)) {
        size_t end = base + _tzcnt_u64(candidates);
        const char *p = search->text + end + 1 - search->distance;
        uint64_t same = join(_mm256_cmpeq_epi8(load(p), search->key.low),
                             _mm256_cmpeq_epi8(load(p + HALF), search->key.high));
        if ((~same & search->key_mask) == 0)
            otherwise = end;
    }
    return otherwise;
}

/* ---- a block of a tight line ---- */

AVX2_INLINE void check_tight(struct masks *m, struct carry *carry, struct tight *tight,
                             struct block b, const struct letters *letters)
{
    uint64_t colons = equal(b, letters->colon) & ~m->inside;
    uint64_t separators = (equal(b, letters->comma) & ~m->inside) | m->ends;
    uint64_t marks = colons | separators;
    uint64_t behind = string_bytes(marks, &tight->behind);
    find_scalars(m, carry, ~(m->inside | m->closing | marks));
    m->keys = m->closing & behind;
    m->bad |= ((m->opening | m->starts) ^ (marks << 1 | tight->leads)) |
              ((behind ^ separators) & marks) | (m->starts & behind);
    tight->leads = marks >> 63;
}

/* ---- a block of a loose line ---- */

static void begin_loose(struct loose *loose)
{
    loose->key = loose->empty = 1;
    loose->value = loose->colon = loose->separator = loose->in_key = 0;
    loose->end = 0;
    loose->depth = 1;
    loose->arrays[0] = false;
}

static bool is_in_array(const struct loose *loose)
{
    return loose->depth > 0 && loose->arrays[loose->depth - 1];
}

/* Takes a bracket; false when it does not fit what is open. */
static bool take_bracket(struct loose *loose, const char *text, size_t at)
{
    bool array = text[at] == '[' || text[at] == ']';
    if (text[at] == '[' || text[at] == '{') {
        if (loose->depth == 0 || loose->depth == JSON_DEPTH_MAX)
            return false;
        loose->arrays[loose->depth++] = array;
        return true;
    }
    if (loose->depth == 0 || is_in_array(loose) != array)
        return false;
    if (--loose->depth == 0)
        loose->end = at + 1;
    return true;
}

/* Which bytes are in an array, and which are not nested: the innermost of what is open says. */
struct nesting {
    uint64_t in_array, top;
};

AVX2_INLINE struct nesting find_nesting(struct masks *m, struct loose *loose, const char *text,
                                        size_t base, uint64_t brackets)
{
    struct nesting out = {.in_array = is_in_array(loose) ? ALL : 0,
                          .top = loose->depth == 1 ? ALL : 0};
    for (uint64_t left = brackets; left != 0; left = _blsr_u64(left)) {
        uint64_t before = _blsmsk_u64(left) >> 1;
        if (!take_bracket(loose, text, base + _tzcnt_u64(left))) {
            m->bad |= _blsi_u64(left);
            break;
        }
        out.in_array = (out.in_array & before) | (is_in_array(loose) ? ~before : 0);
        out.top = (out.top & before) | (loose->depth == 1 ? ~before : 0);
    }
    return out;
}

/* The bytes behind `tokens`, and those at `at`, when white space is passed over. */
AVX2_INLINE uint64_t follow(uint64_t tokens, uint64_t at, uint64_t blank, uint64_t *carry)
{
    uint64_t sum;
    bool over = __builtin_add_overflow(tokens << 1 | *carry | at, blank, &sum);
    *carry = tokens >> 63 | (uint64_t) over;
    return sum & ~blank;
}

/* Where keys end that begin at `begin`: that bit is carried on through the string. */
AVX2_INLINE uint64_t key_ends(const struct masks *m, struct loose *loose, uint64_t begin)
{
    uint64_t sum;
    bool over = __builtin_add_overflow(m->inside, begin, &sum);
    over |= __builtin_add_overflow(sum, loose->in_key, &sum);
    loose->in_key = over;
    return m->closing & sum;
}

AVX2_INLINE void check_loose(struct masks *m, struct carry *carry, struct loose *loose,
                             struct block b, const struct search *search, size_t base)
{
    const struct letters *letters = &search->letters;
    struct block folded = {_mm256_or_si256(b.low, letters->blank),
                           _mm256_or_si256(b.high, letters->blank)}; /* [ as {, ] as } */
    uint64_t outside = ~m->inside, other_before = carry->other;
    uint64_t open = equal(folded, letters->open) & outside;
    uint64_t close = equal(folded, letters->close) & outside;
    uint64_t colons = equal(b, letters->colon) & outside;
    uint64_t commas = equal(b, letters->comma) & outside;
    uint64_t blank =
        (equal(b, letters->blank) | equal(b, letters->tab) | equal(b, letters->cr)) & outside;
    find_scalars(m, carry, outside & ~(m->closing | open | close | colons | commas | blank));
    struct nesting nesting =
        find_nesting(m, loose, search->text, base, (open | close) & _blsmsk_u64(m->ends));

    uint64_t lists = commas | open, behind_scalars = (m->other << 1 | other_before) & ~m->other;
    uint64_t key = follow(lists & ~nesting.in_array, 0, blank, &loose->key);
    uint64_t value = follow(colons | (lists & nesting.in_array), 0, blank, &loose->value);
    uint64_t keys = key_ends(m, loose, m->opening & key), values = m->closing & ~keys;
    uint64_t colon = follow(keys, 0, blank, &loose->colon);
    uint64_t separator = follow(values | close, behind_scalars, blank, &loose->separator);
    uint64_t empty = follow(open, 0, blank, &loose->empty);
    m->keys = keys & nesting.top;
    m->bad |= (((m->opening & ~key) | m->starts | open) & ~value) | (colons & ~colon) |
              (commas & ~separator) | (close & ~(separator | empty));
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

/* The value whose key ends at the quote `key`. */
AVX2_INLINE void set_value(struct json_line *line, const char *text, size_t key, size_t end)
{
    const char *value = json_skip_space(text + key + 1, text + end); /* at the colon */
    struct json_look look;
    value = json_skip_space(value + 1, text + end);
    line->kind = json_kinds[(unsigned char) *value];
    line->value = (uint32_t) (value - text) + (line->kind == JSON_KIND_STRING);
    if (line->kind == JSON_KIND_STRING)
        set_string(line, value, text + end);
    else
        line->value_length = (uint32_t) json_take_value(value, text + end, &look);
}

enum taken {
    TAKEN,
    NOT_TAKEN, /* it is not such a line */
    NOT_WHOLE  /* the text ends before the line does */
};

/* Gives the line that begins at `start`, with its LF at `lf`; the wanted key ends at `key`, or is 0. `end` is where the
 * object ended. */
AVX2_INLINE enum taken end_line(const struct search *search, size_t start, size_t key, size_t lf,
                                size_t end, struct json_line *line)
{
    const char *text = search->text;
    size_t trimmed = lf;
    if (lf >= search->n)
        return NOT_WHOLE;
    while (json_is_space(text[trimmed - 1]))
        trimmed--;
    if (text[lf] != '\n' || text[trimmed - 1] != '}' || trimmed != end)
        return NOT_TAKEN;
    *line = (struct json_line){.start = (uint32_t) start, .length = (uint32_t) (end - start)};
    if (key != 0)
        set_value(line, text, key, end);
    return TAKEN;
}

/* The first n bytes of a block. */
AVX2_INLINE uint64_t up_to(size_t n)
{
    return n < BLOCK ? _bzhi_u64(ALL, (unsigned) n) : ALL;
}

/* The line whose opening brace stands at `start`, taken for a tight or a loose one; *next is behind its LF. */
AVX2_INLINE enum taken take_line(const struct search *search, size_t start, bool is_loose,
                                 struct json_line *line, size_t *next)
{
    const struct letters *letters = &search->letters;
    struct carry carry = {0};
    struct tight tight = {.behind = ALL, .leads = 1};
    struct loose loose;
    struct rare rare = {0};
    size_t key = 0;
    if (is_loose)
        begin_loose(&loose);
    for (size_t base = start + 1; base < search->n; base += BLOCK) {
        const char *p = search->text + base;
        struct block b = {load(p), load(p + HALF)}, behind = {load(p + 1), load(p + 1 + HALF)};
        struct masks m = {.backslash = equal(b, letters->backslash)};
        uint64_t quote = equal(b, letters->quote), bad = 0;
        struct strange strange = {0};

        bool slashes = (m.backslash | rare.slashes) != 0;
        if (__builtin_expect(slashes, 0))
            quote &= ~take_escapes(&rare, p, m.backslash, quote, &bad);
        find_strings(&m, &carry, quote);
        __m256i below = _mm256_or_si256(_mm256_cmpgt_epi8(letters->blank, behind.low),
                                        _mm256_cmpgt_epi8(letters->blank, behind.high));
        if (__builtin_expect(((uint32_t) _mm256_movemask_epi8(below) | rare.cut) != 0, 0))
            strange = take_strange(&rare, p, base == start + 1, m.inside);
        m.ends = is_loose ? strange.ends & equal(behind, letters->lf) : strange.ends;
        m.bad = bad | strange.bad;

        if (is_loose)
            check_loose(&m, &carry, &loose, b, search, base);
        else
            check_tight(&m, &carry, &tight, b, letters);
        if (__builtin_expect(check_digits(&m, &carry, b, letters) != 0, 0))
            m.bad |= bad_scalars(search, start, base, m.other, m.starts, is_loose);
        if (__builtin_expect(slashes, 0))
            m.bad |= odd_slashes(&rare, &m);

        uint64_t names = m.opening & equal(behind, letters->first);
        uint64_t keys = m.keys & ahead(names, carry.names, search->distance);
        carry.names = names;
        if (__builtin_expect((keys | m.bad | m.ends) == 0, 1))
            continue;
        uint64_t of_line = _blsmsk_u64(m.ends) & up_to(search->n - base);
        key = find_key(search, base, keys & of_line, key);
        if ((m.bad & of_line) != 0)
            return NOT_TAKEN;
        if ((m.ends & of_line) != 0) {
            size_t lf = base + _tzcnt_u64(m.ends) + 1;
            *next = lf + 1;
            return end_line(search, start, key, lf, is_loose ? loose.end : lf, line);
        }
    }
    return NOT_WHOLE;
}

/* Out of line each, so that neither takes registers from the other. */
AVX2_COLD enum taken take_tight(const struct search *search, size_t start, struct json_line *line,
                                size_t *next)
{
    return take_line(search, start, false, line, next);
}

AVX2_COLD enum taken take_loose(const struct search *search, size_t start, struct json_line *line,
                                size_t *next)
{
    return take_line(search, start, true, line, next);
}

/* Lines of one kind come together: what was loose is taken for loose the next times, without trying. */
AVX2_INLINE enum taken take_either(struct json_route *route, const struct search *search,
                                   size_t start, struct json_line *line, size_t *next)
{
    if (route->loose > 0) {
        route->loose--;
        return take_loose(search, start, line, next);
    }
    enum taken taken = take_tight(search, start, line, next);
    if (taken == NOT_TAKEN && (taken = take_loose(search, start, line, next)) == TAKEN)
        route->loose = LOOSE_RUN;
    return taken;
}

AVX2_COLD void begin(struct search *search, struct str text, struct str key)
{
    char bytes[BLOCK] = {0};
    memcpy(bytes, key.p, key.n);
    search->text = text.p;
    search->n = text.n;
    search->key = (struct block){load(bytes), load(bytes + HALF)};
    search->key_mask = _bzhi_u64(ALL, (unsigned) key.n);
    search->distance = (int) key.n + 1;
    search->letters.quote = _mm256_set1_epi8('"');
    search->letters.backslash = _mm256_set1_epi8('\\');
    search->letters.comma = _mm256_set1_epi8(',');
    search->letters.colon = _mm256_set1_epi8(':');
    search->letters.zero = _mm256_set1_epi8('0');
    search->letters.blank = _mm256_set1_epi8(' ');
    search->letters.first = _mm256_set1_epi8(*key.p);
    /* Digits are the lowest ten of the signed numbers when to_lowest is added. */
    search->letters.to_lowest = _mm256_set1_epi8((char) (0x80 - '0'));
    search->letters.above_nine = _mm256_set1_epi8((char) (0x80 + 10));
    search->letters.tab = _mm256_set1_epi8('\t');
    search->letters.cr = _mm256_set1_epi8('\r');
    search->letters.lf = _mm256_set1_epi8('\n');
    search->letters.open = _mm256_set1_epi8('{');
    search->letters.close = _mm256_set1_epi8('}');
}

AVX2 size_t json_route_avx2(struct json_route *route, struct str text, size_t *at,
                            struct json_line *lines, size_t room)
{
    struct search search;
    begin(&search, text, route->wanted ? route->key : STR("\x01")); /* which no good line has */
    size_t count = 0;
    for (; count < room; count++) {
        size_t line = *at, next;
        while (line < text.n && (text.p[line] == ' ' || text.p[line] == '\t'))
            line++;
        if (line >= text.n || text.p[line] != '{' ||
            take_either(route, &search, line, &lines[count], &next) != TAKEN ||
            next - *at > (size_t) JSON_LINE_MAX + 1)
            break;
        *at = next;
    }
    return count;
}

#else

size_t json_route_avx2(struct json_route *route, struct str text, size_t *at,
                       struct json_line *lines, size_t room)
{
    (void) route, (void) text, (void) at, (void) lines, (void) room;
    return 0;
}

#endif
