/* Deletes blobs of a folder, and folders that are empty then; see store.h. */
#include "store/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only what is empty goes, so it does not matter who writes there meanwhile. */
static void remove_folders(struct local *local, const struct store_unwanted *blob)
{
    char name[STORE_NAME_MAX + 1];
    const char *last;
    int folder;
    memcpy(name, blob->name, strlen(blob->name) + 1); /* names are checked */
    for (unsigned i = 0; i < blob->folders; i++) {
        char *slash = strrchr(name, '/');
        if (!slash)
            return;
        *slash = '\0';
        if (local_parent_found(local, name, &folder, &last, NULL) <= 0)
            return;
        bool gone = unlinkat(folder, last, AT_REMOVEDIR) == 0;
        (void) close(folder);
        if (!gone)
            return;
    }
}

static bool remove_one(struct local *local, struct store_unwanted *blob, struct error *err)
{
    struct stat status;
    const char *last;
    int folder, failed = 0;
    int there = local_parent_found(local, blob->name, &folder, &last, err);
    if (there < 0)
        return false;
    blob->fate = STORE_GONE;
    if (there == 0)
        return true;
    if (blob->sized && fstatat(folder, last, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        (uint64_t) status.st_size != blob->size)
        blob->fate = STORE_CHANGED;
    else if (unlinkat(folder, last, 0) != 0 && errno != ENOENT)
        failed = errno;
    (void) close(folder);
    if (!failed)
        return true;
    blob->fate = STORE_STAYS;
    return local_fail(local, failed, "delete", blob->name, err);
}

bool local_remove(struct store *store, struct store_unwanted *blobs, size_t n, struct error *err)
{
    struct local *local = local_of(store);
    for (size_t i = 0; i < n; i++) {
        if (!remove_one(local, &blobs[i], err))
            return false;
        if (blobs[i].fate == STORE_GONE)
            remove_folders(local, &blobs[i]);
    }
    return true;
}
