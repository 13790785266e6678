/* JSON out: rows of the engine as the service writes them (docs/service.md 1.3), and the ceilings
 * of an answer.
 *
 *     bool, int, long   true/false, digits
 *     real              shortest text that reads back as the same number, with ".0" when it has
 *                       neither a fraction nor an exponent; NaN and infinities as strings
 *     decimal, guid     string
 *     datetime          "2022-02-26T12:41:19.2909747Z"; a tick out of range is null
 *     timespan          "[-][d.]hh:mm:ss[.fffffff]"
 *     string            string; only what RFC 8259 asks for is escaped
 *     dynamic           a string that holds the JSON text, as the service sends it; a dynamic text
 *                       is that text itself. With native_dynamic: nested JSON
 *     null              null
 *
 * An answer ends at the first row that passes a ceiling, and says which. */
#ifndef WEIR_EMULATOR_JSON_OUT_H
#define WEIR_EMULATOR_JSON_OUT_H

#include "base/random.h"
#include "engine/engine.h"

enum json_ceiling {
    JSON_CEILING_NONE,
    JSON_CEILING_ROWS,  /* the row that would be one too many is left out */
    JSON_CEILING_BYTES, /* so is the row that passes the engine's bytes */
    JSON_CEILING_BODY   /* the answer as a whole is too long: nothing of it counts */
};

struct json_out {
    struct buf *body;  /* lent; its maximum must be at least max_json + JSON_OUT_SLACK */
    uint64_t max_rows; /* 0: no ceiling, for each */
    uint64_t max_bytes;
    uint64_t max_json;
    bool native_dynamic;
    struct random *break_off; /* NULL, or: the answer ends behind a row drawn from these numbers */
    struct random *double_up; /* NULL, or: one row drawn from these numbers is lost, and another
                                 stands in its place as well; nothing happens to fewer than two */
    /* results */
    uint64_t rows, bytes; /* bytes: the sum of estimate_data_size(*) of the rows */
    enum json_ceiling ceiling;
    struct {
        size_t used;
        uint64_t rows, bytes;
    } broken; /* where break_off ends it: each row so far was as likely */
    struct {
        size_t at, n;
    } drawn[2]; /* the text of the row that double_up loses, and of the one that it repeats */
};

enum { JSON_OUT_SLACK = 64 << 10 };

/* Writes {"tables":[{"name":"PrimaryResult","columns":[...],"rows":[ */
void json_out_begin(struct json_out *out, const struct columns *columns);

/* Writes the rows of a chunk. False when a ceiling is reached (out->ceiling) or the buffer
 * failed. */
bool json_out_chunk(struct json_out *out, const struct engine_chunk *chunk);

/* Writes ]}] but not the closing brace of the answer: further members may follow. */
void json_out_end(struct json_out *out);

#endif
