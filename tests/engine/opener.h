/* Opener: files in memory for an engine, given in pieces of any size; fails where it is told to. */
#ifndef WEIR_TESTS_ENGINE_OPENER_H
#define WEIR_TESTS_ENGINE_OPENER_H

#include "base/memory.h"
#include "engine/engine.h"

#include <setjmp.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { OPENER_FILES_MAX = 512 };

struct test_opener {
    struct engine_opener opener;
    struct str text[OPENER_FILES_MAX]; /* lent */
    const char *names[OPENER_FILES_MAX];
    uint64_t sizes[OPENER_FILES_MAX];
    size_t n;
    size_t step;                      /* bytes a read gives at most */
    size_t broken_file, broken_at;    /* the read there fails; broken_at 0: none does */
    bool closed_file;                 /* broken_file does not even open */
    atomic_size_t opens, open, reads; /* handles so far, and now; reads so far */
    atomic_size_t holders;
};

struct test_handle {
    struct test_opener *from;
    size_t file, end, at;
};

static inline bool opener_open(void *context, size_t first, size_t count, void **handle,
                               struct error *err)
{
    struct test_opener *from = context;
    assert_in_range(count, 1, from->n - first);
    if (from->closed_file && from->broken_file >= first && from->broken_file < first + count)
        return error_set(err, ERROR_NOT_FOUND, "%s: gone", from->names[from->broken_file]);
    struct test_handle *one = mem_alloc(1, sizeof *one, err);
    if (!one)
        return false;
    *one = (struct test_handle){from, first, first + count, 0};
    from->opens++;
    from->open++;
    *handle = one;
    return true;
}

static inline bool opener_read(void *handle, void *to, size_t room, size_t *got, struct error *err)
{
    struct test_handle *one = handle;
    const struct test_opener *from = one->from;
    assert_true(one->file < one->end && room > 0);
    size_t left = from->text[one->file].n - one->at, most = from->step < room ? from->step : room;
    one->from->reads++;
    if (from->broken_at > 0 && from->broken_file == one->file && one->at + most >= from->broken_at)
        return error_set(err, ERROR_NETWORK, "%s: broken off", from->names[one->file]);
    *got = left < most ? left : most;
    if (*got > 0)
        memcpy(to, from->text[one->file].p + one->at, *got);
    one->at += *got;
    if (*got == 0) {
        one->file++;
        one->at = 0;
    }
    return true;
}

static inline void opener_close(void *handle)
{
    struct test_handle *one = handle;
    one->from->open--;
    mem_free(one);
}

static inline void opener_hold(void *context)
{
    ((struct test_opener *) context)->holders++;
}

static inline void opener_release(void *context)
{
    ((struct test_opener *) context)->holders--;
}

static inline void opener_begin(struct test_opener *from, size_t step)
{
    memset(from, 0, sizeof *from);
    from->step = step;
    from->opener = (struct engine_opener){.context = from,
                                          .open = opener_open,
                                          .read = opener_read,
                                          .close = opener_close,
                                          .hold = opener_hold,
                                          .release = opener_release};
}

static inline void opener_add(struct test_opener *from, const char *name, struct str text)
{
    assert_true(from->n < OPENER_FILES_MAX);
    from->text[from->n] = text;
    from->names[from->n] = name;
    from->sizes[from->n++] = text.n;
}

#endif
