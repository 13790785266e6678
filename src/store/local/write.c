/* Writes blobs of a folder: a temporary file, then one rename; see store.h and temporary.c. */
#include "store/local/local.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAME = 24 };

struct local_writer {
    struct store_writer base;
    int fd;
    uint64_t bytes;
    char temporary[TEMPORARY_NAME]; /* in our temporary folder */
    char *name;
};

static struct local_writer *writer_of(struct store_writer *writer)
{
    return (struct local_writer *) (void *) writer;
}

static bool open_temporary(struct local *local, struct local_writer *writer, struct error *err)
{
    if (!local_temporary(local, err))
        return false;
    (void) snprintf(writer->temporary, sizeof writer->temporary, "%llu",
                    (unsigned long long) ++local->count);
    writer->fd = openat(local->temporary, writer->temporary,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return writer->fd >= 0 || local_fail(local, errno, "write", writer->name, err);
}

static void writer_free(struct local_writer *writer)
{
    mem_free(writer->name);
    mem_free(writer);
}

struct store_writer *local_writer_new(struct store *store, const char *name, struct error *err)
{
    struct local_writer *writer = mem_alloc(1, sizeof *writer, err);
    if (!writer)
        return NULL;
    writer->base.store = store;
    writer->name = mem_copy(name, strlen(name), err);
    if (!writer->name || !open_temporary(local_of(store), writer, err)) {
        writer_free(writer);
        return NULL;
    }
    return &writer->base;
}

bool local_writer_add(struct store_writer *base, const void *bytes, size_t n, struct error *err)
{
    struct local_writer *writer = writer_of(base);
    const char *from = bytes;
    while (n > 0) {
        ssize_t put = write(writer->fd, from, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return local_fail(local_of(base->store), errno, "write", writer->name, err);
        from += put;
        writer->bytes += (uint64_t) put;
        n -= (size_t) put;
    }
    return true;
}

/* link() where the file system knows no rename that replaces nothing. */
static int rename_new(int from, const char *old, int to, const char *new)
{
    if (renameat2(from, old, to, new, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(from, old, to, new, 0) != 0)
        return -1;
    (void) unlinkat(from, old, 0); /* else it goes with our folder */
    return 0;
}

int local_rename(int from, const char *old, int to, const char *name, bool new)
{
    int failed = new ? rename_new(from, old, to, name) : renameat(from, old, to, name);
    return failed != 0 ? errno : 0;
}

/* Gives the finished temporary file its name. */
static bool take_name(struct local *local, struct local_writer *writer, bool new, struct error *err)
{
    const char *last;
    int folder = local_parent(local, writer->name, true, &last, err);
    if (folder < 0)
        return false;
    int failed = local_rename(local->temporary, writer->temporary, folder, last, new);
    (void) close(folder);
    return !failed || local_fail(local, failed, "write", writer->name, err);
}

/* Some file systems tell only here that a write failed. */
static bool finish_bytes(struct local *local, struct local_writer *writer, bool durable,
                         struct error *err)
{
    int failed = durable && fdatasync(writer->fd) != 0 ? errno : 0;
    if (close(writer->fd) != 0 && !failed)
        failed = errno;
    writer->fd = -1;
    return !failed || local_fail(local, failed, "write", writer->name, err);
}

bool local_writer_commit(struct store_writer *base, unsigned put, struct store_written *out,
                         struct error *err)
{
    struct local_writer *writer = writer_of(base);
    struct local *local = local_of(base->store);
    *out = (struct store_written){.bytes = writer->bytes};
    bool ok = finish_bytes(local, writer, put & STORE_PUT_DURABLE, err) &&
              take_name(local, writer, put & STORE_PUT_NEW, err);
    if (!ok)
        (void) unlinkat(local->temporary, writer->temporary, 0);
    writer_free(writer);
    return ok;
}

void local_writer_abort(struct store_writer *base)
{
    struct local_writer *writer = writer_of(base);
    (void) close(writer->fd);
    (void) unlinkat(local_of(base->store)->temporary, writer->temporary, 0);
    writer_free(writer);
}

bool local_sync(struct store *store, struct error *err)
{
    struct local *local = local_of(store);
    if (local->root < 0)
        return true;
    return syncfs(local->root) == 0 || local_fail(local, errno, "write", "", err);
}
