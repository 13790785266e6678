/* Timespans and durations, to the tick and up to the limits of 64 bits. */
#include "base/tick.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    int64_t span;
    const char *text;
} spans[] = {
    {0, "00:00:00"},
    {468750, "00:00:00.0468750"},
    {-1, "-00:00:00.0000001"},
    {TICK_DAY - 1, "23:59:59.9999999"},
    {TICK_DAY, "1.00:00:00"},
    {-(21 * TICK_DAY + 5 * TICK_MINUTE), "-21.00:05:00"},
    {INT64_MAX, "10675199.02:48:05.4775807"},
    {INT64_MIN, "-10675199.02:48:05.4775808"},
};

static void spans_are_written_as_kql_does(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        char out[TIMESPAN_TEXT_MAX];
        assert_int_equal(timespan_format(spans[i].span, out), strlen(spans[i].text));
        assert_string_equal(out, spans[i].text);
    }
}

static void spans_are_read_back(void **state)
{
    (void) state;
    int64_t span;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        assert_true(timespan_parse(str_of(spans[i].text), &span));
        assert_true(span == spans[i].span);
    }
    assert_true(timespan_parse(STR("1:30"), &span));
    assert_true(span == 90 * TICK_MINUTE);
    assert_true(timespan_parse(STR("2.12:00"), &span));
    assert_true(span == 60 * TICK_HOUR);
    assert_true(timespan_parse(STR("00:00:01.5"), &span));
    assert_true(span == 15000000);
}

static void what_is_no_span_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "-",
                                      "5",
                                      "1.",
                                      "24:00:00",
                                      "00:60:00",
                                      "00:00:60",
                                      "00:00:00.",
                                      "00:00:00.12345678",
                                      "1:2:3:4",
                                      "00:00:00 ",
                                      "--00:00:01",
                                      "+00:00:01",
                                      "1.-02:00:00",
                                      "1.1.00:00:00",
                                      "10675199.02:48:05.4775808",
                                      "-10675199.02:48:05.4775809",
                                      "10675200.00:00:00",
                                      "99999999999999999999.00:00:00",
                                      "5m"};
    int64_t span;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (timespan_parse(str_of(bad[i]), &span))
            fail_msg("'%s' is read as a span", bad[i]);
}

static void durations_are_read_in_both_forms(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t ticks;
    } good[] = {
        {"5m", 5 * TICK_MINUTE},
        {"1.5h", 90 * TICK_MINUTE},
        {"21d", 21 * TICK_DAY},
        {"100ms", 100 * TICK_MILLISECOND},
        {"3tick", 3},
        {"1ticks", 1},
        {"2seconds", 2 * TICK_SECOND},
        {"0.1s", TICK_SECOND / 10},
        {"10microsecond", 100},
        {"250nanoseconds", 2},
        {"0d", 0},
        {"1hr", TICK_HOUR},
        {"2days", 2 * TICK_DAY},
        {"0.000000000001d", 0},
        {"0.3333333333h", 11999999998},
        {"9223372036854775807tick", INT64_MAX},
        {"PT5M", 5 * TICK_MINUTE},
        {"P21D", 21 * TICK_DAY},
        {"P1DT12H", 36 * TICK_HOUR},
        {"P2W", 14 * TICK_DAY},
        {"PT1H30M0.5S", 90 * TICK_MINUTE + TICK_SECOND / 2},
        {"P0D", 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ticks = -1;
        if (!duration_parse(str_of(good[i].text), &ticks) || ticks != good[i].ticks)
            fail_msg("%s gives %lld", good[i].text, (long long) ticks);
    }
}

static void what_is_no_duration_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "5",
                                      "m",
                                      "-5m",
                                      "5 m",
                                      "5M",
                                      "5min.",
                                      "1.h",
                                      ".5h",
                                      "1e3s",
                                      "5parsec",
                                      "P",
                                      "PT",
                                      "P1DT",
                                      "P1M",
                                      "P1Y",
                                      "PT5",
                                      "5PT",
                                      "PT5D",
                                      "P5H",
                                      "PT1M1H",
                                      "PT1M1M",
                                      "PTT1M",
                                      "P-1D",
                                      "1h30m",
                                      "p1d",
                                      "9223372036854775808tick",
                                      "10675200d",
                                      "99999999999999999999d",
                                      "P10675199DT24H",
                                      "1.1234567890123456789h"};
    int64_t ticks;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (duration_parse(str_of(bad[i]), &ticks))
            fail_msg("'%s' is read as a duration", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_written_as_kql_does),
        cmocka_unit_test(spans_are_read_back),
        cmocka_unit_test(what_is_no_span_is_refused),
        cmocka_unit_test(durations_are_read_in_both_forms),
        cmocka_unit_test(what_is_no_duration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
