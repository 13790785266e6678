/* Relations over files, as copies that outlive the call which named them; see duck.h. */
#include "engine/duckdb/seeds.h"
#include "engine/header.h"

#include <limits.h>
#include <unistd.h>

struct signs *signs_new(struct error *err)
{
    struct signs *signs = mem_alloc(1, sizeof *signs, err);
    if (signs)
        atomic_init(&signs->holders, 1);
    return signs;
}

void signs_release(struct signs *signs)
{
    if (signs && atomic_fetch_sub(&signs->holders, 1) == 1)
        mem_free(signs);
}

static void source_free(struct source *source)
{
    for (size_t i = 0; source->paths && i < source->count; i++)
        mem_free(source->paths[i]);
    for (size_t i = 0; source->keys && i < source->columns.n; i++)
        mem_free(source->keys[i]);
    for (size_t i = 0; source->times && i < source->time_count; i++) {
        mem_free(source->times[i].key);
        mem_free(source->times[i].zone);
    }
    if (source->whole) {
        mem_free(source->whole->numbers);
        mem_free(source->whole->traits);
    }
    mem_free(source->whole);
    mem_free(source->times);
    for (size_t i = 0; i < sizeof source->zone_list / sizeof source->zone_list[0]; i++)
        mem_free(source->zone_list[i]);
    if (source->opener.release)
        source->opener.release(source->opener.context);
    mem_free(source->sizes);
    mem_free(source->groups);
    mem_free(source->roles);
    mem_free(source->seeds);
    mem_free(source->paths);
    mem_free(source->keys);
    mem_free(source->zones);
    mem_free(source->name);
    columns_release(&source->columns);
    signs_release(source->signs);
    mem_free(source);
}

void source_hold(struct source *source)
{
    atomic_fetch_add(&source->holders, 1);
}

void source_release(void *pointer)
{
    struct source *source = pointer;
    if (source && atomic_fetch_sub(&source->holders, 1) == 1)
        source_free(source);
}

/* DuckDB lets in only paths that are absolute, and the working folder may change. */
char *source_absolute(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    struct buf whole = BUF_INIT(2 * PATH_MAX);
    if (path[0] != '/') {
        if (!getcwd(folder, sizeof folder)) {
            (void) error_set(err, ERROR_IO, "the working folder is not there");
            return NULL;
        }
        buf_printf(&whole, "%s/", folder);
    }
    buf_puts(&whole, path);
    char *out = buf_ok(&whole, "a path", err) ? buf_take(&whole) : NULL;
    buf_release(&whole);
    return out;
}

static bool copy_paths(struct source *source, const struct engine_files *files, struct error *err)
{
    if (files->count > DUCK_PATHS_MAX)
        return error_set(err, ERROR_LIMIT, "%zu files are more than %d", files->count,
                         DUCK_PATHS_MAX);
    source->paths = mem_alloc(files->count, sizeof source->paths[0], err);
    if (!source->paths)
        return false;
    source->count = files->count;
    for (size_t i = 0; i < files->count; i++) {
        source->paths[i] = files->opener ? mem_copy(files->paths[i], strlen(files->paths[i]), err)
                                         : source_absolute(files->paths[i], err);
        if (!source->paths[i])
            return false;
    }
    return true;
}

/* A copy of what is told of each file; NULL stays NULL. */
static bool copy_each(void *out, const void *each, size_t count, size_t size, struct error *err)
{
    if (!each)
        return true;
    void *copy = mem_alloc(count, size, err);
    if (!copy)
        return false;
    memcpy(copy, each, count * size);
    memcpy(out, &copy, sizeof copy);
    return true;
}

static bool copy_files(struct source *source, const struct engine_files *files, struct error *err)
{
    size_t n = files->count;
    if (files->form != ENGINE_LINES && (files->opener || files->groups))
        return error_set(err, ERROR_INTERNAL,
                         "only JSON lines are read from an opener or in groups");
    if (!copy_paths(source, files, err) ||
        !copy_each(&source->sizes, files->sizes, n, sizeof source->sizes[0], err) ||
        !copy_each(&source->groups, files->groups, n, sizeof source->groups[0], err) ||
        !copy_each(&source->roles, files->roles, n, sizeof source->roles[0], err))
        return false;
    if (files->opener) {
        source->opener = *files->opener;
        if (source->opener.hold)
            source->opener.hold(source->opener.context);
    }
    return true;
}

static bool copy_columns(struct source *source, const struct engine_files *files, struct error *err)
{
    if (files->columns && !columns_copy(files->columns, &source->columns, err))
        return false;
    size_t n = source->columns.n;
    source->keys = mem_alloc(n, sizeof source->keys[0], err);
    source->zones = mem_alloc(n, sizeof source->zones[0], err);
    if (!source->keys || !source->zones)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *key = files->source_keys ? files->source_keys[i] : NULL;
        if (!key)
            key = source->columns.v[i].name;
        source->keys[i] = mem_copy(key, strlen(key), err);
        if (!source->keys[i])
            return false;
    }
    source->time_column = columns_find(&source->columns, STR("TimeGenerated"));
    if (source->time_column >= 0 && source->columns.v[source->time_column].type != COLUMN_DATETIME)
        source->time_column = -1;
    return true;
}

static bool copy_times(struct source *source, const struct engine_files *files, struct error *err)
{
    size_t n = files->time_key_count;
    if (n > SOURCE_TIMES_MAX)
        return error_set(err, ERROR_LIMIT, "%zu keys of TimeGenerated are more than %d", n,
                         SOURCE_TIMES_MAX);
    source->times = mem_alloc(n, sizeof source->times[0], err);
    if (!source->times)
        return false;
    source->time_count = n;
    for (size_t i = 0; i < n; i++) {
        const struct engine_time_key *from = &files->time_keys[i];
        source->times[i].time.format = from->format;
        source->times[i].key = mem_copy(from->key, strlen(from->key), err);
        if (!source->times[i].key)
            return false;
    }
    return true;
}

bool source_be_whole(struct source *source, const uint32_t *numbers, struct error *err)
{
    struct source_whole *whole = source->whole = mem_alloc(1, sizeof *whole, err);
    if (!whole)
        return false;
    whole->traits = mem_alloc(source->columns.n, sizeof whole->traits[0], err);
    return whole->traits &&
           copy_each(&whole->numbers, numbers, source->count, sizeof numbers[0], err);
}

struct source *source_new(struct driver_task *task, const struct engine_files *files,
                          struct error *err)
{
    struct source *source = mem_alloc(1, sizeof *source, err);
    if (!source)
        return NULL;
    atomic_init(&source->holders, 1);
    atomic_fetch_add(&task->signs->holders, 1);
    source->signs = task->signs;
    source->threads = task->database->threads;
    source->task = task;
    source->form = files->form;
    source->from = files->from;
    source->to = files->to;
    source->name =
        mem_copy(files->name ? files->name : "", files->name ? strlen(files->name) : 0, err);
    if (!source->name || !copy_files(source, files, err) || !copy_columns(source, files, err) ||
        !copy_times(source, files, err) || !seeds_find(source, files, err)) {
        source_release(source);
        return NULL;
    }
    pthread_mutex_lock(&task->database->lock);
    source->number = task->database->next_number++;
    pthread_mutex_unlock(&task->database->lock);
    return source;
}

void source_keep(struct source *source)
{
    struct driver_task *task = source->task;
    struct source *old = NULL;
    pthread_mutex_lock(&task->database->lock);
    for (struct source **at = &task->sources; *at; at = &(*at)->next) {
        if (strcmp((*at)->name, source->name) == 0) {
            old = *at;
            *at = old->next;
            break;
        }
    }
    source->next = task->sources;
    task->sources = source;
    pthread_mutex_unlock(&task->database->lock);
    source_release(old);
}

void source_drop(struct source *source)
{
    struct driver_task *task = source->task;
    pthread_mutex_lock(&task->database->lock);
    for (struct source **at = &task->sources; *at; at = &(*at)->next) {
        if (*at == source) {
            *at = source->next;
            break;
        }
    }
    pthread_mutex_unlock(&task->database->lock);
    source_release(source);
}

void source_drop_all(struct driver_task *task)
{
    pthread_mutex_lock(&task->database->lock);
    struct source *source = task->sources;
    task->sources = NULL;
    pthread_mutex_unlock(&task->database->lock);
    while (source) {
        struct source *next = source->next;
        source_release(source);
        source = next;
    }
}

struct source *source_find(struct driver_database *database, int64_t number)
{
    struct source *found = NULL;
    pthread_mutex_lock(&database->lock);
    for (struct driver_task *task = database->tasks; task && !found; task = task->next) {
        for (struct source *at = task->sources; at && !found; at = at->next)
            found = at->number == number ? at : NULL;
    }
    if (found)
        source_hold(found);
    pthread_mutex_unlock(&database->lock);
    return found;
}
