/* Scalar expressions: or, and, comparison, sum, product, sign, path; literals of dynamic; let functions. */

#include "kql/parse.h"

#include "kql/kql.h"

#include <ctype.h>

/* Equality level: one of these, once. Those with a list take (a, b, ...) or a query. */
static const char *const comparisons[] = {"==",
                                          "!=",
                                          "<>",
                                          "=~",
                                          "!~",
                                          "has",
                                          "!has",
                                          "has_cs",
                                          "!has_cs",
                                          "hasprefix",
                                          "!hasprefix",
                                          "hasprefix_cs",
                                          "!hasprefix_cs",
                                          "hassuffix",
                                          "!hassuffix",
                                          "hassuffix_cs",
                                          "!hassuffix_cs",
                                          "contains",
                                          "!contains",
                                          "contains_cs",
                                          "!contains_cs",
                                          "startswith",
                                          "!startswith",
                                          "startswith_cs",
                                          "!startswith_cs",
                                          "endswith",
                                          "!endswith",
                                          "endswith_cs",
                                          "!endswith_cs",
                                          "notcontains",
                                          "like",
                                          "notlike",
                                          "notcontainscs"};
static const char *const lists[] = {"in", "!in", "in~", "!in~", "has_any", "has_all", "notin"};
static const char *const relations[] = {"<", "<=", ">", ">="};

static bool is_one(const struct kql_parser *p, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (kql_is(p, list[i]))
            return true;
    }
    return false;
}
#define IS_ONE(p, list) is_one(p, list, sizeof list / sizeof *list)

/* An operation on `left`; the current token is the operator and is read. */
static struct kql_node *operation(struct kql_parser *p, struct kql_node *left)
{
    struct kql_node *node = kql_node_new(p, KQL_NODE_OP, p->lexer.token.at);
    if (!node)
        return NULL;
    node->text = p->lexer.token.text;
    node->first = left;
    return kql_advance(p) ? node : NULL;
}

/* Dynamic literals: JSON, with KQL's strings and typed literals inside. Written without blanks. */

static void put_json_text(struct buf *out, struct str text)
{
    buf_putc(out, '"');
    text_put_json(out, text);
    buf_putc(out, '"');
}

static bool put_json_value(struct kql_parser *p, struct buf *out)
{
    const struct kql_token *t = &p->lexer.token;
    char text[TICK_TEXT_MAX + TIMESPAN_TEXT_MAX];
    if (t->value.null) {
        buf_puts(out, "null");
        return true;
    }
    switch (t->value.type) {
    case COLUMN_STRING:
    case COLUMN_GUID:
        put_json_text(out, t->value.text);
        break;
    case COLUMN_BOOL:
        buf_puts(out, t->value.i ? "true" : "false");
        break;
    case COLUMN_DATETIME:
        if (t->value.i < 0 || t->value.i > TICK_MAX)
            return kql_unexpected(p, "a datetime");
        put_json_text(out, (struct str){text, tick_format_full(t->value.i, text)});
        break;
    case COLUMN_TIMESPAN:
        put_json_text(out, (struct str){text, timespan_format(t->value.i, text)});
        break;
    case COLUMN_INT:
    case COLUMN_LONG:
        buf_printf(out, "%lld", (long long) t->value.i);
        break;
    case COLUMN_REAL:
        if (isdigit((unsigned char) t->text.p[0]) && t->text.p[t->text.n - 1] != '.')
            buf_put_str(out, t->text);
        else
            buf_printf(out, "%.17g", t->value.r);
        break;
    case COLUMN_DECIMAL:
        buf_put_str(out, t->value.text);
        break;
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        return kql_unexpected(p, "a JSON value");
    }
    return true;
}

static bool parse_json(struct kql_parser *p, struct buf *out);

static bool parse_json_members(struct kql_parser *p, struct buf *out, const char *close)
{
    bool bag = close[0] == '}', more = !kql_is(p, close);
    while (more) {
        if (bag) {
            const struct kql_token *t = &p->lexer.token;
            bool text = t->kind == KQL_VALUE && t->value.type == COLUMN_STRING;
            if (!text && t->kind != KQL_NAME)
                return kql_unexpected(p, "a key");
            put_json_text(out, text ? t->value.text : t->text);
            buf_putc(out, ':');
            if (!kql_advance(p) || !kql_expect(p, ":"))
                return false;
        }
        if (!parse_json(p, out) || !kql_accept(p, ",", &more))
            return false;
        if (more)
            buf_putc(out, ',');
    }
    buf_puts(out, close);
    return kql_expect(p, close);
}

static bool parse_json_inside(struct kql_parser *p, struct buf *out)
{
    bool was = false;
    if (!kql_accept(p, "dynamic", &was))
        return false;
    if (was)
        return kql_expect(p, "(") && parse_json(p, out) && kql_expect(p, ")");
    if (kql_is(p, "[") || kql_is(p, "{")) {
        const char *close = kql_is(p, "[") ? "]" : "}";
        buf_put_str(out, p->lexer.token.text);
        return kql_advance(p) && parse_json_members(p, out, close);
    }
    if (kql_is(p, "true") || kql_is(p, "false") || kql_is(p, "null")) {
        buf_put_str(out, p->lexer.token.text);
        return kql_advance(p);
    }
    if (!kql_accept(p, "-", &was))
        return false;
    if (was)
        buf_putc(out, '-');
    if (p->lexer.token.kind != KQL_VALUE || (was && p->lexer.token.value.type != COLUMN_LONG &&
                                             p->lexer.token.value.type != COLUMN_REAL))
        return kql_unexpected(p, "a JSON value");
    return put_json_value(p, out) && kql_advance(p);
}

static bool parse_json(struct kql_parser *p, struct buf *out)
{
    bool good = kql_enter(p) && parse_json_inside(p, out);
    kql_leave(p);
    return good;
}

/* dynamic( ... ): the current token is `dynamic`. */
static bool parse_dynamic(struct kql_parser *p, struct kql_node **out)
{
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_CONST, p->lexer.token.at);
    struct buf json = BUF_INIT(KQL_TEXT_MAX);
    bool good = node && kql_advance(p) && kql_expect(p, "(") && parse_json(p, &json) &&
                kql_expect(p, ")") && buf_ok(&json, "a dynamic literal", p->text->err);
    if (good) {
        char *copy = arena_copy(p->text->arena, buf_text(&json), json.used, p->text->err);
        node->value = (struct kql_value){.type = COLUMN_DYNAMIC, .text = {copy, json.used}};
        node->value.null = str_eq(node->value.text, STR("null"));
        good = copy != NULL;
    }
    buf_release(&json);
    return good;
}

/* typeof(long) */
static bool parse_typeof(struct kql_parser *p, struct kql_node **out)
{
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_TYPE, p->lexer.token.at);
    if (!node || !kql_advance(p) || !kql_expect(p, "("))
        return false;
    if (!column_type_parse(p->lexer.token.text, &node->value.type))
        return kql_unexpected(p, "a type");
    return kql_advance(p) && kql_expect(p, ")");
}

/* An argument of a call: a query, a named or plain expression, a star. */
static bool parse_argument(struct kql_parser *p, struct kql_node **out)
{
    if (kql_is(p, "*") && (kql_peek(p, ",") || kql_peek(p, ")"))) {
        *out = kql_node_new(p, KQL_NODE_STAR, p->lexer.token.at);
        return *out && kql_advance(p);
    }
    if (kql_is_name(p) && kql_peek(p, "="))
        return kql_parse_named(p, out);
    return kql_parse_any(p, out);
}

static bool parse_call(struct kql_parser *p, struct kql_node *node)
{
    node->kind = KQL_NODE_CALL;
    if (!kql_expect(p, "("))
        return false;
    if (!kql_is(p, ")") && !kql_parse_list(p, parse_argument, &node->first))
        return false;
    return kql_expect(p, ")");
}

static bool parse_parenthesized(struct kql_parser *p, struct kql_node **out)
{
    return kql_advance(p) && kql_parse_any(p, out) && kql_expect(p, ")");
}

static bool parse_primary(struct kql_parser *p, struct kql_node **out)
{
    const struct kql_token *t = &p->lexer.token;
    if (t->kind == KQL_VALUE) {
        struct kql_node *node = *out = kql_node_new(p, KQL_NODE_CONST, t->at);
        if (!node)
            return false;
        node->value = t->value;
        return kql_advance(p);
    }
    if (kql_is(p, "("))
        return parse_parenthesized(p, out);
    if (kql_is(p, "*")) {
        *out = kql_node_new(p, KQL_NODE_STAR, t->at);
        return *out && kql_advance(p);
    }
    if (kql_is(p, "dynamic") && kql_peek(p, "("))
        return parse_dynamic(p, out);
    if (kql_is(p, "typeof") && kql_peek(p, "("))
        return parse_typeof(p, out);
    if (kql_is(p, "true") || kql_is(p, "false")) {
        struct kql_node *node = *out = kql_node_new(p, KQL_NODE_CONST, t->at);
        if (!node)
            return false;
        node->value = (struct kql_value){.type = COLUMN_BOOL, .i = kql_is(p, "true")};
        return kql_advance(p);
    }
    if (!kql_is_name(p) && !kql_is(p, "["))
        return kql_unexpected(p, "an expression");
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_NAME, t->at);
    bool word = kql_is_name(p);
    return node && kql_parse_name(p, &node->text, &node->at) &&
           (!word || !kql_is(p, "(") || parse_call(p, node));
}

/* What follows the dot of a path: a name, or ['name']. */
static bool parse_path_step(struct kql_parser *p, struct kql_node **io)
{
    struct kql_node *node = kql_node_new(p, KQL_NODE_PATH, p->lexer.token.at);
    if (!node || !kql_advance(p) || !kql_parse_name(p, &node->text, &node->at))
        return false;
    node->first = *io;
    *io = node;
    /* workspace("x").Table and database("x").f(1): a call behind a path keeps the path in `second`. */
    if (kql_is(p, "(")) {
        node->second = node->first;
        node->first = NULL;
        return parse_call(p, node);
    }
    return true;
}

static bool parse_index_step(struct kql_parser *p, struct kql_node **io)
{
    struct kql_node *node = kql_node_new(p, KQL_NODE_INDEX, p->lexer.token.at);
    if (!node || !kql_advance(p) || !kql_parse_expr(p, &node->second) || !kql_expect(p, "]"))
        return false;
    node->first = *io;
    *io = node;
    return true;
}

static bool parse_postfix(struct kql_parser *p, struct kql_node **out)
{
    size_t start = p->lexer.token.at.start;
    if (!parse_primary(p, out))
        return false;
    kql_node_end(p, *out, start);
    for (;;) {
        if (kql_is(p, ".")) {
            if (!parse_path_step(p, out))
                return false;
        } else if (kql_is(p, "[")) {
            if (!parse_index_step(p, out))
                return false;
        } else {
            return true;
        }
        kql_node_end(p, *out, start);
    }
}

static bool parse_sign(struct kql_parser *p, struct kql_node **out)
{
    if (!kql_is(p, "-") && !kql_is(p, "+"))
        return parse_postfix(p, out);
    size_t start = p->lexer.token.at.start;
    struct kql_node *node = *out = operation(p, NULL);
    bool good = node && kql_enter(p) && parse_sign(p, &node->first);
    kql_leave(p);
    if (good)
        kql_node_end(p, node, start);
    return good;
}

/* Operands joined by operators of one rank, from the left. */
static bool parse_chain(struct kql_parser *p, const char *const *ops, size_t n,
                        kql_parse_fn *operand, struct kql_node **out)
{
    size_t start = p->lexer.token.at.start;
    if (!operand(p, out))
        return false;
    while (is_one(p, ops, n)) {
        struct kql_node *node = operation(p, *out);
        if (!node || !operand(p, &node->first->next))
            return false;
        *out = node;
        kql_node_end(p, node, start);
    }
    return true;
}

static bool parse_product(struct kql_parser *p, struct kql_node **out)
{
    static const char *const ops[] = {"*", "/", "%"};
    return parse_chain(p, ops, 3, parse_sign, out);
}

static bool parse_sum(struct kql_parser *p, struct kql_node **out)
{
    static const char *const ops[] = {"+", "-"};
    return parse_chain(p, ops, 2, parse_product, out);
}

/* x between (a .. b): three operands */
static bool parse_between(struct kql_parser *p, struct kql_node **io)
{
    struct kql_node *node = operation(p, *io);
    if (!node || !kql_expect(p, "(") || !kql_parse_expr(p, &node->first->next))
        return false;
    *io = node;
    return kql_expect(p, "..") && kql_parse_expr(p, &node->first->next->next) && kql_expect(p, ")");
}

/* x in (a, b), x in (query), x has_any (a, b), x in name */
static bool parse_in(struct kql_parser *p, struct kql_node **io)
{
    struct kql_node *node = operation(p, *io);
    if (!node)
        return false;
    *io = node;
    if (!kql_is(p, "("))
        return parse_sum(p, &node->first->next);
    if (!kql_advance(p))
        return false;
    if (!kql_is(p, ")") && !kql_parse_list(p, kql_parse_any, &node->first->next))
        return false;
    return kql_expect(p, ")");
}

/* x matches regex y: the operator's text is "matches regex" */
static bool parse_matches(struct kql_parser *p, struct kql_node **io)
{
    struct kql_node *node = operation(p, *io);
    if (!node)
        return false;
    *io = node;
    node->text = STR("matches regex");
    node->at.length = p->lexer.token.at.start + p->lexer.token.at.length - node->at.start;
    return kql_expect(p, "regex") && parse_sum(p, &node->first->next);
}

static bool parse_relation(struct kql_parser *p, struct kql_node **out)
{
    size_t start = p->lexer.token.at.start;
    if (!parse_sum(p, out))
        return false;
    if (!IS_ONE(p, relations))
        return true;
    struct kql_node *node = operation(p, *out);
    if (!node || !parse_sum(p, &node->first->next))
        return false;
    *out = node;
    kql_node_end(p, node, start);
    return true;
}

static bool parse_comparison(struct kql_parser *p, struct kql_node **out)
{
    size_t start = p->lexer.token.at.start;
    if (!parse_relation(p, out))
        return false;
    bool good = true;
    if (kql_is(p, "between") || kql_is(p, "!between")) {
        good = parse_between(p, out);
    } else if (IS_ONE(p, lists)) {
        good = parse_in(p, out);
    } else if (kql_is(p, "matches")) {
        good = parse_matches(p, out);
    } else if (IS_ONE(p, comparisons)) {
        struct kql_node *node = operation(p, *out);
        good = node && parse_relation(p, &node->first->next);
        if (good)
            *out = node;
    }
    if (good)
        kql_node_end(p, *out, start);
    return good;
}

/* a and b and c: one node with all operands, so that long lists are flat. */
static bool parse_logic(struct kql_parser *p, const char *word, kql_parse_fn *operand,
                        struct kql_node **out)
{
    size_t start = p->lexer.token.at.start;
    if (!operand(p, out))
        return false;
    struct kql_node *node = NULL, *last = *out;
    bool more = kql_is(p, word);
    while (more) {
        if (!node) {
            node = operation(p, *out);
            if (!node)
                return false;
            *out = node;
        } else if (!kql_advance(p)) {
            return false;
        }
        if (!operand(p, &last->next))
            return false;
        last = last->next;
        more = kql_is(p, word);
    }
    if (node)
        kql_node_end(p, node, start);
    return true;
}

static bool parse_and(struct kql_parser *p, struct kql_node **out)
{
    return parse_logic(p, "and", parse_comparison, out);
}

bool kql_parse_expr(struct kql_parser *p, struct kql_node **out)
{
    bool good = kql_enter(p) && parse_logic(p, "or", parse_and, out);
    kql_leave(p);
    return good;
}

/* (a, b) = expr: the current token is the parenthesis; false and nothing read when it is not that. */
static bool is_name_tuple(const struct kql_parser *p)
{
    struct kql_parser ahead = *p;
    struct kql_text quiet = *p->text;
    quiet.err = NULL;
    ahead.text = ahead.lexer.text = &quiet;
    bool more = true;
    struct str name;
    struct kql_at at;
    if (!kql_is(p, "(") || !kql_advance(&ahead))
        return false;
    while (more) {
        if (!kql_parse_name(&ahead, &name, &at) || !kql_accept(&ahead, ",", &more))
            return false;
    }
    return kql_is(&ahead, ")") && kql_peek(&ahead, "=");
}

static bool parse_name_node(struct kql_parser *p, struct kql_node **out)
{
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_NAME, p->lexer.token.at);
    return node && kql_parse_name(p, &node->text, &node->at);
}

/* name = at the current token, the name in words or brackets. */
static bool is_assignment(const struct kql_parser *p)
{
    struct kql_parser ahead = *p;
    struct kql_text quiet = *p->text;
    quiet.err = NULL;
    ahead.text = ahead.lexer.text = &quiet;
    struct str name;
    struct kql_at at;
    return (kql_is_name(p) || kql_is(p, "[")) && kql_parse_name(&ahead, &name, &at) &&
           kql_is(&ahead, "=");
}

bool kql_parse_named(struct kql_parser *p, struct kql_node **out)
{
    bool tuple = is_name_tuple(p);
    if (!tuple && !is_assignment(p))
        return kql_parse_expr(p, out);
    size_t start = p->lexer.token.at.start;
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_NAMED, p->lexer.token.at);
    if (!node)
        return false;
    if (tuple) {
        if (!kql_advance(p) || !kql_parse_list(p, parse_name_node, &node->second) ||
            !kql_expect(p, ")"))
            return false;
        node->text = node->second->text;
    } else if (!kql_parse_name(p, &node->text, &node->at)) {
        return false;
    }
    if (!kql_expect(p, "=") || !kql_parse_expr(p, &node->first))
        return false;
    kql_node_end(p, node, start);
    return true;
}

/* Skips a balanced group that begins at the current token. */
static bool skip_group(struct kql_parser *p)
{
    unsigned open = 0;
    do {
        if (p->lexer.token.kind == KQL_END)
            return kql_unexpected(p, "a closing bracket");
        if (kql_is(p, "(") || kql_is(p, "[") || kql_is(p, "{"))
            open++;
        else if (kql_is(p, ")") || kql_is(p, "]") || kql_is(p, "}"))
            open--;
        if (!kql_advance(p))
            return false;
    } while (open > 0);
    return true;
}

/* Whether the parenthesis at the current token is followed by a brace: the parameters of a function. */
static bool is_lambda(const struct kql_parser *p)
{
    struct kql_parser ahead = *p;
    struct kql_text quiet = *p->text;
    quiet.err = NULL;
    ahead.text = ahead.lexer.text = &quiet;
    return kql_is(p, "{") || (kql_is(p, "(") && skip_group(&ahead) && kql_is(&ahead, "{"));
}

bool kql_parse_let_value(struct kql_parser *p, struct kql_node **out)
{
    bool view = false;
    if (kql_is(p, "view") && kql_peek(p, "(") && !kql_accept(p, "view", &view))
        return false;
    if (!is_lambda(p))
        return kql_parse_any(p, out);
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_LAMBDA, p->lexer.token.at);
    struct kql_statement *body = NULL;
    if (!node || (kql_is(p, "(") && !skip_group(p)) || !kql_expect(p, "{") || !kql_enter(p) ||
        !kql_parse_statements(p, "}", &body))
        return false;
    kql_leave(p);
    return kql_expect(p, "}");
}
