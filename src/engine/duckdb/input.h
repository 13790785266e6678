/* Input: the bytes of one file after the other, from the disk or an opener (engine/engine.h), gz undone. For one
 * thread; knows nothing of DuckDB.
 *
 * A file that begins with 1f 8b is gz (RFC 1952; several members after each other are one text, as gzip has
 * it), whatever its name. A byte-order mark of UTF-8 at the beginning is left out.
 */
#ifndef WEIR_ENGINE_DUCKDB_INPUT_H
#define WEIR_ENGINE_DUCKDB_INPUT_H

#include "engine/engine.h"

enum { INPUT_STEP = 256 * 1024 }; /* room that a read should be given; bytes of gz held */

struct input;

struct input *input_new(struct error *err);
void input_free(struct input *input);

/* Opens a file, closing the one before. `from`: byte to begin at; only 0 sees gz and a mark. ERROR_NOT_FOUND,
 * ERROR_IO name the path, which is lent until the next open or close. */
bool input_open(struct input *input, const char *path, uint64_t from, struct error *err);
/* Begins the next file of an opener's handle, which is lent until the next open or close; the file before was read to
 * its end. `path` is for messages. */
void input_take(struct input *input, const struct engine_opener *opener, void *handle,
                const char *path);
void input_close(struct input *input);

/* Reads up to `room` (> 0) bytes; 0 at the end. ERROR_FORMAT for gz that is broken or cut short. */
bool input_read(struct input *input, char *into, size_t room, size_t *got, struct error *err);

/* Whether the open file is gz; known after the first read. */
bool input_is_gz(const struct input *input);

#endif
