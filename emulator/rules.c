/* Rules: what options say of single tables. */

#include "emulator/rules.h"

#include "base/memory.h"
#include "base/tick.h"
#include "emulator/sight.h"

static struct table *find(struct tables *tables, const char *option, struct str name,
                          struct error *err)
{
    for (size_t i = 0; i < tables->n; i++) {
        if (str_eq(name, str_of(tables->v[i].name)))
            return &tables->v[i];
    }
    struct error unknown = ERROR_INIT;
    (void) tables_find(tables, name, &unknown);
    (void) error_set(err, ERROR_USAGE, "--%s: there is no table '%.*s'", option, (int) name.n,
                     name.p);
    if (unknown.hint[0])
        (void) error_hint(err, "%s", unknown.hint);
    return NULL;
}

/* Hands each "Table=value" to `set`. */
static bool read_pairs(const char *text, const char *option, struct tables *tables,
                       bool (*set)(struct table *table, struct str value, struct error *err),
                       struct error *err)
{
    struct str rest = str_of(text), part;
    while (text && str_split(&rest, ',', &part)) {
        struct str value = part, name;
        (void) str_split(&value, '=', &name);
        if (!value.p)
            return error_set(err, ERROR_USAGE, "--%s: '%.*s' is not TABLE=VALUE", option,
                             (int) part.n, part.p);
        struct table *table = find(tables, option, str_trim(name), err);
        if (!table || !set(table, str_trim(value), err))
            return false;
    }
    return true;
}

static bool set_plan(struct table *table, struct str value, struct error *err)
{
    for (int p = 0; p < PLAN_COUNT; p++) {
        if (str_eq_case(value, str_of(plan_name((enum plan) p)))) {
            table->plan = (enum plan) p;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--plan: '%.*s' is not Analytics, Basic or Auxiliary",
                     (int) value.n, value.p);
}

static bool read_age(const char *option, struct str value, int64_t *out, struct error *err)
{
    if (duration_parse(value, out) && *out > 0)
        return true;
    return error_set(err, ERROR_USAGE, "--%s: '%.*s' is not a duration such as 30d", option,
                     (int) value.n, value.p);
}

static bool set_retention(struct table *table, struct str value, struct error *err)
{
    return read_age("retention", value, &table->retention, err);
}

static bool set_total(struct table *table, struct str value, struct error *err)
{
    return read_age("total-retention", value, &table->total, err);
}

/* Up to the next `;` that does not stand in a string. False at the end. */
static bool next_condition(struct str *rest, struct str *part)
{
    char quote = '\0';
    size_t i = 0;
    if (rest->n == 0)
        return false;
    for (; i < rest->n && (quote || rest->p[i] != ';'); i++) {
        char c = rest->p[i];
        if (quote && c == '\\')
            i++;
        else if (quote)
            quote = c == quote ? '\0' : quote;
        else if (c == '"' || c == '\'')
            quote = c;
    }
    i = i < rest->n ? i : rest->n;
    *part = str_trim((struct str){rest->p, i});
    size_t skip = i < rest->n ? i + 1 : i;
    *rest = (struct str){rest->p + skip, rest->n - skip};
    return true;
}

static bool set_condition(struct tables *tables, struct str text, struct error *err)
{
    size_t n = 0;
    while (n < text.n && text.p[n] != ' ' && text.p[n] != '|' && text.p[n] != '\n')
        n++;
    struct table *table = find(tables, "condition", (struct str){text.p, n}, err);
    if (!table)
        return false;
    if (table->condition)
        return error_set(err, ERROR_USAGE, "--condition: '%s' is there twice", table->name);
    table->condition = mem_copy(text.p, text.n, err);
    return table->condition &&
           (sight_check_condition(table, err) || error_prefix(err, "--condition"));
}

bool rules_apply(const struct rules *rules, struct tables *tables, struct error *err)
{
    if (!read_pairs(rules->plans, "plan", tables, set_plan, err) ||
        !read_pairs(rules->retentions, "retention", tables, set_retention, err) ||
        !read_pairs(rules->totals, "total-retention", tables, set_total, err))
        return false;
    struct str rest = str_of(rules->denied), part;
    while (rules->denied && str_split(&rest, ',', &part)) {
        struct table *table = find(tables, "deny", str_trim(part), err);
        if (!table)
            return false;
        table->denied = true;
    }
    rest = str_of(rules->conditions);
    while (next_condition(&rest, &part)) {
        if (part.n > 0 && !set_condition(tables, part, err))
            return false;
    }
    return true;
}
