/* The Delta log names the files that the records name, in commits that are never changed. */
#include "rig.h"

#include <jansson.h>

#define LOG PLACE_OWN "/parquet/_delta_log/"

/* The actions of a commit by name: how many. */
struct actions {
    int add, remove, meta, protocol;
};

static struct actions read_commit(struct rig *rig, int version, char path[1024])
{
    struct actions n = {0};
    struct str rest, line;
    char name[128];
    (void) snprintf(name, sizeof name, LOG "%020d.json", version);
    if (!store_get(rig->f->store, name, &rig->f->text, &rig->f->err))
        fail_msg("%s", rig->f->err.message);
    rest = buf_str(&rig->f->text);
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        json_t *action = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_object(action));
        json_t *add = json_object_get(action, "add"), *gone = json_object_get(action, "remove");
        n.add += add != NULL;
        n.remove += gone != NULL;
        n.meta += json_object_get(action, "metaData") != NULL;
        n.protocol += json_object_get(action, "protocol") != NULL;
        if (add && path)
            (void) snprintf(path, 1024, "%s", json_string_value(json_object_get(add, "path")));
        json_decref(action);
    }
    return n;
}

static bool is_there(struct rig *rig, const char *path)
{
    char name[1200];
    uint64_t size;
    (void) snprintf(name, sizeof name, PLACE_OWN "/parquet/%s", path);
    return store_stat(rig->f->store, name, &size, NULL);
}

static void each_run_that_changes_something_is_one_commit(void **state)
{
    struct rig *rig = *state;
    char first[1024] = "", second[1024] = "";
    rig->options.delta = true;
    rig_put(rig, 0, OURS, "1");
    rig_compact(rig, ERROR_NONE);
    assert_true(rig->totals.delta_changed && rig->totals.delta_version == 0);
    struct actions n = read_commit(rig, 0, first);
    assert_true(n.add == 1 && n.remove == 0 && n.meta == 1 && n.protocol == 1);
    assert_true(is_there(rig, first));
    rig_compact(rig, ERROR_NONE);
    assert_true(!rig->totals.delta_changed && rig->totals.delta_version == 0);
    rig_put(rig, 5, OURS, "2");
    rig->options.delta = false; /* what is there is kept up */
    rig_compact(rig, ERROR_NONE);
    assert_true(rig->totals.delta_changed && rig->totals.delta_version == 1);
    n = read_commit(rig, 1, second);
    assert_true(n.add == 1 && n.remove == 1 && n.meta == 0 && n.protocol == 0);
    assert_string_not_equal(first, second);
    assert_true(!is_there(rig, first) && is_there(rig, second));
}

static void new_columns_are_told(void **state)
{
    struct rig *rig = *state;
    rig->options.delta = true;
    rig_put(rig, 0, OURS, "1");
    rig_compact(rig, ERROR_NONE);
    rig_put(rig, 24 * 60, OURS, "{\"n\":2,\"s\":\"x\",\"odd\":1}");
    rig_compact(rig, ERROR_NONE);
    struct actions n = read_commit(rig, 1, NULL);
    assert_true(n.add == 1 && n.remove == 0 && n.meta == 1 && n.protocol == 0);
    assert_non_null(strstr(buf_text(&rig->f->text), "_weir_rest"));
}

static void retype(struct rig *rig, const char *columns)
{
    struct columns now = {0};
    assert_true(columns_read(str_of(columns), &now, &rig->f->err));
    assert_true(lake_schema_update(rig->f->store, &place_of_tests, NULL, &now, NULL, &rig->f->err));
    columns_release(&now);
}

/* No reader of a Delta table takes files of two types for one column. */
static void files_of_a_column_that_has_another_type_are_written_anew(void **state)
{
    struct rig *rig = *state;
    char first[1024] = "", second[1024] = "";
    rig_put(rig, 0, OURS, "{\"n\":1,\"i\":5}");
    rig_put(rig, 24 * 60, OURS, "{\"n\":2,\"i\":6}");
    rig->options.delta = true;
    rig_compact(rig, ERROR_NONE);
    retype(rig, "TimeGenerated datetime\nn long\ni string\n");
    rig->options.delta = false;
    rig->options.from = rig_minute(0);
    rig->options.to = rig_minute(60);
    rig_compact(rig, ERROR_INCOMPLETE); /* the other day's file is of the old type */
    assert_int_equal(rig->told[0].verdict, COMPACT_DONE);
    assert_false(rig->totals.delta_changed);
    read_commit(rig, 0, first);
    assert_true(is_there(rig, first)); /* what the table names is not swept */
    rig->options.from = rig->options.to = 0;
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_CURRENT);
    assert_int_equal(rig->told[1].verdict, COMPACT_DONE);
    struct actions n = read_commit(rig, 1, second);
    assert_true(n.add == 2 && n.remove == 2 && n.meta == 1);
    assert_true(!is_there(rig, first) && is_there(rig, second));
    assert_string_equal(rig_ask(rig, "Okta_CL | where i == '6' | project s = i"), "6 ");
    rig_check(rig, "1 2 ");
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(rig->told[0].verdict, COMPACT_CURRENT);
}

static void nothing_is_begun_unasked(void **state)
{
    struct rig *rig = *state;
    uint64_t size;
    rig_put(rig, 0, OURS, "1");
    rig_compact(rig, ERROR_NONE);
    assert_false(store_stat(rig->f->store, LOG "00000000000000000000.json", &size, NULL));
    rig->options.delta = true; /* later: of what is there already */
    rig_compact(rig, ERROR_NONE);
    assert_int_equal(read_commit(rig, 0, NULL).add, 1);
}

static void what_others_added_is_left_alone(void **state)
{
    struct rig *rig = *state;
    rig->options.delta = true;
    rig_put(rig, 0, OURS, "1");
    rig_compact(rig, ERROR_NONE);
    assert_true(store_put(rig->f->store, LOG "00000000000000000001.json",
                          STR("{\"add\":{\"path\":\"part-0.parquet\",\"size\":9}}\n"),
                          &rig->f->err));
    rig_put(rig, 24 * 60, OURS, "2");
    rig_compact(rig, ERROR_NONE);
    struct actions n = read_commit(rig, 2, NULL);
    assert_true(n.add == 1 && n.remove == 0);
}

static void a_log_that_cannot_be_read_is_named(void **state)
{
    struct rig *rig = *state;
    rig->options.delta = true;
    rig_put(rig, 0, OURS, "1");
    assert_true(store_put(rig->f->store, LOG "00000000000000000000.json", STR("?"), &rig->f->err));
    rig_compact(rig, ERROR_FORMAT);
    assert_true(
        store_put(rig->f->store, LOG "00000000000000000007.json", STR("{}\n"), &rig->f->err));
    rig_compact(rig, ERROR_FORMAT);
    rig_check(rig, "1 ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        TEST(each_run_that_changes_something_is_one_commit),
        TEST(new_columns_are_told),
        TEST(files_of_a_column_that_has_another_type_are_written_anew),
        TEST(nothing_is_begun_unasked),
        TEST(what_others_added_is_left_alone),
        TEST(a_log_that_cannot_be_read_is_named),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
