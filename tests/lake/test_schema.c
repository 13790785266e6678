/* A schema keeps all columns a table ever had, in order, and says what it is of. */
#include "lake/schema.h"

#include "base/memory.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SCHEMA PLACE_OWN "/schema.json"

/* "TimeGenerated datetime, A string" */
static struct columns columns_of(const char *text)
{
    struct columns columns = {0};
    struct str rest = str_of(text), one;
    while (str_split(&rest, ',', &one)) {
        struct str name;
        enum column_type type = COLUMN_STRING;
        one = str_trim(one);
        assert_true(str_split(&one, ' ', &name) && column_type_parse(one, &type));
        assert_true(columns_add(&columns, name, type, NULL));
    }
    return columns;
}

static bool update(struct fixture *f, const char *text, const char *query,
                   struct lake_schema_change *change)
{
    struct columns columns = columns_of(text);
    error_clear(&f->err);
    bool ok = lake_schema_update(f->store, &place_of_tests, query, &columns, change, &f->err);
    columns_release(&columns);
    return ok;
}

static const char *file(struct fixture *f)
{
    assert_true(store_get(f->store, SCHEMA, &f->text, &f->err));
    return buf_text(&f->text);
}

#define HEAD                                                                                       \
    "{\n  \"format\": \"weir-schema\",\n  \"version\": 1,\n  \"table\": \"Okta_CL\",\n"            \
    "  \"workspace\": \"" PLACE_WORKSPACE "\",\n"                                                  \
    "  \"resource\": \"/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourcegroups/soc/"    \
    "providers/microsoft.operationalinsights/workspaces/contoso\",\n"

static void a_schema_is_written_one_column_a_line(void **state)
{
    struct fixture *f = *state;
    struct lake_schema_change change;
    assert_true(update(f, "TimeGenerated datetime, a_s string", NULL, &change));
    assert_int_equal(change.added, 2);
    assert_string_equal(file(f), HEAD "  \"query\": null,\n  \"columns\": [\n"
                                      "    {\"name\": \"TimeGenerated\", \"type\": \"datetime\"},\n"
                                      "    {\"name\": \"a_s\", \"type\": \"string\"}\n  ]\n}\n");
}

static void a_schema_is_read_back(void **state)
{
    struct fixture *f = *state;
    struct lake_schema schema;
    assert_false(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_true(
        update(f, "TimeGenerated datetime, d dynamic", "T\n| where \"x\" == '\xc3\xa4'", NULL));
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_string_equal(schema.table, "Okta_CL");
    assert_string_equal(schema.workspace_id, PLACE_WORKSPACE);
    assert_string_equal(schema.query, "T\n| where \"x\" == '\xc3\xa4'");
    assert_int_equal(schema.columns.n, 2);
    assert_string_equal(schema.columns.v[1].name, "d");
    assert_int_equal(schema.columns.v[1].type, COLUMN_DYNAMIC);
    lake_schema_release(&schema);
}

static void new_columns_go_behind_the_old_ones(void **state)
{
    struct fixture *f = *state;
    struct lake_schema_change change;
    struct lake_schema schema;
    assert_true(update(f, "TimeGenerated datetime, b string", NULL, NULL));
    assert_true(update(f, "a long, TimeGenerated datetime", NULL, &change));
    assert_int_equal(change.added, 1);
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.columns.n, 3);
    assert_string_equal(schema.columns.v[1].name, "b");
    assert_string_equal(schema.columns.v[2].name, "a");
    lake_schema_release(&schema);
}

static void nothing_new_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct lake_schema_change change;
    assert_true(update(f, "TimeGenerated datetime, b string", NULL, NULL));
    assert_true(store_put(f->store, SCHEMA,
                          STR(HEAD "\"query\": null, \"columns\":["
                                   "{\"type\":\"string\",\"name\":\"b\",\"new\":1}]}"),
                          &f->err));
    assert_true(update(f, "b string", NULL, &change));
    assert_true(change.added == 0 && change.retyped == 0);
    assert_non_null(strstr(file(f), "\"new\":1")); /* a key of a later weir stays */
}

static void a_type_that_changed_is_kept_beside_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct lake_schema_change change;
    struct lake_schema schema;
    assert_true(update(f, "a int", NULL, NULL));
    assert_true(update(f, "a long", NULL, &change));
    assert_int_equal(change.retyped, 1);
    assert_true(update(f, "a string", NULL, NULL));
    assert_non_null(strstr(file(f), "{\"name\": \"a\", \"type\": \"string\", "
                                    "\"earlier\": [\"int\", \"long\"]}"));
    assert_true(update(f, "a int", NULL, NULL));
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.columns.v[0].type, COLUMN_INT);
    assert_int_equal(schema.earlier[0], 1 << COLUMN_LONG | 1 << COLUMN_STRING);
    lake_schema_release(&schema);
}

/* --- where rows have their time --- */

static bool update_from(struct fixture *f, const char *text, const struct lake_from *from, size_t n,
                        struct lake_schema_change *change)
{
    struct columns columns = columns_of(text);
    error_clear(&f->err);
    const struct lake_from_change times = {.add = from, .n_add = n};
    bool ok =
        lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &times, change, &f->err);
    columns_release(&columns);
    return ok;
}

static void the_keys_of_times_are_kept_in_order_each_once(void **state)
{
    static const struct lake_from ts = {"ts", "epoch-s", "UTC"},
                                  quoted = {"when \"it\" was", "iso", "Europe/Berlin"},
                                  milli = {"ts", "epoch-ms", "UTC"};
    const struct lake_from all[] = {quoted, ts, milli};
    struct fixture *f = *state;
    struct lake_schema_change change;
    struct lake_schema schema;
    assert_true(update_from(f, "TimeGenerated datetime, ts real", &ts, 1, &change));
    assert_true(change.from);
    assert_non_null(strstr(file(f), "{\"name\": \"TimeGenerated\", \"type\": \"datetime\", "
                                    "\"from\": [{\"key\": \"ts\", \"format\": \"epoch-s\", "
                                    "\"zone\": \"UTC\"}]},\n"));
    assert_true(update_from(f, "TimeGenerated datetime", all, 3, &change));
    assert_true(change.from && change.added == 0);
    assert_true(update_from(f, "TimeGenerated datetime", all, 3, &change));
    assert_false(change.from);
    assert_true(update(f, "TimeGenerated datetime, later string", NULL, NULL));
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.n_from, 3);
    assert_string_equal(schema.from[0].key, "ts");
    assert_string_equal(schema.from[0].format, "epoch-s");
    assert_string_equal(schema.from[1].key, quoted.key);
    assert_string_equal(schema.from[1].zone, "Europe/Berlin");
    assert_string_equal(schema.from[2].format, "epoch-ms");
    lake_schema_release(&schema);
}

static void a_rule_that_no_line_needs_any_more_is_dropped(void **state)
{
    static const struct lake_from old = {"when", "iso", "Europe/Berlin"},
                                  other = {"ts", "epoch-s", ""},
                                  new = {"when", "iso", "America/Lima"};
    const struct lake_from both[] = {old, other};
    struct fixture *f = *state;
    struct lake_schema_change change;
    struct lake_schema schema;
    struct columns columns = columns_of("TimeGenerated datetime");
    assert_true(update_from(f, "TimeGenerated datetime", both, 2, NULL));
    struct lake_from_change times = {.add = &new, .n_add = 1, .drop = &old, .n_drop = 1};
    assert_true(lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &times, &change,
                                        &f->err));
    assert_true(change.from);
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.n_from, 2);
    assert_string_equal(schema.from[0].key, "ts");
    assert_string_equal(schema.from[1].zone, "America/Lima");
    assert_int_equal(lake_schema_drop_from(&schema, both, 2), 1);
    assert_int_equal(schema.n_from, 1);
    lake_schema_release(&schema);
    /* One that is added as well stays, where it was; the last one leaves none behind. */
    times = (struct lake_from_change){.add = &other, .n_add = 1, .drop = both, .n_drop = 2};
    assert_true(lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &times, &change,
                                        &f->err));
    assert_false(change.from);
    const struct lake_from all[] = {other, new};
    times = (struct lake_from_change){.drop = all, .n_drop = 2};
    assert_true(lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &times, &change,
                                        &f->err));
    assert_null(strstr(file(f), "from"));
    columns_release(&columns);
}

static void more_keys_of_times_than_any_table_has_are_refused(void **state)
{
    struct fixture *f = *state;
    struct lake_schema schema;
    char names[LAKE_FROM_MAX + 1][16];
    struct lake_from all[LAKE_FROM_MAX + 1];
    for (int i = 0; i <= LAKE_FROM_MAX; i++) {
        (void) snprintf(names[i], sizeof names[i], "t%d", i);
        all[i] = (struct lake_from){names[i], "iso", ""};
    }
    assert_true(update_from(f, "TimeGenerated datetime", all, LAKE_FROM_MAX, NULL));
    assert_false(update_from(f, "TimeGenerated datetime", all, LAKE_FROM_MAX + 1, NULL));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_true(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(schema.n_from, LAKE_FROM_MAX);
    lake_schema_release(&schema);
}

static void damaged_keys_of_times_are_named(void **state)
{
    static const char *const bad[] = {"1", "[1]", "[{\"key\": \"ts\"}]",
                                      "[{\"key\": \"ts\", \"format\": 1, \"zone\": \"\"}]"};
    struct fixture *f = *state;
    struct lake_schema schema;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[1024];
        (void) snprintf(text, sizeof text,
                        HEAD "\"query\": null, \"columns\": [{\"name\": \"TimeGenerated\", "
                             "\"type\": \"datetime\", \"from\": %s}]}",
                        bad[i]);
        assert_true(store_put(f->store, SCHEMA, str_of(text), &f->err));
        error_clear(&f->err);
        assert_false(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
        assert_int_equal(f->err.code, ERROR_FORMAT);
        assert_non_null(strstr(f->err.message, "schema.json"));
        error_clear(&f->err);
    }
}

static void another_query_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_true(update(f, "a int", "T | take 1", NULL));
    assert_false(update(f, "a int", "T | take 2", NULL));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_false(update(f, "a int", NULL, NULL));
    assert_true(update(f, "a int", "T | take 1", NULL));
}

static void a_workspace_that_was_moved_is_refused(void **state)
{
    struct fixture *f = *state;
    struct lake_place moved = place_of_tests;
    struct columns columns = columns_of("a int");
    assert_true(update(f, "a int", NULL, NULL));
    moved.resource_id = "/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourcegroups/other/"
                        "providers/microsoft.operationalinsights/workspaces/contoso";
    assert_false(lake_schema_update(f->store, &moved, NULL, &columns, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_non_null(strstr(f->err.message, "resourcegroups/soc/"));
    columns_release(&columns);
}

static void a_damaged_schema_is_named_and_left_alone(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"format\":\"weir-schema\"}",
        "{\"format\":\"weir-schema\",\"version\":2}",
        HEAD "\"columns\":[]}",
        HEAD "\"query\":3,\"columns\":[]}",
        HEAD "\"query\":null,\"columns\":{}}",
        HEAD "\"query\":null,\"columns\":[{\"name\":\"a\"}]}",
        HEAD "\"query\":null,\"columns\":[{\"name\":\"a\",\"type\":\"blob\"}]}",
        HEAD "\"query\":null,\"columns\":[{\"name\":\"a\",\"type\":\"int\",\"earlier\":1}]}",
        HEAD "\"query\":null,\"columns\":[{\"name\":\"a\",\"type\":\"int\",\"earlier\":[1]}]}",
        HEAD "\"query\":null,\"columns\":[{\"name\":\"\",\"type\":\"int\"}]}",
        HEAD "\"query\":null,\"columns\":[{\"name\":\"a\",\"type\":\"int\"},"
             "{\"name\":\"a\",\"type\":\"int\"}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(store_put(f->store, SCHEMA, str_of(bad[i]), &f->err));
        if (update(f, "a int", NULL, NULL))
            fail_msg("%s is read", bad[i]);
        assert_int_equal(f->err.code, ERROR_FORMAT);
        assert_non_null(strstr(f->err.message, SCHEMA));
        assert_true(f->err.hint[0] != '\0');
        assert_string_equal(file(f), bad[i]);
    }
}

static void a_hostile_place_in_a_schema_is_refused(void **state)
{
    struct fixture *f = *state;
    struct lake_schema schema;
    assert_true(store_put(f->store, SCHEMA,
                          STR("{\"format\":\"weir-schema\",\"version\":1,\"table\":\"Okta_CL\","
                              "\"workspace\":\"" PLACE_WORKSPACE "\",\"resource\":\"/../../etc\","
                              "\"query\":null,\"columns\":[]}"),
                          &f->err));
    assert_false(lake_schema_read(f->store, &place_of_tests, &schema, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
}

static void every_failed_allocation_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct columns columns = columns_of("TimeGenerated datetime, a string, b long");
    assert_true(update(f, "TimeGenerated datetime, a int", "T", NULL));
    bool ok = false;
    for (uint64_t n = 1; !ok; n++) {
        struct error err = ERROR_INIT;
        mem_fail_at(n);
        ok = lake_schema_update(f->store, &place_of_tests, "T", &columns, NULL, &err);
        mem_fail_at(0);
        assert_true(ok || err.code == ERROR_MEMORY);
        assert_true(n < 1000);
    }
    assert_non_null(strstr(file(f), "\"b\""));
    columns_release(&columns);
}

static void the_hash_of_columns_is_that_of_their_lines(void **state)
{
    (void) state;
    struct columns columns = columns_of("TimeGenerated datetime, a string");
    char is[HASH_SHA256_HEX], want[HASH_SHA256_HEX];
    assert_true(lake_columns_hash(&columns, is, NULL));
    assert_true(hash_sha256_hex(STR("TimeGenerated\tdatetime\na\tstring\n"), want, NULL));
    assert_string_equal(is, want);
    columns_release(&columns);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(a_schema_is_written_one_column_a_line),
        T(a_schema_is_read_back),
        T(new_columns_go_behind_the_old_ones),
        T(nothing_new_writes_nothing),
        T(a_type_that_changed_is_kept_beside_the_new_one),
        T(the_keys_of_times_are_kept_in_order_each_once),
        T(a_rule_that_no_line_needs_any_more_is_dropped),
        T(more_keys_of_times_than_any_table_has_are_refused),
        T(damaged_keys_of_times_are_named),
        T(another_query_is_refused),
        T(a_workspace_that_was_moved_is_refused),
        T(a_damaged_schema_is_named_and_left_alone),
        T(a_hostile_place_in_a_schema_is_refused),
        T(every_failed_allocation_is_an_error),
        T(the_hash_of_columns_is_that_of_their_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
