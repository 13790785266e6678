/* Operations: and, or, comparison, in, has_any, between, arithmetic. */

#include "kql/bind.h"

static bool is_number(enum column_type type)
{
    return type == COLUMN_INT || type == COLUMN_LONG || type == COLUMN_REAL;
}

static bool op_is(const struct kql_node *node, const char *text)
{
    return str_eq(node->text, str_of(text));
}

static struct kql_expr *call2(struct kql_binder *b, const char *name, struct kql_at at,
                              struct kql_expr *left, struct kql_expr *right)
{
    struct kql_expr *args[] = {left, right};
    return left && right ? kql_call(b, name, at, args, 2) : NULL;
}

static struct kql_expr *call1(struct kql_binder *b, const char *name, struct kql_at at,
                              struct kql_expr *arg)
{
    return arg ? kql_call(b, name, at, &arg, 1) : NULL;
}

static struct kql_expr *bind_logic(struct kql_binder *b, const struct kql_node *node,
                                   const struct kql_scope *scope)
{
    size_t n = 0, i = 0;
    for (const struct kql_node *operand = node->first; operand; operand = operand->next)
        n++;
    struct kql_expr **args = kql_new(b, n, sizeof *args);
    for (const struct kql_node *operand = node->first; args && operand; operand = operand->next) {
        args[i] = kql_bind_typed(b, operand, scope, COLUMN_BOOL);
        if (!args[i++])
            return NULL;
    }
    return args ? kql_call(b, op_is(node, "and") ? "and" : "or", node->at, args, n) : NULL;
}

static struct kql_expr *refuse_pair(struct kql_binder *b, const struct kql_node *node,
                                    const struct kql_expr *left, const struct kql_expr *right)
{
    kql_refuse(b->text, node->at, "%s is not defined for %s and %s", kql_show(b->text, node->text),
               column_type_name(left->type), column_type_name(right->type));
    return NULL;
}

/* A text read as a value of another type, for a comparison with one: guid == "...". */
static struct kql_expr *text_to(struct kql_binder *b, struct kql_expr *expr, enum column_type type)
{
    static const char *const names[COLUMN_TYPE_COUNT] = {
        [COLUMN_BOOL] = "tobool",         [COLUMN_INT] = "tolong",
        [COLUMN_LONG] = "tolong",         [COLUMN_REAL] = "toreal",
        [COLUMN_DECIMAL] = "todecimal",   [COLUMN_DATETIME] = "todatetime",
        [COLUMN_TIMESPAN] = "totimespan", [COLUMN_GUID] = "toguid"};
    return names[type] ? call1(b, names[type], expr->at, expr) : NULL;
}

/* Both sides as one type, or dynamic. False after refusing, or when memory is used up. */
static bool make_equal_types(struct kql_binder *b, const struct kql_node *node,
                             struct kql_expr **left, struct kql_expr **right)
{
    struct kql_expr *pair[] = {*left, *right};
    for (int i = 0; i < 2; i++) {
        enum column_type own = pair[i]->type, other = pair[1 - i]->type;
        if (own == COLUMN_DYNAMIC && is_number(other))
            pair[1 - i] = call1(b, "(dynamic)", pair[1 - i]->at, pair[1 - i]);
        else if (own == COLUMN_DYNAMIC && other != COLUMN_DYNAMIC)
            pair[i] = kql_convert(b, pair[i], other);
        else if (own == COLUMN_STRING && other != COLUMN_STRING && other != COLUMN_DYNAMIC)
            pair[i] = text_to(b, pair[i], other);
        else if (own == COLUMN_BOOL && is_number(other))
            pair[i] = call1(b, "tolong", pair[i]->at, pair[i]);
        if (!pair[0] || !pair[1])
            return false;
        if (own != pair[i]->type || other != pair[1 - i]->type)
            break;
    }
    enum column_type common = kql_common_type(pair, 2);
    for (int i = 0; i < 2 && common != COLUMN_TYPE_COUNT; i++) {
        pair[i] = kql_convert(b, pair[i], common);
        if (!pair[i])
            common = COLUMN_TYPE_COUNT;
    }
    if (common == COLUMN_TYPE_COUNT) {
        (void) refuse_pair(b, node, *left, *right);
        return false;
    }
    *left = pair[0];
    *right = pair[1];
    return true;
}

static struct kql_expr *bind_equality(struct kql_binder *b, const struct kql_node *node, bool equal,
                                      struct kql_expr *left, struct kql_expr *right)
{
    if (!make_equal_types(b, node, &left, &right))
        return NULL;
    if (left->type == COLUMN_DYNAMIC)
        return call2(b, equal ? "(== dynamic)" : "(!= dynamic)", node->at, left, right);
    if (left->nullable && right->nullable)
        return call2(b, equal ? "(== both)" : "(!= both)", node->at, left, right);
    if (left->nullable || right->nullable)
        return call2(b, equal ? "(== one)" : "(!= one)", node->at, left, right);
    return call2(b, equal ? "(== none)" : "(!= none)", node->at, left, right);
}

static struct kql_expr *bind_relation(struct kql_binder *b, const struct kql_node *node,
                                      struct kql_expr *left, struct kql_expr *right)
{
    bool l = left->type == COLUMN_DYNAMIC, r = right->type == COLUMN_DYNAMIC;
    if (l || r) {
        bool fits = (l || is_number(left->type)) && (r || is_number(right->type));
        if (!fits)
            return refuse_pair(b, node, left, right);
        if (!l)
            left = call1(b, "(dynamic)", left->at, left);
        if (!r)
            right = call1(b, "(dynamic)", right->at, right);
        if (!left || !right)
            return NULL;
    }
    if (left->type == COLUMN_STRING || right->type == COLUMN_STRING)
        return refuse_pair(b, node, left, right);
    return call2(b, kql_printed(b, "%.*s", (int) node->text.n, node->text.p), node->at, left,
                 right);
}

/* x between (a .. b); when b is a timespan and x a datetime, b counts from a. */
static struct kql_expr *bind_between(struct kql_binder *b, const struct kql_node *node,
                                     const struct kql_scope *scope)
{
    struct kql_expr *args[3] = {NULL};
    const struct kql_node *operand = node->first;
    for (int i = 0; i < 3; i++, operand = operand->next) {
        args[i] = kql_bind_expr(b, operand, scope);
        if (!args[i])
            return NULL;
    }
    if (args[0]->type == COLUMN_DATETIME && args[1]->type == COLUMN_DATETIME &&
        args[2]->type == COLUMN_TIMESPAN)
        args[2] = call2(b, "+", args[2]->at, args[1], args[2]);
    if (!args[2])
        return NULL;
    return kql_call(b, op_is(node, "between") ? "between" : "!between", node->at, args, 3);
}

/* The elements of a constant dynamic array as expressions; *n 0 when it is no flat array of plain values. */
static bool array_elements(struct kql_binder *b, const struct kql_expr *array,
                           struct kql_expr ***out, size_t *n)
{
    struct str json = array->value.text;
    size_t room = 0, i = 1;
    *n = 0;
    if (json.n < 2 || json.p[0] != '[')
        return true;
    for (size_t k = 0; k < json.n; k++)
        room += json.p[k] == ',' || json.p[k] == '[';
    *out = kql_new(b, room, sizeof **out);
    if (!*out)
        return false;
    while (i < json.n && json.p[i] != ']') {
        size_t from = i;
        bool quoted = json.p[i] == '"';
        if (json.p[i] == '[' || json.p[i] == '{' || *n >= room) {
            *n = 0;
            return true;
        }
        for (i += quoted; i < json.n; i++) {
            if (quoted ? json.p[i] == '"' : json.p[i] == ',' || json.p[i] == ']')
                break;
            i += quoted && json.p[i] == '\\';
        }
        i += quoted;
        struct kql_value value = {.type = COLUMN_DYNAMIC, .text = {json.p + from, i - from}};
        (*out)[*n] = kql_const(b, value, array->at);
        if (!(*out)[(*n)++])
            return false;
        i += i < json.n && json.p[i] == ',';
    }
    return true;
}

/* The text that a JSON string holds (it was written by text_put_json: \uXXXX stands for control characters only). */
static struct str unquote(struct kql_binder *b, struct str json)
{
    struct buf out = BUF_INIT(KQL_TEXT_MAX);
    for (size_t i = 1; i + 1 < json.n; i++) {
        static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
        char c = json.p[i];
        if (c == '\\' && json.p[i + 1] == 'u') {
            unsigned code = 0;
            for (size_t k = i + 2; k < i + 6 && k + 1 < json.n; k++) {
                char d = json.p[k];
                code = code * 16 + (unsigned) (d <= '9' ? d - '0' : (d | 0x20) - 'a' + 10);
            }
            text_put_utf8(&out, code);
            i += 5;
            continue;
        }
        if (c == '\\') {
            const char *found = strchr(from, json.p[++i]);
            c = found && *found ? to[found - from] : json.p[i];
        }
        buf_putc(&out, c);
    }
    struct str text = {NULL, out.used};
    if (buf_ok(&out, "a string", b->text->err))
        text.p = arena_copy(b->text->arena, buf_text(&out), out.used, b->text->err);
    buf_release(&out);
    return text;
}

/* A constant element of a dynamic array as a constant of the type; NULL in *out: it is no such value, so nothing
 * equals it. */
static bool element_as(struct kql_binder *b, const struct kql_expr *element, enum column_type type,
                       struct kql_expr **out)
{
    struct str json = element->value.text;
    bool quoted = json.n > 0 && json.p[0] == '"';
    struct kql_value value = {.type = type};
    *out = NULL;
    value.text = quoted ? unquote(b, json) : json;
    if (!value.text.p)
        return false;
    if (type == COLUMN_DYNAMIC)
        value.text = json;
    else if (type != COLUMN_STRING && !kql_value_parse(type, value.text, b->options->now, &value))
        return true;
    *out = kql_const(b, value, element->at);
    return *out != NULL;
}

struct in_list {
    struct kql_expr **v; /* [0] is the left side */
    size_t n, room;
};

static bool in_add(struct kql_binder *b, struct in_list *list, struct kql_expr *expr)
{
    if (!expr)
        return false;
    if (list->n == list->room) {
        size_t room = list->room * 2 + 8;
        struct kql_expr **bigger = kql_new(b, room, sizeof *bigger);
        if (!bigger)
            return false;
        if (list->n > 0)
            memcpy(bigger, list->v, list->n * sizeof *bigger);
        list->v = bigger;
        list->room = room;
    }
    list->v[list->n++] = expr;
    return true;
}

/* An item as a value that the left side can be compared with; NULL: it cannot. Numbers of any kind can. */
static struct kql_expr *as_item(struct kql_binder *b, enum column_type left, struct kql_expr *item)
{
    if (item->type == left || (is_number(left) && is_number(item->type)))
        return item;
    if (left == COLUMN_STRING)
        return call1(b, "tostring", item->at, item);
    if (item->type == COLUMN_STRING)
        return text_to(b, item, left);
    return kql_convert(b, item, left);
}

/* Adds one item of the list: its elements when it is a constant array. */
static bool in_add_item(struct kql_binder *b, struct in_list *list, const struct kql_node *node,
                        struct kql_expr *item)
{
    struct kql_expr *left = list->v[0];
    bool constant = item->kind == KQL_CONST && item->type == COLUMN_DYNAMIC;
    if (constant && left->type != COLUMN_DYNAMIC) {
        struct kql_expr **elements = NULL;
        size_t n = 0;
        if (!array_elements(b, item, &elements, &n))
            return false;
        for (size_t i = 0; i < n; i++) {
            struct kql_expr *value = NULL;
            if (!element_as(b, elements[i], left->type, &value) ||
                (value && !in_add(b, list, value)))
                return false;
        }
        if (n > 0 || (item->value.text.n == 2 && item->value.text.p[0] == '['))
            return true;
    }
    struct kql_expr *converted = as_item(b, left->type, item);
    if (!converted && b->text->err->code == ERROR_NONE)
        (void) refuse_pair(b, node, left, item);
    return converted && in_add(b, list, converted);
}

static struct kql_expr *query_expr(struct kql_binder *b, const struct kql_node *node)
{
    struct kql_plan *plan = NULL;
    struct kql_expr *expr = kql_new(b, 1, sizeof *expr);
    if (!expr || !kql_bind_tabular(b, node, &plan))
        return NULL;
    *expr = (struct kql_expr){.kind = KQL_QUERY, .at = node->whole, .query = plan};
    for (size_t i = 0; i < plan->out.n; i++) {
        const struct kql_column *column = plan->out.v[i];
        if (!column->hidden && !column->inner) {
            expr->type = column->type;
            expr->nullable = column->nullable;
            return expr;
        }
    }
    kql_refuse(b->text, node->whole, "the query has no column");
    return NULL;
}

/* x in (query): the first column is compared. */
static struct kql_expr *bind_in_query(struct kql_binder *b, const struct kql_node *node,
                                      const char *row, struct kql_expr *left)
{
    struct kql_expr *query = query_expr(b, node->first->next);
    if (!query)
        return NULL;
    if (left->type == COLUMN_DYNAMIC && query->type != COLUMN_DYNAMIC)
        left = kql_convert(b, left, query->type);
    bool fits =
        left && (left->type == query->type || (is_number(left->type) && is_number(query->type)));
    if (!fits && query->type == COLUMN_DYNAMIC && left) {
        struct kql_expr *text = call1(b, "tostring", left->at, left);
        return call2(b, kql_printed(b, "%.*s array)", (int) strlen(row) - 1, row), node->at, text,
                     call1(b, "(array of)", node->at, query));
    }
    if (!fits)
        return left ? refuse_pair(b, node, left, query) : NULL;
    return call2(b, row, node->at, left, query);
}

static struct kql_expr *bind_in(struct kql_binder *b, const struct kql_node *node,
                                const struct kql_scope *scope)
{
    struct in_list list = {0};
    struct kql_expr *left = kql_bind_expr(b, node->first, scope);
    const char *row = kql_printed(b, "(%.*s)", (int) node->text.n, node->text.p);
    const struct kql_node *first = node->first->next;
    if (!left || !row)
        return NULL;
    if (first && !first->next && kql_is_tabular(b, first))
        return bind_in_query(b, node, row, left);
    struct kql_expr *only = first ? kql_bind_expr(b, first, scope) : NULL;
    if (first && !only)
        return NULL;
    if (only && !first->next && only->type == COLUMN_DYNAMIC && only->kind != KQL_CONST) {
        const char *array = kql_printed(b, "(%.*s array)", (int) node->text.n, node->text.p);
        return array ? call2(b, array, node->at, call1(b, "tostring", left->at, left), only) : NULL;
    }
    if (left->type == COLUMN_DYNAMIC)
        left = call1(b, "tostring", left->at, left);
    if (!in_add(b, &list, left))
        return NULL;
    for (const struct kql_node *item = first; item; item = item->next) {
        struct kql_expr *value = item == first ? only : kql_bind_expr(b, item, scope);
        if (!value || !in_add_item(b, &list, node, value))
            return NULL;
    }
    return kql_call(b, row, node->at, list.v, list.n);
}

/* The right side of has_any and has_all as one dynamic array. */
static struct kql_expr *bind_words(struct kql_binder *b, const struct kql_node *node,
                                   const struct kql_scope *scope)
{
    const struct kql_node *first = node->first->next;
    if (!first) {
        kql_refuse(b->text, node->at, "%s has nothing to look for", kql_show(b->text, node->text));
        return NULL;
    }
    if (!first->next && kql_is_tabular(b, first))
        return call1(b, "(array of)", node->at, query_expr(b, first));
    struct kql_expr *only = kql_bind_expr(b, first, scope);
    if (!only || (!first->next && only->type == COLUMN_DYNAMIC))
        return only;
    struct in_list list = {0};
    bool constant = true;
    struct buf json = BUF_INIT(KQL_TEXT_MAX);
    for (const struct kql_node *item = first; item; item = item->next) {
        struct kql_expr *value =
            item == first ? only : kql_bind_typed(b, item, scope, COLUMN_STRING);
        struct kql_expr *text = value ? kql_convert(b, value, COLUMN_STRING) : NULL;
        if (!text || !in_add(b, &list, text)) {
            if (value && !text)
                kql_refuse(b->text, item->whole, "a string is expected, this is a %s",
                           column_type_name(value->type));
            buf_release(&json);
            return NULL;
        }
        constant = constant && text->kind == KQL_CONST;
        buf_puts(&json, json.used ? ",\"" : "[\"");
        text_put_json(&json, text->value.text);
        buf_putc(&json, '"');
    }
    buf_putc(&json, ']');
    struct kql_value value = {.type = COLUMN_DYNAMIC, .text = {NULL, json.used}};
    value.text.p = arena_copy(b->text->arena, buf_text(&json), json.used, b->text->err);
    bool good = buf_ok(&json, "a list", b->text->err) && value.text.p;
    buf_release(&json);
    if (!good)
        return NULL;
    if (constant)
        return kql_const(b, value, node->at);
    for (size_t i = 0; i < list.n; i++) {
        list.v[i] = call1(b, "(dynamic)", list.v[i]->at, list.v[i]);
        if (!list.v[i])
            return NULL;
    }
    return kql_call(b, "(array)", node->at, list.v, list.n);
}

static struct kql_expr *bind_has_list(struct kql_binder *b, const struct kql_node *node,
                                      const struct kql_scope *scope)
{
    struct kql_expr *left = kql_bind_typed(b, node->first, scope, COLUMN_STRING);
    struct kql_expr *words = left ? bind_words(b, node, scope) : NULL;
    return call2(b, op_is(node, "has_any") ? "has_any" : "has_all", node->at, left, words);
}

/* where * has "x": over all visible columns, as texts. */
static struct kql_expr *bind_star_search(struct kql_binder *b, const struct kql_node *node,
                                         const struct kql_scope *scope)
{
    struct in_list list = {0};
    for (size_t i = 0; i < scope->n; i++) {
        struct kql_column *column = scope->v[i];
        if (column->hidden || column->inner ||
            (column->type != COLUMN_STRING && column->type != COLUMN_DYNAMIC))
            continue;
        struct kql_expr *right = kql_bind_expr(b, node->first->next, scope);
        struct kql_expr *left = kql_column_ref(b, column, node->first->at);
        if (left && left->type == COLUMN_DYNAMIC)
            left = kql_convert(b, left, COLUMN_STRING);
        struct kql_expr *test =
            right && left && op_is(node, "==")
                ? bind_equality(b, node, true, left, right)
                : call2(b, kql_printed(b, "%.*s", (int) node->text.n, node->text.p), node->at, left,
                        right);
        if (!test || !in_add(b, &list, test))
            return NULL;
    }
    if (list.n > 0)
        return kql_call(b, "or", node->at, list.v, list.n);
    kql_refuse(b->text, node->first->at, "there is no column to search");
    return NULL;
}

static bool is_negated(const struct kql_node *node)
{
    return node->text.p[0] == '!' || op_is(node, "<>");
}

static struct kql_expr *bind_sign(struct kql_binder *b, const struct kql_node *node,
                                  const struct kql_scope *scope)
{
    struct kql_expr *arg = kql_bind_expr(b, node->first, scope);
    if (arg && arg->type == COLUMN_DYNAMIC)
        arg = kql_convert(b, arg, COLUMN_REAL);
    if (!arg || (op_is(node, "+") && (is_number(arg->type) || arg->type == COLUMN_TIMESPAN)))
        return arg;
    return call1(b, "-", node->at, arg);
}

static bool is_any(const struct kql_node *node, const char *const *ops, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (op_is(node, ops[i]))
            return true;
    }
    return false;
}

struct kql_expr *kql_bind_operation(struct kql_binder *b, const struct kql_node *node,
                                    const struct kql_scope *scope)
{
    static const char *const equalities[] = {"==", "!=", "<>"};
    static const char *const relations[] = {"<", "<=", ">", ">="};
    static const char *const ins[] = {"in", "!in", "in~", "!in~"};
    if (op_is(node, "and") || op_is(node, "or"))
        return bind_logic(b, node, scope);
    if (is_any(node, ins, 4))
        return bind_in(b, node, scope);
    if (op_is(node, "between") || op_is(node, "!between"))
        return bind_between(b, node, scope);
    if (op_is(node, "has_any") || op_is(node, "has_all"))
        return bind_has_list(b, node, scope);
    if (!node->first->next)
        return bind_sign(b, node, scope);
    if (node->first->kind == KQL_NODE_STAR && !is_negated(node))
        return bind_star_search(b, node, scope);
    struct kql_expr *left = kql_bind_expr(b, node->first, scope);
    struct kql_expr *right = left ? kql_bind_expr(b, node->first->next, scope) : NULL;
    if (!right)
        return NULL;
    if (is_any(node, equalities, 3))
        return bind_equality(b, node, !is_negated(node), left, right);
    if (is_any(node, relations, 4))
        return bind_relation(b, node, left, right);
    const char *name = kql_printed(b, "%.*s", (int) node->text.n, node->text.p);
    size_t count = 0;
    for (size_t i = 0; name && i < kql_rows_operator_count; i++)
        count += strcmp(kql_rows_operator[i].name, name) == 0;
    if (count == 0) {
        kql_refuse(b->text, node->at, "operator %s is not supported yet",
                   kql_show(b->text, node->text));
        return NULL;
    }
    return call2(b, name, node->at, left, right);
}
