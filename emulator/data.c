/* Data: the files of a folder become the tables of the workspace.
 *
 * The files of a table are looked at one by one. Neighbours with the same form and header make a group; each
 * group is a view of the engine over its files that has all columns of the table, and the table is made in one step
 * from the union of the views. The rows' hash is the engine's own over all columns. */

#include "emulator/data.h"

#include "base/file.h"
#include "base/memory.h"
#include "engine/header.h"

#include <limits.h>
#include <stdio.h>

enum {
    SQL_MAX = 16 << 20,
    GROUPS_MAX = 10000,
    SORT_ROWS = 100000, /* a smaller table is read as a whole anyway */
    SORT_SHARE = 64     /* one row in so many out of order is none */
};

static const char stage_name[] = "weir stage";

/* Files that are read in one way. */
struct group {
    const struct found_file *files; /* neighbours in the found table */
    size_t n;
    struct columns headers; /* as they stand in the files */
};

struct load {
    const struct data_options *options;
    const struct found_table *found;
    struct engine_task *task;
    struct buf *notes;
    struct group *groups;
    size_t n, room;
    struct columns
        columns;   /* what is read from files: the table's, and hidden ones that a file has */
    bool *in_file; /* of each column: some file has it */
};

bool data_header(struct str header, struct str *column, bool *zoned, struct error *err)
{
    struct str zone;
    engine_header_split(header, column, &zone);
    *zoned = zone.n > 0;
    if (zone.n == 0 || engine_header_zone(zone))
        return true;
    return error_set(err, ERROR_FORMAT, "the time zone of column '%.*s' is not known",
                     (int) header.n, header.p);
}

/* Columns of a schema that the service keeps out of results, and that no file of ours usually has. */
static bool is_seldom(struct str name)
{
    return str_eq(name, STR("_IsBillable")) || str_eq(name, STR("_BilledSize")) ||
           str_eq(name, STR("_SubscriptionId"));
}

/* --- columns ------------------------------------------------------------------------------------------ */

static bool read_schema(struct load *load, const char *path, struct error *err)
{
    struct buf text = BUF_INIT(COLUMNS_FILE_MAX);
    bool done =
        file_read(path, COLUMNS_FILE_MAX, &text, err) &&
        (columns_read(buf_str(&text), &load->columns, err) || error_prefix(err, "%s", path));
    buf_release(&text);
    return done;
}

/* The schema beside the data, or the one of schemas/, or none. */
static bool find_schema(struct load *load, struct error *err)
{
    if (load->found->schema)
        return read_schema(load, load->found->schema, err);
    if (!load->options->schemas)
        return true;
    struct buf path = BUF_INIT(PATH_MAX);
    buf_printf(&path, "%s/%s.columns", load->options->schemas, load->found->name);
    struct error missing = ERROR_INIT;
    bool done = buf_ok(&path, "a path", err);
    if (done && !read_schema(load, buf_text(&path), &missing)) {
        done = missing.code == ERROR_NOT_FOUND;
        if (!done && err)
            *err = missing;
    }
    buf_release(&path);
    return done;
}

static enum column_type guess_type(const struct load *load, struct str name, bool zoned)
{
    if (zoned || str_eq(name, STR("TimeGenerated")) || str_eq(name, STR("_TimeReceived")))
        return COLUMN_DATETIME;
    if (str_ends(str_of(load->found->name), STR("_CL")))
        return column_type_of_suffix(name);
    return COLUMN_STRING;
}

static bool add_column(struct load *load, struct str name, bool zoned, struct error *err)
{
    for (size_t i = 0; i < load->columns.n; i++) {
        if (str_eq(str_of(load->columns.v[i].name), name))
            return true;
        /* The engine cannot tell names apart by case alone. */
        if (str_eq_case(str_of(load->columns.v[i].name), name)) {
            buf_printf(load->notes, "%s: column %.*s is read as %s\n", load->found->name,
                       (int) name.n, name.p, load->columns.v[i].name);
            return true;
        }
    }
    return columns_add(&load->columns, name, guess_type(load, name, zoned), err);
}

static bool same_headers(const struct columns *a, const struct columns *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->v[i].name, b->v[i].name) == 0;
    return same;
}

/* Looks at one file: its headers give columns. */
static bool add_headers(struct load *load, const struct group *group, struct error *err)
{
    for (size_t i = 0; i < group->headers.n; i++) {
        struct str name;
        bool zoned;
        if (!data_header(str_of(group->headers.v[i].name), &name, &zoned, err))
            return error_prefix(err, "%s", group->files[0].path);
        if (!add_column(load, name, zoned, err))
            return false;
    }
    return true;
}

static bool look_at(struct load *load, const struct found_file *file, struct error *err)
{
    struct engine_files one = {
        .name = stage_name,
        .form = file->form,
        .paths = (const char *const *) &file->path,
        .count = 1,
    };
    struct columns headers = {0};
    if (!engine_peek(load->task, &one, &headers, err)) {
        columns_release(&headers);
        return false;
    }
    struct group *last = load->n > 0 ? &load->groups[load->n - 1] : NULL;
    if (last && last->files->form == file->form && same_headers(&last->headers, &headers)) {
        last->n++;
        columns_release(&headers);
        return true;
    }
    if (!mem_reserve(&load->groups, &load->room, load->n, GROUPS_MAX, sizeof *load->groups, err)) {
        columns_release(&headers);
        return false;
    }
    struct group *group = &load->groups[load->n++];
    *group = (struct group){.files = file, .n = 1, .headers = headers};
    return add_headers(load, group, err);
}

/* The header under which a group's files hold a column, in the same case or else in another; NULL when they do
 * not. */
static const char *header_of(const struct group *group, const char *column)
{
    const char *other = NULL;
    for (size_t i = 0; i < group->headers.n; i++) {
        struct str name;
        bool zoned;
        const char *header = group->headers.v[i].name;
        if (!data_header(str_of(header), &name, &zoned, NULL))
            continue;
        if (str_eq(name, str_of(column)))
            return header;
        if (!other && str_eq_case(name, str_of(column)))
            other = header;
    }
    return other;
}

/* --- the relation ------------------------------------------------------------------------------------- */

/* Makes the view of one group. */
static bool view_group(struct load *load, size_t g, struct error *err)
{
    const struct group *group = &load->groups[g];
    const struct columns *columns = &load->columns;
    const char **keys = mem_alloc(columns->n, sizeof *keys, err);
    const char **paths = mem_alloc(group->n, sizeof *paths, err);
    struct buf name = BUF_INIT(FILES_NAME_MAX);
    buf_printf(&name, "%s %zu", stage_name, g);
    bool done = keys && paths && buf_ok(&name, "a name", err);
    for (size_t i = 0; done && i < columns->n; i++) {
        keys[i] = header_of(group, columns->v[i].name);
        if (keys[i])
            load->in_file[i] = true;
        else
            keys[i] = columns->v[i].name;
    }
    for (size_t i = 0; done && i < group->n; i++)
        paths[i] = group->files[i].path;
    struct engine_files files = {
        .name = buf_text(&name),
        .form = group->files->form,
        .paths = paths,
        .count = group->n,
        .columns = columns,
        .source_keys = keys,
    };
    done = done && engine_view(load->task, &files, err);
    buf_release(&name);
    mem_free(paths);
    mem_free(keys);
    return done;
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

static bool has_column(const struct load *load, const char *name)
{
    int at = columns_find(&load->columns, str_of(name));
    return at >= 0 && load->in_file[at];
}

static void put_filled(struct buf *sql, const char *name, const char *value)
{
    buf_puts(sql, "coalesce(nullif(");
    put_name(sql, name);
    buf_printf(sql, ", ''), '%s') AS ", value);
    put_name(sql, name);
}

/* The columns of the table as they are kept, and the hash of the row as it came. */
static void put_columns(const struct load *load, struct buf *sql)
{
    buf_puts(sql, "SELECT ");
    for (size_t i = 0; i < load->columns.n; i++) {
        const char *name = load->columns.v[i].name;
        if (strcmp(name, "TenantId") == 0)
            put_filled(sql, name, load->options->workspace);
        else if (strcmp(name, "Type") == 0)
            put_filled(sql, name, load->found->name);
        else
            put_name(sql, name);
        buf_puts(sql, ", ");
    }
    buf_puts(sql, "hash(");
    for (size_t i = 0; i < load->columns.n; i++) {
        buf_puts(sql, i > 0 ? ", " : "");
        put_name(sql, load->columns.v[i].name);
    }
    buf_puts(sql, ") AS _weir_hash FROM (");
    for (size_t g = 0; g < load->n; g++)
        buf_printf(sql, "%sSELECT * FROM \"%s %zu\"", g > 0 ? " UNION ALL " : "", stage_name, g);
    buf_puts(sql, ")");
}

/* CREATE TABLE with the hidden columns (data.h says what they hold), in three steps: each uses the one before. */
static void put_table(const struct load *load, struct buf *sql)
{
    const char *table = load->found->name;
    bool timed = has_column(load, "TimeGenerated");
    buf_puts(sql, "CREATE TABLE ");
    put_name(sql, table);
    buf_puts(sql, " AS SELECT * EXCLUDE (_weir_hash");
    buf_puts(sql, has_column(load, "_ItemId") ? ", \"_ItemId\"" : "");
    buf_puts(sql, has_column(load, "_TimeReceived") ? ", \"_TimeReceived\"" : "");
    buf_puts(sql, "), ");
    buf_puts(sql, has_column(load, "_ItemId") ? "coalesce(nullif(\"_ItemId\", ''), " : "(");
    buf_printf(sql, "md5('%s:' || _weir_hash)::UUID::VARCHAR) AS \"_ItemId\", ", table);
    buf_puts(sql, has_column(load, "_TimeReceived") ? "coalesce(\"_TimeReceived\", " : "(");
    const char *time = timed ? "\"TimeGenerated\"" : "NULL::BIGINT";
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
    const char *table = load->found->name;
    buf_printf(
        sql,
        "UPDATE \"%s\" SET \"_ItemId\" = md5(\"%s\".\"_ItemId\" || ':' || d.k)::UUID::VARCHAR "
        "FROM (SELECT rowid AS r, row_number() OVER (PARTITION BY \"_ItemId\") AS k "
        "FROM \"%s\" WHERE hash(\"_ItemId\") IN (SELECT hash(\"_ItemId\") FROM \"%s\" "
        "GROUP BY 1 HAVING count(*) > 1)) d WHERE \"%s\".rowid = d.r AND d.k > 1",
        table, table, table, table, table);
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

/* --- the table as the service shows it ---------------------------------------------------------------- */

static bool describe(const struct load *load, struct table *table, struct error *err)
{
    table->timed = has_column(load, "TimeGenerated");
    for (size_t i = 0; i < load->columns.n; i++) {
        const struct column *column = &load->columns.v[i];
        struct str name = str_of(column->name);
        if (tables_is_secret(name) || (!table->timed && str_eq(name, STR("TimeGenerated"))))
            continue;
        bool seldom = is_seldom(name) && !load->in_file[i];
        if (!columns_add(seldom ? &table->hidden : &table->visible, name, column->type, err))
            return false;
    }
    return columns_add(&table->hidden, STR("_ItemId"), COLUMN_STRING, err) &&
           columns_add(&table->hidden, STR("_TimeReceived"), COLUMN_DATETIME, err);
}

/* One number that a query gives. */
static bool query_number(struct load *load, const char *sql, uint64_t *out, struct error *err)
{
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

static bool count_rows(struct load *load, struct table *table, struct error *err)
{
    char sql[FILES_NAME_MAX + 128];
    uint64_t timeless = 0;
    (void) snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", table->name);
    if (!query_number(load, sql, &table->rows, err))
        return false;
    (void) snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\" WHERE \"TimeGenerated\" IS NULL",
                    table->name);
    if (table->timed && !query_number(load, sql, &timeless, err))
        return false;
    if (timeless > 0)
        buf_printf(load->notes, "%s: %llu rows have no TimeGenerated\n", table->name,
                   (unsigned long long) timeless);
    if (!table->timed)
        buf_printf(load->notes, "%s: no file has TimeGenerated\n", table->name);
    return true;
}

/* How many rows are earlier than the row before them. */
static bool count_disorder(struct load *load, const struct table *table, uint64_t *out,
                           struct error *err)
{
    char sql[FILES_NAME_MAX + 256];
    (void) snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM (SELECT \"TimeGenerated\" < lag(\"TimeGenerated\") OVER () "
        "AS back FROM \"%s\") WHERE back",
        table->name);
    return query_number(load, sql, out, err);
}

static void put_sort(const struct load *load, struct buf *sql)
{
    const char *table = load->found->name;
    buf_printf(sql,
               "CREATE TABLE \"weir sorted\" AS SELECT * FROM \"%s\" ORDER BY \"TimeGenerated\"; "
               "DROP TABLE \"%s\"; ALTER TABLE \"weir sorted\" RENAME TO \"%s\"",
               table, table, table);
}

/* The service keeps rows by time, and queries ask by time: files in no order at all are put into one. */
static bool put_in_order(struct load *load, const struct table *table, struct error *err)
{
    uint64_t disorder = 0;
    if (!table->timed || table->rows < SORT_ROWS)
        return true;
    return count_disorder(load, table, &disorder, err) &&
           (disorder < table->rows / SORT_SHARE || run_sql(load, put_sort, err));
}

static bool load_table(struct load *load, struct tables *tables, struct error *err)
{
    if (!find_schema(load, err))
        return false;
    for (size_t f = 0; f < load->found->n; f++) {
        if (!look_at(load, &load->found->files[f], err))
            return false;
    }
    if (!add_column(load, STR("TenantId"), false, err) ||
        !add_column(load, STR("Type"), false, err))
        return false;
    load->in_file = mem_alloc(load->columns.n, sizeof *load->in_file, err);
    if (!load->in_file)
        return false;
    for (size_t g = 0; g < load->n; g++) {
        if (!view_group(load, g, err))
            return false;
    }
    uint64_t misfits = engine_misfits(load->task);
    struct table *table = tables_add(tables, str_of(load->found->name), err);
    if (!table || !run_sql(load, put_table, err) || !describe(load, table, err) ||
        !count_rows(load, table, err) || !put_in_order(load, table, err))
        return false;
    misfits = engine_misfits(load->task) - misfits;
    if (misfits > 0)
        buf_printf(load->notes, "%s: %llu values do not fit their type and are null\n", table->name,
                   (unsigned long long) misfits);
    return has_column(load, "_ItemId") || run_sql(load, put_tell_apart, err);
}

static void load_release(struct load *load)
{
    for (size_t g = 0; g < load->n; g++)
        columns_release(&load->groups[g].headers);
    mem_free(load->groups);
    mem_free(load->in_file);
    columns_release(&load->columns);
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
    bool done = task != NULL;
    struct watched watched = {.cancel = cancel_task, .context = task, .deadline = UINT64_MAX};
    if (task)
        watch_add(watch, &watched);
    for (size_t t = 0; done && t < found.n; t++) {
        if (found.tables[t].n == 0)
            continue;
        struct load load = {
            .options = options, .found = &found.tables[t], .task = task, .notes = notes};
        done = load_table(&load, tables, err) || error_prefix(err, "%s", found.tables[t].name);
        load_release(&load);
    }
    if (task)
        watch_remove(watch, &watched);
    engine_task_free(task);
    files_release(&found);
    return done;
}
