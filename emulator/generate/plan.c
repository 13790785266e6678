/* When things happen; see plan.h. */
#include "emulator/generate/plan.h"

#include "base/memory.h"

#include <stdlib.h>

enum {
    BEATS_MAX = 400000,   /* of one beacon */
    BEATS_MIN = 10,       /* fewer are no beacon */
    BURST_MAX = 20000,    /* rows of the largest burst */
    BURST_LEAST = 300,    /* rows of the other bursts, at least */
    BURST_SPREAD = 1700,  /* and at most so many more */
    TRIES_MIN = 30,       /* of a spray; fewer are none */
    USERS_LEAST = 60,     /* tried by a spray */
    USERS_SPREAD = 140,   /* and at most so many more */
    IDLE_LEAST = 3,       /* partitions of an idle span */
    IDLE_SPREAD = 16,     /* and fewer than so many more */
    BUSY_ATTEMPTS = 1000, /* to find a place outside of idle spans */
    HEAVY_ONCE_IN = 24,   /* hours */
    HEAVY_TIMES = 4,      /* the rows of another hour */
    ROUNDS = 4,           /* of the shuffle */
    BURST_DIGIT = 7,      /* the last digit of a burst's tick, and of no other */
};

__extension__ typedef unsigned __int128 wide;

/* Rows of an hour, against each other: an office in UTC. */
static const uint8_t workday[24] = {6,  5,  4,  4,  5,  9,  18, 42, 74, 94, 100, 96,
                                    78, 88, 95, 92, 84, 62, 38, 24, 16, 12, 9,   7};
static const uint8_t weekend[24] = {5,  4,  4,  4,  4,  5,  6,  8,  10, 13, 15, 16,
                                    16, 15, 14, 14, 13, 12, 11, 10, 9,  8,  7,  6};

static const struct {
    int64_t period;
    int jitter;
    uint16_t port;
    const char *protocol, *application;
} beacon_kinds[PLAN_BEACONS_MAX] = {
    {60 * TICK_SECOND, 0, 443, "TCP", "ssl"},
    {300 * TICK_SECOND, 30, 443, "TCP", "ssl"},
    {120 * TICK_SECOND, 10, 53, "UDP", "dns"},
    {3600 * TICK_SECOND, 5, 8443, "TCP", "unknown-tcp"},
};

static const uint32_t BEACON_NET = 203U << 24 | 0U << 16 | 113U << 8; /* RFC 5737, for examples */
static const uint32_t SPRAY_NET = 198U << 24 | 51U << 16 | 100U << 8;

/* No row but a burst's has a tick that ends in BURST_DIGIT. The tick before is never below the cell or
 * minute it belongs to by more than that one tick, so the order of rows stays. */
static int64_t no_burst(int64_t tick)
{
    return tick - (tick % 10 == BURST_DIGIT);
}

static void seed_row(const struct plan *plan, uint64_t number, struct random *random)
{
    random_seed(random, plan->seed + number * UINT64_C(0xD1342543DE82EF95));
}

/* Idle spans: one in each of equally long slices of the range, so they never touch. */

static int64_t idle_slice(const struct plan *plan)
{
    int64_t spans = (int64_t) plan->idle_count;
    return (plan->end - plan->start) / (spans > 0 ? spans : 1);
}

static void place_idle(struct plan *plan, struct random *random)
{
    int64_t days = (plan->end - plan->start) / TICK_DAY;
    plan->idle_count = (size_t) (1 + days / 3);
    for (size_t i = 0; i < plan->idle_count; i++) {
        int64_t partitions = IDLE_LEAST + (int64_t) random_below(random, IDLE_SPREAD);
        int64_t room = idle_slice(plan) / TICK_PARTITION - partitions - 1;
        int64_t at = plan->start + (int64_t) i * idle_slice(plan) +
                     (int64_t) random_below(random, (uint64_t) room) * TICK_PARTITION;
        plan->idle[i].start = tick_floor(at + TICK_PARTITION - 1, TICK_PARTITION);
        plan->idle[i].end = plan->idle[i].start + partitions * TICK_PARTITION;
    }
}

static bool is_idle(const struct plan *plan, int64_t tick)
{
    size_t slice = (size_t) ((tick - plan->start) / idle_slice(plan));
    if (slice >= plan->idle_count)
        return false;
    return tick >= plan->idle[slice].start && tick < plan->idle[slice].end;
}

/* Background. */

static uint64_t minute_weight(const struct plan *plan, int64_t tick, uint64_t hour_noise,
                              struct random *random)
{
    int64_t hour = tick % TICK_DAY / TICK_HOUR;
    bool rest = tick / TICK_DAY % 7 >= 5; /* 0001-01-01 was a Monday */
    uint64_t noise = 64 + random_below(random, 64);
    if (is_idle(plan, tick))
        return 0;
    return (rest ? weekend[hour] : workday[hour]) * hour_noise * noise;
}

/* Shares out the rows by the running sum of the weights. */
static void share_out(struct plan *plan, struct random *random)
{
    uint64_t sum = 0, hour_noise = 100;
    for (size_t m = 0; m < plan->minutes; m++) {
        int64_t tick = plan->start + (int64_t) m * TICK_MINUTE;
        if (m == 0 || tick % TICK_HOUR == 0) {
            hour_noise = 75 + random_below(random, 51);
            if (random_below(random, HEAVY_ONCE_IN) == 0)
                hour_noise *= HEAVY_TIMES;
        }
        plan->before[m] = sum;
        sum += minute_weight(plan, tick, hour_noise, random);
    }
    plan->before[plan->minutes] = sum;
    for (size_t m = 0; sum > 0 && m <= plan->minutes; m++)
        plan->before[m] = (uint64_t) ((wide) plan->background * plan->before[m] / sum);
}

/* What is planted. */

static bool add(struct plan *plan, struct special special, struct error *err)
{
    if (!mem_reserve(&plan->specials, &plan->special_room, plan->special_count, PLAN_SPECIALS_MAX,
                     sizeof *plan->specials, err))
        return false;
    plan->specials[plan->special_count++] = special;
    return true;
}

/* Where `length` ticks of the range lie outside of idle spans, none of which is shorter than a step. */
static int64_t busy_tick(const struct plan *plan, int64_t length, struct random *random)
{
    const int64_t step = IDLE_LEAST * TICK_PARTITION;
    const uint64_t room = (uint64_t) (plan->end - plan->start - length);
    for (int attempt = 0; attempt < BUSY_ATTEMPTS; attempt++) {
        int64_t tick = plan->start + (int64_t) random_below(random, room), at = tick;
        while (at < tick + length && !is_idle(plan, at))
            at += step;
        if (at >= tick + length && !is_idle(plan, tick + length))
            return tick;
    }
    return plan->idle[0].end;
}

/* The first is the largest. */
static bool add_bursts(struct plan *plan, struct random *random, struct error *err)
{
    uint64_t largest = plan->rows / 10 < BURST_MAX ? plan->rows / 10 : BURST_MAX;
    uint64_t left = plan->rows / 10, days = (uint64_t) ((plan->end - plan->start) / TICK_DAY);
    if (largest < 2)
        return true;
    for (uint32_t i = 0; i < 2 + days / 2; i++) {
        uint64_t count = BURST_LEAST + random_below(random, BURST_SPREAD);
        if (i == 0 || count > largest)
            count = largest;
        if (i > 0 && count > left)
            break;
        left -= i == 0 ? 0 : count;
        int64_t tick = busy_tick(plan, TICK_MINUTE, random);
        struct special burst = {.tick = tick - tick % 10 + BURST_DIGIT,
                                .count = (uint32_t) count,
                                .serial = i,
                                .kind = SPECIAL_BURST};
        if (!add(plan, burst, err))
            return false;
    }
    return true;
}

/* The first tick of a partition and the last of the one before, at full hours. */
static bool add_edges(struct plan *plan, struct error *err)
{
    int64_t hours = (plan->end - plan->start) / TICK_HOUR;
    int64_t pairs = (int64_t) (plan->rows / 100);
    uint32_t serial = 0;
    if (pairs == 0)
        return true;
    int64_t step = (hours / pairs + 1) * TICK_HOUR;
    int64_t first = tick_floor(plan->start + TICK_HOUR - 1, TICK_HOUR) + TICK_HOUR;
    for (int64_t at = first; at < plan->end; at += step) {
        for (int64_t tick = at - 1; tick <= at; tick++) {
            struct special edge = {
                .tick = tick, .count = 1, .serial = serial++, .kind = SPECIAL_EDGE};
            if (!is_idle(plan, tick) && !add(plan, edge, err))
                return false;
        }
    }
    return true;
}

static void note_time(int64_t tick, uint64_t *count, int64_t *first, int64_t *last)
{
    if ((*count)++ == 0)
        *first = tick;
    *last = tick;
}

static bool add_beats(struct plan *plan, size_t which, uint64_t most, struct random *random,
                      struct error *err)
{
    struct beacon *beacon = &plan->beacons[which];
    uint64_t room = (uint64_t) ((plan->end - plan->start) / beacon->period);
    uint64_t beats = most < room ? most : room;
    int64_t spare = plan->end - plan->start - (int64_t) beats * beacon->period;
    int64_t tick = plan->start + (int64_t) random_below(random, (uint64_t) spare + 1);
    int64_t wide_by = beacon->period / 100 * beacon->jitter;
    for (uint32_t i = 0; i < beats && tick < plan->end; i++) {
        struct special beat = {.tick = no_burst(tick),
                               .count = 1,
                               .serial = i,
                               .kind = SPECIAL_BEACON,
                               .which = (uint8_t) which};
        if (!is_idle(plan, beat.tick)) {
            if (!add(plan, beat, err))
                return false;
            note_time(beat.tick, &beacon->count, &beacon->first, &beacon->last);
        }
        tick += beacon->period;
        if (wide_by > 0)
            tick += (int64_t) random_below(random, (uint64_t) (2 * wide_by + 1)) - wide_by;
    }
    return true;
}

static bool add_beacons(struct plan *plan, uint32_t hosts, struct random *random, struct error *err)
{
    uint64_t most = plan->rows / 10 / PLAN_BEACONS_MAX;
    if (most > BEATS_MAX)
        most = BEATS_MAX;
    if (most < BEATS_MIN)
        return true;
    for (size_t i = 0; i < PLAN_BEACONS_MAX; i++) {
        size_t which = plan->beacon_count++;
        uint32_t host = (uint32_t) random_below(random, hosts / PLAN_BEACONS_MAX);
        uint32_t destination = (uint32_t) random_below(random, 50);
        plan->beacons[which] =
            (struct beacon){.host = hosts / PLAN_BEACONS_MAX * (uint32_t) i + host,
                            .destination = BEACON_NET + 10 + 60 * (uint32_t) i + destination,
                            .port = beacon_kinds[i].port,
                            .protocol = beacon_kinds[i].protocol,
                            .application = beacon_kinds[i].application,
                            .period = beacon_kinds[i].period,
                            .jitter = beacon_kinds[i].jitter};
        if (!add_beats(plan, which, most, random, err))
            return false;
    }
    return true;
}

static bool add_tries(struct plan *plan, size_t which, uint64_t tries, struct random *random,
                      struct error *err)
{
    struct spray *spray = &plan->sprays[which];
    int64_t length = (30 + (int64_t) random_below(random, 91)) * TICK_MINUTE;
    int64_t start = busy_tick(plan, length, random), cell = length / (int64_t) tries;
    for (uint32_t i = 0; i < tries; i++) {
        int64_t tick = no_burst(start + i * cell + (int64_t) random_below(random, (uint64_t) cell));
        struct special guess = {
            .tick = tick, .count = 1, .serial = i, .kind = SPECIAL_SPRAY, .which = (uint8_t) which};
        if (!add(plan, guess, err))
            return false;
        note_time(tick, &spray->count, &spray->first, &spray->last);
    }
    return true;
}

static bool add_sprays(struct plan *plan, uint32_t users, struct random *random, struct error *err)
{
    uint64_t most = plan->rows / 20 / PLAN_SPRAYS_MAX;
    if (most < TRIES_MIN)
        return true;
    for (size_t i = 0; i < PLAN_SPRAYS_MAX; i++) {
        size_t which = plan->spray_count++;
        uint64_t tried = USERS_LEAST + random_below(random, USERS_SPREAD);
        uint64_t tries = tried * (1 + random_below(random, 3));
        uint32_t source = (uint32_t) random_below(random, 70);
        plan->sprays[which] = (struct spray){.source = SPRAY_NET + 10 + 80 * (uint32_t) i + source,
                                             .first_user = (uint32_t) random_below(random, users),
                                             .users = (uint32_t) (tried < most ? tried : most)};
        if (!add_tries(plan, which, tries < most ? tries : most, random, err))
            return false;
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct special *x = a, *y = b;
    if (x->tick != y->tick)
        return x->tick < y->tick ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->which != y->which)
        return x->which < y->which ? -1 : 1;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

/* Sorts what is planted and numbers its rows; what is left of all rows is background. */
static void count_specials(struct plan *plan)
{
    uint64_t before = 0;
    if (plan->special_count > 0)
        qsort(plan->specials, plan->special_count, sizeof *plan->specials, by_time);
    for (size_t i = 0; i < plan->special_count; i++) {
        plan->specials[i].before = before;
        before += plan->specials[i].count;
    }
    plan->background = plan->rows - before;
}

bool plan_init(struct plan *plan, const struct plan_options *options, struct error *err)
{
    struct random random;
    *plan = (struct plan){
        .start = options->start, .end = options->end, .rows = options->rows, .seed = options->seed};
    plan->minutes = (size_t) ((plan->end - plan->start) / TICK_MINUTE);
    plan->before = mem_alloc(plan->minutes + 1, sizeof *plan->before, err);
    if (!plan->before)
        return false;
    random_seed(&random, plan->seed);
    place_idle(plan, &random);
    if (!add_bursts(plan, &random, err) || !add_edges(plan, err) ||
        (options->beacons && !add_beacons(plan, options->hosts, &random, err)) ||
        (options->sprays && !add_sprays(plan, options->users, &random, err)))
        return false;
    count_specials(plan);
    share_out(plan, &random);
    return true;
}

void plan_release(struct plan *plan)
{
    mem_free(plan->before);
    mem_free(plan->specials);
    *plan = (struct plan){0};
}

/* Finding rows. */

/* The tick of a background row in its cell, rounded as devices round: often to the millisecond or the
 * second, when the cell is wide enough for that. */
static int64_t draw_tick(const struct plan *plan, size_t minute, uint64_t number,
                         struct random *random)
{
    static const int64_t steps[8] = {1, 1, 1, 10, 100, 1000, TICK_MILLISECOND, TICK_SECOND};
    uint64_t k = number - plan->before[minute];
    uint64_t n = plan->before[minute + 1] - plan->before[minute];
    uint64_t cell = k * (uint64_t) TICK_MINUTE / n, next = (k + 1) * (uint64_t) TICK_MINUTE / n;
    int64_t from = plan->start + (int64_t) minute * TICK_MINUTE + (int64_t) cell;
    seed_row(plan, number, random);
    uint64_t dice = random_next(random);
    int64_t tick = from + (int64_t) ((wide) dice * (next - cell) >> 64);
    int64_t rounded = tick - tick % steps[dice & 7];
    return no_burst(rounded >= from ? rounded : tick);
}

/* The last minute that begins with `number` rows or fewer before it: the one that holds row `number`. */
static size_t find_minute(const struct plan *plan, uint64_t number)
{
    size_t low = 0, high = plan->minutes;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (plan->before[middle] <= number)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static size_t find_special(const struct plan *plan, uint64_t number)
{
    size_t low = 0, high = plan->special_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (plan->specials[middle].before <= number)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* In a burst the last of each eight rows is the one before it again. */
static void seed_special(const struct plan *plan, const struct special *special, uint64_t number,
                         struct random *random)
{
    bool again = (number - special->before) % 8 == 7;
    seed_row(plan, plan->background + number - again, random);
}

int64_t plan_row(const struct plan *plan, uint64_t number, const struct special **special,
                 struct random *random)
{
    *special = NULL;
    if (number < plan->background)
        return draw_tick(plan, find_minute(plan, number), number, random);
    *special = &plan->specials[find_special(plan, number - plan->background)];
    seed_special(plan, *special, number - plan->background, random);
    return (*special)->tick;
}

/* Draws the next background row of a walk, if there is one. */
static void draw_background(const struct plan *plan, struct plan_walk *walk)
{
    if (walk->drawn || walk->background == plan->background)
        return;
    while (plan->before[walk->minute + 1] <= walk->background)
        walk->minute++;
    walk->tick = draw_tick(plan, walk->minute, walk->background, &walk->random);
    walk->drawn = true;
}

bool plan_next(const struct plan *plan, struct plan_walk *walk, int64_t *tick,
               const struct special **special, struct random *random)
{
    draw_background(plan, walk);
    bool planted = walk->index < plan->special_count;
    if (!planted && !walk->drawn)
        return false;
    if (walk->drawn && (!planted || walk->tick <= plan->specials[walk->index].tick)) {
        *tick = walk->tick;
        *special = NULL;
        *random = walk->random;
        walk->background++;
        walk->drawn = false;
        return true;
    }
    const struct special *now = &plan->specials[walk->index];
    *tick = now->tick;
    *special = now;
    seed_special(plan, now, walk->special, random);
    walk->special++;
    if (walk->special == now->before + now->count)
        walk->index++;
    return true;
}

/* A Feistel network over the smallest even number of bits that holds n; numbers beyond n go through it
 * again until they are not (cycle walking), which happens three times in four at most. */
uint64_t plan_shuffled(uint64_t number, uint64_t n, uint64_t seed)
{
    unsigned half = 1;
    while (half < 32 && UINT64_C(1) << 2 * half < n)
        half++;
    uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = number >> half, right = number & mask;
        for (uint64_t round = 1; round <= ROUNDS; round++) {
            uint64_t mixed = (right + seed + round) * UINT64_C(0x9E3779B97F4A7C15);
            mixed = (mixed ^ mixed >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
            uint64_t turned = left ^ (mixed >> 32 & mask);
            left = right;
            right = turned;
        }
        number = left << half | right;
    } while (number >= n);
    return number;
}
