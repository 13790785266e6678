/* Faults: which request meets which follows from seed and number alone. */

#include "emulator/faults.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_same_seed_gives_the_same_faults_in_any_order(void **state)
{
    (void) state;
    struct faults one, other;
    const char *shares = "429:0.1,503:0.1,partial:0.1,cut:0.1,length:0.01,stall:0.01,token:0.01,"
                         "504:0.1,500:0.1,reset:0.1,queue:0.1,double:0.1";
    assert_true(faults_init(&one, shares, 5, NULL));
    assert_true(faults_init(&other, shares, 5, NULL));
    for (uint64_t n = 1000; n-- > 0;)
        assert_int_equal(faults_of(&one, n), faults_of(&other, n));
    for (uint64_t n = 0; n < 1000; n++) {
        uint64_t number;
        assert_int_equal(faults_next(&one, &number), faults_of(&other, n));
        assert_int_equal(number, n);
    }
}

static void another_seed_gives_others(void **state)
{
    (void) state;
    struct faults one, other;
    assert_true(faults_init(&one, "cut:0.5", 1, NULL));
    assert_true(faults_init(&other, "cut:0.5", 2, NULL));
    int differ = 0;
    for (uint64_t n = 0; n < 1000; n++)
        differ += faults_of(&one, n) != faults_of(&other, n);
    assert_in_range(differ, 400, 600);
}

static void shares_are_met_and_counted(void **state)
{
    (void) state;
    struct faults faults;
    enum { REQUESTS = 100000 };
    assert_true(faults_init(&faults, "503:0.2,stall:0.05", 7, NULL));
    uint64_t number;
    for (int n = 0; n < REQUESTS; n++)
        (void) faults_next(&faults, &number);
    /* Five standard deviations of a binomial count. */
    assert_true(fabs((double) faults.met[FAULT_503] - 0.2 * REQUESTS) < 5 * sqrt(0.16 * REQUESTS));
    assert_true(fabs((double) faults.met[FAULT_STALL] - 0.05 * REQUESTS) <
                5 * sqrt(0.0475 * REQUESTS));
    assert_int_equal(faults.met[FAULT_CUT], 0);
    assert_int_equal(faults.met[FAULT_NONE] + faults.met[FAULT_503] + faults.met[FAULT_STALL],
                     REQUESTS);
}

static void shares_may_sum_to_one(void **state)
{
    (void) state;
    struct faults faults;
    assert_true(faults_init(&faults, "429:0.3,503:0.3,cut:0.4", 1, NULL));
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_not_equal(faults_of(&faults, n), FAULT_NONE);
}

static void none_is_the_default(void **state)
{
    (void) state;
    struct faults faults;
    assert_true(faults_init(&faults, NULL, 1, NULL));
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_equal(faults_of(&faults, n), FAULT_NONE);
}

static void what_is_no_share_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {"cut",     "cut:",     "cut:x",           "cut:-0.1",
                                        "cut:1.1", "coffee:1", "cut:0.6,503:0.5", "cut:0.1,",
                                        ":0.1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct faults faults;
        struct error err = ERROR_INIT;
        assert_false(faults_init(&faults, wrong[i], 1, &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
}

/* Seeds are written down in tests: what they give must stay when a fault is added. */
static void faults_that_are_not_asked_for_change_nothing(void **state)
{
    (void) state;
    struct faults one, other;
    assert_true(faults_init(&one, "429:0.2,token:0.2", 5, NULL));
    assert_true(faults_init(&other, "429:0.2,token:0.2,double:0.6", 5, NULL));
    for (uint64_t n = 0; n < 1000; n++) {
        enum fault first = faults_of(&one, n), second = faults_of(&other, n);
        assert_int_equal(first == FAULT_NONE ? FAULT_DOUBLE : first, second);
    }
}

static void the_hint_names_them_all(void **state)
{
    (void) state;
    struct faults faults;
    struct error err = ERROR_INIT;
    assert_false(faults_init(&faults, "coffee:1", 1, &err));
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
        assert_non_null(strstr(err.hint, fault_name((enum fault) f)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_faults_in_any_order),
        cmocka_unit_test(another_seed_gives_others),
        cmocka_unit_test(shares_are_met_and_counted),
        cmocka_unit_test(shares_may_sum_to_one),
        cmocka_unit_test(none_is_the_default),
        cmocka_unit_test(what_is_no_share_is_refused),
        cmocka_unit_test(faults_that_are_not_asked_for_change_nothing),
        cmocka_unit_test(the_hint_names_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
