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

void tables_release(struct tables *tables)
{
    for (size_t i = 0; i < tables->n; i++) {
        mem_free(tables->v[i].name);
        mem_free(tables->v[i].condition);
        columns_release(&tables->v[i].visible);
        columns_release(&tables->v[i].hidden);
    }
    mem_free(tables->v);
    *tables = (struct tables){0};
}

struct table *tables_add(struct tables *tables, struct str name, struct error *err)
{
    if (!mem_reserve(&tables->v, &tables->room, tables->n, TABLES_MAX, sizeof *tables->v, err))
        return NULL;
    struct table *table = &tables->v[tables->n];
    *table = (struct table){.name = mem_copy(name.p, name.n, err)};
    if (!table->name)
        return NULL;
    tables->n++;
    return table;
}

const struct table *tables_find(const struct tables *tables, struct str name, struct error *err)
{
    const char *names[TABLES_MAX];
    for (size_t i = 0; i < tables->n; i++) {
        names[i] = tables->v[i].name;
        if (str_eq(name, str_of(names[i])))
            return &tables->v[i];
    }
    const char *nearest = text_nearest(name, names, tables->n);
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
