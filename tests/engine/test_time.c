/* The time of a line that has it under another key than TimeGenerated. */
#include "tests/engine/bench.h"

enum { KEYS_MAX = 4 };

/* A view T with the keys, over one file of lines. */
static void view_keys(struct bench *bench, const char *path, const struct engine_time_key *keys,
                      size_t count, int64_t from, int64_t to)
{
    struct columns columns = columns_of("TimeGenerated:datetime n:long");
    const struct engine_files files = {.name = "T",
                                       .form = ENGINE_LINES,
                                       .paths = &path,
                                       .count = 1,
                                       .columns = &columns,
                                       .from = from,
                                       .to = to,
                                       .time_keys = keys,
                                       .time_key_count = count};
    if (!engine_view(bench->task, &files, &bench->err))
        fail_msg("%s", bench->err.message);
    columns_release(&columns);
}

static void check(struct bench *bench, const char *lines, const struct engine_time_key *keys,
                  size_t count, const char *expected)
{
    const char *path = files_add(&bench->files, "a.json", str_of(lines));
    view_keys(bench, path, keys, count, 0, 0);
    check_query(bench, "SELECT TimeGenerated FROM T ORDER BY n", "t:datetime", expected);
}

static void each_form_is_read_to_the_tick(void **state)
{
    struct bench *bench = *state;
    static const struct engine_time_key keys[] = {{"s", ENGINE_TIME_EPOCH_S, NULL},
                                                  {"ms", ENGINE_TIME_EPOCH_MS, NULL},
                                                  {"us", ENGINE_TIME_US, "Europe/Berlin"},
                                                  {"iso", ENGINE_TIME_ISO, "+05:45"}};
    check(bench,
          "{\"n\":1,\"s\":1588205199.82437}\n"
          "{\"n\":2,\"s\":\"1588205199\"}\n"
          "{\"n\":3,\"s\":-0.00000001}\n"
          "{\"n\":4,\"ms\":1588205199824.3701999}\n"
          "{\"n\":5,\"us\":\"7/1/2020, 4:20:29.443 PM\"}\n"
          "{\"n\":6,\"iso\":\"2021-01-01T05:45:00\"}\n"
          "{\"n\":7,\"iso\":\"2021-01-01T05:45:00.123456789Z\"}\n",
          keys, KEYS_MAX,
          "2020-04-30T00:06:39.82437Z\n2020-04-30T00:06:39Z\n1969-12-31T23:59:59.9999999Z\n"
          "2020-04-30T00:06:39.8243701Z\n2020-07-01T14:20:29.443Z\n2021-01-01T00:00:00Z\n"
          "2021-01-01T05:45:00.1234567Z\n");
    assert_int_equal(engine_misfits(bench->task), 0);
}

static void the_first_key_with_a_time_counts(void **state)
{
    struct bench *bench = *state;
    static const struct engine_time_key keys[] = {{"a", ENGINE_TIME_EPOCH_S, NULL},
                                                  {"b", ENGINE_TIME_ISO, NULL}};
    check(bench,
          "{\"n\":1,\"TimeGenerated\":\"2021-01-01T00:00:00Z\",\"a\":1}\n"
          "{\"n\":2,\"TimeGenerated\":null,\"a\":1,\"b\":\"2021-01-01T00:00:00Z\"}\n"
          "{\"n\":3,\"a\":\"x\",\"b\":\"2021-01-01T00:00:00Z\"}\n"
          "{\"n\":4,\"TimeGenerated\":\"never\",\"b\":\"2021-01-01T00:00:00Z\"}\n"
          "{\"n\":5}\n"
          "{\"n\":6,\"a\":null,\"b\":true}\n",
          keys, 2,
          "2021-01-01T00:00:00Z\n1970-01-01T00:00:01Z\n2021-01-01T00:00:00Z\n"
          "2021-01-01T00:00:00Z\nnull\nnull\n");
    assert_int_equal(engine_misfits(bench->task), 1);
}

static void a_text_without_a_zone_may_be_no_time(void **state)
{
    struct bench *bench = *state;
    static const struct engine_time_key keys[] = {{"a", ENGINE_TIME_ISO, ""},
                                                  {"b", ENGINE_TIME_ISO, NULL}};
    check(bench,
          "{\"n\":1,\"a\":\"2021-01-01T00:00:00\",\"b\":\"2022-01-01T00:00:00\"}\n"
          "{\"n\":2,\"a\":\"2021-01-01T00:00:00+01:00\"}\n",
          keys, 2, "2022-01-01T00:00:00Z\n2020-12-31T23:00:00Z\n");
}

/* The key may be TimeGenerated itself, whose values are then read by it. */
static void a_zone_or_form_of_timegenerated_itself(void **state)
{
    struct bench *bench = *state;
    static const struct engine_time_key keys[] = {
        {"TimeGenerated", ENGINE_TIME_US, "America/Los_Angeles"},
        {"TimeGenerated", ENGINE_TIME_EPOCH_S, NULL}};
    check(bench,
          "{\"n\":1,\"TimeGenerated\":\"11/14/2020 6:21\"}\n"
          "{\"n\":2,\"TimeGenerated\":\"2020-11-14T06:21:00Z\"}\n"
          "{\"n\":3,\"TimeGenerated\":1}\n",
          keys, 2, "2020-11-14T14:21:00Z\n2020-11-14T06:21:00Z\n1970-01-01T00:00:01Z\n");
}

static void the_range_is_that_of_the_key(void **state)
{
    struct bench *bench = *state;
    static const struct engine_time_key keys[] = {{"ts", ENGINE_TIME_EPOCH_S, NULL}};
    const char *path = files_add(
        &bench->files, "a.json",
        STR("{\"n\":1,\"ts\":0.9999999}\n{\"n\":2,\"ts\":1}\n{\"n\":3,\"ts\":2}\n{\"n\":4}\n"));
    view_keys(bench, path, keys, 1, TICK_UNIX_EPOCH + TICK_SECOND,
              TICK_UNIX_EPOCH + 2 * TICK_SECOND);
    check_query(bench, "SELECT n FROM T", "n:long", "2\n");
}

static void a_zone_that_is_none_is_told(void **state)
{
    struct bench *bench = *state;
    static const struct engine_time_key keys[] = {{"ts", ENGINE_TIME_ISO, "Mars/Olympus"}};
    struct columns columns = columns_of("TimeGenerated:datetime");
    const struct engine_files files = {.name = "T",
                                       .form = ENGINE_LINES,
                                       .columns = &columns,
                                       .time_keys = keys,
                                       .time_key_count = 1};
    assert_false(engine_view(bench->task, &files, &bench->err));
    assert_int_equal(bench->err.code, ERROR_FORMAT);
    columns_release(&columns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_form_is_read_to_the_tick),        TEST(the_first_key_with_a_time_counts),
        TEST(a_text_without_a_zone_may_be_no_time), TEST(a_zone_or_form_of_timegenerated_itself),
        TEST(the_range_is_that_of_the_key),         TEST(a_zone_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
