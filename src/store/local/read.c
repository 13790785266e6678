/* Reads blobs of a folder; see store.h. */
#include "store/local/local.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct local_reader {
    struct store_reader base;
    int fd;
    char *name;
};

bool local_stat(struct store *store, const char *name, uint64_t *size, struct error *err)
{
    struct local *local = local_of(store);
    const char *last;
    struct stat status;
    int folder = local_parent(local, name, false, &last, err);
    if (folder < 0)
        return false;
    int failed = fstatat(folder, last, &status, AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0;
    (void) close(folder);
    if (!failed && !S_ISREG(status.st_mode))
        failed = ENOENT;
    if (failed)
        return local_fail(local, failed, "read", name, err);
    *size = (uint64_t) status.st_size;
    return true;
}

/* A descriptor of a regular file, or -1 with errno. Not blocking, so that a pipe cannot hold us. */
static int open_regular(int folder, const char *last)
{
    struct stat status;
    int fd = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)))
        return fd;
    (void) close(fd);
    errno = ENOENT;
    return -1;
}

struct store_reader *local_reader_new(struct store *store, const char *name, struct error *err)
{
    struct local *local = local_of(store);
    const char *last;
    int folder = local_parent(local, name, false, &last, err);
    if (folder < 0)
        return NULL;
    int fd = open_regular(folder, last);
    int failed = errno;
    (void) close(folder);
    if (fd < 0) {
        (void) local_fail(local, failed, "read", name, err);
        return NULL;
    }
    struct local_reader *reader = mem_alloc(1, sizeof *reader, err);
    char *copy = reader ? mem_copy(name, strlen(name), err) : NULL;
    if (!copy) {
        mem_free(reader);
        (void) close(fd);
        return NULL;
    }
    *reader = (struct local_reader){.base.store = store, .fd = fd, .name = copy};
    return &reader->base;
}

bool local_reader_next(struct store_reader *base, void *to, size_t room, size_t *n,
                       struct error *err)
{
    struct local_reader *reader = (struct local_reader *) (void *) base;
    ssize_t got;
    do
        got = read(reader->fd, to, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return local_fail(local_of(base->store), errno, "read", reader->name, err);
    *n = (size_t) got;
    return true;
}

void local_reader_free(struct store_reader *base)
{
    struct local_reader *reader = (struct local_reader *) (void *) base;
    (void) close(reader->fd);
    mem_free(reader->name);
    mem_free(reader);
}
