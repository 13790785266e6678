/* KQL: any bytes are refused or compiled; what compiles has SQL, and what is written as KQL reads back. */

#include "tests/kql/tables.h"

#include <stdlib.h>

/* A compilation that needs more than this is slow, not wrong; the limits of the room itself are larger. */
enum { INPUT_MAX = 20000 };

static void compile(struct str text)
{
    struct error err = ERROR_INIT;
    struct kql_options options = {
        .table = tables_columns, .now = TABLES_NOW, .from = 1, .to = TABLES_NOW};
    struct kql_query *query = kql_compile(text, &options, &err);
    if (!query) {
        if (err.code == ERROR_NONE || err.message[0] == '\0')
            abort();
        return;
    }
    const struct kql_table *tables = NULL;
    size_t n = kql_tables(query, &tables);
    for (size_t i = 0; i < n; i++) {
        if (tables[i].columns->n == 0 && !tables[i].ingestion_time)
            abort();
    }
    if (kql_sql(query)[0] != 'w')
        abort();
    kql_free(query);
}

static void read_back(struct str text)
{
    struct buf query = BUF_INIT(1 << 20);
    struct error err = ERROR_INIT;
    buf_puts(&query, "T | where b == ");
    kql_put_string(&query, text);
    buf_puts(&query, " | extend x = ");
    kql_put_string(&query, text);
    if (!kql_check_row_by_row(buf_str(&query), &err))
        abort();
    buf_release(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *) data, size};
    if (size > INPUT_MAX)
        return 0;
    compile(text);
    read_back(text);
    struct error err = ERROR_INIT;
    bool by_row = kql_check_row_by_row(text, &err);
    error_clear(&err);
    if (by_row && !kql_check_syntax(text, &err))
        abort();
    return 0;
}
