/* Names: whatever place comes is refused or stays in the lake, and a blob's name is read as what it is.
 *
 * Four lines: workspace id, resource id, table, the name of a blob behind the table's prefix.
 */
#include "lake/layout.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 4, LINE_MAX_BYTES = 2048 };

static void must(bool true_one)
{
    if (!true_one)
        abort();
}

/* Nothing but plain parts: no way up, no way out. */
static void check_inside(const struct buf *name)
{
    struct str rest = buf_str(name), part;
    must(buf_ok(name, "name", NULL) && rest.n > 0 && rest.n <= LAKE_NAME_MAX);
    while (str_split(&rest, '/', &part)) {
        must(part.n > 0 && !str_eq(part, STR(".")) && !str_eq(part, STR("..")));
        for (size_t i = 0; i < part.n; i++)
            must((unsigned char) part.p[i] >= 0x20 && part.p[i] != 0x7f && part.p[i] != '\\');
    }
}

static void check_place(const struct lake_place *place, int64_t tick, uint32_t number)
{
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    int64_t back, span;
    uint32_t again;
    enum lake_blob_kind kind;
    lake_own_name(&name, place, "ledger/00000001.jsonl");
    check_inside(&name);
    must(str_starts(buf_str(&name), STR("weir/")));
    lake_table_prefix(&name, place);
    check_inside(&name);
    must(str_starts(buf_str(&name), STR("am-")));
    size_t skip = name.used;
    lake_export_name(&name, place, tick, number);
    check_inside(&name);
    must(lake_parse_name((struct str){name.bytes + skip, name.used - skip}, &back, &span, &kind,
                         &again));
    must(again == number && back == tick && kind == LAKE_BLOB_EXPORT && span == TICK_PARTITION);
    buf_release(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char lines[LINES][LINE_MAX_BYTES + 1] = {{0}};
    struct str rest = {(const char *) data, size}, line;
    if (size == 0)
        return 0;
    for (size_t i = 0; i < LINES && str_split(&rest, '\n', &line); i++)
        memcpy(lines[i], line.p, line.n < LINE_MAX_BYTES ? line.n : LINE_MAX_BYTES);
    int64_t tick = 0, span = 0;
    uint32_t number = 0;
    enum lake_blob_kind kind = LAKE_BLOB_KIND_COUNT;
    bool read = lake_parse_name(str_of(lines[3]), &tick, &span, &kind, &number);
    must(!read || (tick >= 0 && tick <= TICK_MAX && tick % span == 0 &&
                   kind < LAKE_BLOB_KIND_COUNT && number != 1 && number <= LAKE_NUMBER_MAX));
    struct lake_place place = {
        .workspace_id = lines[0], .resource_id = lines[1], .table = lines[2]};
    struct error err = ERROR_INIT;
    if (lake_place_check(&place, &err))
        check_place(&place, read ? tick_floor(tick, TICK_PARTITION) : 0, number);
    else
        must(err.code == ERROR_SETTINGS);
    return 0;
}
