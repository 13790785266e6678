/* JSON values: one value of the engine as the service writes it (json_out.h has the list of forms),
 * and what estimate_data_size counts for it. Values go from the engine's chunk to the buffer without a
 * copy between and without an allocation of their own. */
#ifndef WEIR_EMULATOR_JSON_VALUE_H
#define WEIR_EMULATOR_JSON_VALUE_H

#include "engine/engine.h"

enum { JSON_DYNAMIC_FACTOR = 2 }; /* estimate_data_size: of the length of a dynamic value's text */

/* buf_put without a call where there is room. The NUL behind the last byte is left to the next
 * buf_put. */
static inline void json_put(struct buf *buf, const char *bytes, size_t n)
{
    if (buf->room > buf->used + n) {
        memcpy(buf->bytes + buf->used, bytes, n);
        buf->used += n;
    } else {
        buf_put(buf, bytes, n);
    }
}

static inline void json_put_char(struct buf *buf, char c)
{
    json_put(buf, &c, 1);
}

/* With its quotes; only what RFC 8259 asks for is escaped. */
void json_put_string(struct buf *buf, struct str s);

/* A value that is not null. */
void json_put_value(struct buf *buf, const struct engine_vector *vector, size_t row,
                    bool native_dynamic);

#endif
