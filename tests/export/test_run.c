/* A whole export against a workspace that is played: whatever happens on the way, it ends with the very bytes that the
 * rows stand for, or with the list of what is missing. */
#include "export/export.h"
#include "fake_workspace.h"

#include "../store/folder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { HOURS = 3, CAMPAIGN = 300 }; /* exports; WEIR_CAMPAIGN for more */

static const struct lake_place place = {
    .workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35d",
    .resource_id =
        "/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/w",
    .table = "T",
};

struct lake {
    struct folder folder;
    struct store *store;
    struct workspace fake;
    struct export_options options;
    struct export_report report;
};

static int64_t begin_of_range(void)
{
    int64_t tick = 0;
    assert_true(tick_parse(STR("2021-11-07T00:00:00Z"), &tick));
    return tick;
}

static void lake_begin(struct lake *lake, uint64_t seed, size_t rows)
{
    *lake = (struct lake){0};
    assert_true(folder_make(&lake->folder));
    struct error err = ERROR_INIT;
    lake->store = store_open(lake->folder.lake, &err);
    assert_non_null(lake->store);
    int64_t from = begin_of_range(), to = from + HOURS * TICK_HOUR;
    fake_init(&lake->fake, seed, rows, from, to);
    lake->options = (struct export_options){
        .workspace = &lake->fake,
        .store = lake->store,
        .source = {.place = place, .from = from, .to = to},
        .run = "11111111-2222-4333-8444-555555555555",
        .identity = "nobody",
    };
}

static void lake_end(struct lake *lake)
{
    export_report_release(&lake->report);
    store_free(lake->store);
    fake_release(&lake->fake);
    folder_remove_tree(lake->folder.path);
}

static bool run(struct lake *lake, struct error *err)
{
    export_report_release(&lake->report);
    fake_forget(&lake->fake);
    error_clear(err);
    return export_run(&lake->options, &lake->report, err);
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The bytes that a partition must have; lines of one tick in order of their bytes. */
static void expected_bytes(const struct workspace *fake, int64_t tick, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < fake->count;) {
        size_t end = i;
        while (end < fake->count && fake->rows[end].tick == fake->rows[i].tick)
            end++;
        if (fake->rows[i].tick >= tick && fake->rows[i].tick < tick + TICK_PARTITION) {
            char **lines = calloc(end - i, sizeof *lines);
            for (size_t k = i; k < end; k++) {
                char time[TICK_TEXT_MAX], item[17], line[160];
                (void) tick_format(fake->rows[k].tick, time);
                fake_item(fake->rows[k].id, item);
                (void) snprintf(line, sizeof line,
                                "{\"TimeGenerated\":\"%s\",\"Payload\":%llu,\"_ItemId\":\"%s\"}\n",
                                time, (unsigned long long) (fake->rows[k].id % 1000), item);
                lines[k - i] = strdup(line);
            }
            qsort(lines, end - i, sizeof *lines, by_line);
            for (size_t k = 0; k < end - i; k++) {
                buf_puts(out, lines[k]);
                free(lines[k]);
            }
            free(lines);
        }
        i = end;
    }
}

static void assert_lake_is_whole(struct lake *lake)
{
    struct buf want = BUF_INIT(64 << 20), got = BUF_INIT(64 << 20), name = BUF_INIT(LAKE_NAME_MAX);
    struct error err = ERROR_INIT;
    for (int64_t tick = lake->options.source.from; tick < lake->options.source.to;
         tick += TICK_PARTITION) {
        expected_bytes(&lake->fake, tick, &want);
        lake_export_name(&name, &place, tick);
        buf_reset(&got);
        bool there = store_get(lake->store, buf_text(&name), &got, &err);
        assert_int_equal(there, want.used > 0);
        error_clear(&err);
        assert_int_equal(got.used, want.used);
        if (want.used > 0)
            assert_memory_equal(got.bytes, want.bytes, want.used);
    }
    buf_release(&want);
    buf_release(&got);
    buf_release(&name);
}

static void an_undisturbed_export_is_whole(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 1, 2000);
    if (!run(&lake, &err))
        fail_msg("%s", err.message);
    assert_int_equal(lake.report.failed_count, 0);
    assert_int_equal(lake.report.rows, 2000);
    assert_int_equal(lake.report.rows_verified, 2000);
    assert_int_equal(lake.report.proof, LAKE_PROOF_SUM);
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

static void what_is_verified_is_not_asked_for_again(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 2, 500);
    assert_true(run(&lake, &err));
    uint64_t answered = lake.fake.answered;
    assert_true(run(&lake, &err));
    assert_int_equal(lake.fake.answered, answered);
    assert_int_equal(lake.report.skipped, lake.report.partitions);
    assert_int_equal(lake.report.rows_verified, 500);
    lake_end(&lake);
}

static void refresh_fetches_all_again(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 3, 500);
    assert_true(run(&lake, &err));
    lake.options.refresh = true;
    assert_true(run(&lake, &err));
    assert_int_equal(lake.report.skipped, 0);
    assert_int_equal(lake.report.rows, 500);
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

static void a_burst_in_one_tick_is_cut_by_hash(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 4, 3000);
    lake.fake.max_rows = 100; /* a quarter of the rows share one tick */
    assert_true(run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

static void counts_are_asked_in_windows_that_halve(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 5, 300);
    lake.fake.max_window = 2 * TICK_PARTITION;
    assert_true(run(&lake, &err));
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

static void rows_that_never_come_are_listed(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 6, 400);
    lake.fake.lying = 1;
    assert_true(run(&lake, &err));
    assert_true(lake.report.failed_count > 0);
    assert_int_equal(lake.report.failed_listed, lake.report.failed_count);
    for (size_t i = 0; i < lake.report.failed_listed; i++) {
        assert_int_equal(lake.report.failed[i].verdict, EXPORT_VERDICT_CHANGED);
        assert_int_equal(lake.report.failed[i].rows, lake.report.failed[i].rows_expected);
        assert_true(lake.report.failed[i].tries == EXPORT_PARTITION_TRIES &&
                    lake.report.failed[i].reasons[0]);
    }
    lake.fake.lying = 0;
    assert_true(run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

/* A partition that is fetched in dozens of shares must have a fair chance to come through whole, or no run ends:
 * faults together at most at 30 %, what no exporter could see but by sums at 1 %. */
static void disturb(struct workspace *fake, struct random *random)
{
    fake->max_rows = random_below(random, 2) ? 60 + random_below(random, 400) : 0;
    fake->max_window = random_below(random, 2) ? TICK_HOUR : 0;
    fake->broken = random_unit(random) * 0.1;
    fake->throttled = random_unit(random) * 0.1;
    fake->timeout = random_unit(random) * 0.1;
    fake->lying = random_unit(random) * 0.01;
    fake->interrupted = random_unit(random) * 0.02;
}

static uint64_t campaign(void)
{
    const char *text = getenv("WEIR_CAMPAIGN");
    uint64_t exports;
    return text && str_uint64(str_of(text), &exports) ? exports : CAMPAIGN;
}

/* Faults of every kind and interruptions; the same command again until it is done. */
static void faults_and_interruptions_change_no_byte(void **state)
{
    (void) state;
    uint64_t seed = clock_ns();
    (void) printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    for (uint64_t i = 0; i < campaign(); i++) {
        struct lake lake;
        struct error err = ERROR_INIT;
        lake_begin(&lake, random_next(&random), random_below(&random, 1500));
        lake.options.batch_rows = random_below(&random, 2) ? 10 + random_below(&random, 300) : 0;
        lake.options.queries = 1 + (unsigned) random_below(&random, 5);
        lake.options.memory = random_below(&random, 2) ? 1 << 16 : 0;
        disturb(&lake.fake, &random);
        bool whole = false;
        for (int tries = 0; !whole && tries < 200; tries++) {
            bool ended = run(&lake, &err);
            if (!ended)
                assert_int_equal(err.code, ERROR_INTERRUPTED);
            whole = ended && lake.report.failed_count == 0;
        }
        assert_true(whole);
        assert_lake_is_whole(&lake);
        lake_end(&lake);
    }
}

static void a_changed_workspace_is_found_by_verify(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 8, 200);
    assert_true(run(&lake, &err));
    export_report_release(&lake.report);
    if (!export_verify(&lake.options, &lake.report, &err))
        fail_msg("%s", err.message);
    assert_int_equal(lake.report.failed_count, 0);
    lake.fake.rows[7].id++;
    export_report_release(&lake.report);
    assert_true(export_verify(&lake.options, &lake.report, &err));
    assert_int_equal(lake.report.failed_count, 1);
    assert_int_equal(lake.report.failed[0].verdict, EXPORT_VERDICT_CHANGED);
    assert_int_equal(lake.report.failed[0].partition,
                     tick_floor(lake.fake.rows[7].tick, TICK_PARTITION));
    lake.fake.rows[7].id--;
    lake.fake.count--;
    export_report_release(&lake.report);
    assert_true(export_verify(&lake.options, &lake.report, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_int_equal(lake.report.outlived, 1);
    lake_end(&lake);
}

/* Rows that age out of the workspace stay in the lake, whatever is asked for. */
static void what_the_workspace_no_longer_has_is_kept(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 9, 400);
    assert_true(run(&lake, &err));
    size_t all = lake.fake.count;
    lake.options.refresh = true;
    lake.fake.count = all / 2;
    assert_true(run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_true(lake.report.outlived > 0);
    assert_int_equal(lake.report.rows_verified, 400);
    lake.fake.count = all;
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

static void an_outage_ends_with_a_list(void **state)
{
    (void) state;
    struct lake lake;
    struct error err = ERROR_INIT;
    lake_begin(&lake, 10, 400);
    lake.fake.timeout = 1;
    assert_true(run(&lake, &err));
    assert_true(lake.report.failed_count > 0);
    assert_true(lake.fake.asked < 5000);
    lake.fake.timeout = 0;
    assert_true(run(&lake, &err));
    assert_int_equal(lake.report.failed_count, 0);
    assert_lake_is_whole(&lake);
    lake_end(&lake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_undisturbed_export_is_whole),
        cmocka_unit_test(what_is_verified_is_not_asked_for_again),
        cmocka_unit_test(refresh_fetches_all_again),
        cmocka_unit_test(a_burst_in_one_tick_is_cut_by_hash),
        cmocka_unit_test(counts_are_asked_in_windows_that_halve),
        cmocka_unit_test(rows_that_never_come_are_listed),
        cmocka_unit_test(what_the_workspace_no_longer_has_is_kept),
        cmocka_unit_test(an_outage_ends_with_a_list),
        cmocka_unit_test(faults_and_interruptions_change_no_byte),
        cmocka_unit_test(a_changed_workspace_is_found_by_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
