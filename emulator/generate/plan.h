/* Plan: when every row of a table happens, without a list of all rows.
 *
 * Background rows are counted by minute beforehand: the weights of the minutes (hours of work, weekends,
 * noise, heavy hours, idle spans) share out the rows by one running sum, so that the total is exact. In a
 * minute with n rows the k-th lies at random in the k-th of n equal cells: rows are sorted without
 * sorting, and any row can be found from its number alone. That is what --shuffle needs: it walks through
 * the numbers in another order.
 *
 * What is planted (bursts, edges, beacons, sprays) is a list of specials sorted by tick, a small share of
 * the rows.
 *
 * Rows are numbered: background first, in order of time, then special rows, in order of time.
 */
#ifndef WEIR_EMULATOR_GENERATE_PLAN_H
#define WEIR_EMULATOR_GENERATE_PLAN_H

#include "base/random.h"
#include "base/tick.h"

enum {
    PLAN_BEACONS_MAX = 4,
    PLAN_SPRAYS_MAX = 3,
    PLAN_SPECIALS_MAX = 2000000, /* planted events */
    PLAN_IDLE_MAX = 512,
};

enum special_kind { SPECIAL_BURST, SPECIAL_EDGE, SPECIAL_BEACON, SPECIAL_SPRAY };

struct special {
    int64_t tick;
    uint64_t before; /* special rows before this one */
    uint32_t count;  /* rows: many in a burst, else 1 */
    uint32_t serial; /* beat of a beacon, try of a spray, from 0 */
    uint8_t kind;    /* enum special_kind */
    uint8_t which;   /* which beacon, which spray */
};

struct beacon {
    uint32_t host; /* index of the source in the world's hosts */
    uint32_t destination;
    uint16_t port;
    const char *protocol, *application;
    int64_t period;
    int jitter; /* percent of the period, either way */
    uint64_t count;
    int64_t first, last; /* ticks of the beats that are in the data */
};

struct spray {
    uint32_t source;
    uint32_t first_user, users; /* users from first_user on, round the list, each tried in turn */
    uint64_t count;
    int64_t first, last;
};

struct idle {
    int64_t start, end; /* half-open, whole partitions: no row at all */
};

struct plan {
    int64_t start, end;
    size_t minutes;
    uint64_t *before; /* minutes + 1: background rows before each minute */
    uint64_t background, rows;
    struct special *specials; /* by tick */
    size_t special_count, special_room;
    struct beacon beacons[PLAN_BEACONS_MAX];
    struct spray sprays[PLAN_SPRAYS_MAX];
    struct idle idle[PLAN_IDLE_MAX];
    size_t beacon_count, spray_count, idle_count;
    uint64_t seed; /* of this table */
};

struct plan_options {
    int64_t start, end; /* whole minutes */
    uint64_t rows, seed;
    bool beacons, sprays;
    uint32_t hosts, users; /* how many there are to choose from */
};

/* Makes the plan; plan_release it, also after a failure. */
bool plan_init(struct plan *plan, const struct plan_options *options, struct error *err);
void plan_release(struct plan *plan);

/* When row `number` (below plan->rows) happens, and why (NULL: background). Leaves `random` seeded for
 * what is in the row. */
int64_t plan_row(const struct plan *plan, uint64_t number, const struct special **special,
                 struct random *random);

/* The row after the one that was given last, in order of time: a walk begins with {0}. False at the end. */
struct plan_walk {
    uint64_t background, special; /* rows given so far */
    size_t minute, index;         /* of the next background row, of the next special */
    int64_t tick;                 /* when the next background row happens */
    struct random random;         /* and its dice */
    bool drawn;
};
bool plan_next(const struct plan *plan, struct plan_walk *walk, int64_t *tick,
               const struct special **special, struct random *random);

/* A one-to-one map of 0..n-1 onto itself that looks like no order at all. */
uint64_t plan_shuffled(uint64_t number, uint64_t n, uint64_t seed);

#endif
