/* Parser: recursive descent over the tokens. Shared by its files: parse.c (statements, pipes), parse_expr.c
 * (scalar expressions), parse_stage.c (one function an operator). */
#ifndef WEIR_KQL_PARSE_H
#define WEIR_KQL_PARSE_H

#include "kql/lexer.h"

struct kql_parser {
    struct kql_lexer lexer;
    struct kql_text *text;
    unsigned depth;
};

/* The whole text as statements. The only way in from outside. */
bool kql_parse(struct kql_text *text, struct kql_statement **out);

/* Tokens. A word or symbol is named by its text. */
bool kql_is(const struct kql_parser *p, const char *token);
bool kql_accept(struct kql_parser *p, const char *token,
                bool *was); /* false only when lexing fails */
bool kql_expect(struct kql_parser *p, const char *token);
bool kql_unexpected(struct kql_parser *p, const char *wanted); /* refuses the current token */
bool kql_is_name(const struct kql_parser *p);
bool kql_advance(struct kql_parser *p);
/* The text of the next token; the current one stays. */
bool kql_peek(const struct kql_parser *p, const char *token);

/* Every recursion goes through these: at most KQL_DEPTH_MAX levels. */
bool kql_enter(struct kql_parser *p);
void kql_leave(struct kql_parser *p);

struct kql_node *kql_node_new(struct kql_parser *p, enum kql_node_kind kind, struct kql_at at);
/* Ends a node at the last token read. */
void kql_node_end(struct kql_parser *p, struct kql_node *node, size_t start);

/* word, ['any name'], ["any name"] */
bool kql_parse_name(struct kql_parser *p, struct str *out, struct kql_at *at);
/* A name, or one with * in it: a NAME or WILD node. */
bool kql_parse_name_pattern(struct kql_parser *p, struct kql_node **out);

bool kql_parse_expr(struct kql_parser *p, struct kql_node **out);
/* expr, name = expr, (a, b) = expr */
bool kql_parse_named(struct kql_parser *p, struct kql_node **out);
/* A scalar expression, or a query when a bar follows or a source operator stands first: a PIPE node. */
bool kql_parse_any(struct kql_parser *p, struct kql_node **out);
bool kql_parse_pipe(struct kql_parser *p, struct kql_node **out);
/* Comma-separated items of one kind, at least one. */
typedef bool kql_parse_fn(struct kql_parser *p, struct kql_node **out);
bool kql_parse_list(struct kql_parser *p, kql_parse_fn *item, struct kql_node **out);
/* { ... } and (a: long, T: (x: string)) { ... } too: a LAMBDA node. */
bool kql_parse_let_value(struct kql_parser *p, struct kql_node **out);
/* Statements up to the end of the text or the symbol `end`, which is not read. */
bool kql_parse_statements(struct kql_parser *p, const char *end, struct kql_statement **out);
/* name: type, ... behind "(" up to ")" */
bool kql_parse_declared(struct kql_parser *p, struct kql_declared **out);

#endif
