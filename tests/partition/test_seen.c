/* Keys and types of rows, for schema.json. */
#include "partition/seen.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void look(struct part_seen *seen, const char *line)
{
    struct error err = ERROR_INIT;
    if (!part_seen_line(seen, str_of(line), &err))
        fail_msg("%s", err.message);
}

/* "name type, name type, …" */
static void assert_columns(const struct part_seen *seen, const struct columns *known, bool custom,
                           const char *expected)
{
    struct error err = ERROR_INIT;
    struct columns columns = {0};
    struct buf out = BUF_INIT(1 << 16);
    if (!part_seen_columns(seen, known, custom, &columns, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < columns.n; i++)
        buf_printf(&out, "%s%s %s", i > 0 ? ", " : "", columns.v[i].name,
                   column_type_name(columns.v[i].type));
    assert_string_equal(buf_text(&out), expected);
    buf_release(&out);
    columns_release(&columns);
}

static void types_are_those_of_the_values(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *seen = part_seen_new(&err);
    (void) state;
    look(seen, "{\"b\":true,\"l\":1,\"r\":1,\"s\":\"x\",\"t\":\"2021-11-07T03:05:12Z\",\"d\":{},"
               "\"m\":1,\"n\":null,\"e\":\"\",\"TimeGenerated\":7}");
    look(seen, "{\"b\":false,\"l\":-9223372036854775808,\"r\":0.5,\"t\":\"2021-11-07T03:05:12.1Z\","
               "\"d\":\"x\",\"m\":\"x\",\"w\":\"2021-11-07\",\"h\":18446744073709551616}");
    assert_columns(seen, NULL, false,
                   "TimeGenerated datetime, b bool, l long, r real, s string, t datetime, "
                   "d dynamic, m string, n string, e string, w string, h real");
    part_seen_free(seen);
}

static void suffixes_count_in_a_custom_table_where_values_fit(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *seen = part_seen_new(&err);
    (void) state;
    look(seen, "{\"a_d\":\"17\",\"b_d\":\"many\",\"c_b\":\"true\",\"d_g\":"
               "\"74be27de-1e4e-49d9-b579-fe0b331d3642\",\"e_t\":\"yesterday\",\"f_s\":1,\"g\":1}");
    assert_columns(seen, NULL, true,
                   "TimeGenerated datetime, a_d real, b_d string, c_b bool, d_g guid, e_t string, "
                   "f_s string, g long");
    part_seen_free(seen);
}

static void known_columns_keep_their_types_and_order(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *seen = part_seen_new(&err);
    struct columns known = {0};
    (void) state;
    assert_true(columns_add(&known, STR("TenantId"), COLUMN_STRING, &err));
    assert_true(columns_add(&known, STR("Severity"), COLUMN_INT, &err));
    look(seen, "{\"New\":1,\"Severity\":\"x\"}");
    assert_columns(seen, &known, false,
                   "TenantId string, Severity int, TimeGenerated datetime, New long");
    part_seen_free(seen);
    columns_release(&known);
}

static void the_order_does_not_depend_on_who_saw_what(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *a = part_seen_new(&err), *b = part_seen_new(&err), *c = part_seen_new(&err);
    static const char expected[] = "TimeGenerated datetime, x long, y real, z string, w long";
    (void) state;
    part_seen_at(a, 0, 2);
    look(a, "{\"z\":\"1\",\"w\":1,\"y\":0.5}");
    part_seen_at(b, 0, 1);
    look(b, "{\"x\":1,\"y\":2}");
    assert_true(part_seen_merge(c, a, &err));
    assert_true(part_seen_merge(c, b, &err));
    assert_columns(c, NULL, false, expected);
    assert_true(part_seen_merge(b, a, &err));
    assert_columns(b, NULL, false, expected);
    part_seen_free(a);
    part_seen_free(b);
    part_seen_free(c);
}

static void keys_are_decoded_and_odd_ones_passed(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *seen = part_seen_new(&err);
    (void) state;
    look(seen, "{\"\\u0061b\":1,\"ab\":2,\"\":3,\"a\\u0000b\":4}");
    assert_columns(seen, NULL, false, "TimeGenerated datetime, ab long");
    part_seen_free(seen);
}

static void there_are_at_most_so_many_columns(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *seen = part_seen_new(&err);
    struct columns columns = {0};
    char line[32];
    (void) state;
    for (int i = 0; i < COLUMNS_MAX + 100; i++) {
        (void) snprintf(line, sizeof line, "{\"k%d\":1}", i);
        look(seen, line);
    }
    assert_true(part_seen_columns(seen, NULL, false, &columns, &err));
    assert_int_equal(columns.n, PART_SEEN_COLUMNS_MAX);
    assert_true(part_seen_left_out(seen, &columns) > COLUMNS_MAX - PART_SEEN_COLUMNS_MAX - 1);
    columns_release(&columns);
    part_seen_free(seen);
}

static void columns_that_are_told_win_until_two_inputs_differ(void **state)
{
    struct error err = ERROR_INIT;
    struct part_seen *seen = part_seen_new(&err);
    (void) state;
    assert_true(part_seen_name(seen, STR("a"), COLUMN_LONG, &err));
    assert_true(part_seen_name(seen, STR("b"), COLUMN_LONG, &err));
    assert_true(part_seen_name(seen, STR("b"), COLUMN_DATETIME, &err));
    assert_columns(seen, NULL, false, "TimeGenerated datetime, a long, b string");
    part_seen_free(seen);
}

static void a_failed_allocation_is_an_error(void **state)
{
    (void) state;
    for (uint64_t n = 1;; n++) {
        struct error err = ERROR_INIT;
        struct columns columns = {0};
        mem_fail_at(n);
        struct part_seen *seen = part_seen_new(&err);
        bool ok = seen && part_seen_line(seen, STR("{\"a\":1,\"b\":\"x\"}"), &err) &&
                  part_seen_columns(seen, NULL, false, &columns, &err);
        mem_fail_at(0);
        part_seen_free(seen);
        columns_release(&columns);
        if (ok)
            return;
        assert_int_equal(err.code, ERROR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_those_of_the_values),
        cmocka_unit_test(suffixes_count_in_a_custom_table_where_values_fit),
        cmocka_unit_test(known_columns_keep_their_types_and_order),
        cmocka_unit_test(the_order_does_not_depend_on_who_saw_what),
        cmocka_unit_test(keys_are_decoded_and_odd_ones_passed),
        cmocka_unit_test(there_are_at_most_so_many_columns),
        cmocka_unit_test(columns_that_are_told_win_until_two_inputs_differ),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
