/* A lake is walked in order of time, whatever layout its blobs have, and tells what it holds. */
#include "lake/catalog.h"

#include "base/random.h"
#include "base/tick.h"
#include "lake/schema.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void put(struct fixture *f, const char *name, const char *bytes)
{
    if (!store_put(f->store, name, str_of(bytes), &f->err))
        fail_msg("%s", f->err.message);
}

static void put_blob(struct fixture *f, const char *behind, const char *bytes)
{
    char name[STORE_NAME_MAX];
    (void) snprintf(name, sizeof name, PLACE_FOLDER "/%s", behind);
    put(f, name, bytes);
}

static bool gather(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) err;
    struct buf *out = context;
    char tick[TICK_TEXT_MAX];
    (void) tick_format_short(blob->tick, tick);
    const char *behind = blob->name.p + strlen(PLACE_FOLDER) + 1;
    buf_printf(out, "%s %s %lld %llu %.*s\n", tick, lake_blob_kind_text(blob->kind),
               (long long) (blob->span / TICK_MINUTE), (unsigned long long) blob->size,
               (int) (blob->name.p + blob->name.n - behind), behind);
    return true;
}

static const char *list(struct fixture *f, const char *from, const char *to)
{
    buf_reset(&f->text);
    assert_true(lake_blobs(f->store, &place_of_tests, tick_of(from), tick_of(to), gather, &f->text,
                           &f->err));
    return buf_text(&f->text);
}

static void a_lake_that_is_not_there_holds_nothing(void **state)
{
    struct fixture *f = *state;
    struct lake_tables tables;
    struct lake_totals totals;
    assert_string_equal(list(f, "0001-01-01", "9999-12-31"), "");
    assert_true(lake_tables_find(f->store, &tables, &f->err));
    assert_int_equal(tables.n, 0);
    assert_true(lake_blobs_total(f->store, &place_of_tests, 0, TICK_MAX, &totals, &f->err));
    assert_int_equal(totals.partitions, 0);
}

static void blobs_of_every_layout_come_in_order_of_time(void **state)
{
    struct fixture *f = *state;
    put_blob(f, "y=2021/m=9/d=7/h=3/m=5/part-0.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=05/PT05M.json", "12");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=05/PT05M_weir.json", "123");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=05/PT05M_0123456789ab.json", "1");
    put_blob(f, "y=2021/m=9/d=10/h=0/m=0/part-0.json", "1");
    put_blob(f, "y=2021/m=9/d=7/h=10/m=0/part-0.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=00/PT1H.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=00/PT5M_2.json", "1");
    put_blob(f, "y=2020/m=12/d=31/h=23/m=55/PT05M.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=05/_SUCCESS", "");
    put_blob(f, "y=2021/readme.json", "1");
    put_blob(f, "other/m=1/d=1/h=1/m=5/PT05M.json", "1");
    assert_string_equal(
        list(f, "2000-01-01", "2030-01-01"),
        "2020-12-31 23:55 service 5 1 y=2020/m=12/d=31/h=23/m=55/PT05M.json\n"
        "2021-09-07 03:00 service 60 1 y=2021/m=09/d=07/h=03/m=00/PT1H.json\n"
        "2021-09-07 03:00 service 5 1 y=2021/m=09/d=07/h=03/m=00/PT5M_2.json\n"
        "2021-09-07 03:05 service 5 2 y=2021/m=09/d=07/h=03/m=05/PT05M.json\n"
        "2021-09-07 03:05 import 5 1 y=2021/m=09/d=07/h=03/m=05/PT05M_0123456789ab.json\n"
        "2021-09-07 03:05 export 5 3 y=2021/m=09/d=07/h=03/m=05/PT05M_weir.json\n"
        "2021-09-07 03:05 other 5 1 y=2021/m=9/d=7/h=3/m=5/part-0.json\n"
        "2021-09-07 10:00 other 5 1 y=2021/m=9/d=7/h=10/m=0/part-0.json\n"
        "2021-09-10 00:00 other 5 1 y=2021/m=9/d=10/h=0/m=0/part-0.json\n");
}

static void a_range_takes_what_may_hold_its_rows(void **state)
{
    struct fixture *f = *state;
    put_blob(f, "y=2021/m=09/d=07/h=03/m=00/PT1H.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=25/PT05M.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=30/PT05M.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=35/PT05M.json", "1");
    assert_string_equal(list(f, "2021-09-07T03:30:00Z", "2021-09-07T03:35:00Z"),
                        "2021-09-07 03:00 service 60 1 y=2021/m=09/d=07/h=03/m=00/PT1H.json\n"
                        "2021-09-07 03:30 service 5 1 y=2021/m=09/d=07/h=03/m=30/PT05M.json\n");
    assert_string_equal(list(f, "2021-09-07T04:00:00Z", "2021-09-08"), "");
    assert_string_equal(list(f, "2021-09-07", "2021-09-07"), "");
    assert_string_equal(list(f, "2021-09-08", "2021-09-07"), "");
}

static bool count(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) err;
    int64_t *last = context;
    assert_true(blob->tick >= last[0]);
    last[0] = blob->tick;
    last[1]++;
    return true;
}

static void random_ranges_agree_with_the_blobs_that_were_put(void **state)
{
    struct fixture *f = *state;
    enum { BLOBS = 250 };
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    int64_t ticks[BLOBS], begin = tick_of("2020-12-20");
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    for (int i = 0; i < BLOBS; i++) {
        ticks[i] = begin + (int64_t) random_below(&random, 100 * 288) * TICK_PARTITION;
        struct tick_civil c = tick_civil(ticks[i]);
        char behind[128];
        bool padded = random_below(&random, 2);
        (void) snprintf(behind, sizeof behind,
                        padded ? "y=%d/m=%02d/d=%02d/h=%02d/m=%02d/part-%d.json"
                               : "y=%d/m=%d/d=%d/h=%d/m=%d/part-%d.json",
                        c.year, c.month, c.day, c.hour, c.minute, i);
        put_blob(f, behind, "1");
    }
    for (int round = 0; round < 60; round++) {
        int64_t from = begin - TICK_DAY + (int64_t) random_below(&random, 102 * TICK_DAY);
        int64_t to = from + (int64_t) random_below(&random, round % 2 ? TICK_DAY : 60 * TICK_DAY);
        int64_t seen[2] = {0, 0};
        int wanted = 0;
        for (int i = 0; i < BLOBS; i++)
            wanted += to > from && ticks[i] < to && ticks[i] + TICK_PARTITION > from;
        assert_true(lake_blobs(f->store, &place_of_tests, from, to, count, seen, &f->err));
        assert_int_equal(seen[1], wanted);
    }
    buf_release(&name);
}

static bool refuse(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) blob;
    ++*(int *) context;
    return error_set(err, ERROR_FORMAT, "enough");
}

static void a_call_back_ends_the_walk(void **state)
{
    struct fixture *f = *state;
    int calls = 0;
    put_blob(f, "y=2021/m=09/d=07/h=03/m=25/PT05M.json", "1");
    put_blob(f, "y=2021/m=09/d=08/h=03/m=25/PT05M.json", "1");
    assert_false(lake_blobs(f->store, &place_of_tests, 0, TICK_MAX, refuse, &calls, &f->err));
    assert_int_equal(calls, 1);
    assert_int_equal(f->err.code, ERROR_FORMAT);
}

static void totals_count_each_partition_once(void **state)
{
    struct fixture *f = *state;
    struct lake_totals totals;
    put_blob(f, "y=2021/m=09/d=07/h=03/m=00/PT1H.json", "123");
    put_blob(f, "y=2021/m=09/d=07/h=03/m=25/PT05M_weir.json", "12");
    put_blob(f, "y=2021/m=09/d=07/h=04/m=00/PT05M_weir.json", "1");
    put_blob(f, "y=2021/m=09/d=07/h=04/m=00/PT05M.json", "1");
    put_blob(f, "y=2021/m=09/d=08/h=04/m=00/PT05M.json", "1");
    assert_true(lake_blobs_total(f->store, &place_of_tests, 0, TICK_MAX, &totals, &f->err));
    assert_int_equal(totals.partitions, 12 + 1 + 1);
    assert_int_equal(totals.blobs[LAKE_BLOB_EXPORT], 2);
    assert_int_equal(totals.bytes[LAKE_BLOB_EXPORT], 3);
    assert_int_equal(totals.blobs[LAKE_BLOB_SERVICE], 3);
    assert_int_equal(totals.bytes[LAKE_BLOB_SERVICE], 5);
    assert_int_equal(totals.first, tick_of("2021-09-07T03:00"));
    assert_int_equal(totals.end, tick_of("2021-09-08T04:05"));
}

static const char *describe(struct fixture *f)
{
    struct lake_tables tables;
    error_clear(&f->err);
    if (!lake_tables_find(f->store, &tables, &f->err))
        fail_msg("%s", f->err.message);
    buf_reset(&f->text);
    for (size_t i = 0; i < tables.n; i++) {
        const struct lake_table *t = &tables.v[i];
        const char *id = t->resource_id ? strrchr(t->resource_id, '/') + 1 : "-";
        buf_printf(&f->text, "%s %s %.8s %s\n", t->container ? t->container : "-", id,
                   t->workspace_id ? t->workspace_id : "-", t->name ? t->name : "-");
    }
    lake_tables_release(&tables);
    return buf_text(&f->text);
}

static void update_schema(struct fixture *f, const struct lake_place *place)
{
    struct columns columns = {0};
    assert_true(columns_add(&columns, STR("TimeGenerated"), COLUMN_DATETIME, NULL));
    assert_true(lake_schema_update(f->store, place, NULL, &columns, NULL, &f->err));
    columns_release(&columns);
}

#define SERVICE_FOLDER                                                                             \
    "/WorkspaceResourceId=/subscriptions/s/resourcegroups/g/providers/"                            \
    "microsoft.operationalinsights/workspaces/"

static void tables_of_a_lake_are_found_with_their_true_names(void **state)
{
    struct fixture *f = *state;
    struct lake_place plain = place_of_tests;
    plain.table = "Syslog";
    put_blob(f, "y=2021/m=09/d=07/h=03/m=00/PT05M_weir.json", "1");
    put(f, "am-securityevent" SERVICE_FOLDER "soc/y=2021/m=09/d=07/h=03/m=00/PT05M.json", "1");
    put(f, "am-securityevent" SERVICE_FOLDER "lab/y=2021/m=09/d=07/h=03/m=00/PT05M.json", "1");
    put(f, "am-broken/y=2021/x.json", "1");
    put(f, "insights-logs/WorkspaceResourceId=/x", "1");
    update_schema(f, &place_of_tests);
    update_schema(f, &plain); /* nothing exported yet */
    assert_string_equal(describe(f), "- contoso 8ecf8077 Syslog\n"
                                     "am-okta-cl contoso 8ecf8077 Okta_CL\n"
                                     "am-securityevent lab - -\n"
                                     "am-securityevent soc - -\n");
}

static void a_schema_that_cannot_be_read_hides_nothing(void **state)
{
    struct fixture *f = *state;
    put_blob(f, "y=2021/m=09/d=07/h=03/m=00/PT05M_weir.json", "1");
    put(f, PLACE_OWN "/schema.json", "{");
    put(f, "weir/" PLACE_WORKSPACE "/empty/lock", "");
    put(f, "weir/notes/empty/schema.json", "");
    assert_string_equal(describe(f), "- - 8ecf8077 -\nam-okta-cl contoso - -\n");
}

static void a_container_in_another_form_is_found(void **state)
{
    struct fixture *f = *state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    assert_true(lake_container_find(f->store, "Okta_CL", &name, &f->err));
    assert_string_equal(buf_text(&name), "am-okta-cl");
    put(f, "am-Okta_CL/x", "1");
    assert_true(lake_container_find(f->store, "Okta_CL", &name, &f->err));
    assert_string_equal(buf_text(&name), "am-Okta_CL");
    put(f, "am-okta-cl/x", "1");
    assert_true(lake_container_find(f->store, "Okta_CL", &name, &f->err));
    assert_string_equal(buf_text(&name), "am-okta-cl");
    buf_release(&name);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(a_lake_that_is_not_there_holds_nothing),
        T(blobs_of_every_layout_come_in_order_of_time),
        T(a_range_takes_what_may_hold_its_rows),
        T(random_ranges_agree_with_the_blobs_that_were_put),
        T(a_call_back_ends_the_walk),
        T(totals_count_each_partition_once),
        T(tables_of_a_lake_are_found_with_their_true_names),
        T(a_schema_that_cannot_be_read_hides_nothing),
        T(a_container_in_another_form_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
