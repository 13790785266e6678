/* The driver's table, databases and tasks; see engine/driver.h. */
#include "engine/duckdb/duck.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* --- types, names --------------------------------------------------------------------------------------- */

static const struct {
    duckdb_type type;
    const char *name;
} physical[COLUMN_TYPE_COUNT] = {
    [COLUMN_BOOL] = {DUCKDB_TYPE_BOOLEAN, "BOOLEAN"},
    [COLUMN_INT] = {DUCKDB_TYPE_INTEGER, "INTEGER"},
    [COLUMN_LONG] = {DUCKDB_TYPE_BIGINT, "BIGINT"},
    [COLUMN_REAL] = {DUCKDB_TYPE_DOUBLE, "DOUBLE"},
    [COLUMN_DECIMAL] = {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    [COLUMN_DATETIME] = {DUCKDB_TYPE_BIGINT, "BIGINT"},
    [COLUMN_TIMESPAN] = {DUCKDB_TYPE_BIGINT, "BIGINT"},
    [COLUMN_GUID] = {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    [COLUMN_STRING] = {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    [COLUMN_DYNAMIC] = {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
};

duckdb_type duck_type(enum column_type type)
{
    return physical[type].type;
}

const char *duck_type_name(enum column_type type)
{
    return physical[type].name;
}

/* --- values ----------------------------------------------------------------------------------------------- */

void duck_put_nothing(enum column_type type, const struct duck_sink *sink, size_t row)
{
    if (type == COLUMN_STRING)
        memset((duckdb_string_t *) sink->data + row, 0, sizeof(duckdb_string_t));
    else
        duck_set_null(sink->validity, row);
}

void duck_put_value(enum column_type type, const struct duck_sink *sink, size_t row,
                    const union convert_value *value)
{
    switch (type) {
    case COLUMN_BOOL:
        ((bool *) sink->data)[row] = value->boolean;
        return;
    case COLUMN_INT:
        ((int32_t *) sink->data)[row] = value->integer;
        return;
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        ((int64_t *) sink->data)[row] = value->big;
        return;
    case COLUMN_REAL:
        ((double *) sink->data)[row] = value->real;
        return;
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_STRING:
    case COLUMN_DYNAMIC:
        duck_put_text(sink->vector, sink->data, row, value->text);
        return;
    case COLUMN_TYPE_COUNT:
        return;
    }
}

static void put_quoted(struct buf *sql, struct str text, char quote)
{
    buf_putc(sql, quote);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == quote)
            buf_putc(sql, quote);
        buf_putc(sql, text.p[i]);
    }
    buf_putc(sql, quote);
}

void duck_put_name(struct buf *sql, struct str name)
{
    put_quoted(sql, name, '"');
}

void duck_put_string(struct buf *sql, struct str text)
{
    put_quoted(sql, text, '\'');
}

/* --- databases ------------------------------------------------------------------------------------------ */

static bool set(duckdb_config config, const char *name, const char *value, struct error *err)
{
    if (duckdb_set_config(config, name, value) == DuckDBSuccess)
        return true;
    return error_set(err, ERROR_INTERNAL, "DuckDB does not take the setting %s", name);
}

/* No extension is fetched or loaded, nothing is read from a network. What the user's environment keeps for
 * DuckDB (secrets, its folder) is not looked at. */
static bool configure(duckdb_config config, const struct engine_options *options, size_t threads,
                      struct error *err)
{
    char number[32];
    (void) snprintf(number, sizeof number, "%zu", threads);
    if (!set(config, "autoinstall_known_extensions", "false", err) ||
        !set(config, "autoload_known_extensions", "false", err) ||
        !set(config, "allow_community_extensions", "false", err) ||
        !set(config, "allow_persistent_secrets", "false", err) ||
        !set(config, "enable_external_file_cache", "false", err) ||
        !set(config, "preserve_insertion_order", options->ordered ? "true" : "false", err) ||
        !set(config, "threads", number, err) ||
        !set(config, "temp_directory", options->scratch ? options->scratch : "", err))
        return false;
    if (options->memory == 0)
        return true;
    (void) snprintf(number, sizeof number, "%lluKiB",
                    (unsigned long long) (options->memory / 1024));
    return set(config, "memory_limit", number, err);
}

static size_t count_threads(const struct engine_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->threads > 0)
        return options->threads;
    return processors > 0 ? (size_t) processors : 1;
}

static bool open_handle(struct driver_database *database, const struct engine_options *options,
                        struct error *err)
{
    duckdb_config config = NULL;
    char *why = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess)
        return error_set(err, ERROR_MEMORY, "no memory for DuckDB's settings");
    bool ok = configure(config, options, database->threads, err);
    if (ok && duckdb_open_ext(options->database, &database->handle, config, &why) != DuckDBSuccess)
        ok = error_set(err, ERROR_IO, "the database does not open: %.*s",
                       (int) strcspn(why ? why : "", "\n"), why ? why : "");
    duckdb_free(why);
    duckdb_destroy_config(&config);
    return ok;
}

/* Every folder at the root as a list in SQL: DuckDB knows "all files but nothing else" only so. */
static bool put_roots(struct buf *sql, struct error *err)
{
    const struct dirent *entry;
    DIR *root = opendir("/");
    if (!root)
        return error_set_errno(err, ERROR_IO, errno, "/");
    while ((entry = readdir(root)) != NULL) {
        struct buf path = BUF_INIT(PATH_MAX);
        buf_printf(&path, "/%s/", entry->d_name);
        buf_puts(sql, sql->bytes[sql->used - 1] == '[' ? "" : ", ");
        duck_put_string(sql, buf_str(&path));
        buf_release(&path);
    }
    (void) closedir(root);
    return true;
}

/* The last word on settings: times are shown in UTC, files and nothing else are read, and no SQL changes the settings any more. */
static bool lock_down(duckdb_connection connection, struct error *err)
{
    struct buf sql = BUF_INIT(DUCK_SQL_MAX);
    buf_puts(&sql, "SET allowed_directories = [");
    bool ok = buf_ok(&sql, "the folders", err) && put_roots(&sql, err);
    buf_puts(&sql, "]; SET GLOBAL TimeZone = 'UTC'; SET enable_external_access = false; SET "
                   "lock_configuration = true");
    ok = ok && buf_ok(&sql, "the folders", err);
    if (ok && duckdb_query(connection, buf_text(&sql), NULL) != DuckDBSuccess)
        ok = error_set(err, ERROR_INTERNAL, "DuckDB does not lock its settings");
    buf_release(&sql);
    return ok;
}

static bool register_all(struct driver_database *database, struct error *err)
{
    duckdb_connection connection = NULL;
    if (duckdb_connect(database->handle, &connection) != DuckDBSuccess)
        return error_set(err, ERROR_INTERNAL, "DuckDB does not connect to its own database");
    bool ok = lines_register(database, connection, err) &&
              functions_register(database, connection, err) &&
              mend_register(database, connection, err) && lock_down(connection, err);
    duckdb_disconnect(&connection);
    return ok;
}

void database_hold(struct driver_database *database)
{
    atomic_fetch_add(&database->holders, 1);
}

void database_release(void *pointer)
{
    struct driver_database *database = pointer;
    if (atomic_fetch_sub(&database->holders, 1) != 1)
        return;
    pthread_mutex_destroy(&database->lock);
    mem_free(database);
}

static void database_close(struct driver_database *database)
{
    if (database->handle)
        duckdb_close(&database->handle);
    database_release(database);
}

static struct driver_database *database_open(const struct engine_options *options,
                                             struct error *err)
{
    struct driver_database *database = mem_alloc(1, sizeof *database, err);
    if (!database)
        return NULL;
    if (pthread_mutex_init(&database->lock, NULL) != 0) {
        (void) error_set(err, ERROR_MEMORY, "no memory for a lock");
        mem_free(database);
        return NULL;
    }
    atomic_init(&database->holders, 1);
    database->next_number = 1;
    database->threads = count_threads(options);
    database->memory = options->memory;
    if (!open_handle(database, options, err) || !register_all(database, err)) {
        database_close(database);
        return NULL;
    }
    return database;
}

/* --- tasks ---------------------------------------------------------------------------------------------- */

static struct driver_task *task_new(struct driver_database *database, struct error *err)
{
    struct driver_task *task = mem_alloc(1, sizeof *task, err);
    if (!task)
        return NULL;
    task->database = database;
    task->signs = signs_new(err);
    if (!task->signs) {
        mem_free(task);
        return NULL;
    }
    if (duckdb_connect(database->handle, &task->connection) != DuckDBSuccess) {
        (void) error_set(err, ERROR_INTERNAL, "DuckDB does not connect to its own database");
        signs_release(task->signs);
        mem_free(task);
        return NULL;
    }
    pthread_mutex_lock(&database->lock);
    task->next = database->tasks;
    if (task->next)
        task->next->previous = task;
    database->tasks = task;
    pthread_mutex_unlock(&database->lock);
    return task;
}

static void task_free(struct driver_task *task)
{
    struct driver_database *database = task->database;
    /* Disconnecting waits for threads that still work for a result nobody reads. */
    duckdb_interrupt(task->connection);
    duckdb_disconnect(&task->connection);
    source_drop_all(task);
    pthread_mutex_lock(&database->lock);
    if (task->previous)
        task->previous->next = task->next;
    else
        database->tasks = task->next;
    if (task->next)
        task->next->previous = task->previous;
    pthread_mutex_unlock(&database->lock);
    signs_release(task->signs);
    mem_free(task);
}

static void task_cancel(struct driver_task *task)
{
    atomic_store(&task->signs->cancelled, true);
    duckdb_interrupt(task->connection);
}

static uint64_t task_misfits(const struct driver_task *task)
{
    return atomic_load(&task->signs->misfits);
}

static uint64_t task_doubled(const struct driver_task *task)
{
    return atomic_load(&task->signs->doubled);
}

extern __attribute__((visibility("default"))) const struct engine_driver engine_duckdb_driver;

const struct engine_driver engine_duckdb_driver = {
    .version = ENGINE_DRIVER_VERSION,
    .sizes = ENGINE_DRIVER_SIZES,
    .name = "duckdb",
    .open = database_open,
    .close = database_close,
    .task_new = task_new,
    .task_free = task_free,
    .task_cancel = task_cancel,
    .misfits = task_misfits,
    .doubled = task_doubled,
    .view = files_view,
    .load = files_load,
    .peek = files_peek,
    .run = result_run,
    .query = result_query,
    .next = result_next,
    .result_free = result_free,
    .copy_parquet = parquet_copy,
    .compact = compact_write,
    .raw = raw_query,
    .zone = zones_read,
};
