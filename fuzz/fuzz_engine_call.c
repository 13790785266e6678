/* The functions of KQL's SQL on any text: the first byte names the function, the next eight are its number argument, the
 * rest is cut at the first NUL into its text arguments. What comes out as dynamic must be valid JSON. */
#include "engine/duckdb/call.h"

#include <stdlib.h>

static bool gives_json(const char *name)
{
    static const char *const names[] = {"split",    "split_at",  "parse_json",
                                        "bag_keys", "json_text", "json_real"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    union call_value arguments[CALL_ARGUMENTS_MAX], out;
    struct call call;
    if (size < 9)
        return 0;
    const struct call_function *function = &call_functions[data[0] % call_function_count];
    struct str rest = {(const char *) data + 9, size - 9};
    for (size_t i = 0; function->arguments[i]; i++) {
        char letter = function->arguments[i];
        memcpy(&arguments[i], data + 1, sizeof(int64_t));
        if (letter == 's' && !str_split(&rest, '\0', &arguments[i].s))
            arguments[i].s = STR("");
        if (letter == 'l' && i > 0)
            arguments[i].l %= 100000;
    }
    call_init(&call);
    /* Written JSON is asked of valid UTF-8 alone: the engine has no other text. */
    if (function->run(&call, arguments, &out) && call_ok(&call) && gives_json(function->name) &&
        text_utf8_valid((struct str){(const char *) data + 9, size - 9}) && !json_valid(out.s))
        abort();
    call_release(&call);
    return 0;
}
