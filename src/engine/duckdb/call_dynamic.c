/* Dynamic values as JSON text; see kql/duckdb_functions.h. */
#include "engine/duckdb/call.h"
#include "engine/duckdb/convert.h"

#include <math.h>

static const double INT64_LIMIT = 9223372036854775808.0;

/* --- kinds, texts --------------------------------------------------------------------------------------- */

/* By the first byte alone; a text that is no JSON is a string. */
static enum json_kind first_kind(struct str json)
{
    enum json_kind kind = json_value_kind(json);
    return kind == JSON_KIND_NONE ? JSON_KIND_STRING : kind;
}

enum json_kind call_kind(struct str json)
{
    struct str s = str_trim(json);
    enum json_kind kind = first_kind(s);
    return kind == JSON_KIND_STRING || json_valid(s) ? kind : JSON_KIND_STRING;
}

/* Without blanks between tokens: lent when there are none at all, else in `out` behind what it holds. */
static struct str written(struct str json, struct buf *out)
{
    size_t start = out->used;
    if (!convert_has_blank(json) || !json_minify(json, out))
        return json;
    return (struct str){out->bytes + start, out->used - start};
}

/* The inside of a JSON string as text: lent, or in `out` behind what it holds. */
static struct str decoded(struct str inside, struct buf *out)
{
    size_t start = out->used;
    if (!memchr(inside.p, '\\', inside.n) || !json_unescape(inside, out))
        return inside;
    return (struct str){out->bytes + start, out->used - start};
}

struct str call_text_of(struct str json, struct buf *out)
{
    struct str s = str_trim(json);
    switch (first_kind(s)) {
    case JSON_KIND_STRING:
        if (s.n >= 2 && s.p[0] == '"' && json_valid(s))
            return decoded((struct str){s.p + 1, s.n - 2}, out);
        return json;
    case JSON_KIND_NULL:
        return str_eq(s, STR("null")) ? (struct str){"", 0} : json;
    default:
        return json_valid(s) ? written(s, out) : json;
    }
}

bool call_dynamic_type(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s);
    (void) call;
    switch (call_kind(s)) {
    case JSON_KIND_OBJECT:
        out->s = STR("dictionary");
        return true;
    case JSON_KIND_ARRAY:
        out->s = STR("array");
        return true;
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        out->s = STR("bool");
        return true;
    case JSON_KIND_NULL:
        out->s = STR("null");
        return true;
    case JSON_KIND_NUMBER:
        out->s = memchr(s.p, '.', s.n) || memchr(s.p, 'e', s.n) || memchr(s.p, 'E', s.n)
                     ? STR("double")
                     : STR("long");
        return true;
    default:
        out->s = STR("string");
        return true;
    }
}

/* --- texts ---------------------------------------------------------------------------------------------- */

bool call_parse_json(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s);
    buf_reset(&call->out);
    if (a[0].s.n == 0 || str_eq(s, STR("null")))
        return false;
    if (json_valid(s)) {
        out->s = written(s, &call->out);
        return true;
    }
    call_put_json_text(&call->out, a[0].s);
    out->s = buf_str(&call->out);
    return true;
}

bool call_dynamic_text(struct call *call, const union call_value *a, union call_value *out)
{
    buf_reset(&call->out);
    out->s = call_text_of(a[0].s, &call->out);
    return true;
}

bool call_json_text(struct call *call, const union call_value *a, union call_value *out)
{
    buf_reset(&call->out);
    call_put_json_text(&call->out, a[0].s);
    out->s = buf_str(&call->out);
    return true;
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static bool same_key(struct str key, struct str wanted, struct buf *work)
{
    if (!memchr(key.p, '\\', key.n))
        return str_eq(key, wanted);
    buf_reset(work);
    return str_eq(decoded(key, work), wanted);
}

/* The value of the last member of that key. */
static bool step_key(struct str json, struct str key, struct buf *work, struct str *out)
{
    struct json_member member;
    bool found = false;
    if (first_kind(json) != JSON_KIND_OBJECT)
        return false;
    for (size_t at = 0; json_next(json, &at, &member);) {
        if (same_key(member.key, key, work)) {
            *out = member.value;
            found = true;
        }
    }
    return found;
}

static int64_t count_elements(struct str json)
{
    struct json_member member;
    int64_t n = 0;
    for (size_t at = 0; json_next(json, &at, &member);)
        n++;
    return n;
}

static bool step_at(struct str json, int64_t position, struct str *out)
{
    struct json_member member;
    if (first_kind(json) != JSON_KIND_ARRAY)
        return false;
    if (position < 0)
        position += count_elements(json);
    for (size_t at = 0; position >= 0 && json_next(json, &at, &member); position--) {
        if (position == 0) {
            *out = member.value;
            return true;
        }
    }
    return false;
}

/* What a step found, unless it is JSON null. */
static bool give(struct call *call, struct str found, union call_value *out)
{
    buf_reset(&call->out);
    if (str_eq(found, STR("null")))
        return false;
    out->s = written(found, &call->out);
    return true;
}

bool call_get(struct call *call, const union call_value *a, union call_value *out)
{
    struct str at = str_trim(a[0].s);
    const struct call_list *path = call_parse_list(call, a[1].s);
    if (!path)
        return false;
    for (size_t i = 0; i < path->n; i++) {
        const struct call_item *step = &path->v[i];
        int64_t position;
        if (step->kind == JSON_KIND_STRING
                ? !step_key(at, step->text, &call->work, &at)
                : !str_int64(step->text, &position) || !step_at(at, position, &at))
            return false;
    }
    return give(call, at, out);
}

bool call_get_key(struct call *call, const union call_value *a, union call_value *out)
{
    struct str found;
    return step_key(str_trim(a[0].s), a[1].s, &call->work, &found) && give(call, found, out);
}

bool call_get_at(struct call *call, const union call_value *a, union call_value *out)
{
    struct str found;
    return step_at(str_trim(a[0].s), a[1].l, &found) && give(call, found, out);
}

bool call_array_length(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s);
    (void) call;
    out->l = count_elements(s);
    return first_kind(s) == JSON_KIND_ARRAY && (out->l > 0 || json_valid(s));
}

bool call_bag_keys(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s);
    struct json_member member;
    if (call_kind(s) != JSON_KIND_OBJECT)
        return false;
    buf_reset(&call->out);
    buf_putc(&call->out, '[');
    for (size_t at = 0; json_next(s, &at, &member);) {
        buf_puts(&call->out, call->out.used > 1 ? ",\"" : "\"");
        buf_put_str(&call->out, member.key);
        buf_putc(&call->out, '"');
    }
    buf_putc(&call->out, ']');
    out->s = buf_str(&call->out);
    return true;
}

/* --- numbers -------------------------------------------------------------------------------------------- */

/* The text of a json string; false for other kinds. */
static bool string_text(struct call *call, struct str json, struct str *out)
{
    if (call_kind(json) != JSON_KIND_STRING)
        return false;
    buf_reset(&call->work);
    *out = call_text_of(json, &call->work);
    return true;
}

bool call_dynamic_long(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s), text;
    double real;
    switch (call_kind(s)) {
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        out->l = s.p[0] == 't';
        return true;
    case JSON_KIND_NUMBER:
        return str_int64(s, &out->l) || (call_parse_real(s, &real) && call_cut(real, &out->l));
    default:
        return string_text(call, a[0].s, &text) && call_parse_long(text, &out->l);
    }
}

bool call_dynamic_real(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s), text;
    switch (call_kind(s)) {
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        out->r = s.p[0] == 't';
        return true;
    case JSON_KIND_NUMBER:
        return call_parse_real(s, &out->r);
    default:
        return string_text(call, a[0].s, &text) && call_parse_real(text, &out->r);
    }
}

bool call_dynamic_bool(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = str_trim(a[0].s), text;
    double real;
    switch (call_kind(s)) {
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        out->b = s.p[0] == 't';
        return true;
    case JSON_KIND_NUMBER:
        out->b = call_parse_real(s, &real) && (real < 0 || real > 0);
        return true;
    default:
        return string_text(call, a[0].s, &text) && call_parse_bool(text, &out->b);
    }
}

/* --- comparison ----------------------------------------------------------------------------------------- */

/* A number's whole part when it fits, else only its real. */
struct exact {
    bool whole;
    int64_t l;
    double r;
};

static struct exact exact_number(struct str s)
{
    struct exact number = {.r = 0};
    number.whole = str_int64(s, &number.l);
    if (number.whole)
        number.r = (double) number.l;
    else
        (void) call_parse_real(s, &number.r);
    return number;
}

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_whole_real(int64_t l, double r)
{
    if (r >= INT64_LIMIT)
        return -1;
    if (r < -INT64_LIMIT)
        return 1;
    int64_t whole = (int64_t) trunc(r);
    if (l != whole)
        return l < whole ? -1 : 1;
    return order(trunc(r), r);
}

static int compare_numbers(struct str a, struct str b)
{
    struct exact x = exact_number(a), y = exact_number(b);
    if (x.whole && y.whole)
        return (x.l > y.l) - (x.l < y.l);
    if (x.whole)
        return compare_whole_real(x.l, y.r);
    if (y.whole)
        return -compare_whole_real(y.l, x.r);
    return order(x.r, y.r);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static bool is_bool(enum json_kind kind)
{
    return kind == JSON_KIND_TRUE || kind == JSON_KIND_FALSE;
}

static bool is_container(enum json_kind kind)
{
    return kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT;
}

bool call_dynamic_compare(struct call *call, const union call_value *a, union call_value *out)
{
    struct str x = str_trim(a[0].s), y = str_trim(a[1].s);
    enum json_kind kx = call_kind(x), ky = call_kind(y);
    buf_reset(&call->out);
    buf_reset(&call->work);
    if (kx == JSON_KIND_NULL || ky == JSON_KIND_NULL)
        return false;
    if (kx == JSON_KIND_NUMBER && ky == JSON_KIND_NUMBER) {
        out->i = compare_numbers(x, y);
        return true;
    }
    if (is_bool(kx) && is_bool(ky)) {
        out->i = (kx == JSON_KIND_TRUE) - (ky == JSON_KIND_TRUE);
        return true;
    }
    if (is_container(kx) || is_container(ky)) {
        out->i = 0;
        return kx == ky && str_eq(written(x, &call->out), written(y, &call->work));
    }
    if (kx != JSON_KIND_STRING && ky != JSON_KIND_STRING)
        return false;
    out->i = sign(str_compare(call_text_of(kx == JSON_KIND_STRING ? a[0].s : x, &call->out),
                              call_text_of(ky == JSON_KIND_STRING ? a[1].s : y, &call->work)));
    return true;
}
