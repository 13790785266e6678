/* Lexer: the text as tokens, one at a time, so that the parser may look ahead and go back by copying a struct. */
#ifndef WEIR_KQL_LEXER_H
#define WEIR_KQL_LEXER_H

#include "kql/syntax.h"

enum kql_token_kind {
    KQL_END,
    KQL_NAME, /* letters, digits, _ ; $left; also has, in~, !has and every other operator that is a word */
    KQL_VALUE,  /* a literal: value; adjacent strings are one */
    KQL_SYMBOL, /* ( ) [ ] { } | , ; : . .. = == != =~ !~ < <= > >= + - * / % => ~ @ ! */
};

struct kql_token {
    enum kql_token_kind kind;
    struct kql_at at;
    struct str text; /* as written */
    struct kql_value value;
    bool spaced; /* blanks or comments stand before it */
};

struct kql_lexer {
    struct kql_text *text;
    size_t next; /* first byte behind the token */
    struct kql_token token;
};

/* Moves to the next token. False: the text has none there (an open string, a strange character). */
bool kql_lex(struct kql_lexer *lexer);

/* The token is followed at once by `c`, without blanks. */
bool kql_lex_touches(const struct kql_lexer *lexer, char c);

#endif
