/* Rows: a streaming scanner for an array of arrays of values, the form in which the service sends
 * rows: [["a",1,null],["b",2,""]].
 *
 * It is pushed bytes as they come from the socket and calls back once for each whole row. All of the
 * JSON grammar is checked (strings with their escapes and UTF-8, numbers, nesting of a value up to
 * JSON_DEPTH_MAX, one value for each column). Nothing is copied but a row that is cut by the end of a
 * piece. No allocation per row. What is wrong with a row is said when its end is reached.
 *
 * The grammar is RFC 8259. Two implementations: AVX2, and a scalar twin that is the law.
 */
#ifndef WEIR_JSON_ROWS_H
#define WEIR_JSON_ROWS_H

#include "base/text.h"

enum {
    JSON_DEPTH_MAX = 128,
    JSON_ROW_MAX = 48 << 20, /* bytes of one row: 500 columns of 32 kB, escaped, and some */
    JSON_CELLS_MAX = 4096
};

enum json_kind {
    JSON_KIND_NONE, /* no value */
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING, /* start and length are of the inside of the quotes, still escaped */
    JSON_KIND_ARRAY,  /* from bracket to bracket, as it came */
    JSON_KIND_OBJECT
};

struct json_cell {
    uint32_t column;        /* from 0 */
    uint32_t start, length; /* in row->bytes */
    uint8_t kind;           /* enum json_kind */
    bool escaped;           /* a string with at least one backslash in it */
};

/* Lent for the time of the call. 64 bytes behind `bytes + length` can be read (not: used). */
struct json_row {
    const char *bytes; /* from '[' to ']' */
    size_t length;
    const struct json_cell *cells; /* ascending by column; nulls and empty strings are left out, */
    size_t count;                  /* unless the scanner was asked to keep them */
};

/* Returns false, with err set, to end the scan. */
typedef bool json_row_fn(void *context, const struct json_row *row, struct error *err);

struct json_rows_options {
    size_t columns;  /* values that each row must have; another number is ERROR_FORMAT */
    bool keep_empty; /* give cells for null and "" too */
    bool scalar;     /* use the scalar twin (tests) */
    json_row_fn *row;
    void *context;
};

struct json_rows;

struct json_rows *json_rows_new(const struct json_rows_options *options, struct error *err);
void json_rows_free(struct json_rows *rows);

/* Takes bytes that begin at the '[' of the outer array (white space before it is fine) or go on where
 * the last call ended. *used says how many were taken: all of them, or fewer when the outer array
 * ended (*ended is true then; what follows is the caller's). False: not valid, or the callback ended it;
 * then every later call fails too. */
bool json_rows_feed(struct json_rows *rows, const char *bytes, size_t n, size_t *used, bool *ended,
                    struct error *err);

/* Rows given so far. */
uint64_t json_rows_count(const struct json_rows *rows);

#endif
