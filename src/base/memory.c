/* Memory: see memory.h. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 32 * 1024 };

static const size_t BLOCK_MAX = (size_t) 1 << 38; /* more is a mistake, not a wish */

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

static _Thread_local uint64_t fail_countdown;

static bool must_fail(void)
{
    return fail_countdown > 0 && --fail_countdown == 0;
}

void mem_fail_at(uint64_t n)
{
    fail_countdown = n;
}

static void *no_memory(size_t count, size_t size, struct error *err)
{
    (void) error_set(err, ERROR_MEMORY, "no memory for %zu x %zu bytes", count, size);
    return NULL;
}

void *mem_alloc(size_t count, size_t size, struct error *err)
{
    if (count == 0 || size == 0)
        count = size = 1;
    void *block = must_fail() || count > BLOCK_MAX / size ? NULL : calloc(count, size);
    return block ? block : no_memory(count, size, err);
}

void *mem_resize(void *block, size_t count, size_t size, struct error *err)
{
    if (count == 0 || size == 0)
        count = size = 1;
    void *bigger = must_fail() || count > BLOCK_MAX / size ? NULL : realloc(block, count * size);
    return bigger ? bigger : no_memory(count, size, err);
}

char *mem_copy(const char *bytes, size_t n, struct error *err)
{
    if (n == SIZE_MAX)
        return no_memory(n, 1, err);
    char *copy = mem_alloc(n + 1, 1, err);
    if (copy && n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

void mem_free(void *block)
{
    free(block);
}

void mem_wipe(void *block, size_t n)
{
    if (block && n > 0)
        explicit_bzero(block, n);
}

bool mem_reserve(void *array, size_t *room, size_t used, size_t max, size_t size, struct error *err)
{
    if (used < *room)
        return true;
    if (used >= max)
        return error_set(err, ERROR_LIMIT, "more than %zu elements", max);
    size_t want = *room + *room / 2 + 8;
    if (want > max)
        want = max;
    void *block; /* the caller's pointer may be of any type: it is copied, not read as void * */
    memcpy(&block, array, sizeof block);
    block = mem_resize(block, want, size, err);
    if (!block)
        return false;
    memcpy(array, &block, sizeof block);
    *room = want;
    return true;
}

void arena_init(struct arena *arena, size_t max)
{
    *arena = (struct arena){.max = max};
}

void arena_release(struct arena *arena)
{
    struct arena_block *block = arena->head;
    while (block) {
        struct arena_block *next = block->next;
        mem_free(block);
        block = next;
    }
    arena->head = NULL;
    arena->used = 0;
}

static struct arena_block *arena_grow(struct arena *arena, size_t bytes, struct error *err)
{
    size_t size = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
    struct arena_block *block = mem_alloc(1, sizeof *block + size, err);
    if (!block)
        return NULL;
    block->size = size;
    block->next = arena->head;
    arena->head = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size, struct error *err)
{
    size_t bytes;
    const size_t align = _Alignof(max_align_t);
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - align)
        return no_memory(count, size, err);
    bytes = (bytes + align - 1) / align * align;
    if (bytes > arena->max || arena->used > arena->max - bytes) {
        (void) error_set(err, ERROR_LIMIT, "more than %zu bytes for one text", arena->max);
        return NULL;
    }
    struct arena_block *block = arena->head;
    if (!block || block->size - block->used < bytes)
        block = arena_grow(arena, bytes, err);
    if (!block)
        return NULL;
    void *result = block->bytes + block->used;
    block->used += bytes;
    arena->used += bytes;
    return result;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t n, struct error *err)
{
    if (n == SIZE_MAX)
        return no_memory(n, 1, err);
    char *copy = arena_alloc(arena, n + 1, 1, err);
    if (copy && n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

char *arena_format(struct arena *arena, struct error *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : arena_alloc(arena, (size_t) n + 1, 1, err);
    if (text)
        (void) vsnprintf(text, (size_t) n + 1, format, again);
    va_end(again);
    return text;
}
