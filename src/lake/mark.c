/* Values as marks: see mark.h. */
#include "lake/mark.h"

#include "base/tick.h"

enum {
    EXACT_DIGITS = 20, /* of a dynamic value's integer: those of 64 bits */
    EXPONENT_DIGITS = 6
};

void marks_init(struct marks *marks)
{
    buf_init(&marks->text, JSON_ROW_MAX + 64);
    for (size_t i = 0; i < MARKS_TEXTS; i++)
        buf_init(&marks->outer[i], JSON_ROW_MAX + 64);
}

void marks_release(struct marks *marks)
{
    buf_release(&marks->text);
    for (size_t i = 0; i < MARKS_TEXTS; i++)
        buf_release(&marks->outer[i]);
}

struct mark mark_text(enum mark_kind kind, struct str text)
{
    struct mark mark = {kind, {0}};
    hash_xx128(text, mark.bits);
    return mark;
}

/* --- numbers --- */

/* digits * 10^exponent; no zero at either end of the digits; none at all for 0. */
struct decimal {
    bool minus;
    struct str whole, fraction; /* digits before and behind the point, as they came */
    int64_t exponent;
};

static struct str take_digits(struct str *rest)
{
    struct str digits = {rest->p, 0};
    while (rest->n > 0 && rest->p[0] >= '0' && rest->p[0] <= '9') {
        digits.n++;
        *rest = (struct str){rest->p + 1, rest->n - 1};
    }
    return digits;
}

static bool take(struct str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    *rest = (struct str){rest->p + 1, rest->n - 1};
    return true;
}

static bool take_exponent(struct str *rest, int64_t *out)
{
    *out = 0;
    if (!take(rest, 'e') && !take(rest, 'E'))
        return true;
    bool minus = take(rest, '-');
    if (!minus)
        (void) take(rest, '+');
    struct str digits = take_digits(rest);
    if (digits.n > EXPONENT_DIGITS || !str_int64(digits, out))
        return false;
    *out = minus ? -*out : *out;
    return true;
}

/* A JSON number, taken apart. */
static bool take_number(struct str text, struct decimal *out)
{
    out->minus = take(&text, '-');
    out->whole = take_digits(&text);
    out->fraction = take(&text, '.') ? take_digits(&text) : (struct str){text.p, 0};
    return out->whole.n > 0 && take_exponent(&text, &out->exponent) && text.n == 0;
}

/* Puts the digits together, without zeros at either end, and mends the exponent. */
static bool put_digits(struct decimal *number, struct buf *out)
{
    buf_reset(out);
    buf_put_str(out, number->whole);
    buf_put_str(out, number->fraction);
    if (out->failed)
        return false;
    number->exponent -= (int64_t) number->fraction.n;
    size_t begin = 0, end = out->used;
    while (begin < end && out->bytes[begin] == '0')
        begin++;
    for (; end > begin && out->bytes[end - 1] == '0'; number->exponent++)
        end--;
    if (begin > 0)
        memmove(out->bytes, out->bytes + begin, end - begin);
    out->used = end - begin;
    return true;
}

static bool to_integer(const struct decimal *number, struct str digits, int64_t *out)
{
    char text[EXACT_DIGITS + 2];
    size_t n = 0;
    if (number->exponent < 0 || digits.n + (uint64_t) number->exponent > EXACT_DIGITS)
        return false;
    if (number->minus)
        text[n++] = '-';
    memcpy(text + n, digits.p, digits.n);
    n += digits.n;
    memset(text + n, '0', (size_t) number->exponent);
    return str_int64((struct str){text, n + (size_t) number->exponent}, out);
}

static struct mark mark_double(double value)
{
    uint64_t bits = 0;
    if (value == 0)
        value = 0; /* no minus */
    memcpy(&bits, &value, sizeof bits);
    return mark_of(MARK_REAL, bits);
}

static struct mark mark_exact(const struct decimal *number, struct buf *digits)
{
    buf_printf(digits, "e%lld%s", (long long) number->exponent, number->minus ? "-" : "");
    return mark_text(MARK_DECIMAL, buf_str(digits));
}

/* A number of any column but real; `dynamic`: what is no integer of 20 digits is a double. False: it is none. */
static bool mark_number(struct marks *marks, struct str text, bool dynamic, struct mark *out)
{
    struct decimal number;
    int64_t integer;
    double real;
    if (!take_number(text, &number) || !put_digits(&number, &marks->text))
        return false;
    struct str digits = buf_str(&marks->text);
    if (digits.n == 0)
        *out = mark_of(MARK_INTEGER, 0);
    else if (to_integer(&number, digits, &integer))
        *out = mark_of(MARK_INTEGER, (uint64_t) integer);
    else if (!dynamic ||
             (number.exponent >= 0 && digits.n + (uint64_t) number.exponent <= EXACT_DIGITS))
        *out = mark_exact(&number, &marks->text);
    else if (str_double(text, &real))
        *out = mark_double(real);
    else
        return false;
    return true;
}

static bool mark_real(struct str text, struct mark *out)
{
    static const struct {
        const char *text;
        uint64_t bits;
    } odd[] = {{"NaN", 1}, {"Infinity", 2}, {"-Infinity", 3}};
    double value;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        if (str_eq_case(text, str_of(odd[i].text))) {
            *out = (struct mark){MARK_REAL, {odd[i].bits, 1}};
            return true;
        }
    }
    if (!str_double(text, &value))
        return false;
    *out = mark_double(value);
    return true;
}

/* --- other types --- */

static bool mark_bool(struct str text, struct mark *out)
{
    bool yes = str_eq_case(text, STR("true")) || str_eq(text, STR("1"));
    if (!yes && !str_eq_case(text, STR("false")) && !str_eq(text, STR("0")))
        return false;
    *out = mark_of(yes ? MARK_TRUE : MARK_FALSE, 0);
    return true;
}

static bool mark_time(struct str text, struct mark *out)
{
    int64_t tick;
    if (!tick_parse(text, &tick))
        return false;
    *out = mark_of(MARK_TIME, (uint64_t) tick);
    return true;
}

/* As text, or as a number of ticks. */
static bool mark_span(struct str text, struct mark *out)
{
    int64_t span;
    if (!timespan_parse(text, &span) && !str_int64(text, &span))
        return false;
    *out = mark_of(MARK_SPAN, (uint64_t) span);
    return true;
}

static bool mark_guid(struct str text, struct mark *out)
{
    enum { GUID = 36 };
    char lower[GUID];
    if (text.n == GUID + 2 && text.p[0] == '{' && text.p[GUID + 1] == '}')
        text = (struct str){text.p + 1, GUID};
    if (!text_is_guid(text))
        return false;
    for (size_t i = 0; i < GUID; i++)
        lower[i] =
            text.p[i] >= 'A' && text.p[i] <= 'F' ? (char) (text.p[i] - 'A' + 'a') : text.p[i];
    *out = mark_text(MARK_GUID, (struct str){lower, GUID});
    return true;
}

/* --- dynamic values --- */

bool mark_decode(struct str inside, struct buf *to, struct str *out)
{
    if (inside.n == 0 || !memchr(inside.p, '\\', inside.n)) {
        *out = inside;
        return true;
    }
    buf_reset(to);
    if (!json_unescape(inside, to))
        return false;
    *out = buf_str(to);
    return true;
}

/* Of a valid value, by its first byte. */
static enum json_kind kind_of(char first)
{
    switch (first) {
    case 'n':
        return JSON_KIND_NULL;
    case 'f':
        return JSON_KIND_FALSE;
    case 't':
        return JSON_KIND_TRUE;
    case '"':
        return JSON_KIND_STRING;
    case '[':
        return JSON_KIND_ARRAY;
    case '{':
        return JSON_KIND_OBJECT;
    default:
        return JSON_KIND_NUMBER;
    }
}

static struct str inside_of(struct str string)
{
    return (struct str){string.p + 1, string.n - 2};
}

static bool mark_elements(struct marks *marks, struct str array, int depth, struct mark *out)
{
    struct json_member element;
    uint64_t chain[2 + 3] = {0};
    size_t at = 0;
    struct mark mark;
    while (json_next(array, &at, &element)) {
        if (!mark_json(marks, element.value, element.kind, depth + 1, &mark))
            return false;
        memcpy(chain + 2, &mark, sizeof mark);
        hash_xx128(mark_words(chain, 5), chain);
    }
    *out = (struct mark){MARK_ARRAY, {chain[0], chain[1]}};
    return true;
}

static bool mark_members(struct marks *marks, struct str object, int depth, struct mark *out)
{
    struct json_member member;
    struct str key;
    struct mark mark;
    size_t at = 0;
    *out = mark_of(MARK_OBJECT, 0);
    while (json_next(object, &at, &member)) {
        uint64_t one[2 + 3];
        if (!mark_decode(member.key, &marks->text, &key))
            return false;
        hash_xx128(key, one);
        if (!mark_json(marks, member.value, member.kind, depth + 1, &mark))
            return false;
        memcpy(one + 2, &mark, sizeof mark);
        hash_xx128(mark_words(one, 5), one);
        out->bits[0] += one[0];
        out->bits[1] += one[1];
    }
    return true;
}

/* A valid value inside a dynamic one; at most JSON_DEPTH_MAX deep, which json_valid has seen to. */
bool mark_json(struct marks *marks, struct str value, enum json_kind kind, int depth,
               struct mark *out)
{
    struct str text;
    if (depth > JSON_DEPTH_MAX)
        return false;
    switch (kind) {
    case JSON_KIND_NULL:
        *out = mark_of(MARK_NONE, 0);
        return true;
    case JSON_KIND_FALSE:
    case JSON_KIND_TRUE:
        *out = mark_of(kind == JSON_KIND_TRUE ? MARK_TRUE : MARK_FALSE, 0);
        return true;
    case JSON_KIND_NUMBER:
        if (!mark_number(marks, value, true, out))
            *out = mark_text(MARK_TEXT, value);
        return !marks->text.failed;
    case JSON_KIND_STRING:
        if (!mark_decode(inside_of(value), &marks->text, &text))
            return false;
        *out = mark_text(MARK_TEXT, text);
        return true;
    case JSON_KIND_ARRAY:
        return mark_elements(marks, value, depth, out);
    default:
        return mark_members(marks, value, depth, out);
    }
}

bool mark_dynamic(struct marks *marks, struct str value, enum json_kind kind, struct mark *out)
{
    struct str inside;
    size_t n = 0;
    while (kind == JSON_KIND_STRING && n < MARKS_TEXTS) {
        if (!mark_decode(inside_of(value), &marks->outer[n++], &inside))
            return false;
        struct str json = str_trim(inside);
        if (json.n == 0 || !json_valid(json)) {
            *out = inside.n > 0 ? mark_text(MARK_TEXT, inside) : mark_of(MARK_NONE, 0);
            return true;
        }
        value = json;
        kind = kind_of(json.p[0]);
    }
    return mark_json(marks, value, kind, 1, out);
}

bool mark_typed(struct marks *marks, struct str text, enum column_type type, struct mark *out)
{
    switch (type) {
    case COLUMN_BOOL:
        return mark_bool(text, out);
    case COLUMN_INT:
    case COLUMN_LONG:
    case COLUMN_DECIMAL:
        return mark_number(marks, text, false, out);
    case COLUMN_REAL:
        return mark_real(text, out);
    case COLUMN_DATETIME:
        return mark_time(text, out);
    case COLUMN_TIMESPAN:
        return mark_span(text, out);
    case COLUMN_GUID:
        return mark_guid(text, out);
    default:
        return false;
    }
}
