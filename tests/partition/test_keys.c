/* Of rows with one key all but the first are told, whatever the memory and however keys begin. */
#include "partition/keys.h"

#include "base/memory.h"

#include "../store/fault.h"
#include "../store/folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PLACES = 200000, SMALL = 1, LARGE = 64 << 20 };

struct rig {
    struct folder folder;
    struct error err;
    unsigned char *told; /* times, by place */
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->told = calloc(PLACES, 1);
    memset(&fault, 0, sizeof fault);
    *state = rig;
    return folder_make(&rig->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    memset(&fault, 0, sizeof fault);
    folder_remove_tree(rig->folder.path);
    free(rig->told);
    free(rig);
    return 0;
}

static bool tell(void *context, uint64_t place, struct error *err)
{
    struct rig *rig = context;
    (void) err;
    assert_true(place > 0 && place < PLACES);
    rig->told[place] = 1;
    return true;
}

static bool put_and_finish(struct rig *rig, const struct key *keys, size_t n, size_t stages,
                           uint64_t memory)
{
    struct keys_stage *stage[4] = {0};
    struct keys *all = keys_new(rig->folder.path, &rig->err);
    bool ok = all != NULL;
    for (size_t i = 0; ok && i < stages; i++)
        ok = (stage[i] = keys_stage_new(all, &rig->err)) != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = keys_put(stage[i % stages], &keys[i], &rig->err);
    for (size_t i = 0; ok && i < stages; i++)
        ok = keys_flush(stage[i], &rig->err);
    ok = ok && keys_finish(all, memory, NULL, tell, rig, &rig->err);
    for (size_t i = 0; i < stages; i++)
        keys_stage_free(stage[i]);
    keys_free(all);
    return ok;
}

static size_t told(const struct rig *rig)
{
    size_t n = 0;
    for (size_t i = 0; i < PLACES; i++)
        n += rig->told[i];
    return n;
}

static uint64_t mixed(uint64_t n)
{
    n = (n ^ n >> 31) * UINT64_C(0x9e3779b97f4a7c15);
    return (n ^ n >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static void the_first_of_each_key_stays(void **state)
{
    enum { N = 150000, DIFFERENT = 40000 };
    struct rig *rig = *state;
    struct key *keys = calloc(N, sizeof *keys);
    for (uint64_t i = 0; i < N; i++) { /* not in the order of their places */
        uint64_t place = 1 + (i * 7919) % N;
        keys[i] = (struct key){mixed(place % DIFFERENT + 1), mixed(place % DIFFERENT + 77), place};
    }
    assert_true(put_and_finish(rig, keys, N, 4, LARGE));
    for (size_t place = 1; place <= N; place++)
        assert_int_equal(rig->told[place], place > DIFFERENT);
    free(keys);
}

static void little_memory_finds_the_same(void **state)
{
    enum { N = 190000, DIFFERENT = 120000 };
    struct rig *rig = *state;
    struct key *keys = calloc(N, sizeof *keys);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t which = (N - i) % DIFFERENT;
        keys[i] = (struct key){mixed(which + 1), which, N - i};
    }
    assert_true(put_and_finish(rig, keys, N, 3, SMALL));
    for (size_t place = 1; place <= N; place++)
        assert_int_equal(rig->told[place], place > DIFFERENT);
    free(keys);
}

/* Keys that begin alike are spread by the bits behind: six at a time. */
static void keys_that_begin_alike_are_spread_further(void **state)
{
    enum { N = 4000 };
    struct rig *rig = *state;
    struct key *keys = calloc(2 * N, sizeof *keys);
    for (uint64_t i = 0; i < 2 * N; i++)
        keys[i] = (struct key){(i % N) << 24, i % N, i + 1};
    assert_true(put_and_finish(rig, keys, 2 * N, 1, SMALL));
    assert_int_equal(told(rig), N);
    for (size_t i = 0; i < N; i++)
        assert_true(!rig->told[i + 1] && rig->told[N + i + 1]);
    free(keys);
}

static void keys_that_cannot_be_spread_are_an_error_not_a_crash(void **state)
{
    enum { N = 4000 };
    struct rig *rig = *state;
    struct key *keys = calloc(N, sizeof *keys);
    for (uint64_t i = 0; i < N; i++)
        keys[i] = (struct key){7, i, i + 1};
    assert_false(put_and_finish(rig, keys, N, 1, SMALL));
    assert_int_equal(rig->err.code, ERROR_LIMIT);
    free(keys);
}

static void one_key_alone_needs_no_room(void **state)
{
    struct rig *rig = *state;
    struct key *keys = calloc(PLACES, sizeof *keys);
    for (uint64_t i = 0; i + 1 < PLACES; i++)
        keys[i] = (struct key){1, 2, i + 1};
    assert_true(put_and_finish(rig, keys, PLACES - 1, 2, SMALL));
    assert_int_equal(told(rig), PLACES - 2);
    assert_false(rig->told[1]);
    free(keys);
}

static void what_the_lake_has_stays_whoever_comes_first(void **state)
{
    struct rig *rig = *state;
    const struct key keys[] = {{1, 1, 5}, {1, 1, 0}, {1, 1, 3}, {1, 1, 0}, {2, 2, 9}, {2, 1, 1}};
    assert_true(put_and_finish(rig, keys, sizeof keys / sizeof *keys, 2, LARGE));
    assert_int_equal(told(rig), 2);
    assert_true(rig->told[5] && rig->told[3]);
}

static void no_keys_are_fine(void **state)
{
    struct rig *rig = *state;
    assert_true(put_and_finish(rig, NULL, 0, 1, LARGE));
    assert_int_equal(told(rig), 0);
}

static size_t open_files(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    assert_int_equal(closedir(dir), 0);
    return n;
}

/* Every call that touches the disk fails in turn: it is told, and nothing stays open or behind. */
static void every_call_may_fail(void **state)
{
    enum { N = 4000, CALLS_MAX = 2000 };
    struct rig *rig = *state;
    struct key *keys = calloc(N, sizeof *keys);
    for (uint64_t i = 0; i < N; i++)
        keys[i] = (struct key){i << 40, i / 2, i + 1};
    size_t before = open_files();
    int n = 1;
    for (; n < CALLS_MAX; n += n < 200 ? 1 : 7) {
        error_clear(&rig->err);
        fault = (struct fault){.at = n, .number = ENOSPC};
        bool ok = put_and_finish(rig, keys, N, 1, SMALL), struck = fault.struck;
        fault = (struct fault){0};
        assert_int_equal(open_files(), before);
        if (ok)
            break;
        assert_true(struck);
        assert_int_equal(rig->err.code, ERROR_IO);
        assert_non_null(strstr(rig->err.message, strerror(ENOSPC)));
    }
    assert_true(n > KEYS_BUCKETS && n < CALLS_MAX);
    free(keys);
}

static void every_allocation_may_fail(void **state)
{
    struct rig *rig = *state;
    struct key keys[2000];
    for (uint64_t i = 0; i < 2000; i++)
        keys[i] = (struct key){i, i, i + 1};
    uint64_t n = 1;
    for (;; n++) {
        error_clear(&rig->err);
        mem_fail_at(n);
        bool ok = put_and_finish(rig, keys, 700, 1, SMALL);
        mem_fail_at(0);
        if (ok)
            break;
        assert_int_equal(rig->err.code, ERROR_MEMORY);
    }
    assert_true(n > 5);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(the_first_of_each_key_stays),
        CASE(little_memory_finds_the_same),
        CASE(keys_that_begin_alike_are_spread_further),
        CASE(keys_that_cannot_be_spread_are_an_error_not_a_crash),
        CASE(one_key_alone_needs_no_room),
        CASE(what_the_lake_has_stays_whoever_comes_first),
        CASE(no_keys_are_fine),
        CASE(every_call_may_fail),
        CASE(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
