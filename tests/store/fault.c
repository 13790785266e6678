/* Calls that fail at a place of the test's choice: see fault.h. */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct fault fault;

static bool is_named(const char *name)
{
    size_t n = name ? strlen(name) : 0, end = strlen(fault.name);
    return n >= end && strcmp(name + n - end, fault.name) == 0;
}

/* Is this the call? */
static bool comes(const char *call, const char *name)
{
    if (fault.at == 0 || (fault.call && strcmp(call, fault.call) != 0) ||
        (fault.name && !is_named(name)))
        return false;
    if (fault.at > 1) {
        fault.at--;
        return false;
    }
    fault.at = fault.always ? 1 : 0;
    fault.struck = true;
    return true;
}

static bool strikes(const char *call, const char *name)
{
    if (fault.brief || !comes(call, name))
        return false;
    if (fault.number == 0)
        (void) raise(SIGKILL);
    errno = fault.number;
    return true;
}

/* How many of n bytes a call may write. */
static size_t share(const char *call, size_t n)
{
    if (!fault.brief || n < 2 || !comes(call, NULL))
        return n;
    fault.brief = false;
    if (fault.number != 0) {
        fault.call = call;
        fault.at = 1;
    }
    return n / 2;
}

#define WRAP(type, call, name, parameters, ...)                                                    \
    type __real_##call parameters;                                                                 \
    type __wrap_##call parameters;                                                                 \
    type __wrap_##call parameters                                                                  \
    {                                                                                              \
        return strikes(#call, name) ? -1 : __real_##call(__VA_ARGS__);                             \
    }

/* Nobody pulls the plug here, and the disk is shared with others: waiting for it proves nothing. */
#define WRAP_SYNC(call)                                                                            \
    int __wrap_##call(int fd);                                                                     \
    int __wrap_##call(int fd)                                                                      \
    {                                                                                              \
        (void) fd;                                                                                 \
        return strikes(#call, NULL) ? -1 : 0;                                                      \
    }

WRAP_SYNC(fsync)
WRAP_SYNC(fdatasync)
WRAP(ssize_t, read, NULL, (int fd, void *to, size_t n), fd, to, n)
WRAP(ssize_t, pread, NULL, (int fd, void *to, size_t n, off_t at), fd, to, n, at)
WRAP(ssize_t, write, NULL, (int fd, const void *from, size_t n), fd, from, share("write", n))
WRAP(ssize_t, pwrite, NULL, (int fd, const void *from, size_t n, off_t at), fd, from,
     share("pwrite", n), at)
WRAP(ssize_t, pwritev, NULL, (int fd, const struct iovec *from, int n, off_t at), fd, from, n, at)
WRAP(int, ftruncate, NULL, (int fd, off_t n), fd, n)
WRAP(int, flock, NULL, (int fd, int how), fd, how)
WRAP(int, mkdir, path, (const char *path, mode_t mode), path, mode)
WRAP(int, mkdirat, name, (int fd, const char *name, mode_t mode), fd, name, mode)
WRAP(int, mkstemp, path, (char *path), path)
WRAP(int, mkostemp, path, (char *path, int flags), path, flags)
WRAP(int, unlink, path, (const char *path), path)
WRAP(int, unlinkat, name, (int fd, const char *name, int flags), fd, name, flags)
WRAP(int, linkat, d, (int a, const char *b, int c, const char *d, int e), a, b, c, d, e)
WRAP(int, rename, to, (const char *from, const char *to), from, to)
WRAP(int, renameat, d, (int a, const char *b, int c, const char *d), a, b, c, d)
WRAP(int, renameat2, d, (int a, const char *b, int c, const char *d, unsigned e), a, b, c, d, e)

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    char byte;
    (void) fd;
    if (fault.gate > 0 && __real_read(fault.gate, &byte, 1) != 1)
        return -1;
    return strikes("syncfs", NULL) ? -1 : 0;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return strikes("open", path) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return strikes("openat", name) ? -1 : __real_openat(fd, name, flags, mode);
}

/* The descriptor is gone all the same, as Linux has it. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int is = __real_close(fd);
    return strikes("close", NULL) ? -1 : is;
}
