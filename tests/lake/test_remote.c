/* On a remote store, where each look is a request: blobs are found with few, and all of them are. */
#include "lake/catalog.h"

#include "base/random.h"
#include "lake/ledger.h"

#include "place.h"
#include "remote.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DAY_PARTITIONS = 288, YEAR_DAYS = 365, FORMS = 4 };

/* The clock by which segments set out. */
static uint64_t ahead_ns;

uint64_t __real_clock_ns(void);
uint64_t __wrap_clock_ns(void);
uint64_t __wrap_clock_ns(void)
{
    return __real_clock_ns() + ahead_ns;
}

static int set_up(void **state)
{
    ahead_ns = 0;
    if (fixture_set_up(state) != 0)
        return -1;
    struct fixture *f = *state;
    f->store = remote_new(f->store);
    return 0;
}

/* A blob in one of the forms: month and day padded or not. */
static void put_at(struct fixture *f, int64_t tick, unsigned form, const char *last)
{
    struct tick_civil c = tick_civil(tick);
    char name[STORE_NAME_MAX];
    (void) snprintf(name, sizeof name, PLACE_FOLDER "/y=%04d/m=%0*d/d=%0*d/h=%0*d/m=%0*d/%s",
                    c.year, form & 1 ? 1 : 2, c.month, form & 2 ? 1 : 2, c.day, form ? 1 : 2,
                    c.hour, form ? 1 : 2, c.minute, last);
    struct store_writer *writer = store_writer_new(remote_of(f->store)->local, name, &f->err);
    assert_true(writer && store_writer_add(writer, "1\n", 2, &f->err) &&
                store_writer_commit(writer, 0, NULL, &f->err));
}

static bool count(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) err;
    int64_t *seen = context;
    assert_true(blob->tick >= seen[0]);
    assert_non_null(blob->md5);
    assert_true(blob->name.n > strlen(PLACE_FOLDER));
    seen[0] = blob->tick;
    seen[1]++;
    return true;
}

static size_t seen_in(struct fixture *f, int64_t from, int64_t to)
{
    int64_t seen[2] = {0, 0};
    struct remote *remote = remote_of(f->store);
    remote->lists = remote->folders = 0;
    if (!lake_blobs(f->store, &place_of_tests, from, to, count, seen, &f->err))
        fail_msg("%s", f->err.message);
    return (size_t) seen[1];
}

static void one_day_among_years_is_two_requests_or_three(void **state)
{
    struct fixture *f = *state;
    int64_t begin = tick_of("2021-01-01");
    for (int day = 0; day < YEAR_DAYS; day++)
        for (int i = 0; i < DAY_PARTITIONS; i += 96)
            put_at(f, begin + day * TICK_DAY + i * TICK_PARTITION, 0, "PT05M_weir.json");
    for (int day = 0; day < YEAR_DAYS; day++) {
        int64_t from = begin + day * TICK_DAY;
        assert_int_equal(seen_in(f, from, from + TICK_DAY), 3);
        assert_int_equal(remote_requests(remote_of(f->store)), tick_civil(from).day < 10 ? 3 : 2);
    }
    assert_int_equal(seen_in(f, begin, begin + YEAR_DAYS * TICK_DAY), 3 * YEAR_DAYS);
    assert_int_equal(remote_requests(remote_of(f->store)), 1 + 12);
    assert_int_equal(seen_in(f, 0, TICK_MAX), 3 * YEAR_DAYS);
    assert_int_equal(remote_requests(remote_of(f->store)), 2 + 12);
}

static void a_full_year_is_far_below_one_request_a_day(void **state)
{
    struct fixture *f = *state;
    int64_t begin = tick_of("2021-11-01");
    for (int i = 0; i < 30 * DAY_PARTITIONS; i++)
        put_at(f, begin + i * TICK_PARTITION, 0, "PT05M_weir.json");
    assert_int_equal(seen_in(f, begin, begin + 30 * TICK_DAY), 30 * DAY_PARTITIONS);
    /* One for the months, two pages of 5,000: 12 such months are 25. */
    assert_int_equal(remote_requests(remote_of(f->store)), 3);
}

static void every_mixture_of_forms_is_found_whole(void **state)
{
    struct fixture *f = *state;
    enum { BLOBS = 400, ROUNDS = 80, SPAN_DAYS = 500 };
    uint64_t seed = (uint64_t) tick_now();
    printf("seed %llu\n", (unsigned long long) seed);
    struct random random;
    random_seed(&random, seed);
    int64_t ticks[BLOBS], begin = tick_of("2020-10-20");
    for (int i = 0; i < BLOBS; i++) {
        char last[32];
        ticks[i] =
            begin + (int64_t) random_below(&random, SPAN_DAYS * DAY_PARTITIONS) * TICK_PARTITION;
        (void) snprintf(last, sizeof last, "part-%d.json", i);
        put_at(f, ticks[i], (unsigned) random_below(&random, FORMS), last);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int64_t from = begin - TICK_DAY + (int64_t) random_below(&random, SPAN_DAYS * TICK_DAY);
        int64_t spans[] = {TICK_HOUR, TICK_DAY, 9 * TICK_DAY, 70 * TICK_DAY, SPAN_DAYS * TICK_DAY};
        int64_t to = from + (int64_t) random_below(&random, (uint64_t) spans[round % 5]);
        size_t wanted = 0;
        for (int i = 0; i < BLOBS; i++)
            wanted += to > from && ticks[i] < to && ticks[i] + TICK_PARTITION > from;
        if (seen_in(f, from, to) != wanted)
            fail_msg("from %lld to %lld", (long long) from, (long long) to);
    }
    assert_int_equal(seen_in(f, 0, TICK_MAX), BLOBS);
}

/* What is found does not depend on how long the range is. */
static void a_form_that_nobody_writes_is_passed_over_in_every_range(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        PLACE_FOLDER "/year=2021/m=11/d=07/h=03/m=05/PT05M.json",
        PLACE_FOLDER "/y=2021/m=11/day=7/h=03/m=05/PT05M.json",
        PLACE_FOLDER "/y=2021/m=11/d=007/h=03/m=05/PT05M.json",
        PLACE_FOLDER "/y=2021/month=11/d=7/hour=03/minute=05/part-1.json", /* found */
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(store_put(remote_of(f->store)->local, names[i], STR("1\n"), &f->err));
    assert_int_equal(seen_in(f, tick_of("2021-11-07"), tick_of("2021-11-08")), 1);
    assert_int_equal(seen_in(f, tick_of("2021-11-01"), tick_of("2021-12-01")), 1);
    assert_int_equal(seen_in(f, 0, TICK_MAX), 1);
}

static void the_usual_container_is_found_without_a_look_at_all(void **state)
{
    struct fixture *f = *state;
    struct remote *remote = remote_of(f->store);
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    assert_true(store_put(remote->local, "am-Okta_CL/x/y", STR("1"), &f->err));
    assert_true(lake_container_find(f->store, "Okta_CL", &name, &f->err));
    assert_string_equal(buf_text(&name), "am-Okta_CL");
    assert_int_equal(remote->folders, 2);
    put_at(f, tick_of("2021-11-07"), 0, "PT05M.json");
    assert_true(lake_container_find(f->store, "Okta_CL", &name, &f->err));
    assert_string_equal(buf_text(&name), "am-okta-cl");
    assert_int_equal(remote->folders, 2 + 1);
    buf_release(&name);
}

static void a_table_is_found_with_a_look_for_each_name_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct remote *remote = remote_of(f->store);
    struct lake_tables tables;
    put_at(f, tick_of("2021-11-07"), 0, "PT05M.json");
    assert_true(lake_tables_find(f->store, &tables, &f->err));
    assert_int_equal(tables.n, 1);
    assert_string_equal(tables.v[0].container, "am-okta-cl");
    assert_non_null(strstr(tables.v[0].resource_id, "/workspaces/contoso"));
    /* containers, subscriptions, groups, workspaces; weir's own */
    assert_int_equal(remote->folders, 4 + 1);
    lake_tables_release(&tables);
}

static struct lake_ledger *begun(struct fixture *f)
{
    struct lake_run run = {.id = "run", .by = "weir"};
    struct lake_ledger *ledger = lake_ledger_open(f->store, &place_of_tests, &f->err);
    if (!ledger || !lake_ledger_begin(ledger, &run, &f->err))
        fail_msg("%s", f->err.message);
    return ledger;
}

static void add_lines(struct fixture *f, struct lake_ledger *ledger, int from, int to)
{
    for (int i = from; i < to; i++) {
        struct lake_entry entry = {.partition = tick_of("2021-01-01") + i * TICK_PARTITION};
        assert_true(lake_ledger_add(ledger, &entry, &f->err));
    }
}

static void what_fills_no_segment_sets_out_after_a_while(void **state)
{
    struct fixture *f = *state;
    struct remote *remote = remote_of(f->store);
    const uint64_t second = UINT64_C(1000000000);
    struct lake_ledger *ledger = begun(f);
    add_lines(f, ledger, 0, 5);
    ahead_ns = (LAKE_LEDGER_SECONDS - 5) * second;
    assert_true(lake_ledger_flush_soon(ledger, &f->err));
    assert_int_equal(remote->follows, 0);
    ahead_ns = LAKE_LEDGER_SECONDS * second;
    assert_true(lake_ledger_flush_soon(ledger, &f->err));
    assert_int_equal(remote->follows, 1);
    add_lines(f, ledger, 5, 6);
    do {
        assert_true(lake_ledger_flush_soon(ledger, &f->err));
    } while (lake_ledger_segments(ledger) == 0);
    assert_int_equal(remote->follows, 1); /* the one behind it has its own while */
    ahead_ns += LAKE_LEDGER_SECONDS * second;
    assert_true(lake_ledger_flush_soon(ledger, &f->err));
    assert_int_equal(remote->follows, 2);
    lake_ledger_free(ledger);
}

static void a_segment_sets_out_when_it_is_full_and_not_each_second(void **state)
{
    struct fixture *f = *state;
    struct remote *remote = remote_of(f->store);
    struct lake_ledger *ledger = begun(f);
    for (int i = 0; i < 100; i++) {
        add_lines(f, ledger, 10 * i, 10 * i + 10);
        assert_true(lake_ledger_flush_soon(ledger, &f->err));
    }
    assert_int_equal(remote->follows, 0);
    add_lines(f, ledger, 1000, LAKE_LEDGER_LINES);
    assert_int_equal(remote->follows, 1);
    assert_true(lake_ledger_flush(ledger, &f->err));
    assert_int_equal(lake_ledger_segments(ledger), 1);
    add_lines(f, ledger, LAKE_LEDGER_LINES, LAKE_LEDGER_LINES + 5);
    assert_true(lake_ledger_flush(ledger, &f->err));
    lake_ledger_free(ledger);
    remote->gets = remote->folders = remote->lists = 0;
    ledger = begun(f);
    assert_int_equal(lake_ledger_count(ledger), LAKE_LEDGER_LINES + 5);
    assert_int_equal(remote->lists, 1);
    assert_int_equal(remote->folders, 0);
    assert_int_equal(remote->gets, 2);
    lake_ledger_free(ledger);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
        T(one_day_among_years_is_two_requests_or_three),
        T(a_full_year_is_far_below_one_request_a_day),
        T(every_mixture_of_forms_is_found_whole),
        T(a_form_that_nobody_writes_is_passed_over_in_every_range),
        T(the_usual_container_is_found_without_a_look_at_all),
        T(a_table_is_found_with_a_look_for_each_name_of_its_own),
        T(a_segment_sets_out_when_it_is_full_and_not_each_second),
        T(what_fills_no_segment_sets_out_after_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
