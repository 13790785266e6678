/* Zones for who reads times without a relation. */
#include "tests/engine/bench.h"

static int64_t tick_of(const char *text)
{
    int64_t tick = 0;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void check_zone(struct engine_task *task, const char *name, const char *wall,
                       const char *expected)
{
    struct engine_zone *zone = mem_alloc(1, sizeof *zone, NULL);
    struct error err = ERROR_INIT;
    if (!engine_zone_find(task, str_of(name), zone, &err))
        fail_msg("%s: %s", name, err.message);
    assert_int_equal(engine_zone_utc(zone, tick_of(wall)), tick_of(expected));
    mem_free(zone);
}

static void a_zone_has_the_changes_of_its_clock(void **state)
{
    struct bench *bench = *state;
    check_zone(bench->task, "America/Los_Angeles", "2021-11-07T00:30:00Z", "2021-11-07T07:30:00Z");
    check_zone(bench->task, "America/Los_Angeles", "2021-11-07T12:00:00.1234567Z",
               "2021-11-07T20:00:00.1234567Z");
    check_zone(bench->task, "Asia/Kathmandu", "2021-01-01T05:45:00Z", "2021-01-01T00:00:00Z");
}

static void names_of_the_portal_and_of_windows_are_known(void **state)
{
    struct bench *bench = *state;
    check_zone(bench->task, "(UTC-08:00) Pacific Time (US and Canada)", "2021-07-01T00:00:00Z",
               "2021-07-01T07:00:00Z");
    check_zone(bench->task, " W. Europe Standard Time ", "2021-07-01T00:00:00Z",
               "2021-06-30T22:00:00Z");
}

static void utc_has_no_changes(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {"UTC", "utc", "Z", "Etc/UTC"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_zone(bench->task, names[i], "2021-07-01T00:00:00Z", "2021-07-01T00:00:00Z");
}

static void no_task_is_needed(void **state)
{
    (void) state;
    check_zone(NULL, "UTC", "2021-07-01T00:00:00Z", "2021-07-01T00:00:00Z");
    check_zone(NULL, "Europe/Berlin", "2021-01-01T01:00:00Z", "2021-01-01T00:00:00Z");
}

static void what_is_no_zone_is_told(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {
        "",
        " ",
        "Mars/Olympus",
        "it's",
        "Berlin'; --",
        "a-name-that-is-much-longer-than-any-name-of-a-zone-is-allowed-to-be"};
    struct engine_zone *zone = mem_alloc(1, sizeof *zone, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct error err = ERROR_INIT;
        assert_false(engine_zone_find(bench->task, str_of(names[i]), zone, &err));
        assert_int_equal(err.code, ERROR_FORMAT);
    }
    mem_free(zone);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_zone_has_the_changes_of_its_clock),
        TEST(names_of_the_portal_and_of_windows_are_known),
        TEST(utc_has_no_changes),
        TEST(no_task_is_needed),
        TEST(what_is_no_zone_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
