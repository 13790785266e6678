/* Syntax: what the parser makes of the text and the binder reads. Everything lives in the arena of one
 * compilation and points into the text; nothing is freed singly. */
#ifndef WEIR_KQL_SYNTAX_H
#define WEIR_KQL_SYNTAX_H

#include "base/memory.h"
#include "kql/value.h"

/* A place in the text, in bytes. */
struct kql_at {
    size_t start, length;
};

/* The text and where its things live, shared by lexer, parser and binder. */
struct kql_text {
    struct str text;
    struct arena *arena;
    int64_t now;
    struct error *err;
};

/* Sets ERROR_KQL with line, column (characters, from 1) and length (bytes) of a place. Returns false. */
bool kql_refuse(const struct kql_text *text, struct kql_at at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text for messages: quoted, safe, shortened. Lent by the arena. */
const char *kql_show(const struct kql_text *text, struct str name);

enum kql_node_kind {
    KQL_NODE_NAME,  /* text */
    KQL_NODE_CONST, /* value */
    KQL_NODE_TYPE,  /* typeof(type): value.type */
    KQL_NODE_CALL,  /* text(first ...) */
    KQL_NODE_OP, /* first, text as the operator is written ("==", "!has", "in~", "-"), operands behind it */
    KQL_NODE_PATH,   /* first . text */
    KQL_NODE_INDEX,  /* first [ second ] */
    KQL_NODE_STAR,   /* * */
    KQL_NODE_WILD,   /* text is a name with * in it */
    KQL_NODE_NAMED,  /* text = first; names in `second` for (a, b) = first */
    KQL_NODE_PIPE,   /* pipe: a query in parentheses or as an argument */
    KQL_NODE_LAMBDA, /* { ... }: a function of a let statement */
};

struct kql_node {
    enum kql_node_kind kind;
    struct kql_at at;    /* the node's own word: the operator of an operation, the name of a call */
    struct kql_at whole; /* all of it */
    struct str text;
    struct kql_value value;
    struct kql_node *first; /* operands or arguments, linked by next */
    struct kql_node *second;
    struct kql_node *next;
    struct kql_pipe *pipe;
    bool flag;  /* sort: descending; project-reorder: a direction is given */
    bool other; /* sort: nulls first */
};

struct kql_operator;

/* A name with a type: of datatable and of let functions. */
struct kql_declared {
    struct str name;
    enum column_type type;
    struct kql_declared *next;
};

/* One operator with its operands. What each field holds stands with the operator's parser. */
struct kql_stage {
    const struct kql_operator *op;
    struct kql_at at; /* its name */
    struct str name;
    struct kql_node *list, *by;
    struct kql_node *params; /* NAMED: kind=, hint.x=, withsource= */
    struct kql_declared *columns;
    struct kql_stage *next;
};

/* A source and what follows behind its bars. */
struct kql_pipe {
    struct kql_stage *first;
};

enum kql_statement_kind { KQL_LET, KQL_SET, KQL_ASK };

struct kql_statement {
    enum kql_statement_kind kind;
    struct str name;
    struct kql_at at;
    struct kql_node *node; /* let: the value; ask: a PIPE */
    struct kql_statement *next;
};

#endif
