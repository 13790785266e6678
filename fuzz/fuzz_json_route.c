/* Lines for routing: both twins, the text cut in pieces as the input says, must give the same, and a line is an
 * object when json_valid says so. Input: step of the cuts, records at once and key, what stands in the padding,
 * text. */
#include "../tests/json/routed.h"
#include "json/value.h"

enum { HEAD = 3 };

static void check_states(const struct routed *routed, struct str text)
{
    for (size_t i = 0; i < routed->count; i++) {
        const struct json_line *line = &routed->lines[i];
        struct str bytes = {text.p + line->start, line->length};
        bool object = bytes.n > 0 && *bytes.p == '{' && json_valid(bytes);
        if (object != (line->state == JSON_LINE_OBJECT) ||
            (bytes.n == 0) != (line->state == JSON_LINE_BLANK))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str keys[] = {STR_INIT("k"),    STR_INIT("TimeGenerated"), STR_INIT(""),
                                      STR_INIT("a\"b"), STR_INIT("\xC3\xA9"),      {NULL, 0}};
    if (size < HEAD)
        return 0;
    struct str text = {(const char *) data + HEAD, size - HEAD};
    struct routed_options options = {.scalar = true, .key = keys[data[1] % 6]};
    struct routed law, whole, cut;
    routed_read(&law, &options, text);
    check_states(&law, text);
    options.scalar = false;
    options.behind = data[2];
    routed_read(&whole, &options, text);
    options.step = data[0];
    options.room = data[1] / 6;
    routed_read(&cut, &options, text);
    if (law.rest != 0 || !routed_equal(&law, &whole) || !routed_equal(&law, &cut))
        abort();
    routed_release(&law);
    routed_release(&whole);
    routed_release(&cut);
    return 0;
}
