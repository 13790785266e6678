/* Survey: which keys the objects of files of JSON have, and which ever hold a value.
 *
 * Each thread walks its share with a list of its own; the lists are put together at the end.
 * Objects of one file have most keys in one order, so the next key is looked for from where the
 * last one was. */

#include "emulator/survey.h"

#include "base/memory.h"
#include "engine/duckdb/scan.h"
#include "json/value.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { STOP_EVERY = 1024 /* objects between two looks at the flag */ };

/* The keys that one thread has seen. */
struct seen {
    struct str *keys; /* into the arena */
    bool *filled;
    size_t n, room, filled_room;
    struct arena arena;
};

struct walker {
    struct scan *scan;
    const atomic_bool *stop;
    struct seen seen;
    struct error err;
    bool done, started;
    pthread_t thread;
};

static const size_t seen_max = (size_t) COLUMNS_MAX * (COLUMN_NAME_MAX + 64);

static bool add_seen(struct seen *seen, struct str key, struct error *err)
{
    if (!mem_reserve(&seen->keys, &seen->room, seen->n, COLUMNS_MAX, sizeof *seen->keys, err) ||
        !mem_reserve(&seen->filled, &seen->filled_room, seen->n, COLUMNS_MAX, sizeof *seen->filled,
                     err))
        return false;
    char *copy = arena_copy(&seen->arena, key.p, key.n, err);
    if (!copy)
        return false;
    seen->filled[seen->n] = false;
    seen->keys[seen->n++] = (struct str){copy, key.n};
    return true;
}

/* The index of a key, looked for from `from` on and round; seen->n when it is new. */
static size_t find_seen(const struct seen *seen, struct str key, size_t from)
{
    for (size_t i = from; i < seen->n; i++) {
        if (str_eq(seen->keys[i], key))
            return i;
    }
    for (size_t i = 0; i < from && i < seen->n; i++) {
        if (str_eq(seen->keys[i], key))
            return i;
    }
    return seen->n;
}

static bool is_filled(const struct json_member *member)
{
    if (member->kind == JSON_KIND_NULL)
        return false;
    return member->kind != JSON_KIND_STRING || member->value.n > 2;
}

static bool see_object(struct seen *seen, struct str object, struct buf *scratch, struct error *err)
{
    struct json_member member;
    size_t next = 0;
    for (size_t at = 0; json_next(object, &at, &member);) {
        struct str key = member.key;
        if (key.n > 0 && memchr(key.p, '\\', key.n)) {
            buf_reset(scratch);
            if (!json_unescape(key, scratch))
                return error_set(err, ERROR_FORMAT, "a key is not valid");
            key = buf_str(scratch);
        }
        if (key.n > COLUMN_NAME_MAX || (key.n > 0 && memchr(key.p, '\0', key.n)))
            continue; /* no column can have it */
        size_t i = find_seen(seen, key, next);
        if (i == seen->n && !add_seen(seen, key, err))
            return false;
        if (!seen->filled[i])
            seen->filled[i] = is_filled(&member);
        next = i + 1;
    }
    return true;
}

static bool walk_objects(struct walker *walker, struct scan_hand *hand, struct buf *scratch)
{
    struct scan_object object;
    int found;
    for (uint64_t n = 1; (found = scan_hand_next(hand, &object, &walker->err)) > 0; n++) {
        if (!see_object(&walker->seen, object.json.bytes, scratch, &walker->err))
            return false;
        if (n % STOP_EVERY == 0 && walker->stop && atomic_load(walker->stop))
            return error_set(&walker->err, ERROR_INTERRUPTED, "interrupted");
    }
    return found == 0;
}

static void *walk(void *context)
{
    struct walker *walker = context;
    struct buf scratch = BUF_INIT((size_t) COLUMN_NAME_MAX * 6);
    struct scan_hand *hand = scan_hand_new(walker->scan, &walker->err);
    walker->done = hand && walk_objects(walker, hand, &scratch);
    scan_hand_free(hand);
    buf_release(&scratch);
    return NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return str_compare(*(const struct str *) a, *(const struct str *) b);
}

/* Adds what one thread saw beyond the known keys, in the order of their bytes once all are in. */
static bool add_new(const struct survey *out, const struct seen *seen, struct seen *all,
                    struct error *err)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (columns_find(&out->keys, seen->keys[i]) < 0 &&
            find_seen(all, seen->keys[i], 0) == all->n && !add_seen(all, seen->keys[i], err))
            return false;
    }
    return true;
}

static bool put_together(const struct walker *walkers, size_t count, const struct columns *known,
                         struct survey *out, struct error *err)
{
    struct seen extra = {0};
    arena_init(&extra.arena, seen_max);
    bool done = columns_copy(known, &out->keys, err);
    for (size_t w = 0; done && w < count; w++)
        done = add_new(out, &walkers[w].seen, &extra, err);
    if (done && extra.n > 0)
        qsort(extra.keys, extra.n, sizeof *extra.keys, by_bytes);
    for (size_t i = 0; done && i < extra.n; i++)
        done = columns_add(&out->keys, extra.keys[i], COLUMN_STRING, err);
    out->filled = done ? mem_alloc(out->keys.n, sizeof *out->filled, err) : NULL;
    for (size_t w = 0; out->filled && w < count; w++) {
        const struct seen *seen = &walkers[w].seen;
        for (size_t i = 0; i < seen->n; i++) {
            int at = columns_find(&out->keys, seen->keys[i]);
            out->filled[at] = out->filled[at] || seen->filled[i];
        }
    }
    arena_release(&extra.arena);
    mem_free(extra.keys);
    mem_free(extra.filled);
    return out->filled != NULL;
}

static size_t thread_count(const struct scan *scan)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = processors > 0 ? (size_t) processors : 1, pieces = scan_pieces(scan);
    if (count > pieces)
        count = pieces > 0 ? pieces : 1;
    return count < SURVEY_THREADS_MAX ? count : SURVEY_THREADS_MAX;
}

/* The first walker is this thread; one that cannot be started leaves its share to the others. */
static bool walk_all(struct walker *walkers, size_t count, struct error *err)
{
    for (size_t w = 1; w < count; w++)
        walkers[w].started = pthread_create(&walkers[w].thread, NULL, walk, &walkers[w]) == 0;
    (void) walk(&walkers[0]);
    bool done = walkers[0].done;
    if (!done && err)
        *err = walkers[0].err;
    for (size_t w = 1; w < count; w++) {
        if (!walkers[w].started)
            continue;
        (void) pthread_join(walkers[w].thread, NULL);
        if (done && !walkers[w].done && err)
            *err = walkers[w].err;
        done = done && walkers[w].done;
    }
    return done;
}

bool survey_lines(const char *const *paths, size_t count, const struct columns *known,
                  const atomic_bool *stop, struct survey *out, struct error *err)
{
    *out = (struct survey){0};
    const struct scan_options options = {.paths = paths, .count = count};
    struct scan *scan = scan_new(&options, err);
    if (!scan)
        return false;
    struct walker walkers[SURVEY_THREADS_MAX] = {0};
    size_t n = thread_count(scan);
    for (size_t w = 0; w < n; w++) {
        walkers[w].scan = scan;
        walkers[w].stop = stop;
        arena_init(&walkers[w].seen.arena, seen_max);
    }
    bool done = walk_all(walkers, n, err) && put_together(walkers, n, known, out, err);
    for (size_t w = 0; w < n; w++) {
        arena_release(&walkers[w].seen.arena);
        mem_free(walkers[w].seen.keys);
        mem_free(walkers[w].seen.filled);
    }
    scan_free(scan);
    return done;
}

void survey_release(struct survey *survey)
{
    columns_release(&survey->keys);
    mem_free(survey->filled);
    *survey = (struct survey){0};
}
