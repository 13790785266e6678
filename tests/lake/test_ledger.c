/* The ledger keeps the latest line of each partition, and survives. Its damage: test_damage.c. */
#include "lake/ledger.h"

#include "base/memory.h"
#include "base/random.h"

#include "place.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SEGMENT(n) PLACE_OWN "/ledger/0000000" #n ".jsonl"

static struct lake_run run_named(const char *id)
{
    struct lake_run run = {.id = id,
                           .by = "weir 0.1.0",
                           .identity = "an \"app\"\n\xf0\x9f\x8c\x8a",
                           .access = LAKE_ACCESS_CONDITIONAL,
                           .started = tick_of("2021-11-18T09:00:00.1234567Z"),
                           .t0 = tick_of("2021-11-18T08:45:00.1234567Z"),
                           .settle = 15 * TICK_MINUTE,
                           .from = tick_of("2021-11-01"),
                           .to = tick_of("2021-11-18")};
    (void) snprintf(run.columns, sizeof run.columns, "%064d", 7);
    return run;
}

/* An entry whose every field follows from two numbers. */
static struct lake_entry entry_of(int64_t partition, uint64_t n)
{
    struct lake_entry entry = {.partition = partition,
                               .at = tick_of("2021-11-18") + (int64_t) n,
                               .rows_expected = n,
                               .sum_expected = n * UINT64_C(0x9e3779b97f4a7c15),
                               .rows = n,
                               .sum = n * UINT64_C(0x9e3779b97f4a7c15),
                               .bytes = n * 900,
                               .proof = LAKE_PROOF_SUM,
                               .verdict = n % 7 ? LAKE_VERDICT_VERIFIED : LAKE_VERDICT_UNVERIFIED};
    for (size_t i = 0; n > 0 && i < sizeof entry.sha256; i++)
        entry.sha256[i] = (unsigned char) (n >> i % 8);
    return entry;
}

static struct lake_ledger *open_ledger(struct fixture *f)
{
    error_clear(&f->err);
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger)
        fail_msg("%s", f->err.message);
    return ledger;
}

static struct lake_ledger *begun(struct fixture *f, const char *id)
{
    struct lake_ledger *ledger = open_ledger(f);
    struct lake_run run = run_named(id);
    assert_true(lake_ledger_begin(ledger, &run, &f->err));
    return ledger;
}

static void add(struct fixture *f, struct lake_ledger *ledger, const char *partition, uint64_t n)
{
    struct lake_entry entry = entry_of(tick_of(partition), n);
    if (!lake_ledger_add(ledger, &entry, &f->err))
        fail_msg("%s", f->err.message);
}

static void same_entry(const struct lake_entry *a, const struct lake_entry *b)
{
    assert_non_null(a);
    assert_int_equal(a->partition, b->partition);
    assert_int_equal(a->at, b->at);
    assert_true(a->rows_expected == b->rows_expected && a->sum_expected == b->sum_expected);
    assert_true(a->rows == b->rows && a->sum == b->sum && a->bytes == b->bytes);
    assert_memory_equal(a->sha256, b->sha256, sizeof a->sha256);
    assert_int_equal(a->proof, b->proof);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->has_md5, b->has_md5);
    assert_memory_equal(a->md5, b->md5, sizeof a->md5);
    assert_int_equal(a->joined, b->joined);
    assert_true(a->beside_rows == b->beside_rows && a->beside_sum == b->beside_sum);
    assert_true(a->doubled == b->doubled && a->beside_bytes == b->beside_bytes);
}

/* Three segments, two runs: 2 lines, 1 line, 1 line that replaces the first. */
static void three_segments(struct fixture *f)
{
    struct lake_ledger *ledger = begun(f, "run-1");
    add(f, ledger, "2021-11-07T03:05", 31);
    add(f, ledger, "2021-11-07T03:10", 0);
    assert_true(lake_ledger_flush(ledger, &f->err));
    add(f, ledger, "2021-11-06T23:55", 5);
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    ledger = begun(f, "run-2");
    add(f, ledger, "2021-11-07T03:05", 32);
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
}

static void a_ledger_that_is_not_there_is_empty(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = open_ledger(f);
    assert_int_equal(lake_ledger_count(ledger), 0);
    assert_null(lake_ledger_next(ledger, 0));
    assert_null(lake_ledger_find(ledger, tick_of("2021-11-07T03:05")));
    assert_null(lake_ledger_run(ledger, 0));
    lake_ledger_free(ledger);
}

static void a_run_without_lines_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    assert_int_equal(folder_files(f->folder.path), 0);
}

static void lines_are_read_back_as_they_were_added(void **state)
{
    struct fixture *f = *state;
    three_segments(f);
    struct lake_ledger *ledger = open_ledger(f);
    struct lake_entry first = entry_of(tick_of("2021-11-06T23:55"), 5);
    struct lake_entry second = entry_of(tick_of("2021-11-07T03:05"), 32);
    struct lake_entry third = entry_of(tick_of("2021-11-07T03:10"), 0);
    assert_int_equal(lake_ledger_count(ledger), 3);
    assert_int_equal(lake_ledger_segments(ledger), 3);
    same_entry(lake_ledger_next(ledger, 0), &first);
    same_entry(lake_ledger_next(ledger, first.partition + 1), &second);
    same_entry(lake_ledger_next(ledger, second.partition + 1), &third);
    assert_null(lake_ledger_next(ledger, third.partition + 1));
    same_entry(lake_ledger_find(ledger, second.partition + TICK_PARTITION - 1), &second);
    assert_null(lake_ledger_find(ledger, second.partition - 1));
    lake_ledger_free(ledger);
}

static void runs_are_read_back_with_their_heads(void **state)
{
    struct fixture *f = *state;
    three_segments(f);
    struct lake_ledger *ledger = open_ledger(f);
    struct lake_run was = run_named("run-2");
    assert_int_equal(lake_ledger_runs(ledger), 2);
    const struct lake_run *run = lake_ledger_run(ledger, 1);
    assert_string_equal(run->id, "run-2");
    assert_string_equal(run->by, was.by);
    assert_string_equal(run->identity, was.identity);
    assert_null(run->query);
    assert_int_equal(run->access, LAKE_ACCESS_CONDITIONAL);
    assert_true(run->started == was.started && run->t0 == was.t0 && run->settle == was.settle);
    assert_true(run->from == was.from && run->to == was.to);
    assert_string_equal(run->columns, was.columns);
    assert_int_equal(lake_ledger_find(ledger, tick_of("2021-11-07T03:05"))->run, 1);
    assert_int_equal(lake_ledger_find(ledger, tick_of("2021-11-07T03:10"))->run, 0);
    lake_ledger_free(ledger);
}

static void what_is_not_flushed_is_lost_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    add(f, ledger, "2021-11-07T03:05", 1);
    assert_true(lake_ledger_flush(ledger, &f->err));
    add(f, ledger, "2021-11-07T03:10", 2);
    assert_int_equal(lake_ledger_waiting(ledger), 1);
    lake_ledger_free(ledger);
    ledger = open_ledger(f);
    assert_int_equal(lake_ledger_count(ledger), 1);
    lake_ledger_free(ledger);
}

static void many_lines_are_flushed_by_themselves(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    for (int i = 0; i < LAKE_LEDGER_WAITING + 3; i++) {
        struct lake_entry entry = entry_of(tick_of("2021-11-01") + i * TICK_PARTITION, 1);
        assert_true(lake_ledger_add(ledger, &entry, &f->err));
        assert_true(lake_ledger_waiting(ledger) <= LAKE_LEDGER_WAITING);
    }
    lake_ledger_free(ledger); /* without a flush */
    ledger = open_ledger(f);
    assert_true(lake_ledger_count(ledger) >= LAKE_LEDGER_LINES / 2);
    lake_ledger_free(ledger);
}

static void however_many_lines_wait_a_segment_has_its_share(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    for (int i = 0; i < LAKE_LEDGER_WAITING; i++) {
        struct lake_entry entry = entry_of(tick_of("2021-11-01") + i * TICK_PARTITION, 1);
        assert_true(lake_ledger_add(ledger, &entry, &f->err));
    }
    assert_true(lake_ledger_flush(ledger, &f->err));
    assert_int_equal(lake_ledger_waiting(ledger), 0);
    assert_true(lake_ledger_segments(ledger) >= LAKE_LEDGER_WAITING / LAKE_LEDGER_LINES);
    lake_ledger_free(ledger);
    ledger = open_ledger(f);
    assert_int_equal(lake_ledger_count(ledger), LAKE_LEDGER_WAITING);
    lake_ledger_free(ledger);
}

static void each_segment_names_the_hash_of_the_one_before(void **state)
{
    struct fixture *f = *state;
    char hash[HASH_SHA256_HEX], named[HASH_SHA256_HEX + 16];
    three_segments(f);
    assert_true(store_get(f->store, SEGMENT(1), &f->text, &f->err));
    assert_non_null(strstr(buf_text(&f->text), "\"segment\":1,\"previous\":null,"));
    assert_true(hash_sha256_hex(buf_str(&f->text), hash, &f->err));
    (void) snprintf(named, sizeof named, "\"previous\":\"%s\"", hash);
    assert_true(store_get(f->store, SEGMENT(2), &f->text, &f->err));
    assert_non_null(strstr(buf_text(&f->text), named));
}

static void a_line_that_is_not_filled_rightly_is_refused(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = open_ledger(f);
    struct lake_entry entry = entry_of(tick_of("2021-11-01"), 1);
    assert_false(lake_ledger_add(ledger, &entry, NULL)); /* before begin */
    struct lake_run run = run_named("../x");
    assert_false(lake_ledger_begin(ledger, &run, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    run.id = "run-1";
    assert_true(lake_ledger_begin(ledger, &run, NULL));
    entry.partition++;
    assert_false(lake_ledger_add(ledger, &entry, NULL));
    entry.partition--;
    entry.verdict = LAKE_VERDICT_COUNT;
    assert_false(lake_ledger_add(ledger, &entry, NULL));
    lake_ledger_free(ledger);
}

static void sums_without_their_proof_are_not_kept(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    struct lake_entry entry = entry_of(tick_of("2021-11-01"), 3), before;
    entry.proof = LAKE_PROOF_ROWS;
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    before = *lake_ledger_find(ledger, entry.partition);
    assert_true(before.sum == 0 && before.sum_expected == 0 && before.rows == 3);
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    ledger = open_ledger(f);
    same_entry(lake_ledger_find(ledger, entry.partition), &before);
    lake_ledger_free(ledger);
}

static void a_number_an_md5_and_what_stands_beside_are_read_back(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    struct lake_entry sum = entry_of(tick_of("2021-11-01"), 3), count = sum, none = sum;
    sum.number = 2;
    sum.has_md5 = sum.joined = true;
    memset(sum.md5, 0xa5, sizeof sum.md5);
    sum.beside_rows = 7;
    sum.beside_sum = UINT64_MAX - 5;
    sum.doubled = 1;
    sum.beside_bytes = UINT64_C(1) << 40;
    count = sum;
    count.partition += TICK_PARTITION;
    count.proof = LAKE_PROOF_ROWS;
    count.number = LAKE_NUMBER_MAX;
    none.partition += 2 * TICK_PARTITION;
    none.beside_rows = none.doubled = none.beside_bytes = 9; /* nothing without joined */
    memset(none.md5, 1, sizeof none.md5);
    assert_true(lake_ledger_add(ledger, &sum, &f->err));
    assert_true(lake_ledger_add(ledger, &count, &f->err));
    assert_true(lake_ledger_add(ledger, &none, &f->err));
    assert_true(lake_ledger_flush(ledger, &f->err));
    count.sum = count.sum_expected = count.beside_sum = 0;
    none.beside_rows = none.doubled = none.beside_bytes = 0;
    memset(none.md5, 0, sizeof none.md5);
    for (int opened = 0; opened < 2; opened++) {
        same_entry(lake_ledger_find(ledger, sum.partition), &sum);
        same_entry(lake_ledger_find(ledger, count.partition), &count);
        same_entry(lake_ledger_find(ledger, none.partition), &none);
        lake_ledger_free(ledger);
        ledger = open_ledger(f);
    }
    sum.number = 1;
    assert_false(lake_ledger_add(ledger, &sum, NULL));
    lake_ledger_free(ledger);
}

static void each_proof_verdict_and_access_is_read_back(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < LAKE_ACCESS_COUNT; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "run-%u", i);
        struct lake_run run = run_named(id);
        run.access = (enum lake_access) i;
        struct lake_ledger *ledger = open_ledger(f);
        assert_true(lake_ledger_begin(ledger, &run, &f->err));
        for (unsigned j = 0; j < LAKE_PROOF_COUNT * LAKE_VERDICT_COUNT; j++) {
            struct lake_entry entry = entry_of(tick_of("2021-11-01") + j * TICK_PARTITION, 3);
            entry.proof = (uint8_t) (j % LAKE_PROOF_COUNT);
            entry.verdict = (uint8_t) (j / LAKE_PROOF_COUNT);
            assert_true(lake_ledger_add(ledger, &entry, &f->err));
        }
        assert_true(lake_ledger_flush(ledger, &f->err));
        lake_ledger_free(ledger);
    }
    struct lake_ledger *ledger = open_ledger(f);
    for (unsigned i = 0; i < LAKE_ACCESS_COUNT; i++)
        assert_int_equal(lake_ledger_run(ledger, i)->access, i);
    for (unsigned j = 0; j < LAKE_PROOF_COUNT * LAKE_VERDICT_COUNT; j++) {
        const struct lake_entry *entry =
            lake_ledger_find(ledger, tick_of("2021-11-01") + j * TICK_PARTITION);
        assert_int_equal(entry->proof, j % LAKE_PROOF_COUNT);
        assert_int_equal(entry->verdict, j / LAKE_PROOF_COUNT);
        assert_true(entry->rows_expected == 3 && entry->rows == 3);
        assert_true((entry->sum_expected != 0) == (entry->proof == LAKE_PROOF_SUM));
    }
    lake_ledger_free(ledger);
}

static void what_the_format_says_of_an_answer_is_what_is_written(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ledger = begun(f, "run-1");
    struct lake_entry entry = entry_of(tick_of("2021-11-07T03:05"), 31);
    entry.proof = LAKE_PROOF_ANSWER;
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    assert_true(store_get(f->store, SEGMENT(1), &f->text, &f->err));
    assert_non_null(strstr(buf_text(&f->text), "\"access\":\"conditional\""));
    assert_non_null(strstr(buf_text(&f->text), "\"proof\":\"answer\""));
    assert_non_null(strstr(buf_text(&f->text), "\"rows_expected\":31,\"rows\":31,\"bytes\""));
}

/* An export counts before it knows all of its head. */
static void a_run_may_begin_long_after_the_ledger_was_opened(void **state)
{
    struct fixture *f = *state;
    three_segments(f);
    struct lake_ledger *ledger = open_ledger(f);
    struct lake_entry entry = entry_of(tick_of("2021-11-08"), 8);
    struct lake_run run = run_named("run-3");
    assert_int_equal(lake_ledger_find(ledger, tick_of("2021-11-07T03:05"))->rows, 32);
    assert_false(lake_ledger_add(ledger, &entry, NULL));
    assert_true(lake_ledger_flush(ledger, &f->err));
    assert_true(lake_ledger_begin(ledger, &run, &f->err));
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
    assert_false(lake_ledger_begin(ledger, &run, NULL)); /* once is enough */
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    ledger = open_ledger(f);
    assert_int_equal(lake_ledger_count(ledger), 4);
    assert_int_equal(lake_ledger_find(ledger, entry.partition)->run, 2);
    assert_int_equal(lake_ledger_find(ledger, tick_of("2021-11-07T03:05"))->run, 1);
    lake_ledger_free(ledger);
}

static void another_query_under_the_same_name_is_refused(void **state)
{
    struct fixture *f = *state;
    three_segments(f);
    struct lake_ledger *ledger = open_ledger(f);
    struct lake_run run = run_named("run-3");
    run.query = "Okta_CL | where x == 1";
    assert_false(lake_ledger_begin(ledger, &run, &f->err));
    assert_int_equal(f->err.code, ERROR_SETTINGS);
    assert_non_null(strstr(f->err.hint, "--as"));
    lake_ledger_free(ledger);
}

static void a_segment_that_appears_meanwhile_is_not_overwritten(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ours = begun(f, "run-1"), *theirs = begun(f, "run-2");
    add(f, ours, "2021-11-01", 1);
    add(f, theirs, "2021-11-01", 2);
    assert_true(lake_ledger_flush(theirs, &f->err));
    assert_false(lake_ledger_flush(ours, &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_int_equal(lake_ledger_waiting(ours), 1);
    lake_ledger_free(ours);
    lake_ledger_free(theirs);
    ours = open_ledger(f);
    assert_int_equal(lake_ledger_find(ours, tick_of("2021-11-01"))->rows, 2);
    lake_ledger_free(ours);
}

/* --- against a model --- */

enum { MODEL = 600, STEPS = 3000 };

struct model {
    struct lake_entry now[MODEL], kept[MODEL];
    bool has[MODEL], had[MODEL];
    size_t waiting;
};

static int64_t model_tick(size_t i)
{
    /* Dense days and lone partitions, years apart. */
    int64_t base = i < 300 ? tick_of("2021-10-31T12:00") : tick_of("2015-01-01");
    return base + (int64_t) (i < 300 ? i : (i - 300) * 1000) * TICK_PARTITION;
}

static void keep(struct model *m)
{
    memcpy(m->kept, m->now, sizeof m->kept);
    memcpy(m->had, m->has, sizeof m->had);
    m->waiting = 0;
}

static void lose(struct model *m)
{
    memcpy(m->now, m->kept, sizeof m->now);
    memcpy(m->has, m->had, sizeof m->has);
    m->waiting = 0;
}

static void compare_model(const struct model *m, const struct lake_ledger *ledger)
{
    size_t count = 0;
    for (size_t i = 0; i < MODEL; i++) {
        const struct lake_entry *entry = lake_ledger_find(ledger, model_tick(i) + 17);
        assert_int_equal(entry != NULL, m->has[i]);
        if (entry)
            same_entry(entry, &m->now[i]);
        count += m->has[i];
    }
    assert_int_equal(lake_ledger_count(ledger), count);
    int64_t last = -1;
    for (const struct lake_entry *e = lake_ledger_next(ledger, 0); e;
         e = lake_ledger_next(ledger, e->partition + 1), count--) {
        assert_true(e->partition > last);
        last = e->partition;
    }
    assert_int_equal(count, 0);
}

static void random_operations_agree_with_a_model(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    char id[32];
    int runs = 1;
    struct lake_ledger *ledger = begun(f, "run-0");
    for (int step = 0; step < STEPS; step++) {
        uint64_t what = random_below(&random, 100);
        if (what < 96) {
            size_t i = (size_t) random_below(&random, MODEL);
            m->now[i] = entry_of(model_tick(i), random_below(&random, 1000));
            m->has[i] = true;
            m->waiting++;
            assert_true(lake_ledger_add(ledger, &m->now[i], &f->err));
        } else if (what < 98) {
            assert_true(lake_ledger_flush(ledger, &f->err));
            keep(m);
        } else {
            lake_ledger_free(ledger);
            (void) snprintf(id, sizeof id, "run-%d", runs++);
            ledger = begun(f, id);
            lose(m);
            compare_model(m, ledger);
        }
        assert_int_equal(lake_ledger_waiting(ledger), m->waiting);
    }
    compare_model(m, ledger);
    lake_ledger_free(ledger);
    free(m);
}

/* --- memory --- */

static void every_failed_allocation_is_an_error(void **state)
{
    struct fixture *f = *state;
    three_segments(f);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        struct lake_run run = run_named("run-9");
        struct lake_entry entry = entry_of(tick_of("2021-11-09"), 9);
        mem_fail_at(n);
        struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &err);
        done = ledger && lake_ledger_begin(ledger, &run, &err) &&
               lake_ledger_add(ledger, &entry, &err) && lake_ledger_flush(ledger, &err);
        mem_fail_at(0);
        lake_ledger_free(ledger);
        if (!done && err.code != ERROR_MEMORY && err.code != ERROR_IO)
            fail_msg("allocation %llu: %s: %s", (unsigned long long) n, error_name(err.code),
                     err.message);
        assert_true(n < 2000);
    }
    struct lake_ledger *ledger = open_ledger(f);
    assert_int_equal(lake_ledger_count(ledger), 4);
    lake_ledger_free(ledger);
}

static void a_second_export_of_a_table_is_told_who_runs_the_first(void **state)
{
    struct fixture *f = *state;
    struct store_lock *lock = lake_lock_new(f->store, &place_of_tests, "run 17", &f->err);
    assert_non_null(lock);
    assert_null(lake_lock_new(f->store, &place_of_tests, "run 18", &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    assert_non_null(strstr(f->err.message, "run 17"));
    store_lock_free(lock);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(a_ledger_that_is_not_there_is_empty),
        T(a_run_without_lines_leaves_nothing),
        T(lines_are_read_back_as_they_were_added),
        T(runs_are_read_back_with_their_heads),
        T(what_is_not_flushed_is_lost_and_nothing_else),
        T(many_lines_are_flushed_by_themselves),
        T(however_many_lines_wait_a_segment_has_its_share),
        T(each_segment_names_the_hash_of_the_one_before),
        T(a_line_that_is_not_filled_rightly_is_refused),
        T(sums_without_their_proof_are_not_kept),
        T(a_number_an_md5_and_what_stands_beside_are_read_back),
        T(each_proof_verdict_and_access_is_read_back),
        T(what_the_format_says_of_an_answer_is_what_is_written),
        T(a_run_may_begin_long_after_the_ledger_was_opened),
        T(another_query_under_the_same_name_is_refused),
        T(a_segment_that_appears_meanwhile_is_not_overwritten),
        T(random_operations_agree_with_a_model),
        T(every_failed_allocation_is_an_error),
        T(a_second_export_of_a_table_is_told_who_runs_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
