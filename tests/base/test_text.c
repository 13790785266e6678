/* Views of text: comparing, cutting, numbers and sizes, GUIDs, "did you mean". */
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void comparing_is_by_bytes_or_without_ascii_case(void **state)
{
    (void) state;
    assert_true(str_eq(STR("abc"), STR("abc")));
    assert_false(str_eq(STR("abc"), STR("abd")));
    assert_false(str_eq(STR("abc"), STR("ab")));
    assert_true(str_eq((struct str){NULL, 0}, STR("")));
    assert_true(str_eq_case(STR("SecurityEVENT"), STR("sECURITYevent")));
    assert_false(str_eq_case(STR("[a"), STR("{a")));
    assert_false(str_eq_case(STR("\xC3\x84"), STR("\xC3\xA4")));
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("a"), STR("aa")) < 0);
    assert_true(str_compare(STR("\xFF"), STR("a")) > 0);
    assert_int_equal(str_compare(STR(""), (struct str){NULL, 0}), 0);
}

static void starts_and_ends(void **state)
{
    (void) state;
    assert_true(str_starts(STR("PT05M.json"), STR("PT")));
    assert_false(str_starts(STR("P"), STR("PT")));
    assert_true(str_ends(STR("PT05M.json"), STR(".json")));
    assert_false(str_ends(STR("json"), STR(".json")));
    assert_true(str_ends(STR(""), STR("")));
}

static void trimming_takes_blanks_at_both_ends(void **state)
{
    (void) state;
    assert_true(str_eq(str_trim(STR(" \t a b\r\n")), STR("a b")));
    assert_int_equal(str_trim(STR(" \n ")).n, 0);
    assert_int_equal(str_trim(STR("")).n, 0);
}

static void splitting_gives_every_part_and_the_last(void **state)
{
    (void) state;
    struct str rest = STR("a,,b,"), part;
    const char *const want[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_split(&rest, ',', &part));
        assert_true(str_eq(part, str_of(want[i])));
    }
    assert_false(str_split(&rest, ',', &part));
    rest = STR("");
    assert_true(str_split(&rest, ',', &part));
    assert_false(str_split(&rest, ',', &part));
}

static void integers_are_whole_texts_within_range(void **state)
{
    (void) state;
    int64_t i;
    uint64_t u;
    assert_true(str_int64(STR("9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    assert_true(str_int64(STR("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(str_int64(STR("-0"), &i));
    assert_true(i == 0);
    assert_true(str_uint64(STR("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    static const char *const bad[] = {"",    "-",    "+1",  " 1",  "1 ",
                                      "1.0", "0x10", "1e3", "--1", "1_000"};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        assert_false(str_int64(str_of(bad[n]), &i));
        assert_false(str_uint64(str_of(bad[n]), &u));
    }
    assert_false(str_int64(STR("9223372036854775808"), &i));
    assert_false(str_int64(STR("-9223372036854775809"), &i));
    assert_false(str_uint64(STR("18446744073709551616"), &u));
    assert_false(str_uint64(STR("99999999999999999999"), &u));
}

static void doubles_are_decimal_and_finite(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0.0},         {"-0.5", -0.5},
                {"1.5e-3", 0.0015}, {".5", 0.5},
                {"5.", 5.0},        {"1E+300", 1E+300},
                {"1e-400", 0.0},    {"4.9e-324", 0x1p-1074},
                {"0.1", 0.1},       {"9007199254740993", 9007199254740992.0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = -1;
        assert_true(str_double(str_of(good[i].text), &value));
        assert_memory_equal(&value, &good[i].value, sizeof value);
    }
    static const char *const bad[] = {"",      ".",   "-",     "e5",    "1e",    "1e+",
                                      "0x1p3", "inf", "nan",   "NaN",   "1 ",    " 1",
                                      "+1",    "1,5", "1.2.3", "1e400", "-1e400"};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_double(str_of(bad[i]), &value));
}

static void a_number_that_is_part_of_a_longer_text_is_not_overread(void **state)
{
    (void) state;
    double value;
    assert_true(str_double((struct str){"12345", 2}, &value));
    assert_true(fabs(value - 12.0) < 1e-12);
}

static void sizes_are_read_as_people_write_them(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"17B", 17},
                {"20MB", 20000000},
                {"64kB", 64000},
                {"64 KB", 64000},
                {"1.5GB", 1500000000},
                {"1KiB", 1024},
                {"1.5mib", 1572864},
                {"0.0001kB", 0},
                {"2TB", UINT64_C(2000000000000)},
                {"1TiB", UINT64_C(1) << 40},
                {"18446744073709551615", UINT64_MAX}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t bytes;
        assert_true(str_size(str_of(good[i].text), &bytes));
        assert_true(bytes == good[i].bytes);
    }
    static const char *const bad[] = {"",
                                      "MB",
                                      "-1MB",
                                      "1.5",
                                      "1.5B",
                                      "1.MB",
                                      "1,5MB",
                                      "1e3",
                                      "1 M B",
                                      "1PB",
                                      "1.1234567MB",
                                      "20000000TB",
                                      "18446744073709551615k"};
    uint64_t bytes;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_size(str_of(bad[i]), &bytes));
}

static void guids_have_hyphens_in_their_places(void **state)
{
    (void) state;
    assert_true(text_is_guid(STR("8ecf8077-cf51-4820-aadd-14040956f35d")));
    assert_true(text_is_guid(STR("8ECF8077-CF51-4820-AADD-14040956F35D")));
    assert_false(text_is_guid(STR("8ecf8077-cf51-4820-aadd-14040956f35")));
    assert_false(text_is_guid(STR("8ecf8077-cf51-4820-aadd-14040956f35g")));
    assert_false(text_is_guid(STR("8ecf80770cf51-4820-aadd-14040956f35d")));
    assert_false(text_is_guid(STR("-ecf8077-cf51-4820-aadd-14040956f35d")));
    assert_false(text_is_guid(STR("{8ecf8077-cf51-4820-aadd-14040956f35}")));
    assert_false(text_is_guid(STR("")));
}

static void packed_bytes_are_told_by_their_first_four(void **state)
{
    (void) state;
    assert_string_equal(text_packing(STR("\x1f\x8b\x08")), "gzip");
    assert_string_equal(text_packing(STR("\x28\xb5\x2f\xfd")), "zstd");
    assert_string_equal(text_packing(STR("\x50\x2a\x4d\x18")), "zstd");
    assert_string_equal(text_packing(STR("\x5f\x2a\x4d\x18\x04")), "zstd");
    assert_null(text_packing(STR("\x60\x2a\x4d\x18")));
    assert_null(text_packing(STR("\x50\x2a\x4d")));
    assert_null(text_packing(STR("\x28\xb5\x2f")));
    assert_null(text_packing(STR("{\"a\":1}")));
    assert_null(text_packing(STR("")));
}

static void hex_is_lower_case(void **state)
{
    (void) state;
    char out[9];
    text_hex("\x00\xFF\x1a\xB2", 4, out);
    assert_string_equal(out, "00ff1ab2");
}

static void the_nearest_name_is_found_when_it_is_near(void **state)
{
    (void) state;
    static const char *const names[] = {"Syslog", "SecurityEvent", "CommonSecurityLog",
                                        "SigninLogs", "Event"};
    static const struct {
        const char *wanted, *found;
    } cases[] = {
        {"CommonSecurityLogs", "CommonSecurityLog"},
        {"commonsecuritylog", "CommonSecurityLog"},
        {"SecurtiyEvent", "SecurityEvent"},
        {"SingIn", NULL},
        {"Sysolg", "Syslog"},
        {"Evnet", "Event"},
        {"Heartbeat", NULL},
        {"", NULL},
        {"x", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = text_nearest(str_of(cases[i].wanted), names, 5);
        if (cases[i].found)
            assert_string_equal(found, cases[i].found);
        else
            assert_null(found);
    }
    assert_null(text_nearest(STR("Event"), names, 0));
}

static void an_endless_name_is_near_to_nothing(void **state)
{
    (void) state;
    char wanted[1000];
    memset(wanted, 'a', sizeof wanted);
    const char *const names[] = {"aaaa"};
    assert_null(text_nearest((struct str){wanted, sizeof wanted}, names, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_is_by_bytes_or_without_ascii_case),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(trimming_takes_blanks_at_both_ends),
        cmocka_unit_test(splitting_gives_every_part_and_the_last),
        cmocka_unit_test(integers_are_whole_texts_within_range),
        cmocka_unit_test(doubles_are_decimal_and_finite),
        cmocka_unit_test(a_number_that_is_part_of_a_longer_text_is_not_overread),
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(guids_have_hyphens_in_their_places),
        cmocka_unit_test(packed_bytes_are_told_by_their_first_four),
        cmocka_unit_test(hex_is_lower_case),
        cmocka_unit_test(the_nearest_name_is_found_when_it_is_near),
        cmocka_unit_test(an_endless_name_is_near_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
