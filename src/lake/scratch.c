/* Scratch: one unlinked file of blocks; see scratch.h. */
#include "lake/scratch.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 4096 };

struct scratch {
    char *folder;
    int fd;           /* -1 until the first write */
    char *block;      /* the block that is being filled */
    uint32_t blocks;  /* that the file has */
    uint32_t *unused; /* those that no run has; there is always room for all */
    size_t n_unused, room;
};

/* What could not be done, where, why, and what helps. False. */
static bool fail(const struct scratch *scratch, const char *what, struct error *err)
{
    int number = errno;
    (void) error_set_errno(err, ERROR_IO, number, "the scratch file in %s %s", scratch->folder,
                           what);
    return number == ENOSPC || number == EDQUOT
               ? error_hint(err, "free some room and run the same command again")
               : false;
}

/* The file has no name and no rights for others; it goes when the program goes. */
static bool open_at(struct scratch *scratch, struct buf *path, struct error *err)
{
    path_join(path, scratch->folder, "weir-XXXXXX");
    if (!buf_ok(path, "the scratch folder's path", err))
        return false;
    if (!file_make_folders(scratch->folder, err))
        return error_prefix(err, "the scratch file in %s cannot be made", scratch->folder);
    int fd = mkstemp(path->bytes);
    if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && unlink(path->bytes) == 0) {
        scratch->fd = fd;
        return true;
    }
    (void) fail(scratch, "cannot be made", err);
    if (fd >= 0)
        (void) close(fd);
    return false;
}

static bool open_file(struct scratch *scratch, struct error *err)
{
    struct buf path = BUF_INIT(PATH_MAX_BYTES);
    if (scratch->block == NULL)
        scratch->block = mem_resize(NULL, SCRATCH_BLOCK, 1, err);
    bool ok = scratch->block != NULL && open_at(scratch, &path, err);
    buf_release(&path);
    return ok;
}

/* Gives the run one more block: an unused one, or a new one at the file's end. */
static bool add_block(struct scratch *scratch, struct scratch_run *run, struct error *err)
{
    if (!mem_reserve(&run->blocks, &run->room, run->n, SCRATCH_BLOCKS_MAX, sizeof *run->blocks,
                     err))
        return false;
    if (scratch->n_unused > 0) {
        run->blocks[run->n++] = scratch->unused[--scratch->n_unused];
        return true;
    }
    if (!mem_reserve(&scratch->unused, &scratch->room, scratch->blocks, SCRATCH_BLOCKS_MAX,
                     sizeof *scratch->unused, err))
        return false;
    run->blocks[run->n++] = scratch->blocks++;
    return true;
}

static bool write_block(struct scratch *scratch, struct scratch_run *run, size_t n,
                        struct error *err)
{
    size_t done = 0;
    if (!add_block(scratch, run, err))
        return false;
    off_t at = (off_t) run->blocks[run->n - 1] * SCRATCH_BLOCK;
    while (done < n) {
        ssize_t part = pwrite(scratch->fd, scratch->block + done, n - done, at + (off_t) done);
        if (part < 0 && errno != EINTR)
            return fail(scratch, "cannot grow", err);
        done += part > 0 ? (size_t) part : 0;
    }
    return true;
}

struct scratch *scratch_new(const char *folder, struct error *err)
{
    struct scratch *scratch = mem_alloc(1, sizeof *scratch, err);
    if (scratch == NULL)
        return NULL;
    scratch->fd = -1;
    scratch->folder = mem_copy(folder, strlen(folder), err);
    if (scratch->folder == NULL) {
        mem_free(scratch);
        return NULL;
    }
    return scratch;
}

void scratch_free(struct scratch *scratch)
{
    if (scratch == NULL)
        return;
    if (scratch->fd >= 0)
        (void) close(scratch->fd); /* nobody will read what a late error would spoil */
    mem_free(scratch->folder);
    mem_free(scratch->block);
    mem_free(scratch->unused);
    mem_free(scratch);
}

bool scratch_put(struct scratch *scratch, struct scratch_run *run, const void *bytes, size_t n,
                 struct error *err)
{
    const char *from = bytes;
    if (scratch->fd < 0 && !open_file(scratch, err))
        return false;
    while (n > 0) {
        size_t at = (size_t) (run->length % SCRATCH_BLOCK);
        size_t part = n < SCRATCH_BLOCK - at ? n : SCRATCH_BLOCK - at;
        memcpy(scratch->block + at, from, part);
        if (at + part == SCRATCH_BLOCK && !write_block(scratch, run, SCRATCH_BLOCK, err))
            return false;
        run->length += part;
        from += part;
        n -= part;
    }
    return true;
}

bool scratch_end(struct scratch *scratch, struct scratch_run *run, struct error *err)
{
    size_t rest = (size_t) (run->length % SCRATCH_BLOCK);
    return rest == 0 || write_block(scratch, run, rest, err);
}

bool scratch_read(const struct scratch *scratch, const struct scratch_run *run, uint64_t at,
                  char *to, size_t n, struct error *err)
{
    while (n > 0) {
        uint64_t in_block = at % SCRATCH_BLOCK;
        size_t part = n < SCRATCH_BLOCK - in_block ? n : (size_t) (SCRATCH_BLOCK - in_block);
        off_t place = (off_t) run->blocks[at / SCRATCH_BLOCK] * SCRATCH_BLOCK + (off_t) in_block;
        ssize_t got = pread(scratch->fd, to, part, place);
        if (got == 0)
            return error_set(err, ERROR_IO, "the scratch file in %s has become shorter",
                             scratch->folder);
        if (got < 0 && errno != EINTR)
            return fail(scratch, "cannot be read", err);
        part = got > 0 ? (size_t) got : 0;
        at += part;
        to += part;
        n -= part;
    }
    return true;
}

void scratch_drop(struct scratch *scratch, struct scratch_run *run)
{
    for (size_t i = 0; i < run->n; i++)
        scratch->unused[scratch->n_unused++] = run->blocks[i];
    mem_free(run->blocks);
    *run = (struct scratch_run){.n = 0};
    if (scratch->n_unused > 0 && scratch->n_unused == scratch->blocks &&
        ftruncate(scratch->fd, 0) == 0) {
        scratch->blocks = 0;
        scratch->n_unused = 0;
    }
}
