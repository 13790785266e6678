/* Timers: what the loop calls now and then. */
#include "http/timer.h"

#include "base/tick.h"

#include <math.h>

static const double NANOSECONDS = 1e9;
static const double PERIOD_MAX = 1e6; /* seconds */

bool http_every(struct http_client *client, double seconds, void (*fn)(void *context),
                void *context, struct error *err)
{
    if (!(seconds > 0) || seconds > PERIOD_MAX || !fn)
        return error_set(err, ERROR_INTERNAL, "a timer of %g s", seconds);
    for (int i = 0; i < HTTP_TIMERS_MAX; i++) {
        struct timer *timer = &client->timers[i];
        if (timer->fn)
            continue;
        uint64_t period = (uint64_t) ceil(seconds * NANOSECONDS);
        *timer = (struct timer){fn, context, period, clock_ns() + period};
        return true;
    }
    return error_set(err, ERROR_LIMIT, "more than %d timers", HTTP_TIMERS_MAX);
}

void http_every_stop(struct http_client *client, const void *context)
{
    for (int i = 0; i < HTTP_TIMERS_MAX; i++)
        if (client->timers[i].fn && client->timers[i].context == context)
            client->timers[i].fn = NULL;
}

void timers_call(struct http_client *client)
{
    uint64_t now = clock_ns();
    for (int i = 0; i < HTTP_TIMERS_MAX; i++) {
        struct timer *timer = &client->timers[i];
        if (!timer->fn || timer->due > now)
            continue;
        timer->due = now + timer->period;
        timer->fn(timer->context);
    }
}

uint64_t timers_due(const struct http_client *client)
{
    uint64_t due = UINT64_MAX;
    for (int i = 0; i < HTTP_TIMERS_MAX; i++)
        if (client->timers[i].fn && client->timers[i].due < due)
            due = client->timers[i].due;
    return due;
}
