/* Patience: see patience.h. */
#include "workspace/patience.h"

static const double NANOSECONDS = 1e9;
static const uint64_t SECOND = 1000000000;

/* Of the rate: what is left of it after an event, the least of it, and one step up, in parts of the limit. */
static const double SLOWER = 0.8;
static const double SLOWEST = 0.05;
static const double QUICKER = 0.05;

/* Pauses ------------------------------------------------------------------------------------------ */

/* Between the half and the whole of the pause: clients that were refused together do not come back so. */
static double growing(unsigned streak, struct random *random)
{
    double pause = PATIENCE_FIRST;
    for (unsigned i = 1; i < streak && pause < PATIENCE_MOST; i++)
        pause *= 2;
    if (pause > PATIENCE_MOST)
        pause = PATIENCE_MOST;
    return pause * (0.5 + 0.5 * random_unit(random));
}

static void block(struct http_pace *pace, double seconds, uint64_t now)
{
    uint64_t until = now + (uint64_t) (seconds * NANOSECONDS);
    if (until > pace->blocked_until)
        pace->blocked_until = until;
}

/* Places ------------------------------------------------------------------------------------------ */

static unsigned step_of(const struct patience_lane *state)
{
    return state->step > 0 ? state->step : PATIENCE_STEP_LEAST;
}

static void lower(struct patience_lane *state, struct http_lane *lane, unsigned to, uint64_t now)
{
    if (to < 1)
        to = 1;
    if (to < lane->now)
        lane->now = to;
    if (state->rose)
        state->step =
            2 * step_of(state) < PATIENCE_STEP_MOST ? 2 * step_of(state) : PATIENCE_STEP_MOST;
    state->rose = false;
    state->timeouts = 0;
    state->changed = now;
}

static void raise_places(struct patience_lane *state, struct http_lane *lane, uint64_t now)
{
    /* Where a step up held, there is room: the next comes soon. */
    unsigned wait = state->rose ? PATIENCE_STEP_LEAST : step_of(state);
    if (lane->now >= lane->most || now < state->changed || now - state->changed < wait * SECOND)
        return;
    lane->now++;
    if (state->rose)
        state->step = PATIENCE_STEP_LEAST;
    state->rose = true;
    state->timeouts = 0;
    state->changed = now;
}

/* Rate -------------------------------------------------------------------------------------------- */

static double limit_of(const struct http_pace *pace)
{
    return (double) pace->rate_max / pace->rate_window;
}

static void slow_down(struct patience *p, struct http_pace *pace, uint64_t now)
{
    double limit = limit_of(pace), rate = pace->slowed > 0 ? pace->slowed : limit;
    rate *= SLOWER;
    http_pace_slow(pace, rate > SLOWEST * limit ? rate : SLOWEST * limit, now);
    p->slowed = now;
}

static void quicken(struct patience *p, struct http_pace *pace, uint64_t now)
{
    if (!(pace->slowed > 0) || now < p->slowed || now - p->slowed < PATIENCE_STEP_LEAST * SECOND)
        return;
    double limit = limit_of(pace), rate = pace->slowed + QUICKER * limit;
    http_pace_slow(pace, rate < limit ? rate : 0, now);
    p->slowed = now;
}

/* Events ------------------------------------------------------------------------------------------ */

static void queue_was_full(struct patience *p, struct http_pace *pace,
                           const struct patience_refusal *refusal, uint64_t now,
                           struct random *random)
{
    struct http_lane *lane = &pace->lanes[refusal->lane];
    lower(&p->lanes[refusal->lane], lane, lane->running, now);
    if (refusal->retry_after >= 0)
        block(pace, refusal->retry_after, now);
    if (lane->running > 0 || refusal->retry_after >= 0)
        return;
    if (p->streak == 0 || refusal->began >= p->asked) {
        p->streak++;
        p->asked = now;
    }
    block(pace, growing(p->streak, random), now);
}

static void too_many_requests(struct patience *p, struct http_pace *pace,
                              const struct patience_refusal *refusal, uint64_t now,
                              struct random *random)
{
    bool same = p->streak > 0 && refusal->began < p->asked;
    struct http_lane *lane = &pace->lanes[refusal->lane];
    if (!same) {
        p->streak++;
        p->asked = now;
        if (refusal->retry_after < 0)
            slow_down(p, pace, now);
        if (p->streak > 1)
            lower(&p->lanes[refusal->lane], lane, lane->now - 1, now);
    } else if (refusal->retry_after < 0) {
        return;
    }
    block(pace, refusal->retry_after >= 0 ? refusal->retry_after : growing(p->streak, random), now);
}

void patience_throttled(struct patience *p, struct http_pace *pace,
                        const struct patience_refusal *refusal, uint64_t now, struct random *random)
{
    if (refusal->queue)
        queue_was_full(p, pace, refusal, now, random);
    else
        too_many_requests(p, pace, refusal, now, random);
}

void patience_timed_out(struct patience *p, struct http_pace *pace, unsigned lane, uint64_t began,
                        uint64_t now)
{
    struct patience_lane *state = &p->lanes[lane];
    p->streak = 0;
    if (began < state->changed || ++state->timeouts < PATIENCE_ROW)
        return;
    lower(state, &pace->lanes[lane], pace->lanes[lane].now - 1, now);
    state->step = PATIENCE_STEP_MOST;
}

void patience_answered(struct patience *p, struct http_pace *pace, unsigned lane, uint64_t now)
{
    p->streak = 0;
    p->lanes[lane].timeouts = 0;
    raise_places(&p->lanes[lane], &pace->lanes[lane], now);
    quicken(p, pace, now);
}
