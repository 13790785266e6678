/* Clock: what now() is. The real time, or one of the emulator's own that stands still or runs at any
 * speed, so that a table grows and ages as fast as a test wants. Tokens keep the real time. */
#ifndef WEIR_EMULATOR_CLOCK_H
#define WEIR_EMULATOR_CLOCK_H

#include "base/error.h"

#include <stdint.h>

struct clock {
    int64_t start;  /* tick; 0: the real time */
    uint64_t began; /* clock_ns when it was `start`; 0: it still is */
    double speed;   /* 0 stands still, 1 is as fast as the real time */
};

/* `speed` is a decimal number from 0 to 1,000,000; NULL: 0. A speed without a start is ERROR_USAGE. */
bool clock_init(struct clock *clock, int64_t start, const char *speed, struct error *err);

/* From now on it moves. Before any other thread reads it. */
void clock_begin(struct clock *clock);

int64_t clock_tick(const struct clock *clock);

#endif
