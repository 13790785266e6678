/* The request's timespan, and the Prefer header. */

#include "emulator/timespan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t tick(const char *text)
{
    int64_t out = -1;
    assert_true(tick_parse(str_of(text), &out));
    return out;
}

static void expect(const char *text, const char *from, const char *to)
{
    struct timespan_range range = TIMESPAN_ALL;
    assert_true(timespan_narrow(text, tick("2024-06-30T12:00"), &range));
    assert_int_equal(range.from, tick(from));
    assert_int_equal(range.to, tick(to) + 1); /* the end itself is in it */
}

static void forms_of_a_timespan(void **state)
{
    (void) state;
    expect("PT12H", "2024-06-30", "2024-06-30T12:00");
    expect("P1D", "2024-06-29T12:00", "2024-06-30T12:00");
    expect("2024-01-01/2024-01-02", "2024-01-01", "2024-01-02");
    expect("2024-01-01T00:00:00Z/2024-01-02T00:00:00.0000001Z", "2024-01-01",
           "2024-01-02T00:00:00.0000001");
    expect("2024-01-01T10:00:00+02:00/PT1H", "2024-01-01T08:00", "2024-01-01T09:00");
    expect("P2D/2024-01-03", "2024-01-01", "2024-01-03");
}

static void no_timespan_narrows_nothing(void **state)
{
    (void) state;
    static const char *const none[] = {NULL, "", " "};
    for (size_t i = 0; i < 3; i++) {
        struct timespan_range range = TIMESPAN_ALL;
        assert_true(timespan_narrow(none[i], 0, &range));
        assert_int_equal(range.from, 0);
        assert_int_equal(range.to, TICK_MAX + 1);
    }
}

static void two_timespans_intersect(void **state)
{
    (void) state;
    struct timespan_range range = TIMESPAN_ALL;
    assert_true(timespan_narrow("2024-01-01/2024-01-03", 0, &range));
    assert_true(timespan_narrow("2024-01-02/2024-01-05", 0, &range));
    assert_int_equal(range.from, tick("2024-01-02"));
    assert_int_equal(range.to, tick("2024-01-03") + 1);
    assert_true(timespan_narrow("2025-01-01/2025-01-02", 0, &range));
    assert_int_equal(range.from, range.to);
}

static void a_span_beyond_time_ends_where_time_does(void **state)
{
    (void) state;
    struct timespan_range range = TIMESPAN_ALL;
    assert_true(timespan_narrow("P20000D/0001-01-02", 0, &range));
    assert_int_equal(range.from, 0);
    range = TIMESPAN_ALL;
    assert_true(timespan_narrow("9999-12-31/P20000D", 0, &range));
    assert_int_equal(range.to, TICK_MAX + 1);
}

static void what_is_no_timespan_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {
        "yesterday", "2024-01-01",  "P1D/P2D",     "2024-13-01/P1D",
        "P",         "2024-01-01/", "/2024-01-01", "2024-01-01/2024-01-02/P1D"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct timespan_range range = TIMESPAN_ALL;
        assert_false(timespan_narrow(wrong[i], tick("2024-01-01"), &range));
    }
}

static void preferences_are_read_and_the_unknown_is_left(void **state)
{
    (void) state;
    struct preferences prefer;
    preferences_read("wait=600,include-statistics=true, Include-Render=TRUE ,coffee=black,",
                     &prefer);
    assert_int_equal(prefer.wait, 600);
    assert_true(prefer.statistics);
    assert_true(prefer.render);
    assert_false(prefer.data_sources);
    preferences_read(NULL, &prefer);
    assert_int_equal(prefer.wait, 0);
    assert_false(prefer.statistics);
    preferences_read("wait=soon,include-statistics=false", &prefer);
    assert_int_equal(prefer.wait, 0);
    assert_false(prefer.statistics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_a_timespan),
        cmocka_unit_test(no_timespan_narrows_nothing),
        cmocka_unit_test(two_timespans_intersect),
        cmocka_unit_test(a_span_beyond_time_ends_where_time_does),
        cmocka_unit_test(what_is_no_timespan_is_refused),
        cmocka_unit_test(preferences_are_read_and_the_unknown_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
