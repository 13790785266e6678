/* Adopts files: what is whole already takes its name; see store.h.
 *
 * A year of partitions is a hundred thousand names that differ in their last folders alone. So the folders of the name
 * before stay open, and only those that differ are looked for. Nothing of the store is written to, once its scratch
 * folder is there: that is why several threads may do this at once.
 */
#include "store/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The folders of a name from the root on, open. */
struct path {
    int root;
    int open[LOCAL_DEPTH_MAX];    /* of the first parts of `name` ... */
    size_t ends[LOCAL_DEPTH_MAX]; /* ... each so many bytes of it */
    size_t n;
    const char *name;
};

/* Closes the folders that `name` does not share. */
static void path_leave(struct path *path, const char *name)
{
    size_t keep = 0;
    while (keep < path->n && strncmp(path->name, name, path->ends[keep]) == 0 &&
           name[path->ends[keep]] == '/')
        keep++;
    while (path->n > keep)
        (void) close(path->open[--path->n]);
    path->name = name;
}

/* The folder of `name`, open until the next call; *last is its last part. -1 with errno. Where a folder was not
 * there, those below it are not either. */
static int path_enter(struct path *path, const char *name, const char **last)
{
    path_leave(path, name);
    size_t at = path->n > 0 ? path->ends[path->n - 1] + 1 : 0;
    int folder = path->n > 0 ? path->open[path->n - 1] : path->root;
    const char *slash;
    while ((slash = strchr(name + at, '/')) != NULL) {
        char part[STORE_NAME_MAX + 1];
        size_t end = (size_t) (slash - name);
        memcpy(part, name + at, end - at); /* names are checked: end is at most STORE_NAME_MAX */
        part[end - at] = '\0';
        if (path->n == LOCAL_DEPTH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        bool is_last = strchr(slash + 1, '/') == NULL;
        folder = local_step(folder, part, is_last ? 2 : 1);
        if (folder < 0)
            return -1;
        path->open[path->n] = folder;
        path->ends[path->n++] = end;
        at = end + 1;
    }
    *last = name + at;
    return folder;
}

/* Some file systems tell only here that a write failed. */
static int sync_file(int folder, const char *path)
{
    int fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int failed = fdatasync(fd) != 0 ? errno : 0;
    (void) close(fd);
    return failed;
}

/* What stands behind our temporary folder in a path; else the whole path. */
static const char *behind(const char *path, const char *prefix, size_t n)
{
    return n > 0 && strncmp(path, prefix, n) == 0 && path[n] != '/' && path[n] ? path + n : path;
}

static int adopt_one(const struct local *local, struct path *path, const struct store_adopted *file,
                     const char *from, unsigned put)
{
    int failed = put & STORE_PUT_DURABLE ? sync_file(local->temporary, from) : 0;
    const char *last;
    int folder = failed ? -1 : path_enter(path, file->name, &last);
    if (folder < 0)
        return failed ? failed : errno;
    return local_rename(local->temporary, from, folder, last, put & STORE_PUT_NEW);
}

bool local_adopt(struct store *store, const struct store_adopted *files, size_t n, unsigned put,
                 size_t *done, struct error *err)
{
    const struct local *local = local_of(store);
    if (local->root < 0 || local->temporary < 0)
        return error_set(err, ERROR_INTERNAL, "there is no scratch folder to adopt a file from");
    char prefix[STORE_NAME_MAX];
    int length =
        snprintf(prefix, sizeof prefix, "%s/" LOCAL_TEMPORARY "/%s/", store->address, local->id);
    size_t known = length > 0 && (size_t) length < sizeof prefix ? (size_t) length : 0;
    struct path path = {.root = local->root, .name = ""};
    int failed = 0;
    while (!failed && *done < n) {
        const struct store_adopted *file = &files[*done];
        failed = adopt_one(local, &path, file, behind(file->path, prefix, known), put);
        if (failed)
            (void) local_fail(local, failed, "write", file->name, err);
        else
            ++*done;
    }
    path_leave(&path, "");
    return !failed;
}
