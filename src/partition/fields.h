/* Fields: the columns of inputs that are converted, CSV and Parquet, and their values as members of a line of the lake.
 *
 * A column "StartTime [UTC]" is StartTime, a datetime whose values are of that zone. A type is that of the known table;
 * else the file's own (Parquet); else, in a custom table, that of the name's suffix (_s _d _b _t _g); else datetime where
 * the header names a zone; else string. The time column is TimeGenerated if its header says so, else it is written
 * under its own name too.
 *
 * A line has TimeGenerated first, then the columns in the order of the input. Empty values are left out. A value that
 * does not fit its type is a JSON string, as it was.
 */
#ifndef WEIR_PARTITION_FIELDS_H
#define WEIR_PARTITION_FIELDS_H

#include "base/column.h"
#include "partition/source.h"

struct part_field {
    struct str name;   /* in the lake; lent from the header */
    struct str member; /* `"name":`, with a comma before it */
    enum column_type type;
    const struct part_zone *zone; /* of times that name none; NULL: they stay as they are */
    bool left_out;                /* it is TimeGenerated, which has been written */
};

struct part_fields {
    struct part_field *v;
    size_t n;
    size_t time;          /* which is the time column */
    struct arena *memory; /* owns all of the above */
};

/* `names`: the header; `types` the file's own, or NULL. ERROR_FORMAT for two columns of one name, or too many. */
bool part_fields_init(struct part_fields *fields, const struct str *names,
                      const enum column_type *types, size_t n,
                      const struct part_source_options *options, struct error *err);
void part_fields_release(struct part_fields *fields);

/* Tells fields->time from the key that was settled. */
bool part_fields_settle(struct part_fields *fields, const struct str *names,
                        const struct part_time *time, struct error *err);

/* Tells the columns and their types. */
bool part_fields_seen(const struct part_fields *fields, struct part_seen *seen, struct error *err);

/* A line: begins with its time, */
void part_fields_begin(struct buf *line, int64_t tick);
/* then has the value of each field that is given as text, if it is not empty, */
void part_fields_put(const struct part_field *field, struct str text, struct buf *line);
/* and ends: the brace, and an LF. */
void part_fields_end(struct buf *line);

#endif
