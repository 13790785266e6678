/* Response: a push parser for the envelope around the rows.
 *
 * One byte at a time through a small machine: `lex` is what token we are inside of, `expect` what may come
 * between tokens, `stack` which containers are open. Where a value begins (begin_value) the machine looks
 * where it stands, and there alone it knows the service's form: the members of the root, the elements of
 * `tables`, the members of the first of them. Rows never pass through this machine: from their '[' on the
 * bytes go to json_rows, which gives back what follows their ']'.
 */
#include "workspace/response.h"

#include "base/memory.h"

#include <jansson.h>

enum { KEY_MAX = 16 }; /* longer keys are none that we know */

enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COLON, COMMA_OR_END, NOTHING };

enum lex {
    BETWEEN,
    IN_STRING,
    IN_ESCAPE,
    IN_HEX,
    IN_CHARACTER, /* of more than one byte */
    IN_WORD,
    AFTER_MINUS,
    AFTER_ZERO,
    IN_INTEGER,
    AFTER_POINT,
    IN_FRACTION,
    AFTER_E,
    AFTER_E_SIGN,
    IN_EXPONENT
};

enum member { OTHER, TABLES, ERROR_MEMBER, STATISTICS, PERMISSIONS, COLUMNS, ROWS, MEMBERS };

struct response {
    struct response_options options;
    enum expect expect;
    enum lex lex;
    bool stack[RESPONSE_DEPTH_MAX]; /* true: object */
    unsigned depth;
    bool is_key;             /* the string at hand */
    unsigned left;           /* hex digits or bytes of a character that must follow */
    unsigned char low, high; /* bounds of the next byte of a character */
    const char *word;        /* what is left of null, true or false */
    char key[KEY_MAX];
    size_t key_length;
    enum member top, part; /* the member of the root, and of the table, that we are in */
    uint64_t tables;
    bool seen[MEMBERS];
    struct buf *capture; /* where the value at hand is collected; NULL: nowhere */
    unsigned capture_depth;
    struct buf columns_text, error_text, statistics_text, permissions_text;
    struct columns columns;
    struct json_rows *rows;
    bool in_rows, stopped, foreign, failed;
    uint64_t bytes;
    struct buf head;
};

static bool refuse(const struct response *r, struct error *err, const char *what)
{
    return error_set(err, ERROR_FORMAT, "the answer is not what it must be: %s, at byte %llu", what,
                     (unsigned long long) r->bytes);
}

/* Collecting ------------------------------------------------------------------------------------- */

static void begin_capture(struct response *r, struct buf *to)
{
    buf_reset(to);
    r->capture = to;
    r->capture_depth = r->depth;
}

/* Every byte of a value passes here once. What does not fit an error is cut; columns must fit. */
static void take(struct response *r, char c)
{
    if (r->capture && r->capture->used < r->capture->max)
        buf_putc(r->capture, c);
    else if (r->capture == &r->columns_text)
        r->columns_text.failed = r->columns_text.over = true;
}

/* Columns and rows ------------------------------------------------------------------------------- */

static bool add_column(struct response *r, const json_t *element, struct error *err)
{
    const char *name = json_string_value(json_object_get(element, "name"));
    const char *type = json_string_value(json_object_get(element, "type"));
    enum column_type parsed;
    if (!name || !type)
        return refuse(r, err, "a column without name or type");
    if (!column_type_parse(str_of(type), &parsed))
        return error_set(err, ERROR_FORMAT, "column '%s' of the answer has the unknown type '%s'",
                         name, type);
    return columns_add(&r->columns, str_of(name), parsed, err);
}

static bool read_columns(struct response *r, struct error *err)
{
    if (!buf_ok(&r->columns_text, "the columns of an answer", err))
        return false;
    json_t *list = json_loadb(r->columns_text.bytes, r->columns_text.used, 0, NULL);
    size_t n = json_array_size(list);
    bool ok = n > 0 || refuse(r, err, "a table without columns");
    for (size_t i = 0; ok && i < n; i++)
        ok = add_column(r, json_array_get(list, i), err);
    json_decref(list);
    if (ok && r->options.columns && !r->options.columns(r->options.context, &r->columns, err)) {
        r->stopped = true;
        ok = false;
    }
    return ok;
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct response *r = context;
    if (!r->options.row || r->options.row(r->options.context, row, err))
        return true;
    r->stopped = true;
    return false;
}

static bool begin_rows(struct response *r, struct error *err)
{
    if (!r->seen[COLUMNS])
        return refuse(r, err, "rows before their columns");
    struct json_rows_options options = {
        .columns = r->columns.n, .keep_empty = r->options.keep_empty, .row = on_row, .context = r};
    r->rows = json_rows_new(&options, err);
    r->in_rows = r->rows != NULL;
    return r->in_rows;
}

/* Where we stand --------------------------------------------------------------------------------- */

static bool key_is(const struct response *r, struct str name)
{
    return str_eq((struct str){r->key, r->key_length}, name);
}

/* A second member of the same name would make a first one mean nothing. */
static bool once(struct response *r, enum member member, struct error *err)
{
    bool again = r->seen[member];
    r->seen[member] = true;
    return !again || refuse(r, err, "a member that stands there twice");
}

static enum member member_of(const struct response *r)
{
    return key_is(r, STR("tables"))        ? TABLES
           : key_is(r, STR("error"))       ? ERROR_MEMBER
           : key_is(r, STR("statistics"))  ? STATISTICS
           : key_is(r, STR("permissions")) ? PERMISSIONS
                                           : OTHER;
}

static bool begin_member(struct response *r, char c, struct error *err)
{
    r->top = member_of(r);
    if (r->top == OTHER)
        return true;
    if (!once(r, r->top, err))
        return false;
    if (r->top == TABLES)
        return c == '[' || refuse(r, err, "tables that are no array");
    begin_capture(r, r->top == ERROR_MEMBER ? &r->error_text
                     : r->top == STATISTICS ? &r->statistics_text
                                            : &r->permissions_text);
    return true;
}

static bool begin_table_member(struct response *r, char c, struct error *err)
{
    r->part = key_is(r, STR("columns")) ? COLUMNS : key_is(r, STR("rows")) ? ROWS : OTHER;
    if (r->part == OTHER)
        return true;
    if (c != '[')
        return refuse(r, err, "columns or rows that are no array");
    if (r->part == ROWS)
        return once(r, ROWS, err) && begin_rows(r, err);
    begin_capture(r, &r->columns_text);
    return once(r, COLUMNS, err);
}

/* A value begins with c: is it one that we want? */
static bool look(struct response *r, char c, struct error *err)
{
    if (r->depth == 0) {
        r->foreign = c != '{';
        return true;
    }
    if (r->depth == 1)
        return begin_member(r, c, err);
    if (r->top != TABLES)
        return true;
    if (r->depth == 2) {
        r->tables++;
        return c == '{' || refuse(r, err, "a table that is no object");
    }
    return r->depth != 3 || r->tables != 1 || begin_table_member(r, c, err);
}

static bool end_value(struct response *r, struct error *err)
{
    r->lex = BETWEEN;
    r->expect = r->depth == 0 ? NOTHING : COMMA_OR_END;
    if (!r->capture || r->depth != r->capture_depth)
        return true;
    bool columns = r->capture == &r->columns_text;
    r->capture = NULL;
    return !columns || read_columns(r, err);
}

/* The grammar (RFC 8259) ------------------------------------------------------------------------- */

static bool open_container(struct response *r, char c, struct error *err)
{
    if (r->depth >= RESPONSE_DEPTH_MAX)
        return refuse(r, err, "values that are nested too deep");
    r->stack[r->depth++] = c == '{';
    r->expect = c == '{' ? KEY_OR_END : VALUE_OR_END;
    return true;
}

static bool close_container(struct response *r, char c, struct error *err)
{
    if (r->depth == 0 || r->stack[r->depth - 1] != (c == '}'))
        return refuse(r, err, "a bracket that closes nothing");
    r->depth--;
    return end_value(r, err);
}

static bool begin_word(struct response *r, const char *rest)
{
    r->word = rest;
    r->lex = IN_WORD;
    return true;
}

static bool begin_value(struct response *r, char c, struct error *err)
{
    if (!look(r, c, err))
        return false;
    if (r->in_rows || r->foreign)
        return true;
    take(r, c);
    switch (c) {
    case '{':
    case '[':
        return open_container(r, c, err);
    case '"':
        r->lex = IN_STRING;
        r->is_key = false;
        return true;
    case 'n':
        return begin_word(r, "ull");
    case 't':
        return begin_word(r, "rue");
    case 'f':
        return begin_word(r, "alse");
    case '-':
        r->lex = AFTER_MINUS;
        return true;
    case '0':
        r->lex = AFTER_ZERO;
        return true;
    default:
        r->lex = IN_INTEGER;
        return (c >= '1' && c <= '9') || refuse(r, err, "no value where one must be");
    }
}

static bool begin_key(struct response *r, char c, struct error *err)
{
    if (c != '"')
        return refuse(r, err, "no name where one must be");
    take(r, c);
    r->lex = IN_STRING;
    r->is_key = true;
    r->key_length = 0;
    return true;
}

static bool separator(struct response *r, char c, struct error *err)
{
    if (c != ',' && c != '}' && c != ']')
        return refuse(r, err, "no comma and no end where one must be");
    take(r, c);
    if (c != ',')
        return close_container(r, c, err);
    r->expect = r->stack[r->depth - 1] ? KEY : VALUE;
    return true;
}

static bool between(struct response *r, char c, struct error *err)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return true;
    switch (r->expect) {
    case VALUE_OR_END:
    case KEY_OR_END:
        if (c == ']' || c == '}')
            return separator(r, c, err);
        return r->expect == KEY_OR_END ? begin_key(r, c, err) : begin_value(r, c, err);
    case VALUE:
        return begin_value(r, c, err);
    case KEY:
        return begin_key(r, c, err);
    case COLON:
        take(r, c);
        r->expect = VALUE;
        return c == ':' || refuse(r, err, "no colon where one must be");
    case COMMA_OR_END:
        return separator(r, c, err);
    case NOTHING:
        break;
    }
    return refuse(r, err, "something behind its end");
}

static bool end_string(struct response *r, struct error *err)
{
    if (!r->is_key)
        return end_value(r, err);
    r->lex = BETWEEN;
    r->expect = COLON;
    return true;
}

/* The first byte of a character beyond ASCII: how many follow, and in what bounds the next is (no
 * overlong forms, no surrogates, at most U+10FFFF; the Unicode Standard, table 3-7). */
static bool begin_character(struct response *r, unsigned char c, struct error *err)
{
    r->left = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    r->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    r->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    r->lex = IN_CHARACTER;
    return (c >= 0xC2 && c <= 0xF4) || refuse(r, err, "a string that is not UTF-8");
}

static bool in_string(struct response *r, char c, struct error *err)
{
    unsigned char byte = (unsigned char) c;
    take(r, c);
    if (c == '"')
        return end_string(r, err);
    if (r->is_key && r->key_length < KEY_MAX)
        r->key[r->key_length++] = c;
    if (c == '\\')
        r->lex = IN_ESCAPE;
    else if (byte >= 0x80)
        return begin_character(r, byte, err);
    return byte >= 0x20 || refuse(r, err, "a control character in a string");
}

static bool in_escape(struct response *r, char c, struct error *err)
{
    take(r, c);
    r->left = 4;
    r->lex = c == 'u' ? IN_HEX : IN_STRING;
    return (c != '\0' && strchr("\"\\/bfnrtu", c)) || refuse(r, err, "an escape that is none");
}

static bool in_hex(struct response *r, char c, struct error *err)
{
    take(r, c);
    if (--r->left == 0)
        r->lex = IN_STRING;
    bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return hex || refuse(r, err, "an escape that is none");
}

static bool in_character(struct response *r, char c, struct error *err)
{
    unsigned char byte = (unsigned char) c;
    take(r, c);
    bool fits = byte >= r->low && byte <= r->high;
    r->low = 0x80;
    r->high = 0xBF;
    if (--r->left == 0)
        r->lex = IN_STRING;
    return fits || refuse(r, err, "a string that is not UTF-8");
}

static bool in_word(struct response *r, char c, struct error *err)
{
    take(r, c);
    if (*r->word != c)
        return refuse(r, err, "a word that is none");
    r->word++;
    return *r->word != '\0' || end_value(r, err);
}

/* The state behind c inside a number; BETWEEN: c is not part of it. */
static enum lex number_step(enum lex lex, char c)
{
    bool digit = c >= '0' && c <= '9', e = c == 'e' || c == 'E';
    switch (lex) {
    case AFTER_MINUS:
        return c == '0' ? AFTER_ZERO : digit ? IN_INTEGER : BETWEEN;
    case AFTER_ZERO:
        return c == '.' ? AFTER_POINT : e ? AFTER_E : BETWEEN;
    case IN_INTEGER:
        return digit ? IN_INTEGER : c == '.' ? AFTER_POINT : e ? AFTER_E : BETWEEN;
    case AFTER_POINT:
        return digit ? IN_FRACTION : BETWEEN;
    case IN_FRACTION:
        return digit ? IN_FRACTION : e ? AFTER_E : BETWEEN;
    case AFTER_E:
        return c == '+' || c == '-' ? AFTER_E_SIGN : digit ? IN_EXPONENT : BETWEEN;
    case AFTER_E_SIGN:
    case IN_EXPONENT:
        return digit ? IN_EXPONENT : BETWEEN;
    default:
        return BETWEEN;
    }
}

static bool in_number(struct response *r, char c, struct error *err)
{
    enum lex next = number_step(r->lex, c);
    if (next != BETWEEN) {
        take(r, c);
        r->lex = next;
        return true;
    }
    bool whole = r->lex == AFTER_ZERO || r->lex == IN_INTEGER || r->lex == IN_FRACTION ||
                 r->lex == IN_EXPONENT;
    if (!whole)
        return refuse(r, err, "a number that is none");
    return end_value(r, err) && between(r, c, err);
}

static bool step(struct response *r, char c, struct error *err)
{
    switch (r->lex) {
    case BETWEEN:
        return between(r, c, err);
    case IN_STRING:
        return in_string(r, c, err);
    case IN_ESCAPE:
        return in_escape(r, c, err);
    case IN_HEX:
        return in_hex(r, c, err);
    case IN_CHARACTER:
        return in_character(r, c, err);
    case IN_WORD:
        return in_word(r, c, err);
    default:
        return in_number(r, c, err);
    }
}

/* Bytes ------------------------------------------------------------------------------------------ */

static bool feed_rows(struct response *r, const char *bytes, size_t n, size_t *used,
                      struct error *err)
{
    bool ended = false;
    if (!json_rows_feed(r->rows, bytes, n, used, &ended, err))
        return false;
    r->bytes += *used;
    if (!ended)
        return true;
    r->in_rows = false;
    return end_value(r, err);
}

static bool feed_envelope(struct response *r, const char *bytes, size_t n, size_t *used,
                          struct error *err)
{
    size_t at = 0;
    while (at < n && !r->foreign) {
        if (!step(r, bytes[at], err))
            return false;
        if (r->in_rows)
            break; /* the '[' is the scanner's */
        at++;
        r->bytes++;
    }
    *used = r->foreign ? n : at;
    return true;
}

static bool show_head(const struct response *r, struct error *err)
{
    struct buf shown = BUF_INIT(8 * RESPONSE_HEAD_MAX);
    text_put_safe(&shown, str_trim(buf_str(&r->head)));
    (void) error_set(err, ERROR_FORMAT, "the answer is not JSON; it begins: %s", buf_text(&shown));
    buf_release(&shown);
    return error_hint(err,
                      "something between here and the workspace answers in its place, such as a "
                      "proxy; is the endpoint right?");
}

static bool feed(struct response *r, const char *bytes, size_t n, struct error *err)
{
    size_t room = r->head.max - r->head.used, used = 0;
    if (room > 0)
        buf_put(&r->head, bytes, n < room ? n : room);
    for (size_t at = 0; at < n; at += used) {
        bool ok = r->in_rows ? feed_rows(r, bytes + at, n - at, &used, err)
                             : feed_envelope(r, bytes + at, n - at, &used, err);
        if (!ok)
            return false;
    }
    return !r->foreign || r->head.used < r->head.max || show_head(r, err);
}

bool response_feed(struct response *r, const char *bytes, size_t n, struct error *err)
{
    if (r->failed)
        return error_set(err, ERROR_FORMAT, "the answer was refused before");
    r->failed = !feed(r, bytes, n, err);
    return !r->failed;
}

bool response_finish(struct response *r, struct error *err)
{
    if (r->failed)
        return error_set(err, ERROR_FORMAT, "the answer was refused before");
    if (r->foreign)
        return show_head(r, err);
    if (r->bytes == 0)
        return error_set(err, ERROR_PARTIAL, "the answer is empty");
    if (r->expect != NOTHING || r->in_rows)
        return error_set(err, ERROR_PARTIAL, "the JSON of the answer ends early, after %llu bytes",
                         (unsigned long long) r->bytes);
    /* What was not kept for lack of memory was not nothing. */
    if (!buf_ok(&r->error_text, "the error of an answer", err) ||
        !buf_ok(&r->statistics_text, "the statistics of an answer", err) ||
        !buf_ok(&r->permissions_text, "the permissions of an answer", err))
        return false;
    return r->seen[ROWS] || response_error(r).n > 0 || refuse(r, err, "no table with rows in it");
}

/* ------------------------------------------------------------------------------------------------ */

struct response *response_new(const struct response_options *options, struct error *err)
{
    struct response *r = mem_alloc(1, sizeof *r, err);
    if (!r)
        return NULL;
    r->options = *options;
    buf_init(&r->columns_text, RESPONSE_COLUMNS_MAX);
    buf_init(&r->error_text, RESPONSE_ERROR_MAX);
    buf_init(&r->statistics_text, RESPONSE_STATISTICS_MAX);
    buf_init(&r->permissions_text, RESPONSE_PERMISSIONS_MAX);
    buf_init(&r->head, RESPONSE_HEAD_MAX);
    return r;
}

void response_free(struct response *r)
{
    if (!r)
        return;
    buf_release(&r->columns_text);
    buf_release(&r->error_text);
    buf_release(&r->statistics_text);
    buf_release(&r->permissions_text);
    buf_release(&r->head);
    columns_release(&r->columns);
    json_rows_free(r->rows);
    mem_free(r);
}

bool response_stopped(const struct response *r)
{
    return r->stopped;
}

bool response_foreign(const struct response *r)
{
    return r->foreign;
}

struct str response_error(const struct response *r)
{
    struct str text = buf_str(&r->error_text);
    return str_eq(text, STR("null")) ? (struct str){"", 0} : text;
}

uint64_t response_rows(const struct response *r)
{
    return r->rows ? json_rows_count(r->rows) : 0;
}

uint64_t response_counted(const struct response *r)
{
    struct str text = buf_str(&r->statistics_text);
    json_t *root = text.n > 0 ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    const json_t *query = json_object_get(root, "query");
    const json_t *first = json_array_get(json_object_get(query, "datasetStatistics"), 0);
    const json_t *count = json_object_get(first, "tableRowCount");
    bool told = json_is_integer(count) && json_integer_value(count) >= 0;
    uint64_t counted = told ? (uint64_t) json_integer_value(count) : UINT64_MAX;
    json_decref(root);
    return counted;
}

struct str response_permissions(const struct response *r)
{
    return buf_str(&r->permissions_text);
}
