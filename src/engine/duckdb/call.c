/* The table of functions, and what their files share; see call.h. */
#include "engine/duckdb/call.h"

#include "base/memory.h"

const struct call_function call_functions[] = {
#define X(name, arguments, result) {#name, arguments, result, call_##name},
    KQL_DUCKDB_FUNCTIONS(X)
#undef X
};
const size_t call_function_count = sizeof call_functions / sizeof call_functions[0];

void call_init(struct call *call)
{
    *call = (struct call){0};
    buf_init(&call->out, CALL_TEXT_MAX);
    buf_init(&call->work, CALL_TEXT_MAX);
    buf_init(&call->list.texts, CALL_TEXT_MAX);
}

void call_release(struct call *call)
{
    buf_release(&call->out);
    buf_release(&call->work);
    buf_release(&call->list.texts);
    mem_free(call->list.v);
    *call = (struct call){0};
}

bool call_equal(struct str a, struct str b, bool fold)
{
    if (a.n != b.n)
        return false;
    if (!fold)
        return a.n == 0 || memcmp(a.p, b.p, a.n) == 0;
    for (size_t i = 0; i < a.n; i++) {
        if (call_fold(a.p[i]) != call_fold(b.p[i]))
            return false;
    }
    return true;
}

size_t call_find(struct str text, struct str part, size_t from, bool fold)
{
    if (part.n > text.n || from > text.n - part.n)
        return SIZE_MAX;
    if (part.n == 0)
        return from;
    if (!fold) {
        const char *at = memmem(text.p + from, text.n - from, part.p, part.n);
        return at ? (size_t) (at - text.p) : SIZE_MAX;
    }
    char first = call_fold(part.p[0]);
    struct str rest = {part.p + 1, part.n - 1};
    for (size_t i = from; i <= text.n - part.n; i++) {
        if (call_fold(text.p[i]) == first &&
            call_equal((struct str){text.p + i + 1, rest.n}, rest, true))
            return i;
    }
    return SIZE_MAX;
}

void call_put_json_text(struct buf *out, struct str text)
{
    buf_putc(out, '"');
    text_put_json(out, text);
    buf_putc(out, '"');
}

/* --- lists ---------------------------------------------------------------------------------------------- */

/* Texts are kept as offsets while they are added, since their buffer may move: p is NULL + offset then. */
static bool add_item(struct call_list *list, struct str json, enum json_kind kind)
{
    if (!mem_reserve(&list->v, &list->room, list->n, CALL_LIST_MAX, sizeof list->v[0], NULL))
        return false;
    size_t start = list->texts.used;
    struct str text = call_text_of(json, &list->texts);
    if (list->texts.used == start)
        buf_put_str(&list->texts, text);
    list->v[list->n++] = (struct call_item){kind, {NULL, list->texts.used - start}};
    return !list->texts.failed;
}

static void settle_texts(struct call_list *list)
{
    const char *at = list->texts.bytes ? list->texts.bytes : "";
    for (size_t i = 0; i < list->n; i++) {
        list->v[i].text.p = at;
        at += list->v[i].text.n;
    }
}

static bool parse_list(struct call_list *list, struct str json)
{
    struct json_member member;
    struct str trimmed = str_trim(json);
    list->n = 0;
    buf_reset(&list->texts);
    list->array = call_kind(trimmed) == JSON_KIND_ARRAY;
    if (!list->array)
        return add_item(list, trimmed, call_kind(trimmed));
    for (size_t at = 0; json_next(trimmed, &at, &member);) {
        if (!add_item(list, member.value, member.kind))
            return false;
    }
    return true;
}

const struct call_list *call_parse_list(struct call *call, struct str json)
{
    struct call_list *list = &call->list;
    if (list->source.p == json.p && list->source.n == json.n && list->v && json.n > 12)
        return list;
    list->source = json;
    if (!parse_list(list, json)) {
        list->failed = true;
        list->source = (struct str){NULL, 0};
        return NULL;
    }
    settle_texts(list);
    return list;
}
