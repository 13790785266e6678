/* Ranges: three forms, half-open, floored, never in the future. */
#include "cli/range.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t at(const char *text)
{
    int64_t tick = -1;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void assert_range(const char *words, const char *from, const char *to)
{
    struct line line;
    struct cli_range range;
    char text[400];
    (void) snprintf(text, sizeof text, "export T -q %s", words);
    line_parse(&line, text);
    if (!line.ok || !cli_range_need(&line.cli, at("2021-11-20T10:07:33Z"), &range, &line.err))
        fail_msg("%s: %s", words, line.err.message);
    assert_int_equal(range.from, at(from));
    assert_int_equal(range.to, at(to));
    line_release(&line);
}

static void assert_refused(const char *words, const char *part)
{
    struct line line;
    struct cli_range range;
    char text[400];
    (void) snprintf(text, sizeof text, "export T -q %s", words);
    line_parse(&line, text);
    bool ok = line.ok && cli_range_need(&line.cli, at("2021-11-20T10:07:33Z"), &range, &line.err);
    assert_false(ok);
    assert_int_equal(line.err.code, ERROR_USAGE);
    if (!strstr(line.err.message, part))
        fail_msg("%s: %s", words, line.err.message);
    line_release(&line);
}

static void days_count_back_from_the_end(void **state)
{
    (void) state;
    assert_range("--end 2021-11-18 --days 21", "2021-10-28", "2021-11-18");
    assert_range("--days 1 --end 2021-11-18T12:00:00Z", "2021-11-17T12:00:00Z",
                 "2021-11-18T12:00:00Z");
}

static void without_an_end_it_is_now_floored(void **state)
{
    (void) state;
    assert_range("--days 1", "2021-11-19T10:05:00Z", "2021-11-20T10:05:00Z");
    assert_range("--start 2021-11-20", "2021-11-20", "2021-11-20T10:05:00Z");
}

static void an_end_date_is_included(void **state)
{
    (void) state;
    assert_range("--end-date 2021-11-17 --lookback-days 21", "2021-10-28", "2021-11-18");
    assert_range("--end-date 2021-11-17", "2021-11-17", "2021-11-18");
}

static void ends_are_floored_to_five_minutes(void **state)
{
    (void) state;
    assert_range("--start 2021-11-01T00:03:00Z --end 2021-11-01T00:14:59.9999999Z",
                 "2021-11-01T00:00:00Z", "2021-11-01T00:10:00Z");
}

static void an_end_in_the_future_means_now(void **state)
{
    (void) state;
    assert_range("--start 2021-11-19 --end 2031-01-01", "2021-11-19", "2021-11-20T10:05:00Z");
    assert_range("--end-date 2021-11-20", "2021-11-20", "2021-11-20T10:05:00Z");
}

static void what_is_no_range_is_refused(void **state)
{
    (void) state;
    assert_refused("", "needs a range");
    assert_refused("--start 2021-11-21", "future");
    assert_refused("--start 2021-11-02 --end 2021-11-01", "wrong way round");
    assert_refused("--start 2021-11-01 --end 2021-11-01", "empty");
    assert_refused("--start 2021-11-01 --days 3", "two ways");
    assert_refused("--end 2021-11-01 --end-date 2021-11-01", "two ways");
    assert_refused("--end 2021-11-01", "no begin");
    assert_refused("--lookback-days 3", "no begin");
    assert_refused("--days 0", "between 1");
    assert_refused("--end-date 2021-11-01T05:00:00Z", "without a time");
    assert_refused("--start yesterday", "UTC time");
}

static void the_missing_range_shows_three_forms(void **state)
{
    (void) state;
    struct line line;
    struct cli_range range;
    line_parse(&line, "export T");
    assert_true(line.ok);
    assert_false(cli_range_need(&line.cli, at("2021-11-20"), &range, &line.err));
    assert_non_null(strstr(line.err.hint, "--days"));
    assert_non_null(strstr(line.err.hint, "--start"));
    assert_non_null(strstr(line.err.hint, "--lookback-days"));
    line_release(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_count_back_from_the_end),
        cmocka_unit_test(without_an_end_it_is_now_floored),
        cmocka_unit_test(an_end_date_is_included),
        cmocka_unit_test(ends_are_floored_to_five_minutes),
        cmocka_unit_test(an_end_in_the_future_means_now),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(the_missing_range_shows_three_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
