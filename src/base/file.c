/* Whole files and folders; see file.h. */
#include "base/file.h"

#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_STEP = 64 * 1024, /* bytes asked for at least at once */
    TEMPORARY_TRIES = 16,  /* names tried for a temporary file */
};

static bool open_failed(const char *path, struct error *err)
{
    enum error_code code = errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO;
    return error_set_errno(err, code, errno, "%s", path);
}

/* Reads up to the end of file; one byte more than max is asked for, to see that there is none. */
static bool read_rest(int fd, const char *path, size_t max, size_t step, struct buf *out,
                      struct error *err)
{
    for (;;) {
        size_t want = max - out->used < step ? max - out->used : step;
        char extra;
        if (want > 0 && !buf_reserve(out, want))
            return buf_ok(out, path, err);
        ssize_t got = want > 0 ? read(fd, out->bytes + out->used, want) : read(fd, &extra, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, ERROR_IO, errno, "%s", path);
        if (got == 0)
            break;
        if (want == 0)
            return error_set(err, ERROR_LIMIT, "%s is longer than %zu bytes", path, max);
        out->used += (size_t) got;
    }
    if (out->bytes)
        out->bytes[out->used] = '\0';
    return true;
}

bool file_read(const char *path, size_t max, struct buf *out, struct error *err)
{
    buf_reset(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return open_failed(path, err);
    struct stat status;
    size_t step = READ_STEP;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= READ_STEP)
        step = (size_t) status.st_size + 1;
    bool ok = read_rest(fd, path, max, step, out, err);
    (void) close(fd);
    return ok;
}

bool file_write_all(int fd, const char *bytes, size_t n, const char *path, struct error *err)
{
    while (n > 0) {
        ssize_t put = write(fd, bytes, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_errno(err, ERROR_IO, errno, "%s", path);
        bytes += put;
        n -= (size_t) put;
    }
    return true;
}

/* Opens a new file beside path under a name that nothing has, so that the kernel applies mode and
 * umask; its name goes into `name`. */
static int open_beside(const char *path, unsigned mode, struct buf *name, struct error *err)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        uint64_t number;
        if (!random_secret(&number, sizeof number, err))
            return -1;
        buf_reset(name);
        buf_printf(name, "%s.%016llx.tmp", path, (unsigned long long) number);
        if (!buf_ok(name, "a path", err))
            return -1;
        int fd = open(buf_text(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t) mode);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            break;
    }
    (void) open_failed(path, err);
    return -1;
}

static bool sync_folder(const char *path, struct error *err)
{
    struct buf folder = BUF_INIT(PATH_MAX);
    const char *slash = strrchr(path, '/');
    if (slash)
        buf_put(&folder, path, slash == path ? 1 : (size_t) (slash - path));
    else
        buf_putc(&folder, '.');
    bool ok = buf_ok(&folder, "a path", err);
    int fd = ok ? open(buf_text(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (ok && (fd < 0 || fsync(fd) != 0))
        ok = error_set_errno(err, ERROR_IO, errno, "%s", buf_text(&folder));
    if (fd >= 0)
        (void) close(fd);
    buf_release(&folder);
    return ok;
}

/* Writes, syncs and closes; the close is looked at too, since some file systems report there. */
static bool fill(int fd, struct str bytes, bool sync, const char *path, struct error *err)
{
    bool ok = file_write_all(fd, bytes.p, bytes.n, path, err);
    if (ok && sync && fsync(fd) != 0)
        ok = error_set_errno(err, ERROR_IO, errno, "%s", path);
    if (close(fd) != 0 && ok)
        ok = error_set_errno(err, ERROR_IO, errno, "%s", path);
    return ok;
}

/* Into what is there: a pipe or a device takes bytes, and would be gone if a file took its name. */
static bool write_through(const char *path, struct str bytes, struct error *err)
{
    int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENXIO)
        return error_set(err, ERROR_IO, "%s is a pipe that nobody reads", path);
    if (fd < 0)
        return open_failed(path, err);
    if (fcntl(fd, F_SETFL, 0) == 0) /* only the opening was not to wait */
        return fill(fd, bytes, false, path, err);
    (void) error_set_errno(err, ERROR_IO, errno, "%s", path);
    (void) close(fd);
    return false;
}

static bool write_beside(const char *path, struct str bytes, unsigned mode, bool sync,
                         struct error *err)
{
    struct buf name = BUF_INIT(PATH_MAX);
    int fd = open_beside(path, mode, &name, err);
    bool ok = fd >= 0;
    if (ok) {
        ok = fill(fd, bytes, sync, path, err);
        if (ok && rename(buf_text(&name), path) != 0)
            ok = error_set_errno(err, ERROR_IO, errno, "%s", path);
        if (!ok)
            (void) unlink(buf_text(&name));
    }
    buf_release(&name);
    return ok && (!sync || sync_folder(path, err));
}

bool file_write(const char *path, struct str bytes, unsigned mode, bool sync, struct error *err)
{
    char target[PATH_MAX];
    struct stat status;
    if (stat(path, &status) != 0)
        return write_beside(path, bytes, mode, sync, err);
    if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode))
        return write_through(path, bytes, err);
    if (lstat(path, &status) != 0 || (S_ISLNK(status.st_mode) && !realpath(path, target)))
        return error_set_errno(err, ERROR_IO, errno, "%s", path);
    return write_beside(S_ISLNK(status.st_mode) ? target : path, bytes, mode, sync, err);
}

static bool make_folder(const char *path, struct error *err)
{
    struct stat status;
    if (mkdir(path, 0777) == 0)
        return true;
    int number = errno;
    if (number == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    return error_set_errno(err, ERROR_IO, number == EEXIST ? ENOTDIR : number, "%s", path);
}

bool file_make_folders(const char *path, struct error *err)
{
    struct buf part = BUF_INIT(PATH_MAX);
    buf_puts(&part, path);
    bool ok = buf_ok(&part, "a path", err);
    for (size_t i = 1; ok && i < part.used; i++) {
        if (part.bytes[i] != '/' || part.bytes[i - 1] == '/')
            continue;
        part.bytes[i] = '\0';
        ok = make_folder(part.bytes, err);
        part.bytes[i] = '/';
    }
    ok = ok && make_folder(buf_text(&part), err);
    buf_release(&part);
    return ok;
}

void path_join(struct buf *out, const char *folder, const char *name)
{
    size_t n = strlen(folder);
    buf_reset(out);
    buf_put(out, folder, n);
    if (n > 0 && folder[n - 1] != '/')
        buf_putc(out, '/');
    buf_puts(out, name);
}

static bool check_secret(int fd, const char *path, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_SETTINGS, "%s holds a secret but is not a regular file", path);
    if (status.st_uid != geteuid())
        return error_set(err, ERROR_SETTINGS, "%s holds a secret but belongs to another user",
                         path);
    if ((status.st_mode & 077) != 0) {
        (void) error_set(err, ERROR_SETTINGS,
                         "%s holds a secret but others may read it (mode %04o)", path,
                         (unsigned) (status.st_mode & 07777));
        return error_hint(err, "chmod 600 %s", path);
    }
    return true;
}

static void cut_newline(struct buf *text)
{
    if (text->used > 0 && text->bytes[text->used - 1] == '\n')
        text->used--;
    if (text->used > 0 && text->bytes[text->used - 1] == '\r')
        text->used--;
    if (text->bytes)
        text->bytes[text->used] = '\0';
}

bool file_read_secret(const char *path, size_t max, struct buf *out, struct error *err)
{
    buf_reset(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (fd < 0)
        return open_failed(path, err);
    /* Room for all at once: a buffer that grows would leave a copy behind. */
    bool ok = check_secret(fd, path, err) && (buf_reserve(out, max) || buf_ok(out, path, err)) &&
              read_rest(fd, path, max, max, out, err);
    (void) close(fd);
    if (ok) {
        cut_newline(out);
    } else {
        mem_wipe(out->bytes, out->room);
        buf_reset(out);
    }
    return ok;
}

bool file_program_folder(struct buf *out, struct error *err)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    if (n < 0 || n == sizeof path)
        return error_set_errno(err, ERROR_IO, n < 0 ? errno : ENAMETOOLONG, "/proc/self/exe");
    while (n > 1 && path[n - 1] != '/')
        n--;
    buf_reset(out);
    buf_put(out, path, n > 1 ? (size_t) n - 1 : 1);
    return buf_ok(out, "the program's folder", err);
}

static bool is_folder(const struct buf *path)
{
    struct stat status;
    return !path->failed && stat(buf_text(path), &status) == 0 && S_ISDIR(status.st_mode);
}

/* Looks for folder/middle/name. */
static bool look(struct buf *out, const char *folder, const char *middle, const char *name)
{
    buf_reset(out);
    buf_printf(out, "%s/%s%s", folder, middle, name);
    return is_folder(out);
}

bool file_find_data(const char *name, struct buf *out, struct error *err)
{
    static const char *const middles[] = {"../share/weir/", "../", "../../", "../../../",
                                          "../../../../"};
    const char *own = getenv("WEIR_DATA");
    struct buf program = BUF_INIT(PATH_MAX);
    if (own && own[0] != '\0' && look(out, own, "", name))
        return true;
    bool found = false;
    if (file_program_folder(&program, err)) {
        for (size_t i = 0; !found && i < sizeof middles / sizeof middles[0]; i++)
            found = look(out, buf_text(&program), middles[i], name);
        if (!found) {
            (void) error_set(err, ERROR_NOT_FOUND, "no folder '%s' near the program in %s", name,
                             buf_text(&program));
            (void) error_hint(err, "set WEIR_DATA to the folder that holds %s/", name);
        }
    }
    buf_release(&program);
    return found;
}
