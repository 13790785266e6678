/* Numbers as people read them. */
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void thousands_are_grouped(void **state)
{
    (void) state;
    char out[TEXT_NUMBER_MAX];
    assert_string_equal(text_grouped(0, out), "0");
    assert_string_equal(text_grouped(999, out), "999");
    assert_string_equal(text_grouped(1000, out), "1,000");
    assert_string_equal(text_grouped(151203118, out), "151,203,118");
    assert_string_equal(text_grouped(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void counts_turn_to_millions(void **state)
{
    (void) state;
    char out[TEXT_NUMBER_MAX];
    assert_string_equal(text_count(30412, out), "30,412");
    assert_string_equal(text_count(999999, out), "999,999");
    assert_string_equal(text_count(1000000, out), "1.00 M");
    assert_string_equal(text_count(151203118, out), "151.20 M");
    assert_string_equal(text_count(999994999, out), "999.99 M");
    assert_string_equal(text_count(999995000, out), "1.00 G");
    assert_string_equal(text_count(UINT64_C(2500000000000), out), "2.50 T");
    assert_string_equal(text_count(UINT64_MAX, out), "18446744.07 T");
}

static void bytes_are_decimal_with_one_place(void **state)
{
    (void) state;
    char out[TEXT_NUMBER_MAX];
    assert_string_equal(text_bytes(0, out), "0 B");
    assert_string_equal(text_bytes(999, out), "999 B");
    assert_string_equal(text_bytes(1000, out), "1.0 kB");
    assert_string_equal(text_bytes(999949, out), "999.9 kB");
    assert_string_equal(text_bytes(999950, out), "1.0 MB");
    assert_string_equal(text_bytes(UINT64_C(123900000000), out), "123.9 GB");
    assert_string_equal(text_bytes(UINT64_MAX, out), "18446.7 PB");
}

static void durations_have_two_units_at_most(void **state)
{
    (void) state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0 s"},           {-5, "0 s"},
        {0.0004, "0 s"},      {0.35, "350 ms"},
        {0.9996, "1.0 s"},    {4.24, "4.2 s"},
        {9.949, "9.9 s"},     {9.95, "10 s"},
        {9.96, "10 s"},       {12.4, "12 s"},
        {59.4, "59 s"},       {59.6, "1 min"},
        {2820, "47 min"},     {2892, "48 min 12 s"},
        {125, "2 min 05 s"},  {3599.9, "1 h 00 min"},
        {7500, "2 h 05 min"}, {172799, "47 h 59 min"},
        {172800, "2 d 00 h"}, {273600, "3 d 04 h"},
    };
    char out[TEXT_NUMBER_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(text_duration(cases[i].seconds, out), cases[i].text);
    assert_string_equal(text_duration((double) NAN, out), "unknown");
    assert_string_equal(text_duration((double) INFINITY, out), "unknown");
    assert_string_equal(text_duration(1e300, out), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_are_grouped),
        cmocka_unit_test(counts_turn_to_millions),
        cmocka_unit_test(bytes_are_decimal_with_one_place),
        cmocka_unit_test(durations_have_two_units_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
