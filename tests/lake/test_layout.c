/* Names are what the continuous export has, read back in every form, and never leave the lake. */
#include "lake/layout.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SUBSCRIPTION "/subscriptions/0a1b2c3d-0000-1111-2222-333344445555"
#define RESOURCE                                                                                   \
    SUBSCRIPTION "/resourceGroups/SOC-Prod/providers/Microsoft.OperationalInsights/workspaces/"    \
                 "Contoso-Sec"
#define FOLDER                                                                                     \
    "am-commonsecuritylog/WorkspaceResourceId=" SUBSCRIPTION                                       \
    "/resourcegroups/soc-prod/providers/microsoft.operationalinsights/workspaces/contoso-sec"

static const struct lake_place place = {.workspace_id = "8ECF8077-CF51-4820-AADD-14040956F35D",
                                        .resource_id = RESOURCE,
                                        .table = "CommonSecurityLog"};

static int64_t at(const char *text)
{
    int64_t tick;
    assert_true(tick_parse(str_of(text), &tick));
    return tick;
}

static void names_are_those_of_the_continuous_export(void **state)
{
    (void) state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct error err = ERROR_INIT;
    assert_true(lake_place_check(&place, &err));
    lake_table_prefix(&name, &place);
    assert_string_equal(buf_text(&name), FOLDER);
    lake_partition_prefix(&name, &place, at("2021-11-07T03:09:59.9999999Z"));
    assert_string_equal(buf_text(&name), FOLDER "/y=2021/m=11/d=07/h=03/m=05");
    lake_export_name(&name, &place, at("2021-01-02T23:55:00Z"), 0);
    assert_string_equal(buf_text(&name), FOLDER "/y=2021/m=01/d=02/h=23/m=55/PT05M_weir.json");
    lake_own_prefix(&name, &place);
    assert_string_equal(buf_text(&name),
                        "weir/8ecf8077-cf51-4820-aadd-14040956f35d/commonsecuritylog");
    lake_own_name(&name, &place, "schema.json");
    assert_string_equal(buf_text(&name),
                        "weir/8ecf8077-cf51-4820-aadd-14040956f35d/commonsecuritylog/schema.json");
    buf_release(&name);
}

static void a_container_has_63_plain_characters_at_most(void **state)
{
    (void) state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_container(&name, "Okta_CL");
    assert_string_equal(buf_text(&name), "am-okta-cl");
    lake_container(&name, "A23456789012345678901234567890123456789012345678901234567890XYZ");
    assert_string_equal(buf_text(&name),
                        "am-a23456789012345678901234567890123456789012345678901234567890");
    assert_int_equal(name.used, LAKE_CONTAINER_MAX);
    buf_release(&name);
}

static void a_container_that_is_there_in_another_form_is_used(void **state)
{
    (void) state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    struct lake_place other = place;
    other.container = "am-CommonSecurityLog";
    assert_true(lake_place_check(&other, NULL));
    lake_table_prefix(&name, &other);
    assert_true(str_starts(buf_str(&name), STR("am-CommonSecurityLog/WorkspaceResourceId=/")));
    other.container = "weir";
    assert_false(lake_place_check(&other, NULL));
    other.container = "../up";
    assert_false(lake_place_check(&other, NULL));
    buf_release(&name);
}

static void hostile_tables_are_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",     ".",   "..",     "a/b",         "../../etc/passwd", "1abc", "a b",
        "a\nb", "a-b", "T;drop", "caf\xc3\xa9", "a\x1b[2J",         NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lake_place p = place;
        struct error err = ERROR_INIT;
        p.table = bad[i];
        assert_false(lake_place_check(&p, &err));
        assert_int_equal(err.code, ERROR_SETTINGS);
    }
    char lengthy[LAKE_TABLE_MAX + 2];
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    struct lake_place p = place;
    p.table = lengthy;
    assert_false(lake_place_check(&p, NULL));
    p.table = lengthy + 1;
    assert_true(lake_place_check(&p, NULL));
}

static void hostile_resource_ids_are_refused(void **state)
{
    (void) state;
#define WITH(group, name)                                                                          \
    SUBSCRIPTION "/resourcegroups/" group                                                          \
                 "/providers/microsoft.operationalinsights/workspaces/" name
    static const char *const bad[] = {
        "",
        "/",
        "subscriptions/x",
        SUBSCRIPTION,
        WITH("..", "w"),
        WITH(".", "w"),
        WITH("", "w"),
        WITH("g", ".."),
        WITH("g", ""),
        WITH("g", "w/"),
        WITH("g", "w/x"),
        WITH("g\n", "w"),
        WITH("g\x7f", "w"),
        WITH("g\xc2\x9b", "w"),
        WITH("g\xff", "w"),
        WITH("g=1", "w"),
        WITH("g'", "w"),
        WITH("g.", "w"),
        "/subscriptions/x/resourcegroups/g/providers/microsoft.storage/"
        "workspaces/w",
        NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lake_place p = place;
        struct error err = ERROR_INIT;
        p.resource_id = bad[i];
        assert_false(lake_place_check(&p, &err));
        assert_int_equal(err.code, ERROR_SETTINGS);
    }
    struct lake_place p = place;
    p.resource_id = WITH("Gruppe-\xc3\xa4_(1).x", "w");
    assert_true(lake_place_check(&p, NULL));
    p.workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35";
    assert_false(lake_place_check(&p, NULL));
    p.workspace_id = "../../../../../../../../../../../../";
    assert_false(lake_place_check(&p, NULL));
}

static void the_longest_names_fit(void **state)
{
    (void) state;
    char group[361], id[800], table[LAKE_TABLE_MAX + 1];
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    memset(group, 'g', 360);
    group[360] = '\0';
    memset(table, 't', LAKE_TABLE_MAX);
    table[LAKE_TABLE_MAX] = '\0';
    (void) snprintf(id, sizeof id,
                    "/subscriptions/%.64s/resourcegroups/%s/providers/"
                    "microsoft.operationalinsights/workspaces/%.64s",
                    group, group, group);
    struct lake_place p = {.workspace_id = place.workspace_id, .resource_id = id, .table = table};
    assert_true(lake_place_check(&p, NULL));
    lake_export_name(&name, &p, TICK_MAX, LAKE_NUMBER_MAX);
    assert_true(buf_ok(&name, "name", NULL));
    lake_own_name(&name, &p, "ledger/00000001.jsonl");
    assert_true(buf_ok(&name, "name", NULL));
    buf_release(&name);
}

static void each_form_of_a_blob_is_read_back(void **state)
{
    (void) state;
    static const struct {
        const char *name, *time;
        int64_t span;
        enum lake_blob_kind kind;
        uint32_t number;
    } good[] = {
#define DAY "y=2021/m=11/d=07/h=03/m=05/"
#define TIME "2021-11-07T03:05:00Z"
        {DAY "PT05M.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT5M.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_1.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT5M_12.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_weir.json", TIME, TICK_PARTITION, LAKE_BLOB_EXPORT, 0},
        {DAY "PT05M_weir_2.json", TIME, TICK_PARTITION, LAKE_BLOB_EXPORT, 2},
        {DAY "PT05M_weir_999999.json", TIME, TICK_PARTITION, LAKE_BLOB_EXPORT, LAKE_NUMBER_MAX},
        {DAY "PT05M_weir_1.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_weir_02.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_weir_.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_weir2.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_weir_1000000.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_weir_18446744073709551618.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_0123456789ab.json", TIME, TICK_PARTITION, LAKE_BLOB_IMPORT, 0},
        {DAY "PT05M_0123456789AB.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "PT05M_0123456789abc.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {DAY "part-00000-a1.c000.json", TIME, TICK_PARTITION, LAKE_BLOB_OTHER, 0},
        {"/" DAY "PT05M.json", TIME, TICK_PARTITION, LAKE_BLOB_SERVICE, 0},
        {"y=2021/m=9/d=7/h=3/m=5/part-0.json", "2021-09-07T03:05:00Z", TICK_PARTITION,
         LAKE_BLOB_OTHER, 0},
        {"year=2021/month=9/day=7/hour=3/minute=0/part-0.json", "2021-09-07T03:00:00Z",
         TICK_PARTITION, LAKE_BLOB_OTHER, 0},
        {"y=2021/m=09/d=07/h=03/m=00/PT1H.json", "2021-09-07T03:00:00Z", TICK_HOUR,
         LAKE_BLOB_SERVICE, 0},
        {"y=2024/m=02/d=29/h=23/m=55/PT05M.json", "2024-02-29T23:55:00Z", TICK_PARTITION,
         LAKE_BLOB_SERVICE, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t tick = -1, span = -1;
        enum lake_blob_kind kind = LAKE_BLOB_KIND_COUNT;
        uint32_t number = LAKE_NUMBER_MAX;
        if (!lake_parse_name(str_of(good[i].name), &tick, &span, &kind, &number))
            fail_msg("%s is not read", good[i].name);
        assert_int_equal(tick, at(good[i].time));
        assert_int_equal(span, good[i].span);
        assert_int_equal(kind, good[i].kind);
        assert_int_equal(number, good[i].number);
    }
}

static void what_is_no_blob_of_rows_is_not_read(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "PT05M.json",
        "y=2021/m=11/d=07/h=03/PT05M.json",
        "y=2021/m=11/d=07/h=03/m=05/x/PT05M.json",
        "y=2021/m=11/d=07/h=03/m=05/PT05M.json/",
        "y=2021/m=11/d=07/h=03/m=05/",
        "y=2021/m=13/d=07/h=03/m=05/PT05M.json",
        "y=2021/m=02/d=29/h=03/m=05/PT05M.json",
        "y=2021/m=00/d=07/h=03/m=05/PT05M.json",
        "y=0/m=11/d=07/h=03/m=05/PT05M.json",
        "y=2021/m=11/d=07/h=24/m=05/PT05M.json",
        "y=2021/m=11/d=07/h=03/m=60/PT05M.json",
        "y=2021/m=11/d=07/h=03/m=07/PT05M.json",
        "y=2021/m=11/d=07/h=03/m=05/PT1H.json",
        "y=2021/m=11/d=07/h=03/m=05/PT05M.json.gz",
        "y=2021/m=11/d=07/h=03/m=05/_SUCCESS",
        "y=2021/m=11/d=07/h=03/m=05/data.json",
        "y=2021/m=11/d=07/h=03/m=05/weir.json",
        "y=2021/m=1 1/d=07/h=03/m=05/PT05M.json",
        "y=2021/m=-1/d=07/h=03/m=05/PT05M.json",
        "y=2021/m=/d=07/h=03/m=05/PT05M.json",
        "y=2021/=11/d=07/h=03/m=05/PT05M.json",
        "2021/11/07/03/05/PT05M.json",
        "y=00002021/m=11/d=07/h=03/m=05/PT05M.json",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t tick, span;
        enum lake_blob_kind kind;
        uint32_t number;
        if (lake_parse_name(str_of(bad[i]), &tick, &span, &kind, &number))
            fail_msg("%s is read", bad[i]);
    }
}

static void every_export_name_is_read_back(void **state)
{
    (void) state;
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    size_t skip = strlen(FOLDER);
    for (int64_t t = at("2023-12-30"); t < at("2024-03-02"); t += TICK_PARTITION) {
        int64_t tick, span;
        enum lake_blob_kind kind;
        uint32_t number;
        uint32_t want = (uint32_t) (t / TICK_PARTITION % 12);
        want = want == 1 ? LAKE_NUMBER_MAX : want;
        lake_export_name(&name, &place, t + 1234567, want);
        assert_true(lake_parse_name((struct str){name.bytes + skip, name.used - skip}, &tick, &span,
                                    &kind, &number));
        assert_int_equal(tick, t);
        assert_int_equal(kind, LAKE_BLOB_EXPORT);
        assert_int_equal(number, want);
    }
    buf_release(&name);
}

/* What a list of prefixes covers, hour by hour. */
struct cover {
    int64_t from;
    unsigned char *hours; /* times each hour is covered */
    size_t n;
    size_t prefixes;
    int64_t last;
};

/* The range of a folder y=../m=../d=../h=.. by counting hours, not by the code under test. */
static bool covers(struct tick_civil hour, const int *levels, size_t n)
{
    const int is[] = {hour.year, hour.month, hour.day, hour.hour};
    for (size_t i = 0; i < n; i++)
        if (is[i] != levels[i])
            return false;
    return true;
}

static bool note_prefix(void *context, const char *prefix, struct error *err)
{
    (void) err;
    struct cover *cover = context;
    int v[4];
    assert_true(str_starts(str_of(prefix), STR(FOLDER "/y=")));
    int n = sscanf(prefix + strlen(FOLDER), "/y=%4d/m=%2d/d=%2d/h=%2d", &v[0], &v[1], &v[2], &v[3]);
    assert_true(n >= 1);
    int64_t first = -1;
    for (size_t i = 0; i < cover->n; i++) {
        int64_t hour = cover->from + (int64_t) i * TICK_HOUR;
        if (covers(tick_civil(hour), v, (size_t) n)) {
            cover->hours[i]++;
            first = first < 0 ? hour : first;
        }
    }
    assert_true(first > cover->last); /* in order, and none for nothing */
    cover->last = first;
    cover->prefixes++;
    return true;
}

static void prefixes_cover_just_the_hours_of_a_range(void **state)
{
    (void) state;
    enum { WINDOW = 3 * 366 * 24 };
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    struct cover cover = {.from = at("2019-06-01"), .n = WINDOW};
    cover.hours = malloc(WINDOW);
    assert_non_null(cover.hours);
    static const int64_t spans[] = {1, TICK_HOUR, 3 * TICK_DAY, 70 * TICK_DAY, 800 * TICK_DAY};
    for (int round = 0; round < 60; round++) {
        int64_t span = (int64_t) random_below(&random, (uint64_t) spans[round % 5] + 1);
        int64_t from = cover.from + TICK_DAY + (int64_t) random_below(&random, 200 * TICK_DAY);
        if (random_below(&random, 3) == 0)
            from = tick_floor(from, TICK_DAY);
        memset(cover.hours, 0, WINDOW);
        cover.prefixes = 0;
        cover.last = -1;
        assert_true(lake_prefixes(&place, from, from + span, note_prefix, &cover, NULL));
        for (size_t i = 0; i < cover.n; i++) {
            int64_t hour = cover.from + (int64_t) i * TICK_HOUR;
            bool wanted = span > 0 && hour < from + span && hour + TICK_HOUR > from;
            assert_int_equal(cover.hours[i], wanted);
        }
        assert_true(cover.prefixes <= 2 * (23 + 30 + 11) + 3);
    }
    free(cover.hours);
}

static bool note_text(void *context, const char *prefix, struct error *err)
{
    (void) err;
    buf_puts(context, prefix + strlen(FOLDER));
    buf_putc(context, '\n');
    return true;
}

static bool refuse_text(void *context, const char *prefix, struct error *err)
{
    (void) context;
    (void) prefix;
    return error_set(err, ERROR_FORMAT, "enough");
}

static void prefixes_are_as_few_as_can_be(void **state)
{
    (void) state;
    struct buf text = BUF_INIT(1 << 20);
    struct error err = ERROR_INIT;
    assert_true(lake_prefixes(&place, at("2020-12-30T22:30"), at("2022-02-02T01:00"), note_text,
                              &text, NULL));
    assert_string_equal(buf_text(&text), "/y=2020/m=12/d=30/h=22\n/y=2020/m=12/d=30/h=23\n"
                                         "/y=2020/m=12/d=31\n/y=2021\n/y=2022/m=01\n"
                                         "/y=2022/m=02/d=01\n/y=2022/m=02/d=02/h=00\n");
    buf_reset(&text);
    assert_true(lake_prefixes(&place, 0, TICK_MAX, note_text, &text, NULL));
    assert_true(str_ends(buf_str(&text), STR("/y=9999\n")));
    buf_reset(&text);
    assert_true(lake_prefixes(&place, at("2021-01-02"), at("2021-01-01"), note_text, &text, NULL));
    assert_string_equal(buf_text(&text), "");
    assert_false(lake_prefixes(&place, 0, TICK_HOUR, refuse_text, NULL, &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    buf_release(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_continuous_export),
        cmocka_unit_test(a_container_has_63_plain_characters_at_most),
        cmocka_unit_test(a_container_that_is_there_in_another_form_is_used),
        cmocka_unit_test(hostile_tables_are_refused),
        cmocka_unit_test(hostile_resource_ids_are_refused),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(each_form_of_a_blob_is_read_back),
        cmocka_unit_test(what_is_no_blob_of_rows_is_not_read),
        cmocka_unit_test(every_export_name_is_read_back),
        cmocka_unit_test(prefixes_cover_just_the_hours_of_a_range),
        cmocka_unit_test(prefixes_are_as_few_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
