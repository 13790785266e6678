/* Lake: where the continuous export writes, and how. */

#include "emulator/lake.h"

#include "base/file.h"
#include "base/tick.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

enum { CONTAINER_MAX = 63, SIBLINGS_MAX = 10000, BLOB_MAX = 1 << 30 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* am-<table>: lower case, with a dash for what a container's name may not have. */
static void put_container(const char *table, struct buf *out)
{
    size_t end = out->used + CONTAINER_MAX;
    buf_puts(out, "am-");
    for (; *table && out->used < end; table++) {
        char c = lower(*table);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        buf_putc(out, plain ? c : '-');
    }
}

static void put_folder(const struct lake *lake, const char *table, int64_t partition,
                       struct buf *out)
{
    struct tick_civil civil = tick_civil(partition);
    buf_puts(out, lake->folder);
    buf_putc(out, '/');
    put_container(table, out);
    buf_puts(out, "/WorkspaceResourceId=");
    for (const char *c = lake->resource_id; *c; c++)
        buf_putc(out, lower(*c));
    buf_printf(out, "/y=%04d/m=%02d/d=%02d/h=%02d/m=%02d", civil.year, civil.month, civil.day,
               civil.hour, civil.minute);
}

static uint64_t count_lines(struct str text)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    return lines;
}

/* How many more lines the blob takes. */
static bool find_room(const struct lake *lake, const char *path, uint64_t *room, struct error *err)
{
    struct buf text = BUF_INIT(BLOB_MAX);
    struct error why = ERROR_INIT;
    *room = UINT64_MAX;
    if (lake->overflow == 0)
        return true;
    bool done = file_read(path, BLOB_MAX, &text, &why);
    uint64_t lines = done ? count_lines(buf_str(&text)) : 0;
    buf_release(&text);
    if (!done && why.code != ERROR_NOT_FOUND) {
        *err = why;
        return false;
    }
    *room = lines < lake->overflow ? lake->overflow - lines : 0;
    return true;
}

static bool append(const char *path, struct str bytes, struct error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", path);
    bool done = file_write_all(fd, bytes.p, bytes.n, path, err);
    return close(fd) == 0 && done;
}

/* The first `n` lines. */
static struct str first_lines(struct str lines, uint64_t n)
{
    size_t end = 0;
    while (n > 0 && end < lines.n) {
        const char *feed = memchr(lines.p + end, '\n', lines.n - end);
        end = feed ? (size_t) (feed - lines.p) + 1 : lines.n;
        n--;
    }
    return (struct str){lines.p, end};
}

bool lake_append(const struct lake *lake, const char *table, int64_t partition, struct str lines,
                 struct error *err)
{
    struct buf path = BUF_INIT(PATH_MAX);
    put_folder(lake, table, partition, &path);
    bool done = buf_ok(&path, "a path", err) && file_make_folders(buf_text(&path), err);
    size_t folder = path.used;
    for (int i = 0; done && lines.n > 0 && i < SIBLINGS_MAX; i++) {
        uint64_t room = 0;
        path.used = folder;
        buf_printf(&path, "/%s", lake->name);
        if (i > 0)
            buf_printf(&path, "_%d", i);
        buf_puts(&path, ".json");
        done = buf_ok(&path, "a path", err) && find_room(lake, buf_text(&path), &room, err);
        struct str part = done ? first_lines(lines, room) : (struct str){0};
        done = done && (part.n == 0 || append(buf_text(&path), part, err));
        lines = (struct str){lines.p + part.n, lines.n - part.n};
    }
    buf_release(&path);
    return done;
}
