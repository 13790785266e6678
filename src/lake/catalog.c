/* Walks a lake for blobs and tables: see catalog.h. */
#include "lake/catalog.h"

#include "base/memory.h"
#include "lake/schema.h"

#include <stdlib.h>

enum {
    DAY_LEVELS = 3,
    NAMES_MAX = 512 << 20, /* bytes of the names of one day */
    FOLDERS_MAX = 64 << 20 /* and of all day folders */
};

/* --- days --- */

struct day_folder {
    int64_t tick;
    const char *name; /* whole, in the arena */
};

/* The search for day folders: y=/m=/d=, in whatever form. */
struct days {
    struct store *store;
    int64_t from, to;
    struct buf name; /* of the folder where the search is */
    int values[DAY_LEVELS];
    int depth;
    struct arena arena;
    struct day_folder *v;
    size_t n, room;
};

static void days_release(struct days *days)
{
    buf_release(&days->name);
    arena_release(&days->arena);
    mem_free(days->v);
}

static bool add_day(struct days *days, struct error *err)
{
    struct tick_civil civil = {
        .year = days->values[0], .month = days->values[1], .day = days->values[2]};
    int64_t tick;
    if (!tick_from_civil(&civil, &tick) || tick >= days->to || tick + TICK_DAY <= days->from)
        return true;
    if (!mem_reserve(&days->v, &days->room, days->n, LAKE_DAY_FOLDERS_MAX, sizeof *days->v, err))
        return false;
    const char *name = arena_copy(&days->arena, buf_text(&days->name), days->name.used, err);
    if (!name)
        return false;
    days->v[days->n++] = (struct day_folder){tick, name};
    return true;
}

/* Can a folder with the values so far hold a day of the range? */
static bool may_hold(const struct days *days)
{
    struct tick_civil from = tick_civil(days->from), to = tick_civil(days->to);
    int year = days->values[0], month = days->values[1];
    if (days->depth == 1)
        return year >= from.year && year <= to.year;
    int at = year * 12 + month;
    return at >= from.year * 12 + from.month && at <= to.year * 12 + to.month;
}

/* One folder of a level; at most DAY_LEVELS deep. */
static bool visit(void *context, struct str part, struct error *err)
{
    struct days *days = context;
    size_t before = days->name.used;
    if (!lake_parse_level(part, &days->values[days->depth]))
        return true;
    buf_putc(&days->name, '/');
    buf_put_str(&days->name, part);
    days->depth++;
    bool ok = buf_ok(&days->name, "the name of a folder", err);
    if (ok && days->depth == DAY_LEVELS)
        ok = add_day(days, err);
    else if (ok && may_hold(days))
        ok = store_folders(days->store, buf_text(&days->name), visit, days, err);
    days->depth--;
    days->name.used = before;
    days->name.bytes[before] = '\0';
    return ok;
}

static int compare_days(const void *a, const void *b)
{
    const struct day_folder *x = a, *y = b;
    return x->tick != y->tick ? (x->tick > y->tick) - (x->tick < y->tick)
                              : strcmp(x->name, y->name);
}

/* Finds the day folders of [from, to), in order of time. */
static bool find_days(struct days *days, const struct lake_place *place, struct error *err)
{
    buf_init(&days->name, STORE_NAME_MAX);
    arena_init(&days->arena, FOLDERS_MAX);
    lake_table_prefix(&days->name, place);
    if (!buf_ok(&days->name, "the name of a folder", err) ||
        !store_folders(days->store, buf_text(&days->name), visit, days, err))
        return false;
    if (days->n > 0)
        qsort(days->v, days->n, sizeof *days->v, compare_days);
    return true;
}

/* --- blobs of a day --- */

struct found {
    struct lake_blob blob; /* its name is set when all are there */
    size_t name, length;   /* in `names` */
};

struct day {
    int64_t from, to;
    size_t skip; /* length of the table's prefix */
    struct buf names;
    struct found *v;
    size_t n, room;
};

static bool add_blob(void *context, const struct store_blob *blob, struct error *err)
{
    struct day *day = context;
    struct found found = {.blob = {.size = blob->size, .modified = blob->modified},
                          .name = day->names.used,
                          .length = blob->name.n};
    struct str behind = {blob->name.p + day->skip, blob->name.n - day->skip};
    if (!lake_parse_name(behind, &found.blob.tick, &found.blob.span, &found.blob.kind,
                         &found.blob.number) ||
        found.blob.tick >= day->to || found.blob.tick + found.blob.span <= day->from)
        return true;
    buf_put_str(&day->names, blob->name);
    if (!buf_ok(&day->names, "the list of a day's blobs", err) ||
        !mem_reserve(&day->v, &day->room, day->n, LAKE_DAY_BLOBS_MAX, sizeof *day->v, err))
        return false;
    day->v[day->n++] = found;
    return true;
}

static int compare_blobs(const void *a, const void *b)
{
    const struct lake_blob *x = &((const struct found *) a)->blob;
    const struct lake_blob *y = &((const struct found *) b)->blob;
    return x->tick != y->tick ? (x->tick > y->tick) - (x->tick < y->tick)
                              : str_compare(x->name, y->name);
}

static bool give_day(struct day *day, lake_blob_fn *fn, void *context, struct error *err)
{
    for (size_t i = 0; i < day->n; i++)
        day->v[i].blob.name = (struct str){day->names.bytes + day->v[i].name, day->v[i].length};
    if (day->n > 0)
        qsort(day->v, day->n, sizeof *day->v, compare_blobs);
    for (size_t i = 0; i < day->n; i++)
        if (!fn(context, &day->v[i].blob, err))
            return false;
    day->n = 0;
    buf_reset(&day->names);
    return true;
}

bool lake_blobs(struct store *store, const struct lake_place *place, int64_t from, int64_t to,
                lake_blob_fn *fn, void *context, struct error *err)
{
    from = from < 0 ? 0 : from;
    to = to > TICK_MAX ? TICK_MAX : to;
    if (!lake_place_check(place, err))
        return false;
    if (from >= to)
        return true;
    struct days days = {.store = store, .from = from, .to = to};
    bool ok = find_days(&days, place, err);
    struct day day = {.from = from, .to = to, .skip = days.name.used};
    buf_init(&day.names, NAMES_MAX);
    for (size_t i = 0; ok && i < days.n; i++) {
        ok = store_list(store, days.v[i].name, add_blob, &day, err);
        /* Folders of one day in several forms are one day. */
        if (ok && (i + 1 == days.n || days.v[i + 1].tick != days.v[i].tick))
            ok = give_day(&day, fn, context, err);
    }
    buf_release(&day.names);
    mem_free(day.v);
    days_release(&days);
    return ok;
}

/* --- totals --- */

struct totaling {
    struct lake_totals *out;
    int64_t covered; /* end of what was counted as partitions */
};

static bool add_total(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) err;
    struct totaling *t = context;
    int64_t end = blob->tick + blob->span;
    int64_t begin = blob->tick > t->covered ? blob->tick : t->covered;
    t->out->blobs[blob->kind]++;
    t->out->bytes[blob->kind] += blob->size;
    if (t->out->end == 0)
        t->out->first = blob->tick;
    if (end > t->out->end)
        t->out->end = end;
    if (end > begin) {
        t->out->partitions += (uint64_t) ((end - begin) / TICK_PARTITION);
        t->covered = end;
    }
    return true;
}

bool lake_blobs_total(struct store *store, const struct lake_place *place, int64_t from, int64_t to,
                      struct lake_totals *out, struct error *err)
{
    struct totaling t = {.out = out};
    *out = (struct lake_totals){0};
    return lake_blobs(store, place, from, to, add_total, &t, err);
}

/* --- tables --- */

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

/* One folder of a level; at most LEVELS deep. */
static bool descend(void *context, struct str part, struct error *err)
{
    struct descent *d = context;
    size_t before = d->name.used;
    const char *want = levels[d->depth];
    if (want && !str_eq_case(part, str_of(want)))
        return true;
    buf_putc(&d->name, '/');
    buf_put_str(&d->name, part);
    d->depth++;
    bool ok = buf_ok(&d->name, "the name of a folder", err);
    if (ok)
        ok = d->depth == LEVELS ? found_table(d, err)
                                : store_folders(d->store, buf_text(&d->name), descend, d, err);
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
    return buf_ok(&d->name, "the name of a folder", err) &&
           store_folders(d->store, buf_text(&d->name), descend, d, err);
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
    buf_printf(&own->name, "weir/%s/%.*s/schema.json", own->workspace_id, (int) part.n, part.p);
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
    return store_folders(own->store, name, visit_own_table, own, err);
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
    bool ok = store_folders(store, "", visit_container, &descent, err) &&
              store_folders(store, "weir", visit_own_workspace, &own, err);
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

bool lake_container_find(struct store *store, const char *table, struct buf *out, struct error *err)
{
    struct buf want = BUF_INIT(LAKE_NAME_MAX);
    lake_container(&want, table);
    lake_container(out, table);
    struct seeking s = {.want = buf_str(&want), .out = out};
    bool ok = buf_ok(&want, "the name of a container", err) &&
              store_folders(store, "", seek, &s, err) &&
              buf_ok(out, "the name of a container", err);
    buf_release(&want);
    return ok;
}
