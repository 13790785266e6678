/* Calls that fail at a place of the test's choice: see fault.h. */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>

struct fault fault;

static bool strikes(const char *call)
{
    if (fault.at == 0 || (fault.call && strcmp(call, fault.call) != 0) || --fault.at > 0)
        return false;
    fault.struck = true;
    if (fault.number == 0)
        (void) raise(SIGKILL);
    errno = fault.number;
    return true;
}

#define WRAP(type, name, parameters, ...)                                                          \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return strikes(#name) ? -1 : __real_##name(__VA_ARGS__);                                   \
    }

/* Nobody pulls the plug here, and the disk is shared with others: waiting for it proves nothing. */
#define WRAP_SYNC(name)                                                                            \
    int __wrap_##name(int fd);                                                                     \
    int __wrap_##name(int fd)                                                                      \
    {                                                                                              \
        (void) fd;                                                                                 \
        return strikes(#name) ? -1 : 0;                                                            \
    }

WRAP_SYNC(fdatasync)
WRAP_SYNC(syncfs)
WRAP(ssize_t, write, (int fd, const void *bytes, size_t n), fd, bytes, n)
WRAP(int, ftruncate, (int fd, off_t n), fd, n)
WRAP(int, flock, (int fd, int how), fd, how)
WRAP(int, mkdirat, (int fd, const char *name, mode_t mode), fd, name, mode)
WRAP(int, unlinkat, (int fd, const char *name, int flags), fd, name, flags)
WRAP(int, linkat, (int a, const char *b, int c, const char *d, int e), a, b, c, d, e)
WRAP(int, renameat, (int a, const char *b, int c, const char *d), a, b, c, d)
WRAP(int, renameat2, (int a, const char *b, int c, const char *d, unsigned e), a, b, c, d, e)

int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return strikes("openat") ? -1 : __real_openat(fd, name, flags, mode);
}
