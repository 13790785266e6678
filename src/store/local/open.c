/* Opens a folder as a store, and its folders part by part; see local.h. */
#include "store/local/local.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *hint_of(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return "free some room and run the same command again: what is written stays";
    case EACCES:
    case EPERM:
        return "this user must be able to read and write the lake and all in it";
    case EROFS:
        return "the file system is mounted read-only: choose another folder with --lake";
    case ENOTDIR:
    case ELOOP:
        return "where a lake has a folder there is a file or a symbolic link";
    case EISDIR:
    case ENOTEMPTY:
        return "where a lake has a file there is a folder: move it away";
    case EXDEV:
        return "the whole lake must be on one file system";
    default:
        return NULL;
    }
}

bool local_fail(const struct local *local, int number, const char *doing, const char *name,
                struct error *err)
{
    enum error_code code = ERROR_IO;
    if (number == ENOENT)
        code = ERROR_NOT_FOUND;
    else if (number == EEXIST)
        code = ERROR_EXISTS;
    if (err && err->code != ERROR_NONE)
        return false;
    const char *hint = hint_of(number);
    if (name[0] == '\0')
        (void) error_set_errno(err, code, number, "cannot %s lake %s", doing, local->base.address);
    else
        (void) error_set_errno(err, code, number, "cannot %s %s in lake %s", doing, name,
                               local->base.address);
    return hint ? error_hint(err, "%s", hint) : false;
}

bool local_root(struct local *local, bool make, struct error *err)
{
    const char *path = local->base.address;
    if (local->root >= 0)
        return true;
    local->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (local->root < 0 && errno == ENOENT && make) {
        struct error why = ERROR_INIT;
        errno = 0;
        if (!file_make_folders(path, &why))
            return local_fail(local, errno ? errno : EIO, "make", "", err);
        local->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (local->root < 0)
        return local_fail(local, errno, "open", "", err);
    local->second = openat(local->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (local->second >= 0)
        return true;
    int failed = errno;
    (void) close(local->root);
    local->root = -1;
    return local_fail(local, failed, "open", "", err);
}

int local_step(int folder, const char *part, int make)
{
    enum { FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    int fd = make > 1 ? -1 : openat(folder, part, FLAGS);
    if (fd >= 0 || (make <= 1 && errno != ENOENT) || !make)
        return fd;
    if (mkdirat(folder, part, 0777) != 0 && errno != EEXIST)
        return -1;
    return openat(folder, part, FLAGS);
}

int local_folder(struct local *local, const char *name, size_t n, bool make, struct error *err)
{
    if (!local_root(local, make, err))
        return -1;
    int fd = openat(local->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct str rest = {name, n}, part;
    while (fd >= 0 && n > 0 && str_split(&rest, '/', &part)) {
        char text[STORE_NAME_MAX + 1];
        memcpy(text, part.p, part.n); /* names are checked: n is at most STORE_NAME_MAX */
        text[part.n] = '\0';
        int next = local_step(fd, text, make);
        int number = errno;
        (void) close(fd);
        errno = number;
        fd = next;
    }
    if (fd < 0 && !make && errno == ENOTDIR)
        errno = ENOENT; /* below a blob or a link there is nothing */
    if (fd < 0)
        (void) local_fail(local, errno, make ? "make the folder of" : "open", name, err);
    return fd;
}

int local_parent(struct local *local, const char *name, bool make, const char **last,
                 struct error *err)
{
    const char *slash = strrchr(name, '/');
    *last = slash ? slash + 1 : name;
    return local_folder(local, name, slash ? (size_t) (slash - name) : 0, make, err);
}

int local_parent_found(struct local *local, const char *name, int *folder, const char **last,
                       struct error *err)
{
    struct error why = ERROR_INIT;
    *folder = local_parent(local, name, false, last, &why);
    if (*folder >= 0)
        return 1;
    if (why.code == ERROR_NOT_FOUND)
        return 0;
    (void) error_pass(err, &why);
    return -1;
}

static bool local_path(const struct store *store, const char *name, struct buf *out,
                       struct error *err)
{
    path_join(out, store->address, name);
    return buf_ok(out, "a path", err);
}

/* A file system that forbids is found when it does. */
static bool local_immutable(struct store *store, const char *name, bool *out, struct error *err)
{
    (void) store;
    (void) name;
    (void) err;
    *out = false;
    return true;
}

static bool local_access(struct store *store, struct store_access *out, struct error *err)
{
    (void) store;
    (void) err;
    *out = (struct store_access){.by = "folder"};
    return true;
}

static void local_free(struct store *store)
{
    struct local *local = local_of(store);
    local_follow_free(local);
    local_temporary_free(local);
    if (local->second >= 0)
        (void) close(local->second);
    if (local->root >= 0)
        (void) close(local->root);
    mem_free(store->address);
    mem_free(local);
}

struct store *local_open(const char *address, struct error *err)
{
    static const struct store_driver driver = {
        .free = local_free,
        .list = local_list,
        .folders = local_folders,
        .stat = local_stat,
        .remove = local_remove,
        .sync = local_sync,
        .path = local_path,
        .scratch = local_scratch,
        .reader_new = local_reader_new,
        .reader_next = local_reader_next,
        .reader_free = local_reader_free,
        .writer_new = local_writer_new,
        .writer_add = local_writer_add,
        .writer_commit = local_writer_commit,
        .writer_abort = local_writer_abort,
        .adopt = local_adopt,
        .follow = local_follow,
        .follow_ask = local_follow_ask,
        .ahead_new = local_ahead_new,
        .ahead_next = local_ahead_next,
        .ahead_free = local_ahead_free,
        .lock_new = local_lock_new,
        .lock_free = local_lock_free,
        .immutable = local_immutable,
        .access = local_access,
    };
    struct local *local = mem_alloc(1, sizeof *local, err);
    if (!local)
        return NULL;
    *local = (struct local){
        .base.driver = &driver, .root = -1, .second = -1, .temporary = -1, .mark = -1};
    local->base.address = mem_copy(address, strlen(address), err);
    if (!local->base.address) {
        mem_free(local);
        return NULL;
    }
    return &local->base;
}
