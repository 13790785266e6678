/* Streams: the bytes of an input in their order, unpacked if they are packed (gz, zst, seen by content), hashed as they
 * are stored.
 *
 * Several members of gz or frames of zst behind each other are one stream, as their own programs have it. For one thread
 * at a time.
 */
#ifndef WEIR_PARTITION_STREAM_H
#define WEIR_PARTITION_STREAM_H

#include "base/stop.h"
#include "base/text.h"
#include "partition/digest.h"
#include "partition/inputs.h"

enum {
    PART_STREAM_BLOCK = 256 * 1024,          /* bytes read at once */
    PART_STREAM_AHEAD_MAX = 16 * 1024 * 1024 /* that can be looked at before they are read */
};

enum part_packing { PART_PLAIN, PART_GZ, PART_ZST };

struct part_stream;

/* `digest` takes what is read, as it is stored. All is lent. ERROR_NOT_FOUND, ERROR_IO. */
struct part_stream *part_stream_open(const struct part_input *input, struct part_digest *digest,
                                     const struct stop *stop, struct error *err);
void part_stream_free(struct part_stream *stream); /* NULL is fine */

enum part_packing part_stream_packing(const struct part_stream *stream);
/* A file on the disk that can be read at any place. */
bool part_stream_regular(const struct part_stream *stream);

/* Waits until a read of fd gives something, which a pipe may not for hours. ERROR_INTERRUPTED after a stop. */
bool part_stream_wait(int fd, const struct part_input *input, const struct stop *stop,
                      struct error *err);

/* At least `want` bytes that come next (at most PART_STREAM_AHEAD_MAX), fewer only at the end (*end); lent until the
 * next call. They stay to be read. */
bool part_stream_ahead(struct part_stream *stream, size_t want, struct str *out, bool *end,
                       struct error *err);

/* The next bytes, at most `room` (> 0); *n 0 is the end. ERROR_FORMAT when packed bytes are damaged or break off;
 * ERROR_INTERRUPTED after a stop. */
bool part_stream_read(struct part_stream *stream, void *to, size_t room, size_t *n,
                      struct error *err);

/* `want` bytes more behind what `out` has, fewer only at the end (*end); JSON_ROUTE_PADDING behind them can be read. */
bool part_stream_more(struct part_stream *stream, size_t want, struct buf *out, bool *end,
                      struct error *err);

#endif
