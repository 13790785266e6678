/* Values that stand in the text of a query: literals and what is folded from them. */
#ifndef WEIR_KQL_VALUE_H
#define WEIR_KQL_VALUE_H

#include "base/column.h"

struct kql_value {
    enum column_type type;
    bool null;
    int64_t i;       /* bool, int, long, datetime, timespan */
    double r;        /* real */
    struct str text; /* string, guid, decimal; dynamic: JSON, written without blanks */
};

/* The inside of a typed literal, blanks trimmed: what stands between the parentheses of long(...), datetime(...),
 * guid(...), time(...). False when it is none. `now` is what datetime() without anything means. */
bool kql_value_parse(enum column_type type, struct str inside, int64_t now, struct kql_value *out);

/* A timespan unit as it stands behind a number (d, hours, ms, tick ...) in ticks; 0: none. */
int64_t kql_unit_ticks(struct str unit);

/* number * unit in ticks, cut toward zero; false when it does not fit. */
bool kql_unit_scale(struct str number, int64_t unit, int64_t *out);

#endif
