/* How often and how many at once: a ring of the last starts, and a bucket, looked at before each new one. */
#include "http/http.h"

#include "base/memory.h"

#include <math.h>

static const double NANOSECONDS = 1e9;
static const double WINDOW_MAX = 86400.0; /* seconds */

/* The window as we keep it: longer than the other side's, since requests arrive later than they start
 * and not all by the same delay. */
static uint64_t window_ns(const struct http_pace *pace)
{
    return (uint64_t) (pace->rate_window * (1.0 + 1.0 / HTTP_PACE_MARGIN) * NANOSECONDS);
}

static uint64_t later(uint64_t moment, uint64_t now)
{
    return moment > now ? moment - now : 0;
}

static double tokens_at(const struct http_pace *pace, uint64_t now)
{
    double since = now > pace->filled ? (double) (now - pace->filled) / NANOSECONDS : 0;
    double tokens = pace->tokens + since * pace->slowed;
    return tokens < HTTP_PACE_BURST ? tokens : HTTP_PACE_BURST;
}

/* Nanoseconds until the bucket holds a whole token. */
static uint64_t bucket_wait(const struct http_pace *pace, uint64_t now)
{
    double lacks = pace->slowed > 0 ? 1.0 - tokens_at(pace, now) : 0;
    return lacks > 0 ? (uint64_t) ceil(lacks / pace->slowed * NANOSECONDS) : 0;
}

bool http_pace_init(struct http_pace *pace, const unsigned concurrent[HTTP_PACE_LANES],
                    unsigned rate, double window, struct error *err)
{
    *pace = (struct http_pace){.rate_max = rate, .rate_window = window};
    bool ok = rate > 0 && rate <= HTTP_PACE_RATE_MAX && window > 0 && window <= WINDOW_MAX;
    for (unsigned lane = 0; lane < HTTP_PACE_LANES; lane++) {
        pace->lanes[lane].most = pace->lanes[lane].now = concurrent[lane];
        ok = ok && concurrent[lane] > 0;
    }
    if (!ok)
        return error_set(err, ERROR_SETTINGS, "a pace of %u at once and %u in %g s cannot be kept",
                         concurrent[0], rate, window);
    pace->starts = mem_alloc(rate, sizeof *pace->starts, err);
    return pace->starts != NULL;
}

void http_pace_release(struct http_pace *pace)
{
    mem_free(pace->starts);
    *pace = (struct http_pace){0};
}

uint64_t http_pace_wait(const struct http_pace *pace, unsigned lane, uint64_t now)
{
    if (pace->lanes[lane].running >= pace->lanes[lane].now)
        return UINT64_MAX;
    uint64_t wait = later(pace->blocked_until, now), bucket = bucket_wait(pace, now);
    if (bucket > wait)
        wait = bucket;
    if (pace->count < pace->rate_max)
        return wait;
    uint64_t full = later(pace->starts[pace->first] + window_ns(pace), now);
    return full > wait ? full : wait;
}

void http_pace_started(struct http_pace *pace, unsigned lane, uint64_t now)
{
    pace->lanes[lane].running++;
    if (pace->slowed > 0) {
        pace->tokens = tokens_at(pace, now) - 1.0;
        pace->filled = now;
    }
    if (pace->count < pace->rate_max) {
        pace->starts[(pace->first + pace->count++) % pace->rate_max] = now;
        return;
    }
    pace->starts[pace->first] = now;
    pace->first = (pace->first + 1) % pace->rate_max;
}

void http_pace_ended(struct http_pace *pace, unsigned lane)
{
    if (pace->lanes[lane].running > 0)
        pace->lanes[lane].running--;
}

void http_pace_slow(struct http_pace *pace, double rate, uint64_t now)
{
    pace->tokens = pace->slowed > 0 ? tokens_at(pace, now) : 1.0;
    pace->filled = now;
    pace->slowed = rate;
}
