/* Data: the files of a folder become the tables of the workspace.
 *
 * Each group of files is a view of the engine over them; the rows are kept in a table "<T> rows"
 * that is made in one step from the union of these views. What never holds a value is not kept: the
 * relation "<T>" is a view that adds it. The GUIDs follow from a hash to which an empty value adds
 * nothing, so that they do not depend on the columns that other rows have. */

#include "emulator/data.h"

#include "base/file.h"
#include "base/memory.h"
#include "emulator/data_sql.h"
#include "emulator/usage.h"

#include <limits.h>
#include <stdio.h>

enum {
    SQL_MAX = 16 << 20,
    SORT_ROWS = 100000, /* a smaller table is read as a whole anyway */
    SORT_SHARE = 64     /* one row in so many out of order is none */
};

static bool run_sql(struct load *load, void (*put)(const struct load *load, struct buf *sql),
                    struct error *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    put(load, &sql);
    bool done = buf_ok(&sql, "SQL", err) && engine_run(load->task, buf_text(&sql), err);
    buf_release(&sql);
    return done;
}

/* --- the rows --------------------------------------------------------------------------------- */

/* Makes the view of one group over the columns that are kept. */
static bool view_group(struct load *load, size_t g, const struct columns *kept, struct error *err)
{
    const struct shape_group *group = &load->shape.groups[g];
    const char **keys = mem_alloc(kept->n, sizeof *keys, err);
    const char **paths = mem_alloc(group->n, sizeof *paths, err);
    struct buf name = BUF_INIT(FILES_NAME_MAX);
    buf_printf(&name, "%s %zu", DATA_STAGE, g);
    bool done = keys && paths && buf_ok(&name, "a name", err);
    for (size_t i = 0; done && i < kept->n; i++) {
        keys[i] = shape_header(group, kept->v[i].name);
        if (!keys[i])
            keys[i] = kept->v[i].name;
    }
    for (size_t i = 0; done && i < group->n; i++)
        paths[i] = group->files[i].path;
    struct engine_files files = {.name = buf_text(&name),
                                 .form = group->files->form,
                                 .paths = paths,
                                 .count = group->n,
                                 .columns = kept,
                                 .source_keys = keys};
    done = done && engine_view(load->task, &files, err);
    buf_release(&name);
    mem_free(paths);
    mem_free(keys);
    return done;
}

static bool view_groups(struct load *load, struct error *err)
{
    struct columns kept = {0};
    bool done = true;
    for (size_t i = 0; done && i < load->shape.columns.n; i++) {
        const struct column *column = &load->shape.columns.v[i];
        if (data_is_kept(load, i))
            done = columns_add(&kept, str_of(column->name), column->type, err);
    }
    for (size_t g = 0; done && g < load->shape.n; g++)
        done = view_group(load, g, &kept, err);
    columns_release(&kept);
    return done;
}

/* --- figures ---------------------------------------------------------------------------------- */

bool data_number(struct engine_task *task, const char *sql, int64_t *out, struct error *err)
{
    struct column column = {.name = (char[]){"n"}, .type = COLUMN_LONG};
    struct columns columns = {.v = &column, .n = 1};
    struct engine_result *result = engine_query(task, sql, &columns, err);
    const struct engine_chunk *chunk = NULL;
    bool done = result && engine_next(result, &chunk, err);
    if (done && chunk && chunk->rows > 0 && engine_valid(&chunk->vectors[0], 0))
        *out = ((const int64_t *) chunk->vectors[0].values)[0];
    else if (done)
        done = error_set(err, ERROR_INTERNAL, "a number without a row");
    engine_result_free(result);
    return done;
}

/* How many rows have a condition. */
static bool count_where(struct load *load, const char *condition, uint64_t *out, struct error *err)
{
    char sql[FILES_NAME_MAX + 256];
    int64_t count = 0;
    (void) snprintf(sql, sizeof sql,
                    "SELECT count(*) FROM (SELECT %s AS met FROM \"%s rows\") WHERE met", condition,
                    load->table);
    bool done = data_number(load->task, sql, &count, err);
    *out = (uint64_t) count;
    return done;
}

static bool find_newest(struct load *load, struct table *table, struct error *err)
{
    char sql[FILES_NAME_MAX + 256];
    (void) snprintf(sql, sizeof sql, "SELECT coalesce(max(_weir_visible), 0) FROM \"%s rows\"",
                    load->table);
    return data_number(load->task, sql, &table->newest, err);
}

static bool tell_times(struct load *load, struct error *err)
{
    uint64_t timeless = 0;
    if (!load->timed) {
        buf_printf(load->notes, "%s: no file has TimeGenerated\n", load->table);
        return true;
    }
    if (!count_where(load, "\"TimeGenerated\" IS NULL", &timeless, err))
        return false;
    if (timeless > 0)
        buf_printf(load->notes, "%s: %llu rows have no TimeGenerated\n", load->table,
                   (unsigned long long) timeless);
    return true;
}

/* The service keeps rows by time, and queries ask by time: files in no order at all are put into
 * one. */
static bool put_in_order(struct load *load, uint64_t rows, struct error *err)
{
    uint64_t disorder = 0;
    if (!load->timed || rows < SORT_ROWS)
        return true;
    return count_where(load, "\"TimeGenerated\" < lag(\"TimeGenerated\") OVER ()", &disorder,
                       err) &&
           (disorder < rows / SORT_SHARE || run_sql(load, data_put_sort, err));
}

/* --- tables ----------------------------------------------------------------------------------- */

/* The table as the service shows it. */
static bool describe(const struct load *load, struct table *table, struct error *err)
{
    table->timed = load->timed;
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        const struct column *column = &load->shape.columns.v[i];
        struct str name = str_of(column->name);
        if (tables_is_secret(name) || (!load->timed && str_eq(name, STR("TimeGenerated"))))
            continue;
        bool seldom = str_eq(name, STR("_SubscriptionId")) && !load->shape.in_file[i];
        if (!columns_add(seldom ? &table->hidden : &table->visible, name, column->type, err))
            return false;
    }
    return columns_add(&table->hidden, STR("_ItemId"), COLUMN_STRING, err) &&
           columns_add(&table->hidden, STR("_TimeReceived"), COLUMN_DATETIME, err) &&
           columns_add(&table->hidden, STR("_BilledSize"), COLUMN_REAL, err) &&
           columns_add(&table->hidden, STR("_IsBillable"), COLUMN_STRING, err);
}

static bool load_rows(struct load *load, struct tables *tables, struct error *err)
{
    uint64_t misfits = engine_misfits(load->task);
    if (!view_groups(load, err) || !run_sql(load, data_put_table, err))
        return false;
    misfits = engine_misfits(load->task) - misfits;
    if (misfits > 0)
        buf_printf(load->notes, "%s: %llu values do not fit their type and are null\n", load->table,
                   (unsigned long long) misfits);
    struct table *table = tables_add(tables, str_of(load->table), err);
    return table && describe(load, table, err) && count_where(load, "true", &table->rows, err) &&
           tell_times(load, err) && put_in_order(load, table->rows, err) &&
           (data_is_filled(load, "_ItemId") || run_sql(load, data_put_tell_apart, err)) &&
           find_newest(load, table, err) && run_sql(load, data_put_view, err);
}

static bool load_table(struct load *load, const struct found_table *found, struct watched *watched,
                       struct tables *tables, struct error *err)
{
    struct shape_options options = {.found = found,
                                    .schemas = load->options->schemas,
                                    .task = load->task,
                                    .stop = &watched->fired,
                                    .notes = load->notes};
    load->table = found->name;
    bool done = shape_find(&options, &load->shape, err);
    load->timed = done && shape_has(&load->shape, "TimeGenerated");
    done = done && load_rows(load, tables, err);
    shape_release(&load->shape);
    return done || error_prefix(err, "%s", found->name);
}

/* What came in, hour by hour: from the tables that are there, unless files bring it. */
static bool load_usage(struct load *load, struct watched *watched, struct tables *tables,
                       struct error *err)
{
    struct buf path = BUF_INIT(PATH_MAX);
    uint64_t rows = 0;
    path_join(&path, load->options->scratch, USAGE_TABLE ".jsonl");
    bool done = buf_ok(&path, "a path", err) &&
                usage_write(load->task, tables, buf_text(&path), &rows, err);
    struct found_file file = {.path = path.bytes, .form = ENGINE_LINES};
    struct found_table found = {.name = (char[]){USAGE_TABLE}, .files = &file, .n = 1};
    if (done && rows > 0)
        done = load_table(load, &found, watched, tables, err);
    buf_release(&path);
    return done;
}

static bool load_tables(const struct data_options *options, const struct found *found,
                        struct engine_task *task, struct watched *watched, struct tables *tables,
                        struct buf *notes, struct error *err)
{
    struct load load = {.options = options, .task = task, .notes = notes};
    bool usage = options->scratch != NULL, done = true;
    for (size_t t = 0; done && t < found->n; t++) {
        usage = usage && !str_eq_case(str_of(found->tables[t].name), STR(USAGE_TABLE));
        if (found->tables[t].n > 0)
            done = load_table(&load, &found->tables[t], watched, tables, err);
    }
    return done && (!usage || load_usage(&load, watched, tables, err));
}

static void cancel_task(void *context)
{
    engine_task_cancel(context);
}

bool data_load(const struct data_options *options, struct engine *engine, struct watch *watch,
               struct tables *tables, struct buf *notes, struct error *err)
{
    struct found found;
    if (!files_find(options->folder, &found, notes, err))
        return false;
    struct engine_task *task = engine_task_new(engine, err);
    struct watched watched = {.cancel = cancel_task, .context = task, .deadline = UINT64_MAX};
    bool done = false;
    if (task) {
        watch_add(watch, &watched);
        done = load_tables(options, &found, task, &watched, tables, notes, err);
        watch_remove(watch, &watched);
    }
    engine_task_free(task);
    files_release(&found);
    return done;
}
