/* Timespan: the request's own time filter, and the preferences of the Prefer header
 * (docs/service.md 1.2). */
#ifndef WEIR_EMULATOR_TIMESPAN_H
#define WEIR_EMULATOR_TIMESPAN_H

#include "base/tick.h"

struct timespan_range {
    int64_t from, to; /* [from, to); 0 .. TICK_MAX + 1 is all of time */
};

#define TIMESPAN_ALL ((struct timespan_range){0, TICK_MAX + 1})

/* Narrows *range by a duration up to now ("P1D"), or by start/end, start/duration, duration/end.
 * Both ends are in the range, so the last tick named still counts. NULL and "" narrow nothing. */
bool timespan_narrow(const char *text, int64_t now, struct timespan_range *range);

struct preferences {
    uint64_t wait; /* seconds; 0: not given */
    bool statistics, render, data_sources, permissions;
};

/* Reads what is understood and leaves the rest, as RFC 7240 has it. NULL: none. */
void preferences_read(const char *header, struct preferences *out);

#endif
