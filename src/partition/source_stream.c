/* JSON lines that come as a stream: packed, from a pipe, or from a blob; see source.h. */
#include "base/memory.h"
#include "partition/source.h"
#include "partition/stream.h"

struct lines_stream {
    struct buf carry; /* the beginning of the next piece's first line */
    bool last;
};

static bool open_lines(struct part_source *source, struct error *err)
{
    struct lines_stream *self = mem_alloc(1, sizeof *self, err);
    source->self = self;
    if (self)
        buf_init(&self->carry, PART_PIECE_BYTES_MAX);
    return self != NULL;
}

static void close_lines(struct part_source *source)
{
    struct lines_stream *self = source->self;
    if (self)
        buf_release(&self->carry);
    mem_free(self);
    source->self = NULL;
}

/* A line that is too long stays so when only its beginning is kept: the rest is not. */
static void shorten(struct buf *raw)
{
    if (raw->used > (size_t) PART_LINE_MAX + PART_PIECE)
        raw->used = (size_t) PART_LINE_MAX + PART_PIECE / 2;
}

static bool take_lines(struct part_source *source, struct part_piece *piece, bool *end,
                       struct error *err)
{
    struct lines_stream *self = source->self;
    struct buf *raw = &piece->raw;
    const char *lf = NULL;
    buf_reset(raw);
    buf_put(raw, self->carry.bytes, self->carry.used);
    while (!lf && !self->last) {
        size_t before = raw->used;
        if (!part_stream_more(source->stream, PART_PIECE, raw, &self->last, err))
            return false;
        lf = memrchr(raw->bytes + before, '\n', raw->used - before);
        if (!lf)
            shorten(raw);
    }
    size_t whole = self->last ? raw->used : (size_t) (lf - raw->bytes) + 1;
    buf_reset(&self->carry);
    buf_put(&self->carry, raw->bytes + whole, raw->used - whole);
    raw->used = whole;
    *end = whole == 0;
    return buf_ok(&self->carry, "a line of an input", err);
}

static bool lines_of_piece(const struct part_source *source, struct part_piece *piece,
                           struct part_chunk *chunk, struct error *err)
{
    return part_lines_rows(&source->time, buf_str(&piece->raw), chunk, err);
}

const struct part_form part_form_stream = {.name = "JSON lines",
                                           .open = open_lines,
                                           .take = take_lines,
                                           .rows = lines_of_piece,
                                           .close = close_lines};
