/* weir/tmp: where blobs grow until they are whole.
 *
 * Each program that writes has a folder <id>/ there and beside it a file <id>.lock, which it holds locked
 * (flock) from before the folder is made until after it is removed. The kernel drops that lock with the
 * process, however it ends. So a lock file that can be locked belongs to nobody alive, and what stands
 * under its name can be removed. Two programs may meet over a file that one has made and not yet locked:
 * then it is removed, and its maker sees that it has no name any more and takes another.
 */
#include "store/local/local.h"

#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SUFFIX ".lock"

enum {
    REMOVE_DEPTH_MAX = 8, /* folders below each other in a temporary folder */
    REMOVE_MAX = 1 << 22  /* entries removed at once */
};

/* Opens for listing, without following a link. NULL with errno. */
static DIR *open_folder(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir && fd >= 0)
        (void) close(fd);
    return dir;
}

static bool is_self(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes a folder and all in it. False when something stays: the next program tries again. */
static bool remove_tree(int folder, const char *name, int depth)
{
    DIR *dir = depth > 0 ? open_folder(folder, name) : NULL;
    struct dirent *entry;
    for (int n = 0; dir && n < REMOVE_MAX && (entry = readdir(dir)); n++) {
        if (is_self(entry->d_name))
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0 && (errno == EISDIR || errno == EPERM))
            (void) remove_tree(dirfd(dir), entry->d_name, depth - 1);
    }
    if (dir)
        (void) closedir(dir);
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* Removes <id>/ and then <id>.lock, which the caller holds: what has no lock file is never looked for. */
static void remove_own(int folder, const char *id)
{
    char name[NAME_MAX + 1];
    (void) snprintf(name, sizeof name, "%.*s" LOCK_SUFFIX, NAME_MAX - (int) sizeof LOCK_SUFFIX, id);
    if (remove_tree(folder, id, REMOVE_DEPTH_MAX))
        (void) unlinkat(folder, name, 0);
}

/* True when the open file still has a name, so that its lock means something. */
static bool has_name(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

/* Removes what <id>.lock stands for when nobody alive holds it. */
static void clean_one(int folder, const char *lock_name)
{
    int fd = openat(folder, lock_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && has_name(fd)) {
        char id[NAME_MAX + 1];
        size_t n = strlen(lock_name) - strlen(LOCK_SUFFIX);
        memcpy(id, lock_name, n);
        id[n] = '\0';
        remove_own(folder, id);
    }
    (void) close(fd);
}

static void clean(int folder)
{
    DIR *dir = open_folder(folder, ".");
    struct dirent *entry;
    for (int n = 0; dir && n < LOCAL_FOLDER_MAX && (entry = readdir(dir)); n++) {
        struct str name = str_of(entry->d_name);
        if (name.n > strlen(LOCK_SUFFIX) && str_ends(name, STR(LOCK_SUFFIX)))
            clean_one(folder, entry->d_name);
    }
    if (dir)
        (void) closedir(dir);
}

/* Makes and locks <id>.lock under a new id. 1: done; 0: another took it from us, try again; -1: errno. */
static int take_mark(struct local *local, int folder, struct error *err)
{
    uint64_t number;
    char name[LOCAL_ID_MAX + sizeof LOCK_SUFFIX];
    errno = EIO;
    if (!random_secret(&number, sizeof number, err))
        return -1;
    (void) snprintf(local->id, sizeof local->id, "%016llx", (unsigned long long) number);
    (void) snprintf(name, sizeof name, "%s" LOCK_SUFFIX, local->id);
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno == EEXIST ? 0 : -1;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    int failed = locked ? 0 : errno;
    if (locked && has_name(fd)) {
        local->mark = fd;
        return 1;
    }
    (void) close(fd);
    if (locked || failed == EWOULDBLOCK)
        return 0;
    (void) unlinkat(folder, name, 0);
    errno = failed;
    return -1;
}

static bool make_own(struct local *local, int folder, struct error *err)
{
    int taken = 0;
    for (int i = 0; taken == 0 && i < LOCAL_TRIES; i++)
        taken = take_mark(local, folder, err);
    if (taken <= 0)
        return local_fail(local, taken < 0 ? errno : EAGAIN, "write", LOCAL_TEMPORARY, err);
    if (mkdirat(folder, local->id, 0777) == 0)
        local->temporary =
            openat(folder, local->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (local->temporary >= 0)
        return true;
    (void) local_fail(local, errno, "write", LOCAL_TEMPORARY, err);
    local_temporary_free(local);
    return false;
}

bool local_temporary(struct local *local, struct error *err)
{
    if (local->temporary >= 0)
        return true;
    int folder = local_folder(local, LOCAL_TEMPORARY, strlen(LOCAL_TEMPORARY), true, err);
    if (folder < 0)
        return false;
    clean(folder);
    bool ok = make_own(local, folder, err);
    (void) close(folder);
    return ok;
}

void local_temporary_free(struct local *local)
{
    if (local->temporary >= 0)
        (void) close(local->temporary);
    local->temporary = -1;
    if (local->mark < 0)
        return;
    int folder = local_folder(local, LOCAL_TEMPORARY, strlen(LOCAL_TEMPORARY), false, NULL);
    if (folder >= 0) {
        remove_own(folder, local->id);
        (void) close(folder);
    }
    (void) close(local->mark);
    local->mark = -1;
}

bool local_scratch(struct store *store, struct buf *path, struct error *err)
{
    struct local *local = local_of(store);
    if (!local_temporary(local, err))
        return false;
    if (mkdirat(local->temporary, "scratch", 0700) != 0 && errno != EEXIST)
        return local_fail(local, errno, "write", LOCAL_TEMPORARY, err);
    buf_reset(path);
    buf_printf(path, "%s/" LOCAL_TEMPORARY "/%s/scratch", store->address, local->id);
    return buf_ok(path, "a path", err);
}
