/* Partitions as temporary files; see files.h.
 *
 * A table finds a partition by its number; slots are the files that are open. A slot that somebody writes through is in
 * use and stays; of the others the one that was used longest ago gives way. Where another thread is just opening the
 * same file, or all slots are in use, a descriptor is opened for the one write.
 */
#include "partition/files.h"

#include "base/memory.h"
#include "lake/import.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK = 1024, /* partitions allocated at once: they do not move */
    CHUNKS_MAX = PART_FILES_MAX / CHUNK,
    TABLE_FIRST = 4096,
    WRITE_MAX = 1 << 30 /* bytes of one write */
};

struct slot {
    struct part_file *file; /* NULL: free */
    int fd;                 /* -1: being opened */
    unsigned users;
    int32_t newer, older; /* in the order of use; -1: none */
};

struct part_files {
    pthread_mutex_t lock; /* of all below but folders */
    struct part_file **chunks;
    size_t chunk_room, count;
    uint32_t *table;   /* 1 + index of a partition; 0: empty */
    size_t table_size; /* a power of two */
    struct slot *slots;
    size_t slot_count, slots_used;
    int32_t newest, oldest;
    int *folders; /* of the workers, open */
    unsigned workers;
    struct part_file **sorted;
};

/* --- the table --- */

static struct part_file *file_at(const struct part_files *files, size_t index)
{
    return &files->chunks[index / CHUNK][index % CHUNK];
}

static size_t place_of(const struct part_files *files, uint32_t number)
{
    size_t mask = files->table_size - 1;
    size_t at = (number * UINT32_C(2654435761) >> 7) & mask;
    while (files->table[at] != 0 && file_at(files, files->table[at] - 1)->number != number)
        at = (at + 1) & mask;
    return at;
}

/* Half full at most. */
static bool grow_table(struct part_files *files, struct error *err)
{
    if (files->count * 2 < files->table_size)
        return true;
    size_t size = files->table_size > 0 ? files->table_size * 2 : TABLE_FIRST;
    uint32_t *table = mem_alloc(size, sizeof *table, err);
    if (!table)
        return false;
    mem_free(files->table);
    files->table = table;
    files->table_size = size;
    for (size_t i = 0; i < files->count; i++)
        files->table[place_of(files, file_at(files, i)->number)] = (uint32_t) i + 1;
    return true;
}

static struct part_file *add_file(struct part_files *files, uint32_t number, struct error *err)
{
    size_t chunk = files->count / CHUNK;
    if (files->count == PART_FILES_MAX) {
        (void) error_set(err, ERROR_LIMIT, "more than %d partitions in one import", PART_FILES_MAX);
        (void) error_hint(err, "bring the files in by several commands");
        return NULL;
    }
    if (!grow_table(files, err))
        return NULL;
    if (files->count % CHUNK == 0) {
        if (!mem_reserve(&files->chunks, &files->chunk_room, chunk, CHUNKS_MAX,
                         sizeof *files->chunks, err))
            return NULL;
        files->chunks[chunk] = mem_alloc(CHUNK, sizeof **files->chunks, err);
        if (!files->chunks[chunk])
            return NULL;
    }
    struct part_file *file = &files->chunks[chunk][files->count % CHUNK];
    *file = (struct part_file){.number = number, .slot = -1};
    files->table[place_of(files, number)] = (uint32_t) ++files->count;
    return file;
}

bool part_files_reserve(struct part_files *files, uint32_t number, uint64_t bytes, uint64_t rows,
                        struct part_room *out, struct error *err)
{
    (void) pthread_mutex_lock(&files->lock);
    uint32_t index = files->table_size > 0 ? files->table[place_of(files, number)] : 0;
    struct part_file *file = index ? file_at(files, index - 1) : add_file(files, number, err);
    if (file) {
        *out = (struct part_room){.file = file, .offset = file->size};
        file->size += bytes;
        file->rows += rows;
    }
    (void) pthread_mutex_unlock(&files->lock);
    return file != NULL;
}

/* --- open files --- */

void part_files_name(const struct part_file *file, char out[PART_FILES_NAME_MAX])
{
    (void) snprintf(out, PART_FILES_NAME_MAX, "%u/%08x", file->folder, file->number);
}

static bool fail(const char *doing, const struct part_file *file, int number, struct error *err)
{
    (void) error_set_errno(err, ERROR_IO, number, "cannot %s a temporary file of the lake (%08x)",
                           doing, file->number);
    if (number == ENOSPC || number == EDQUOT)
        (void) error_hint(err, "free some room and run the same command again");
    return false;
}

/* The first who writes makes the file, in its own folder: so that threads do not wait for one another's folder. */
static int open_file(const struct part_files *files, const struct part_file *file, bool make)
{
    char name[16];
    (void) snprintf(name, sizeof name, "%08x", file->number);
    int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : 0);
    return openat(files->folders[file->folder], name, flags, 0666);
}

static void unlink_slot(struct part_files *files, int32_t index)
{
    struct slot *slot = &files->slots[index];
    if (slot->newer >= 0)
        files->slots[slot->newer].older = slot->older;
    else
        files->newest = slot->older;
    if (slot->older >= 0)
        files->slots[slot->older].newer = slot->newer;
    else
        files->oldest = slot->newer;
}

static void link_newest(struct part_files *files, int32_t index)
{
    struct slot *slot = &files->slots[index];
    slot->newer = -1;
    slot->older = files->newest;
    if (files->newest >= 0)
        files->slots[files->newest].newer = index;
    files->newest = index;
    if (files->oldest < 0)
        files->oldest = index;
}

/* A slot for a file that has none, or -1; *old is a descriptor to close, or -1. */
static int32_t take_slot(struct part_files *files, struct part_file *file, int *old)
{
    int32_t index = -1;
    *old = -1;
    if (files->slots_used < files->slot_count) {
        index = (int32_t) files->slots_used++;
    } else {
        for (index = files->oldest; index >= 0 && files->slots[index].users > 0;)
            index = files->slots[index].newer;
        if (index < 0)
            return -1;
        *old = files->slots[index].fd;
        files->slots[index].file->slot = -1;
        unlink_slot(files, index);
    }
    files->slots[index] = (struct slot){.file = file, .fd = -1, .users = 1};
    file->slot = index;
    link_newest(files, index);
    return index;
}

/* How a write reaches its file. */
struct way {
    int fd, old;
    int32_t slot; /* that it uses, or -1: fd is its own */
    bool opens, make;
};

/* Under the lock. */
static struct way find_way(struct part_files *files, unsigned worker, struct part_file *file)
{
    struct way way = {.fd = -1, .old = -1, .slot = file->slot};
    if (way.slot >= 0 && files->slots[way.slot].fd >= 0) {
        way.fd = files->slots[way.slot].fd;
        files->slots[way.slot].users++;
        unlink_slot(files, way.slot);
        link_newest(files, way.slot);
        return way;
    }
    bool opening = way.slot >= 0;
    way.opens = true;
    way.make = true;
    if (!file->made)
        file->folder = worker;
    file->made = true;
    way.slot = opening ? -1 : take_slot(files, file, &way.old);
    return way;
}

/* A slot whose file could not be opened serves nobody. */
static void drop_slot(struct part_files *files, int32_t index)
{
    files->slots[index].file->slot = -1;
    files->slots[index].users = 1; /* it stays in use: the run is over anyway */
}

static bool begin_write(struct part_files *files, unsigned worker, struct part_file *file,
                        struct way *way, struct error *err)
{
    (void) pthread_mutex_lock(&files->lock);
    *way = find_way(files, worker, file);
    (void) pthread_mutex_unlock(&files->lock);
    int failed = way->old >= 0 && close(way->old) != 0 ? errno : 0;
    if (!way->opens)
        return true;
    if (!failed) {
        way->fd = open_file(files, file, way->make);
        failed = way->fd < 0 ? errno : 0;
    }
    if (way->slot >= 0) {
        (void) pthread_mutex_lock(&files->lock);
        if (failed)
            drop_slot(files, way->slot);
        else
            files->slots[way->slot].fd = way->fd;
        (void) pthread_mutex_unlock(&files->lock);
    }
    return !failed || fail("make", file, failed, err);
}

static bool end_write(struct part_files *files, struct part_file *file, const struct way *way,
                      const uint64_t sum[2], struct error *err)
{
    (void) pthread_mutex_lock(&files->lock);
    lake_import_sum_join(file->sum, sum);
    if (way->slot >= 0)
        files->slots[way->slot].users--;
    (void) pthread_mutex_unlock(&files->lock);
    return way->slot >= 0 || close(way->fd) == 0 || fail("write", file, errno, err);
}

static bool write_all(int fd, const char *bytes, size_t n, uint64_t at,
                      const struct part_file *file, struct error *err)
{
    while (n > 0) {
        ssize_t put = pwrite(fd, bytes, n < WRITE_MAX ? n : WRITE_MAX, (off_t) at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail("write", file, errno, err);
        bytes += put;
        at += (uint64_t) put;
        n -= (size_t) put;
    }
    return true;
}

bool part_files_write(struct part_files *files, unsigned worker, const struct part_room *room,
                      const void *bytes, size_t n, const uint64_t sum[2], struct error *err)
{
    struct way way;
    if (!begin_write(files, worker, room->file, &way, err))
        return false;
    bool ok = write_all(way.fd, bytes, n, room->offset, room->file, err);
    return end_write(files, room->file, &way, sum, err) && ok;
}

/* --- all of them --- */

size_t part_files_count(const struct part_files *files)
{
    return files->count;
}

bool part_files_close(struct part_files *files, struct error *err)
{
    bool ok = true;
    for (int32_t i = files->slots ? files->newest : -1; i >= 0; i = files->slots[i].older) {
        struct slot *slot = &files->slots[i];
        if (slot->fd >= 0 && close(slot->fd) != 0)
            ok = fail("write", slot->file, errno, err);
        slot->file->slot = -1;
        slot->fd = -1;
    }
    files->newest = files->oldest = -1;
    files->slots_used = 0;
    return ok;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = (*(struct part_file *const *) a)->number;
    uint32_t y = (*(struct part_file *const *) b)->number;
    return (x > y) - (x < y);
}

struct part_file *const *part_files_sorted(struct part_files *files, struct error *err)
{
    mem_free(files->sorted);
    files->sorted = mem_alloc(files->count, sizeof *files->sorted, err);
    if (!files->sorted)
        return NULL;
    for (size_t i = 0; i < files->count; i++)
        files->sorted[i] = file_at(files, i);
    qsort(files->sorted, files->count, sizeof *files->sorted, by_number);
    return files->sorted;
}

static bool make_folders(struct part_files *files, const char *scratch, struct error *err)
{
    int root = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot open the scratch folder");
    int failed = 0;
    for (unsigned i = 0; !failed && i < files->workers; i++) {
        char name[16];
        (void) snprintf(name, sizeof name, "%u", i);
        if (mkdirat(root, name, 0777) != 0 && errno != EEXIST)
            failed = errno;
        else if ((files->folders[i] = openat(root, name, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
            failed = errno;
    }
    (void) close(root);
    return !failed || error_set_errno(err, ERROR_IO, failed, "cannot make a scratch folder");
}

/* Half of what the process may have open, if that is less. */
static size_t slots_allowed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 >= PART_FILES_OPEN)
        return PART_FILES_OPEN;
    return limit.rlim_cur >= 2 ? (size_t) limit.rlim_cur / 2 : 1;
}

struct part_files *part_files_new(const char *scratch, unsigned workers, size_t open_max,
                                  struct error *err)
{
    struct part_files *files = mem_alloc(1, sizeof *files, err);
    if (!files)
        return NULL;
    *files = (struct part_files){.workers = workers, .newest = -1, .oldest = -1};
    files->slot_count = open_max > 0 ? open_max : slots_allowed();
    files->folders = mem_alloc(workers, sizeof *files->folders, err);
    files->slots = mem_alloc(files->slot_count, sizeof *files->slots, err);
    for (unsigned i = 0; files->folders && i < workers; i++)
        files->folders[i] = -1;
    if (pthread_mutex_init(&files->lock, NULL) != 0) {
        mem_free(files->folders);
        mem_free(files->slots);
        mem_free(files);
        (void) error_set(err, ERROR_MEMORY, "no lock is left");
        return NULL;
    }
    if (files->folders && files->slots && make_folders(files, scratch, err))
        return files;
    part_files_free(files);
    return NULL;
}

void part_files_free(struct part_files *files)
{
    if (!files)
        return;
    (void) part_files_close(files, NULL);
    for (unsigned i = 0; files->folders && i < files->workers; i++)
        if (files->folders[i] >= 0)
            (void) close(files->folders[i]);
    for (size_t i = 0; i < files->count; i += CHUNK)
        mem_free(files->chunks[i / CHUNK]);
    (void) pthread_mutex_destroy(&files->lock);
    mem_free(files->chunks);
    mem_free(files->table);
    mem_free(files->slots);
    mem_free(files->folders);
    mem_free(files->sorted);
    mem_free(files);
}
