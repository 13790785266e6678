/* Timespan: the request's own time filter, and the preferences of the Prefer header. */

#include "emulator/timespan.h"

static bool is_duration(struct str s)
{
    return s.n > 0 && (s.p[0] == 'P' || s.p[0] == 'p');
}

/* tick + by, kept within time. */
static int64_t moved(int64_t tick, int64_t by)
{
    int64_t sum;
    if (__builtin_add_overflow(tick, by, &sum))
        return by < 0 ? 0 : TICK_MAX;
    return sum < 0 ? 0 : sum > TICK_MAX ? TICK_MAX : sum;
}

bool timespan_narrow(const char *text, int64_t now, struct timespan_range *range)
{
    struct str rest = str_trim(str_of(text)), first, second;
    if (rest.n == 0)
        return true;
    int64_t from = 0, to = now, span;
    (void) str_split(&rest, '/', &first);
    if (!rest.p) {
        if (!is_duration(first) || !duration_parse(first, &span))
            return false;
        from = moved(now, -span);
    } else {
        second = rest;
        bool first_span = is_duration(first), second_span = is_duration(second);
        if (first_span && second_span)
            return false;
        if (!(first_span ? duration_parse(first, &span) : tick_parse(first, &from)) ||
            !(second_span ? duration_parse(second, &span) : tick_parse(second, &to)))
            return false;
        if (first_span)
            from = moved(to, -span);
        if (second_span)
            to = moved(from, span);
    }
    if (from > range->from)
        range->from = from;
    if (to + 1 < range->to)
        range->to = to + 1;
    if (range->to < range->from)
        range->to = range->from;
    return true;
}

void preferences_read(const char *header, struct preferences *out)
{
    *out = (struct preferences){0};
    struct str rest = str_of(header), part;
    while (str_split(&rest, ',', &part)) {
        struct str value = str_trim(part), name;
        (void) str_split(&value, '=', &name);
        name = str_trim(name);
        value = str_trim(value);
        bool yes = str_eq_case(value, STR("true"));
        uint64_t seconds;
        if (str_eq_case(name, STR("wait")) && str_uint64(value, &seconds))
            out->wait = seconds;
        else if (str_eq_case(name, STR("include-statistics")))
            out->statistics = yes;
        else if (str_eq_case(name, STR("include-render")))
            out->render = yes;
        else if (str_eq_case(name, STR("include-dataSources")))
            out->data_sources = yes;
        else if (str_eq_case(name, STR("include-permissions")))
            out->permissions = yes;
    }
}
