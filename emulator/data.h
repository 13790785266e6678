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
 * then. `_IsBillable`, `_BilledSize` and `_SubscriptionId` of a schema are hidden and empty unless
 * a file has them: then they are like others. */
#ifndef WEIR_EMULATOR_DATA_H
#define WEIR_EMULATOR_DATA_H

#include "emulator/tables.h"
#include "emulator/watch.h"
#include "engine/engine.h"

struct data_options {
    const char *folder;
    const char *schemas;   /* folder of <Table>.columns; NULL: none */
    const char *workspace; /* GUID, for TenantId */
};

/* Loads all into the engine, each table as a relation of its name. `notes` receives lines for the
 * user: what was passed over, values that did not fit their type, rows without a time. watch_stop
 * ends the loading. */
bool data_load(const struct data_options *options, struct engine *engine, struct watch *watch,
               struct tables *tables, struct buf *notes, struct error *err);

#endif
