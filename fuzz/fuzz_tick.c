/* Times, spans and durations: what is read is within range, and what is written is read back the same. */
#include "base/tick.h"

#include <stdlib.h>

static void check_time(struct str s)
{
    int64_t tick, back;
    char text[TICK_TEXT_MAX];
    if (!tick_parse(s, &tick))
        return;
    if (tick < 0 || tick > TICK_MAX)
        abort();
    if (!tick_parse((struct str){text, tick_format(tick, text)}, &back) || back != tick)
        abort();
}

static void check_span(struct str s)
{
    int64_t span, back;
    char text[TIMESPAN_TEXT_MAX];
    if (!timespan_parse(s, &span))
        return;
    if (!timespan_parse((struct str){text, timespan_format(span, text)}, &back) || back != span)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *) data, size};
    int64_t ticks;
    check_time(s);
    check_span(s);
    if (duration_parse(s, &ticks) && ticks < 0)
        abort();
    return 0;
}
