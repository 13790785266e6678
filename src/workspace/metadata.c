/* Metadata: the tables of a workspace and their columns (docs/service.md 1.9). */
#include "workspace/intern.h"

#include "base/memory.h"
#include "base/tick.h"

#include <jansson.h>
#include <strings.h>

enum { SCHEMAS_MAX = 100000, TURN_MS = 100 };
static const double NANOSECONDS = 1e9;

/* Reading ---------------------------------------------------------------------------------------- */

static bool copy_member(const json_t *object, const char *name, char **out, struct error *err)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        return true;
    *out = mem_copy(text, strlen(text), err);
    return *out != NULL;
}

/* A type that we do not know spoils no other table: where it matters, the answer to a query says it. */
static bool read_column(const json_t *from, struct workspace_schema *to, struct error *err)
{
    const char *name = json_string_value(json_object_get(from, "name"));
    const char *type = json_string_value(json_object_get(from, "type"));
    enum column_type parsed = COLUMN_STRING;
    if (!name || !type)
        return error_set(err, ERROR_FORMAT, "the metadata has a column of %s without name or type",
                         to->name);
    (void) column_type_parse(str_of(type), &parsed);
    return columns_add(&to->columns, str_of(name), parsed, err);
}

static bool has_datetime(const struct workspace_schema *schema, const char *name)
{
    int index = columns_find(&schema->columns, str_of(name));
    return index >= 0 && schema->columns.v[index].type == COLUMN_DATETIME;
}

static bool read_time_column(const json_t *from, struct workspace_schema *to, struct error *err)
{
    const char *name = json_string_value(json_object_get(from, "timespanColumn"));
    if (!name || !has_datetime(to, name))
        name = has_datetime(to, "TimeGenerated") ? "TimeGenerated" : NULL;
    if (!name)
        return true;
    to->time_column = mem_copy(name, strlen(name), err);
    return to->time_column != NULL;
}

static bool read_table(const json_t *from, struct workspace_schemas *out, struct error *err)
{
    if (!mem_reserve(&out->v, &out->room, out->n, SCHEMAS_MAX, sizeof *out->v, err))
        return false;
    struct workspace_schema *to = &out->v[out->n++];
    *to = (struct workspace_schema){0};
    if (!copy_member(from, "name", &to->name, err))
        return false;
    if (!to->name)
        return error_set(err, ERROR_FORMAT, "the metadata has a table without a name");
    const json_t *columns = json_object_get(from, "columns");
    for (size_t i = 0; i < json_array_size(columns); i++)
        if (!read_column(json_array_get(columns, i), to, err))
            return false;
    return read_time_column(from, to, err);
}

/* The workspace itself is the one of our id, or the only one. */
static const json_t *find_self(const json_t *list, const char *id)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *entry_id = json_string_value(json_object_get(entry, "id"));
        if (entry_id && strcasecmp(entry_id, id) == 0)
            return entry;
    }
    return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
}

static bool read_root(const json_t *root, const char *id, struct workspace_schemas *out,
                      struct error *err)
{
    const json_t *tables = json_object_get(root, "tables");
    const json_t *self = find_self(json_object_get(root, "workspaces"), id);
    if (!json_is_array(tables))
        return error_set(err, ERROR_FORMAT, "the metadata names no tables");
    for (size_t i = 0; i < json_array_size(tables); i++)
        if (!read_table(json_array_get(tables, i), out, err))
            return false;
    return copy_member(self, "name", &out->name, err) &&
           copy_member(self, "resourceId", &out->resource_id, err) &&
           copy_member(self, "region", &out->region, err);
}

static bool read_metadata(struct str text, const char *id, struct workspace_schemas *out,
                          struct error *err)
{
    json_error_t where;
    json_t *root = json_loadb(text.n > 0 ? text.p : "", text.n, 0, &where);
    bool ok =
        root ? read_root(root, id, out, err)
             : error_set(err, ERROR_FORMAT, "the metadata is not JSON, at byte %d", where.position);
    json_decref(root);
    return ok;
}

/* Asking ----------------------------------------------------------------------------------------- */

/* The metadata counts as a request for the rate; it waits for its turn among the queries. */
static bool wait_for_turn(struct workspace *w, struct error *err)
{
    for (;;) {
        uint64_t wait = http_pace_wait(&w->pace, LANE_QUERY, clock_ns());
        if (wait == 0)
            return true;
        double seconds = (double) wait / NANOSECONDS, turn = TURN_MS / 1000.0;
        if (!workspace_pause(w, seconds < turn ? seconds : turn, err))
            return false;
    }
}

static bool call(struct workspace *w, struct buf *body, int *status, struct error *err)
{
    struct http_request request;
    struct request_texts texts = {0};
    bool ok = wait_for_turn(w, err) && request_make(w, NULL, &request, &texts, err);
    if (ok) {
        request.method = "GET";
        request.url = buf_text(&w->metadata_url);
        http_pace_started(&w->pace, LANE_QUERY, clock_ns());
        ok = http_call(w->http, &request, body, status, err);
        http_pace_ended(&w->pace, LANE_QUERY);
    }
    request_texts_release(&texts);
    return ok;
}

static bool ask(struct workspace *w, struct buf *body, struct error *err)
{
    for (unsigned renewals = 0;; renewals++) {
        struct verdict verdict;
        int status = 0;
        if (!call(w, body, &status, err))
            return false;
        w->reached = true;
        if (status == 200)
            return true;
        if (status == 204)
            return error_set(err, ERROR_NOT_FOUND, "the workspace holds no data yet");
        verdict_of_status(status, buf_str(body), &verdict);
        if (!verdict.token || renewals >= WORKSPACE_TOKEN_RENEWALS) {
            return error_pass(err, &verdict.error);
        }
        azure_credential_refused(w->credential, buf_text(&w->audience));
        w->generation++;
        w->load.retried++;
    }
}

bool workspace_metadata(struct workspace *w, struct workspace_schemas *out, struct error *err)
{
    struct buf body = BUF_INIT(WORKSPACE_METADATA_MAX);
    *out = (struct workspace_schemas){0};
    if (w->inside)
        return error_set(err, ERROR_INTERNAL,
                         "the workspace was asked from a call-back of its own");
    bool ok = ask(w, &body, err) && read_metadata(buf_str(&body), w->id, out, err);
    if (!ok)
        workspace_schemas_release(out);
    buf_release(&body);
    return ok;
}

void workspace_schemas_release(struct workspace_schemas *schemas)
{
    for (size_t i = 0; i < schemas->n; i++) {
        mem_free(schemas->v[i].name);
        mem_free(schemas->v[i].time_column);
        columns_release(&schemas->v[i].columns);
    }
    mem_free(schemas->v);
    mem_free(schemas->name);
    mem_free(schemas->resource_id);
    mem_free(schemas->region);
    *schemas = (struct workspace_schemas){0};
}

const struct workspace_schema *workspace_schema_find(const struct workspace_schemas *schemas,
                                                     const char *name)
{
    for (size_t i = 0; i < schemas->n; i++)
        if (strcmp(schemas->v[i].name, name) == 0)
            return &schemas->v[i];
    return NULL;
}
