/* Tables: what the workspace holds. */

#include "emulator/tables.h"

#include "base/memory.h"

static const char *const plan_names[PLAN_COUNT] = {
#define X(name, text) text,
    PLANS(X)
#undef X
};

const char *plan_name(enum plan plan)
{
    return plan < PLAN_COUNT ? plan_names[plan] : "";
}

static void release(struct table *table)
{
    mem_free(table->name);
    mem_free(table->condition);
    columns_release(&table->visible);
    columns_release(&table->hidden);
    memset(table, 0, sizeof *table);
}

void tables_release(struct tables *tables)
{
    for (size_t i = 0; i < tables->n; i++)
        release(&tables->v[i]);
    mem_free(tables->v);
    tables->v = NULL;
    tables->n = 0;
}

struct table *tables_add(struct tables *tables, struct str name, struct error *err)
{
    struct table *table = tables_begin(tables, name, err);
    if (table)
        tables_publish(tables);
    return table;
}

struct table *tables_begin(struct tables *tables, struct str name, struct error *err)
{
    size_t n = tables->n;
    if (n == TABLES_MAX) {
        error_set(err, ERROR_LIMIT, "more than %d tables", TABLES_MAX);
        return NULL;
    }
    if (!tables->v)
        tables->v = mem_alloc(TABLES_MAX, sizeof *tables->v, err);
    if (!tables->v)
        return NULL;
    tables->v[n].name = mem_copy(name.p, name.n, err);
    return tables->v[n].name ? &tables->v[n] : NULL;
}

void tables_publish(struct tables *tables)
{
    atomic_fetch_add(&tables->n, 1);
}

void tables_forget(struct tables *tables)
{
    release(&tables->v[tables->n]);
}

const struct table *tables_find(const struct tables *tables, struct str name, struct error *err)
{
    const char *names[TABLES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < tables->n; i++) {
        if (atomic_load(&tables->v[i].gone))
            continue;
        names[n] = tables->v[i].name;
        if (str_eq(name, str_of(names[n++])))
            return &tables->v[i];
    }
    const char *nearest = text_nearest(name, names, n);
    error_set(err, ERROR_NOT_FOUND, "Failed to resolve table or column expression named '%.*s'",
              (int) name.n, name.p);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    return NULL;
}

bool tables_is_secret(struct str column)
{
    return str_eq(column, STR("_ItemId")) || str_eq(column, STR("_TimeReceived")) ||
           str_eq(column, STR("_BilledSize")) || str_eq(column, STR("_IsBillable"));
}

bool tables_give(void *context, struct str name, struct columns *visible, struct columns *hidden,
                 struct error *err)
{
    const struct table *table = tables_find(context, name, err);
    return table && columns_copy(&table->visible, visible, err) &&
           columns_copy(&table->hidden, hidden, err);
}
