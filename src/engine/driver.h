/* Drivers: what an engine must bring to stand behind engine.h. For who implements one; who runs queries
 * reads engine.h alone.
 *
 * A driver is a constant table of functions, exported by a shared object under the name that engine.c
 * looks for. The handles are the driver's own types. engine.c has checked arguments for NULL and limits;
 * a driver checks everything else. Functions that are marked optional may be NULL: engine.c then fails
 * with ENGINE_CANNOT.
 */
#ifndef WEIR_ENGINE_DRIVER_H
#define WEIR_ENGINE_DRIVER_H

#include "engine/engine.h"

/* Grows with every change of the table, or of what a struct of engine.h means; engine.c refuses a driver of another
 * number. */
enum { ENGINE_DRIVER_VERSION = 7 };

/* Of what crosses the seam. A driver that was built with other structs would read them at wrong places: it is refused,
 * whatever its number. */
enum { ENGINE_DRIVER_STRUCTS = 13 };
#define ENGINE_DRIVER_SIZES                                                                        \
    {                                                                                              \
        sizeof(struct engine_driver), sizeof(struct engine_options), sizeof(struct engine_files),  \
            sizeof(struct engine_compacted), sizeof(struct engine_shared),                         \
            sizeof(struct engine_opener), sizeof(struct engine_time_key),                          \
            sizeof(struct engine_compact_result), sizeof(struct engine_chunk),                     \
            sizeof(struct engine_vector), sizeof(struct engine_zone), sizeof(struct column),       \
            sizeof(struct error)                                                                   \
    }

struct driver_database;
struct driver_task;
struct driver_result;

struct engine_driver {
    unsigned version;                    /* ENGINE_DRIVER_VERSION */
    size_t sizes[ENGINE_DRIVER_STRUCTS]; /* ENGINE_DRIVER_SIZES */
    const char *name;

    struct driver_database *(*open)(const struct engine_options *options, struct error *err);
    void (*close)(struct driver_database *database);

    struct driver_task *(*task_new)(struct driver_database *database, struct error *err);
    void (*task_free)(struct driver_task *task);
    void (*task_cancel)(struct driver_task *task); /* optional; from any thread */
    uint64_t (*misfits)(const struct driver_task *task);
    uint64_t (*doubled)(const struct driver_task *task);

    bool (*view)(struct driver_task *task, const struct engine_files *files, struct error *err);
    bool (*load)(struct driver_task *task, const struct engine_files *files, uint64_t *rows,
                 struct error *err); /* optional */
    bool (*peek)(struct driver_task *task, const struct engine_files *files, struct columns *out,
                 struct columns *cut, struct error *err); /* optional; cut may be NULL */

    bool (*run)(struct driver_task *task, const char *sql, struct error *err);
    struct driver_result *(*query)(struct driver_task *task, const char *sql,
                                   const struct columns *columns, struct error *err);
    bool (*next)(struct driver_result *result, const struct engine_chunk **chunk,
                 struct error *err);
    void (*result_free)(struct driver_result *result);
    bool (*copy_parquet)(struct driver_task *task, const char *sql, const struct columns *columns,
                         const char *path, struct error *err); /* optional */
    bool (*compact)(struct driver_task *task, const struct engine_files *files,
                    const uint32_t *sources, const char *path, struct engine_compact_result *out,
                    struct error *err); /* optional */
    struct driver_result *(*raw)(struct driver_task *task, const char *path,
                                 struct columns *columns, struct error *err); /* optional */
    bool (*zone)(struct driver_task *task, const char *name, struct engine_zone *out,
                 struct error *err); /* an IANA name; optional */
};

/* Texts that every driver uses for the same thing. The format's argument is the driver's name or a file. */
#define ENGINE_CANNOT "the engine %s cannot do this"
#define ENGINE_CANCELLED "the query was cancelled"
#define ENGINE_NO_MEMORY "the query needs more memory than the engine was given"
#define ENGINE_BUSY "a result of this task is still open"

#endif
