/* Prices: each tier has its own, and a file that lacks one is told so. */
#include "cli/prices.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool read_prices(struct line *line, const char *yaml, const char *more,
                        struct cli_prices *out)
{
    char words[300];
    const char *name;
    (void) snprintf(words, sizeof words, "estimate T --prices %s %s",
                    temporary_file("prices.yaml", yaml), more);
    line_parse(line, words);
    assert_true(line->ok);
    return cli_prices_read(&line->cli, out, &name, &line->err);
}

static const char *const two = "what: LRS\nwrite-10000: 0.5\nwrite-10000-cool: 1\n"
                               "storage-gb-month: 0.02\nstorage-gb-month-cool: 0.01\n";

static void a_tier_has_its_prices(void **state)
{
    (void) state;
    struct cli_prices prices;
    struct line line;
    assert_true(read_prices(&line, two, "", &prices));
    assert_true(prices.write_10000 == 0.5 && prices.storage_gb == 0.02);
    assert_string_equal(prices.tier, "hot");
    line_release(&line);
    assert_true(read_prices(&line, two, "--tier cool", &prices));
    assert_true(prices.write_10000 == 1 && prices.storage_gb == 0.01);
    assert_string_equal(prices.tier, "cool");
    line_release(&line);
}

static void a_file_without_the_tier_is_refused(void **state)
{
    (void) state;
    struct cli_prices prices;
    struct line line;
    assert_false(read_prices(&line, two, "--tier archive", &prices));
    assert_int_equal(line.err.code, ERROR_SETTINGS);
    assert_non_null(strstr(line.err.message, "no price of the archive tier"));
    line_release(&line);
}

static void what_is_no_price_is_refused_with_its_line(void **state)
{
    (void) state;
    static const char *const bad[] = {"\nwrite-10000-cool: much\n", "\nwrite-10000-warm: 1\n",
                                      "\nstorage-gb-month: -1\n", "\nsearch-gb: x\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct cli_prices prices;
        struct line line;
        assert_false(read_prices(&line, bad[i], "", &prices));
        assert_int_equal(line.err.code, ERROR_SETTINGS);
        assert_non_null(strstr(line.err.message, "line 2: not a price"));
        line_release(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tier_has_its_prices),
        cmocka_unit_test(a_file_without_the_tier_is_refused),
        cmocka_unit_test(what_is_no_price_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
