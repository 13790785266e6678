/* Files of Parquet onto the disk: see bring.h. */
#include "query/bring.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { PIECE = 1 << 20, PATH_ROOM = 8192 };

struct query_bring {
    struct store *store;
    struct buf folder;
    size_t n; /* files so far: of each its place in the folder, for its name */
    uint64_t bytes;
};

struct query_bring *query_bring_new(struct store *store, struct error *err)
{
    struct query_bring *bring = mem_alloc(1, sizeof *bring, err);
    if (!bring)
        return NULL;
    bring->store = store;
    buf_init(&bring->folder, PATH_ROOM);
    return bring;
}

static void put_path(struct buf *path, const struct query_bring *bring, size_t i)
{
    buf_reset(path);
    buf_printf(path, "%s/query-%zu.parquet", bring->folder.bytes, i);
}

void query_bring_free(struct query_bring *bring)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    if (!bring)
        return;
    for (size_t i = 0; i < bring->n; i++) {
        put_path(&path, bring, i);
        (void) unlink(buf_text(&path));
    }
    buf_release(&path);
    buf_release(&bring->folder);
    mem_free(bring);
}

static bool write_all(int file, const char *bytes, size_t n, struct error *err)
{
    while (n > 0) {
        ssize_t wrote = write(file, bytes, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return error_set_errno(err, ERROR_IO, errno, "a file of Parquet could not be brought");
        bytes += wrote;
        n -= (size_t) wrote;
    }
    return true;
}

/* One that is longer than `most` is not brought to its end. */
static bool copy(struct query_bring *bring, const char *name, int file, uint64_t most,
                 uint64_t *bytes, struct error *err)
{
    char *piece = mem_alloc(PIECE, 1, err);
    struct store_reader *reader = piece ? store_reader_new(bring->store, name, err) : NULL;
    bool ok = reader != NULL;
    size_t n = 1;
    *bytes = 0;
    while (ok && n > 0 && *bytes <= most) {
        ok = store_reader_next(reader, piece, PIECE, &n, err) && write_all(file, piece, n, err);
        *bytes += n;
    }
    store_reader_free(reader);
    mem_free(piece);
    return ok;
}

bool query_bring(struct query_bring *bring, const char *name, uint64_t bytes, struct buf *path,
                 struct error *err)
{
    uint64_t got = 0;
    if (bytes > QUERY_BROUGHT_MAX - bring->bytes)
        return error_set(err, ERROR_LIMIT,
                         "the files of Parquet that this query needs have more "
                         "than %llu bytes: ask for a shorter range",
                         (unsigned long long) QUERY_BROUGHT_MAX);
    if (bring->folder.used == 0 && !store_scratch(bring->store, &bring->folder, err))
        return false;
    put_path(path, bring, bring->n);
    if (!buf_ok(path, "a path", err))
        return false;
    int file = open(buf_text(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", buf_text(path));
    bring->n++;
    bring->bytes += bytes;
    bool ok = copy(bring, name, file, bytes, &got, err);
    if (close(file) != 0 && ok)
        ok = error_set_errno(err, ERROR_IO, errno, "%s", buf_text(path));
    if (ok && got != bytes)
        return error_set(err, ERROR_PARTIAL, "%s has %s bytes than its record says, %llu", name,
                         got > bytes ? "more" : "fewer", (unsigned long long) bytes);
    return ok;
}

bool query_file_path(struct store *store, struct query_bring *bring, const struct lake_place *place,
                     const struct lake_day_file *file, struct buf *path, struct error *err)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    lake_parquet_prefix(&name, place);
    buf_printf(&name, "/%s", file->name);
    bool ok = buf_ok(&name, "the name of a file", err) &&
              (bring ? query_bring(bring, buf_text(&name), file->bytes, path, err)
                     : store_path(store, buf_text(&name), path, err));
    buf_release(&name);
    return ok;
}
