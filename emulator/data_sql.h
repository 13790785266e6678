/* Data's SQL: how the rows of a table are kept, and how queries see them. For data.c and usage.c.
 *
 * "<T> rows" has the columns that ever hold a value and, for each row,
 *
 *     _ItemId, _TimeReceived   as data.h tells
 *     _weir_ingestion          ingestion_time(); null now and then
 *     _weir_visible            the tick from which queries see the row; 0: always
 *     _weir_size               bytes that the service would bill
 *
 * "<T>" is a view of it that has all columns. */
#ifndef WEIR_EMULATOR_DATA_SQL_H
#define WEIR_EMULATOR_DATA_SQL_H

#include "emulator/data.h"
#include "emulator/shape.h"

#define DATA_STAGE "weir stage" /* views of the groups of files: with a blank and their number */

struct load {
    const struct data_options *options;
    const char *table;
    struct engine_task *task;
    struct buf *notes;
    struct shape shape;
    bool timed; /* some file has TimeGenerated */
};

/* Some row may have a value in the column; the column is kept. */
bool data_is_filled(const struct load *load, const char *name);
bool data_is_kept(const struct load *load, size_t column);

/* A name, with a suffix, as SQL has names: hostile ones too. */
void data_put_name(struct buf *sql, const char *name, const char *suffix);

/* Each appends a statement. */
void data_put_table(const struct load *load, struct buf *sql);      /* makes "<T> rows" */
void data_put_tell_apart(const struct load *load, struct buf *sql); /* ids of equal rows */
void data_put_sort(const struct load *load, struct buf *sql);       /* by time */
void data_put_view(const struct load *load, struct buf *sql);       /* makes "<T>" */

#endif
