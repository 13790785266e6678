/* Lines: the scanner for objects, one after the other: JSON lines, or one array of objects.
 *
 * For readers of files: finds the values of a few wanted keys in each object at memory speed, and
 * where each object begins and ends. Top-level keys only; escapes in keys are understood; of a key
 * that stands twice the last counts, as JSON readers have it.
 */
#ifndef WEIR_JSON_LINES_H
#define WEIR_JSON_LINES_H

#include "json/rows.h"

struct json_lines_options {
    const struct str *keys; /* wanted keys, decoded, each once; lent for the life of the scanner */
    size_t count;
};

struct json_object {
    struct str bytes;              /* from '{' to '}' */
    const struct json_cell *cells; /* cells[k] belongs to keys[k]; start counts from bytes.p; */
    const bool *present;           /* an absent key has present[k] false */
    uint64_t line;                 /* number of the line it begins on, from 1 */
    uint32_t others;               /* members whose key is none of them */
};

struct json_lines;

struct json_lines *json_lines_new(const struct json_lines_options *options, struct error *err);
void json_lines_free(struct json_lines *lines);

/* Begins anew, at line 1 of another file, with the same keys. */
void json_lines_reset(struct json_lines *lines);

/* Finds the next object in text[*at ..]. `last` says that nothing follows this text. Returns 1 and moves
 * *at behind it; 0 when more bytes are needed (or, with `last`, at the end): then *at stands at or before the
 * object that is not whole yet, and what is before *at can go; -1 on what is not valid, err with the line
 * (err->line): *at then stands behind the end of that line, so that a reader may go on. */
int json_lines_next(struct json_lines *lines, struct str text, size_t *at, bool last,
                    struct json_object *out, struct error *err);

#endif
