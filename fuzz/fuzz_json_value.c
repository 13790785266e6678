/* Values: what is valid stays valid when minified, and its members are found; decoding never grows a text. */
#include "base/memory.h"
#include "json/value.h"

#include <stdlib.h>

static void walk(struct str value)
{
    struct json_member member;
    size_t at = 0;
    while (json_next(value, &at, &member))
        if (member.value.n == 0 || !json_valid(member.value))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *) data, size};
    char *out = mem_alloc(size, 1, NULL), *again = mem_alloc(size, 1, NULL);
    size_t n = 0, m = 0;
    bool lone;
    if (out == NULL || again == NULL)
        abort();
    if (json_compact(text, out, &n)) {
        struct str compact = {out, n};
        if (!json_valid(text) || !json_compact(compact, again, &m) || m != n ||
            memcmp(out, again, n) != 0)
            abort();
        walk(compact);
    } else if (json_valid(text)) {
        abort();
    }
    walk(text);
    if (json_decode(text, out, &n, &lone) && !text_utf8_valid((struct str){out, n}))
        abort();
    mem_free(out);
    mem_free(again);
    return 0;
}
