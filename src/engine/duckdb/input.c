/* Bytes of files, plain or gz; see input.h. */
#include "engine/duckdb/input.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

enum {
    GZ_WINDOW = 15 + 16, /* zlib: the largest window, gzip's frame alone */
    MARK_MAX = 3         /* bytes by which a form is told */
};

enum input_state {
    INPUT_CLOSED,
    INPUT_FIRST, /* nothing read yet: the form is to be seen */
    INPUT_PLAIN,
    INPUT_GZ,
    INPUT_GZ_BETWEEN /* a gz member ended; another may follow */
};

struct input {
    int fd;                             /* -1: none */
    const struct engine_opener *opener; /* NULL: fd */
    void *handle;
    enum input_state state;
    bool
        ended; /* the file has no more bytes; an opener is not asked again, since it would begin the next one */
    const char *path;
    char *packed; /* gz bytes, of INPUT_STEP; made when the first gz is seen */
    z_stream zlib;
    bool zlib_ready;
};

struct input *input_new(struct error *err)
{
    struct input *input = mem_alloc(1, sizeof *input, err);
    if (input)
        input->fd = -1;
    return input;
}

void input_close(struct input *input)
{
    if (input->fd >= 0)
        (void) close(input->fd); /* only read from: nothing can be lost */
    input->fd = -1;
    input->opener = NULL;
    input->handle = NULL;
    input->state = INPUT_CLOSED;
    input->ended = false;
}

void input_free(struct input *input)
{
    if (!input)
        return;
    input_close(input);
    if (input->zlib_ready)
        (void) inflateEnd(&input->zlib);
    mem_free(input->packed);
    mem_free(input);
}

bool input_open(struct input *input, const char *path, uint64_t from, struct error *err)
{
    input_close(input);
    input->path = path;
    input->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0) {
        enum error_code code = errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_IO;
        return error_set_errno(err, code, errno, "%s", path);
    }
    input->state = from > 0 ? INPUT_PLAIN : INPUT_FIRST;
    if (from > 0 && (from > INT64_MAX || lseek(input->fd, (off_t) from, SEEK_SET) < 0))
        return error_set_errno(err, ERROR_IO, errno, "%s", path);
    return true;
}

void input_take(struct input *input, const struct engine_opener *opener, void *handle,
                const char *path)
{
    input_close(input);
    input->path = path;
    input->opener = opener;
    input->handle = handle;
    input->state = INPUT_FIRST;
}

static bool read_file(struct input *input, char *into, size_t room, size_t *got, struct error *err)
{
    ssize_t n;
    do
        n = read(input->fd, into, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERROR_IO, errno, "%s", input->path);
    *got = (size_t) n;
    return true;
}

static bool read_some(struct input *input, char *into, size_t room, size_t *got, struct error *err)
{
    *got = 0;
    if (input->ended)
        return true;
    bool ok = input->opener ? input->opener->read(input->handle, into, room, got, err)
                            : read_file(input, into, room, got, err);
    input->ended = ok && *got == 0;
    return ok;
}

/* --- gz ------------------------------------------------------------------------------------------------- */

static bool gz_failed(const struct input *input, struct error *err)
{
    const char *why = input->zlib.msg ? input->zlib.msg : "cut short";
    return error_set(err, ERROR_FORMAT, "%s: gz is broken: %s", input->path, why);
}

/* Turns to gz with the first bytes of the file, which the caller has read. */
static bool gz_begin(struct input *input, const char *bytes, size_t n, struct error *err)
{
    if (!input->packed)
        input->packed = mem_alloc(INPUT_STEP, 1, err);
    if (!input->packed)
        return false;
    int status =
        input->zlib_ready ? inflateReset(&input->zlib) : inflateInit2(&input->zlib, GZ_WINDOW);
    if (status != Z_OK)
        return error_set(err, ERROR_MEMORY, "no memory for gz");
    input->zlib_ready = true;
    memcpy(input->packed, bytes, n);
    input->zlib.next_in = (unsigned char *) input->packed;
    input->zlib.avail_in = (unsigned) n;
    input->state = INPUT_GZ;
    return true;
}

/* More packed bytes when none are left; *end when the file has no more. */
static bool gz_refill(struct input *input, bool *end, struct error *err)
{
    size_t got = 0;
    *end = false;
    if (input->zlib.avail_in > 0)
        return true;
    if (!read_some(input, input->packed, INPUT_STEP, &got, err))
        return false;
    input->zlib.next_in = (unsigned char *) input->packed;
    input->zlib.avail_in = (unsigned) got;
    *end = got == 0;
    return true;
}

static bool gz_read(struct input *input, char *into, size_t room, size_t *got, struct error *err)
{
    z_stream *zlib = &input->zlib;
    zlib->next_out = (unsigned char *) into;
    zlib->avail_out = room < INPUT_STEP ? (unsigned) room : INPUT_STEP;
    unsigned want = zlib->avail_out;
    while (zlib->avail_out == want) {
        bool end;
        if (!gz_refill(input, &end, err))
            return false;
        if (input->state == INPUT_GZ_BETWEEN) {
            if (end)
                break;
            if (inflateReset(zlib) != Z_OK)
                return gz_failed(input, err);
            input->state = INPUT_GZ;
        }
        int status = inflate(zlib, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            input->state = INPUT_GZ_BETWEEN;
        else if ((status != Z_OK && status != Z_BUF_ERROR) || end)
            return gz_failed(input, err);
    }
    *got = want - zlib->avail_out;
    return true;
}

/* --- the first bytes tell ------------------------------------------------------------------------------- */

/* Enough bytes to know the form, or all that there are. */
static bool read_mark(struct input *input, char *into, size_t room, size_t *got, struct error *err)
{
    size_t more = 0;
    for (*got = 0; *got < MARK_MAX && *got < room && !input->ended; *got += more)
        if (!read_some(input, into + *got, room - *got, &more, err))
            return false;
    return true;
}

static bool first_read(struct input *input, char *into, size_t room, size_t *got, struct error *err)
{
    static const unsigned char gz_mark[2] = {0x1f, 0x8b}, utf8_mark[MARK_MAX] = {0xef, 0xbb, 0xbf};
    if (room > INPUT_STEP)
        room = INPUT_STEP;
    if (!read_mark(input, into, room, got, err))
        return false;
    input->state = INPUT_PLAIN;
    if (*got >= sizeof gz_mark && memcmp(into, gz_mark, sizeof gz_mark) == 0) {
        if (!gz_begin(input, into, *got, err) || !gz_read(input, into, room, got, err))
            return false;
    }
    if (*got >= sizeof utf8_mark && memcmp(into, utf8_mark, sizeof utf8_mark) == 0) {
        *got -= sizeof utf8_mark;
        memmove(into, into + sizeof utf8_mark, *got);
        if (*got == 0)
            return input_read(input, into, room, got, err);
    }
    return true;
}

bool input_read(struct input *input, char *into, size_t room, size_t *got, struct error *err)
{
    switch (input->state) {
    case INPUT_FIRST:
        return first_read(input, into, room, got, err);
    case INPUT_PLAIN:
        return read_some(input, into, room, got, err);
    case INPUT_GZ:
    case INPUT_GZ_BETWEEN:
        return gz_read(input, into, room, got, err);
    case INPUT_CLOSED:
        break;
    }
    return error_set(err, ERROR_INTERNAL, "no file is open");
}

bool input_is_gz(const struct input *input)
{
    return input->state == INPUT_GZ || input->state == INPUT_GZ_BETWEEN;
}
