/* Counts since 1970 and the portal's times, against figures worked out by hand. */
#include "base/tick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_seconds(const char *text, int64_t since)
{
    int64_t tick = 0;
    assert_int_equal(tick_read_epoch(str_of(text), TICK_EPOCH_SECONDS, &tick), TICK_UTC);
    assert_int_equal(tick - TICK_UNIX_EPOCH, since);
}

static void assert_read(const char *text, int unit, enum tick_read expected)
{
    int64_t tick = 0;
    assert_int_equal(tick_read_epoch(str_of(text), unit, &tick), expected);
}

static void digits_are_taken_exactly(void **state)
{
    (void) state;
    assert_seconds("1588205199.82437", INT64_C(15882051998243700));
    /* 1588205199.8243701 as a double is .82437014579…: one tick more. */
    assert_seconds("1588205199.8243701", INT64_C(15882051998243701));
    assert_seconds("1588205199.82437019999999999999999999999999", INT64_C(15882051998243701));
    assert_seconds("0", 0);
    assert_seconds("-0.0e5", 0);
    assert_seconds("0.00000010", 1);
    assert_seconds("1.588205199e9", INT64_C(15882051990000000));
    assert_seconds("15882051990000000000E-10", INT64_C(15882051990000000));
    assert_seconds("1602571971", INT64_C(16025719710000000));
}

static void what_is_finer_than_a_tick_is_cut_towards_the_past(void **state)
{
    (void) state;
    assert_seconds("0.00000019", 1);
    assert_seconds("0.00000009", 0);
    assert_seconds("-0.00000009", -1);
    assert_seconds("-1.00000001", -10000001);
    assert_seconds("-1.0000000", -10000000);
    assert_seconds("-1e-999999999999", -1);
    assert_seconds("1e-999999999999", 0);
}

static void milliseconds_are_ten_thousand_ticks(void **state)
{
    (void) state;
    int64_t tick = 0;
    assert_int_equal(tick_read_epoch(STR("1588205199824.37"), TICK_EPOCH_MILLISECONDS, &tick),
                     TICK_UTC);
    assert_int_equal(tick - TICK_UNIX_EPOCH, INT64_C(15882051998243700));
}

static void the_years_end_at_9999(void **state)
{
    (void) state;
    int64_t tick = 0;
    assert_int_equal(tick_read_epoch(STR("253402300799.9999999"), TICK_EPOCH_SECONDS, &tick),
                     TICK_UTC);
    assert_int_equal(tick, TICK_MAX);
    assert_read("253402300800", TICK_EPOCH_SECONDS, TICK_OUTSIDE);
    assert_int_equal(tick_read_epoch(STR("-62135596800"), TICK_EPOCH_SECONDS, &tick), TICK_UTC);
    assert_int_equal(tick, 0);
    assert_read("-62135596800.00000001", TICK_EPOCH_SECONDS, TICK_OUTSIDE);
    assert_read("1e400", TICK_EPOCH_SECONDS, TICK_OUTSIDE);
    assert_read("1e99999999999999999999", TICK_EPOCH_SECONDS, TICK_OUTSIDE);
    assert_read("999999999999", TICK_EPOCH_SECONDS, TICK_OUTSIDE);
    assert_read("18446744073709551616", TICK_EPOCH_MILLISECONDS, TICK_OUTSIDE);
}

static void what_is_no_number_is_no_time(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",    "-",    "+1", "1.",  ".5",  "1e",  "1e+",
        "0x1", "1 ",   " 1", "1,5", "--1", "nan", "TIMESTAMPEPOCH.6",
        "1_0", "1.2.3"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_read(texts[i], TICK_EPOCH_SECONDS, TICK_NO_TIME);
}

static void assert_us(const char *text, const char *iso)
{
    int64_t tick = 0, expected = 0;
    assert_int_equal(tick_read_us(str_of(text), &tick), TICK_WALL);
    assert_true(tick_parse(str_of(iso), &expected));
    assert_int_equal(tick, expected);
}

static void the_portals_times_have_the_month_first(void **state)
{
    (void) state;
    assert_us("11/20/2020, 4:20:29.443 PM", "2020-11-20T16:20:29.443Z");
    assert_us("11/20/2020, 4:20:29.443\xe2\x80\xafPM", "2020-11-20T16:20:29.443Z");
    assert_us("7/8/2021, 12:00:30.210 AM", "2021-07-08T00:00:30.21Z");
    assert_us("7/8/2021, 12:00:30 pm", "2021-07-08T12:00:30Z");
    assert_us("11/14/2020 6:21", "2020-11-14T06:21:00Z");
    assert_us("11/14/2020 16:21", "2020-11-14T16:21:00Z");
    assert_us("1-2-2020", "2020-01-02T00:00:00Z");
    assert_us("1/2/2020 1:02:03.12345678901", "2020-01-02T01:02:03.1234567Z");
}

static void what_is_no_portals_time_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {"",
                                        "20/11/2020",
                                        "2/30/2020",
                                        "1/2/20",
                                        "1/2-2020",
                                        "1/2/20200",
                                        "1/2/2020 4",
                                        "1/2/2020 4:5",
                                        "1/2/2020 13:00 PM",
                                        "1/2/2020 0:00 AM",
                                        "1/2/2020T4:05",
                                        "1/2/2020 4:05 XM",
                                        "1/2/2020 4:05:06. PM",
                                        "2020-11-20",
                                        "1/2/2020 4:05 PM UTC"};
    int64_t tick;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(tick_read_us(str_of(texts[i]), &tick), TICK_NO_TIME);
}

static void a_time_tells_whether_it_names_its_zone(void **state)
{
    (void) state;
    int64_t tick;
    assert_int_equal(tick_read(STR("2021-11-07T03:05:12.34567891234Z"), &tick), TICK_UTC);
    assert_int_equal(tick_read(STR("2021-11-07T03:05:12+02:00"), &tick), TICK_UTC);
    assert_int_equal(tick_read(STR("2021-11-07T03:05:12"), &tick), TICK_WALL);
    assert_int_equal(tick_read(STR("2021-11-07"), &tick), TICK_WALL);
    assert_int_equal(tick_read(STR("0000-02-29T00:00:00Z"), &tick), TICK_OUTSIDE);
    assert_int_equal(tick_read(STR("0001-01-01T00:00:00+00:01"), &tick), TICK_OUTSIDE);
    assert_int_equal(tick_read(STR("9999-12-31T23:59:59-00:01"), &tick), TICK_OUTSIDE);
    assert_int_equal(tick_read(STR("0000-02-29"), &tick), TICK_WALL);
    assert_int_equal(tick, -1);
    assert_int_equal(tick_read(STR("0000-02-30T00:00:00Z"), &tick), TICK_NO_TIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_taken_exactly),
        cmocka_unit_test(what_is_finer_than_a_tick_is_cut_towards_the_past),
        cmocka_unit_test(milliseconds_are_ten_thousand_ticks),
        cmocka_unit_test(the_years_end_at_9999),
        cmocka_unit_test(what_is_no_number_is_no_time),
        cmocka_unit_test(the_portals_times_have_the_month_first),
        cmocka_unit_test(what_is_no_portals_time_is_refused),
        cmocka_unit_test(a_time_tells_whether_it_names_its_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
