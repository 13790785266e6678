/* Rules and sight: what options say of tables, and what it makes of a query's SQL. The rows that come
 * of it: tests/clients/test_rules.py. */

#include "emulator/rules.h"
#include "emulator/sight.h"

#include "base/tick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SQL_MAX = 1 << 20, NEWEST = 1000 };

static void add_table(struct tables *tables, const char *name)
{
    struct table *table = tables_add(tables, str_of(name), NULL);
    assert_non_null(table);
    assert_true(columns_add(&table->visible, STR("TimeGenerated"), COLUMN_DATETIME, NULL));
    assert_true(columns_add(&table->visible, STR("Host"), COLUMN_STRING, NULL));
    assert_true(columns_add(&table->hidden, STR("_ItemId"), COLUMN_STRING, NULL));
    table->timed = true;
    table->newest = NEWEST;
}

static int make_tables(void **state)
{
    static struct tables tables;
    tables = (struct tables){0};
    add_table(&tables, "A");
    add_table(&tables, "B_CL");
    *state = &tables;
    return 0;
}

static int release_tables(void **state)
{
    tables_release(*state);
    return 0;
}

static void rules_reach_their_tables(void **state)
{
    struct tables *tables = *state;
    struct rules rules = {.plans = "A=basic, B_CL=Auxiliary",
                          .retentions = "B_CL=12h",
                          .conditions =
                              "A | where Host == ';\"' ; B_CL | where Host has \"x;\\\";\";",
                          .denied = "B_CL"};
    struct error err = ERROR_INIT;
    if (!rules_apply(&rules, tables, &err))
        fail_msg("%s", err.message);
    assert_int_equal(tables->v[0].plan, PLAN_BASIC);
    assert_int_equal(tables->v[1].plan, PLAN_AUXILIARY);
    assert_int_equal(tables->v[0].retention, 0);
    assert_int_equal(tables->v[1].retention, 12 * TICK_HOUR);
    assert_string_equal(tables->v[0].condition, "A | where Host == ';\"'");
    assert_string_equal(tables->v[1].condition, "B_CL | where Host has \"x;\\\";\"");
    assert_true(!tables->v[0].denied && tables->v[1].denied);
}

static void rules_that_make_no_sense_are_refused(void **state)
{
    static const struct rules wrong[] = {
        {.plans = "C=Basic"},
        {.plans = "A"},
        {.plans = "A=Gold"},
        {.plans = ""},
        {.retentions = "A=soon"},
        {.retentions = "A=0d"},
        {.denied = "A,"},
        {.conditions = "C | where true"},
        {.conditions = "A | where"},
        {.conditions = "A | project Host"},
        {.conditions = "A | take 1"},
        {.conditions = "A | where Host in ((B_CL | project Host))"},
        {.conditions = "A | where true; A | where false"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = ERROR_INIT;
        if (rules_apply(&wrong[i], *state, &err))
            fail_msg("rule %zu was taken", i);
        assert_int_equal(error_exit_status(err.code), error_exit_status(ERROR_USAGE));
        assert_true(release_tables(state) == 0 && make_tables(state) == 0);
    }
}

static bool give(void *context, struct str name, struct columns *visible, struct columns *hidden,
                 struct error *err)
{
    return tables_give(context, name, visible, hidden, err);
}

/* The SQL of "A | count" as somebody sees it; the caller releases it. */
static struct buf seen_by(struct tables *tables, int64_t now, bool conditional)
{
    struct kql_options options = {.table = give, .context = tables, .now = now};
    struct kql_query *query = kql_compile(STR("A | count"), &options, NULL);
    struct sight sight = {.tables = tables, .now = now, .conditional = conditional};
    struct buf sql = BUF_INIT(SQL_MAX);
    assert_non_null(query);
    assert_true(sight_put(&sight, query, &sql, NULL));
    if (now >= NEWEST && !conditional && tables->v[0].retention == 0)
        assert_string_equal(buf_text(&sql), kql_sql(query));
    kql_free(query);
    return sql;
}

static void expect(struct buf sql, const char *wanted, bool there)
{
    if ((strstr(buf_text(&sql), wanted) != NULL) != there)
        fail_msg("%s: %s", wanted, buf_text(&sql));
    buf_release(&sql);
}

/* seen_by checks that the SQL is the query's own when nothing is hidden: that costs nothing. */
static void a_query_sees_what_was_there_by_its_now(void **state)
{
    expect(seen_by(*state, NEWEST, false), "main.\"A\"", false);
    expect(seen_by(*state, NEWEST - 1, false), "_weir_visible <= 999", true);
}

static void what_is_too_old_is_hidden(void **state)
{
    struct tables *tables = *state;
    tables->v[0].retention = 400;
    expect(seen_by(tables, NEWEST, false), "\"TimeGenerated\" >= 600", true);
    expect(seen_by(tables, NEWEST, false), "_weir_visible", false);
    tables->v[0].timed = false;
    tables->v[0].retention = 0;
}

static void a_condition_holds_for_the_conditional_client_alone(void **state)
{
    struct tables *tables = *state;
    assert_true(
        rules_apply(&(struct rules){.conditions = "A | where Host == 'mine'"}, tables, NULL));
    expect(seen_by(tables, NEWEST, false), "mine", false);
    expect(seen_by(tables, NEWEST, true), "mine", true);
    expect(seen_by(tables, NEWEST - 1, true), "_weir_visible <= 999", true);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, make_tables, release_tables)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(rules_reach_their_tables),
        EACH(rules_that_make_no_sense_are_refused),
        EACH(a_query_sees_what_was_there_by_its_now),
        EACH(what_is_too_old_is_hidden),
        EACH(a_condition_holds_for_the_conditional_client_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
