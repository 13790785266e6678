/* Facts: what Resource Manager tells of a table, and of what this identity may see (docs/service.md 5). */
#include "workspace/manager.h"

#include <stdio.h>
#include <strings.h>

enum {
    ASSIGNMENTS_PAGES_MAX = 50,
    RETENTION_MAX = 100000, /* days */
    KQL_ROOM = 4096
};
static const char TABLES_VERSION[] = "2022-10-01";
static const char ROLES_VERSION[] = "2022-04-01"; /* the first that tells conditions */
static const char SEARCH_TIMESPAN[] = "PT1M";     /* of a query that wants no row */

/* Plan and retention ----------------------------------------------------------------------------- */

const char *workspace_plan_text(enum workspace_plan plan)
{
    static const char *const texts[] = {
        [WORKSPACE_PLAN_UNKNOWN] = "unknown",
        [WORKSPACE_PLAN_ANALYTICS] = "Analytics",
        [WORKSPACE_PLAN_BASIC] = "Basic",
        [WORKSPACE_PLAN_AUXILIARY] = "Auxiliary",
    };
    return (size_t) plan < sizeof texts / sizeof texts[0] ? texts[plan] : "unknown";
}

static enum workspace_plan plan_of(const char *text)
{
    for (enum workspace_plan plan = WORKSPACE_PLAN_ANALYTICS; plan <= WORKSPACE_PLAN_AUXILIARY;
         plan++)
        if (text && strcasecmp(text, workspace_plan_text(plan)) == 0)
            return plan;
    return WORKSPACE_PLAN_UNKNOWN;
}

/* -1 stands for a default that is not told here. */
static uint32_t days_of(const json_t *properties, const char *name)
{
    json_int_t days = json_integer_value(json_object_get(properties, name));
    return days > 0 && days <= RETENTION_MAX ? (uint32_t) days : 0;
}

static bool get_table(const struct workspace *w, const char *table, json_t **out, struct error *err)
{
    struct azure_resources resources = manager_resources(w);
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    buf_put_str(&path, buf_str(&w->resource_id));
    buf_puts(&path, "/tables/");
    http_put_encoded(&path, str_of(table));
    bool ok = buf_ok(&path, "a table's name", err) &&
              azure_resource_get(&resources, buf_text(&path), TABLES_VERSION, out, err);
    buf_release(&path);
    return ok;
}

static void read_facts(const json_t *root, struct workspace_facts *out)
{
    const json_t *properties = json_object_get(root, "properties");
    out->known = json_is_object(properties);
    out->plan = plan_of(json_string_value(json_object_get(properties, "plan")));
    out->retention_days = days_of(properties, "retentionInDays");
    out->total_retention_days = days_of(properties, "totalRetentionInDays");
    if (!out->known)
        manager_explain(out->why, "Resource Manager's answer tells no properties of the table");
}

bool workspace_facts(struct workspace *w, const char *table, struct workspace_facts *out,
                     struct error *err)
{
    struct error failure = ERROR_INIT;
    json_t *root = NULL;
    *out = (struct workspace_facts){0};
    if (!manager_check_inside(w, err))
        return false;
    if (!manager_can_ask(w, out->why))
        return true;
    if (!get_table(w, table, &root, &failure))
        return manager_leaves_unknown(&failure, out->why) || error_pass(err, &failure);
    read_facts(root, out);
    json_decref(root);
    return true;
}

/* What the service itself says that we may not read ---------------------------------------------- */

static bool names_table(const json_t *list, const char *table)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name && strcasecmp(name, table) == 0)
            return true;
    }
    return false;
}

static bool any_denies(const json_t *list, const char *table)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (names_table(json_object_get(json_array_get(list, i), "denyTables"), table))
            return true;
    return false;
}

static bool is_denied(const json_t *root, const char *table)
{
    const json_t *resources = json_object_get(root, "resources");
    bool denied =
        any_denies(resources, table) || any_denies(json_object_get(root, "dataSources"), table);
    for (size_t i = 0; i < json_array_size(resources); i++)
        denied = denied ||
                 any_denies(json_object_get(json_array_get(resources, i), "dataSources"), table);
    return denied;
}

/* Permissions that are not told deny nothing; those that cannot be read may. */
static enum workspace_condition judge_permissions(struct str text, const char *table,
                                                  char why[WORKSPACE_WHY_MAX])
{
    if (text.n == 0 || str_eq(text, STR("null")))
        return WORKSPACE_CONDITION_NONE;
    json_t *root = json_loadb(text.p, text.n, 0, NULL);
    bool denied = is_denied(root, table);
    manager_explain(
        why, denied ? "the service lists the table among those that this identity may not read"
             : root ? ""
                    : "the service's list of permissions is too long");
    json_decref(root);
    return denied ? WORKSPACE_CONDITION_SOME
           : root ? WORKSPACE_CONDITION_NONE
                  : WORKSPACE_CONDITION_UNKNOWN;
}

/* A name in brackets takes JSON's escapes. */
static bool put_take_none(const char *table, struct buf *kql, struct error *err)
{
    buf_puts(kql, "[\"");
    text_put_json(kql, str_of(table));
    buf_puts(kql, "\"]\n| take 0");
    return buf_ok(kql, "a query", err);
}

/* A table that the one endpoint does not take is perhaps one of the other (Basic, Auxiliary). */
static bool ask_either(struct workspace *w, struct str kql, struct buf *permissions,
                       struct workspace_ask_one *one, struct error *err)
{
    struct workspace_table table;
    bool ok = true;
    *one = (struct workspace_ask_one){0};
    for (int search = 0; ok && !one->ok && search < 2; search++) {
        bool again = one->error.code == ERROR_KQL || one->error.code == ERROR_SERVICE;
        if (search && !again)
            break;
        *one = (struct workspace_ask_one){.kql = kql,
                                          .timespan = search ? SEARCH_TIMESPAN : NULL,
                                          .search = search == 1,
                                          .table = &table};
        ok = ask_permissions(w, one, permissions, err);
        workspace_table_release(&table);
    }
    one->table = NULL;
    return ok;
}

static bool ask_denied(struct workspace *w, const char *table, enum workspace_condition *out,
                       char why[WORKSPACE_WHY_MAX], struct error *err)
{
    struct buf kql = BUF_INIT(KQL_ROOM), permissions = BUF_INIT(RESPONSE_PERMISSIONS_MAX);
    struct workspace_ask_one one = {0};
    bool ok = put_take_none(table, &kql, err) &&
              ask_either(w, buf_str(&kql), &permissions, &one, err) &&
              buf_ok(&permissions, "permissions", err);
    if (ok && !one.ok)
        ok = manager_leaves_unknown(&one.error, why) || error_pass(err, &one.error);
    else if (ok)
        *out = judge_permissions(buf_str(&permissions), table, why);
    buf_release(&kql);
    buf_release(&permissions);
    return ok;
}

/* Role assignments ------------------------------------------------------------------------------- */

struct assignments {
    size_t seen, conditional;
};

static void count_assignments(const json_t *page, struct assignments *out)
{
    const json_t *list = json_object_get(page, "value");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *properties = json_object_get(json_array_get(list, i), "properties");
        const char *condition = json_string_value(json_object_get(properties, "condition"));
        out->seen++;
        out->conditional += condition && condition[0] != '\0';
    }
}

static bool read_assignments(const struct workspace *w, struct buf *path, struct assignments *out,
                             struct error *err)
{
    struct azure_resources resources = manager_resources(w);
    const char *version = ROLES_VERSION; /* which the address of a further page has already */
    for (size_t pages = 0; pages < ASSIGNMENTS_PAGES_MAX; pages++) {
        json_t *page = NULL;
        if (!azure_resource_get(&resources, buf_text(path), version, &page, err))
            return false;
        count_assignments(page, out);
        struct error why = ERROR_INIT;
        bool more = azure_resource_next(&resources, page, path, &why);
        json_decref(page);
        if (!more)
            return why.code == ERROR_NONE || error_pass(err, &why);
        version = NULL;
    }
    return error_set(err, ERROR_SERVICE, "there are more role assignments than can be read");
}

static bool put_assignments_path(const struct workspace *w, struct buf *path, struct error *err)
{
    struct azure_resources resources = manager_resources(w);
    struct azure_who who;
    const char *audience = resources.audience ? resources.audience : resources.endpoint;
    if (!azure_credential_who(w->credential, audience, &who, err))
        return false;
    if (!who.object[0])
        return error_set(err, ERROR_AUTH, "the token does not say which identity it is for (oid)");
    buf_put_str(path, buf_str(&w->resource_id));
    buf_printf(path, "/providers/Microsoft.Authorization/roleAssignments?$filter=assignedTo('%s')",
               who.object);
    return buf_ok(path, "the address of role assignments", err);
}

static void judge(const struct assignments *told, enum workspace_condition *out,
                  char why[WORKSPACE_WHY_MAX])
{
    *out = WORKSPACE_CONDITION_NONE;
    if (told->conditional > 0) {
        *out = WORKSPACE_CONDITION_SOME;
        (void) snprintf(why, WORKSPACE_WHY_MAX,
                        "%zu of %zu role assignments of this identity have a condition",
                        told->conditional, told->seen);
    } else if (told->seen == 0) {
        /* Such as those that another tenant's administrators gave: they are not listed. */
        *out = WORKSPACE_CONDITION_UNKNOWN;
        manager_explain(why, "Resource Manager lists no role assignment of this identity");
    }
}

static bool ask_assignments(const struct workspace *w, enum workspace_condition *out,
                            char why[WORKSPACE_WHY_MAX], struct error *err)
{
    struct buf path = BUF_INIT(AZURE_RESOURCE_PATH_MAX);
    struct error failure = ERROR_INIT;
    struct assignments told = {0};
    bool ok = true;
    bool whole =
        put_assignments_path(w, &path, &failure) && read_assignments(w, &path, &told, &failure);
    if (whole || told.conditional > 0) {
        judge(&told, out, why);
    } else {
        *out = WORKSPACE_CONDITION_UNKNOWN;
        ok = manager_leaves_unknown(&failure, why) || error_pass(err, &failure);
    }
    buf_release(&path);
    return ok;
}

bool workspace_conditions(struct workspace *w, const char *table, enum workspace_condition *out,
                          char why[WORKSPACE_WHY_MAX], struct error *err)
{
    *out = WORKSPACE_CONDITION_UNKNOWN;
    why[0] = '\0';
    if (!manager_check_inside(w, err))
        return false;
    /* Resource Manager first: it has no part in the limit of queries at once, which others may use up just
     * now. */
    if (manager_can_ask(w, why) && !ask_assignments(w, out, why, err))
        return false;
    if (*out == WORKSPACE_CONDITION_SOME)
        return true;
    enum workspace_condition denied = WORKSPACE_CONDITION_UNKNOWN;
    char denied_why[WORKSPACE_WHY_MAX] = "";
    if (!ask_denied(w, table, &denied, denied_why, err))
        return false;
    if (denied == WORKSPACE_CONDITION_NONE)
        return true;
    *out = denied;
    memcpy(why, denied_why, sizeof denied_why);
    return true;
}
