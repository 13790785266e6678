/* Streams of inputs; see stream.h. */
#include "partition/stream.h"

#include "base/memory.h"
#include "json/route.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

enum {
    GZ_WINDOW = 15 + 16, /* of zlib: the largest, with gzip's header */
    ZST_MAGIC = 4,       /* bytes by which a frame is told */
    LOOK_MS = 200        /* between two looks whether to stop, while a pipe gives nothing */
};

struct part_stream {
    const struct part_input *input;
    struct part_digest *digest;
    const struct stop *stop;
    int fd; /* -1: a blob */
    bool close, regular;
    struct store_reader *reader;

    char *block; /* PART_STREAM_BLOCK bytes as they are stored */
    size_t at, size;
    bool stored_end; /* nothing is stored behind the block */

    enum part_packing packing;
    z_stream gz;
    ZSTD_DStream *zst;
    bool inside; /* of a member or frame */

    struct buf ahead;
    size_t ahead_at;
    bool ahead_end;
};

/* --- bytes as they are stored --------------------------------------------------------------------------- */

static bool open_file(struct part_stream *stream, struct error *err)
{
    struct stat about;
    const char *path = stream->input->path;
    stream->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (stream->fd < 0)
        return error_set_errno(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, errno, "%s",
                               stream->input->name);
    stream->close = true;
    if (fstat(stream->fd, &about) != 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", stream->input->name);
    if (S_ISDIR(about.st_mode))
        return error_set(err, ERROR_IO, "%s is a folder", stream->input->name);
    stream->regular = S_ISREG(about.st_mode);
    return true;
}

static bool open_stored(struct part_stream *stream, struct error *err)
{
    switch (stream->input->kind) {
    case PART_INPUT_FILE:
    case PART_INPUT_PIPE:
        return open_file(stream, err);
    case PART_INPUT_STDIN:
        stream->fd = STDIN_FILENO;
        return true;
    case PART_INPUT_BLOB:
        stream->reader = store_reader_new(stream->input->store, stream->input->path, err);
        return stream->reader != NULL;
    }
    return error_set(err, ERROR_INTERNAL, "an input of no kind");
}

static bool read_stored(struct part_stream *stream, size_t *n, struct error *err)
{
    if (stream->reader)
        return store_reader_next(stream->reader, stream->block, PART_STREAM_BLOCK, n, err);
    while (part_stream_wait(stream->fd, stream->input, stream->stop, err)) {
        ssize_t got = read(stream->fd, stream->block, PART_STREAM_BLOCK);
        if (got >= 0) {
            *n = (size_t) got;
            return true;
        }
        if (errno != EINTR && errno != EAGAIN)
            return error_set_errno(err, ERROR_IO, errno, "%s", stream->input->name);
    }
    return false;
}

/* The next block, when this one is used up. */
static bool fill(struct part_stream *stream, struct error *err)
{
    size_t n = 0;
    if (stream->at < stream->size || stream->stored_end)
        return true;
    if (stop_asked(stream->stop))
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    if (!read_stored(stream, &n, err) || !part_digest_feed(stream->digest, stream->block, n, err))
        return false;
    stream->at = 0;
    stream->size = n;
    stream->stored_end = n == 0;
    return true;
}

/* A frame of zstd, or one that its writers put before the others and readers skip: 0x184D2A50 to 5F. */
static bool begins_zst(const char *block)
{
    static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd}, skipped[] = {0x2a, 0x4d, 0x18};
    return memcmp(block, frame, sizeof frame) == 0 ||
           (((unsigned char) block[0] & 0xf0) == 0x50 &&
            memcmp(block + 1, skipped, sizeof skipped) == 0);
}

/* The first block, filled up as far as the form can be told by it. */
static bool fill_first(struct part_stream *stream, struct error *err)
{
    static const unsigned char gz[] = {0x1f, 0x8b};
    if (!fill(stream, err))
        return false;
    /* A pipe may give a byte at a time, but who writes packed bytes writes their head at once. */
    if (stream->size >= ZST_MAGIC && begins_zst(stream->block))
        stream->packing = PART_ZST;
    else if (stream->size >= sizeof gz && memcmp(stream->block, gz, sizeof gz) == 0)
        stream->packing = PART_GZ;
    return true;
}

/* --- unpacking ------------------------------------------------------------------------------------------ */

static bool open_unpacker(struct part_stream *stream, struct error *err)
{
    if (stream->packing == PART_GZ && inflateInit2(&stream->gz, GZ_WINDOW) != Z_OK)
        return error_set(err, ERROR_MEMORY, "no memory to unpack %s", stream->input->name);
    if (stream->packing == PART_ZST) {
        stream->zst = ZSTD_createDStream();
        if (!stream->zst)
            return error_set(err, ERROR_MEMORY, "no memory to unpack %s", stream->input->name);
    }
    return true;
}

static bool damaged(const struct part_stream *stream, const char *why, struct error *err)
{
    return error_set(err, ERROR_FORMAT, "%s cannot be unpacked: %s", stream->input->name, why);
}

/* Zeros behind the last member are padding, as gzip has it. */
static bool only_zeros(struct part_stream *stream)
{
    while (stream->at < stream->size && stream->block[stream->at] == 0)
        stream->at++;
    return stream->at == stream->size;
}

static bool step_gz(struct part_stream *stream, void *to, size_t room, size_t *n, struct error *err)
{
    if (!stream->inside && only_zeros(stream))
        return true;
    stream->inside = true;
    stream->gz.next_in = (Bytef *) stream->block + stream->at;
    stream->gz.avail_in = (uInt) (stream->size - stream->at);
    stream->gz.next_out = to;
    stream->gz.avail_out = (uInt) room;
    int state = inflate(&stream->gz, Z_NO_FLUSH);
    stream->at = stream->size - stream->gz.avail_in;
    *n = room - stream->gz.avail_out;
    if (state == Z_STREAM_END) {
        stream->inside = false;
        return inflateReset(&stream->gz) == Z_OK || damaged(stream, "zlib gives up", err);
    }
    if (state == Z_OK || state == Z_BUF_ERROR)
        return true;
    return damaged(stream, stream->gz.msg ? stream->gz.msg : "its bytes are damaged", err);
}

static bool step_zst(struct part_stream *stream, void *to, size_t room, size_t *n,
                     struct error *err)
{
    ZSTD_inBuffer in = {stream->block, stream->size, stream->at};
    ZSTD_outBuffer out = {to, room, 0};
    size_t state = ZSTD_decompressStream(stream->zst, &out, &in);
    stream->at = in.pos;
    *n = out.pos;
    if (ZSTD_isError(state))
        return damaged(stream, ZSTD_getErrorName(state), err);
    stream->inside = state != 0;
    return true;
}

static bool step_plain(struct part_stream *stream, void *to, size_t room, size_t *n)
{
    *n = stream->size - stream->at < room ? stream->size - stream->at : room;
    memcpy(to, stream->block + stream->at, *n);
    stream->at += *n;
    return true;
}

static bool step(struct part_stream *stream, void *to, size_t room, size_t *n, struct error *err)
{
    switch (stream->packing) {
    case PART_GZ:
        return step_gz(stream, to, room, n, err);
    case PART_ZST:
        return step_zst(stream, to, room, n, err);
    case PART_PLAIN:
        break;
    }
    return step_plain(stream, to, room, n);
}

/* An unpacker may hold bytes that it took before, so it is asked once more when nothing is stored any more. */
static bool unpack(struct part_stream *stream, void *to, size_t room, size_t *n, struct error *err)
{
    const size_t most = 1U << 30; /* zlib counts in unsigned int */
    *n = 0;
    while (*n == 0) {
        if (!fill(stream, err))
            return false;
        bool last = stream->stored_end;
        if (last && !stream->inside)
            return true;
        if (!step(stream, to, room < most ? room : most, n, err))
            return false;
        if (last && *n == 0)
            return stream->inside ? damaged(stream, "it breaks off", err) : true;
    }
    return true;
}

/* --- what others call ----------------------------------------------------------------------------------- */

struct part_stream *part_stream_open(const struct part_input *input, struct part_digest *digest,
                                     const struct stop *stop, struct error *err)
{
    struct part_stream *stream = mem_alloc(1, sizeof *stream, err);
    if (!stream)
        return NULL;
    stream->input = input;
    stream->digest = digest;
    stream->stop = stop;
    stream->fd = -1;
    buf_init(&stream->ahead, PART_STREAM_AHEAD_MAX + PART_STREAM_BLOCK);
    stream->block = mem_alloc(PART_STREAM_BLOCK, 1, err);
    if (stream->block && open_stored(stream, err) && fill_first(stream, err) &&
        open_unpacker(stream, err))
        return stream;
    part_stream_free(stream);
    return NULL;
}

void part_stream_free(struct part_stream *stream)
{
    if (!stream)
        return;
    if (stream->packing == PART_GZ)
        (void) inflateEnd(&stream->gz);
    (void) ZSTD_freeDStream(stream->zst);
    store_reader_free(stream->reader);
    if (stream->close)
        (void) close(stream->fd);
    buf_release(&stream->ahead);
    mem_free(stream->block);
    mem_free(stream);
}

enum part_packing part_stream_packing(const struct part_stream *stream)
{
    return stream->packing;
}

bool part_stream_regular(const struct part_stream *stream)
{
    return stream->regular;
}

/* A signal wakes the thread that it meets alone: so it looks again and again. */
bool part_stream_wait(int fd, const struct part_input *input, const struct stop *stop,
                      struct error *err)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (stop_asked(stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        int ready = poll(&look, 1, LOOK_MS);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, ERROR_IO, errno, "%s", input->name);
    }
}

bool part_stream_ahead(struct part_stream *stream, size_t want, struct str *out, bool *end,
                       struct error *err)
{
    struct buf *ahead = &stream->ahead;
    want = want < PART_STREAM_AHEAD_MAX ? want : PART_STREAM_AHEAD_MAX;
    if (stream->ahead_at > 0) {
        memmove(ahead->bytes, ahead->bytes + stream->ahead_at, ahead->used - stream->ahead_at);
        ahead->used -= stream->ahead_at;
        stream->ahead_at = 0;
    }
    while (ahead->used < want && !stream->ahead_end) {
        size_t n;
        if (!buf_reserve(ahead, PART_STREAM_BLOCK))
            return buf_ok(ahead, "the beginning of an input", err);
        if (!unpack(stream, ahead->bytes + ahead->used, PART_STREAM_BLOCK, &n, err))
            return false;
        ahead->used += n;
        stream->ahead_end = n == 0;
    }
    *out = buf_str(ahead);
    *end = stream->ahead_end;
    return true;
}

bool part_stream_read(struct part_stream *stream, void *to, size_t room, size_t *n,
                      struct error *err)
{
    size_t left = stream->ahead.used - stream->ahead_at;
    if (left == 0)
        return unpack(stream, to, room, n, err);
    *n = left < room ? left : room;
    memcpy(to, stream->ahead.bytes + stream->ahead_at, *n);
    stream->ahead_at += *n;
    if (stream->ahead_at == stream->ahead.used) {
        stream->ahead_at = 0;
        buf_release(&stream->ahead);
        buf_init(&stream->ahead, PART_STREAM_AHEAD_MAX + PART_STREAM_BLOCK);
    }
    return true;
}

bool part_stream_more(struct part_stream *stream, size_t want, struct buf *out, bool *end,
                      struct error *err)
{
    size_t n;
    if (!buf_reserve(out, want + JSON_ROUTE_PADDING))
        return buf_ok(out, "a piece of an input", err);
    while (want > 0 && !*end) {
        if (!part_stream_read(stream, out->bytes + out->used, want, &n, err))
            return false;
        out->used += n;
        want -= n;
        *end = n == 0;
    }
    return true;
}
