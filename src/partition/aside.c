/* Rows by bucket, in blocks of memory and files; see aside.h.
 *
 * Blocks are cut from slices of huge pages, one slice at a time for each worker, so that to set rows aside costs what
 * copying costs. A slice is used again when the last block in it has gone. Invariants, under the lock:
 *
 *   1. `held` is what slices in use and large blocks take.
 *   2. Blocks go to files from the first of the list on; who takes them off decides their places in the files then. So
 *      segments of a bucket stand in its file in the order of the input, whoever writes first.
 *   3. Nobody waits for memory who could write blocks away himself; and nobody waits at all when neither blocks are in
 *      the list nor others are writing: then what is held is a batch, or on its way through the workers and bounded by
 *      them.
 */
#include "partition/aside.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    SLICE = 2 * 1024 * 1024,
    SLAB = 64 * 1024 * 1024, /* allocated at once: above what malloc ever keeps in its own heap */
    SLABS_MAX = 1 << 14,
    SHARE = 4, /* so many times is written until all that was held is */
    VECTOR = 512
};

struct slice {
    char *bytes;
    size_t used;
    unsigned blocks;    /* in it, and 1 while a worker cuts from it */
    struct slice *next; /* free */
};

struct part_block {
    struct part_block *next;
    struct slice *slice; /* NULL: an allocation of its own */
    char *bytes;
    size_t size;
    uint32_t at[PART_BUCKETS];     /* of each bucket's segment */
    uint32_t rows[PART_BUCKETS];   /* 0: it has none */
    uint32_t length[PART_BUCKETS]; /* bytes of the segment */
};

struct part_aside {
    struct part_aside_options options;
    char *folder, *name; /* of the files */
    size_t slice_size;
    pthread_mutex_t lock;
    pthread_cond_t room;
    uint64_t held;
    unsigned writing; /* threads that write blocks away */
    struct part_block *first, **last;
    struct part_block *batch; /* cut off the list; nobody's but the gatherers' */
    struct slice *unused;
    struct slice **own; /* each worker's */
    char **slabs;
    size_t slab_count, slab_room;
    size_t slab_left;             /* slices of the last one that were not given out yet */
    uint64_t sizes[PART_BUCKETS]; /* of the batch */
    uint64_t ends[PART_BUCKETS];  /* of the files */
    uint64_t spilled;
};

static unsigned bucket_of(uint32_t number, unsigned level)
{
    return (number * UINT32_C(2654435761) >> (26 - 6 * level)) & (PART_BUCKETS - 1);
}

/* --- memory --- */

/* Slices are whole huge pages where the slab has such; what is left at its ends is never touched. */
static bool add_slab(struct part_aside *aside, struct error *err)
{
    if (!mem_reserve(&aside->slabs, &aside->slab_room, aside->slab_count, SLABS_MAX,
                     sizeof *aside->slabs, err))
        return false;
    char *slab = mem_alloc(SLAB, 1, err);
    if (!slab)
        return false;
    aside->slabs[aside->slab_count++] = slab;
    size_t skip = (SLICE - (uintptr_t) slab % SLICE) % SLICE;
    (void) madvise(slab + skip, SLAB - SLICE, MADV_HUGEPAGE); /* faster, and no more than that */
    aside->slab_left = (SLAB - SLICE) / aside->slice_size;
    return true;
}

static struct slice *next_slice(struct part_aside *aside, struct error *err)
{
    struct slice *slice = aside->unused;
    if (slice) {
        aside->unused = slice->next;
        slice->used = 0;
        return slice;
    }
    if (aside->slab_left == 0 && !add_slab(aside, err))
        return NULL;
    slice = mem_alloc(1, sizeof *slice, err);
    if (!slice)
        return NULL;
    char *slab = aside->slabs[aside->slab_count - 1];
    slab += (SLICE - (uintptr_t) slab % SLICE) % SLICE;
    slice->bytes = slab + --aside->slab_left * aside->slice_size;
    slice->next = NULL;
    return slice;
}

/* One user of a slice less. Under the lock. */
static void leave_slice(struct part_aside *aside, struct slice *slice)
{
    if (--slice->blocks > 0)
        return;
    slice->next = aside->unused;
    aside->unused = slice;
    aside->held -= aside->slice_size;
}

/* Cuts a block of so many bytes from the worker's slice. Under the lock. */
static bool cut_block(struct part_aside *aside, unsigned worker, struct part_block *block,
                      struct error *err)
{
    struct slice **own = &aside->own[worker];
    if (block->size > aside->slice_size) {
        block->bytes = mem_alloc(block->size, 1, err);
        aside->held += block->bytes ? block->size : 0;
        return block->bytes != NULL;
    }
    if (*own && aside->slice_size - (*own)->used < block->size) {
        leave_slice(aside, *own);
        *own = NULL;
    }
    if (!*own) {
        *own = next_slice(aside, err);
        if (!*own)
            return false;
        (*own)->blocks = 1;
        aside->held += aside->slice_size;
    }
    block->slice = *own;
    block->bytes = (*own)->bytes + (*own)->used;
    (*own)->used += block->size;
    (*own)->blocks++;
    return true;
}

/* Under the lock. */
static void free_block(struct part_aside *aside, struct part_block *block)
{
    if (block->slice) {
        leave_slice(aside, block->slice);
    } else {
        aside->held -= block->size;
        mem_free(block->bytes);
    }
    mem_free(block);
}

static void free_blocks(struct part_aside *aside, struct part_block *blocks)
{
    while (blocks) {
        struct part_block *next = blocks->next;
        free_block(aside, blocks);
        blocks = next;
    }
}

/* All slices, when no block is left. */
static void free_memory(struct part_aside *aside)
{
    for (unsigned i = 0; aside->own && i < aside->options.workers; i++) {
        if (aside->own[i])
            leave_slice(aside, aside->own[i]);
        aside->own[i] = NULL;
    }
    while (aside->unused) {
        struct slice *next = aside->unused->next;
        mem_free(aside->unused);
        aside->unused = next;
    }
    for (size_t i = 0; i < aside->slab_count; i++)
        mem_free(aside->slabs[i]);
    mem_free(aside->slabs);
    aside->slabs = NULL;
    aside->slab_count = aside->slab_room = aside->slab_left = 0;
}

/* --- to the files --- */

void part_aside_path(const struct part_aside *aside, unsigned bucket, char out[PART_ASIDE_PATH_MAX])
{
    (void) snprintf(out, PART_ASIDE_PATH_MAX, "%s/%s-%02u", aside->folder, aside->name, bucket);
}

static bool write_vector(int fd, struct iovec *vector, int n, uint64_t at, const char *path,
                         struct error *err)
{
    while (n > 0) {
        ssize_t put = pwritev(fd, vector, n, (off_t) at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            (void) error_set_errno(err, ERROR_IO, errno, "cannot write %s", path);
            if (errno == ENOSPC || errno == EDQUOT)
                (void) error_hint(err, "free some room and run the same command again");
            return false;
        }
        at += (uint64_t) put;
        for (; n > 0 && (size_t) put >= vector->iov_len; vector++, n--)
            put -= (ssize_t) vector->iov_len;
        if (n > 0) {
            vector->iov_base = (char *) vector->iov_base + put;
            vector->iov_len -= (size_t) put;
        }
    }
    return true;
}

/* A bucket's segments of some blocks, one behind the other. */
static bool write_bucket(int fd, const struct part_block *blocks, unsigned bucket, uint64_t at,
                         const char *path, struct error *err)
{
    struct iovec vector[VECTOR];
    int n = 0;
    uint64_t size = 0;
    for (const struct part_block *block = blocks; block; block = block->next) {
        if (block->rows[bucket] == 0)
            continue;
        vector[n++] = (struct iovec){block->bytes + block->at[bucket], block->length[bucket]};
        size += block->length[bucket];
        if (n < VECTOR)
            continue;
        if (!write_vector(fd, vector, n, at, path, err))
            return false;
        at += size;
        size = 0;
        n = 0;
    }
    return write_vector(fd, vector, n, at, path, err);
}

static bool write_blocks(const struct part_aside *aside, const struct part_block *blocks,
                         const uint64_t at[PART_BUCKETS], const uint64_t size[PART_BUCKETS],
                         struct error *err)
{
    char path[PART_ASIDE_PATH_MAX];
    bool ok = true;
    for (unsigned b = 0; ok && b < PART_BUCKETS; b++) {
        if (size[b] == 0)
            continue;
        part_aside_path(aside, b, path);
        int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return error_set_errno(err, ERROR_IO, errno, "cannot make %s", path);
        ok = write_bucket(fd, blocks, b, at[b], path, err);
        if (close(fd) != 0)
            ok = error_set_errno(err, ERROR_IO, errno, "cannot write %s", path);
    }
    return ok;
}

/* Takes blocks of `share` bytes at least off the list, and says where in the files they go. Under the lock. */
static struct part_block *take_blocks(struct part_aside *aside, uint64_t share,
                                      uint64_t at[PART_BUCKETS], uint64_t size[PART_BUCKETS])
{
    struct part_block *first = aside->first, **end = &aside->first;
    uint64_t taken = 0;
    memset(size, 0, PART_BUCKETS * sizeof *size);
    for (; *end && taken < share; end = &(*end)->next) {
        taken += (*end)->size;
        for (unsigned b = 0; b < PART_BUCKETS; b++)
            size[b] += (*end)->length[b];
    }
    aside->first = *end;
    if (!aside->first)
        aside->last = &aside->first;
    *end = NULL;
    for (unsigned b = 0; b < PART_BUCKETS; b++) {
        at[b] = aside->ends[b];
        aside->ends[b] += size[b];
        aside->spilled += size[b];
    }
    return first;
}

/* Writes a share of what is in the list; the lock is held before and after, not meanwhile. */
static bool write_share(struct part_aside *aside, uint64_t share, struct error *err)
{
    uint64_t at[PART_BUCKETS], size[PART_BUCKETS];
    struct part_block *blocks = take_blocks(aside, share, at, size);
    aside->writing++;
    (void) pthread_mutex_unlock(&aside->lock);
    bool ok = write_blocks(aside, blocks, at, size, err);
    (void) pthread_mutex_lock(&aside->lock);
    free_blocks(aside, blocks);
    aside->writing--;
    (void) pthread_cond_broadcast(&aside->room);
    return ok;
}

/* Under the lock. */
static bool make_room(struct part_aside *aside, size_t size, struct error *err)
{
    uint64_t share = aside->options.held / SHARE;
    while (aside->held + size > aside->options.held) {
        if (aside->first) {
            if (!write_share(aside, share > 0 ? share : 1, err))
                return false;
        } else if (aside->writing > 0) {
            (void) pthread_cond_wait(&aside->room, &aside->lock);
        } else {
            return true;
        }
    }
    return true;
}

/* --- blocks --- */

static size_t padded(size_t n)
{
    return (n + 7) & ~(size_t) 7;
}

/* Where each bucket's segment stands in the block. */
static void measure(const struct part_aside *aside, const struct part_line *lines, size_t n,
                    struct part_block *block)
{
    size_t text[PART_BUCKETS] = {0}, at = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned b = bucket_of(lines[i].number, aside->options.level);
        block->rows[b]++;
        text[b] += (size_t) lines[i].length + 1;
    }
    for (unsigned b = 0; b < PART_BUCKETS; b++) {
        if (block->rows[b] == 0)
            continue;
        size_t size = padded(sizeof(struct part_segment) +
                             block->rows[b] * sizeof(struct part_row_head) + text[b]);
        block->at[b] = (uint32_t) at;
        block->length[b] = (uint32_t) size;
        at += size;
    }
    block->size = at;
}

static void fill(const struct part_aside *aside, const struct part_line *lines, size_t n,
                 const struct part_block *block)
{
    struct part_row_head *heads[PART_BUCKETS];
    char *texts[PART_BUCKETS];
    for (unsigned b = 0; b < PART_BUCKETS; b++) {
        if (block->rows[b] == 0)
            continue;
        struct part_segment *segment = (void *) (block->bytes + block->at[b]);
        *segment = (struct part_segment){block->rows[b], block->length[b]};
        heads[b] = segment->heads;
        texts[b] = (char *) (segment->heads + segment->rows);
    }
    for (size_t i = 0; i < n; i++) {
        const struct part_line *line = &lines[i];
        unsigned b = bucket_of(line->number, aside->options.level);
        *heads[b]++ = (struct part_row_head){line->number, line->length + 1};
        memcpy(texts[b], line->text, line->length);
        texts[b][line->length] = '\n';
        texts[b] += (size_t) line->length + 1;
    }
}

bool part_aside_make(struct part_aside *aside, unsigned worker, const struct part_line *lines,
                     size_t n, struct part_block **out, struct error *err)
{
    struct part_block *block = mem_alloc(1, sizeof *block, err);
    *out = NULL;
    if (!block)
        return false;
    measure(aside, lines, n, block);
    (void) pthread_mutex_lock(&aside->lock);
    bool ok = make_room(aside, block->size, err) && cut_block(aside, worker, block, err);
    (void) pthread_mutex_unlock(&aside->lock);
    if (!ok) {
        mem_free(block);
        return false;
    }
    fill(aside, lines, n, block);
    *out = block;
    return true;
}

void part_aside_put(struct part_aside *aside, struct part_block *block)
{
    (void) pthread_mutex_lock(&aside->lock);
    block->next = NULL;
    *aside->last = block;
    aside->last = &block->next;
    (void) pthread_mutex_unlock(&aside->lock);
}

void part_aside_drop(struct part_aside *aside, struct part_block *block)
{
    if (!block)
        return;
    (void) pthread_mutex_lock(&aside->lock);
    free_block(aside, block);
    (void) pthread_mutex_unlock(&aside->lock);
}

uint64_t part_aside_held(struct part_aside *aside)
{
    (void) pthread_mutex_lock(&aside->lock);
    uint64_t held = aside->held;
    (void) pthread_mutex_unlock(&aside->lock);
    return held;
}

uint64_t part_aside_spilled(struct part_aside *aside)
{
    (void) pthread_mutex_lock(&aside->lock);
    uint64_t spilled = aside->spilled;
    (void) pthread_mutex_unlock(&aside->lock);
    return spilled;
}

bool part_aside_cut(struct part_aside *aside)
{
    (void) pthread_mutex_lock(&aside->lock);
    bool can = aside->spilled == 0 && aside->first != NULL;
    if (can) {
        aside->batch = aside->first;
        aside->first = NULL;
        aside->last = &aside->first;
    }
    (void) pthread_mutex_unlock(&aside->lock);
    if (!can)
        return false;
    memset(aside->sizes, 0, sizeof aside->sizes);
    for (const struct part_block *block = aside->batch; block; block = block->next)
        for (unsigned b = 0; b < PART_BUCKETS; b++)
            aside->sizes[b] += block->length[b];
    return true;
}

void part_aside_mend(struct part_aside *aside)
{
    (void) pthread_mutex_lock(&aside->lock);
    aside->first = aside->batch;
    while (*aside->last)
        aside->last = &(*aside->last)->next;
    aside->batch = NULL;
    (void) pthread_mutex_unlock(&aside->lock);
}

void part_aside_drop_batch(struct part_aside *aside)
{
    (void) pthread_mutex_lock(&aside->lock);
    free_blocks(aside, aside->batch);
    aside->batch = NULL;
    (void) pthread_cond_broadcast(&aside->room);
    (void) pthread_mutex_unlock(&aside->lock);
}

bool part_aside_end(struct part_aside *aside, struct error *err)
{
    bool ok = true;
    (void) pthread_mutex_lock(&aside->lock);
    while (ok && aside->spilled > 0 && aside->first)
        ok = write_share(aside, UINT64_MAX, err);
    if (ok && aside->spilled > 0)
        free_memory(aside); /* who gathers wants it */
    (void) pthread_mutex_unlock(&aside->lock);
    if (ok)
        (void) part_aside_cut(aside);
    return ok;
}

void part_aside_bucket(const struct part_aside *aside, unsigned bucket, struct part_bucket *out)
{
    out->in_file = !aside->batch;
    out->bytes = aside->batch ? aside->sizes[bucket] : aside->ends[bucket];
}

size_t part_aside_segments(const struct part_aside *aside, unsigned bucket,
                           const struct part_segment **out, size_t room)
{
    size_t n = 0;
    for (const struct part_block *block = aside->batch; block; block = block->next) {
        if (block->rows[bucket] == 0)
            continue;
        if (n < room)
            out[n] = (const void *) (block->bytes + block->at[bucket]);
        n++;
    }
    return n;
}

/* --- from first to last --- */

static bool copy_names(struct part_aside *aside, const struct part_aside_options *options,
                       struct error *err)
{
    aside->folder = mem_copy(options->folder, strlen(options->folder), err);
    aside->name = mem_copy(options->name, strlen(options->name), err);
    return aside->folder && aside->name;
}

static bool init_lock(struct part_aside *aside, struct error *err)
{
    if (pthread_mutex_init(&aside->lock, NULL) != 0)
        return error_set(err, ERROR_MEMORY, "no lock is left");
    if (pthread_cond_init(&aside->room, NULL) == 0)
        return true;
    (void) pthread_mutex_destroy(&aside->lock);
    return error_set(err, ERROR_MEMORY, "no lock is left");
}

struct part_aside *part_aside_new(const struct part_aside_options *options, struct error *err)
{
    struct part_aside *aside = mem_alloc(1, sizeof *aside, err);
    if (!aside)
        return NULL;
    aside->options = *options;
    if (!init_lock(aside, err)) {
        mem_free(aside);
        return NULL;
    }
    aside->last = &aside->first;
    /* Each worker holds a slice: with little memory they are small. */
    uint64_t share = options->held / (4 * (uint64_t) options->workers);
    aside->slice_size = share < SLICE ? padded((size_t) share + 8) : SLICE;
    aside->own = mem_alloc(options->workers, sizeof *aside->own, err);
    if (aside->own && copy_names(aside, options, err))
        return aside;
    part_aside_free(aside);
    return NULL;
}

static void remove_files(const struct part_aside *aside)
{
    char path[PART_ASIDE_PATH_MAX];
    for (unsigned b = 0; b < PART_BUCKETS; b++) {
        if (aside->ends[b] == 0)
            continue;
        part_aside_path(aside, b, path);
        (void) unlink(path); /* else it goes with the folder */
    }
}

void part_aside_free(struct part_aside *aside)
{
    if (!aside)
        return;
    free_blocks(aside, aside->first);
    free_blocks(aside, aside->batch);
    free_memory(aside);
    if (aside->folder && aside->name)
        remove_files(aside);
    (void) pthread_cond_destroy(&aside->room);
    (void) pthread_mutex_destroy(&aside->lock);
    mem_free(aside->own);
    mem_free(aside->folder);
    mem_free(aside->name);
    mem_free(aside);
}
