/* Adopts files: each is uploaded, and gone then; see store.h. */
#include "store/azure/azure.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { STEP = 1024 * 1024 };

/* All of an open file into the writer. */
static bool add_file(int fd, const char *path, struct store_writer *writer, char *step,
                     struct error *err)
{
    for (;;) {
        ssize_t got = read(fd, step, STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, ERROR_IO, errno, "cannot read %s", path);
        if (got == 0)
            return true;
        if (!store_writer_add(writer, step, (size_t) got, err))
            return false;
    }
}

static bool adopt_open(struct store *store, int fd, const struct store_adopted *file, char *step,
                       unsigned put, struct error *err)
{
    struct store_writer *writer = store_writer_new(store, file->name, err);
    if (!writer)
        return false;
    if (!add_file(fd, file->path, writer, step, err)) {
        store_writer_abort(writer);
        return false;
    }
    return store_writer_commit(writer, put, NULL, err);
}

static bool adopt_one(struct store *store, const struct store_adopted *file, char *step,
                      unsigned put, struct error *err)
{
    int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, ERROR_IO, errno, "cannot read %s", file->path);
    bool ok = adopt_open(store, fd, file, step, put, err);
    (void) close(fd);
    if (ok)
        (void) unlink(file->path); /* else it goes with the scratch folder */
    return ok;
}

bool az_adopt(struct store *store, const struct store_adopted *files, size_t n, unsigned put,
              size_t *done, struct error *err)
{
    char *step = mem_alloc(STEP, 1, err);
    bool ok = step != NULL;
    for (; ok && *done < n; *done += ok)
        ok = adopt_one(store, &files[*done], step, put, err);
    mem_free(step);
    return ok;
}
