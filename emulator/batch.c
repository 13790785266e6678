/* Batch: several requests in one (docs/service.md 1.6). The answers come in the reverse of the
 * order asked for: the service keeps none, and clients must not count on any. */

#include "emulator/reply.h"
#include "emulator/service.h"

#include "base/memory.h"

#include <jansson.h>

enum { BATCH_MAX = 100, BATCH_ID_MAX = 256 };

static bool refuse(struct server_reply *reply, const char *message)
{
    reply_bad(reply, "QueryValidationError", message);
    return false;
}

static bool is_whole(const json_t *list, size_t i)
{
    const json_t *one = json_array_get(list, i);
    const char *id = json_string_value(json_object_get(one, "id"));
    return id && strlen(id) < BATCH_ID_MAX && json_is_string(json_object_get(one, "path")) &&
           json_is_string(json_object_get(one, "workspace"));
}

static bool id_is_new(const json_t *list, size_t i)
{
    const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
    for (size_t other = 0; other < i; other++) {
        const json_t *one = json_array_get(list, other);
        if (strcmp(id, json_string_value(json_object_get(one, "id"))) == 0)
            return false;
    }
    return true;
}

/* The whole batch fails only for what is found here. */
static bool check(const json_t *list, struct server_reply *reply)
{
    if (!json_is_array(list) || json_array_size(list) == 0)
        return refuse(reply, "The body has no requests");
    if (json_array_size(list) > BATCH_MAX)
        return refuse(reply, "Too many requests in one batch");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!is_whole(list, i))
            return refuse(reply, "A request of the batch has no id, path or workspace");
        if (!id_is_new(list, i))
            return refuse(reply, "Two requests of the batch have one id");
    }
    return true;
}

static void answer_query(struct service *service, const json_t *one, const struct client *client,
                         struct server_reply *reply)
{
    char *body = json_dumps(json_object_get(one, "body"), JSON_COMPACT | JSON_ENCODE_ANY);
    const char *prefer =
        json_string_value(json_object_get(json_object_get(one, "headers"), "Prefer"));
    if (!prefer)
        prefer = json_string_value(json_object_get(json_object_get(one, "headers"), "prefer"));
    struct query_ask ask = {.prefer = prefer, .client = client};
    if (body)
        query_answer_body(service, str_of(body), &ask, reply);
    else
        reply_bad(reply, "QueryValidationError", "The request has no body");
    free(body);
}

static void answer_one(struct service *service, const json_t *one, const struct client *client,
                       struct server_reply *reply)
{
    const char *method = json_string_value(json_object_get(one, "method"));
    const char *path = json_string_value(json_object_get(one, "path"));
    struct str workspace = str_of(json_string_value(json_object_get(one, "workspace")));
    if (!str_eq_case(workspace, str_of(service->workspace)))
        reply_bad(reply, "FailedToResolveResource", "The workspace was not found");
    else if (strcmp(path, "/metadata") == 0)
        metadata_answer(service, reply);
    else if (strcmp(path, "/query") == 0 && method && strcmp(method, "POST") == 0)
        answer_query(service, one, client, reply);
    else
        reply_not_found(reply);
}

/* Puts one answer into the batch's. What only a connection can do to a reply (cut, stall) counts
 * for the whole batch; a body whose JSON ends early would spoil the others, so it is a failure of
 * its own. */
static void put_one(struct server_reply *all, const char *id, struct server_reply *one)
{
    if (one->ending != SERVER_WHOLE) {
        all->ending = one->ending;
        all->sent = all->body.used + one->sent;
    }
    buf_puts(&all->body, "{\"id\":\"");
    text_put_json(&all->body, str_of(id));
    buf_printf(&all->body, "\",\"status\":%d,\"headers\":{", one->status);
    if (one->content_type)
        buf_printf(&all->body, "\"Content-Type\":\"%s\"", one->content_type);
    if (one->retry_after >= 0)
        buf_printf(&all->body, "%s\"Retry-After\":\"%lld\"", one->content_type ? "," : "",
                   (long long) one->retry_after);
    buf_puts(&all->body, "},\"body\":");
    buf_put_str(&all->body, one->body.used > 0 ? buf_str(&one->body) : STR("\"\""));
    buf_putc(&all->body, '}');
}

void batch_answer(struct service *service, struct str body, const struct client *client,
                  struct server_reply *reply)
{
    json_t *ask = json_loadb(body.p, body.n, 0, NULL);
    const json_t *list = json_object_get(ask, "requests");
    if (!ask) {
        (void) refuse(reply, "Failed parsing the batch: the body is not JSON");
    } else if (check(list, reply)) {
        reply->status = 200;
        reply->content_type = REPLY_JSON;
        buf_puts(&reply->body, "{\"responses\":[");
        for (size_t i = json_array_size(list); i-- > 0;) {
            const json_t *one = json_array_get(list, i);
            struct server_reply inner = {.retry_after = -1};
            buf_init(&inner.body, reply->body.max);
            answer_one(service, one, client, &inner);
            put_one(reply, json_string_value(json_object_get(one, "id")), &inner);
            server_reply_done(&inner);
            buf_release(&inner.body);
            buf_puts(&reply->body, i > 0 ? "," : "]}");
        }
        if (reply->body.failed)
            reply_internal(reply, "The batch's answers are too long together");
    }
    json_decref(ask);
}
