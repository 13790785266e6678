/* Loads the driver of an engine when the first database is opened, and hands calls through. */
#include "engine/engine.h"

#include "base/file.h"
#include "base/memory.h"
#include "engine/driver.h"
#include "engine/header.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* An engine: its name, the shared object beside the program, the table that it exports. */
struct driver_place {
    const char *name, *file, *symbol;
};

static const struct driver_place driver_places[] = {
    {"duckdb", "libweir-duckdb.so", "engine_duckdb_driver"},
};

/* Where the shared object may be, seen from the folder of the program. */
static const char *const driver_folders[] = {
    ".",
    "../lib/weir",
    "../" ENGINE_LIBDIR "/weir",
};

/* Names are looked for when they are needed, and first in the object itself: an engine has tens of thousands, which took
 * more time than a small query. A sanitizer's own functions must come before all others. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOAD_FLAGS (RTLD_LAZY | RTLD_LOCAL)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define LOAD_FLAGS (RTLD_LAZY | RTLD_LOCAL)
#endif
#endif
#ifndef LOAD_FLAGS
#define LOAD_FLAGS (RTLD_LAZY | RTLD_LOCAL | RTLD_DEEPBIND)
#endif

struct engine {
    void *library;
    const struct engine_driver *driver;
    struct driver_database *database;
};

struct engine_task {
    const struct engine_driver *driver;
    struct driver_task *task;
};

struct engine_result {
    const struct engine_driver *driver;
    struct driver_result *result;
};

static const struct driver_place *find_place(const char *name)
{
    for (size_t i = 0; i < sizeof driver_places / sizeof driver_places[0]; i++) {
        if (strcmp(driver_places[i].name, name) == 0)
            return &driver_places[i];
    }
    return NULL;
}

/* The path of the shared object; false when it is in none of the folders. */
static bool find_library(const struct driver_place *place, struct buf *path, struct error *err)
{
    struct buf folder = BUF_INIT(PATH_MAX);
    bool found = false;
    if (!file_program_folder(&folder, err)) {
        buf_release(&folder);
        return false;
    }
    for (size_t i = 0; i < sizeof driver_folders / sizeof driver_folders[0] && !found; i++) {
        buf_reset(path);
        buf_printf(path, "%s/%s/%s", buf_text(&folder), driver_folders[i], place->file);
        found = buf_ok(path, "a path", NULL) && access(buf_text(path), R_OK) == 0;
    }
    if (!found) {
        (void) error_set(err, ERROR_IO, "the engine %s is not installed: no %s", place->name,
                         place->file);
        bool one = strcmp(driver_folders[1], driver_folders[2]) == 0;
        (void) error_hint(err, "looked in %s, and from there in %s%s%s", buf_text(&folder),
                          driver_folders[1], one ? "" : " and ", one ? "" : driver_folders[2]);
    }
    buf_release(&folder);
    return found;
}

static bool is_of_this_build(const struct engine_driver *driver)
{
    static const size_t sizes[] = ENGINE_DRIVER_SIZES;
    _Static_assert(sizeof sizes == sizeof driver->sizes, "a size of each struct");
    return driver->version == ENGINE_DRIVER_VERSION &&
           memcmp(driver->sizes, sizes, sizeof sizes) == 0;
}

/* Loads the shared object and takes the table out of it. */
static bool load_driver(const struct driver_place *place, struct engine *engine, struct error *err)
{
    struct buf path = BUF_INIT(PATH_MAX);
    bool ok = find_library(place, &path, err);
    if (ok) {
        engine->library = dlopen(buf_text(&path), LOAD_FLAGS);
        if (!engine->library)
            ok =
                error_set(err, ERROR_IO, "the engine %s does not load: %s", place->name, dlerror());
    }
    if (ok) {
        engine->driver = dlsym(engine->library, place->symbol);
        if (!engine->driver || !is_of_this_build(engine->driver))
            ok =
                error_set(err, ERROR_IO, "the engine in %s is of another version", buf_text(&path));
    }
    buf_release(&path);
    return ok;
}

static bool cannot(const struct engine_driver *driver, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, ENGINE_CANNOT, driver->name);
}

/* `dropped`: set when nobody wants it any more; NULL: somebody does. */
static struct engine *open_unless(const atomic_bool *dropped, const struct engine_options *options,
                                  struct error *err)
{
    static const struct engine_options defaults = {0};
    if (!options)
        options = &defaults;
    const char *name = options->driver ? options->driver : driver_places[0].name;
    const struct driver_place *place = find_place(name);
    if (!place) {
        (void) error_set(err, ERROR_USAGE, "there is no engine '%s'", name);
        return NULL;
    }
    struct engine *engine = mem_alloc(1, sizeof *engine, err);
    if (!engine)
        return NULL;
    if (load_driver(place, engine, err) && !(dropped && atomic_load(dropped)))
        engine->database = engine->driver->open(options, err);
    if (!engine->database) {
        engine_free(engine);
        return NULL;
    }
    return engine;
}

struct engine *engine_open(const struct engine_options *options, struct error *err)
{
    return open_unless(NULL, options, err);
}

/* The shared object stays loaded: threads of the engine may still be on their way out, and it is needed
 * again by the next database. */
void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    if (engine->database)
        engine->driver->close(engine->database);
    mem_free(engine);
}

struct engine_opening {
    struct engine_options options;
    pthread_t thread;
    atomic_bool dropped;
    struct engine *engine; /* of the thread until it has ended, as is `why` */
    struct error why;
};

static void *opening_run(void *context)
{
    struct engine_opening *opening = context;
    opening->engine = open_unless(&opening->dropped, &opening->options, &opening->why);
    return NULL;
}

struct engine_opening *engine_opening_new(const struct engine_options *options, struct error *err)
{
    struct engine_opening *opening = mem_alloc(1, sizeof *opening, err);
    if (!opening)
        return NULL;
    if (options)
        opening->options = *options;
    atomic_init(&opening->dropped, false);
    int failed = pthread_create(&opening->thread, NULL, opening_run, opening);
    if (failed == 0)
        return opening;
    (void) error_set_errno(err, ERROR_IO, failed, "no thread can be started");
    mem_free(opening);
    return NULL;
}

struct engine *engine_opened(struct engine_opening *opening, struct error *err)
{
    (void) pthread_join(opening->thread, NULL);
    struct engine *engine = opening->engine;
    if (!engine)
        (void) error_pass(err, &opening->why);
    mem_free(opening);
    return engine;
}

void engine_opening_drop(struct engine_opening *opening)
{
    if (!opening)
        return;
    atomic_store(&opening->dropped, true);
    engine_free(engine_opened(opening, NULL));
}

struct engine_task *engine_task_new(struct engine *engine, struct error *err)
{
    struct engine_task *task = mem_alloc(1, sizeof *task, err);
    if (!task)
        return NULL;
    task->driver = engine->driver;
    task->task = engine->driver->task_new(engine->database, err);
    if (!task->task) {
        mem_free(task);
        return NULL;
    }
    return task;
}

void engine_task_free(struct engine_task *task)
{
    if (!task)
        return;
    task->driver->task_free(task->task);
    mem_free(task);
}

void engine_task_cancel(struct engine_task *task)
{
    if (task->driver->task_cancel)
        task->driver->task_cancel(task->task);
}

bool engine_view(struct engine_task *task, const struct engine_files *files, struct error *err)
{
    return task->driver->view(task->task, files, err);
}

bool engine_load(struct engine_task *task, const struct engine_files *files, uint64_t *rows,
                 struct error *err)
{
    uint64_t ignored;
    if (!task->driver->load)
        return cannot(task->driver, err);
    return task->driver->load(task->task, files, rows ? rows : &ignored, err);
}

bool engine_peek(struct engine_task *task, const struct engine_files *files, struct columns *out,
                 struct columns *cut, struct error *err)
{
    if (!task->driver->peek)
        return cannot(task->driver, err);
    return task->driver->peek(task->task, files, out, cut, err);
}

bool engine_run(struct engine_task *task, const char *sql, struct error *err)
{
    return task->driver->run(task->task, sql, err);
}

bool engine_copy_parquet(struct engine_task *task, const char *sql, const struct columns *columns,
                         const char *path, struct error *err)
{
    if (!task->driver->copy_parquet)
        return cannot(task->driver, err);
    return task->driver->copy_parquet(task->task, sql, columns, path, err);
}

bool engine_compact(struct engine_task *task, const struct engine_files *files,
                    const uint32_t *sources, const char *path, struct engine_compact_result *out,
                    struct error *err)
{
    *out = (struct engine_compact_result){0};
    if (!task->driver->compact)
        return cannot(task->driver, err);
    if (task->driver->compact(task->task, files, sources, path, out, err))
        return true;
    engine_compact_result_release(out);
    return false;
}

void engine_compact_result_release(struct engine_compact_result *result)
{
    columns_release(&result->columns);
    mem_free(result->traits);
    *result = (struct engine_compact_result){0};
}

struct engine_result *engine_raw(struct engine_task *task, const char *path,
                                 struct columns *columns, struct error *err)
{
    columns_release(columns);
    if (!task->driver->raw) {
        (void) cannot(task->driver, err);
        return NULL;
    }
    struct engine_result *result = mem_alloc(1, sizeof *result, err);
    if (!result)
        return NULL;
    result->driver = task->driver;
    result->result = task->driver->raw(task->task, path, columns, err);
    if (!result->result) {
        mem_free(result);
        return NULL;
    }
    return result;
}

struct engine_result *engine_query(struct engine_task *task, const char *sql,
                                   const struct columns *columns, struct error *err)
{
    struct engine_result *result = mem_alloc(1, sizeof *result, err);
    if (!result)
        return NULL;
    result->driver = task->driver;
    result->result = task->driver->query(task->task, sql, columns, err);
    if (!result->result) {
        mem_free(result);
        return NULL;
    }
    return result;
}

bool engine_next(struct engine_result *result, const struct engine_chunk **chunk, struct error *err)
{
    *chunk = NULL;
    return result->driver->next(result->result, chunk, err);
}

void engine_result_free(struct engine_result *result)
{
    if (!result)
        return;
    result->driver->result_free(result->result);
    mem_free(result);
}

uint64_t engine_misfits(const struct engine_task *task)
{
    return task->driver->misfits(task->task);
}

uint64_t engine_doubled(const struct engine_task *task)
{
    return task->driver->doubled(task->task);
}

/* --- zones ---------------------------------------------------------------------------------------------- */

static bool find_zone(struct engine_task *task, struct str name, struct engine_zone *out,
                      struct error *err)
{
    char text[ENGINE_ZONE_NAME_MAX + 1] = {0};
    const char *known = engine_header_zone(name);
    if (!task->driver->zone)
        return cannot(task->driver, err);
    if (!known && (name.n == 0 || name.n > ENGINE_ZONE_NAME_MAX || memchr(name.p, '\0', name.n)))
        return error_set(err, ERROR_FORMAT, "this is no name of a time zone");
    if (!known)
        memcpy(text, name.p, name.n);
    return task->driver->zone(task->task, known ? known : text, out, err);
}

bool engine_zone_find(struct engine_task *task, struct str name, struct engine_zone *out,
                      struct error *err)
{
    static const struct engine_options small = {.threads = 1};
    name = str_trim(name);
    if (engine_zone_plain(name, out))
        return true;
    if (task)
        return find_zone(task, name, out, err);
    struct engine *engine = engine_open(&small, err);
    task = engine ? engine_task_new(engine, err) : NULL;
    bool ok = task && find_zone(task, name, out, err);
    engine_task_free(task);
    engine_free(engine);
    return ok;
}
