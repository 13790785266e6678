/* Piles: one order whatever the way there, memory within its budget, and nothing left behind. */
#include "base/memory.h"
#include "base/random.h"
#include "lake/pile.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_MAX = 1 << 28, LINE_MOST = 3000 };

static char scratch_folder[] = "/tmp/weir-test-pile-XXXXXX";

static int make_folder(void **state)
{
    (void) state;
    return mkdtemp(scratch_folder) == NULL ? -1 : 0;
}

/* Fails when a file is left. */
static int remove_folder(void **state)
{
    (void) state;
    return rmdir(scratch_folder);
}

static struct lake_pool *new_pool(size_t budget, struct error *err)
{
    struct lake_pool_options options = {.budget = budget, .scratch = scratch_folder};
    return lake_pool_new(&options, err);
}

/* ---- rows to pile, and what must come of them ---- */

struct row {
    int64_t tick;
    char *line;
};

static int by_tick_and_line(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->tick != y->tick)
        return x->tick < y->tick ? -1 : 1;
    return strcmp(x->line, y->line);
}

/* Rows with few different ticks and texts, so that many are equal in one or both; some are long. */
static struct row *make_rows(struct random *random, size_t n)
{
    struct row *rows = mem_alloc(n, sizeof *rows, NULL);
    assert_non_null(rows);
    for (size_t i = 0; i < n; i++) {
        struct buf text = BUF_INIT(LINE_MOST + 100);
        size_t width = random_below(random, 50) == 0 ? random_below(random, LINE_MOST) : 20;
        buf_printf(&text, "{\"a\":\"%0*d\"}\n", (int) width, (int) random_below(random, n));
        rows[i] = (struct row){(int64_t) random_below(random, 1 + n / 4), buf_take(&text)};
        assert_non_null(rows[i].line);
    }
    return rows;
}

static void free_rows(struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(rows[i].line);
    mem_free(rows);
}

static void put_sorted(struct row *rows, size_t n, struct buf *out)
{
    qsort(rows, n, sizeof *rows, by_tick_and_line);
    for (size_t i = 0; i < n; i++)
        buf_puts(out, rows[i].line);
}

static bool collect(void *context, struct str lines, struct error *err)
{
    assert_true(lines.n > 0 && lines.p[lines.n - 1] == '\n');
    buf_put_str(context, lines);
    return buf_ok(context, "the lines", err);
}

static void check_merge(struct lake_pile *const *piles, size_t n, const struct buf *want)
{
    struct buf got = BUF_INIT(TEXT_MAX);
    struct error err = ERROR_INIT;
    if (!lake_piles_merge(piles, n, collect, &got, &err))
        fail_msg("%s", err.message);
    assert_int_equal(got.used, want->used);
    assert_string_equal(buf_text(&got), buf_text(want));
    buf_release(&got);
}

static void merged_rows_stand_in_one_order(void **state)
{
    (void) state;
    enum { PILES = 5, ROWS = 4000 };
    static const size_t budgets[] = {0, 1 << 18, 1 << 16, 1};
    uint64_t seed = (uint64_t) time(NULL);
    print_message("seed %llu\n", (unsigned long long) seed);
    for (size_t b = 0; b < sizeof budgets / sizeof budgets[0]; b++) {
        struct random random;
        struct buf want = BUF_INIT(TEXT_MAX);
        struct lake_pile *piles[PILES];
        random_seed(&random, seed);
        size_t n = budgets[b] == 1 ? ROWS / 20 : ROWS; /* a run for each row */
        struct lake_pool *pool = new_pool(budgets[b], NULL);
        struct row *rows = make_rows(&random, n);
        for (size_t i = 0; i < PILES; i++)
            piles[i] = lake_pile_new(pool, NULL);
        for (size_t i = 0; i < n; i++)
            assert_true(lake_pile_add_line(piles[random_below(&random, PILES)], rows[i].tick, 1,
                                           str_of(rows[i].line), NULL));
        put_sorted(rows, n, &want);
        check_merge(piles, PILES, &want);
        check_merge(piles, PILES, &want); /* they stayed */
        for (size_t i = 0; i < PILES; i++)
            lake_pile_free(piles[i]);
        lake_pool_free(pool);
        free_rows(rows, n);
        buf_release(&want);
    }
}

static void what_came_in_order_stays_in_order(void **state)
{
    (void) state;
    struct buf want = BUF_INIT(TEXT_MAX);
    struct lake_pool *pool = new_pool(0, NULL);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    for (int i = 0; i < 100000; i++) {
        char line[64];
        (void) snprintf(line, sizeof line, "{\"n\":%d}\n", i);
        assert_true(lake_pile_add_line(pile, i, 0, str_of(line), NULL));
        buf_puts(&want, line);
    }
    check_merge(&pile, 1, &want);
    lake_pile_free(pile);
    lake_pool_free(pool);
    buf_release(&want);
}

static void a_pile_counts_rows_bytes_and_the_sum(void **state)
{
    (void) state;
    struct lake_pool *pool = new_pool(0, NULL);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    assert_true(lake_pile_add_line(pile, 7, INT64_MAX, STR("{}\n"), NULL));
    assert_true(lake_pile_add_line(pile, 7, -2, STR("{\"a\":1}\n"), NULL));
    assert_true(lake_pile_add_line(pile, 7, INT64_MAX, STR("{}\n"), NULL));
    assert_int_equal(lake_pile_rows(pile), 3);
    assert_int_equal(lake_pile_bytes(pile), 14);
    assert_true(lake_pile_sum(pile) == 2 * (uint64_t) INT64_MAX - 2);
    lake_pile_free(pile);
    lake_pool_free(pool);
}

static void no_rows_give_no_piece(void **state)
{
    (void) state;
    struct buf want = BUF_INIT(1);
    struct lake_pool *pool = new_pool(0, NULL);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    check_merge(&pile, 1, &want);
    check_merge(NULL, 0, &want);
    lake_pile_free(pile);
    lake_pool_free(pool);
}

/* Longer than a piece, than a chunk and than a read of a run. */
static void long_lines_pass_whole(void **state)
{
    (void) state;
    enum { LONG = 700000 };
    static const size_t budgets[] = {0, 1 << 20, 1};
    char *line = mem_alloc(LONG + 1, 1, NULL);
    memset(line, 'x', LONG);
    line[LONG - 1] = '\n';
    for (size_t b = 0; b < 3; b++) {
        struct buf want = BUF_INIT(TEXT_MAX);
        struct lake_pool *pool = new_pool(budgets[b], NULL);
        struct lake_pile *pile = lake_pile_new(pool, NULL);
        for (int i = 0; i < 5; i++) {
            line[0] = (char) ('a' + i);
            assert_true(lake_pile_add_line(pile, 1, 0, (struct str){line, LONG}, NULL));
            assert_true(lake_pile_add_line(pile, 2, 0, STR("z\n"), NULL));
            buf_put(&want, line, LONG);
        }
        buf_puts(&want, "z\nz\nz\nz\nz\n");
        check_merge(&pile, 1, &want);
        lake_pile_free(pile);
        lake_pool_free(pool);
        buf_release(&want);
    }
    mem_free(line);
}

/* ---- memory ---- */

static void memory_keeps_to_its_budget(void **state)
{
    (void) state;
    enum { BUDGET = 4 << 20, PILES = 300, ROWS = 60000, CHUNK = 1 << 18 };
    struct random random;
    struct lake_pile *piles[PILES];
    size_t most;
    random_seed(&random, 3);
    struct lake_pool *pool = new_pool(BUDGET, NULL);
    assert_int_equal(lake_pool_held(pool, NULL), 0);
    for (int i = 0; i < PILES; i++)
        piles[i] = lake_pile_new(pool, NULL);
    for (int i = 0; i < ROWS; i++) {
        char line[800];
        int n = snprintf(line, sizeof line, "{\"a\":\"%0*d\"}\n",
                         20 + (int) random_below(&random, 700), i);
        assert_true(lake_pile_add_line(piles[random_below(&random, PILES)], i, 0,
                                       (struct str){line, (size_t) n}, NULL));
    }
    (void) lake_pool_held(pool, &most);
    assert_true(most <= BUDGET + CHUNK);
    assert_true(most > BUDGET / 2);
    uint64_t rows = 0;
    for (int i = 0; i < PILES; i++) {
        rows += lake_pile_rows(piles[i]);
        lake_pile_free(piles[i]);
    }
    assert_int_equal(rows, ROWS);
    assert_true(lake_pool_held(pool, NULL) <= BUDGET / 2);
    lake_pool_free(pool);
}

/* Batches that come and go use the blocks of those before. */
static void dropped_piles_give_their_place_back(void **state)
{
    (void) state;
    struct buf want = BUF_INIT(TEXT_MAX);
    struct lake_pool *pool = new_pool(1 << 16, NULL);
    struct lake_pile *kept = lake_pile_new(pool, NULL);
    for (int round = 0; round < 50; round++) {
        struct lake_pile *pile = lake_pile_new(pool, NULL);
        char line[1000];
        for (int i = 0; i < 200; i++) {
            (void) snprintf(line, sizeof line, "{\"%0900d\":%d}\n", round, i);
            assert_true(lake_pile_add_line(pile, i, 0, str_of(line), NULL));
        }
        assert_true(lake_pile_add_line(kept, round, 0, str_of(line), NULL));
        buf_puts(&want, line);
        lake_pile_free(pile);
    }
    check_merge(&kept, 1, &want);
    lake_pile_free(kept);
    lake_pool_free(pool);
    buf_release(&want);
}

/* ---- rows of the service ---- */

struct adder {
    struct lake_line *line;
    struct lake_pile *pile;
};

static bool add_row(void *context, const struct json_row *row, struct error *err)
{
    struct adder *adder = context;
    int64_t tick, item;
    return lake_line_key(adder->line, row, &tick, &item, err) &&
           lake_pile_add(adder->pile, adder->line, row, tick, item, err);
}

/* `rows` rows, latest first; two columns. */
static void put_rows(struct buf *out, int rows)
{
    for (int i = 0; i < rows; i++)
        buf_printf(out, "%s[\"2021-11-17T10:%02d:%02dZ\",\"value %d\"]", i > 0 ? "," : "[",
                   59 - i / 60 % 60, 59 - i % 60, i);
    buf_puts(out, "]");
}

static bool add_all(struct lake_pile *pile, struct str body, struct error *err)
{
    struct columns columns = {.n = 0};
    struct adder adder = {.pile = pile};
    size_t used;
    bool ended;
    bool ok = columns_read(STR("TimeGenerated datetime\nA string\n"), &columns, err);
    adder.line = ok ? lake_line_new(&columns, NULL, err) : NULL;
    struct json_rows_options scan = {.columns = 2, .row = add_row, .context = &adder};
    struct json_rows *rows = adder.line != NULL ? json_rows_new(&scan, err) : NULL;
    ok = rows != NULL && json_rows_feed(rows, body.p, body.n, &used, &ended, err);
    json_rows_free(rows);
    lake_line_free(adder.line);
    columns_release(&columns);
    return ok;
}

static void rows_of_the_service_become_lines(void **state)
{
    (void) state;
    enum { ROWS = 3600 };
    static const size_t budgets[] = {0, 1 << 16};
    struct buf body = BUF_INIT(TEXT_MAX), want = BUF_INIT(TEXT_MAX);
    put_rows(&body, ROWS);
    for (int i = ROWS; i-- > 0;)
        buf_printf(&want, "{\"TimeGenerated\":\"2021-11-17T10:%02d:%02dZ\",\"A\":\"value %d\"}\n",
                   59 - i / 60, 59 - i % 60, i);
    for (int b = 0; b < 2; b++) {
        struct lake_pool *pool = new_pool(budgets[b], NULL);
        struct lake_pile *pile = lake_pile_new(pool, NULL);
        assert_true(add_all(pile, buf_str(&body), NULL));
        assert_int_equal(lake_pile_rows(pile), ROWS);
        assert_int_equal(lake_pile_bytes(pile), want.used);
        check_merge(&pile, 1, &want);
        lake_pile_free(pile);
        lake_pool_free(pool);
    }
    buf_release(&body);
    buf_release(&want);
}

static void a_refused_row_leaves_the_pile_as_it_was(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct buf want = BUF_INIT(4096);
    struct lake_pool *pool = new_pool(0, NULL);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    assert_false(add_all(pile, STR("[[\"2021-11-17\",\"a\"],[\"2021-11-18\",5]]"), &err));
    assert_int_equal(err.code, ERROR_FORMAT);
    assert_int_equal(lake_pile_rows(pile), 1);
    buf_puts(&want, "{\"TimeGenerated\":\"2021-11-17\",\"A\":\"a\"}\n");
    check_merge(&pile, 1, &want);
    lake_pile_free(pile);
    lake_pool_free(pool);
    buf_release(&want);
}

/* ---- what fails ---- */

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    struct buf body = BUF_INIT(TEXT_MAX);
    put_rows(&body, 1200);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct error err = ERROR_INIT;
        struct buf got = BUF_INIT(TEXT_MAX);
        assert_true(buf_reserve(&got, 1 << 20));
        mem_fail_at(n);
        struct lake_pool *pool = new_pool(1 << 15, &err);
        struct lake_pile *pile = pool == NULL ? NULL : lake_pile_new(pool, &err);
        bool ok = pile != NULL && add_all(pile, buf_str(&body), &err) &&
                  lake_piles_merge(&pile, 1, collect, &got, &err);
        mem_fail_at(0);
        if (ok)
            assert_int_equal(lake_pile_bytes(pile), got.used);
        else
            assert_int_equal(err.code, ERROR_MEMORY);
        lake_pile_free(pile);
        lake_pool_free(pool);
        buf_release(&got);
        done = ok;
        assert_true(n > 10 || !ok);
    }
    buf_release(&body);
}

static void a_scratch_folder_that_cannot_be_is_reported(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct lake_pool_options options = {.budget = 1, .scratch = "/dev/null/no"};
    struct lake_pool *pool = lake_pool_new(&options, &err);
    struct lake_pile *pile = lake_pile_new(pool, &err);
    assert_false(lake_pile_add_line(pile, 1, 0, STR("{}\n"), &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_non_null(strstr(err.message, "/dev/null"));
    lake_pile_free(pile);
    lake_pool_free(pool);
}

/* No file may grow beyond a block: as when the disk is full. */
static void a_full_disk_is_reported(void **state)
{
    (void) state;
    enum { BLOCK = 1 << 18, ROWS = 3000 };
    struct error err = ERROR_INIT;
    struct rlimit before, small;
    char line[1000];
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = BLOCK, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct lake_pool *pool = new_pool(1 << 18, &err);
    struct lake_pile *pile = lake_pile_new(pool, &err);
    int n = snprintf(line, sizeof line, "{\"a\":\"%0900d\"}\n", 1), added = 0;
    while (added < ROWS && lake_pile_add_line(pile, added, 0, (struct str){line, (size_t) n}, &err))
        added++;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void) signal(SIGXFSZ, handler);
    assert_true(added < ROWS);
    assert_int_equal(err.code, ERROR_IO);
    assert_non_null(strstr(err.message, scratch_folder));
    lake_pile_free(pile);
    lake_pool_free(pool);
}

static bool refuse_piece(void *context, struct str lines, struct error *err)
{
    (void) lines;
    ++*(int *) context;
    return error_set(err, ERROR_IO, "the disk is full");
}

static void the_receiver_ends_the_merge(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    int calls = 0;
    struct lake_pool *pool = new_pool(1, NULL);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    assert_true(lake_pile_add_line(pile, 1, 0, STR("{}\n"), NULL));
    assert_false(lake_piles_merge(&pile, 1, refuse_piece, &calls, &err));
    assert_string_equal(err.message, "the disk is full");
    assert_int_equal(calls, 1);
    lake_pile_free(pile);
    lake_pool_free(pool);
}

/* The store may run the network while a partition is written: rows of others come in then. */
struct crowd {
    struct buf got;
    struct lake_pile *other;
    size_t added;
};

static bool crowd_in(void *context, struct str lines, struct error *err)
{
    struct crowd *crowd = context;
    char line[2048];
    (void) snprintf(line, sizeof line, "{\"a\":\"%0*d\"}\n", 2000, 7);
    for (size_t i = 0; i < 200; i++, crowd->added++)
        if (!lake_pile_add_line(crowd->other, (int64_t) i, 1, str_of(line), err))
            return false;
    buf_put_str(&crowd->got, lines);
    return buf_ok(&crowd->got, "the lines", err);
}

static void rows_that_come_during_a_merge_leave_it_alone(void **state)
{
    (void) state;
    enum { ROWS = 3000 };
    struct random random;
    struct error err = ERROR_INIT;
    struct crowd crowd = {.got = BUF_INIT(TEXT_MAX)};
    struct buf want = BUF_INIT(TEXT_MAX);
    struct lake_pool *pool = new_pool(1 << 20, NULL);
    struct lake_pile *pile = lake_pile_new(pool, NULL);
    random_seed(&random, 1);
    struct row *rows = make_rows(&random, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        assert_true(lake_pile_add_line(pile, rows[i].tick, 1, str_of(rows[i].line), NULL));
    crowd.other = lake_pile_new(pool, NULL);
    if (!lake_piles_merge(&pile, 1, crowd_in, &crowd, &err))
        fail_msg("%s", err.message);
    put_sorted(rows, ROWS, &want);
    assert_string_equal(buf_text(&crowd.got), buf_text(&want));
    assert_int_equal(lake_pile_rows(crowd.other), crowd.added);
    lake_pile_free(crowd.other);
    lake_pile_free(pile);
    lake_pool_free(pool);
    free_rows(rows, ROWS);
    buf_release(&crowd.got);
    buf_release(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_rows_stand_in_one_order),
        cmocka_unit_test(what_came_in_order_stays_in_order),
        cmocka_unit_test(a_pile_counts_rows_bytes_and_the_sum),
        cmocka_unit_test(no_rows_give_no_piece),
        cmocka_unit_test(long_lines_pass_whole),
        cmocka_unit_test(memory_keeps_to_its_budget),
        cmocka_unit_test(dropped_piles_give_their_place_back),
        cmocka_unit_test(rows_of_the_service_become_lines),
        cmocka_unit_test(a_refused_row_leaves_the_pile_as_it_was),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(a_scratch_folder_that_cannot_be_is_reported),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(the_receiver_ends_the_merge),
        cmocka_unit_test(rows_that_come_during_a_merge_leave_it_alone),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
