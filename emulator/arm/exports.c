/* Export rules: GET, PUT and DELETE of /dataExports[/{name}] (docs/service.md 3.1). */

#include "emulator/exports.h"
#include "emulator/arm/ask.h"

#include "base/tick.h"
#include "emulator/reply.h"

static json_t *make_time(int64_t tick)
{
    char text[TICK_TEXT_MAX];
    (void) tick_format_full(tick, text);
    return json_string(text);
}

static bool is_hub(const char *destination)
{
    return strcasestr(destination, "/Microsoft.EventHub/") != NULL;
}

static json_t *make_rule(const struct service *service, const struct export_rule *rule)
{
    json_t *tables = json_array();
    for (size_t i = 0; i < rule->n; i++)
        (void) json_array_append_new(tables, json_string(rule->tables[i]));
    return json_pack("{s:s++, s:s, s:s, s:{s:s, s:o, s:b, s:o, s:o, s:{s:s, s:s}}}", "id",
                     service->resource_id, "/dataExports/", rule->name, "name", rule->name, "type",
                     "Microsoft.OperationalInsights/workspaces/dataExports", "properties",
                     "dataExportId", rule->id, "tableNames", tables, "enable", rule->enabled,
                     "createdDate", make_time(rule->created), "lastModifiedDate",
                     make_time(rule->modified), "destination", "resourceId", rule->destination,
                     "type", is_hub(rule->destination) ? "EventHub" : "StorageAccount");
}

struct listing {
    const struct service *service;
    struct str name; /* of the one that is wanted; empty: all */
    json_t *list;
};

static bool add(void *context, const struct export_rule *rule)
{
    struct listing *listing = context;
    if (listing->name.n == 0 || str_eq_case(listing->name, str_of(rule->name)))
        (void) json_array_append_new(listing->list, make_rule(listing->service, rule));
    return true;
}

static void answer(const struct arm_ask *ask, int status)
{
    struct listing listing = {ask->service, ask->rest, json_array()};
    exports_each(ask->service->exports, add, &listing);
    json_t *one = json_incref(json_array_get(listing.list, 0));
    if (ask->rest.n == 0)
        arm_reply(ask->reply, status, json_pack("{s:O}", "value", listing.list));
    else if (one)
        arm_reply(ask->reply, status, json_incref(one));
    else
        arm_refuse(ask->reply, 404, "ResourceNotFound", "The data export rule was not found.");
    json_decref(one);
    json_decref(listing.list);
}

static bool read_destination(const json_t *properties, struct export_ask *ask, struct error *err)
{
    const json_t *destination = json_object_get(properties, "destination");
    const char *id = json_string_value(json_object_get(destination, "resourceId"));
    ask->destination = str_of(id);
    return (id && (is_hub(id) || strcasestr(id, "/Microsoft.Storage/storageAccounts/"))) ||
           error_set(err, ERROR_USAGE,
                     "destination.resourceId is needed: a storage account or an event hub");
}

static bool read_tables(const json_t *list, struct str *tables, size_t *n, struct error *err)
{
    for (*n = 0; *n < json_array_size(list); ++*n) {
        const char *name = json_string_value(json_array_get(list, *n));
        if (!name || *n == EXPORT_TABLES_MAX)
            return error_set(err, ERROR_USAGE, "tableNames is a list of at most %d names",
                             EXPORT_TABLES_MAX);
        tables[*n] = str_of(name);
    }
    return true;
}

static bool put(const struct arm_ask *ask, const json_t *body, bool *made, struct error *err)
{
    struct str tables[EXPORT_TABLES_MAX];
    const json_t *properties = json_object_get(body, "properties");
    struct export_ask wanted = {.name = ask->rest, .tables = tables};
    wanted.enabled = !json_is_false(json_object_get(properties, "enable"));
    return read_destination(properties, &wanted, err) &&
           read_tables(json_object_get(properties, "tableNames"), tables, &wanted.n, err) &&
           exports_put(ask->service->exports, &wanted, service_now(ask->service), made, err);
}

static void refuse_rule(const struct arm_ask *ask, const struct error *err)
{
    if (err->code == ERROR_EXISTS)
        arm_refuse(ask->reply, 409, "Conflict", err->message);
    else if (err->code == ERROR_LIMIT || err->code == ERROR_USAGE)
        arm_refuse(ask->reply, 400, "BadRequest", err->message);
    else
        reply_internal(ask->reply, err->message);
}

static void answer_put(const struct arm_ask *ask)
{
    struct error err = ERROR_INIT;
    bool made = false;
    json_t *body = json_loadb(ask->request->body.p, ask->request->body.n, 0, NULL);
    if (put(ask, body, &made, &err))
        answer(ask, made ? 201 : 200);
    else
        refuse_rule(ask, &err);
    json_decref(body);
}

void arm_exports(const struct arm_ask *ask)
{
    const char *method = ask->request->method;
    if (!ask->service->exports)
        arm_refuse(ask->reply, 404, "ResourceNotFound", "There are no export rules.");
    else if (strcmp(method, "GET") == 0)
        answer(ask, 200);
    else if (strcmp(method, "PUT") == 0)
        answer_put(ask);
    else if (strcmp(method, "DELETE") != 0)
        arm_refuse(ask->reply, 405, "MethodNotAllowed", "A rule can be got, put and deleted.");
    else if (exports_delete(ask->service->exports, ask->rest))
        ask->reply->status = 200;
    else
        arm_refuse(ask->reply, 404, "ResourceNotFound", "The data export rule was not found.");
}
