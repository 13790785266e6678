/* Values of a time column as ticks, and why some are none. */
#include "partition/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct part_zones zones;

static const struct part_zone *zone(const char *name)
{
    const struct part_zone *found = NULL;
    struct error err = ERROR_INIT;
    if (!part_zones_find(&zones, str_of(name), &found, &err) || !found)
        fail_msg("%s: %s", name, err.message);
    return found;
}

static void assert_value(const struct part_time *time, enum json_kind kind, const char *value,
                         const char *iso)
{
    int64_t tick = 0, expected = 0;
    bool escaped = kind == JSON_KIND_STRING && strchr(value, '\\');
    assert_int_equal(part_time_value(time, kind, escaped, str_of(value), &tick), PART_REASON_NONE);
    assert_true(tick_parse(str_of(iso), &expected));
    assert_int_equal(tick, expected);
}

static void assert_reason(const struct part_time *time, enum json_kind kind, const char *value,
                          enum part_reason reason)
{
    int64_t tick = 0;
    bool escaped = kind == JSON_KIND_STRING && strchr(value, '\\');
    assert_int_equal(part_time_value(time, kind, escaped, str_of(value), &tick), reason);
}

static void texts_are_iso_with_their_zone(void **state)
{
    (void) state;
    const struct part_time time = {.format = PART_TIME_ISO};
    assert_value(&time, JSON_KIND_STRING, "2021-11-07T03:05:12.3456789Z",
                 "2021-11-07T03:05:12.3456789Z");
    assert_value(&time, JSON_KIND_STRING, "2021-11-07 03:05:12+02:00", "2021-11-07T01:05:12Z");
    assert_value(&time, JSON_KIND_STRING, "2021-11-07T03:05-0130", "2021-11-07T04:35:00Z");
    assert_value(&time, JSON_KIND_STRING, "  2021-11-07T03:05:12Z ", "2021-11-07T03:05:12Z");
    assert_value(&time, JSON_KIND_STRING, "2021\\u002d11\\u002D07T03:05:12Z",
                 "2021-11-07T03:05:12Z");
}

static void what_is_finer_than_a_tick_is_cut(void **state)
{
    (void) state;
    const struct part_time time = {.format = PART_TIME_ISO};
    assert_value(&time, JSON_KIND_STRING, "2021-11-07T03:04:59.999999999999Z",
                 "2021-11-07T03:04:59.9999999Z");
}

static void each_reason_is_told(void **state)
{
    (void) state;
    const struct part_time time = {.format = PART_TIME_ISO};
    char longer[PART_TIME_TEXT_MAX + 64];
    assert_reason(&time, JSON_KIND_NONE, "", PART_REASON_NO_TIME);
    assert_reason(&time, JSON_KIND_NULL, "null", PART_REASON_NULL_TIME);
    assert_reason(&time, JSON_KIND_NUMBER, "1588205199", PART_REASON_TIME_TYPE);
    assert_reason(&time, JSON_KIND_TRUE, "true", PART_REASON_TIME_TYPE);
    assert_reason(&time, JSON_KIND_OBJECT, "{}", PART_REASON_TIME_TYPE);
    assert_reason(&time, JSON_KIND_STRING, "", PART_REASON_TIME_TEXT);
    assert_reason(&time, JSON_KIND_STRING, "2021-02-30T00:00:00Z", PART_REASON_TIME_TEXT);
    assert_reason(&time, JSON_KIND_STRING, "2021-11-07T24:00:00Z", PART_REASON_TIME_TEXT);
    assert_reason(&time, JSON_KIND_STRING, "11/07/2021, 4:20:29 PM", PART_REASON_TIME_TEXT);
    assert_reason(&time, JSON_KIND_STRING, "2021-11-07T03:05:12", PART_REASON_TIME_ZONE);
    assert_reason(&time, JSON_KIND_STRING, "0000-01-01T00:00:00", PART_REASON_TIME_ZONE);
    assert_reason(&time, JSON_KIND_STRING, "0000-01-01T00:00:00Z", PART_REASON_TIME_RANGE);
    assert_reason(&time, JSON_KIND_STRING, "9999-12-31T23:59:59-01:00", PART_REASON_TIME_RANGE);
    (void) snprintf(longer, sizeof longer, "2021-11-07T03:05:12.%0*dZ", PART_TIME_TEXT_MAX, 0);
    assert_reason(&time, JSON_KIND_STRING, longer, PART_REASON_TIME_TEXT);
}

static void numbers_are_times_only_by_their_format(void **state)
{
    (void) state;
    const struct part_time seconds = {.format = PART_TIME_EPOCH_S};
    const struct part_time thousandths = {.format = PART_TIME_EPOCH_MS};
    assert_value(&seconds, JSON_KIND_NUMBER, "1588205199.82437", "2020-04-30T00:06:39.82437Z");
    assert_value(&seconds, JSON_KIND_STRING, "1602571971", "2020-10-13T06:52:51Z");
    assert_value(&thousandths, JSON_KIND_NUMBER, "1.588205199824e12", "2020-04-30T00:06:39.824Z");
    assert_reason(&seconds, JSON_KIND_STRING, "2021-11-07T03:05:12Z", PART_REASON_TIME_TEXT);
    assert_reason(&seconds, JSON_KIND_NUMBER, "1e300", PART_REASON_TIME_RANGE);
    assert_reason(&seconds, JSON_KIND_FALSE, "false", PART_REASON_TIME_TYPE);
}

static void a_wall_clock_is_of_the_zone(void **state)
{
    (void) state;
    const struct part_time iso = {.format = PART_TIME_ISO, .zone = zone("+02:00")};
    const struct part_time us = {.format = PART_TIME_US, .zone = zone("-0530")};
    assert_string_equal(us.zone->name, "-05:30");
    assert_value(&iso, JSON_KIND_STRING, "2021-11-07T03:05:12", "2021-11-07T01:05:12Z");
    assert_value(&iso, JSON_KIND_STRING, "2021-11-07", "2021-11-06T22:00:00Z");
    assert_value(&iso, JSON_KIND_STRING, "2021-11-07T03:05:12-01:00", "2021-11-07T04:05:12Z");
    assert_value(&us, JSON_KIND_STRING, "11/20/2020, 4:20:29.443 PM", "2020-11-20T21:50:29.443Z");
    assert_reason(&iso, JSON_KIND_STRING, "0001-01-01T01:00:00", PART_REASON_TIME_RANGE);
    assert_reason(&iso, JSON_KIND_STRING, "0000-12-31T23:00:00", PART_REASON_TIME_RANGE);
    assert_reason(&us, JSON_KIND_STRING, "12/31/9999 11:00 PM", PART_REASON_TIME_RANGE);
}

/* 2021-11-07 02:00 daylight time is followed by 01:00 standard time, and 2021-03-14 02:00 by 03:00. */
static void a_clock_that_changes_is_followed(void **state)
{
    (void) state;
    const struct part_time time = {.format = PART_TIME_ISO,
                                   .zone = zone("Pacific Time (US and Canada) Tijuana")};
    assert_string_equal(time.zone->name, "America/Los_Angeles");
    assert_ptr_equal(time.zone, zone("Pacific Time (US and Canada) Tijuana"));
    assert_value(&time, JSON_KIND_STRING, "2021-11-07T00:59:59", "2021-11-07T07:59:59Z");
    assert_value(&time, JSON_KIND_STRING, "2021-11-07T02:00:00", "2021-11-07T10:00:00Z");
    assert_value(&time, JSON_KIND_STRING, "2021-03-14T01:59:59", "2021-03-14T09:59:59Z");
    assert_value(&time, JSON_KIND_STRING, "2021-03-14T03:00:00", "2021-03-14T10:00:00Z");
}

static void a_name_that_is_no_zone_is_told(void **state)
{
    static const char *const names[] = {"Atlantis/Nowhere", "", "+15:00", "+2", "MB", "'; DROP"};
    const struct part_zone *found = NULL;
    struct error err = ERROR_INIT;
    (void) state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(part_zones_find(&zones, str_of(names[i]), &found, &err));
        assert_null(found);
    }
}

static void the_zones_of_utc_are_one(void **state)
{
    (void) state;
    static const char *const names[] = {"UTC", "utc", "Z", "Etc/UTC", "Coordinated Universal Time"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_string_equal(zone(names[i])->name, "UTC");
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
        cmocka_unit_test(texts_are_iso_with_their_zone),
        cmocka_unit_test(what_is_finer_than_a_tick_is_cut),
        cmocka_unit_test(each_reason_is_told),
        cmocka_unit_test(numbers_are_times_only_by_their_format),
        cmocka_unit_test(a_wall_clock_is_of_the_zone),
        cmocka_unit_test(a_clock_that_changes_is_followed),
        cmocka_unit_test(a_name_that_is_no_zone_is_told),
        cmocka_unit_test(the_zones_of_utc_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
