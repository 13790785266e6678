/* Convert: one value of a log file to the physical type of its column (engine.h).
 *
 * Knows nothing of DuckDB. A value that is absent, null, or empty where the type is not string is null; one
 * that does not fit its type is a misfit, which readers count and take as null. Nothing is rounded: a
 * number with a fraction does not fit an integer, nor a long one an int.
 *
 *   bool      true, false, numbers (0 is false); as text in any case
 *   int, long whole numbers; also as text, and as 5.0 or 1e3
 *   real      numbers; also as text, NaN, Infinity, -Infinity
 *   decimal   numbers, as text; kept as they stand
 *   datetime  the forms of when.h
 *   timespan  [-][d.]hh:mm:ss[.fffffff], or a number of ticks
 *   guid      32 hex digits, in braces or not, hyphens anywhere between them (as toguid() takes them); made
 *             lower case with the usual four hyphens
 *   string    any value; what is not a JSON string becomes its JSON text
 *   dynamic   any value as JSON text without blanks between its tokens; a string that holds a JSON object or array
 *             becomes that (the service writes dynamic values so)
 */
#ifndef WEIR_ENGINE_DUCKDB_CONVERT_H
#define WEIR_ENGINE_DUCKDB_CONVERT_H

#include "base/column.h"
#include "engine/engine.h"
#include "json/rows.h"

enum { CONVERT_TEXT_MAX = JSON_ROW_MAX }; /* of one decoded value */

enum convert_outcome { CONVERT_NULL, CONVERT_VALUE, CONVERT_MISFIT, CONVERT_NO_MEMORY };

/* One member by physical type. `text` is lent from the source or from the scratch buffer, until its next use. */
union convert_value {
    bool boolean;
    int32_t integer;
    int64_t big; /* long; ticks */
    double real;
    struct str text;
};

/* A JSON value: `bytes` is where cell->start counts from. zone NULL: UTC; it is for times that name none.
 * `scratch` (max CONVERT_TEXT_MAX) is reset. */
enum convert_outcome convert_cell(enum column_type type, const struct engine_zone *zone,
                                  const char *bytes, const struct json_cell *cell,
                                  struct buf *scratch, union convert_value *out);

/* Whether a column alone gives the value back, when convert_cell gave `outcome` for it: of the JSON kind that is usual for
 * its type, and equal to the last digit of a number, to the tick of a time, to the character of a text. null and "" are
 * given back by having no value. `big` is that of a long. */
bool convert_keeps(enum column_type type, const struct engine_zone *zone, const char *bytes,
                   const struct json_cell *cell, enum convert_outcome outcome, int64_t big);

/* How a time stands under another key than TimeGenerated (struct engine_time_key). */
struct convert_time {
    enum engine_time_format format;
    bool has_zone; /* else a text that names none is no time */
    const struct engine_zone *zone;
};
/* The tick of a value; not CONVERT_VALUE: *tick is as it was. `scratch` is reset. */
enum convert_outcome convert_time(const struct convert_time *time, const char *bytes,
                                  const struct json_cell *cell, struct buf *scratch, int64_t *tick);

/* A text, as CSV has it. A text for dynamic is JSON if it is valid JSON, else a string. */
enum convert_outcome convert_text(enum column_type type, const struct engine_zone *zone,
                                  struct str text, struct buf *scratch, union convert_value *out);

/* A datetime in any of the forms above. */
bool convert_datetime(const struct engine_zone *zone, struct str text, int64_t *tick);

/* A GUID in any of the forms above, as 36 characters. */
bool convert_guid(struct str text, char out[36]);

/* Whether a text has a character that is white space to JSON. */
bool convert_has_blank(struct str s);

#endif
