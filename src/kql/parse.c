/* Statements, pipes, and the small things all parsing stands on. */

#include "kql/parse.h"

#include "kql/kql.h"
#include "kql/operator.h"

#include <ctype.h>
#include <stdio.h>

bool kql_is(const struct kql_parser *p, const char *token)
{
    const struct kql_token *t = &p->lexer.token;
    return (t->kind == KQL_NAME || t->kind == KQL_SYMBOL) && str_eq(t->text, str_of(token));
}

bool kql_is_name(const struct kql_parser *p)
{
    return p->lexer.token.kind == KQL_NAME && p->lexer.token.text.p[0] != '!';
}

bool kql_advance(struct kql_parser *p)
{
    return kql_lex(&p->lexer);
}

bool kql_accept(struct kql_parser *p, const char *token, bool *was)
{
    *was = kql_is(p, token);
    return !*was || kql_advance(p);
}

bool kql_expect(struct kql_parser *p, const char *token)
{
    if (kql_is(p, token))
        return kql_advance(p);
    char wanted[40];
    (void) snprintf(wanted, sizeof wanted, "'%s'", token);
    return kql_unexpected(p, wanted);
}

bool kql_unexpected(struct kql_parser *p, const char *wanted)
{
    const struct kql_token *t = &p->lexer.token;
    if (t->kind == KQL_END) {
        struct kql_at end = {p->text->text.n, 0};
        return kql_refuse(p->text, end, "the query ends where %s is expected", wanted);
    }
    return kql_refuse(p->text, t->at, "%s stands where %s is expected", kql_show(p->text, t->text),
                      wanted);
}

bool kql_peek(const struct kql_parser *p, const char *token)
{
    struct kql_parser ahead = *p;
    struct kql_text quiet = *p->text;
    quiet.err = NULL;
    ahead.text = ahead.lexer.text = &quiet;
    return kql_advance(&ahead) && kql_is(&ahead, token);
}

bool kql_enter(struct kql_parser *p)
{
    if (++p->depth <= KQL_DEPTH_MAX)
        return true;
    return kql_refuse(p->text, p->lexer.token.at, "the query is nested deeper than %d levels",
                      KQL_DEPTH_MAX);
}

void kql_leave(struct kql_parser *p)
{
    p->depth--;
}

struct kql_node *kql_node_new(struct kql_parser *p, enum kql_node_kind kind, struct kql_at at)
{
    struct kql_node *node = arena_alloc(p->text->arena, 1, sizeof *node, p->text->err);
    if (node)
        *node = (struct kql_node){.kind = kind, .at = at, .whole = at};
    return node;
}

void kql_node_end(struct kql_parser *p, struct kql_node *node, size_t start)
{
    size_t end = p->lexer.token.at.start;
    const char *text = p->text->text.p;
    while (end > start && isspace((unsigned char) text[end - 1]))
        end--;
    node->whole = (struct kql_at){start, end - start};
}

/* ['name']: the opening bracket is the current token. */
static bool parse_bracketed(struct kql_parser *p, struct str *out)
{
    if (!kql_expect(p, "["))
        return false;
    const struct kql_token *t = &p->lexer.token;
    if (t->kind != KQL_VALUE || t->value.type != COLUMN_STRING || t->value.text.n == 0)
        return kql_unexpected(p, "a quoted name");
    *out = t->value.text;
    return kql_advance(p) && kql_expect(p, "]");
}

bool kql_parse_name(struct kql_parser *p, struct str *out, struct kql_at *at)
{
    *at = p->lexer.token.at;
    size_t start = at->start;
    if (kql_is(p, "[")) {
        if (!parse_bracketed(p, out))
            return false;
        struct kql_node end;
        kql_node_end(p, &end, start);
        *at = end.whole;
    } else if (kql_is_name(p)) {
        *out = p->lexer.token.text;
        if (!kql_advance(p))
            return false;
    } else {
        return kql_unexpected(p, "a name");
    }
    return out->n <= COLUMN_NAME_MAX || kql_refuse(p->text, *at, "the name is too long");
}

/* Name parts and stars that stand without blanks between them: Device*, *_x, a*b. */
bool kql_parse_name_pattern(struct kql_parser *p, struct kql_node **out)
{
    struct kql_node *node = *out = kql_node_new(p, KQL_NODE_NAME, p->lexer.token.at);
    if (!node)
        return false;
    if (kql_is(p, "["))
        return kql_parse_name(p, &node->text, &node->at);
    size_t start = p->lexer.token.at.start, end = start;
    bool star = false;
    do {
        if (kql_is(p, "*"))
            star = true;
        else if (!kql_is_name(p))
            break;
        end = p->lexer.next;
        if (!kql_advance(p))
            return false;
    } while (!p->lexer.token.spaced);
    if (end == start)
        return kql_unexpected(p, "a name");
    node->text = (struct str){p->text->text.p + start, end - start};
    node->at = node->whole = (struct kql_at){start, end - start};
    if (star)
        node->kind = KQL_NODE_WILD;
    return true;
}

bool kql_parse_list(struct kql_parser *p, kql_parse_fn *item, struct kql_node **out)
{
    struct kql_node **tail = out;
    bool more = true;
    while (more) {
        if (!item(p, tail) || !kql_accept(p, ",", &more))
            return false;
        tail = &(*tail)->next;
    }
    return true;
}

bool kql_parse_declared(struct kql_parser *p, struct kql_declared **out)
{
    struct kql_at at;
    bool more = !kql_is(p, ")");
    while (more) {
        struct kql_declared *d = *out = arena_alloc(p->text->arena, 1, sizeof *d, p->text->err);
        if (!d || !kql_parse_name(p, &d->name, &at) || !kql_expect(p, ":"))
            return false;
        if (!kql_is_name(p) || !column_type_parse(p->lexer.token.text, &d->type))
            return kql_unexpected(p, "a type (bool, int, long, real, decimal, datetime, timespan, "
                                     "guid, string, dynamic)");
        if (!kql_advance(p) || !kql_accept(p, ",", &more))
            return false;
        out = &d->next;
    }
    return kql_expect(p, ")");
}

/* The name of an operator may hold dashes: project-away. The current token is its first word. */
static bool parse_operator_name(struct kql_parser *p, struct kql_stage *stage)
{
    if (!kql_is_name(p))
        return kql_unexpected(p, "an operator");
    struct str text = p->text->text;
    size_t start = p->lexer.token.at.start, end = p->lexer.next;
    while (end + 1 < text.n && text.p[end] == '-' && isalpha((unsigned char) text.p[end + 1])) {
        end++;
        while (end < text.n && (isalnum((unsigned char) text.p[end]) || text.p[end] == '_'))
            end++;
    }
    stage->name = (struct str){text.p + start, end - start};
    stage->at = (struct kql_at){start, end - start};
    stage->op = kql_operator_find(stage->name);
    if (!stage->op || stage->op->source)
        return kql_operator_unknown(p->text, stage);
    p->lexer.next = end;
    return kql_advance(p);
}

static struct kql_stage *stage_new(struct kql_parser *p, struct kql_at at)
{
    struct kql_stage *stage = arena_alloc(p->text->arena, 1, sizeof *stage, p->text->err);
    if (stage)
        stage->at = at;
    return stage;
}

/* | operator ... | operator ... */
static bool parse_stages(struct kql_parser *p, struct kql_stage *last)
{
    bool more = false;
    for (;;) {
        if (!kql_accept(p, "|", &more))
            return false;
        if (!more)
            return true;
        struct kql_stage *stage = last->next = stage_new(p, p->lexer.token.at);
        if (!stage || !parse_operator_name(p, stage) || !stage->op->parse(p, stage))
            return false;
        last = stage;
    }
}

/* print, range, datatable and union begin a query; each may also be a plain name. */
static const struct kql_operator *source_operator(struct kql_parser *p)
{
    if (!kql_is_name(p))
        return NULL;
    const struct kql_operator *op = kql_operator_find(p->lexer.token.text);
    if (!op || !op->begins)
        return NULL;
    if (op->source && !op->parse)
        return NULL;
    struct kql_parser ahead = *p;
    struct kql_text quiet = *p->text;
    quiet.err = NULL;
    ahead.text = ahead.lexer.text = &quiet;
    if (!kql_advance(&ahead))
        return op;
    const struct kql_token *next = &ahead.lexer.token;
    static const char *const plain[] = {"|", ")", ";", ",", "=", "==", "!=", "[", "."};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (kql_is(&ahead, plain[i]))
            return NULL;
    }
    bool opens = kql_is(&ahead, "(");
    if (next->kind == KQL_END || (opens && str_eq(p->lexer.token.text, STR("range"))))
        return NULL;
    return op;
}

static struct kql_node *pipe_node(struct kql_parser *p, struct kql_stage *first, struct kql_at at)
{
    struct kql_node *node = kql_node_new(p, KQL_NODE_PIPE, at);
    struct kql_pipe *pipe = arena_alloc(p->text->arena, 1, sizeof *pipe, p->text->err);
    if (!node || !pipe)
        return NULL;
    pipe->first = first;
    node->pipe = pipe;
    return node;
}

/* A query whose source is the expression. */
static bool pipe_of(struct kql_parser *p, struct kql_node *source, struct kql_node **out)
{
    struct kql_stage *stage = stage_new(p, source->whole);
    if (!stage)
        return false;
    stage->op = kql_operator_find(STR("(source)"));
    stage->list = source;
    *out = pipe_node(p, stage, source->at);
    return *out && parse_stages(p, stage);
}

bool kql_parse_any(struct kql_parser *p, struct kql_node **out)
{
    size_t start = p->lexer.token.at.start;
    if (!kql_enter(p))
        return false;
    const struct kql_operator *op = source_operator(p);
    bool good = false;
    if (op) {
        struct kql_stage *stage = stage_new(p, p->lexer.token.at);
        good = stage != NULL;
        if (good) {
            stage->op = op;
            stage->name = p->lexer.token.text;
            *out = pipe_node(p, stage, stage->at);
            good = *out && kql_advance(p) && op->parse(p, stage) && parse_stages(p, stage);
        }
    } else {
        struct kql_node *expr = NULL;
        good = kql_parse_expr(p, &expr);
        *out = expr;
        if (good && kql_is(p, "|"))
            good = pipe_of(p, expr, out);
    }
    if (good)
        kql_node_end(p, *out, start);
    kql_leave(p);
    return good;
}

bool kql_parse_pipe(struct kql_parser *p, struct kql_node **out)
{
    return kql_parse_any(p, out) && ((*out)->kind == KQL_NODE_PIPE || pipe_of(p, *out, out));
}

/* let name = value */
static bool parse_let(struct kql_parser *p, struct kql_statement *statement)
{
    statement->kind = KQL_LET;
    return kql_advance(p) && kql_parse_name(p, &statement->name, &statement->at) &&
           kql_expect(p, "=") && kql_parse_let_value(p, &statement->node);
}

/* set name [= value]: read and forgotten */
static bool parse_set(struct kql_parser *p, struct kql_statement *statement)
{
    bool value = false;
    statement->kind = KQL_SET;
    return kql_advance(p) && kql_parse_name(p, &statement->name, &statement->at) &&
           kql_accept(p, "=", &value) && (!value || kql_parse_expr(p, &statement->node));
}

static bool parse_statement(struct kql_parser *p, struct kql_statement *statement)
{
    statement->at = p->lexer.token.at;
    if (kql_is(p, "let") && !kql_peek(p, "|"))
        return parse_let(p, statement);
    if (kql_is(p, "set") && !kql_peek(p, "|"))
        return parse_set(p, statement);
    statement->kind = KQL_ASK;
    return kql_parse_pipe(p, &statement->node);
}

bool kql_parse_statements(struct kql_parser *p, const char *end, struct kql_statement **out)
{
    bool more = true;
    *out = NULL;
    while (more) {
        while (more && kql_is(p, ";")) {
            if (!kql_advance(p))
                return false;
        }
        if (p->lexer.token.kind == KQL_END || kql_is(p, end))
            return true;
        struct kql_statement *s = *out = arena_alloc(p->text->arena, 1, sizeof *s, p->text->err);
        if (!s || !parse_statement(p, s) || !kql_accept(p, ";", &more))
            return false;
        out = &s->next;
    }
    return true;
}

bool kql_parse(struct kql_text *text, struct kql_statement **out)
{
    if (text->text.n > KQL_TEXT_MAX)
        return error_set(text->err, ERROR_KQL, "the query is longer than %d bytes", KQL_TEXT_MAX);
    struct kql_parser p = {.text = text, .lexer = {.text = text}};
    if (!kql_advance(&p) || !kql_parse_statements(&p, "", out))
        return false;
    if (p.lexer.token.kind != KQL_END)
        return kql_unexpected(&p, "the end of the statement");
    return true;
}
