/* Disasters for a program that is tested from outside, laid under it by LD_PRELOAD.
 *
 *     DISASTER=rename:3:EIO         the third of its calls of that class fails; rename:3+:EIO: that and all behind it
 *     DISASTER=write:7:killed       SIGKILL as soon as the seventh is done; kill: instead of it
 *     DISASTER_UNDER=/path          only calls on files below it are counted
 *     DISASTER_COUNTS=/path         gets the number of calls of each class when the program ends by itself
 *     DISASTER_SPEED=20             the clock that only goes on (CLOCK_MONOTONIC) goes so many times as fast
 *     DISASTER_CLOCK=1.5:-86400     the clock of the day jumps by so many seconds, so long after the first look at it
 *
 * Classes: write, sync, rename, open (files that are made), mkdir, unlink, truncate, lock; any: all of them.
 * The calls go straight to the kernel, so that nothing has to be looked up behind this file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

enum call { WRITE, SYNC, RENAME, OPEN, MKDIR, UNLINK, TRUNCATE, LOCK, CALLS };

static const char *const names[CALLS] = {"write", "sync",   "rename",   "open",
                                         "mkdir", "unlink", "truncate", "lock"};

static const int64_t second = 1000000000;

static struct {
    atomic_int calls[CALLS], all;
    atomic_llong first_look[2]; /* nanoseconds, of each clock */
} seen;

/* -- where -- */

static bool is_below(const char *path)
{
    const char *under = getenv("DISASTER_UNDER");
    return !under || strncmp(path, under, strlen(under)) == 0;
}

static bool counts(int fd, const char *name)
{
    char link[64], path[4096];
    if (name && name[0] == '/')
        return is_below(name);
    (void) snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0)
        return false;
    path[n] = '\0';
    return is_below(path);
}

/* -- what -- */

static int number_of(const char *what)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EACCES", EACCES}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(what, errors[i].name) == 0)
            return errors[i].number;
    abort();
}

static const char *disaster(enum call call)
{
    static _Thread_local char what[16];
    char class[16];
    int at = 0, used = 0;
    const char *text = getenv("DISASTER");
    if (!text || sscanf(text, "%15[a-z]:%d%n", class, &at, &used) != 2)
        return NULL;
    bool all = strcmp(class, "any") == 0;
    if (!all && strcmp(class, names[call]) != 0)
        return NULL;
    bool on = text[used] == '+';
    int now = all ? seen.all : seen.calls[call];
    if (sscanf(text + used + on, ":%15s", what) != 1)
        abort();
    return now == at || (on && now > at) ? what : NULL;
}

/* Whether the call fails now. *last: it is the last thing that the program does. */
static bool strikes(enum call call, int fd, const char *name, bool *last)
{
    *last = false;
    if (!counts(fd, name))
        return false;
    seen.calls[call]++;
    seen.all++;
    const char *what = disaster(call);
    if (!what)
        return false;
    if (strcmp(what, "kill") == 0)
        (void) kill(getpid(), SIGKILL);
    *last = strcmp(what, "killed") == 0;
    if (!*last)
        errno = number_of(what);
    return !*last;
}

#define LAID_UNDER(class, type, name, parameters, fd, path, ...)                                   \
    EXPORTED type name parameters;                                                                 \
    EXPORTED type name parameters                                                                  \
    {                                                                                              \
        bool last;                                                                                 \
        if (strikes(class, fd, path, &last))                                                       \
            return -1;                                                                             \
        type done = (type) syscall(__VA_ARGS__);                                                   \
        if (last)                                                                                  \
            (void) kill(getpid(), SIGKILL);                                                        \
        return done;                                                                               \
    }

LAID_UNDER(WRITE, ssize_t, write, (int fd, const void *from, size_t n), fd, NULL, SYS_write, fd,
           from, n)
LAID_UNDER(WRITE, ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), fd, NULL,
           SYS_pwrite64, fd, from, n, at)
LAID_UNDER(WRITE, ssize_t, pwritev, (int fd, const struct iovec *from, int n, off_t at), fd, NULL,
           SYS_pwritev, fd, from, n, at, 0L)
LAID_UNDER(SYNC, int, fsync, (int fd), fd, NULL, SYS_fsync, fd)
LAID_UNDER(SYNC, int, fdatasync, (int fd), fd, NULL, SYS_fdatasync, fd)
LAID_UNDER(SYNC, int, syncfs, (int fd), fd, NULL, SYS_syncfs, fd)
LAID_UNDER(RENAME, int, rename, (const char *old, const char *new), AT_FDCWD, new, SYS_renameat,
           AT_FDCWD, old, AT_FDCWD, new)
LAID_UNDER(RENAME, int, renameat, (int a, const char *old, int b, const char *new), b, new,
           SYS_renameat, a, old, b, new)
LAID_UNDER(RENAME, int, renameat2, (int a, const char *old, int b, const char *new, unsigned how),
           b, new, SYS_renameat2, a, old, b, new, how)
LAID_UNDER(RENAME, int, linkat, (int a, const char *old, int b, const char *new, int how), b, new,
           SYS_linkat, a, old, b, new, how)
LAID_UNDER(MKDIR, int, mkdirat, (int fd, const char *name, mode_t mode), fd, name, SYS_mkdirat, fd,
           name, mode)
LAID_UNDER(MKDIR, int, mkdir, (const char *name, mode_t mode), AT_FDCWD, name, SYS_mkdirat,
           AT_FDCWD, name, mode)
LAID_UNDER(UNLINK, int, unlinkat, (int fd, const char *name, int how), fd, name, SYS_unlinkat, fd,
           name, how)
LAID_UNDER(TRUNCATE, int, ftruncate, (int fd, off_t n), fd, NULL, SYS_ftruncate, fd, n)
LAID_UNDER(LOCK, int, flock, (int fd, int how), fd, NULL, SYS_flock, fd, how)

static int make(int fd, const char *name, int flags, mode_t mode)
{
    bool last = false;
    bool made = (flags & (O_CREAT | O_TMPFILE)) != 0 && (flags & O_DIRECTORY) == 0;
    made = made || (flags & O_TMPFILE) == O_TMPFILE;
    if (made && strikes(OPEN, fd, name, &last))
        return -1;
    int done = (int) syscall(SYS_openat, fd, name, flags, mode);
    if (last)
        (void) kill(getpid(), SIGKILL);
    return done;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

EXPORTED int openat(int fd, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return make(fd, name, flags, mode);
}

EXPORTED int open(const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return make(AT_FDCWD, name, flags, mode);
}

/* -- clocks -- */

/* Nanoseconds since the first look at this clock. */
static int64_t since_first(int which, int64_t now)
{
    long long none = 0;
    (void) atomic_compare_exchange_strong(&seen.first_look[which], &none, now);
    return now - seen.first_look[which];
}

static int64_t kernel_time(clockid_t clock)
{
    struct timespec now;
    (void) syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * second + now.tv_nsec;
}

static int64_t time_of(clockid_t clock)
{
    int64_t now = kernel_time(clock);
    const char *speed = getenv("DISASTER_SPEED"), *jump = getenv("DISASTER_CLOCK");
    double after, by;
    if (clock == CLOCK_MONOTONIC && speed) {
        int64_t since = since_first(0, now);
        return now - since + (int64_t) ((double) since * strtod(speed, NULL));
    }
    if (clock == CLOCK_REALTIME && jump && sscanf(jump, "%lf:%lf", &after, &by) == 2 &&
        (double) since_first(1, kernel_time(CLOCK_MONOTONIC)) / (double) second >= after)
        return now + (int64_t) by * second;
    return now;
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return (int) syscall(SYS_clock_gettime, clock, out);
    int64_t now = time_of(clock);
    *out = (struct timespec){.tv_sec = now / second, .tv_nsec = now % second};
    return 0;
}

EXPORTED int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void) zone;
    int64_t now = time_of(CLOCK_REALTIME);
    *out = (struct timeval){.tv_sec = now / second, .tv_usec = now % second / 1000};
    return 0;
}

EXPORTED time_t time(time_t *out)
{
    time_t now = time_of(CLOCK_REALTIME) / second;
    if (out)
        *out = now;
    return now;
}

/* -- the end -- */

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("DISASTER_COUNTS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (int i = 0; i < CALLS; i++)
        (void) fprintf(file, "%s %d\n", names[i], seen.calls[i]);
    (void) fclose(file);
}
