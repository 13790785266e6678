/* An import in place of another: see replace.h. */
#include "partition/replace.h"

#include "lake/day.h"
#include "lake/replaced.h"

enum {
    BATCH = 256, /* blobs that are deleted at once */
    LEVELS = 5   /* folders of a partition, which go with its last blob */
};

bool part_replace_find(const struct lake_imports *imports, const char *id, struct part_replace *out,
                       struct error *err)
{
    struct error why = ERROR_INIT;
    struct str want = str_of(id);
    *out = (struct part_replace){.old = lake_imports_named(imports, id, &why)};
    /* One that is gone stands in the record of that which took its place. */
    for (size_t i = 0; i < imports->n && !out->old && want.n > 0; i++)
        if (why.code == ERROR_NOT_FOUND && imports->v[i].replaces[0] &&
            str_starts(str_of(imports->v[i].replaces), want))
            out->by = &imports->v[i];
    if (!out->old && !out->by)
        return error_pass(err, &why);
    memcpy(out->id, out->old ? out->old->id : out->by->replaces, sizeof out->id);
    for (size_t i = 0; i < imports->n && out->old && out->old->dead; i++)
        if (imports->v[i].replaced == out->old->started &&
            strcmp(imports->v[i].replaces, out->old->id) == 0)
            out->by = &imports->v[i];
    return true;
}

bool part_replace_check(const struct part_replace *replace, const struct lake_import *import,
                        bool *done, struct error *err)
{
    *done = import && import == replace->by;
    if (*done || !replace->by)
        return true;
    (void) error_set(err, ERROR_SETTINGS, "import %s was replaced already, by import %s",
                     replace->id, replace->by->id);
    return error_hint(err, "--replace %s replaces what stands in its place", replace->by->id);
}

void part_replace_tell(const struct part_replace *replace, struct lake_import *import)
{
    const struct lake_import *old = replace->old;
    bool itself = strcmp(import->id, replace->id) == 0;
    if (itself && !old)
        return;
    memcpy(import->replaces, itself ? old->replaces : replace->id, sizeof import->replaces);
    if (itself)
        import->replaced = old->replaced;
    else
        import->replaced = old ? old->started : replace->by->replaced;
}

/* --- times --- */

static bool reads_by(const struct lake_import *import, const struct lake_from *rule)
{
    for (size_t i = 0; i < import->n_inputs; i++)
        if (lake_from_same(&import->inputs[i].time, rule))
            return true;
    return false;
}

size_t part_replace_rules(const struct lake_schema *schema, const struct lake_imports *imports,
                          const struct lake_import *old, struct lake_from out[LAKE_FROM_MAX])
{
    size_t n = 0;
    for (size_t r = 0; r < schema->n_from && n < LAKE_FROM_MAX; r++) {
        bool gone = false, needed = false;
        for (size_t i = 0; i < imports->n && !needed; i++) {
            const struct lake_import *import = &imports->v[i];
            bool counts = import != old && !import->dead;
            if ((counts || !gone) && reads_by(import, &schema->from[r])) {
                gone = gone || !counts;
                needed = counts;
            }
        }
        if (gone && !needed)
            out[n++] = schema->from[r];
    }
    return n;
}

static size_t count_dead(const struct lake_imports *imports)
{
    size_t n = 0;
    for (size_t i = 0; i < imports->n; i++)
        n += imports->v[i].dead;
    return n;
}

static bool drop_rules(struct store *store, const struct lake_place *place,
                       const struct lake_imports *imports, struct error *err)
{
    struct lake_schema schema;
    struct lake_from rules[LAKE_FROM_MAX];
    struct error why = ERROR_INIT;
    if (!lake_schema_read(store, place, &schema, &why))
        return why.code == ERROR_NOT_FOUND || error_pass(err, &why);
    const struct lake_from_change change = {
        .drop = rules, .n_drop = part_replace_rules(&schema, imports, NULL, rules)};
    bool ok = change.n_drop == 0 || lake_schema_update_from(store, place, schema.query,
                                                            &schema.columns, &change, NULL, err);
    lake_schema_release(&schema);
    return ok;
}

bool part_replace_settle(struct store *store, const struct lake_place *place,
                         const struct lake_imports *imports, struct error *err)
{
    return count_dead(imports) == 0 ||
           (store_sync(store, err) && drop_rules(store, place, imports, err));
}

/* --- removing --- */

/* Parts `from` to `to` of an import. */
static bool remove_some_blobs(struct store *store, const struct lake_place *place,
                              const struct lake_import *import, size_t from, size_t to,
                              struct part_replaced *out, struct error *err)
{
    struct store_unwanted unwanted[BATCH];
    struct buf name = BUF_INIT(LAKE_NAME_MAX), names = BUF_INIT(BATCH * LAKE_NAME_MAX);
    for (size_t i = from; i < to; i++) {
        lake_import_name(&name, place, import->parts[i].partition, import->id);
        buf_put(&names, buf_text(&name), name.used + 1);
        names.failed = names.failed || name.failed;
    }
    const char *at = buf_text(&names);
    bool ok = buf_ok(&names, "the names of blobs", err);
    for (size_t i = 0; ok && i < to - from; at += strlen(at) + 1)
        unwanted[i++] = (struct store_unwanted){.name = at, .folders = LEVELS};
    bool deleted = ok && store_delete_many(store, unwanted, to - from, err);
    for (size_t i = 0; ok && i < to - from; i++)
        out->blobs += unwanted[i].fate == STORE_GONE;
    buf_release(&name);
    buf_release(&names);
    return deleted;
}

static bool remove_blobs(struct store *store, const struct lake_place *place,
                         const struct stop *stop, const struct lake_import *import,
                         struct part_replaced *out, struct error *err)
{
    for (size_t from = 0, to; from < import->n_parts; from = to) {
        to = import->n_parts - from > BATCH ? from + BATCH : import->n_parts;
        if (stop_asked(stop))
            return error_set(err, ERROR_INTERRUPTED, "interrupted");
        if (!remove_some_blobs(store, place, import, from, to, out, err))
            return false;
    }
    return true;
}

/* Whether one of blobs and records cannot be deleted: then both stay, since a record without its blobs would be a finding. */
static bool is_kept(struct store *store, const struct lake_place *place, bool *kept,
                    struct error *err)
{
    struct buf blobs = BUF_INIT(LAKE_NAME_MAX), records = BUF_INIT(LAKE_NAME_MAX);
    bool own = false;
    lake_table_prefix(&blobs, place);
    lake_days_prefix(&records, place); /* of the same container */
    bool ok = buf_ok(&blobs, "the name of a folder", err) &&
              buf_ok(&records, "the name of a folder", err) &&
              store_immutable(store, buf_text(&blobs), kept, err) &&
              store_immutable(store, buf_text(&records), &own, err);
    *kept = *kept || own;
    buf_release(&blobs);
    buf_release(&records);
    return ok;
}

/* Whether one that is there was replaced by this one, which is all that says so. */
static bool holds_another(const struct lake_imports *imports, const struct lake_import *import)
{
    const struct lake_import *old = lake_imports_find(imports, str_of(import->replaces));
    return old && old->started == import->replaced;
}

/* Removes the dead that hold no other; none: there are none. */
static bool remove_some(struct store *store, const struct lake_place *place,
                        const struct stop *stop, struct part_replaced *out, bool *none,
                        struct error *err)
{
    struct lake_imports imports;
    size_t before = out->imports;
    bool ok = lake_imports_read(store, place, LAKE_IMPORTS_WHOLE, &imports, err);
    for (size_t i = 0; ok && i < imports.n; i++) {
        const struct lake_import *import = &imports.v[i];
        if (!import->dead || holds_another(&imports, import))
            continue;
        ok = lake_days_replace(store, place, import, err) &&
             remove_blobs(store, place, stop, import, out, err) &&
             lake_import_remove(store, place, import->id, err);
        out->imports += ok;
    }
    *none = out->imports == before;
    lake_imports_release(&imports);
    return ok;
}

/* How many are dead, whose rules are gone then; whether they can be removed. */
static bool look(struct store *store, const struct lake_place *place, size_t *dead, bool *kept,
                 struct error *err)
{
    struct lake_imports imports;
    *dead = 0;
    *kept = false;
    bool ok = lake_imports_read(store, place, LAKE_IMPORTS_HEADS, &imports, err) &&
              part_replace_settle(store, place, &imports, err);
    if (ok)
        *dead = count_dead(&imports);
    lake_imports_release(&imports);
    return ok && (*dead == 0 || is_kept(store, place, kept, err));
}

bool part_replace_finish(struct store *store, const struct lake_place *place,
                         const struct stop *stop, struct part_replaced *out, struct error *err)
{
    size_t dead;
    bool kept, none = false;
    *out = (struct part_replaced){0};
    if (!look(store, place, &dead, &kept, err))
        return false;
    out->kept = kept ? dead : 0;
    bool ok = true;
    while (ok && !none && out->imports < dead && !kept)
        ok = remove_some(store, place, stop, out, &none, err);
    return ok;
}
