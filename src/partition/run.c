/* Lines to runs; see run.h. */
#include "partition/run.h"

#include "base/memory.h"
#include "lake/import.h"

#include <string.h>

enum {
    RUN = 256 * 1024,    /* bytes copied together, unless a line is longer */
    STRETCH = 32 * 1024, /* bytes in a row that are not worth a copy */
    KEEP_MAX = 4 * RUN,  /* a buffer that a long line made larger is given back */
    FETCH = 1024         /* bytes of the line after next that are fetched into the cache */
};

/* Where writing stands. */
struct writing {
    struct part_run *run;
    struct part_files *files;
    unsigned worker;
    struct part_room room; /* of what is in the buffer, or comes next */
    size_t used;
    uint64_t sum[2];
};

static bool put_out(struct writing *w, const char *bytes, size_t n, struct error *err)
{
    if (n == 0)
        return true;
    bool ok = part_files_write(w->files, w->worker, &w->room, bytes, n, w->sum, err);
    w->room.offset += n;
    w->sum[0] = w->sum[1] = 0;
    return ok;
}

static bool flush(struct writing *w, struct error *err)
{
    size_t n = w->used;
    w->used = 0;
    return put_out(w, w->run->bytes, n, err);
}

static bool ends(const struct part_line *line)
{
    return line->text[line->length] == '\n';
}

/* How many of the lines stand behind one another, each with its LF; 0 when the first has none. */
static size_t stretch_of(const struct part_line *lines, size_t n, size_t *bytes)
{
    size_t i = 0;
    *bytes = 0;
    while (i < n && (i == 0 || lines[i].text == lines[0].text + *bytes) && ends(&lines[i]))
        *bytes += (size_t) lines[i++].length + 1;
    return i;
}

static void add_sums(struct writing *w, const struct part_line *lines, size_t n)
{
    uint64_t at = w->room.offset + w->used;
    for (size_t i = 0; i < n; i++) {
        size_t size = (size_t) lines[i].length + 1;
        lake_import_sum_line(w->sum, lines[i].text, size, at);
        at += size;
    }
}

static bool reserve(struct part_run *run, size_t n, struct error *err)
{
    if (n <= run->room)
        return true;
    char *bytes = mem_resize(run->bytes, n, 1, err);
    if (!bytes)
        return false;
    run->bytes = bytes;
    run->room = n;
    return true;
}

/* One line into the buffer. */
static bool copy_line(struct writing *w, const struct part_line *line, struct error *err)
{
    size_t size = (size_t) line->length + 1;
    if (w->used > 0 && w->used + size > RUN && !flush(w, err))
        return false;
    if (!reserve(w->run, w->used + size > RUN ? w->used + size : RUN, err))
        return false;
    char *to = w->run->bytes + w->used;
    memcpy(to, line->text, line->length);
    to[line->length] = '\n';
    lake_import_sum_line(w->sum, to, size, w->room.offset + w->used);
    w->used += size;
    return true;
}

static void fetch(const struct part_line *line)
{
    for (uint32_t i = 0; i < line->length && i < FETCH; i += 64)
        __builtin_prefetch(line->text + i);
}

bool part_run_write(struct part_run *run, struct part_files *files, unsigned worker,
                    const struct part_room *room, const struct part_line *lines, size_t n,
                    struct error *err)
{
    struct writing w = {.run = run, .files = files, .worker = worker, .room = *room};
    for (size_t i = 0; i < n;) {
        size_t bytes, count = stretch_of(lines + i, n - i, &bytes);
        if (count == n || bytes >= STRETCH) {
            if (!flush(&w, err))
                return false;
            add_sums(&w, lines + i, count);
            if (!put_out(&w, lines[i].text, bytes, err))
                return false;
            i += count;
            continue;
        }
        if (n - i > 2)
            fetch(&lines[i + 2]);
        if (!copy_line(&w, &lines[i++], err))
            return false;
    }
    bool ok = flush(&w, err);
    if (run->room > KEEP_MAX)
        part_run_release(run);
    return ok;
}

void part_run_release(struct part_run *run)
{
    mem_free(run->bytes);
    *run = (struct part_run){0};
}
