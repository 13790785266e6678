/* Random numbers: the same everywhere for a seed, even, and fit for secrets where that is promised. */
#include "base/random.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* splitmix64 from seed 0 begins with these (its authors' reference code); the first xoshiro256**
 * output from them is rotl(s[1] * 5, 7) * 9. */
static void a_seed_spreads_as_published(void **state)
{
    (void) state;
    struct random random;
    random_seed(&random, 0);
    assert_true(random.s[0] == UINT64_C(0xE220A8397B1DCDAF));
    assert_true(random.s[1] == UINT64_C(0x6E789E6AA1B965F4));
    assert_true(random.s[2] == UINT64_C(0x06C45D188009454F));
    assert_true(random.s[3] == UINT64_C(0xF88BB8A8724C81EC));
    assert_true(random_next(&random) == UINT64_C(0x99EC5F36CB75F2B4));
}

static void numbers_from_the_published_state(void **state)
{
    (void) state;
    struct random random = {{1, 2, 3, 4}};
    static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
    for (int i = 0; i < 4; i++)
        assert_true(random_next(&random) == want[i]);
}

static void numbers_below_n_are_even(void **state)
{
    (void) state;
    enum { FACES = 7, DRAWS = 70000 };
    struct random random;
    random_seed(&random, 12);
    int count[FACES] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t face = random_below(&random, FACES);
        assert_in_range(face, 0, FACES - 1);
        count[face]++;
    }
    for (int i = 0; i < FACES; i++)
        assert_in_range(count[i], DRAWS / FACES - 500, DRAWS / FACES + 500);
    for (int i = 0; i < 100; i++)
        assert_int_equal(random_below(&random, 1), 0);
    assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
}

static void units_and_normals_have_their_moments(void **state)
{
    (void) state;
    enum { DRAWS = 200000 };
    struct random random;
    random_seed(&random, 34);
    double unit = 0, normal = 0, square = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = random_unit(&random), x = random_normal(&random);
        assert_true(u >= 0 && u < 1);
        assert_true(x > -6 && x < 6);
        unit += u;
        normal += x;
        square += x * x;
    }
    assert_true(unit / DRAWS > 0.495 && unit / DRAWS < 0.505);
    assert_true(normal / DRAWS > -0.01 && normal / DRAWS < 0.01);
    assert_true(square / DRAWS > 0.98 && square / DRAWS < 1.02);
}

static void secrets_differ_and_fill_all_bytes(void **state)
{
    (void) state;
    unsigned char a[64] = {0}, b[64] = {0}, seen[64] = {0};
    for (int round = 0; round < 20; round++) {
        assert_true(random_secret(a, sizeof a, NULL));
        assert_true(random_secret(b, sizeof b, NULL));
        assert_memory_not_equal(a, b, sizeof a);
        for (size_t i = 0; i < sizeof a; i++)
            seen[i] |= a[i];
    }
    for (size_t i = 0; i < sizeof seen; i++)
        assert_int_not_equal(seen[i], 0);
}

static void guids_are_of_version_4(void **state)
{
    (void) state;
    char a[GUID_TEXT], b[GUID_TEXT];
    for (int i = 0; i < 50; i++) {
        assert_true(random_guid(a, NULL));
        assert_true(random_guid(b, NULL));
        assert_true(text_is_guid(str_of(a)));
        assert_int_equal(a[14], '4');
        assert_non_null(strchr("89ab", a[19]));
        assert_string_not_equal(a, b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_spreads_as_published),
        cmocka_unit_test(numbers_from_the_published_state),
        cmocka_unit_test(numbers_below_n_are_even),
        cmocka_unit_test(units_and_normals_have_their_moments),
        cmocka_unit_test(secrets_differ_and_fill_all_bytes),
        cmocka_unit_test(guids_are_of_version_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
