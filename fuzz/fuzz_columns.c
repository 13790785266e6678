/* Schema files, and the text functions that hostile bytes meet first. */
#include "base/column.h"

#include <stdlib.h>

static void check_schema(struct str s)
{
    struct columns columns = {0};
    if (columns_read(s, &columns, NULL))
        for (size_t i = 0; i < columns.n; i++)
            if (columns_find(&columns, str_of(columns.v[i].name)) != (int) i)
                abort();
    columns_release(&columns);
}

static void check_text(struct str s)
{
    struct buf json = BUF_INIT(1 << 24), safe = BUF_INIT(1 << 24);
    text_put_json(&json, s);
    text_put_safe(&safe, s);
    if (!json.failed && !text_utf8_valid(buf_str(&json)))
        abort();
    if (!safe.failed && (!text_utf8_valid(buf_str(&safe)) || strchr(buf_text(&safe), '\x1b')))
        abort();
    buf_release(&json);
    buf_release(&safe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *) data, size};
    double number;
    uint64_t bytes;
    check_schema(s);
    check_text(s);
    (void) str_double(s, &number);
    (void) str_size(s, &bytes);
    (void) text_is_guid(s);
    return 0;
}
