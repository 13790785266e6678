/* Data: the files of a folder become the tables of the workspace. files.h says which file is which
 * table's, shape.h which columns a table has.
 *
 * TenantId and Type are filled where the files leave them empty. A table whose files have no
 * TimeGenerated has none.
 *
 * Each row gets, hidden: `_ItemId`, a GUID made from the table's name, the row's values and, of
 * equal rows, which of them it is, so that it is the same after every restart, in whatever order
 * the files are read and whatever columns other rows bring (a file's own `_ItemId` is kept);
 * `_TimeReceived`, between TimeGenerated and ingestion; and `_weir_ingestion`, which
 * ingestion_time() gives: TimeGenerated and a delay that follows from the row, 30 s to 5.5 min, for
 * one row in 64 up to half an hour more; null for one row in 1024, as the service has it now and
 * then; `_weir_visible`, from which on queries see the row: seconds after that, or minutes, and for
 * rows without an ingestion time 2 to 30 min after TimeGenerated; `_BilledSize`, the bytes of the
 * row's string form, and `_IsBillable`, "true", unless a file says other. `_SubscriptionId` of a
 * schema is hidden and empty unless a file has it: then it is like others.
 *
 * The table Usage is made from all the others (usage.h). */
#ifndef WEIR_EMULATOR_DATA_H
#define WEIR_EMULATOR_DATA_H

#include "emulator/tables.h"
#include "emulator/watch.h"
#include "engine/engine.h"

/* Rows that queries see only minutes after their ingestion time: a share of those that have one, drawn
 * from the seed, by up to `longest` (ticks). */
struct data_late {
    double share;
    int64_t longest;
    uint64_t seed;
};

struct data_options {
    const char *folder;
    const char *schemas;   /* folder of <Table>.columns; NULL: none */
    const char *workspace; /* GUID, for TenantId */
    const char *scratch;   /* folder for the rows of Usage; NULL: no such table is made */
    struct data_late late;
};

/* Loads all into the engine, each table as a relation of its name. `notes` receives lines for the
 * user: what was passed over, values that did not fit their type, rows without a time. watch_stop
 * ends the loading. */
bool data_load(const struct data_options *options, struct engine *engine, struct watch *watch,
               struct tables *tables, struct buf *notes, struct error *err);

/* Asks for one whole number. */
bool data_number(struct engine_task *task, const char *sql, int64_t *out, struct error *err);

#endif
