/* Keys of rows, and which came twice: see keys.h. */
#include "partition/keys.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PATH_ROOM = 4096,
    TABLE_MIN = 1 << 10, /* slots */
    READ_KEYS = 4096     /* read at once */
};

/* A file of keys. Who writes takes room at its end, then writes there. */
struct bucket {
    int fd;
    atomic_uint_fast64_t count;
};

struct keys {
    char *folder;
    struct bucket buckets[KEYS_BUCKETS];
};

struct keys_stage {
    struct keys *keys;
    struct bucket *buckets; /* those of the keys, or of one that is spread */
    unsigned shift;         /* of the bits that tell the bucket */
    uint32_t n[KEYS_BUCKETS];
    struct key v[KEYS_BUCKETS][KEYS_STAGED];
};

static bool fail(const struct keys *keys, const char *what, struct error *err)
{
    int number = errno;
    (void) error_set_errno(err, ERROR_IO, number, "a scratch file in %s %s", keys->folder, what);
    return number == ENOSPC || number == EDQUOT
               ? error_hint(err, "free some room and run the same command again")
               : false;
}

/* --- files --- */

/* The file has no name and no rights for others; it goes when the program goes. */
static int open_file(struct keys *keys, struct error *err)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    int fd = -1;
    path_join(&path, keys->folder, "weir-XXXXXX");
    if (buf_ok(&path, "the scratch folder's path", err) && (fd = mkstemp(path.bytes)) < 0)
        (void) fail(keys, "cannot be made", err);
    if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || unlink(path.bytes) != 0)) {
        (void) fail(keys, "cannot be made", err);
        (void) close(fd);
        fd = -1;
    }
    buf_release(&path);
    return fd;
}

static void close_buckets(struct bucket *buckets)
{
    for (size_t i = 0; i < KEYS_BUCKETS; i++) {
        if (buckets[i].fd >= 0)
            (void) close(buckets[i].fd);
        buckets[i].fd = -1;
    }
}

static bool open_buckets(struct keys *keys, struct bucket *buckets, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; i < KEYS_BUCKETS; i++) {
        buckets[i].fd = ok ? open_file(keys, err) : -1;
        atomic_init(&buckets[i].count, 0);
        ok = ok && buckets[i].fd >= 0;
    }
    return ok;
}

static bool write_at(const struct keys *keys, int fd, const void *bytes, size_t n, uint64_t at,
                     struct error *err)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t got = pwrite(fd, p, n, (off_t) at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(keys, "cannot be written", err);
        p += got;
        n -= (size_t) got;
        at += (uint64_t) got;
    }
    return true;
}

static bool read_at(const struct keys *keys, int fd, void *bytes, size_t n, uint64_t at,
                    struct error *err)
{
    char *p = bytes;
    while (n > 0) {
        ssize_t got = pread(fd, p, n, (off_t) at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO;
        if (got <= 0)
            return fail(keys, "cannot be read", err);
        p += got;
        n -= (size_t) got;
        at += (uint64_t) got;
    }
    return true;
}

struct keys *keys_new(const char *folder, struct error *err)
{
    struct keys *keys = mem_alloc(1, sizeof *keys, err);
    if (!keys)
        return NULL;
    for (size_t i = 0; i < KEYS_BUCKETS; i++)
        keys->buckets[i].fd = -1;
    keys->folder = mem_copy(folder, strlen(folder), err);
    if (keys->folder && file_make_folders(folder, err) && open_buckets(keys, keys->buckets, err))
        return keys;
    keys_free(keys);
    return NULL;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    close_buckets(keys->buckets);
    mem_free(keys->folder);
    mem_free(keys);
}

/* --- stages --- */

static struct keys_stage *stage_of(struct keys *keys, struct bucket *buckets, unsigned level,
                                   struct error *err)
{
    struct keys_stage *stage = mem_alloc(1, sizeof *stage, err);
    if (!stage)
        return NULL;
    stage->keys = keys;
    stage->buckets = buckets;
    stage->shift = 64 - KEYS_BUCKETS_LOG2 * (level + 1);
    return stage;
}

struct keys_stage *keys_stage_new(struct keys *keys, struct error *err)
{
    return stage_of(keys, keys->buckets, 0, err);
}

void keys_stage_free(struct keys_stage *stage)
{
    mem_free(stage);
}

static bool flush_one(struct keys_stage *stage, size_t i, struct error *err)
{
    struct bucket *bucket = &stage->buckets[i];
    uint32_t n = stage->n[i];
    uint64_t at = atomic_fetch_add(&bucket->count, n);
    stage->n[i] = 0;
    return write_at(stage->keys, bucket->fd, stage->v[i], n * sizeof stage->v[i][0],
                    at * sizeof stage->v[i][0], err);
}

bool keys_put(struct keys_stage *stage, const struct key *key, struct error *err)
{
    size_t i = key->high >> stage->shift & (KEYS_BUCKETS - 1);
    stage->v[i][stage->n[i]++] = *key;
    return stage->n[i] < KEYS_STAGED || flush_one(stage, i, err);
}

bool keys_flush(struct keys_stage *stage, struct error *err)
{
    for (size_t i = 0; i < KEYS_BUCKETS; i++)
        if (stage->n[i] > 0 && !flush_one(stage, i, err))
            return false;
    return true;
}

/* --- the end --- */

/* The different keys of one bucket, each with the least place of its rows. */
struct table {
    struct key *slots; /* place: 1 more, 0 where the slot is empty */
    size_t mask, used, most;
};

struct finish {
    struct keys *keys;
    const struct stop *stop;
    keys_again_fn *fn;
    void *context;
    size_t slots_max; /* a power of two */
    struct key *read; /* READ_KEYS */
};

static bool table_init(struct table *table, const struct finish *finish, uint64_t count,
                       struct error *err)
{
    size_t slots = TABLE_MIN;
    while (slots < finish->slots_max && slots / 4 * 3 < count)
        slots *= 2;
    *table = (struct table){.mask = slots - 1, .most = slots / 4 * 3};
    table->slots = mem_alloc(slots, sizeof *table->slots, err);
    return table->slots != NULL;
}

/* The slot of the key, or the empty one where it belongs. */
static struct key *find_slot(struct table *table, const struct key *key)
{
    size_t at = key->low & table->mask;
    for (struct key *slot; (slot = &table->slots[at])->place != 0; at = (at + 1) & table->mask)
        if (slot->high == key->high && slot->low == key->low)
            break;
    return &table->slots[at];
}

static bool again(const struct finish *finish, uint64_t place, struct error *err)
{
    return place == 0 || finish->fn(finish->context, place, err);
}

/* *full: there is no room for another key. */
static bool take_key(const struct finish *finish, struct table *table, const struct key *key,
                     bool *full, struct error *err)
{
    struct key *slot = find_slot(table, key);
    if (slot->place == 0) {
        *full = table->used == table->most;
        if (*full)
            return true;
        *slot = *key;
        slot->place++;
        table->used++;
        return true;
    }
    uint64_t first = slot->place - 1 < key->place ? slot->place - 1 : key->place;
    uint64_t other = slot->place - 1 < key->place ? key->place : slot->place - 1;
    slot->place = first + 1;
    return again(finish, other, err);
}

/* Gives the keys of a file to fn, in pieces, until *enough. */
typedef bool piece_fn(void *context, const struct key *v, size_t n, bool *enough,
                      struct error *err);

static bool read_bucket(const struct finish *finish, const struct bucket *bucket, piece_fn *fn,
                        void *context, bool *enough, struct error *err)
{
    uint64_t count = atomic_load(&bucket->count);
    *enough = false;
    for (uint64_t at = 0, n; at < count && !*enough; at += n) {
        n = count - at < READ_KEYS ? count - at : READ_KEYS;
        if (stop_asked(finish->stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!read_at(finish->keys, bucket->fd, finish->read, (size_t) n * sizeof *finish->read,
                     at * sizeof *finish->read, err) ||
            !fn(context, finish->read, (size_t) n, enough, err))
            return false;
    }
    return true;
}

struct filling {
    const struct finish *finish;
    struct table table;
};

static bool fill(void *context, const struct key *v, size_t n, bool *enough, struct error *err)
{
    struct filling *filling = context;
    for (size_t i = 0; i < n && !*enough; i++)
        if (!take_key(filling->finish, &filling->table, &v[i], enough, err))
            return false;
    return true;
}

static bool spread(void *context, const struct key *v, size_t n, bool *enough, struct error *err)
{
    *enough = false;
    for (size_t i = 0; i < n; i++)
        if (!keys_put(context, &v[i], err))
            return false;
    return true;
}

static bool finish_bucket(struct finish *finish, struct bucket *bucket, unsigned level,
                          struct error *err);

/* Spreads a bucket over files of the next level, and finishes those. Recursion ends with KEYS_LEVELS. */
static bool divide(struct finish *finish, struct bucket *bucket, unsigned level, struct error *err)
{
    struct bucket *buckets = mem_alloc(KEYS_BUCKETS, sizeof *buckets, err);
    bool enough, ok = false;
    if (!buckets)
        return false;
    if (level == KEYS_LEVELS)
        (void) error_set(err, ERROR_LIMIT, "more keys begin alike than memory has room for");
    struct keys_stage *stage =
        level < KEYS_LEVELS ? stage_of(finish->keys, buckets, level, err) : NULL;
    if (stage) {
        ok = open_buckets(finish->keys, buckets, err) &&
             read_bucket(finish, bucket, spread, stage, &enough, err) && keys_flush(stage, err);
        keys_stage_free(stage);
        (void) close(bucket->fd);
        bucket->fd = -1;
        for (size_t i = 0; i < KEYS_BUCKETS && ok; i++)
            ok = finish_bucket(finish, &buckets[i], level, err);
        close_buckets(buckets);
    }
    mem_free(buckets);
    return ok;
}

static bool finish_bucket(struct finish *finish, struct bucket *bucket, unsigned level,
                          struct error *err)
{
    struct filling filling = {.finish = finish};
    bool full = false;
    bool ok = table_init(&filling.table, finish, atomic_load(&bucket->count), err) &&
              read_bucket(finish, bucket, fill, &filling, &full, err);
    mem_free(filling.table.slots);
    if (ok && full)
        return divide(finish, bucket, level + 1, err);
    (void) close(bucket->fd);
    bucket->fd = -1;
    return ok;
}

bool keys_finish(struct keys *keys, uint64_t memory, const struct stop *stop, keys_again_fn *fn,
                 void *context, struct error *err)
{
    struct finish finish = {
        .keys = keys, .stop = stop, .fn = fn, .context = context, .slots_max = TABLE_MIN};
    while (finish.slots_max < SIZE_MAX / (4 * sizeof(struct key)) &&
           finish.slots_max * 2 * sizeof(struct key) <= memory)
        finish.slots_max *= 2;
    finish.read = mem_alloc(READ_KEYS, sizeof *finish.read, err);
    bool ok = finish.read != NULL;
    for (size_t i = 0; i < KEYS_BUCKETS && ok; i++)
        ok = finish_bucket(&finish, &keys->buckets[i], 0, err);
    mem_free(finish.read);
    return ok;
}
