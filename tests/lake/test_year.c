/* The ledger of a year is small in memory, and answers as that of a day does. */
#include "lake/ledger.h"

#include "place.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

enum {
    DAYS = 365,
    DAY_PARTITIONS = 288,
    PARTITIONS = DAYS * DAY_PARTITIONS,
    STRIDE = 7919,          /* prime: visits all of them in another order */
    HEAP_MAX = 17 * 1000000 /* bytes that an open ledger may hold */
};

static int64_t partition_at(size_t i)
{
    return tick_of("2021-01-01") + (int64_t) i * TICK_PARTITION;
}

static struct lake_entry entry_of(size_t i)
{
    struct lake_entry entry = {.partition = partition_at(i),
                               .at = tick_of("2022-01-01") + (int64_t) i,
                               .rows_expected = i,
                               .sum_expected = i * UINT64_C(0x9e3779b97f4a7c15),
                               .rows = i,
                               .sum = i * UINT64_C(0x9e3779b97f4a7c15),
                               .bytes = i * 300 + 1,
                               .proof = LAKE_PROOF_SUM,
                               .verdict = LAKE_VERDICT_VERIFIED};
    memset(entry.sha256, (int) (i % 251) + 1, sizeof entry.sha256);
    return entry;
}

static struct lake_ledger *open_ledger(struct fixture *f)
{
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger)
        fail_msg("%s", f->err.message);
    return ledger;
}

static void make_year(struct fixture *f)
{
    struct lake_run run = {.id = "run", .by = "weir"};
    struct lake_ledger *ledger = open_ledger(f);
    assert_true(lake_ledger_begin(ledger, &run, &f->err));
    for (size_t i = 0; i < PARTITIONS; i++) {
        struct lake_entry entry = entry_of(i);
        if (!lake_ledger_add(ledger, &entry, &f->err))
            fail_msg("%s", f->err.message);
    }
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
}

static size_t heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static double processor_seconds(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void a_year_opens_in_bounded_memory_and_is_found_whole(void **state)
{
    struct fixture *f = *state;
    make_year(f);
    (void) malloc_trim(0);
    size_t before = heap(), walked = 0;
    double start = processor_seconds();
    struct lake_ledger *ledger = open_ledger(f);
    double opened = processor_seconds() - start;
    size_t held = heap() - before;
    assert_int_equal(lake_ledger_count(ledger), PARTITIONS);
    start = processor_seconds();
    for (size_t i = 0; i < PARTITIONS; i++) {
        size_t at = i * STRIDE % PARTITIONS;
        const struct lake_entry *entry = lake_ledger_find(ledger, partition_at(at) + 1);
        assert_true(entry && entry->rows == at && entry->sha256[0] == at % 251 + 1);
    }
    for (const struct lake_entry *entry = lake_ledger_next(ledger, 0); entry;
         entry = lake_ledger_next(ledger, entry->partition + 1))
        assert_true(entry->rows == walked++);
    assert_int_equal(walked, PARTITIONS);
    printf(
        "%d partitions: opened in %.3f s, found and walked in %.3f s of the processor; %.1f MB\n",
        PARTITIONS, opened, processor_seconds() - start, (double) held / 1e6);
    lake_ledger_free(ledger);
    /* A sanitizer has another heap, which this does not see. */
    if (before > 0 && held > HEAP_MAX)
        fail_msg("%zu bytes", held);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
        T(a_year_opens_in_bounded_memory_and_is_found_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
