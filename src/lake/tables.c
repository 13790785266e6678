/* Walks a lake for its tables and their containers: see catalog.h. */
#include "lake/catalog.h"

#include "base/memory.h"
#include "lake/schema.h"

#include <stdlib.h>

enum { PARTS_MAX = 16 << 20 }; /* bytes of the folders of one level */

void lake_tables_release(struct lake_tables *tables)
{
    for (size_t i = 0; i < tables->n; i++) {
        mem_free(tables->v[i].container);
        mem_free(tables->v[i].resource_id);
        mem_free(tables->v[i].workspace_id);
        mem_free(tables->v[i].name);
    }
    mem_free(tables->v);
    *tables = (struct lake_tables){0};
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* True when the two are forms of one container's name: without case, `_` as `-`. */
static bool same_container(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        char x = lower(a.p[i]), y = lower(b.p[i]);
        if ((x == '_' ? '-' : x) != (y == '_' ? '-' : y))
            return false;
    }
    return true;
}

/* A new entry, its texts copied and lower case where that is the rule; NULL parts stay NULL. */
static struct lake_table *add_table(struct lake_tables *tables, struct error *err)
{
    if (!mem_reserve(&tables->v, &tables->room, tables->n, LAKE_TABLES_MAX, sizeof *tables->v, err))
        return NULL;
    tables->v[tables->n] = (struct lake_table){0};
    return &tables->v[tables->n++];
}

static bool keep_part(void *context, struct str part, struct error *err)
{
    struct buf *parts = context;
    buf_put_str(parts, part);
    buf_putc(parts, '\n');
    return buf_ok(parts, "a list of folders", err);
}

/* Calls fn for each folder once all are known: a store is asked one thing at a time. Names have no line feed in them. */
static bool each_folder(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                        struct error *err)
{
    struct buf parts = BUF_INIT(PARTS_MAX);
    struct str part;
    bool ok = store_folders(store, prefix, keep_part, &parts, err);
    for (struct str rest = buf_str(&parts); ok && rest.n > 0 && str_split(&rest, '\n', &part);)
        ok = fn(context, part, err);
    buf_release(&parts);
    return ok;
}

/* The walk down am-.../WorkspaceResourceId=/subscriptions/<>/resourcegroups/<>/... */
struct descent {
    struct store *store;
    struct lake_tables *tables;
    struct buf name;
    size_t container; /* its length */
    size_t depth;
};

static const char *const levels[] = {
    "WorkspaceResourceId=",          "subscriptions", NULL, "resourcegroups", NULL, "providers",
    "microsoft.operationalinsights", "workspaces",    NULL};

enum { LEVELS = sizeof levels / sizeof levels[0] };

static bool found_table(struct descent *d, struct error *err)
{
    struct lake_table *table = add_table(d->tables, err);
    if (!table)
        return false;
    const char *id = strchr(buf_text(&d->name), '=') + 1;
    table->container = mem_copy(buf_text(&d->name), d->container, err);
    table->resource_id = mem_copy(id, strlen(id), err);
    return table->container && table->resource_id;
}

static bool descend(void *context, struct str part, struct error *err);

/* Goes on below the folder where the walk is: by their names where the layout says them, by a look where it does not. */
static bool below(struct descent *d, struct error *err)
{
    size_t before = d->name.used, depth = d->depth;
    for (; d->depth < LEVELS && levels[d->depth]; d->depth++) {
        buf_putc(&d->name, '/');
        buf_puts(&d->name, levels[d->depth]);
    }
    bool ok = buf_ok(&d->name, "the name of a folder", err);
    if (ok)
        ok = d->depth == LEVELS ? found_table(d, err)
                                : each_folder(d->store, buf_text(&d->name), descend, d, err);
    d->depth = depth;
    d->name.used = before;
    d->name.bytes[before] = '\0';
    return ok;
}

/* One folder of a level that has a name of its own; at most LEVELS deep. */
static bool descend(void *context, struct str part, struct error *err)
{
    struct descent *d = context;
    size_t before = d->name.used;
    buf_putc(&d->name, '/');
    buf_put_str(&d->name, part);
    d->depth++;
    bool ok = below(d, err);
    d->depth--;
    d->name.used = before;
    d->name.bytes[before] = '\0';
    return ok;
}

static bool visit_container(void *context, struct str part, struct error *err)
{
    struct descent *d = context;
    if (part.n < 3 || !str_eq_case((struct str){part.p, 3}, STR("am-")))
        return true;
    buf_reset(&d->name);
    buf_put_str(&d->name, part);
    d->container = part.n;
    return below(d, err);
}

/* The walk over weir/<guid>/<table>/. */
struct own {
    struct store *store;
    struct lake_tables *tables;
    struct buf name;
    char workspace_id[64];
};

/* The entry of this container and workspace that has no name yet. */
static struct lake_table *match(struct lake_tables *tables, struct str container,
                                const char *resource_id)
{
    for (size_t i = 0; i < tables->n; i++) {
        struct lake_table *t = &tables->v[i];
        if (t->container && !t->name && same_container(str_of(t->container), container) &&
            str_eq_case(str_of(t->resource_id), str_of(resource_id)))
            return t;
    }
    return NULL;
}

/* Takes over the schema's texts. */
static bool name_table(struct own *own, struct lake_schema *schema, struct error *err)
{
    struct buf container = BUF_INIT(LAKE_NAME_MAX);
    lake_container(&container, schema->table);
    struct lake_table *table = NULL;
    bool ok = buf_ok(&container, "the name of a container", err);
    if (ok)
        table = match(own->tables, buf_str(&container), schema->resource_id);
    if (ok && !table)
        table = add_table(own->tables, err);
    if (table) {
        table->name = schema->table;
        table->workspace_id = schema->workspace_id;
        schema->table = schema->workspace_id = NULL;
    }
    if (table && !table->resource_id) {
        table->resource_id = schema->resource_id;
        schema->resource_id = NULL;
    }
    buf_release(&container);
    return ok && table;
}

static bool visit_own_table(void *context, struct str part, struct error *err)
{
    struct own *own = context;
    struct lake_schema schema;
    struct error why = ERROR_INIT;
    buf_reset(&own->name);
    buf_printf(&own->name, "weir/%s/%.*s", own->workspace_id, (int) part.n, part.p);
    if (!buf_ok(&own->name, "the name of a folder", err))
        return false;
    if (lake_schema_load(own->store, buf_text(&own->name), &schema, &why)) {
        bool ok = name_table(own, &schema, err);
        lake_schema_release(&schema);
        return ok;
    }
    if (why.code == ERROR_NOT_FOUND)
        return true;
    if (why.code != ERROR_FORMAT)
        return error_set(err, why.code, "%s", why.message);
    struct lake_table *table = add_table(own->tables, err); /* it is there, but cannot be read */
    if (!table)
        return false;
    table->workspace_id = mem_copy(own->workspace_id, strlen(own->workspace_id), err);
    return table->workspace_id != NULL;
}

static bool visit_own_workspace(void *context, struct str part, struct error *err)
{
    struct own *own = context;
    char name[sizeof own->workspace_id + 8];
    if (!text_is_guid(part))
        return true;
    memcpy(own->workspace_id, part.p, part.n);
    own->workspace_id[part.n] = '\0';
    memcpy(name, "weir/", 5);
    memcpy(name + 5, own->workspace_id, part.n + 1);
    return each_folder(own->store, name, visit_own_table, own, err);
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_tables(const void *a, const void *b)
{
    const struct lake_table *x = a, *y = b;
    int order = compare_texts(x->container, y->container);
    order = order ? order : compare_texts(x->resource_id, y->resource_id);
    order = order ? order : compare_texts(x->workspace_id, y->workspace_id);
    return order ? order : compare_texts(x->name, y->name);
}

bool lake_tables_find(struct store *store, struct lake_tables *out, struct error *err)
{
    struct descent descent = {.store = store, .tables = out};
    struct own own = {.store = store, .tables = out};
    *out = (struct lake_tables){0};
    buf_init(&descent.name, STORE_NAME_MAX);
    buf_init(&own.name, STORE_NAME_MAX);
    bool ok = each_folder(store, "", visit_container, &descent, err) &&
              each_folder(store, "weir", visit_own_workspace, &own, err);
    buf_release(&descent.name);
    buf_release(&own.name);
    if (ok && out->n > 0)
        qsort(out->v, out->n, sizeof *out->v, compare_tables);
    if (!ok)
        lake_tables_release(out);
    return ok;
}

struct seeking {
    struct str want;
    struct buf *out;
    bool exact, found;
};

static bool seek(void *context, struct str part, struct error *err)
{
    (void) err;
    struct seeking *s = context;
    if (s->exact || !same_container(part, s->want))
        return true;
    s->exact = str_eq(part, s->want);
    if (s->exact || !s->found) {
        buf_reset(s->out);
        buf_put_str(s->out, part);
        s->found = true;
    }
    return true;
}

static bool see(void *context, struct str part, struct error *err)
{
    (void) part;
    (void) err;
    *(bool *) context = true;
    return true;
}

/* An account may have thousands of containers: the usual one is looked at first. */
static bool is_usual(struct store *store, const char *container, bool *usual, struct error *err)
{
    *usual = false;
    return !store_remote(store) || store_folders(store, container, see, usual, err);
}

bool lake_container_find(struct store *store, const char *table, struct buf *out, struct error *err)
{
    struct buf want = BUF_INIT(LAKE_NAME_MAX);
    bool usual = false;
    lake_container(&want, table);
    lake_container(out, table);
    struct seeking s = {.want = buf_str(&want), .out = out};
    bool ok = buf_ok(&want, "the name of a container", err) &&
              is_usual(store, buf_text(&want), &usual, err) &&
              (usual || store_folders(store, "", seek, &s, err)) &&
              buf_ok(out, "the name of a container", err);
    buf_release(&want);
    return ok;
}
