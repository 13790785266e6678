/* Tables: see tables.h. */
#include "query/tables.h"

#include "base/memory.h"
#include "lake/catalog.h"

enum { TABLES_MAX = 256 };

/* A place must have a resource id; that of a schema does not depend on it. */
static const char *const any_workspace =
    "/subscriptions/0/resourcegroups/0/providers/microsoft.operationalinsights/workspaces/0";

/* Shown by the service only when they are named (docs/service.md 1.10). */
static const char *const hidden[] = {"_ItemId", "_TimeReceived", "_SubscriptionId"};

static bool only_workspace(struct query_tables *tables, struct error *err)
{
    struct lake_tables all = {0};
    const char *id = NULL, *other = NULL;
    bool ok = lake_tables_find(tables->store, &all, err);
    for (size_t i = 0; ok && i < all.n; i++) {
        if (!all.v[i].workspace_id)
            continue;
        other = id && strcmp(id, all.v[i].workspace_id) != 0 ? id : other;
        id = all.v[i].workspace_id;
    }
    if (ok && !id) {
        ok = error_set(err, ERROR_NOT_FOUND, "there is no exported table in lake %s",
                       store_address(tables->store));
        (void) error_hint(err, "weir export TABLE puts one there");
    } else if (ok && other) {
        ok = error_set(err, ERROR_SETTINGS,
                       "the lake holds several workspaces; which one is asked?");
        (void) error_hint(err, "--workspace-id %s or %s", other, id);
    }
    ok = ok && id && (tables->workspace_id = mem_copy(id, strlen(id), err)) != NULL;
    lake_tables_release(&all);
    return ok;
}

bool query_tables_init(struct query_tables *tables, struct store *store, const char *workspace_id,
                       struct error *err)
{
    *tables = (struct query_tables){.store = store};
    if (!workspace_id)
        return true;
    tables->workspace_id = mem_copy(workspace_id, strlen(workspace_id), err);
    return tables->workspace_id != NULL;
}

static void free_table(struct query_table *table)
{
    columns_release(&table->hidden);
    columns_release(&table->visible);
    buf_release(&table->container);
    lake_schema_release(&table->schema);
    mem_free(table);
}

void query_tables_release(struct query_tables *tables)
{
    for (size_t i = 0; i < tables->n; i++)
        free_table(tables->v[i]);
    mem_free(tables->v);
    mem_free(tables->workspace_id);
    *tables = (struct query_tables){0};
}

static bool is_hidden(const char *name)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strcmp(hidden[i], name) == 0)
            return true;
    return false;
}

static bool divide_columns(struct query_table *table, struct error *err)
{
    for (size_t i = 0; i < table->schema.columns.n; i++) {
        const struct column *column = &table->schema.columns.v[i];
        struct columns *to = is_hidden(column->name) ? &table->hidden : &table->visible;
        if (!columns_add(to, str_of(column->name), column->type, err))
            return false;
    }
    return true;
}

static bool not_there(struct query_tables *tables, struct str name, struct error *err)
{
    (void) error_set(err, ERROR_NOT_FOUND, "table '%.*s' is not in the lake", (int) name.n, name.p);
    struct lake_tables all = {0};
    const char **names =
        lake_tables_find(tables->store, &all, NULL) ? mem_alloc(all.n, sizeof *names, NULL) : NULL;
    size_t n = 0;
    for (size_t i = 0; names && i < all.n; i++)
        if (all.v[i].name)
            names[n++] = all.v[i].name;
    const char *nearest = names ? text_nearest(name, names, n) : NULL;
    if (nearest)
        (void) error_hint(err, "did you mean '%s'?", nearest);
    else
        (void) error_hint(err, "weir lake ls lists the tables of the lake");
    mem_free(names);
    lake_tables_release(&all);
    return false;
}

/* Whether the lake has the table under a name of other case: they share a folder. */
static bool differs_in_case(struct query_tables *tables, struct str name)
{
    struct lake_tables all = {0};
    bool differs = false;
    if (lake_tables_find(tables->store, &all, NULL))
        for (size_t i = 0; i < all.n && !differs; i++)
            differs = all.v[i].name && str_eq_case(str_of(all.v[i].name), name) &&
                      !str_eq(str_of(all.v[i].name), name);
    lake_tables_release(&all);
    return differs;
}

/* Reads the schema of a name that is safe to look for. */
static bool read_table(struct query_tables *tables, struct str name, struct query_table *table,
                       struct error *err)
{
    char *copy = mem_copy(name.p, name.n, err);
    struct error why = ERROR_INIT;
    struct lake_place place = {
        .workspace_id = tables->workspace_id, .resource_id = any_workspace, .table = copy};
    bool named = copy && lake_place_check(&place, &why);
    bool ok = named && lake_container_find(tables->store, copy, &table->container, &why) &&
              lake_schema_read(tables->store, &place, &table->schema, &why) &&
              strcmp(table->schema.table, copy) == 0;
    mem_free(copy);
    if (ok)
        return true;
    bool absent = why.code == ERROR_NONE || why.code == ERROR_NOT_FOUND ||
                  (!named && why.code == ERROR_SETTINGS); /* no table has such a name */
    if (absent || differs_in_case(tables, name))
        return not_there(tables, name, err);
    return error_pass(err, &why);
}

struct query_table *query_tables_find(struct query_tables *tables, struct str name,
                                      struct error *err)
{
    for (size_t i = 0; i < tables->n; i++)
        if (str_eq(str_of(tables->v[i]->schema.table), name))
            return tables->v[i];
    if (!tables->workspace_id && !only_workspace(tables, err))
        return NULL;
    if (!mem_reserve(&tables->v, &tables->room, tables->n, TABLES_MAX, sizeof *tables->v, err))
        return NULL;
    struct query_table *table = mem_alloc(1, sizeof *table, err);
    if (!table)
        return NULL;
    buf_init(&table->container, LAKE_NAME_MAX);
    if (!read_table(tables, name, table, err) || !divide_columns(table, err)) {
        free_table(table);
        return NULL;
    }
    table->place = (struct lake_place){.workspace_id = tables->workspace_id,
                                       .resource_id = table->schema.resource_id,
                                       .table = table->schema.table,
                                       .container = buf_text(&table->container)};
    tables->v[tables->n++] = table;
    return table;
}

void query_time_keys(const struct lake_schema *schema, struct engine_time_key out[LAKE_FROM_MAX])
{
    static const struct {
        const char *text;
        enum engine_time_format format;
    } formats[] = {{"iso", ENGINE_TIME_ISO},
                   {"us", ENGINE_TIME_US},
                   {"epoch-s", ENGINE_TIME_EPOCH_S},
                   {"epoch-ms", ENGINE_TIME_EPOCH_MS}};
    for (size_t i = 0; i < schema->n_from; i++) {
        const struct lake_from *from = &schema->from[i];
        out[i] = (struct engine_time_key){.key = from->key, .zone = from->zone};
        for (size_t k = 0; k < sizeof formats / sizeof *formats; k++)
            if (strcmp(from->format, formats[k].text) == 0)
                out[i].format = formats[k].format;
    }
}
