/* Usage: what came into the workspace, as the service's table of that name tells it: a row for each
 * table and hour of ingestion (of TimeGenerated where a row has none), with the sum of _BilledSize in
 * MB of 10^6 bytes. */
#ifndef WEIR_EMULATOR_USAGE_H
#define WEIR_EMULATOR_USAGE_H

#include "emulator/tables.h"
#include "engine/engine.h"

#define USAGE_TABLE "Usage"

/* Writes the rows as JSON lines to a new file. Tables without TimeGenerated do not count. */
bool usage_write(struct engine_task *task, const struct tables *tables, const char *path,
                 uint64_t *rows, struct error *err);

#endif
