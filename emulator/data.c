/* Data: the files of a folder become the tables of the workspace.
 *
 * Each group of files is a view of the engine over them; the rows are kept in a table "<T> rows"
 * that is made in one step from the union of these views. What never holds a value is not kept: the
 * relation "<T>" is a view that adds it. The GUIDs follow from a hash to which an empty value adds
 * nothing, so that they do not depend on the columns that other rows have. */

#include "emulator/data.h"

#include "base/memory.h"
#include "emulator/shape.h"

#include <stdio.h>

enum {
    SQL_MAX = 16 << 20,
    SORT_ROWS = 100000, /* a smaller table is read as a whole anyway */
    SORT_SHARE = 64     /* one row in so many out of order is none */
};

static const char stage_name[] = "weir stage";

struct load {
    const struct data_options *options;
    const char *table;
    struct engine_task *task;
    struct buf *notes;
    struct shape shape;
    bool timed; /* some file has TimeGenerated */
};

/* Columns of a schema that the service keeps out of results, and that no file of ours usually
 * has. */
static bool is_seldom(struct str name)
{
    return str_eq(name, STR("_IsBillable")) || str_eq(name, STR("_BilledSize")) ||
           str_eq(name, STR("_SubscriptionId"));
}

static bool is_filled(const struct load *load, const char *name)
{
    int at = columns_find(&load->shape.columns, str_of(name));
    return at >= 0 && load->shape.filled[at];
}

static bool is_kept(const struct load *load, size_t column)
{
    const char *name = load->shape.columns.v[column].name;
    return load->shape.filled[column] || strcmp(name, "TenantId") == 0 ||
           strcmp(name, "Type") == 0 || (load->timed && strcmp(name, "TimeGenerated") == 0);
}

static void put_name(struct buf *sql, const char *name)
{
    buf_putc(sql, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_putc(sql, '"');
        buf_putc(sql, *name);
    }
    buf_putc(sql, '"');
}

static void put_text(struct buf *sql, const char *text)
{
    buf_putc(sql, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_putc(sql, '\'');
        buf_putc(sql, *text);
    }
    buf_putc(sql, '\'');
}

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
    buf_printf(&name, "%s %zu", stage_name, g);
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
        if (is_kept(load, i))
            done = columns_add(&kept, str_of(column->name), column->type, err);
    }
    for (size_t g = 0; done && g < load->shape.n; g++)
        done = view_group(load, g, &kept, err);
    columns_release(&kept);
    return done;
}

static void put_filled(struct buf *sql, const char *name, const char *value)
{
    buf_puts(sql, "coalesce(nullif(");
    put_name(sql, name);
    buf_puts(sql, ", ''), ");
    put_text(sql, value);
    buf_puts(sql, ") AS ");
    put_name(sql, name);
}

/* What an empty value of a type is in the engine. */
static const char *empty_value(enum column_type type)
{
    switch (type) {
    case COLUMN_BOOL:
        return "NULL::BOOLEAN";
    case COLUMN_INT:
        return "NULL::INTEGER";
    case COLUMN_LONG:
    case COLUMN_DATETIME:
    case COLUMN_TIMESPAN:
        return "NULL::BIGINT";
    case COLUMN_REAL:
        return "NULL::DOUBLE";
    case COLUMN_STRING:
        return "''";
    case COLUMN_DECIMAL:
    case COLUMN_GUID:
    case COLUMN_DYNAMIC:
    case COLUMN_TYPE_COUNT:
        break;
    }
    return "NULL::VARCHAR";
}

/* xor(xor(first, second), third): one term for each column that has values. */
static void put_xor(const struct load *load, struct buf *sql,
                    void (*put_term)(const struct column *column, struct buf *sql))
{
    size_t terms = 0;
    for (size_t i = 0; i < load->shape.columns.n; i++)
        terms += load->shape.filled[i];
    for (size_t i = 0; i < terms; i++)
        buf_puts(sql, "xor(");
    buf_puts(sql, "0::UBIGINT");
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        if (!load->shape.filled[i])
            continue;
        buf_puts(sql, ", ");
        put_term(&load->shape.columns.v[i], sql);
        buf_putc(sql, ')');
    }
}

static void put_value_hash(const struct column *column, struct buf *sql)
{
    buf_puts(sql, "hash(");
    put_name(sql, column->name);
    buf_puts(sql, ", ");
    put_text(sql, column->name);
    buf_putc(sql, ')');
}

static void put_empty_hash(const struct column *column, struct buf *sql)
{
    buf_printf(sql, "hash(%s, ", empty_value(column->type));
    put_text(sql, column->name);
    buf_putc(sql, ')');
}

/* A hash of the row to which an empty value adds nothing: what each would add is taken out again,
 * as one constant. */
static void put_hash(const struct load *load, struct buf *sql)
{
    buf_puts(sql, "xor(");
    put_xor(load, sql, put_value_hash);
    buf_puts(sql, ", ");
    put_xor(load, sql, put_empty_hash);
    buf_putc(sql, ')');
}

/* The columns of the table as they are kept, and the hash of the row as it came. */
static void put_columns(const struct load *load, struct buf *sql)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        const char *name = load->shape.columns.v[i].name;
        if (!is_kept(load, i))
            continue;
        if (strcmp(name, "TenantId") == 0)
            put_filled(sql, name, load->options->workspace);
        else if (strcmp(name, "Type") == 0)
            put_filled(sql, name, load->table);
        else
            put_name(sql, name);
        buf_puts(sql, ", ");
    }
    put_hash(load, sql);
    buf_puts(sql, " AS _weir_hash FROM (");
    for (size_t g = 0; g < load->shape.n; g++)
        buf_printf(sql, "%sSELECT * FROM \"%s %zu\"", g > 0 ? " UNION ALL " : "", stage_name, g);
    buf_puts(sql, ")");
}

/* CREATE TABLE with the hidden columns (data.h says what they hold), in three steps: each uses the
 * one before. */
static void put_table(const struct load *load, struct buf *sql)
{
    bool own_id = is_filled(load, "_ItemId"), own_time = is_filled(load, "_TimeReceived");
    const char *time = load->timed ? "\"TimeGenerated\"" : "NULL::BIGINT";
    buf_printf(sql, "CREATE TABLE \"%s rows\" AS SELECT * EXCLUDE (_weir_hash%s%s), ", load->table,
               own_id ? ", \"_ItemId\"" : "", own_time ? ", \"_TimeReceived\"" : "");
    buf_puts(sql, own_id ? "coalesce(nullif(\"_ItemId\", ''), " : "(");
    buf_printf(sql, "md5('%s:' || _weir_hash)::UUID::VARCHAR) AS \"_ItemId\", ", load->table);
    buf_puts(sql, own_time ? "coalesce(\"_TimeReceived\", " : "(");
    buf_printf(sql,
               "%s + 20000000 + ((_weir_hash >> 4) %% 200000000)::BIGINT) AS \"_TimeReceived\", ",
               time);
    buf_printf(
        sql,
        "CASE WHEN (_weir_hash >> 50) %% 1024 = 0 THEN NULL ELSE "
        "%s + 300000000 + ((_weir_hash >> 4) %% 3000000000)::BIGINT + "
        "CASE WHEN (_weir_hash >> 40) %% 64 = 0 THEN ((_weir_hash >> 8) %% 18000000000)::BIGINT "
        "ELSE 0 END END AS \"_weir_ingestion\" FROM (",
        time);
    put_columns(load, sql);
    buf_puts(sql, ")");
}

/* Of rows that are equal to the last byte the second, third and so on get an id of their own. */
static void put_tell_apart(const struct load *load, struct buf *sql)
{
    const char *table = load->table;
    buf_printf(
        sql,
        "UPDATE \"%s rows\" AS t SET \"_ItemId\" = md5(t.\"_ItemId\" || ':' || d.k)::UUID::VARCHAR "
        "FROM (SELECT rowid AS r, row_number() OVER (PARTITION BY \"_ItemId\") AS k "
        "FROM \"%s rows\" WHERE hash(\"_ItemId\") IN (SELECT hash(\"_ItemId\") FROM \"%s rows\" "
        "GROUP BY 1 HAVING count(*) > 1)) d WHERE t.rowid = d.r AND d.k > 1",
        table, table, table);
}

static void put_sort(const struct load *load, struct buf *sql)
{
    const char *table = load->table;
    buf_printf(
        sql,
        "CREATE TABLE \"weir sorted\" AS SELECT * FROM \"%s rows\" ORDER BY \"TimeGenerated\"; "
        "DROP TABLE \"%s rows\"; ALTER TABLE \"weir sorted\" RENAME TO \"%s rows\"",
        table, table, table);
}

/* The relation that queries see: what is kept, and what is not as the constant that it is. */
static void put_view(const struct load *load, struct buf *sql)
{
    buf_printf(sql, "CREATE VIEW \"%s\" AS SELECT ", load->table);
    for (size_t i = 0; i < load->shape.columns.n; i++) {
        const struct column *column = &load->shape.columns.v[i];
        if (tables_is_secret(str_of(column->name)))
            continue;
        if (!is_kept(load, i))
            buf_printf(sql, "%s AS ", empty_value(column->type));
        put_name(sql, column->name);
        buf_puts(sql, ", ");
    }
    buf_printf(sql, "\"_ItemId\", \"_TimeReceived\", \"_weir_ingestion\" FROM \"%s rows\"",
               load->table);
}

/* --- figures ---------------------------------------------------------------------------------- */

/* How many rows have a condition. */
static bool count_where(struct load *load, const char *condition, uint64_t *out, struct error *err)
{
    char sql[FILES_NAME_MAX + 256];
    (void) snprintf(sql, sizeof sql,
                    "SELECT count(*) FROM (SELECT %s AS met FROM \"%s rows\") WHERE met", condition,
                    load->table);
    struct column column = {.name = (char[]){"n"}, .type = COLUMN_LONG};
    struct columns columns = {.v = &column, .n = 1};
    struct engine_result *result = engine_query(load->task, sql, &columns, err);
    const struct engine_chunk *chunk = NULL;
    bool done = result && engine_next(result, &chunk, err);
    if (done && chunk && chunk->rows > 0)
        *out = (uint64_t) ((const int64_t *) chunk->vectors[0].values)[0];
    else if (done)
        done = error_set(err, ERROR_INTERNAL, "a count without a row");
    engine_result_free(result);
    return done;
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
           (disorder < rows / SORT_SHARE || run_sql(load, put_sort, err));
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
        bool seldom = is_seldom(name) && !load->shape.in_file[i];
        if (!columns_add(seldom ? &table->hidden : &table->visible, name, column->type, err))
            return false;
    }
    return columns_add(&table->hidden, STR("_ItemId"), COLUMN_STRING, err) &&
           columns_add(&table->hidden, STR("_TimeReceived"), COLUMN_DATETIME, err);
}

static bool load_rows(struct load *load, struct tables *tables, struct error *err)
{
    uint64_t misfits = engine_misfits(load->task);
    if (!view_groups(load, err) || !run_sql(load, put_table, err))
        return false;
    misfits = engine_misfits(load->task) - misfits;
    if (misfits > 0)
        buf_printf(load->notes, "%s: %llu values do not fit their type and are null\n", load->table,
                   (unsigned long long) misfits);
    struct table *table = tables_add(tables, str_of(load->table), err);
    return table && describe(load, table, err) && count_where(load, "true", &table->rows, err) &&
           tell_times(load, err) && put_in_order(load, table->rows, err) &&
           (is_filled(load, "_ItemId") || run_sql(load, put_tell_apart, err)) &&
           run_sql(load, put_view, err);
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
    bool done = task != NULL;
    if (task)
        watch_add(watch, &watched);
    for (size_t t = 0; done && t < found.n; t++) {
        struct load load = {.options = options, .task = task, .notes = notes};
        if (found.tables[t].n > 0)
            done = load_table(&load, &found.tables[t], &watched, tables, err);
    }
    if (task)
        watch_remove(watch, &watched);
    engine_task_free(task);
    files_release(&found);
    return done;
}
