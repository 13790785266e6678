/* Seeds: the _ItemId that stand in groups of lines before their files: those of rows that were compacted. */
#ifndef WEIR_ENGINE_DUCKDB_SEEDS_H
#define WEIR_ENGINE_DUCKDB_SEEDS_H

#include "engine/duckdb/duck.h"

/* Reads those of the shared rows of compacted files (struct engine_shared) into source->seeds. ERROR_LIMIT beyond
 * ENGINE_GROUP_ROWS_MAX. */
bool seeds_find(struct source *source, const struct engine_files *files, struct error *err);

#endif
