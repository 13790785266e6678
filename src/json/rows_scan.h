/* The scan of one row, for this room alone: what rows.c asks of its two implementations. */
#ifndef WEIR_JSON_ROWS_SCAN_H
#define WEIR_JSON_ROWS_SCAN_H

#include "json/rows.h"

enum { JSON_SCAN_PADDING = 128, JSON_CELLS_SLACK = 4 };

enum json_step {
    JSON_STEP_MORE, /* the row does not end in the bytes given */
    JSON_STEP_ROW,  /* it does: length, cells and count are set */
    JSON_STEP_ODD   /* the fast path: not a plain row, ask the scalar twin from the row's beginning;
                       the scalar twin: not valid, `problem` and `problem_at` say what */
};

/* What the scalar twin knows of the bytes before `at`. */
struct json_slow {
    uint32_t depth;
    bool in_string, skip; /* skip: the byte at `at` stands behind a backslash */
};

/* What the fast path knows of the blocks before `at`; masks are of the last one. */
struct json_fast {
    uint64_t structural, opening, closing, null, unicode;
    uint64_t in_string;     /* all ones when it ended inside a string */
    uint64_t escaped;       /* 1 when its last backslash escapes the next byte */
    bool high;              /* it held bytes beyond ASCII */
    uint32_t structurals;   /* so far */
    uint32_t behind_last;   /* position behind the last structural */
    uint32_t behind_escape; /* position behind the last backslash */
    size_t others;          /* cells so far that are no strings: their numbers are in `checks` */
};

/* One row, from its '['. All positions count from there, so that the bytes may move between steps. */
struct json_scan {
    /* Of the scanner's whole life. */
    size_t columns;
    bool keep_empty;
    struct json_cell *cells; /* room for `columns` and JSON_CELLS_SLACK more */
    uint16_t *checks;        /* room for as many: the cells that are no strings */

    /* The result. */
    size_t length, count;
    const char *problem;
    size_t problem_at;

    size_t at; /* how far the row is looked at */
    struct json_slow slow;
    struct json_fast fast;
};

/* Begins a row. */
void json_scan_begin(struct json_scan *scan);

/* Looks at the row's bytes from scan->at on; n of them are there. */
enum json_step json_scan_scalar(struct json_scan *scan, const char *row, size_t n);

/* The same by blocks of 64 bytes. What is left at the end, less than JSON_SCAN_PADDING, waits for the next step,
 * unless so many zeros stand behind the n bytes (`padded`): then it is looked at too, in case the row
 * ends in it.
 * Only where json_scan_has_avx2 says so. */
bool json_scan_has_avx2(void);
enum json_step json_scan_avx2(struct json_scan *scan, const char *row, size_t n, bool padded);

#endif
