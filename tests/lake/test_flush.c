/* What waits goes into the ledger while the caller goes on; what fails on the way is told and never written later. */
#include "lake/ledger.h"

#include "base/random.h"

#include "../store/fault.h"
#include "place.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SEGMENT(n) PLACE_OWN "/ledger/0000000" #n ".jsonl"

enum { LINES = 3000, CALLS_MAX = 200 };

static int set_up(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_set_up(state);
}

static int tear_down(void **state)
{
    memset(&fault, 0, sizeof fault);
    return fixture_tear_down(state);
}

static struct lake_ledger *begun(struct fixture *f)
{
    struct lake_run run = {.id = "run", .by = "weir"};
    assert_true(store_put(f->store, "am-okta-cl/blob", STR("x"), &f->err)); /* the lake is there */
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    assert_true(ledger && lake_ledger_begin(ledger, &run, &f->err));
    return ledger;
}

static int64_t partition_at(size_t i)
{
    return tick_of("2021-11-01") + (int64_t) i * TICK_PARTITION;
}

static void add(struct fixture *f, struct lake_ledger *ledger, size_t i)
{
    struct lake_entry entry = {
        .partition = partition_at(i), .at = tick_of("2021-11-18"), .rows_expected = i};
    assert_true(lake_ledger_add(ledger, &entry, &f->err));
}

/* How many of the partitions from 0 on the ledger on the disk has; none behind a gap. */
static size_t kept(struct fixture *f)
{
    error_clear(&f->err);
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger)
        fail_msg("%s", f->err.message);
    size_t n = lake_ledger_count(ledger);
    for (size_t i = 0; i < n; i++) {
        const struct lake_entry *entry = lake_ledger_find(ledger, partition_at(i));
        assert_true(entry && entry->rows_expected == i);
    }
    lake_ledger_free(ledger);
    return n;
}

static void the_caller_goes_on_while_the_disk_is_waited_for(void **state)
{
    struct fixture *f = *state;
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    fault = (struct fault){.gate = gate[0]};
    struct lake_ledger *ledger = begun(f);
    assert_true(lake_ledger_flush_soon(ledger, &f->err)); /* nothing waits */
    add(f, ledger, 0);
    add(f, ledger, 1);
    assert_true(lake_ledger_flush_soon(ledger, &f->err));
    add(f, ledger, 2); /* the sync cannot end before the gate is open */
    for (int i = 0; i < 100; i++)
        assert_true(lake_ledger_flush_soon(ledger, &f->err));
    assert_int_equal(lake_ledger_waiting(ledger), 3);
    assert_int_equal(lake_ledger_segments(ledger), 0);
    assert_int_equal(kept(f), 0);
    assert_int_equal(lake_ledger_find(ledger, partition_at(1))->rows_expected, 1);
    assert_int_equal(write(gate[1], "gg", 2), 2);
    assert_true(lake_ledger_flush(ledger, &f->err));
    assert_int_equal(lake_ledger_waiting(ledger), 0);
    assert_int_equal(lake_ledger_segments(ledger), 2);
    lake_ledger_free(ledger);
    assert_int_equal(kept(f), 3);
    (void) close(gate[0]);
    (void) close(gate[1]);
}

static void what_is_on_its_way_arrives_and_what_waits_behind_it_is_lost(void **state)
{
    struct fixture *f = *state;
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    fault = (struct fault){.gate = gate[0]};
    struct lake_ledger *ledger = begun(f);
    add(f, ledger, 0);
    assert_true(lake_ledger_flush_soon(ledger, &f->err));
    add(f, ledger, 1);
    assert_int_equal(write(gate[1], "g", 1), 1);
    lake_ledger_free(ledger);
    assert_int_equal(kept(f), 1);
    (void) close(gate[0]);
    (void) close(gate[1]);
}

static void a_failure_on_the_way_is_told_and_is_the_last_word(void **state)
{
    struct fixture *f = *state;
    static const char *const calls[] = {"syncfs", "fdatasync", "write", "renameat2"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct error err = ERROR_INIT;
        struct lake_ledger *ledger = begun(f);
        add(f, ledger, 0);
        fault = (struct fault){.at = 1, .call = calls[i], .number = EIO};
        assert_true(lake_ledger_flush_soon(ledger, &err));
        assert_false(lake_ledger_flush(ledger, &err));
        assert_true(fault.struck);
        assert_int_equal(err.code, ERROR_IO);
        assert_non_null(strstr(err.message, strerror(EIO)));
        assert_non_null(strstr(err.message, f->folder.lake));
        fault = (struct fault){0};
        assert_false(lake_ledger_flush_soon(ledger, NULL));
        assert_false(lake_ledger_flush(ledger, NULL));
        lake_ledger_free(ledger);
        assert_int_equal(kept(f), 0);
        assert_true(folder_left(&f->folder) <= 4); /* two of f->store, two of its follow */
    }
}

static void a_segment_that_appears_on_the_way_is_not_overwritten(void **state)
{
    struct fixture *f = *state;
    struct lake_ledger *ours = begun(f), *theirs = begun(f);
    add(f, ours, 1);
    add(f, theirs, 0);
    assert_true(lake_ledger_flush(theirs, &f->err));
    assert_true(lake_ledger_flush_soon(ours, &f->err));
    assert_false(lake_ledger_flush(ours, &f->err));
    assert_int_equal(f->err.code, ERROR_LOCKED);
    lake_ledger_free(ours);
    lake_ledger_free(theirs);
    assert_int_equal(kept(f), 1);
}

static void a_process_killed_on_the_way_leaves_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    bool killed = true;
    size_t n = 0, all = 0;
    while (killed && n++ < CALLS_MAX) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct lake_ledger *ledger = begun(f);
            add(f, ledger, 0);
            add(f, ledger, 1);
            fault = (struct fault){.at = (int) n};
            bool ok = lake_ledger_flush_soon(ledger, NULL) && lake_ledger_flush(ledger, NULL);
            _exit(ok ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        killed = WIFSIGNALED(status);
        assert_true(killed || WEXITSTATUS(status) == 0);
        size_t is = kept(f);
        assert_true(is == 2 || (killed && is == 0));
        all += is == 2;
        assert_true(store_delete(f->store, SEGMENT(1), &f->err));
    }
    assert_true(n > 10 && n < CALLS_MAX && all < n); /* some before its name, and the last after */
}

static void lines_arrive_in_their_order_however_they_are_flushed(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    struct lake_ledger *ledger = begun(f);
    for (size_t i = 0; i < LINES; i++) {
        add(f, ledger, i);
        uint64_t what = random_below(&random, 100);
        if (what < 20)
            assert_true(lake_ledger_flush_soon(ledger, &f->err));
        else if (what == 20)
            assert_true(lake_ledger_flush(ledger, &f->err));
    }
    assert_true(lake_ledger_flush(ledger, &f->err));
    size_t segments = lake_ledger_segments(ledger);
    lake_ledger_free(ledger);
    assert_int_equal(kept(f), LINES);
    assert_true(segments > 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(the_caller_goes_on_while_the_disk_is_waited_for),
        T(what_is_on_its_way_arrives_and_what_waits_behind_it_is_lost),
        T(a_failure_on_the_way_is_told_and_is_the_last_word),
        T(a_segment_that_appears_on_the_way_is_not_overwritten),
        T(a_process_killed_on_the_way_leaves_all_or_nothing),
        T(lines_arrive_in_their_order_however_they_are_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
