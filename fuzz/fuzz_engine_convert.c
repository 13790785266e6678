/* Conversions of any text to any type, and headers of CSV: nothing is read beyond the text, and what is a datetime is
 * one of the calendar. */
#include "base/tick.h"
#include "engine/duckdb/convert.h"
#include "engine/duckdb/csv.h"
#include "json/value.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_text(enum column_type type, struct str text, struct buf *scratch)
{
    union convert_value value;
    if (convert_text(type, NULL, text, scratch, &value) != CONVERT_VALUE)
        return;
    if (type == COLUMN_DATETIME && (value.big < 0 || value.big > TICK_MAX))
        abort();
    if (type == COLUMN_DYNAMIC && text_utf8_valid(text) && !json_valid(value.text))
        abort();
}

/* As the scanner gives it: only what is valid JSON. */
static void as_cell(enum column_type type, struct str text, struct buf *scratch)
{
    union convert_value value;
    struct json_cell cell = {.length = (uint32_t) text.n};
    struct str array = text;
    struct json_member member;
    size_t at = 0;
    if (text.n == 0 || text.p[0] != '[' || !json_valid(text) || !json_next(array, &at, &member))
        return;
    bool string = member.kind == JSON_KIND_STRING;
    cell.start = (uint32_t) (member.value.p - text.p) + string;
    cell.length = (uint32_t) member.value.n - 2 * string;
    cell.kind = (uint8_t) member.kind;
    cell.escaped = string && memchr(member.value.p, '\\', member.value.n) != NULL;
    if (convert_cell(type, NULL, text.p, &cell, scratch, &value) == CONVERT_VALUE &&
        type == COLUMN_DYNAMIC && !json_valid(value.text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *) data, size};
    struct buf scratch = BUF_INIT(CONVERT_TEXT_MAX);
    struct csv_header header = {0};
    if (size > 0) {
        for (int type = 0; type < COLUMN_TYPE_COUNT; type++) {
            as_text((enum column_type) type, text, &scratch);
            as_cell((enum column_type) type, text, &scratch);
        }
        (void) csv_header_parse(text, &header, NULL);
    }
    csv_header_release(&header);
    buf_release(&scratch);
    return 0;
}
