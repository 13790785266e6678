/* Rows by value: see row.h. */
#include "lake/row.h"

struct lake_rows *lake_rows_new(const struct columns *columns, struct error *err)
{
    (void) columns;
    (void) error_set(err, ERROR_INTERNAL, "not built yet");
    return NULL;
}

void lake_rows_free(struct lake_rows *rows)
{
    (void) rows;
}

bool lake_row_read(struct lake_rows *rows, struct str line, bool value, struct lake_row *out,
                   struct error *err)
{
    (void) rows;
    (void) line;
    (void) value;
    *out = (struct lake_row){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
