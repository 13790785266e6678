/* Tables: see tables.h. */
#include "query/tables.h"

#include "base/memory.h"

#include <stdio.h>

enum { NAMES_MAX = 4096, TABLES_MAX = 256 };

/* Shown by the service only when they are named (azure.md 1.10). */
static const char *const hidden[] = {"_ItemId", "_TimeReceived", "_SubscriptionId"};

/* -- what the lake has: weir/<workspace>/<table>/schema.json -- */

struct names {
    struct store *store;
    char *v[NAMES_MAX];
    size_t n;
    const char *workspace_id; /* NULL: workspaces are listed; else the tables of this one */
};

static void release_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        mem_free(names->v[i]);
    names->n = 0;
}

static bool add_name(struct names *names, struct str name, struct error *err)
{
    for (size_t i = 0; i < names->n; i++)
        if (str_eq(str_of(names->v[i]), name))
            return true;
    if (names->n == NAMES_MAX)
        return true;
    names->v[names->n] = mem_copy(name.p, name.n, err);
    return names->v[names->n] && ++names->n > 0;
}

static bool true_name(struct names *names, struct str folder, struct error *err)
{
    char *copy = mem_copy(folder.p, folder.n, err);
    if (!copy)
        return false;
    for (char *c = copy; *c; c++)
        *c = *c == '-' ? '_' : *c; /* only to find the folder again: the file has the name */
    struct lake_place place = {.workspace_id = names->workspace_id, .table = copy};
    struct lake_schema schema = {0};
    bool ok = true;
    if (lake_schema_read(names->store, &place, &schema, NULL))
        ok = add_name(names, str_of(schema.table), err);
    else
        ok = add_name(names, folder, err);
    lake_schema_release(&schema);
    mem_free(copy);
    return ok;
}

static bool on_blob(void *context, const struct store_blob *blob, struct error *err)
{
    struct names *names = context;
    struct str rest = blob->name, root, workspace, table;
    if (!str_split(&rest, '/', &root) || !str_split(&rest, '/', &workspace) ||
        !str_split(&rest, '/', &table) || !str_eq(rest, STR("schema.json")))
        return true;
    if (!names->workspace_id)
        return add_name(names, workspace, err);
    return true_name(names, table, err);
}

static bool list_names(struct names *names, struct error *err)
{
    char prefix[STORE_NAME_MAX];
    int n = snprintf(prefix, sizeof prefix, "weir%s%s", names->workspace_id ? "/" : "",
                     names->workspace_id ? names->workspace_id : "");
    if (n < 0 || (size_t) n >= sizeof prefix)
        return error_set(err, ERROR_LIMIT, "the workspace id is too long");
    return store_list(names->store, prefix, on_blob, names, err);
}

static bool only_workspace(struct query_tables *tables, struct error *err)
{
    struct names *names = mem_alloc(1, sizeof *names, err);
    if (!names)
        return false;
    names->store = tables->store;
    bool ok = list_names(names, err);
    if (ok && names->n == 0) {
        ok = error_set(err, ERROR_NOT_FOUND, "there is no exported table in lake %s", store_address(tables->store));
        (void) error_hint(err, "weir export TABLE puts one there");
    } else if (ok && names->n > 1) {
        ok = error_set(err, ERROR_SETTINGS, "the lake holds %zu workspaces; which one is asked?", names->n);
        (void) error_hint(err, "--workspace-id %s", names->v[0]);
    }
    if (ok)
        ok = (tables->workspace_id = mem_copy(names->v[0], strlen(names->v[0]), err)) != NULL;
    release_names(names);
    mem_free(names);
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
    struct names *names = mem_alloc(1, sizeof *names, NULL);
    if (!names)
        return false;
    names->store = tables->store;
    names->workspace_id = tables->workspace_id;
    const char *nearest = list_names(names, NULL)
                              ? text_nearest(name, (const char *const *) names->v, names->n)
                              : NULL;
    if (nearest)
        (void) error_hint(err, "did you mean '%s'?", nearest);
    else
        (void) error_hint(err, "weir lake ls lists the tables of the lake");
    release_names(names);
    mem_free(names);
    return false;
}

/* Reads the schema of a name that is safe to look for. */
static bool read_table(struct query_tables *tables, struct str name, struct query_table *table,
                       struct error *err)
{
    char *copy = mem_copy(name.p, name.n, err);
    struct error why = ERROR_INIT;
    struct lake_place place = {.workspace_id = tables->workspace_id,
                               .resource_id = "/subscriptions/0/resourcegroups/0/providers/"
                                              "microsoft.operationalinsights/workspaces/0",
                               .table = copy};
    bool ok = copy && lake_place_check(&place, &why) &&
              lake_schema_read(tables->store, &place, &table->schema, &why) &&
              strcmp(table->schema.table, copy) == 0;
    mem_free(copy);
    if (ok)
        return true;
    if (why.code == ERROR_NONE || why.code == ERROR_NOT_FOUND || why.code == ERROR_SETTINGS)
        return not_there(tables, name, err);
    if (err && err->code == ERROR_NONE)
        *err = why;
    return false;
}

struct query_table *query_tables_find(struct query_tables *tables, struct str name, struct error *err)
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
    if (!read_table(tables, name, table, err) || !divide_columns(table, err)) {
        free_table(table);
        return NULL;
    }
    table->place = (struct lake_place){.workspace_id = tables->workspace_id,
                                       .resource_id = table->schema.resource_id,
                                       .table = table->schema.table};
    tables->v[tables->n++] = table;
    return table;
}
