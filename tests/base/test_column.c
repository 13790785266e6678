/* Columns: types by name and by suffix, schema files, and what happens when memory runs out. */
#include "base/column.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_type_has_its_name(void **state)
{
    (void) state;
    for (int i = 0; i < COLUMN_TYPE_COUNT; i++) {
        enum column_type type = COLUMN_TYPE_COUNT;
        assert_true(column_type_parse(str_of(column_type_name((enum column_type) i)), &type));
        assert_int_equal(type, i);
    }
    enum column_type type;
    assert_true(column_type_parse(STR("boolean"), &type) && type == COLUMN_BOOL);
    assert_true(column_type_parse(STR("date"), &type) && type == COLUMN_DATETIME);
    assert_true(column_type_parse(STR("time"), &type) && type == COLUMN_TIMESPAN);
    assert_true(column_type_parse(STR("double"), &type) && type == COLUMN_REAL);
    assert_true(column_type_parse(STR("uuid"), &type) && type == COLUMN_GUID);
    assert_false(column_type_parse(STR("String"), &type));
    assert_false(column_type_parse(STR(""), &type));
}

static void a_schema_file_is_read(void **state)
{
    (void) state;
    struct columns columns = {0};
    assert_true(columns_add(&columns, STR("old"), COLUMN_BOOL, NULL));
    assert_true(
        columns_read(STR("# Table\n\nTenantId string\r\n  Count\tlong # how many\nBag  dynamic"),
                     &columns, NULL));
    assert_int_equal(columns.n, 3);
    assert_string_equal(columns.v[0].name, "TenantId");
    assert_int_equal(columns.v[1].type, COLUMN_LONG);
    assert_int_equal(columns_find(&columns, STR("Bag")), 2);
    assert_int_equal(columns_find(&columns, STR("bag")), -1);
    assert_int_equal(columns_find(&columns, STR("Ba")), -1);
    columns_release(&columns);
    assert_int_equal(columns.n, 0);
}

static void a_broken_schema_names_its_line_and_changes_nothing(void **state)
{
    (void) state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a string\nb\n", "line 2: a line has a name and a type"},
        {"a string string", "line 1: a line has a name and a type"},
        {"\n\na text", "line 3: no type 'text'"},
        {"a string\n\na long", "line 3: column 'a' stands twice"},
    };
    struct columns columns = {0};
    assert_true(columns_add(&columns, STR("old"), COLUMN_BOOL, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        assert_false(columns_read(str_of(cases[i].text), &columns, &err));
        assert_int_equal(err.code, ERROR_FORMAT);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(columns.n, 1);
    }
    columns_release(&columns);
}

static void names_and_numbers_of_columns_are_bounded(void **state)
{
    (void) state;
    static char name[COLUMN_NAME_MAX + 2];
    memset(name, 'x', sizeof name);
    struct columns columns = {0};
    struct error err = ERROR_INIT;
    assert_true(columns_add(&columns, (struct str){name, COLUMN_NAME_MAX}, COLUMN_INT, NULL));
    assert_false(columns_add(&columns, (struct str){name, COLUMN_NAME_MAX + 1}, COLUMN_INT, NULL));
    assert_false(columns_add(&columns, STR(""), COLUMN_INT, NULL));
    assert_false(columns_add(&columns, STR("a\0b"), COLUMN_INT, NULL));
    while (columns_add(&columns, STR("c"), COLUMN_INT, &err))
        ;
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(columns.n, COLUMNS_MAX);
    columns_release(&columns);
}

static void every_failing_allocation_leaves_lists_whole(void **state)
{
    (void) state;
    const struct str text =
        STR("a string\nb int\nc long\nd real\ne bool\nf guid\ng string\nh int\ni int\n");
    uint64_t n = 1;
    for (bool done = false; !done; n++) {
        struct columns columns = {0}, copy = {0};
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        done = columns_read(text, &columns, &err) && columns_copy(&columns, &copy, &err);
        assert_int_equal(err.code, done ? ERROR_NONE : ERROR_MEMORY);
        assert_true(columns.n == 0 || columns.n == 9);
        assert_int_equal(copy.n, done ? 9 : 0);
        columns_release(&columns);
        columns_release(&copy);
    }
    mem_fail_at(0);
    assert_in_range(n, 20, 100);
}

static void suffixes_of_custom_logs_tell_the_type(void **state)
{
    (void) state;
    assert_int_equal(column_type_of_suffix(STR("actor_displayName_s")), COLUMN_STRING);
    assert_int_equal(column_type_of_suffix(STR("count_d")), COLUMN_REAL);
    assert_int_equal(column_type_of_suffix(STR("blocked_b")), COLUMN_BOOL);
    assert_int_equal(column_type_of_suffix(STR("id_g")), COLUMN_GUID);
    assert_int_equal(column_type_of_suffix(STR("published_t")), COLUMN_DATETIME);
    assert_int_equal(column_type_of_suffix(STR("Computer")), COLUMN_STRING);
    assert_int_equal(column_type_of_suffix(STR("_d")), COLUMN_STRING);
    assert_int_equal(column_type_of_suffix(STR("d")), COLUMN_STRING);
    assert_int_equal(column_type_of_suffix(STR("")), COLUMN_STRING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_name),
        cmocka_unit_test(a_schema_file_is_read),
        cmocka_unit_test(a_broken_schema_names_its_line_and_changes_nothing),
        cmocka_unit_test(names_and_numbers_of_columns_are_bounded),
        cmocka_unit_test(every_failing_allocation_leaves_lists_whole),
        cmocka_unit_test(suffixes_of_custom_logs_tell_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
