/* Any lines of JSON, each looked at whole: what is left of a line is nothing or one valid object without a key twice, and
 * has each value that its column does not give back. */
#include "base/memory.h"
#include "engine/duckdb/rest.h"
#include "json/value.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = COLUMN_TYPE_COUNT, MEMBERS = 64 };

static char *const keys[COLUMNS] = {"b", "i", "l", "r", "d", "t", "s", "g", "x", "y"};

struct stand {
    struct rest *rest;
    struct json_lines *lines;
    struct buf scratch, key;
    bool lost[COLUMNS];
};

static void add_lost(struct stand *stand, const struct json_object *object)
{
    rest_begin(stand->rest);
    for (size_t i = 0; i < COLUMNS; i++) {
        enum column_type type = (enum column_type) i;
        union convert_value value = {.big = 0};
        stand->lost[i] = false;
        if (!object->present[i])
            continue;
        enum convert_outcome outcome =
            convert_cell(type, NULL, object->bytes.p, &object->cells[i], &stand->scratch, &value);
        stand->lost[i] = !convert_keeps(type, NULL, object->bytes.p, &object->cells[i], outcome,
                                        type == COLUMN_LONG ? value.big : 0);
        if (stand->lost[i])
            rest_add(stand->rest, i, object->bytes.p, &object->cells[i]);
    }
}

/* No key stands twice; of many members only the first are looked at. */
static void check_keys(struct str rest)
{
    struct str seen[MEMBERS];
    struct json_member member;
    size_t n = 0, at = 0;
    while (n < MEMBERS && json_next(rest, &at, &member)) {
        for (size_t i = 0; i < n; i++)
            if (str_eq(seen[i], member.key))
                abort();
        seen[n++] = member.key;
    }
}

static void check_row(struct stand *stand, const struct json_object *object)
{
    struct str rest;
    struct json_cell cell;
    add_lost(stand, object);
    if (!rest_end(stand->rest, object->bytes, &rest, NULL))
        return;
    if (rest.n > 0 && (rest.p[0] != '{' || !json_valid(rest)))
        abort();
    check_keys(rest);
    for (size_t i = 0; i < COLUMNS; i++) {
        bool found = rest.n > 0 && rest_find(rest, str_of(keys[i]), &stand->key, &cell);
        if (found != stand->lost[i] || (found && cell.kind != object->cells[i].kind))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str names[COLUMNS], text = {(const char *) data, size};
    struct stand stand = {0};
    struct json_object object;
    char *copy = mem_alloc(size + 64, 1, NULL); /* the scanner may look a little further */
    for (size_t i = 0; i < COLUMNS; i++)
        names[i] = str_of(keys[i]);
    const struct json_lines_options options = {.keys = names, .count = COLUMNS};
    stand.rest = rest_new(keys, COLUMNS, NULL);
    stand.lines = json_lines_new(&options, NULL);
    buf_init(&stand.scratch, CONVERT_TEXT_MAX);
    buf_init(&stand.key, CONVERT_TEXT_MAX);
    if (copy && stand.rest && stand.lines) {
        if (size > 0)
            memcpy(copy, text.p, size);
        text.p = copy;
        size_t at = 0;
        while (json_lines_next(stand.lines, text, &at, true, &object, NULL) > 0)
            check_row(&stand, &object);
    }
    rest_free(stand.rest);
    json_lines_free(stand.lines);
    buf_release(&stand.scratch);
    buf_release(&stand.key);
    mem_free(copy);
    return 0;
}
