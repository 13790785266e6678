/* Which column is the time of a row, by the first rows. */
#include "partition/guess.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct part_zones zones;

/* Settles by the rows given, one object a line. */
static bool settle(const char *rows, struct part_guess_wish wish, struct part_time *time,
                   struct part_guess_told *told, struct error *err)
{
    struct part_guess *guess = part_guess_new(err);
    struct str text = str_of(rows), line;
    assert_non_null(guess);
    while (str_split(&text, '\n', &line)) {
        if (line.n > 0)
            assert_true(part_guess_object(guess, line, err));
    }
    *time = (struct part_time){0};
    wish.input = "x.json";
    wish.zones = &zones;
    bool ok = part_guess_settle(guess, &wish, time, told, err);
    part_guess_free(guess);
    return ok;
}

static void assert_settles(const char *rows, struct part_guess_wish wish, const char *key,
                           enum part_time_format format, const char *zone)
{
    struct part_guess_told told;
    struct part_time time;
    struct error err = ERROR_INIT;
    if (!settle(rows, wish, &time, &told, &err))
        fail_msg("%s", err.message);
    assert_string_equal(time.key, key);
    assert_int_equal(time.format, format);
    assert_string_equal(time.zone ? time.zone->name : "", zone);
    part_time_release(&time);
}

static void assert_refuses(const char *rows, struct part_guess_wish wish, const char *message,
                           const char *hint)
{
    struct part_guess_told told;
    struct part_time time;
    struct error err = ERROR_INIT;
    assert_false(settle(rows, wish, &time, &told, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    if (!strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("%s | %s", err.message, err.hint);
    part_time_release(&time);
}

static const struct part_guess_wish no_wish;

static void time_generated_goes_first(void **state)
{
    (void) state;
    assert_settles("{\"at\":\"2021-11-07T03:05:12Z\",\"TimeGenerated\":\"2021-11-07T03:05:12Z\"}",
                   no_wish, "TimeGenerated", PART_TIME_ISO, "");
    assert_settles("{\"TimeGenerated\":\"not yet\"}\n{\"TimeGenerated\":\"2021-11-07T03:05:12Z\"}",
                   no_wish, "TimeGenerated", PART_TIME_ISO, "");
}

static void a_header_with_a_zone_tells_format_and_zone(void **state)
{
    (void) state;
    assert_settles("{\"TimeGenerated [UTC]\":\"11/20/2020, 4:20:29.443 PM\"}", no_wish,
                   "TimeGenerated [UTC]", PART_TIME_US, "UTC");
    assert_settles("{\"TimeGenerated [+02:00]\":\"2020-11-20T04:20:29\"}", no_wish,
                   "TimeGenerated [+02:00]", PART_TIME_ISO, "+02:00");
    /* The header's zone goes before the one that the user gives for all. */
    assert_settles("{\"TimeGenerated [UTC]\":\"11/20/2020, 4:20:29.443 PM\"}",
                   (struct part_guess_wish){.zone = "-08:00"}, "TimeGenerated [UTC]", PART_TIME_US,
                   "UTC");
}

static void zeeks_ts_is_seconds(void **state)
{
    (void) state;
    assert_settles("{\"ts\":1588205199.82437,\"uid\":\"C1\",\"seen\":\"2021-11-07T03:05:12Z\"}",
                   no_wish, "ts", PART_TIME_EPOCH_S, "");
    assert_settles("{\"ts\":\"2021-11-07T03:05:12.5Z\",\"_path\":\"conn\"}", no_wish, "ts",
                   PART_TIME_ISO, "");
    assert_settles("{\"ts\":1588205199.82437,\"_path\":\"dns\"}",
                   (struct part_guess_wish){.column = "ts"}, "ts", PART_TIME_EPOCH_S, "");
}

static void a_number_is_no_time_elsewhere(void **state)
{
    (void) state;
    assert_refuses("{\"ts\":1588205199.82437,\"user\":\"x\"}", no_wish,
                   "no column has a time in its only row", "--time-column");
    assert_refuses("{\"ts\":1588205199.82437,\"user\":\"x\"}",
                   (struct part_guess_wish){.column = "ts"}, "no value of 'ts'", "epoch-s");
    assert_settles("{\"ts\":1588205199.82437,\"user\":\"x\"}",
                   (struct part_guess_wish){.column = "ts", .format = "epoch-s"}, "ts",
                   PART_TIME_EPOCH_S, "");
}

static void the_only_column_with_a_time_in_every_row_is_taken(void **state)
{
    (void) state;
    assert_settles("{\"at\":\"2021-11-07T03:05:12Z\",\"n\":1,\"until\":\"2021-11-08T00:00:00Z\"}\n"
                   "{\"at\":\"2021-11-07T03:05:13Z\",\"n\":2}",
                   no_wish, "at", PART_TIME_ISO, "");
    assert_settles("{\"at\":\"2021-11-07T03:05:12\"}", (struct part_guess_wish){.zone = "+01:00"},
                   "at", PART_TIME_ISO, "+01:00");
    assert_settles("{\"\\u0061t\":\"2021-11-07T03:05:12Z\"}", no_wish, "at", PART_TIME_ISO, "");
}

static void what_could_be_several_is_refused_with_their_names(void **state)
{
    (void) state;
    assert_refuses("{\"made\":\"2021-11-07T03:05:12Z\",\"sent\":\"2021-11-07T03:05:13Z\"}", no_wish,
                   "2 columns have a time in every row: 'made', 'sent'", "--time-column");
}

static void what_comes_near_is_named(void **state)
{
    (void) state;
    assert_refuses("{\"ReceiptTime\":\"Mar 01 2021 20:35:54\",\"n\":1}", no_wish, "no column",
                   "'ReceiptTime' (Mar 01 2021 20:35:54)");
    assert_refuses("{\"x\":\"2021-11-07T03:05:12\"}", no_wish, "no column", "--time-zone");
}

static void a_column_that_is_not_there_is_refused(void **state)
{
    (void) state;
    assert_refuses("{\"event_time\":\"2021-11-07T03:05:12Z\"}",
                   (struct part_guess_wish){.column = "event_tme"},
                   "there is no column 'event_tme' in its only row; did you mean 'event_time'?",
                   "");
}

static void a_column_may_be_named_without_its_zone(void **state)
{
    (void) state;
    assert_settles("{\"EventTime [UTC]\":\"4/16/2020, 4:47:53.000 PM\"}",
                   (struct part_guess_wish){.column = "EventTime"}, "EventTime [UTC]", PART_TIME_US,
                   "UTC");
}

static void a_time_generated_beside_another_time_is_refused(void **state)
{
    (void) state;
    assert_refuses("{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"at\":\"2021-11-07T03:05:12Z\"}",
                   (struct part_guess_wish){.column = "at"}, "TimeGenerated beside 'at'", "");
}

/* Readers try the rules of schema.json in order: an earlier one must not hold for these rows. */
static void an_earlier_rule_that_would_hold_is_refused(void **state)
{
    struct lake_from from[] = {{.key = "ts", .format = "epoch-s", .zone = "UTC"},
                               {.key = "at", .format = "iso", .zone = "+02:00"}};
    (void) state;
    const struct part_guess_wish wish = {.from = from, .n_from = 2};
    assert_refuses("{\"ts\":12.5,\"when\":\"2021-11-07T03:05:12Z\"}", wish,
                   "readers of the table would take 'ts' for the time (epoch-s, UTC)",
                   "another table");
    assert_settles("{\"ts\":\"soon\",\"when\":\"2021-11-07T03:05:12Z\"}", wish, "when",
                   PART_TIME_ISO, "");
    assert_settles("{\"ts\":12.5,\"TimeGenerated\":\"2021-11-07T03:05:12Z\"}", wish,
                   "TimeGenerated", PART_TIME_ISO, "");
    struct part_guess_wish zoned = wish;
    zoned.zone = "+02:00";
    assert_settles("{\"at\":\"2021-11-07T03:05:12\"}", zoned, "at", PART_TIME_ISO, "+02:00");
    zoned.zone = "UTC";
    assert_refuses("{\"at\":\"2021-11-07T03:05:12\"}", zoned, "(iso, +02:00)", "");
    zoned.converted = true;
    assert_settles("{\"at\":\"2021-11-07T03:05:12\"}", zoned, "at", PART_TIME_ISO, "UTC");
}

static void wall_clocks_without_a_zone_are_refused(void **state)
{
    (void) state;
    assert_refuses("{\"TimeGenerated\":\"2021-11-07T03:05:12\"}", no_wish,
                   "no value of 'TimeGenerated'", "--time-zone UTC");
    assert_refuses("{\"TimeGenerated\":\"11/20/2020, 4:20:29.443 PM\"}", no_wish,
                   "such as '11/20/2020, 4:20:29.443 PM'", "--time-format us");
}

static void words_that_are_no_format_or_zone_are_refused(void **state)
{
    (void) state;
    assert_refuses("{\"TimeGenerated\":\"2021-11-07T03:05:12Z\"}",
                   (struct part_guess_wish){.format = "unix"}, "time format 'unix'", "");
    assert_refuses("{\"TimeGenerated\":\"2021-11-07T03:05:12Z\"}",
                   (struct part_guess_wish){.zone = "Atlantis"}, "time zone 'Atlantis'",
                   "--time-zone takes");
}

static void without_a_row_nothing_is_refused(void **state)
{
    (void) state;
    assert_settles("", no_wish, "TimeGenerated", PART_TIME_ISO, "");
    assert_settles("", (struct part_guess_wish){.column = "at", .format = "us", .zone = "UTC"},
                   "at", PART_TIME_US, "UTC");
}

static void a_failed_allocation_is_an_error(void **state)
{
    (void) state;
    for (uint64_t n = 1;; n++) {
        struct error err = ERROR_INIT;
        struct part_guess_told told;
        struct part_time time = {0};
        const struct part_guess_wish wish = {.input = "x", .zones = &zones};
        mem_fail_at(n);
        struct part_guess *guess = part_guess_new(&err);
        bool ok =
            guess &&
            part_guess_object(guess, STR("{\"a\":1,\"at\":\"2021-11-07T03:05:12Z\"}"), &err) &&
            part_guess_settle(guess, &wish, &time, &told, &err);
        mem_fail_at(0);
        part_guess_free(guess);
        part_time_release(&time);
        if (ok)
            return;
        assert_int_equal(err.code, ERROR_MEMORY);
    }
}

static int release(void **state)
{
    (void) state;
    part_zones_release(&zones);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_generated_goes_first),
        cmocka_unit_test(a_header_with_a_zone_tells_format_and_zone),
        cmocka_unit_test(zeeks_ts_is_seconds),
        cmocka_unit_test(a_number_is_no_time_elsewhere),
        cmocka_unit_test(the_only_column_with_a_time_in_every_row_is_taken),
        cmocka_unit_test(what_could_be_several_is_refused_with_their_names),
        cmocka_unit_test(what_comes_near_is_named),
        cmocka_unit_test(a_column_that_is_not_there_is_refused),
        cmocka_unit_test(a_column_may_be_named_without_its_zone),
        cmocka_unit_test(a_time_generated_beside_another_time_is_refused),
        cmocka_unit_test(an_earlier_rule_that_would_hold_is_refused),
        cmocka_unit_test(wall_clocks_without_a_zone_are_refused),
        cmocka_unit_test(words_that_are_no_format_or_zone_are_refused),
        cmocka_unit_test(without_a_row_nothing_is_refused),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
