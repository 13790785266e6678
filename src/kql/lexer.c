/* Lexer: words, numbers with units, strings of every form, typed literals, symbols. */

#include "kql/lexer.h"

#include "base/tick.h"
#include "kql/kql.h"

#include <ctype.h>

/* Literals whose inside is not KQL but a text of its own: datetime(2021-11-07T03:00:00Z). */
static const struct {
    const char *word;
    enum column_type type;
} typed[] = {
    {"bool", COLUMN_BOOL},         {"boolean", COLUMN_BOOL},      {"int", COLUMN_INT},
    {"long", COLUMN_LONG},         {"real", COLUMN_REAL},         {"double", COLUMN_REAL},
    {"decimal", COLUMN_DECIMAL},   {"datetime", COLUMN_DATETIME}, {"date", COLUMN_DATETIME},
    {"timespan", COLUMN_TIMESPAN}, {"time", COLUMN_TIMESPAN},     {"guid", COLUMN_GUID},
};

/* Longest first, so that the first that fits is the right one. */
static const char *const symbols[] = {
    "==", "!=", "=~", "!~", "<=", ">=", "<>", "=>", "..", "(", ")", "[", "]", "{", "}", "|",
    ",",  ";",  ":",  ".",  "=",  "<",  ">",  "+",  "-",  "*", "/", "%", "~", "@", "!", "?"};

static int at(const struct kql_lexer *lexer, size_t position)
{
    struct str text = lexer->text->text;
    return position < text.n ? (unsigned char) text.p[position] : -1;
}

static bool is_word_start(int c)
{
    return isalpha(c) || c == '_' || c == '$';
}

static bool is_word(int c)
{
    return isalnum(c) || c == '_';
}

static struct str cut(const struct kql_lexer *lexer, size_t from, size_t to)
{
    return (struct str){lexer->text->text.p + from, to - from};
}

/* Behind blanks and comments that begin at `position`. */
static size_t skip_blanks(const struct kql_lexer *lexer, size_t position)
{
    for (;;) {
        int c = at(lexer, position);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
            position++;
        } else if (c == '/' && at(lexer, position + 1) == '/') {
            while (at(lexer, position) >= 0 && at(lexer, position) != '\n')
                position++;
        } else if (c == 0xC2 &&
                   at(lexer, position + 1) == 0xA0) { /* a no-break space, as the web pastes it */
            position += 2;
        } else if (c == 0xEF && at(lexer, position + 1) == 0xBB &&
                   at(lexer, position + 2) == 0xBF) {
            position += 3;
        } else {
            return position;
        }
    }
}

static bool bad(struct kql_lexer *lexer, size_t from, size_t to, const char *what)
{
    return kql_refuse(lexer->text, (struct kql_at){from, to - from}, "%s", what);
}

/* The code of \xHH, \uHHHH, \UHHHHHHHH behind position; false when a digit is missing. */
static bool take_hex(const struct kql_lexer *lexer, size_t *position, int digits, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++) {
        int c = at(lexer, *position);
        if (!isxdigit(c))
            return false;
        *out = *out << 4 | (uint32_t) (isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        ++*position;
    }
    return true;
}

/* One escape; position stands behind the backslash. */
static bool take_escape(const struct kql_lexer *lexer, size_t *position, struct buf *out)
{
    static const char from[] = "ntrabfv0\\\"'", to[] = "\n\t\r\a\b\f\v\0\\\"'";
    int c = at(lexer, (*position)++);
    const char *found = c > 0 ? strchr(from, c) : NULL;
    if (found) {
        buf_putc(out, to[found - from]);
        return true;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t code = 0, low = 0;
    if (digits == 0 || !take_hex(lexer, position, digits, &code))
        return false;
    if (code >= 0xD800 && code < 0xDC00 && at(lexer, *position) == '\\' &&
        at(lexer, *position + 1) == 'u') {
        *position += 2;
        if (!take_hex(lexer, position, 4, &low) || low < 0xDC00 || low > 0xDFFF)
            return false;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return false;
    text_put_utf8(out, code);
    return true;
}

/* "..." or '...' from the quote at *position; verbatim has doubled quotes instead of escapes. */
static bool take_quoted(struct kql_lexer *lexer, size_t *position, bool verbatim, struct buf *out)
{
    size_t from = *position;
    int quote = at(lexer, (*position)++);
    for (;;) {
        int c = at(lexer, *position);
        if (c < 0 || (!verbatim && (c == '\n' || c == '\r')))
            return bad(lexer, from, *position, "the string has no end");
        size_t here = (*position)++;
        if (c == quote) {
            if (!verbatim || at(lexer, *position) != quote)
                return true;
            ++*position;
        } else if (c == '\\' && !verbatim) {
            if (!take_escape(lexer, position, out))
                return bad(lexer, here, *position, "the escape in the string is not known");
            continue;
        }
        buf_putc(out, (char) c);
    }
}

/* ```...``` or ~~~...~~~ */
static bool take_fenced(struct kql_lexer *lexer, size_t *position, struct buf *out)
{
    size_t from = *position;
    struct str text = lexer->text->text;
    const char *end = memmem(text.p + from + 3, text.n - from - 3, text.p + from, 3);
    if (!end)
        return bad(lexer, from, text.n, "the string has no end");
    buf_put(out, text.p + from + 3, (size_t) (end - text.p) - from - 3);
    *position = (size_t) (end - text.p) + 3;
    return true;
}

static bool is_fence(const struct kql_lexer *lexer, size_t position)
{
    int c = at(lexer, position);
    return (c == '`' || c == '~') && at(lexer, position + 1) == c && at(lexer, position + 2) == c;
}

static bool is_quote(int c)
{
    return c == '"' || c == '\'';
}

/* Whether a string of any form begins here; *start is its quote, behind h and @. */
static bool string_begins(const struct kql_lexer *lexer, size_t position, size_t *start,
                          bool *verbatim)
{
    if ((at(lexer, position) | 0x20) == 'h' && at(lexer, position) >= 0)
        position++;
    *verbatim = at(lexer, position) == '@';
    *start = position + *verbatim;
    return is_quote(at(lexer, *start)) || (!*verbatim && is_fence(lexer, *start));
}

/* Strings that stand beside each other are one. */
static bool lex_strings(struct kql_lexer *lexer)
{
    struct kql_token *token = &lexer->token;
    struct buf out = BUF_INIT(KQL_TEXT_MAX);
    size_t position = token->at.start, end = position, start = 0;
    bool verbatim = false, good = true;
    while (good && string_begins(lexer, position, &start, &verbatim)) {
        end = start;
        good = is_fence(lexer, start) ? take_fenced(lexer, &end, &out)
                                      : take_quoted(lexer, &end, verbatim, &out);
        position = skip_blanks(lexer, end);
    }
    token->kind = KQL_VALUE;
    token->value = (struct kql_value){.type = COLUMN_STRING};
    good = good && buf_ok(&out, "a string", lexer->text->err);
    if (good) {
        char *copy = arena_copy(lexer->text->arena, buf_text(&out), out.used, lexer->text->err);
        token->value.text = (struct str){copy, out.used};
        good = copy != NULL;
    }
    buf_release(&out);
    lexer->next = end;
    return good;
}

/* 12, 0x1F, 1.5, 1e5, 1.5h, 100ms. `1..2` is two numbers with .. between. */
static bool lex_number(struct kql_lexer *lexer)
{
    size_t from = lexer->token.at.start, p = from;
    struct kql_value *value = &lexer->token.value;
    lexer->token.kind = KQL_VALUE;
    *value = (struct kql_value){.type = COLUMN_LONG};
    bool hex =
        at(lexer, p) == '0' && (at(lexer, p + 1) | 0x20) == 'x' && isxdigit(at(lexer, p + 2));
    if (hex)
        p += 2;
    while (hex ? isxdigit(at(lexer, p)) : isdigit(at(lexer, p)))
        p++;
    if (!hex && at(lexer, p) == '.' && at(lexer, p + 1) != '.' &&
        !is_word_start(at(lexer, p + 1))) {
        value->type = COLUMN_REAL;
        p++;
        while (isdigit(at(lexer, p)))
            p++;
    }
    int sign = at(lexer, p + 1) == '+' || at(lexer, p + 1) == '-';
    if (!hex && (at(lexer, p) | 0x20) == 'e' && isdigit(at(lexer, p + 1 + (size_t) sign))) {
        value->type = COLUMN_REAL;
        p += 1 + (size_t) sign;
        while (isdigit(at(lexer, p)))
            p++;
    }
    size_t end = p;
    while (is_word(at(lexer, end)))
        end++;
    lexer->next = end;
    struct str number = cut(lexer, from, p);
    if (number.p[number.n - 1] == '.')
        number.n--;
    if (end == p) {
        if (!kql_value_parse(value->type, number, 0, value))
            return bad(lexer, from, end, "the number is too large");
        return true;
    }
    int64_t unit = kql_unit_ticks(cut(lexer, p, end));
    *value = (struct kql_value){.type = COLUMN_TIMESPAN};
    if (unit == 0)
        return bad(lexer, from, end,
                   "a number with letters behind it is no number and no timespan");
    if (!kql_unit_scale(number, unit, &value->i))
        return bad(lexer, from, end, "the timespan is too large");
    return true;
}

/* The type of a typed literal that begins with the word, when a parenthesis follows. */
static enum column_type typed_literal(const struct kql_lexer *lexer, size_t *inside)
{
    size_t p = skip_blanks(lexer, lexer->next);
    *inside = p + 1;
    if (at(lexer, p) != '(')
        return COLUMN_TYPE_COUNT;
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
        if (str_eq(lexer->token.text, str_of(typed[i].word)))
            return typed[i].type;
    }
    return COLUMN_TYPE_COUNT;
}

static bool lex_typed(struct kql_lexer *lexer, enum column_type type, size_t inside)
{
    struct kql_token *token = &lexer->token;
    size_t end = inside;
    int quote = 0;
    for (; at(lexer, end) >= 0 && (quote || at(lexer, end) != ')'); end++) {
        int c = at(lexer, end);
        if (quote ? c == quote : is_quote(c))
            quote = quote ? 0 : c;
    }
    if (at(lexer, end) < 0)
        return bad(lexer, token->at.start, lexer->next, "the literal has no closing parenthesis");
    lexer->next = end + 1;
    token->kind = KQL_VALUE;
    if (!kql_value_parse(type, cut(lexer, inside, end), lexer->text->now, &token->value)) {
        struct kql_at place = {token->at.start, lexer->next - token->at.start};
        return kql_refuse(lexer->text, place, "%s is not a %s",
                          kql_show(lexer->text, cut(lexer, inside, end)), column_type_name(type));
    }
    return true;
}

static bool lex_word(struct kql_lexer *lexer)
{
    struct kql_token *token = &lexer->token;
    size_t p = token->at.start + 1;
    while (is_word(at(lexer, p)))
        p++;
    token->kind = KQL_NAME;
    token->text = cut(lexer, token->at.start, p);
    if (at(lexer, p) == '~' &&
        (str_eq(token->text, STR("in")) || str_eq(token->text, STR("!in")))) {
        p++;
        token->text.n++;
    }
    lexer->next = p;
    size_t inside = 0;
    enum column_type type = typed_literal(lexer, &inside);
    return type == COLUMN_TYPE_COUNT || lex_typed(lexer, type, inside);
}

static bool lex_symbol(struct kql_lexer *lexer)
{
    size_t from = lexer->token.at.start;
    struct str text = lexer->text->text, rest = {text.p + from, text.n - from};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        struct str symbol = str_of(symbols[i]);
        if (str_starts(rest, symbol)) {
            lexer->token.kind = KQL_SYMBOL;
            lexer->next = from + symbol.n;
            return true;
        }
    }
    size_t length = 1;
    (void) text_utf8_next(rest.p, rest.n, &length);
    return kql_refuse(lexer->text, (struct kql_at){from, length}, "%s has no meaning here",
                      kql_show(lexer->text, (struct str){rest.p, length}));
}

bool kql_lex(struct kql_lexer *lexer)
{
    struct kql_token *token = &lexer->token;
    size_t from = skip_blanks(lexer, lexer->next), start = 0;
    bool verbatim = false, good = true;
    *token = (struct kql_token){.spaced = from > lexer->next, .at = {from, 0}};
    lexer->next = from;
    int c = at(lexer, from);
    if (c < 0)
        token->kind = KQL_END;
    else if (string_begins(lexer, from, &start, &verbatim))
        good = lex_strings(lexer);
    else if (isdigit(c))
        good = lex_number(lexer);
    else if (is_word_start(c) || (c == '!' && isalpha(at(lexer, from + 1))))
        good = lex_word(lexer);
    else
        good = lex_symbol(lexer);
    token->at.length = lexer->next - from;
    token->text = cut(lexer, from, lexer->next);
    return good;
}

bool kql_lex_touches(const struct kql_lexer *lexer, char c)
{
    return at(lexer, lexer->next) == c;
}
