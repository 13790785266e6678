/* Functions of text; see kql/duckdb_functions.h. */
#include "engine/duckdb/call.h"

#include <stdio.h>

/* --- folded comparisons --------------------------------------------------------------------------------- */

bool call_equals(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->b = call_equal(a[0].s, a[1].s, true);
    return true;
}

bool call_contains(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->b = call_find(a[0].s, a[1].s, 0, true) != SIZE_MAX;
    return true;
}

bool call_starts(struct call *call, const union call_value *a, union call_value *out)
{
    struct str text = a[0].s, part = a[1].s;
    (void) call;
    out->b = part.n <= text.n && call_equal((struct str){text.p, part.n}, part, true);
    return true;
}

bool call_ends(struct call *call, const union call_value *a, union call_value *out)
{
    struct str text = a[0].s, part = a[1].s;
    (void) call;
    out->b =
        part.n <= text.n && call_equal((struct str){text.p + text.n - part.n, part.n}, part, true);
    return true;
}

static bool in_array(struct call *call, const union call_value *a, bool fold, bool *out)
{
    const struct call_list *list = call_parse_list(call, a[1].s);
    if (!list)
        return false;
    *out = false;
    for (size_t i = 0; i < list->n && !*out; i++)
        *out = call_equal(a[0].s, list->v[i].text, fold);
    return true;
}

bool call_in_array(struct call *call, const union call_value *a, union call_value *out)
{
    return in_array(call, a, false, &out->b);
}

bool call_in_array_fold(struct call *call, const union call_value *a, union call_value *out)
{
    return in_array(call, a, true, &out->b);
}

/* --- characters ----------------------------------------------------------------------------------------- */

/* Bytes of the character at `at`. */
static size_t character(struct str s, size_t at)
{
    size_t length = 1;
    if ((unsigned char) s.p[at] >= 0x80)
        (void) text_utf8_next(s.p + at, s.n - at, &length);
    return length;
}

static int64_t count_characters(struct str s)
{
    int64_t n = 0;
    for (size_t at = 0; at < s.n; at += character(s, at))
        n++;
    return n;
}

/* The byte at which the n-th character behind byte `at` begins; s.n when there are fewer. */
static size_t skip_characters(struct str s, size_t at, int64_t n)
{
    while (n > 0 && at < s.n) {
        at += character(s, at);
        n--;
    }
    return at;
}

/* A start that may count from the end, as one that counts from the beginning. */
static int64_t from_beginning(struct str s, int64_t start)
{
    if (start >= 0)
        return start;
    int64_t n = count_characters(s);
    return start < -n ? 0 : n + start;
}

bool call_substring(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = a[0].s;
    (void) call;
    size_t from = skip_characters(s, 0, from_beginning(s, a[1].l));
    size_t to = a[2].l < 0 ? s.n : skip_characters(s, from, a[2].l);
    out->s = (struct str){s.p + from, to - from};
    return true;
}

bool call_indexof(struct call *call, const union call_value *a, union call_value *out)
{
    struct str s = a[0].s, part = a[1].s;
    int64_t length = a[3].l, occurrence = a[4].l;
    (void) call;
    if (length < -1 || occurrence < 1)
        return false;
    int64_t start = from_beginning(s, a[2].l);
    size_t at = skip_characters(s, 0, start);
    size_t end = length < 0 ? s.n : skip_characters(s, at, length);
    out->l = -1;
    if (start > count_characters(s))
        return true;
    struct str window = {s.p, end};
    while ((at = call_find(window, part, at, false)) != SIZE_MAX && --occurrence > 0) {
        at = at < window.n ? at + character(s, at) : window.n + 1;
        if (length >= 0 && at < s.n)
            window.n = skip_characters(s, at, length);
    }
    if (at != SIZE_MAX)
        out->l = count_characters((struct str){s.p, at});
    return true;
}

/* --- parts ---------------------------------------------------------------------------------------------- */

/* The next part of *rest, and what is behind its delimiter; *more false when that was the last. */
static struct str next_part(struct str *rest, struct str delimiter, bool *more)
{
    size_t at = delimiter.n > 0 ? call_find(*rest, delimiter, 0, false) : SIZE_MAX;
    struct str part = {rest->p, at == SIZE_MAX ? rest->n : at};
    *more = at != SIZE_MAX;
    if (*more)
        *rest = (struct str){rest->p + at + delimiter.n, rest->n - at - delimiter.n};
    return part;
}

bool call_split(struct call *call, const union call_value *a, union call_value *out)
{
    struct str rest = a[0].s;
    bool more = true;
    buf_reset(&call->out);
    buf_putc(&call->out, '[');
    for (bool first = true; more; first = false) {
        struct str part = next_part(&rest, a[1].s, &more);
        if (!first)
            buf_putc(&call->out, ',');
        call_put_json_text(&call->out, part);
    }
    buf_putc(&call->out, ']');
    out->s = buf_str(&call->out);
    return true;
}

bool call_split_at(struct call *call, const union call_value *a, union call_value *out)
{
    struct str rest = a[0].s, part = {"", 0};
    int64_t index = a[2].l;
    bool more = index >= 0;
    buf_reset(&call->out);
    buf_putc(&call->out, '[');
    while (more && index >= 0) {
        part = next_part(&rest, a[1].s, &more);
        index--;
    }
    if (a[2].l >= 0 && index < 0)
        call_put_json_text(&call->out, part);
    buf_putc(&call->out, ']');
    out->s = buf_str(&call->out);
    return true;
}

bool call_countof(struct call *call, const union call_value *a, union call_value *out)
{
    (void) call;
    out->l = 0;
    if (a[1].s.n == 0)
        return true;
    for (size_t at = 0; (at = call_find(a[0].s, a[1].s, at, false)) != SIZE_MAX; at++)
        out->l++;
    return true;
}

bool call_tohex(struct call *call, const union call_value *a, union call_value *out)
{
    int digits = a[1].l < 1 ? 1 : a[1].l > 16 ? 16 : (int) a[1].l;
    buf_reset(&call->out);
    buf_printf(&call->out, "%0*llx", digits, (unsigned long long) a[0].l);
    out->s = buf_str(&call->out);
    return true;
}
