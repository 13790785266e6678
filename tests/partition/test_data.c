/* Real exports of the portal and logs of Zeek, each read to its end (tests/data). */
#include "tests/partition/taken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DATA WEIR_SOURCE_DIR "/tests/data/"

/* A file, and what comes of it. The first row's time was worked out by hand. */
struct real {
    const char *path, *form, *key, *zone;
    enum part_time_format format;
    size_t rows;
    const char *first;
};

static const struct real reals[] = {
    {"portal/CarbonBlackEvents_CL.json", "JSON array", "TimeGenerated", NULL, PART_TIME_ISO, 12,
     "2020-05-26T23:55:02.694Z"},
    {"portal/CommonSecurityLog.thycotic.json", "JSON array", "TimeGenerated", NULL, PART_TIME_ISO,
     12, "2020-09-02T12:59:29.239Z"},
    {"portal/Event.semperis.json", "JSON array", "TimeGenerated [UTC]", "UTC", PART_TIME_US, 25,
     "2021-07-08T16:00:30.21Z"},
    {"portal/Okta_CL.json", "JSON array", "TimeGenerated", NULL, PART_TIME_ISO, 12,
     "2020-05-26T22:20:03.402Z"},
    {"portal/SquidProxy_CL.json", "JSON array", "TimeGenerated [UTC]", "UTC", PART_TIME_US, 25,
     "2020-10-26T21:43:12Z"},
    {"portal/Syslog.juniper.json", "JSON array", "TimeGenerated [UTC]", "UTC", PART_TIME_US, 25,
     "2020-11-14T14:17:43Z"},
    {"portal/Syslog.meraki.json", "JSON array", "TimeGenerated [UTC]", "UTC", PART_TIME_US, 25,
     "2020-11-14T14:17:43Z"},
    {"portal/CommonSecurityLog.sonicwall.csv", "CSV", "TimeGenerated [UTC]", "UTC", PART_TIME_US,
     25, "2020-11-20T16:20:29.443Z"},
    {"portal/CommonSecurityLog.infoblox.csv", "CSV",
     "TimeGenerated [Pacific Time (US and Canada) Tijuana]", "America/Los_Angeles", PART_TIME_US,
     25, "2021-10-26T21:16:58.298Z"},
    {"zeek/apt29-day1.jsonl", "JSON lines", "ts", NULL, PART_TIME_EPOCH_S, 51,
     "2020-04-30T00:06:39.82437Z"},
};

static void check_real(const struct real *real)
{
    struct taken taken;
    char path[4096];
    int64_t first;
    (void) snprintf(path, sizeof path, DATA "%s", real->path);
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.form, real->form);
    assert_string_equal(taken.key, real->key);
    assert_int_equal(taken.format, real->format);
    if (real->zone)
        assert_string_equal(taken.zone, real->zone);
    else
        assert_null(taken.zone);
    assert_int_equal(taken.row_count, real->rows);
    assert_int_equal(taken.reject_count, 0);
    assert_true(tick_parse(str_of(real->first), &first));
    assert_int_equal(taken.rows[0].tick, first);
    taken_release(&taken);
}

static void each_file_is_read_by_itself(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        check_real(&reals[i]);
}

static void a_file_without_a_time_is_refused(void **state)
{
    struct error err = ERROR_INIT;
    struct taken taken;
    (void) state;
    assert_false(taken_read(DATA "portal/CommonSecurityLog.paloalto.json", NULL, &taken, &err));
    assert_int_equal(err.code, ERROR_SETTINGS);
    assert_non_null(strstr(err.message, "no column has a time in each of its first 25 rows"));
    assert_non_null(strstr(err.hint, "--time-column"));
}

static void a_bracket_that_is_no_zone_is_part_of_the_name(void **state)
{
    struct taken taken;
    (void) state;
    char *path = taken_text("mb.csv", "TimeGenerated,Size [MB]\n2021-11-07T03:05:12Z,7\n");
    taken_all(path, NULL, &taken);
    assert_string_equal(taken.rows[0].line,
                        "{\"TimeGenerated\":\"2021-11-07T03:05:12Z\",\"Size [MB]\":\"7\"}");
    taken_release(&taken);
    free(path);
}

static int clean(void **state)
{
    (void) state;
    taken_clean();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_is_read_by_itself),
        cmocka_unit_test(a_file_without_a_time_is_refused),
        cmocka_unit_test(a_bracket_that_is_no_zone_is_part_of_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
