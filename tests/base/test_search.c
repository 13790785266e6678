/* search_first: the place of a number in an array of structs that is in order. */
#include "base/search.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct day {
    char before[4];
    int64_t number;
    char behind;
};

static const struct day days[] = {
    {"a", INT64_MIN, 0}, {"b", -3, 0}, {"c", 5, 0}, {"d", 5, 0}, {"e", INT64_MAX, 0}};

static size_t first(size_t n, int64_t key)
{
    return search_first(days, n, sizeof *days, offsetof(struct day, number), key);
}

static void finds_the_first_of_equal_numbers_and_the_next_of_absent_ones(void **state)
{
    (void) state;
    assert_int_equal(first(5, INT64_MIN), 0);
    assert_int_equal(first(5, INT64_MIN + 1), 1);
    assert_int_equal(first(5, -3), 1);
    assert_int_equal(first(5, 0), 2);
    assert_int_equal(first(5, 5), 2);
    assert_int_equal(first(5, 6), 4);
    assert_int_equal(first(5, INT64_MAX), 4);
    assert_int_equal(first(4, 6), 4);
}

static void finds_nothing_among_nothing(void **state)
{
    (void) state;
    assert_int_equal(search_first(NULL, 0, sizeof *days, 0, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first_of_equal_numbers_and_the_next_of_absent_ones),
        cmocka_unit_test(finds_nothing_among_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
