/* Rules: see rule.h. */
#include "workspace/rule.h"

#include "workspace/manager.h"

#include <stdio.h>
#include <strings.h>

static const char RULES_VERSION[] = "2020-08-01";

static bool names_table(const json_t *rule, const char *table)
{
    const json_t *names = json_object_get(json_object_get(rule, "properties"), "tableNames");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name && strcasecmp(name, table) == 0)
            return true;
    }
    return false;
}

/* The last part of .../storageAccounts/NAME; false for an event hub. */
static bool read_account(const json_t *properties, char out[WORKSPACE_RULE_ACCOUNT_MAX + 1])
{
    const json_t *destination = json_object_get(properties, "destination");
    const char *id = json_string_value(json_object_get(destination, "resourceId"));
    const char *type = json_string_value(json_object_get(destination, "type"));
    const char *at = id ? strcasestr(id, "/storageAccounts/") : NULL;
    if ((type && strcasecmp(type, "StorageAccount") != 0) || !at)
        return false;
    at += strlen("/storageAccounts/");
    (void) snprintf(out, WORKSPACE_RULE_ACCOUNT_MAX + 1, "%.*s", (int) strcspn(at, "/"), at);
    return true;
}

/* One rule as it is told; false when it is of another table or leads elsewhere. */
static bool read_rule(const json_t *rule, const char *table, struct workspace_rule *out)
{
    const json_t *properties = json_object_get(rule, "properties");
    const char *name = json_string_value(json_object_get(rule, "name"));
    const char *created = json_string_value(json_object_get(properties, "createdDate"));
    *out = (struct workspace_rule){.found = true};
    if (!names_table(rule, table) || !read_account(properties, out->account))
        return false;
    (void) snprintf(out->name, sizeof out->name, "%s", name ? name : "");
    out->enabled = json_is_true(json_object_get(properties, "enable"));
    if (!created || !tick_parse(str_of(created), &out->created))
        out->created = 0;
    return true;
}

/* Of two rules of a table: what is exported began with the older one, if it is still on. */
static bool is_better(const struct workspace_rule *a, const struct workspace_rule *b)
{
    if (!b->found || a->enabled != b->enabled)
        return !b->found || a->enabled;
    return a->created > 0 && (b->created == 0 || a->created < b->created);
}

static void choose(const json_t *root, const char *table, struct workspace_rule *out)
{
    const json_t *list = json_object_get(root, "value");
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < WORKSPACE_RULES_MAX; i++) {
        struct workspace_rule rule;
        if (read_rule(json_array_get(list, i), table, &rule) && is_better(&rule, out))
            *out = rule;
    }
    if (!out->found && n == 0)
        manager_explain(out->why, "the workspace has no data export rule");
    else if (!out->found && n == 1)
        (void) snprintf(out->why, sizeof out->why,
                        "the workspace's only data export rule does not export %s to a storage "
                        "account",
                        table);
    else if (!out->found)
        (void) snprintf(out->why, sizeof out->why,
                        "none of the workspace's %zu data export rules exports %s to a storage "
                        "account",
                        n, table);
}

bool workspace_rule(struct workspace *w, const char *table, struct workspace_rule *out,
                    struct error *err)
{
    struct error failure = ERROR_INIT;
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    json_t *root = NULL;
    *out = (struct workspace_rule){0};
    if (!manager_check_inside(w, err))
        return false;
    if (!manager_can_ask(w, out->why))
        return true;
    struct azure_resources resources = manager_resources(w);
    buf_put_str(&path, buf_str(&w->resource_id));
    buf_puts(&path, "/dataExports");
    bool ok = buf_ok(&path, "the address of data export rules", &failure) &&
              azure_resource_get(&resources, buf_text(&path), RULES_VERSION, &root, &failure);
    buf_release(&path);
    if (!ok)
        return manager_leaves_unknown(&failure, out->why) || error_pass(err, &failure);
    choose(root, table, out);
    json_decref(root);
    return true;
}
