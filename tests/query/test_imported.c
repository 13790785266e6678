/* Imports in a query: those that count are read, those that were replaced are not, and times stand where the schema says. */
#include "query/query.h"

#include "lake/schema.h"
#include "tests/lake/small_import.h"

enum { OUT_MAX = 1 << 16 };

#define ONE "0123456789ab"
#define TWO "fedcba987654"
#define DAY PLACE_FOLDER "/y=2021/m=11/d=07/"

static const struct small_part parts_of_one[] = {
    {"2021-11-07T03:05:00Z", "{\"ts\":1636254300.5,\"n\":1}\n{\"ts\":1636254301,\"n\":2}\n"},
    {"2021-11-07T03:15:00Z", "{\"ts\":1636254900,\"n\":3}\n"},
};
static const struct small_part parts_of_two[] = {
    {"2021-11-07T03:05:00Z",
     "{\"TimeGenerated\":\"2021-11-07T03:05:02Z\",\"n\":4}\n{\"ts\":\"1636254303\",\"n\":5}\n"},
    {"2021-11-07T03:10:00Z",
     "{\"when\":\"11/06/2021, 8:10:00.000 "
     "PM\",\"n\":6}\n{\"TimeGenerated\":\"?\",\"ts\":1636254601,\"n\":7}\n"},
};
static const struct small_import one = {.id = ONE, .parts = parts_of_one, .n = 2};
static const struct small_import two = {
    .id = TWO, .started = "2021-11-19", .input = "b", .parts = parts_of_two, .n = 2};

static void put_schema(struct fixture *f)
{
    static const struct lake_from from[] = {{"ts", "epoch-s", ""},
                                            {"when", "us", "America/Los_Angeles"}};
    const struct lake_from_change times = {.add = from, .n_add = 2};
    struct columns columns = {0};
    assert_true(
        columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, &f->err) &&
        columns_add(&columns, STR("n"), COLUMN_LONG, &f->err) &&
        columns_add(&columns, STR("ts"), COLUMN_REAL, &f->err) &&
        columns_add(&columns, STR("when"), COLUMN_STRING, &f->err) &&
        lake_schema_update_from(f->store, &place_of_tests, NULL, &columns, &times, NULL, &f->err));
    columns_release(&columns);
}

/* The one text column of all rows, each with a blank behind. */
static const char *ask_kql(struct fixture *f, const char *kql, int64_t from, int64_t to,
                           struct query_coverage *coverage)
{
    struct query_options options = {.store = f->store,
                                    .kql = str_of(kql),
                                    .from = from,
                                    .to = to,
                                    .now = tick_of("2021-11-20"),
                                    .threads = 2};
    const struct query_coverage *of_table;
    const struct engine_chunk *chunk = NULL;
    buf_reset(&f->text);
    struct query *query = query_open(&options, &f->err);
    bool ok = query != NULL;
    while (ok && (ok = query_next(query, &chunk, &f->err)) && chunk)
        for (size_t row = 0; row < chunk->rows; row++) {
            struct str text = engine_text(&chunk->vectors[0], row);
            buf_printf(&f->text, "%.*s ", (int) text.n, text.p);
        }
    if (!ok)
        fail_msg("%s", f->err.message);
    if (coverage && query_coverage(query, &of_table) > 0)
        *coverage = of_table[0];
    query_free(query);
    return buf_text(&f->text);
}

static const char *ask_range(struct fixture *f, const char *kql, const char *from, const char *to,
                             struct query_coverage *coverage)
{
    return ask_kql(f, kql, tick_of(from), tick_of(to), coverage);
}

static const char *ask(struct fixture *f, struct query_coverage *coverage)
{
    return ask_range(f, "Okta_CL | sort by n asc | project tostring(n)", "2021-11-07T03:00:00Z",
                     "2021-11-07T04:00:00Z", coverage);
}

static void rows_of_all_live_imports_are_read(void **state)
{
    struct fixture *f = *state;
    struct query_coverage coverage;
    put_schema(f);
    small_import_put(f, &one);
    small_import_put(f, &two);
    assert_string_equal(ask(f, &coverage), "1 2 3 4 5 6 7 ");
    assert_int_equal(coverage.files, 4);
    assert_int_equal(coverage.outdated, 0);
    assert_int_equal(coverage.held, 3);
}

/* At every instant of a replacement. */
static void rows_of_one_that_was_replaced_are_not(void **state)
{
    struct fixture *f = *state;
    struct query_coverage coverage;
    const struct lake_import old = {.id = ONE, .started = tick_of("2021-11-18")};
    struct small_import new = two;
    new.replaces = &old;
    put_schema(f);
    small_import_put(f, &one);
    small_import_put(f, &new);
    assert_string_equal(ask(f, &coverage), "4 5 6 7 ");
    assert_int_equal(coverage.outdated, 2);
    assert_int_equal(coverage.held, 2);
    assert_true(store_delete(f->store, DAY "h=03/m=05/PT05M_" ONE ".json", &f->err));
    assert_string_equal(ask(f, &coverage), "4 5 6 7 ");
    assert_true(store_delete(f->store, DAY "h=03/m=15/PT05M_" ONE ".json", &f->err));
    assert_true(lake_import_remove(f->store, &place_of_tests, ONE, &f->err));
    assert_string_equal(ask(f, &coverage), "4 5 6 7 ");
    assert_int_equal(coverage.outdated, 0);
    /* The same files again, later. */
    struct small_import again = one;
    again.started = "2021-11-20";
    small_import_put(f, &again);
    assert_string_equal(ask(f, &coverage), "1 2 3 4 5 6 7 ");
}

/* Killed while its blobs got their names. */
static void whole_partitions_without_a_record_are_read(void **state)
{
    struct fixture *f = *state;
    struct query_coverage coverage;
    put_schema(f);
    assert_true(small_import_blobs(f->store, &one, &f->err));
    assert_string_equal(ask(f, &coverage), "1 2 3 ");
    assert_int_equal(coverage.held, 2);
}

static void times_stand_where_the_schema_says(void **state)
{
    static const char *const kql =
        "Okta_CL | sort by n asc | project strcat(n, '=', tostring(TimeGenerated))";
    struct fixture *f = *state;
    put_schema(f);
    small_import_put(f, &one);
    small_import_put(f, &two);
    assert_string_equal(ask_range(f, kql, "2021-11-07T03:00:00Z", "2021-11-07T04:00:00Z", NULL),
                        "1=2021-11-07T03:05:00.5000000Z 2=2021-11-07T03:05:01.0000000Z "
                        "3=2021-11-07T03:15:00.0000000Z 4=2021-11-07T03:05:02.0000000Z "
                        "5=2021-11-07T03:05:03.0000000Z 6=2021-11-07T03:10:00.0000000Z "
                        "7=2021-11-07T03:10:01.0000000Z ");
    /* The range is of these times, to the tick. */
    assert_string_equal(
        ask_range(f, kql, "2021-11-07T03:05:00.5000001Z", "2021-11-07T03:05:03Z", NULL),
        "2=2021-11-07T03:05:01.0000000Z 4=2021-11-07T03:05:02.0000000Z ");
}

/* What others wrote may have no time: its rows are in no range, and in all of time whatever is asked of them. */
static void a_row_without_a_time_is_counted_alike_by_all_queries(void **state)
{
    struct fixture *f = *state;
    static const char *const kql[] = {"Okta_CL | summarize tostring(count())",
                                      "Okta_CL | project n | summarize tostring(count())",
                                      "Okta_CL | summarize tostring(countif(n > 0))",
                                      "Okta_CL | where n < 9 | summarize tostring(count())"};
    put_schema(f);
    small_import_put(f, &one);
    assert_true(store_put(f->store, DAY "h=03/m=05/PT05M.json", STR("{\"n\":8}\n"), &f->err));
    for (size_t i = 0; i < sizeof kql / sizeof *kql; i++)
        assert_string_equal(ask_kql(f, kql[i], 0, 0, NULL), "4 ");
    assert_string_equal(ask_kql(f,
                                "Okta_CL | where TimeGenerated > datetime(2021-01-01) | count | "
                                "project tostring(Count)",
                                0, 0, NULL),
                        "3 ");
    assert_string_equal(ask(f, NULL), "1 2 3 ");
}

static void a_damaged_record_is_named_by_a_query(void **state)
{
    struct fixture *f = *state;
    const struct query_options options = {.store = f->store,
                                          .kql = STR("Okta_CL"),
                                          .from = tick_of("2021-11-07"),
                                          .to = tick_of("2021-11-08"),
                                          .now = tick_of("2021-11-20")};
    const struct engine_chunk *chunk = NULL;
    put_schema(f);
    small_import_put(f, &one);
    assert_true(store_put(f->store, PLACE_OWN "/imports/" ONE ".jsonl", STR("{}\n"), &f->err));
    struct query *query = query_open(&options, &f->err);
    assert_false(query && query_next(query, &chunk, &f->err));
    assert_int_equal(f->err.code, ERROR_FORMAT);
    assert_non_null(strstr(f->err.message, "imports/" ONE ".jsonl"));
    query_free(query);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(rows_of_all_live_imports_are_read),
        CASE(rows_of_one_that_was_replaced_are_not),
        CASE(whole_partitions_without_a_record_are_read),
        CASE(times_stand_where_the_schema_says),
        CASE(a_row_without_a_time_is_counted_alike_by_all_queries),
        CASE(a_damaged_record_is_named_by_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
