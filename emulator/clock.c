/* Clock: what now() is. */

#include "emulator/clock.h"

#include "base/tick.h"

static const double SPEED_MAX = 1e6;
static const double NS_PER_TICK = 100;

bool clock_init(struct clock *clock, int64_t start, const char *speed, struct error *err)
{
    *clock = (struct clock){.start = start};
    if (speed &&
        (!str_double(str_of(speed), &clock->speed) || clock->speed < 0 || clock->speed > SPEED_MAX))
        return error_set(err, ERROR_USAGE, "--clock-speed: '%s' is not a number from 0 to 1000000",
                         speed);
    if (clock->speed > 0 && start == 0)
        return error_set(err, ERROR_USAGE, "--clock-speed needs --now, from where the clock runs");
    return true;
}

void clock_begin(struct clock *clock)
{
    clock->began = clock_ns();
}

int64_t clock_tick(const struct clock *clock)
{
    if (clock->start == 0)
        return tick_now();
    if (clock->began == 0)
        return clock->start;
    double gone = (double) (clock_ns() - clock->began) / NS_PER_TICK * clock->speed;
    return gone < (double) (TICK_MAX - clock->start) ? clock->start + (int64_t) gone : TICK_MAX;
}
