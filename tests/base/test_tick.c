/* Ticks: the calendar from 0001 to 9999, the service's text, and what is no time at all. */
#include "base/random.h"
#include "base/tick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static const char *formatted(int64_t tick)
{
    static _Thread_local char out[TICK_TEXT_MAX];
    size_t n = tick_format(tick, out);
    assert_int_equal(strlen(out), n);
    return out;
}

static void assert_parses(const char *text, int64_t want)
{
    int64_t tick = -1;
    if (!tick_parse(str_of(text), &tick) || tick != want)
        fail_msg("%s gives %lld", text, (long long) tick);
}

static void the_limits_of_time_are_known(void **state)
{
    (void) state;
    assert_parses("0001-01-01T00:00:00Z", 0);
    assert_parses("0001-01-01T00:00:00.0000001Z", 1);
    assert_parses("1970-01-01T00:00:00Z", TICK_UNIX_EPOCH);
    assert_parses("9999-12-31T23:59:59.9999999Z", TICK_MAX);
    assert_string_equal(formatted(0), "0001-01-01T00:00:00Z");
    assert_string_equal(formatted(TICK_MAX), "9999-12-31T23:59:59.9999999Z");
    assert_string_equal(formatted(TICK_UNIX_EPOCH), "1970-01-01T00:00:00Z");
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Walks through all 3,652,059 days, counting months by hand. */
static void every_day_of_the_calendar_goes_there_and_back(void **state)
{
    (void) state;
    int64_t day_number = 0;
    for (int year = 1; year <= 9999; year++) {
        const int days[] = {31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= days[month - 1]; day++, day_number++) {
                struct tick_civil c = tick_civil(day_number * TICK_DAY + TICK_DAY - 1);
                if (c.year != year || c.month != month || c.day != day)
                    fail_msg("day %lld is %d-%d-%d", (long long) day_number, c.year, c.month,
                             c.day);
                int64_t tick;
                c = (struct tick_civil){.year = year, .month = month, .day = day};
                if (!tick_from_civil(&c, &tick) || tick != day_number * TICK_DAY)
                    fail_msg("%d-%d-%d", year, month, day);
            }
    }
    assert_int_equal(day_number * TICK_DAY - 1, TICK_MAX);
}

static void leap_days_are_there_only_in_leap_years(void **state)
{
    (void) state;
    int64_t tick;
    assert_true(tick_parse(STR("2000-02-29T00:00:00Z"), &tick));
    assert_true(tick_parse(STR("2024-02-29"), &tick));
    assert_false(tick_parse(STR("1900-02-29T00:00:00Z"), &tick));
    assert_false(tick_parse(STR("2023-02-29T00:00:00Z"), &tick));
    assert_false(tick_parse(STR("2024-02-30T00:00:00Z"), &tick));
    assert_false(tick_parse(STR("2024-04-31T00:00:00Z"), &tick));
}

static void civil_parts_out_of_range_are_refused(void **state)
{
    (void) state;
    const struct tick_civil good = {2021, 11, 7, 3, 5, 59, 9999999};
    int64_t tick;
    assert_true(tick_from_civil(&good, &tick));
    assert_string_equal(formatted(tick), "2021-11-07T03:05:59.9999999Z");
    for (int part = 0; part < 7; part++)
        for (int side = 0; side < 2; side++) {
            struct tick_civil bad = good;
            int *const parts[] = {&bad.year,   &bad.month,  &bad.day,     &bad.hour,
                                  &bad.minute, &bad.second, &bad.fraction};
            const int above[] = {10000, 13, 31, 24, 60, 60, 10000000};
            *parts[part] = side ? above[part] : part < 3 ? 0 : -1;
            assert_false(tick_from_civil(&bad, &tick));
        }
}

static void fractions_are_cut_behind_the_seventh_digit(void **state)
{
    (void) state;
    const int64_t base = TICK_UNIX_EPOCH;
    assert_parses("1970-01-01T00:00:00.1Z", base + 1000000);
    assert_parses("1970-01-01T00:00:00.12Z", base + 1200000);
    assert_parses("1970-01-01T00:00:00.123Z", base + 1230000);
    assert_parses("1970-01-01T00:00:00.1234Z", base + 1234000);
    assert_parses("1970-01-01T00:00:00.12345Z", base + 1234500);
    assert_parses("1970-01-01T00:00:00.123456Z", base + 1234560);
    assert_parses("1970-01-01T00:00:00.1234567Z", base + 1234567);
    assert_parses("1970-01-01T00:00:00.12345670Z", base + 1234567);
    assert_parses("1970-01-01T00:00:00.123456700000Z", base + 1234567);
    assert_parses("1970-01-01T00:00:00.0000000Z", base);
    assert_parses("1970-01-01T00:00:00.12345678Z", base + 1234567);
    assert_parses("1970-01-01T00:00:00.99999999999Z", base + 9999999);
    int64_t tick;
    assert_false(tick_parse(STR("1970-01-01T00:00:00.Z"), &tick));
    assert_false(tick_parse(STR("1970-01-01T00:00:00."), &tick));
}

static void shorter_forms_and_offsets_are_read(void **state)
{
    (void) state;
    const int64_t noon = TICK_UNIX_EPOCH + 12 * TICK_HOUR;
    assert_parses("1970-01-01", TICK_UNIX_EPOCH);
    assert_parses("1970-01-01T12:00", noon);
    assert_parses("1970-01-01 12:00:00", noon);
    assert_parses("1970-01-01t12:00:00z", noon);
    assert_parses("1970-01-01T12:00Z", noon);
    assert_parses("1970-01-01T14:00:00+02:00", noon);
    assert_parses("1970-01-01T14:00:00+0200", noon);
    assert_parses("1970-01-01T14:00:00.0+02", noon);
    assert_parses("1970-01-01T06:30:00-05:30", noon);
    assert_parses("1970-01-02T02:00:00+14:00", noon);
    assert_parses("1969-12-31T22:00:00.5-14:00", noon + 5000000);
    assert_parses("0001-01-01T14:00:00+14:00", 0);
    assert_parses("9999-12-31T09:59:59.9999999-14:00", TICK_MAX);
}

static void what_is_no_time_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "Z",
                                      "now",
                                      "2021",
                                      "2021-11",
                                      "2021-11-0",
                                      "2021-11-07T",
                                      "2021-11-07T12",
                                      "2021-11-07T12:",
                                      "2021-11-07T1:00",
                                      "2021-11-07X12:00:00Z",
                                      "2021/11/07",
                                      "20211107",
                                      "2021-11-07T24:00:00Z",
                                      "2021-11-07T12:60:00Z",
                                      "2021-11-07T12:00:60Z",
                                      "2021-13-07T12:00:00Z",
                                      "2021-00-07T12:00:00Z",
                                      "2021-11-00T12:00:00Z",
                                      "0000-01-01T00:00:00Z",
                                      "10000-01-01T00:00:00Z",
                                      "-001-01-01T00:00:00Z",
                                      "2021-11-07T12:00:00ZZ",
                                      "2021-11-07T12:00:00 Z",
                                      " 2021-11-07T12:00:00Z",
                                      "2021-11-07T12:00:00Z ",
                                      "2021-11-07T12:00:00+",
                                      "2021-11-07T12:00:00+1",
                                      "2021-11-07T12:00:00+14:01",
                                      "2021-11-07T12:00:00+15",
                                      "2021-11-07T12:00:00+02:60",
                                      "2021-11-07T12:00:00+02-00",
                                      "2021-11-07T12:00:00+02:0",
                                      "2021-11-07Z",
                                      "2021-11-07T12:00:00,5Z",
                                      "2021-11-07T12:00:00.5.5Z",
                                      "2021-11-07T12:00:00.-5Z",
                                      "2021-11-07T12:00:00.12345/7Z",
                                      "2021-11-07T12:00:00.12345:7Z",
                                      "2021-11-07T12:00:0/Z",
                                      "2021-11-07T12:00:0:Z",
                                      "2021-11-07T12.00:00Z",
                                      "2021-11-07T12:00.00Z",
                                      "0001-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59.9999999-00:01",
                                      "11/20/2020, 4:20:29.443 PM"};
    int64_t tick;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (tick_parse(str_of(bad[i]), &tick))
            fail_msg("'%s' is read as a time", bad[i]);
}

/* Puts each of 256 bytes at each place of the service's form: only digits that make a time may pass,
 * and what passes must be written the same way again. */
static void no_strange_byte_passes_in_the_service_form(void **state)
{
    (void) state;
    static const char *const forms[] = {"2021-11-07T03:05:59Z", "2021-11-07T03:05:59.9Z",
                                        "2021-11-07T03:05:59.12345Z",
                                        "2021-11-07T03:05:59.2909747Z"};
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++)
        for (size_t at = 0; at < strlen(forms[f]); at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[TICK_TEXT_MAX], again[TICK_TEXT_MAX];
                struct str s = {text, strlen(forms[f])};
                int64_t tick;
                memcpy(text, forms[f], s.n + 1);
                text[at] = (char) byte;
                if (!tick_parse(s, &tick))
                    continue;
                (void) tick_format_full(tick, again);
                bool same = memcmp(text, again, 10) == 0 && memcmp(text + 11, again + 11, 8) == 0;
                bool zone = at == s.n - 1 || at == 10 || at == 19;
                if (!same || (!zone && (byte < '0' || byte > '9') && byte != forms[f][at]))
                    fail_msg("%s with byte %d at %zu", forms[f], byte, at);
            }
}

static void random_ticks_go_there_and_back(void **state)
{
    (void) state;
    uint64_t seed = (uint64_t) time(NULL);
    struct random random;
    random_seed(&random, seed);
    print_message("seed %llu\n", (unsigned long long) seed);
    for (int i = 0; i < 200000; i++) {
        int64_t tick = (int64_t) random_below(&random, (uint64_t) TICK_MAX + 1), back = -1;
        static const int64_t steps[] = {1, 10, 1000, TICK_MILLISECOND, TICK_SECOND, TICK_MINUTE};
        tick = tick_floor(tick, steps[i % 6]);
        char text[TICK_TEXT_MAX];
        assert_true(tick_parse((struct str){text, tick_format(tick, text)}, &back));
        assert_true(back == tick);
        assert_true(tick_parse((struct str){text, tick_format_full(tick, text)}, &back));
        assert_true(back == tick);
        assert_true(tick_parse((struct str){text, tick_format_short(tick, text)}, &back));
        assert_true(back == tick);
        struct tick_civil civil = tick_civil(tick);
        assert_true(tick_from_civil(&civil, &back) && back == tick);
    }
}

static void formats_leave_out_what_is_zero(void **state)
{
    (void) state;
    char out[TICK_TEXT_MAX];
    int64_t tick;
    assert_true(tick_parse(STR("2021-11-18T10:20:00Z"), &tick));
    assert_string_equal(formatted(tick + 2909740), "2021-11-18T10:20:00.290974Z");
    assert_int_equal(tick_format_full(tick, out), 28);
    assert_string_equal(out, "2021-11-18T10:20:00.0000000Z");
    (void) tick_format_short(tick, out);
    assert_string_equal(out, "2021-11-18 10:20");
    (void) tick_format_short(tick + 5 * TICK_SECOND, out);
    assert_string_equal(out, "2021-11-18 10:20:05");
    (void) tick_format_short(tick + 1, out);
    assert_string_equal(out, "2021-11-18 10:20:00.0000001");
}

static void floors_go_down_for_negatives_too(void **state)
{
    (void) state;
    assert_int_equal(tick_floor(0, 5), 0);
    assert_int_equal(tick_floor(4, 5), 0);
    assert_int_equal(tick_floor(5, 5), 5);
    assert_int_equal(tick_floor(-1, 5), -5);
    assert_int_equal(tick_floor(-5, 5), -5);
    assert_int_equal(tick_floor(INT64_MAX, 1), INT64_MAX);
    int64_t tick;
    assert_true(tick_parse(STR("2021-11-18T10:24:59.9999999Z"), &tick));
    assert_string_equal(formatted(tick_floor(tick, TICK_PARTITION)), "2021-11-18T10:20:00Z");
}

static void the_clocks_go_forward(void **state)
{
    (void) state;
    int64_t now = tick_now();
    assert_true(now > TICK_UNIX_EPOCH + 50 * 365 * TICK_DAY && now < TICK_MAX);
    uint64_t a = clock_ns(), b = clock_ns();
    assert_true(b >= a && a > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limits_of_time_are_known),
        cmocka_unit_test(every_day_of_the_calendar_goes_there_and_back),
        cmocka_unit_test(leap_days_are_there_only_in_leap_years),
        cmocka_unit_test(civil_parts_out_of_range_are_refused),
        cmocka_unit_test(fractions_are_cut_behind_the_seventh_digit),
        cmocka_unit_test(shorter_forms_and_offsets_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(no_strange_byte_passes_in_the_service_form),
        cmocka_unit_test(random_ticks_go_there_and_back),
        cmocka_unit_test(formats_leave_out_what_is_zero),
        cmocka_unit_test(floors_go_down_for_negatives_too),
        cmocka_unit_test(the_clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
