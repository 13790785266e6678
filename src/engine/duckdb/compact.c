/* Compaction: rows of lines into one file of Parquet, and back as they stand; see engine_compact. */
#include "engine/duckdb/duck.h"

bool compact_write(struct driver_task *task, const struct engine_files *files,
                   const uint32_t *sources, const char *path, struct engine_compact_result *out,
                   struct error *err)
{
    (void) task, (void) files, (void) sources, (void) path, (void) out;
    return error_set(err, ERROR_INTERNAL, "not built yet");
}

struct driver_result *compact_raw(struct driver_task *task, const char *path,
                                  struct columns *columns, struct error *err)
{
    (void) task, (void) path, (void) columns;
    (void) error_set(err, ERROR_INTERNAL, "not built yet");
    return NULL;
}
