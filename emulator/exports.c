/* Exports: the data export rules of the workspace. */

#include "emulator/exports.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>

struct exports {
    pthread_mutex_t lock;
    struct export_rule v[EXPORTS_MAX];
    size_t n;
};

static void release(struct export_rule *rule)
{
    for (size_t i = 0; i < rule->n; i++)
        mem_free(rule->tables[i]);
    mem_free(rule->tables);
    mem_free(rule->destination);
    *rule = (struct export_rule){0};
}

struct exports *exports_new(struct error *err)
{
    struct exports *exports = mem_alloc(1, sizeof *exports, err);
    if (exports && pthread_mutex_init(&exports->lock, NULL) != 0) {
        error_set(err, ERROR_MEMORY, "no mutex for the export rules");
        mem_free(exports);
        return NULL;
    }
    return exports;
}

void exports_free(struct exports *exports)
{
    if (!exports)
        return;
    for (size_t i = 0; i < exports->n; i++)
        release(&exports->v[i]);
    (void) pthread_mutex_destroy(&exports->lock);
    mem_free(exports);
}

/* ^[A-Za-z][A-Za-z0-9-]+[A-Za-z0-9]$, 4 to 63 characters. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9', inside = i > 0 && i + 1 < name.n;
        if (!letter && !(digit && i > 0) && !(c == '-' && inside))
            return false;
    }
    return name.n >= EXPORT_NAME_LEAST && name.n <= EXPORT_NAME_MAX;
}

static struct export_rule *find(struct exports *exports, struct str name)
{
    for (size_t i = 0; i < exports->n; i++) {
        if (str_eq_case(name, str_of(exports->v[i].name)))
            return &exports->v[i];
    }
    return NULL;
}

static bool check(const struct exports *exports, const struct export_ask *ask,
                  const struct export_rule *own, struct error *err)
{
    size_t active = 0;
    if (!is_name(ask->name))
        return error_set(
            err, ERROR_USAGE,
            "the name has 4 to 63 letters, digits and dashes, and begins with a letter");
    if (ask->n == 0 || ask->n > EXPORT_TABLES_MAX)
        return error_set(err, ERROR_USAGE, "tableNames is needed, with at most %d of them",
                         EXPORT_TABLES_MAX);
    for (size_t i = 0; i < exports->n; i++) {
        const struct export_rule *rule = &exports->v[i];
        if (rule == own)
            continue;
        active += rule->enabled;
        if (str_eq_case(ask->destination, str_of(rule->destination)))
            return error_set(err, ERROR_EXISTS, "the rule '%s' has that destination already",
                             rule->name);
    }
    if ((ask->enabled && active == EXPORTS_ACTIVE_MAX) || (!own && exports->n == EXPORTS_MAX))
        return error_set(err, ERROR_LIMIT, "a workspace has at most %d active rules",
                         EXPORTS_ACTIVE_MAX);
    return true;
}

static bool fill(const struct export_ask *ask, struct export_rule *rule, struct error *err)
{
    (void) snprintf(rule->name, sizeof rule->name, "%.*s", (int) ask->name.n, ask->name.p);
    rule->enabled = ask->enabled;
    rule->destination = mem_copy(ask->destination.p, ask->destination.n, err);
    rule->tables = rule->destination ? mem_alloc(ask->n, sizeof *rule->tables, err) : NULL;
    if (!rule->tables)
        return false;
    for (; rule->n < ask->n; rule->n++) {
        rule->tables[rule->n] = mem_copy(ask->tables[rule->n].p, ask->tables[rule->n].n, err);
        if (!rule->tables[rule->n])
            return false;
    }
    return true;
}

/* The caller holds the lock. */
static bool put(struct exports *exports, const struct export_ask *ask, int64_t now, bool *made,
                struct error *err)
{
    struct export_rule rule = {.created = now, .modified = now};
    struct export_rule *own = find(exports, ask->name);
    *made = !own;
    if (!check(exports, ask, own, err))
        return false;
    if (!random_guid(rule.id, err) || !fill(ask, &rule, err)) {
        release(&rule);
        return false;
    }
    if (own) {
        rule.created = own->created;
        memcpy(rule.id, own->id, sizeof rule.id);
        release(own);
        *own = rule;
    } else {
        exports->v[exports->n++] = rule;
    }
    return true;
}

bool exports_put(struct exports *exports, const struct export_ask *ask, int64_t now, bool *made,
                 struct error *err)
{
    (void) pthread_mutex_lock(&exports->lock);
    bool done = put(exports, ask, now, made, err);
    (void) pthread_mutex_unlock(&exports->lock);
    return done;
}

bool exports_delete(struct exports *exports, struct str name)
{
    (void) pthread_mutex_lock(&exports->lock);
    struct export_rule *rule = find(exports, name);
    if (rule) {
        release(rule);
        *rule = exports->v[--exports->n];
        exports->v[exports->n] = (struct export_rule){0};
    }
    (void) pthread_mutex_unlock(&exports->lock);
    return rule != NULL;
}

void exports_each(struct exports *exports,
                  bool (*fn)(void *context, const struct export_rule *rule), void *context)
{
    (void) pthread_mutex_lock(&exports->lock);
    bool on = true;
    for (size_t i = 0; on && i < exports->n; i++)
        on = fn(context, &exports->v[i]);
    (void) pthread_mutex_unlock(&exports->lock);
}

struct search {
    const char *table;
    int64_t created;
    bool found;
};

static bool look(void *context, const struct export_rule *rule)
{
    struct search *search = context;
    for (size_t i = 0; rule->enabled && i < rule->n; i++) {
        if (str_eq_case(str_of(rule->tables[i]), str_of(search->table)) &&
            (!search->found || rule->created < search->created)) {
            search->found = true;
            search->created = rule->created;
        }
    }
    return true;
}

bool exports_of(struct exports *exports, const char *table, int64_t *created)
{
    struct search search = {.table = table};
    exports_each(exports, look, &search);
    *created = search.created;
    return search.found;
}
