/* Allocation refuses what cannot be, arrays and arenas keep to their limits, and the n-th allocation
 * can be made to fail. */
#include "base/memory.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>

#include <cmocka.h>

static void new_memory_is_zero_and_of_its_own(void **state)
{
    (void) state;
    unsigned char *bytes = mem_alloc(100, 3, NULL);
    assert_non_null(bytes);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(bytes[i], 0);
    void *nothing = mem_alloc(0, 8, NULL);
    assert_non_null(nothing);
    mem_free(nothing);
    mem_free(bytes);
    mem_free(NULL);
}

static void a_product_that_overflows_is_refused(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_null(mem_alloc(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_null(mem_resize(NULL, SIZE_MAX / 2, 3, NULL));
    assert_null(mem_copy("x", SIZE_MAX, NULL));
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX / 2, 3, NULL));
    arena_release(&arena);
}

static void the_nth_allocation_fails_once(void **state)
{
    (void) state;
    mem_fail_at(2);
    void *first = mem_alloc(1, 1, NULL), *second = mem_alloc(1, 1, NULL);
    void *third = mem_alloc(1, 1, NULL);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    mem_free(first);
    mem_free(third);
}

static void a_copy_ends_in_nul(void **state)
{
    (void) state;
    char *copy = mem_copy("abcdef", 3, NULL);
    assert_string_equal(copy, "abc");
    mem_free(copy);
}

static void a_wipe_clears_all_bytes(void **state)
{
    (void) state;
    char secret[] = "hunter2";
    mem_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        assert_int_equal(secret[i], 0);
    mem_wipe(NULL, 4);
}

static void an_array_grows_up_to_its_limit(void **state)
{
    (void) state;
    int *array = NULL;
    size_t room = 0, used = 0;
    struct error err = ERROR_INIT;
    while (mem_reserve(&array, &room, used, 1000, sizeof *array, &err)) {
        array[used] = (int) used;
        used++;
    }
    assert_int_equal(used, 1000);
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(array[999], array[0] + 999);
    mem_free(array);
}

static void an_array_survives_a_failed_growth(void **state)
{
    (void) state;
    int *array = NULL;
    size_t room = 0;
    assert_true(mem_reserve(&array, &room, 0, 1000, sizeof *array, NULL));
    array[0] = 42;
    size_t before = room;
    mem_fail_at(1);
    assert_false(mem_reserve(&array, &room, room, 1000, sizeof *array, NULL));
    assert_int_equal(room, before);
    assert_int_equal(array[0], 42);
    mem_free(array);
}

static void an_arena_gives_aligned_zeroed_blocks(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 10 << 20);
    for (size_t size = 1; size < 3000; size += 7) {
        unsigned char *block = arena_alloc(&arena, 1, size, NULL);
        assert_non_null(block);
        assert_int_equal((uintptr_t) block % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 0);
        memset(block, 0xFF, size);
    }
    assert_non_null(arena_alloc(&arena, 1, 1 << 20, NULL));
    arena_release(&arena);
}

static void an_arena_keeps_to_its_limit(void **state)
{
    (void) state;
    struct arena arena;
    struct error err = ERROR_INIT;
    arena_init(&arena, 4096);
    assert_non_null(arena_alloc(&arena, 1, 4000, &err));
    assert_null(arena_alloc(&arena, 1, 100, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_non_null(arena_alloc(&arena, 1, 96, NULL));
    arena_release(&arena);
}

static void an_arena_formats_and_copies(void **state)
{
    (void) state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_string_equal(arena_format(&arena, NULL, "%s-%d", "x", 5), "x-5");
    assert_string_equal(arena_copy(&arena, "hello", 4, NULL), "hell");
    for (uint64_t n = 1; n <= 2; n++) {
        struct arena empty;
        struct error err = ERROR_INIT;
        arena_init(&empty, 1 << 20);
        mem_fail_at(1);
        assert_null(n == 1 ? arena_format(&empty, &err, "%d", 1)
                           : arena_copy(&empty, "x", 1, &err));
        assert_int_equal(err.code, ERROR_MEMORY);
        arena_release(&empty);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zero_and_of_its_own),
        cmocka_unit_test(a_product_that_overflows_is_refused),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(a_copy_ends_in_nul),
        cmocka_unit_test(a_wipe_clears_all_bytes),
        cmocka_unit_test(an_array_grows_up_to_its_limit),
        cmocka_unit_test(an_array_survives_a_failed_growth),
        cmocka_unit_test(an_arena_gives_aligned_zeroed_blocks),
        cmocka_unit_test(an_arena_keeps_to_its_limit),
        cmocka_unit_test(an_arena_formats_and_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
