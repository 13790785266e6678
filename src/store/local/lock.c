/* Locks of a folder: the kernel's own (flock), which goes with the process that holds it however that ends.
 *
 * The text in the file only tells who. The file is removed by its holder; a program that opened it before
 * and got the lock after that sees that its file has no name any more, and begins again.
 */
#include "store/local/local.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/tick.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = STORE_LOCK_OWNER_MAX + 256, HOST_MAX = 64 };

struct local_lock {
    struct store_lock base;
    int fd, folder;
    char *last; /* the file's name in its folder */
};

/* What the holder wrote, one line; empty when there is nothing. */
static void read_owner(int fd, char text[TEXT_MAX])
{
    ssize_t n = pread(fd, text, TEXT_MAX - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
}

static bool write_owner(const struct local *local, int fd, const char *owner, const char *name,
                        struct error *err)
{
    char host[HOST_MAX] = "", since[TICK_TEXT_MAX], text[TEXT_MAX];
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    (void) tick_format(tick_floor(tick_now(), TICK_SECOND), since);
    int n = snprintf(text, sizeof text, "%.*s on %s, process %ld, since %s\n", STORE_LOCK_OWNER_MAX,
                     owner, host[0] ? host : "an unnamed host", (long) getpid(), since);
    if (ftruncate(fd, 0) == 0 && file_write_all(fd, text, (size_t) n, name, NULL))
        return true;
    return local_fail(local, errno, "lock", name, err);
}

static bool say_locked(const struct local *local, const char *name, const char *text,
                       struct error *err)
{
    (void) error_set(err, ERROR_LOCKED, "%s is held by %s", name,
                     text[0] ? text : "a run that has not said who it is");
    return error_hint(err,
                      "wait until it has ended, or stop it; when it is killed the lock is free. "
                      "Lake: %s",
                      local->base.address);
}

/* True when the file in the folder is the one we have open. */
static bool same_file(int folder, const char *last, int fd)
{
    struct stat named, open_one;
    return fstatat(folder, last, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open_one) == 0 &&
           named.st_ino == open_one.st_ino && named.st_dev == open_one.st_dev;
}

/* Opens and locks the file. 1: ours; 0: it went away meanwhile; -1: err is set. */
static int take(struct local *local, int folder, const char *last, const char *name, int *out,
                struct error *err)
{
    int fd = openat(folder, last, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (fd < 0) {
        (void) local_fail(local, errno, "lock", name, err);
        return -1;
    }
    int failed = flock(fd, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
    if (!failed && same_file(folder, last, fd)) {
        *out = fd;
        return 1;
    }
    char text[TEXT_MAX];
    read_owner(fd, text);
    (void) close(fd);
    if (!failed)
        return 0;
    if (failed == EWOULDBLOCK)
        (void) say_locked(local, name, text, err);
    else
        (void) local_fail(local, failed, "lock", name, err);
    return -1;
}

static struct local_lock *lock_in(struct local *local, int folder, const char *last,
                                  const char *name, const char *owner, struct error *err)
{
    struct local_lock *lock = mem_alloc(1, sizeof *lock, err);
    char *copy = lock ? mem_copy(last, strlen(last), err) : NULL;
    int taken = copy ? 0 : -1;
    for (int i = 0; taken == 0 && i < LOCAL_TRIES; i++)
        taken = take(local, folder, last, name, &lock->fd, err);
    if (taken == 0)
        (void) local_fail(local, EAGAIN, "lock", name, err);
    if (taken == 1 && !write_owner(local, lock->fd, owner, name, err)) {
        (void) unlinkat(folder, last, 0);
        (void) close(lock->fd);
        taken = -1;
    }
    if (taken <= 0) {
        mem_free(copy);
        mem_free(lock);
        return NULL;
    }
    lock->base.store = &local->base;
    lock->folder = folder;
    lock->last = copy;
    return lock;
}

struct store_lock *local_lock_new(struct store *store, const char *name, const char *owner,
                                  struct error *err)
{
    struct local *local = local_of(store);
    const char *last;
    int folder = local_parent(local, name, true, &last, err);
    if (folder < 0)
        return NULL;
    struct local_lock *lock = lock_in(local, folder, last, name, owner, err);
    if (!lock) {
        (void) close(folder);
        return NULL;
    }
    return &lock->base;
}

void local_lock_free(struct store_lock *base)
{
    struct local_lock *lock = (struct local_lock *) (void *) base;
    (void) unlinkat(lock->folder, lock->last, 0);
    (void) close(lock->fd);
    (void) close(lock->folder);
    mem_free(lock->last);
    mem_free(lock);
}
