/* Plain JSON lines of a file: the path on which speed counts; see source.h.
 *
 * A piece is a range of the file, of whole blocks of a digest. The lines of a piece are those that begin in it: the byte
 * before it is read too, to see whether one begins with it, and what is behind it up to the end of its last line. So pieces
 * are read apart from each other, and each byte once, but for the last lines' ends. What is read stays in the processor's
 * second cache while it is hashed, scanned and written: that is why pieces are small. They are not smaller, since
 * neighbours mostly go to one partition, and the kernel lets one thread at a time write to a file. A mapping of the file
 * would save a twentieth of the time; but what is hashed, what is checked and what is written could then differ, if somebody
 * writes to the file meanwhile, and a file that gets shorter would be the end of the program.
 */
#include "partition/source.h"

#include "base/memory.h"
#include "partition/prefer.h"
#include "json/route.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    AHEAD = 8 * 1024, /* bytes read behind a piece at first, for the end of its last line */
    KEEP_MAX = 4 * PART_PIECE, /* a buffer that a long line made larger is given back */
    LINES = 256                /* scanned at once */
};

struct lines {
    int fd; /* -1: not opened yet */
    uint64_t size;
};

static bool fail(const struct part_source *source, const char *doing, struct error *err)
{
    return error_set_errno(err, ERROR_IO, errno, "cannot %s %s", doing, source->input->name);
}

/* --- lines in memory --- */

static enum part_reason time_of(const struct part_time *time, const char *text,
                                const struct json_line *line, int64_t *tick)
{
    struct str value = {text + line->value, line->value_length};
    if (line->kind == JSON_KIND_STRING && !line->escaped && time->format == PART_TIME_ISO &&
        part_time_fast(value, tick))
        return PART_REASON_NONE;
    return part_time_value(time, (enum json_kind) line->kind, line->escaped, value, tick);
}

static enum part_reason reason_of(const struct json_line *line)
{
    return line->state == JSON_LINE_LONG ? PART_REASON_LONG : PART_REASON_FORM;
}

/* Room for so many rows more. */
static bool reserve_rows(struct part_chunk *chunk, size_t n, struct error *err)
{
    while (chunk->row_room - chunk->row_count < n)
        if (!mem_reserve(&chunk->rows, &chunk->row_room, chunk->row_room,
                         PART_PIECE_ROWS_MAX + LINES, sizeof *chunk->rows, err))
            return false;
    return true;
}

static bool take_lines(const struct part_time *time, const char *text,
                       const struct json_line *lines, size_t n, struct part_chunk *chunk,
                       struct error *err)
{
    if (!reserve_rows(chunk, n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct json_line *line = &lines[i];
        struct part_row *row = &chunk->rows[chunk->row_count];
        enum part_reason reason;
        if (line->state == JSON_LINE_BLANK)
            continue;
        reason = line->state == JSON_LINE_OBJECT ? time_of(time, text, line, &row->tick)
                                                 : reason_of(line);
        row->start = line->start;
        row->length = line->length;
        if (reason == PART_REASON_NONE)
            chunk->row_count++;
        else if (!part_chunk_reject(chunk,
                                    &(struct part_reject){.line = chunk->lines + i,
                                                          .start = line->start,
                                                          .length = line->length,
                                                          .reason = reason},
                                    err))
            return false;
    }
    chunk->lines += n;
    return true;
}

/* Behind a line that was too long, its rest is passed over. */
static void pass_rest(struct str text, size_t *at)
{
    if (*at == 0 || *at == text.n || text.p[*at - 1] == '\n')
        return;
    const char *end = memchr(text.p + *at, '\n', text.n - *at);
    *at = end ? (size_t) (end - text.p) + 1 : text.n;
}

bool part_lines_rows(const struct part_time *time, struct str text, struct part_chunk *chunk,
                     struct error *err)
{
    struct json_line lines[LINES];
    struct json_route route;
    size_t at = 0, n;
    chunk->text = text.p;
    if (!json_route_init(&route, str_of(time->key), false, err))
        return false;
    do {
        n = json_route_lines(&route, text, &at, true, lines, LINES);
        if (!take_lines(time, text.p, lines, n, chunk, err))
            return false;
        if (n > 0 && lines[n - 1].state == JSON_LINE_LONG)
            pass_rest(text, &at);
    } while (n > 0);
    return part_prefer_rows(time, text, chunk, err);
}

/* --- a file in pieces --- */

static bool lines_open(struct part_source *source, struct error *err)
{
    struct lines *lines = mem_alloc(1, sizeof *lines, err);
    if (!lines)
        return false;
    *lines = (struct lines){.fd = -1};
    source->self = lines;
    return true;
}

/* With the first piece: thousands of inputs may be open, of which few are read. */
static bool open_file(struct part_source *source, struct lines *lines, struct error *err)
{
    struct stat is;
    lines->fd = open(source->input->path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0)
        return fail(source, "open", err);
    if (fstat(lines->fd, &is) != 0)
        return fail(source, "read", err);
    lines->size = is.st_size > 0 ? (uint64_t) is.st_size : 0;
    return true;
}

static bool lines_take(struct part_source *source, struct part_piece *piece, bool *end,
                       struct error *err)
{
    struct lines *lines = source->self;
    if (lines->fd < 0 && !open_file(source, lines, err))
        return false;
    piece->offset = source->pieces * PART_PIECE;
    *end = piece->offset >= lines->size;
    if (!*end)
        piece->length =
            lines->size - piece->offset < PART_PIECE ? lines->size - piece->offset : PART_PIECE;
    return true;
}

/* Reads on until the buffer has `want` bytes, that stand at `from` of the file. */
static bool read_to(const struct part_source *source, struct buf *raw, uint64_t from, size_t want,
                    struct error *err)
{
    const struct lines *lines = source->self;
    if (want > raw->used && !buf_reserve(raw, want - raw->used + JSON_ROUTE_PADDING))
        return buf_ok(raw, source->input->name, err);
    while (raw->used < want) {
        ssize_t got =
            pread(lines->fd, raw->bytes + raw->used, want - raw->used, (off_t) (from + raw->used));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(source, "read", err);
        if (got == 0)
            return error_set(err, ERROR_IO, "%s became shorter while it was read",
                             source->input->name);
        raw->used += (size_t) got;
    }
    return true;
}

/* Where the line ends that has byte `last` of the buffer; reads on for it, twice as much each time. A line that is too
 * long to be taken ends where that is known. */
static bool find_end(const struct part_source *source, struct buf *raw, uint64_t from, size_t last,
                     size_t *end, struct error *err)
{
    const struct lines *lines = source->self;
    size_t at = last, step = AHEAD;
    for (;;) {
        const char *found = memchr(raw->bytes + at, '\n', raw->used - at);
        at = raw->used;
        *end = found ? (size_t) (found - raw->bytes) + 1 : at;
        if (found || at - last > PART_LINE_MAX || from + at >= lines->size)
            return true;
        uint64_t left = lines->size - from - at;
        step *= 2;
        if (!read_to(source, raw, from, at + (left < step ? (size_t) left : step), err))
            return false;
    }
}

/* The part of the buffer that the lines which begin in the piece are; empty when none does. */
static bool find_lines(const struct part_source *source, const struct part_piece *piece,
                       struct buf *raw, size_t lead, struct str *text, struct error *err)
{
    size_t begin = piece->offset == 0 ? (size_t) source->bom : 0, end;
    *text = (struct str){raw->bytes, 0};
    if (lead > 0) {
        const char *before = memchr(raw->bytes, '\n', (size_t) piece->length);
        if (!before)
            return true;
        begin = (size_t) (before - raw->bytes) + 1;
    }
    if (begin >= lead + (size_t) piece->length)
        return true;
    if (!find_end(source, raw, piece->offset - lead, lead + (size_t) piece->length - 1, &end, err))
        return false;
    *text = (struct str){raw->bytes + begin, end - begin};
    return true;
}

static bool lines_rows(const struct part_source *source, struct part_piece *piece,
                       struct part_chunk *chunk, struct error *err)
{
    const struct lines *lines = source->self;
    struct buf *raw = &piece->raw;
    size_t lead = piece->offset > 0 ? 1 : 0, length = (size_t) piece->length;
    uint64_t from = piece->offset - lead, left = lines->size - from;
    size_t want = lead + length + AHEAD;
    struct str text;
    if (raw->room > KEEP_MAX)
        buf_release(raw);
    buf_reset(raw);
    if (!read_to(source, raw, from, left < want ? (size_t) left : want, err))
        return false;
    part_digest_blocks(raw->bytes + lead, length, piece->digests);
    return find_lines(source, piece, raw, lead, &text, err) &&
           part_lines_rows(&source->time, text, chunk, err);
}

static void lines_close(struct part_source *source)
{
    struct lines *lines = source->self;
    if (lines && lines->fd >= 0)
        (void) close(lines->fd);
    mem_free(lines);
    source->self = NULL;
}

const struct part_form part_form_lines = {
    .name = "JSON lines",
    .open = lines_open,
    .take = lines_take,
    .rows = lines_rows,
    .close = lines_close,
};
