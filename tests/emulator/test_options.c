/* Options: values by kind, defaults, and clear refusals. */

#include "emulator/options.h"

#include "base/tick.h"
#include "emulator/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool parse(struct serve_options *out, struct error *err, int argc, char **argv)
{
    size_t count;
    const struct option_row *rows = serve_rows(&count);
    *out = (struct serve_options){0};
    return options_parse(rows, count, argc, argv, out, err);
}

static void defaults_are_those_of_the_service(void **state)
{
    (void) state;
    struct serve_options options;
    assert_true(parse(&options, NULL, 0, NULL));
    assert_int_equal(options.limits.rows, 500000);
    assert_int_equal(options.limits.bytes, 64000000);
    assert_int_equal(options.limits.body, 100000000);
    assert_int_equal(options.limits.wait, UINT64_C(180000000000));
    assert_int_equal(options.limits.wait_max, UINT64_C(600000000000));
    assert_int_equal(options.throttle.rate, 200);
    assert_int_equal(options.throttle.window, UINT64_C(30000000000));
    assert_int_equal(options.throttle.at_once, 5);
    assert_int_equal(options.throttle.queue, 200);
    assert_int_equal(options.throttle.queue_wait, UINT64_C(180000000000));
    assert_string_equal(options.listen, "127.0.0.1:0");
    assert_false(options.tls);
}

static void every_kind_of_value_in_both_forms(void **state)
{
    (void) state;
    char *argv[] = {"--tls",
                    "--latency",
                    "30ms",
                    "--bandwidth=20MB",
                    "--max-rows",
                    "7",
                    "--now=2026-11-21T18:00:00Z",
                    "--data",
                    "some=folder",
                    "--wait",
                    "PT5M"};
    struct serve_options options;
    struct error err = ERROR_INIT;
    assert_true(parse(&options, &err, sizeof argv / sizeof argv[0], argv));
    assert_true(options.tls);
    assert_int_equal(options.latency, 30000000);
    assert_int_equal(options.bandwidth, 20000000);
    assert_int_equal(options.limits.rows, 7);
    assert_int_equal(options.limits.wait, UINT64_C(300000000000));
    assert_string_equal(options.data, "some=folder");
    int64_t now;
    assert_true(tick_parse(STR("2026-11-21T18:00"), &now));
    assert_int_equal(options.now, now);
}

static void refuse(const char *wanted, int argc, char **argv)
{
    struct serve_options options;
    struct error err = ERROR_INIT;
    assert_false(parse(&options, &err, argc, argv));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.message, wanted));
}

static void mistakes_are_named(void **state)
{
    (void) state;
    refuse("no option --datta", 2, (char *[]){"--datta", "x"});
    refuse("'x' is not an option", 1, (char *[]){"x"});
    refuse("--data needs a value", 1, (char *[]){"--data"});
    refuse("--tls takes no value", 1, (char *[]){"--tls=yes"});
    refuse("--max-rows: '-1' is not a whole number", 2, (char *[]){"--max-rows", "-1"});
    refuse("--latency: 'soon' is not a duration", 2, (char *[]){"--latency", "soon"});
    refuse("--bandwidth: '' is not a size", 1, (char *[]){"--bandwidth="});
    refuse("--now: 'noon' is not a time", 2, (char *[]){"--now", "noon"});
}

static void a_near_miss_is_hinted_at(void **state)
{
    (void) state;
    struct serve_options options;
    struct error err = ERROR_INIT;
    assert_false(parse(&options, &err, 2, (char *[]){"--max-row", "1"}));
    assert_string_equal(err.hint, "did you mean --max-rows?");
}

static void the_help_has_every_option_within_a_line(void **state)
{
    (void) state;
    size_t count;
    const struct option_row *rows = serve_rows(&count);
    struct buf help = BUF_INIT(65536);
    options_put_help(&help, rows, count);
    struct str rest = buf_str(&help), line;
    for (size_t i = 0; i < count; i++) {
        bool heading = rows[i].kind == OPTION_HEADING;
        assert_true(str_split(&rest, '\n', &line));
        if (heading) /* a line between */
            assert_true(str_split(&rest, '\n', &line));
        assert_in_range(line.n, 1, 100);
        const char *wanted = heading ? rows[i].help : rows[i].name;
        assert_memory_equal(line.p + (heading ? 0 : 4), wanted, strlen(wanted));
    }
    assert_int_equal(rest.n, 0);
    buf_release(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_service),
        cmocka_unit_test(every_kind_of_value_in_both_forms),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_near_miss_is_hinted_at),
        cmocka_unit_test(the_help_has_every_option_within_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
