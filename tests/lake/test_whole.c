/* The identity of a whole line sees every key, column or not, and nothing of how the line was written. */
#include "lake/row.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COLUMNS                                                                                    \
    "TimeGenerated datetime\nS string\nD dynamic\nL long\nR real\nts real\n_ItemId string\n"       \
    "TenantId string\n"
#define TIME "\"TimeGenerated\":\"2021-11-07T03:05:12.5Z\""

static struct lake_rows *rows_of(const struct lake_from *from, size_t n)
{
    struct columns columns = {0};
    struct error err = ERROR_INIT;
    assert_true(columns_read(STR(COLUMNS), &columns, &err));
    struct lake_rows *rows = lake_rows_new(&columns, &err);
    assert_non_null(rows);
    assert_true(lake_rows_from(rows, from, n, &err));
    columns_release(&columns);
    return rows;
}

static bool same(struct lake_rows *rows, const char *a, const char *b)
{
    struct lake_row_key one, other;
    struct error err = ERROR_INIT;
    if (!lake_row_whole(rows, str_of(a), &one, &err) ||
        !lake_row_whole(rows, str_of(b), &other, &err))
        fail_msg("%s", err.message);
    return one.high == other.high && one.low == other.low;
}

static void every_key_counts(void **state)
{
    (void) state;
    struct lake_rows *rows = rows_of(NULL, 0);
    static const char *const different[] = {
        "{" TIME "}",
        "{" TIME ",\"_ItemId\":\"a\"}",
        "{" TIME ",\"TenantId\":\"a\"}",
        "{" TIME ",\"other\":1}",
        "{" TIME ",\"other\":2}",
        "{" TIME ",\"other\":\"1\"}",
        "{" TIME ",\"another\":1}",
        "{" TIME ",\"other\":1,\"another\":1}",
        "{" TIME ",\"other\":{\"a\":[1,2]}}",
        "{" TIME ",\"other\":{\"a\":[2,1]}}",
        "{" TIME ",\"L\":1}",
        "{" TIME ",\"l\":1}",
        "{}",
        "{\"TimeGenerated\":\"nonsense\"}",
    };
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        for (size_t k = 0; k < sizeof different / sizeof *different; k++)
            if (same(rows, different[i], different[k]) != (i == k))
                fail_msg("%s and %s", different[i], different[k]);
    lake_rows_free(rows);
}

static void how_it_is_written_does_not(void **state)
{
    (void) state;
    struct lake_rows *rows = rows_of(NULL, 0);
    assert_true(same(rows, "{" TIME ",\"x\":1,\"y\":{\"a\":1,\"b\":2},\"S\":\"A\"}",
                     " {\"y\" : {\"b\":2.0 , \"a\":1}, \"S\":\"\\u0041\",\"\\u0078\":1e0," TIME
                     "}\r"));
    assert_true(same(rows, "{" TIME ",\"x\":null,\"y\":\"\",\"S\":\"\",\"L\":null}", "{" TIME "}"));
    assert_true(same(rows, "{" TIME ",\"x\":1,\"x\":2,\"y\":3,\"L\":1,\"L\":2}",
                     "{" TIME ",\"y\":3,\"L\":2,\"x\":2}"));
    assert_true(same(rows, "{" TIME ",\"x\":1,\"x\":null}", "{" TIME "}"));
    lake_rows_free(rows);
}

static void a_time_under_another_key_is_the_rows_time(void **state)
{
    (void) state;
    static const char key[] = "ts", text[] = "when", seconds[] = "epoch-s", iso[] = "iso",
                      utc[] = "UTC", zone[] = "Europe/Zurich";
    const struct lake_from from[] = {{key, seconds, utc}, {text, iso, zone}};
    struct lake_rows *rows = rows_of(from, 2);
    struct lake_row row;
    struct error err = ERROR_INIT;
    assert_true(lake_row_read(rows, STR("{\"ts\":1636254312.50000019}"), false, &row, &err));
    assert_int_equal(row.tick, TICK_UNIX_EPOCH + INT64_C(16362543125000001));
    assert_true(same(rows, "{\"ts\":1636254312.5}", "{\"ts\":16362543125e-1," TIME "}"));
    assert_false(same(rows, "{\"ts\":1636254312.5}",
                      "{\"ts\":1636254312.5,\"TimeGenerated\":\"2021-11-07T03:05:12.6Z\"}"));
    /* Only who knows all zones can tell: left out. */
    assert_true(same(rows, "{\"when\":\"2021-11-07T04:05:12.5\"}",
                     "{\"when\":\"2021-11-07T04:05:12.5\"," TIME "}"));
    assert_true(same(rows, "{\"when\":\"2021-11-07T04:05:12.5+01:00\"}",
                     "{\"when\":\"2021-11-07T04:05:12.5+01:00\"," TIME "}"));
    assert_false(lake_row_read(rows, STR("{\"other\":1}"), false, &row, &err));
    lake_rows_free(rows);
}

static void sums_carry_and_do_not_see_the_order(void **state)
{
    (void) state;
    struct lake_row_key a = {.high = 1, .low = UINT64_MAX}, b = {.high = 2, .low = 5}, ab = a,
                        ba = b;
    lake_row_sum(&ab, &b);
    lake_row_sum(&ba, &a);
    assert_true(ab.high == 4 && ab.low == 4 && ba.high == 4 && ba.low == 4);
}

static void what_is_no_object_is_refused_and_the_next_is_read(void **state)
{
    (void) state;
    struct lake_rows *rows = rows_of(NULL, 0);
    struct lake_row_key key;
    static const char *const wrong[] = {"", "[]", "{\"a\":}", "{} {}", "{\"a\":1", "1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = ERROR_INIT;
        assert_false(lake_row_whole(rows, str_of(wrong[i]), &key, &err));
        assert_int_equal(err.code, ERROR_FORMAT);
        assert_true(same(rows, "{\"a\":1}", "{\"a\":1}"));
    }
    lake_rows_free(rows);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_counts),
        cmocka_unit_test(how_it_is_written_does_not),
        cmocka_unit_test(a_time_under_another_key_is_the_rows_time),
        cmocka_unit_test(sums_carry_and_do_not_see_the_order),
        cmocka_unit_test(what_is_no_object_is_refused_and_the_next_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
