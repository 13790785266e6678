/* The plan: batches cover the waiting partitions, whole and in order, and stay under the ceilings. */
#include "export/plan.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct export_plan whole_ticks = {.grain = 1};

static struct export_options options_of(size_t partitions)
{
    struct export_options options = {0};
    options.source.from = 0;
    options.source.to = (int64_t) partitions * TICK_PARTITION;
    return options;
}

static void plan_of(struct export_plan *plan, const struct export_options *options)
{
    struct error err = ERROR_INIT;
    if (!export_plan_init(plan, options, 20, &err))
        fail_msg("%s", err.message);
}

static void fill(struct export_plan *plan, uint64_t rows, uint64_t bytes)
{
    for (size_t i = 0; i < plan->count; i++) {
        plan->parts[i].state = EXPORT_WAITING;
        plan->parts[i].counted.rows = rows;
        plan->parts[i].counted.bytes = bytes;
    }
    export_plan_total(plan);
}

static void small_partitions_share_a_batch(void **state)
{
    (void) state;
    struct export_options options = options_of(12);
    struct export_plan plan;
    plan_of(&plan, &options);
    fill(&plan, 10, 1000);
    struct export_batch batch;
    assert_true(export_plan_take(&plan, &batch));
    assert_int_equal(batch.count, 12);
    assert_true(batch.whole);
    assert_int_equal(batch.share.from, 0);
    assert_int_equal(batch.share.to, 12 * TICK_PARTITION);
    assert_int_equal(batch.share.parts, 1);
    assert_false(export_plan_take(&plan, &batch));
    export_plan_release(&plan);
}

static void settled_partitions_are_not_asked_for(void **state)
{
    (void) state;
    struct export_options options = options_of(5);
    struct export_plan plan;
    plan_of(&plan, &options);
    fill(&plan, 10, 1000);
    plan.parts[2].state = EXPORT_SETTLED;
    struct export_batch a, b;
    assert_true(export_plan_take(&plan, &a));
    assert_true(export_plan_take(&plan, &b));
    assert_int_equal(a.first, 0);
    assert_int_equal(a.count, 2);
    assert_int_equal(b.first, 3);
    assert_int_equal(b.count, 2);
    export_plan_release(&plan);
}

static void batch_rows_and_span_are_the_users(void **state)
{
    (void) state;
    struct export_options options = options_of(12);
    options.batch_rows = 25;
    struct export_plan plan;
    plan_of(&plan, &options);
    fill(&plan, 10, 100);
    struct export_batch batch;
    assert_true(export_plan_take(&plan, &batch));
    assert_int_equal(batch.count, 2);
    export_plan_release(&plan);

    options = options_of(12);
    options.batch_span = 3 * TICK_PARTITION;
    plan_of(&plan, &options);
    fill(&plan, 10, 100);
    assert_true(export_plan_take(&plan, &batch));
    assert_int_equal(batch.count, 3);
    export_plan_release(&plan);
}

/* Every waiting partition is in exactly one batch; no batch of several passes a ceiling. */
static void random_plans_cover_all_once_under_the_ceilings(void **state)
{
    (void) state;
    uint64_t seed = clock_ns();
    (void) printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    for (int round = 0; round < 50; round++) {
        struct export_options options = options_of(1 + random_below(&random, 600));
        struct export_plan plan;
        plan_of(&plan, &options);
        export_plan_learn(&plan, 1000, 500000, 400000 + random_below(&random, 800000));
        for (size_t i = 0; i < plan.count; i++) {
            plan.parts[i].state = random_below(&random, 4) ? EXPORT_WAITING : EXPORT_SETTLED;
            plan.parts[i].counted.rows = random_below(&random, 100000);
            plan.parts[i].counted.bytes = plan.parts[i].counted.rows * random_below(&random, 2000);
        }
        unsigned char *seen = calloc(plan.count, 1);
        struct export_batch batch;
        size_t last = 0;
        while (export_plan_take(&plan, &batch)) {
            uint64_t rows = 0, bytes = 0;
            assert_true(batch.count > 0 && batch.first >= last);
            last = batch.first + batch.count;
            for (size_t i = batch.first; i < last; i++) {
                assert_int_equal(plan.parts[i].state, EXPORT_UNDER_WAY);
                assert_int_equal(seen[i]++, 0);
                rows += plan.parts[i].counted.rows;
                bytes += plan.parts[i].counted.bytes;
            }
            if (batch.count > 1) {
                assert_true(rows <= EXPORT_CEILING_ROWS && bytes <= EXPORT_CEILING_BYTES);
                assert_true(export_plan_json(&plan, rows, bytes) <= EXPORT_CEILING_JSON);
            }
        }
        for (size_t i = 0; i < plan.count; i++)
            assert_int_equal(seen[i], plan.parts[i].state == EXPORT_UNDER_WAY);
        free(seen);
        export_plan_release(&plan);
    }
}

/* Splitting until nothing splits: the leaves are disjoint and together the whole. */
static uint64_t leaves_cover(const struct export_batch *batch, int depth)
{
    struct export_batch a, b;
    if (depth == 0 || !export_plan_split(&whole_ticks, batch, true, &a, &b)) {
        uint64_t ticks = (uint64_t) (batch->share.to - batch->share.from);
        return batch->share.parts == 1 ? ticks : 0;
    }
    assert_int_equal(a.share.from, batch->share.from);
    assert_int_equal(b.share.to, batch->share.to);
    if (a.share.parts == batch->share.parts) {
        assert_int_equal(a.share.to, b.share.from);
        assert_true(a.share.to > a.share.from && b.share.to > b.share.from);
    } else {
        assert_int_equal(a.share.parts, 2 * batch->share.parts);
        assert_int_equal(a.share.part, batch->share.part);
        assert_int_equal(b.share.part, batch->share.part + batch->share.parts);
    }
    return leaves_cover(&a, depth - 1) + leaves_cover(&b, depth - 1);
}

static void splits_lose_nothing(void **state)
{
    (void) state;
    struct export_batch batch = {
        .share = {.from = 0, .to = 7 * TICK_PARTITION, .parts = 1}, .count = 7, .whole = true};
    assert_int_equal(leaves_cover(&batch, 10), 7 * TICK_PARTITION);
}

static void a_single_tick_is_split_by_hash(void **state)
{
    (void) state;
    struct export_batch tick = {
        .share = {.from = 5, .to = 6, .parts = 1}, .count = 1, .whole = true};
    struct export_batch a, b, c, d;
    assert_true(export_plan_split(&whole_ticks, &tick, false, &a, &b));
    assert_false(a.whole);
    assert_int_equal(a.share.parts, 2);
    assert_true(export_plan_split(&whole_ticks, &b, false, &c, &d));
    assert_int_equal(c.share.parts, 4);
    assert_int_equal(c.share.part, 1);
    assert_int_equal(d.share.part, 3);
}

static void a_partition_over_the_ceiling_needs_shares(void **state)
{
    (void) state;
    struct export_options options = options_of(1);
    struct export_plan plan;
    plan_of(&plan, &options);
    fill(&plan, 700000, 1000);
    assert_int_equal(export_plan_shares(&plan, 0), 2);
    plan.parts[0].counted.rows = 1;
    assert_int_equal(export_plan_shares(&plan, 0), 1);
    export_plan_release(&plan);
}

static void rows_are_split_by_a_hash_that_cuts_evenly(void **state)
{
    (void) state;
    struct export_batch batch = {
        .share = {.from = 0, .to = TICK_PARTITION, .parts = 1}, .count = 1, .whole = true};
    struct export_batch a, b;
    assert_true(export_plan_split(&whole_ticks, &batch, false, &a, &b));
    assert_int_equal(a.share.parts, 2);
    assert_int_equal(a.share.to, TICK_PARTITION);
    assert_int_equal(b.share.part, 1);
}

/* Six and a half full batches for five lanes are ten of the same size, not six full ones and a half. */
static void the_lanes_end_together(void **state)
{
    (void) state;
    struct export_options options = options_of(650);
    struct export_plan plan;
    plan_of(&plan, &options);
    export_plan_learn(&plan, 1000, 500000, 900000);
    fill(&plan, 4900, 100000);
    struct export_batch batch;
    for (int i = 0; i < 10; i++) {
        assert_true(export_plan_take(&plan, &batch));
        assert_int_equal(batch.count, 65);
    }
    assert_false(export_plan_take(&plan, &batch));
    export_plan_release(&plan);
}

static void a_refusal_tells_where_the_ceiling_is(void **state)
{
    (void) state;
    struct export_options options = options_of(8);
    struct export_plan plan;
    plan_of(&plan, &options);
    plan.learned = true;
    fill(&plan, 100, 1000);
    struct export_batch batch;
    assert_true(export_plan_take(&plan, &batch));
    assert_int_equal(batch.count, 8);
    assert_true(export_plan_fits(&plan, &batch));
    export_plan_ceiling(&plan, &batch, WORKSPACE_CEILING_ROWS, 250);
    assert_false(export_plan_fits(&plan, &batch));
    export_plan_return(&plan, &batch);
    for (int i = 0; i < 4; i++) {
        assert_true(export_plan_take(&plan, &batch));
        assert_int_equal(batch.count, 2);
    }
    assert_false(export_plan_take(&plan, &batch));
    export_plan_release(&plan);
}

static void an_answer_that_was_too_large_was_dearer_than_thought(void **state)
{
    (void) state;
    struct export_options options = options_of(2);
    struct export_plan plan;
    plan_of(&plan, &options);
    plan.learned = true;
    fill(&plan, 100, 1000);
    struct export_batch batch;
    assert_true(export_plan_take(&plan, &batch));
    export_plan_ceiling(&plan, &batch, WORKSPACE_CEILING_JSON, 1000000);
    assert_true(export_plan_json(&plan, 200, 2000) > 1000000);
    assert_false(export_plan_fits(&plan, &batch));
    export_plan_release(&plan);
}

static void costs_are_learned(void **state)
{
    (void) state;
    struct export_options options = options_of(1);
    struct export_plan plan;
    plan_of(&plan, &options);
    export_plan_learn(&plan, 1000, 1000000, 3000000);
    assert_in_range(export_plan_json(&plan, 1000, 1000000), 2999000, 3001000);
    export_plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_partitions_share_a_batch),
        cmocka_unit_test(settled_partitions_are_not_asked_for),
        cmocka_unit_test(batch_rows_and_span_are_the_users),
        cmocka_unit_test(random_plans_cover_all_once_under_the_ceilings),
        cmocka_unit_test(splits_lose_nothing),
        cmocka_unit_test(a_single_tick_is_split_by_hash),
        cmocka_unit_test(a_partition_over_the_ceiling_needs_shares),
        cmocka_unit_test(rows_are_split_by_a_hash_that_cuts_evenly),
        cmocka_unit_test(the_lanes_end_together),
        cmocka_unit_test(a_refusal_tells_where_the_ceiling_is),
        cmocka_unit_test(an_answer_that_was_too_large_was_dearer_than_thought),
        cmocka_unit_test(costs_are_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
