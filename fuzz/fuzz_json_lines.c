/* Lines: read whole and in steps, a text must give the same objects. Input: step, text. */
#include "base/hash.h"
#include "base/memory.h"
#include "json/lines.h"
#include "json/value.h"

#include <stdlib.h>

static const struct str keys[] = {{"a", 1}, {"b", 1}, {"\n", 1}, {"", 0}};
enum { KEYS = sizeof keys / sizeof keys[0] };

/* What was found, as one number; aborts on cells that are not in their object. */
static uint64_t digest(uint64_t sum, const struct json_object *object)
{
    if (!json_valid(object->bytes))
        abort();
    sum = sum * 31 + (uint64_t) hash_xx64(object->bytes) + object->line;
    for (size_t k = 0; k < KEYS; k++) {
        const struct json_cell *cell = &object->cells[k];
        if (object->present[k]) {
            if (cell->start + (size_t) cell->length >= object->bytes.n)
                abort();
            sum = sum * 31 + cell->start * 7 + cell->length * 3 + cell->kind;
        }
    }
    return sum;
}

static uint64_t read_in_steps(struct str text, size_t step)
{
    struct json_lines_options options = {.keys = keys, .count = KEYS};
    struct json_lines *lines = json_lines_new(&options, NULL);
    uint64_t sum = 0;
    size_t from = 0, here = 0;
    if (lines == NULL)
        abort();
    for (bool last = false; !last;) {
        here = text.n - here > step ? here + step : text.n;
        last = here == text.n;
        char *alone = mem_resize(NULL, here - from + !(here - from), 1, NULL);
        if (alone == NULL)
            abort();
        memcpy(alone, text.p + from, here - from);
        struct json_object object;
        size_t at = 0;
        int found;
        while ((found = json_lines_next(lines, (struct str){alone, here - from}, &at, last, &object,
                                        NULL)) != 0)
            sum = found > 0 ? digest(sum, &object) : sum * 31 + 1;
        mem_free(alone);
        from += at;
    }
    json_lines_free(lines);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str text = {(const char *) data + 1, size - 1};
    if (read_in_steps(text, text.n + 1) != read_in_steps(text, 1 + data[0] % 64))
        abort();
    return 0;
}
