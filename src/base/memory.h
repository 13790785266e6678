/* Memory: allocation that reports, and an arena for things that die together.
 *
 * Every allocation of the program goes through mem_alloc/mem_resize, so that tests can make the
 * n-th one fail. Memory is released with mem_free (NULL is fine).
 */
#ifndef WEIR_BASE_MEMORY_H
#define WEIR_BASE_MEMORY_H

#include "base/error.h"

#include <stdint.h>

/* `count` zeroed objects of `size` bytes; NULL with ERROR_MEMORY when there is no room or the
 * product overflows. count or size 0 gives a valid pointer of its own. */
void *mem_alloc(size_t count, size_t size, struct error *err);

/* Grows or shrinks to `count` objects of `size` bytes; new bytes are not zeroed. On failure the old
 * block stays valid and NULL is returned. */
void *mem_resize(void *block, size_t count, size_t size, struct error *err);

/* A NUL-terminated copy of n bytes. */
char *mem_copy(const char *bytes, size_t n, struct error *err);

void mem_free(void *block);

/* Overwrites n bytes in a way that the compiler keeps, for secrets. */
void mem_wipe(void *block, size_t n);

/* Ensures room for one more element in a growing array: `*array` of `*room` elements of `size`
 * bytes, of which `used` are in use; grows by half, at most to `max` elements (ERROR_LIMIT). */
bool mem_reserve(void *array, size_t *room, size_t used, size_t max, size_t size,
                 struct error *err);

/* For tests: the n-th allocation from now on (1: the next) fails, once; 0: none. Per thread. */
void mem_fail_at(uint64_t n);

/* An arena: many small blocks, freed at once. Not for threads. */
struct arena {
    struct arena_block *head;
    size_t used, max; /* bytes handed out; limit */
};

/* `max` bytes at most are handed out; more is ERROR_LIMIT. */
void arena_init(struct arena *arena, size_t max);
void arena_release(struct arena *arena);

/* Zeroed, aligned for any object; NULL with an error. */
void *arena_alloc(struct arena *arena, size_t count, size_t size, struct error *err);
char *arena_copy(struct arena *arena, const char *bytes, size_t n, struct error *err);
char *arena_format(struct arena *arena, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
