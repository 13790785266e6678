/* Resources: see resource.h. */
#include "azure/resource.h"

#include "base/memory.h"

#include <strings.h>

enum {
    URL_MAX = 12 * 1024,
    SHOWN_MAX = 400,
    SCOPE_MAX = 256,
    BODY_MAX = 1024 * 1024 /* bytes of what is put */
};

static const char READ_HINT[] =
    "the role 'Reader' (of a workspace: 'Log Analytics Reader') on %.*s is "
    "needed; a new role can take up to 60 min until it counts";

static const char WRITE_HINT[] =
    "the role 'Contributor' (of a workspace: 'Log Analytics Contributor') on %.*s is "
    "needed; a new role can take up to 60 min until it counts";

static struct str endpoint_of(const struct azure_resources *resources)
{
    struct str endpoint = str_of(resources->endpoint);
    while (endpoint.n > 0 && endpoint.p[endpoint.n - 1] == '/')
        endpoint.n--;
    return endpoint;
}

static const char *audience_of(const struct azure_resources *resources)
{
    return resources->audience ? resources->audience : resources->endpoint;
}

/* A path is put together from settings and names: nothing in it may end it early. */
static bool check_path(const char *path, struct error *err)
{
    struct str s = str_of(path);
    bool plain = s.n > 0 && s.n <= AZURE_RESOURCE_PATH_MAX && s.p[0] == '/';
    for (size_t i = 0; plain && i < s.n; i++)
        plain = s.p[i] > ' ' && s.p[i] <= '~' && s.p[i] != '#';
    return plain || error_set(err, ERROR_SETTINGS, "a resource's path that cannot be sent");
}

/* The resource itself, for people: without the query and what the provider of roles adds. */
static struct str scope_of(const char *path)
{
    static const char roles[] = "/providers/Microsoft.Authorization/";
    struct str scope = {path, strcspn(path, "?")};
    const char *end = memmem(scope.p, scope.n, roles, sizeof roles - 1);
    if (end)
        scope.n = (size_t) (end - scope.p);
    if (scope.n > SCOPE_MAX)
        scope.n = SCOPE_MAX;
    return scope;
}

static enum error_code code_of(int status)
{
    return status == 401 || status == 403   ? ERROR_AUTH
           : status == 404                  ? ERROR_NOT_FOUND
           : status == 409                  ? ERROR_EXISTS
           : status == 429                  ? ERROR_THROTTLED
           : status == 408 || status == 504 ? ERROR_TIMEOUT
                                            : ERROR_SERVICE;
}

static void hint_role(struct error *err, const char *hint, struct str scope)
{
    if (hint == READ_HINT)
        (void) error_hint(err, READ_HINT, (int) scope.n, scope.p);
    else
        (void) error_hint(err, WRITE_HINT, (int) scope.n, scope.p);
}

static bool refuse(const struct azure_resources *resources, const char *path, const char *hint,
                   int status, const struct buf *body, struct error *err)
{
    struct str scope = scope_of(path);
    json_t *root = json_loadb(body->used > 0 ? body->bytes : "", body->used, 0, NULL);
    const json_t *said = json_object_get(root, "error");
    const char *code = json_string_value(json_object_get(said, "code"));
    const char *message = json_string_value(json_object_get(said, "message"));
    if (message && azure_credential_within(resources->credential, str_of(message)))
        message = NULL;
    (void) error_set(err, code_of(status), "Resource Manager refuses %.*s (status %d%s%.*s)%s%.*s",
                     (int) scope.n, scope.p, status, code ? ", " : "", SHOWN_MAX, code ? code : "",
                     message ? ": " : "", SHOWN_MAX, message ? message : "");
    json_decref(root);
    if (status == 403)
        hint_role(err, hint, scope);
    else if (status == 401)
        (void) error_hint(err,
                          "a new token was refused too: is the audience '%s' the one of the "
                          "endpoint's cloud?",
                          audience_of(resources));
    return false;
}

/* The answer's object; NULL where the body is empty and that is `fine`. */
static bool read_object(const char *path, const struct buf *body, bool fine, json_t **out,
                        struct error *err)
{
    json_error_t where;
    *out = NULL;
    if (fine && str_trim(buf_str(body)).n == 0)
        return true;
    *out = json_loadb(body->used > 0 ? body->bytes : "", body->used, 0, &where);
    if (json_is_object(*out))
        return true;
    json_decref(*out);
    *out = NULL;
    struct str scope = scope_of(path);
    return error_set(err, ERROR_FORMAT, "Resource Manager's answer for %.*s is no JSON object",
                     (int) scope.n, scope.p);
}

/* One request as it is sent: what differs between them. */
struct sending {
    const char *method, *path, *version; /* version: NULL when the path has it */
    struct str body;
};

static bool call(const struct azure_resources *resources, const struct sending *sending,
                 const char *url, struct buf *body, struct http_reply *reply, struct error *err)
{
    struct secret header = SECRET_INIT;
    bool ok = secret_init(&header, AZURE_HEADER_MAX, err) &&
              azure_credential_header(resources->credential, audience_of(resources),
                                      secret_buf(&header), err);
    struct http_request request = {
        .method = sending->method,
        .url = url,
        .headers = {secret_str(&header).p, "Accept: application/json",
                    sending->body.n > 0 ? "Content-Type: application/json" : NULL},
        .body = sending->body,
    };
    ok = ok && http_call_with(resources->http, &request, body, reply, err);
    secret_release(&header);
    return ok;
}

static bool put_url(const struct azure_resources *resources, const char *path,
                    const char *api_version, struct buf *url, struct error *err)
{
    buf_put_str(url, endpoint_of(resources));
    buf_puts(url, path);
    if (api_version) {
        buf_puts(url, strchr(path, '?') ? "&api-version=" : "?api-version=");
        http_put_encoded(url, str_of(api_version));
    }
    return buf_ok(url, "a resource's address", err);
}

/* Sends it, once more with a new token when that is refused. */
static bool ask(const struct azure_resources *resources, const struct sending *sending,
                struct buf *body, struct http_reply *reply, struct error *err)
{
    struct buf url = BUF_INIT(URL_MAX);
    bool ok = check_path(sending->path, err) &&
              put_url(resources, sending->path, sending->version, &url, err) &&
              call(resources, sending, buf_text(&url), body, reply, err);
    if (ok && reply->status == 401) {
        azure_credential_refused(resources->credential, audience_of(resources));
        ok = call(resources, sending, buf_text(&url), body, reply, err);
    }
    buf_release(&url);
    return ok;
}

bool azure_resource_get(const struct azure_resources *resources, const char *path,
                        const char *api_version, json_t **out, struct error *err)
{
    struct buf body = BUF_INIT(AZURE_RESOURCE_ANSWER_MAX);
    struct sending sending = {.path = path, .version = api_version};
    struct http_reply reply;
    *out = NULL;
    http_reply_init(&reply);
    bool ok = ask(resources, &sending, &body, &reply, err);
    if (ok && reply.status != 200)
        ok = refuse(resources, path, READ_HINT, reply.status, &body, err);
    ok = ok && read_object(path, &body, false, out, err);
    http_reply_release(&reply);
    buf_release(&body);
    return ok;
}

/* --- changes --- */

void azure_operation_release(struct azure_operation *operation)
{
    mem_free(operation->path);
    *operation = (struct azure_operation){0};
}

/* The path of an address at the endpoint: a token does not follow to another place. */
static bool at_endpoint(const struct azure_resources *resources, struct str address,
                        struct str *path)
{
    struct str endpoint = endpoint_of(resources);
    if (address.n <= endpoint.n || address.p[endpoint.n] != '/' ||
        !str_eq_case((struct str){address.p, endpoint.n}, endpoint))
        return false;
    *path = (struct str){address.p + endpoint.n, address.n - endpoint.n};
    return true;
}

static bool note_path(struct azure_operation *operation, enum azure_operation_by by,
                      struct str path, const char *version, struct error *err)
{
    char *copy = mem_copy(path.p, path.n, err);
    if (!copy)
        return false;
    mem_free(operation->path);
    operation->path = copy;
    operation->version = version;
    operation->by = by;
    return true;
}

static bool note_address(const struct azure_resources *resources, struct azure_operation *operation,
                         enum azure_operation_by by, struct str address, struct error *err)
{
    struct str path;
    if (!at_endpoint(resources, address, &path))
        return error_set(err, ERROR_FORMAT,
                         "Resource Manager tells of an operation at another place");
    return note_path(operation, by, path, NULL, err);
}

static const char *state_of(const json_t *resource)
{
    return json_string_value(
        json_object_get(json_object_get(resource, "properties"), "provisioningState"));
}

/* A state that no other follows; one that is not told is one. */
static bool is_final(const char *state)
{
    static const char *const final[] = {
        "Succeeded", "Failed", "Canceled", "Cancelled", "PartiallySucceeded", "PartialSuccess"};
    for (size_t i = 0; state && i < sizeof final / sizeof final[0]; i++)
        if (strcasecmp(state, final[i]) == 0)
            return true;
    return !state;
}

/* What the answer to a change says of what goes on. */
static bool note_operation(const struct azure_resources *resources, const struct sending *sending,
                           const struct http_reply *reply, const json_t *resource,
                           struct azure_operation *operation, struct error *err)
{
    struct str async = http_reply_header(reply, "Azure-AsyncOperation");
    struct str location = http_reply_header(reply, "Location");
    operation->retry_after = reply->retry_after;
    operation->leaving = strcmp(sending->method, "DELETE") == 0;
    if (async.n > 0)
        return note_address(resources, operation, AZURE_OPERATION_ASYNC, async, err);
    if (location.n > 0 && reply->status == 202)
        return note_address(resources, operation, AZURE_OPERATION_LOCATION, location, err);
    if (reply->status == 202 || (resource && !is_final(state_of(resource))))
        return note_path(operation, AZURE_OPERATION_RESOURCE, str_of(sending->path),
                         sending->version, err);
    return true;
}

/* Makes a change; *resource is what was answered, or NULL. */
static bool change(const struct azure_resources *resources, const struct sending *sending,
                   struct azure_operation *operation, json_t **resource, struct error *err)
{
    struct buf body = BUF_INIT(AZURE_RESOURCE_ANSWER_MAX);
    struct http_reply reply;
    *operation = (struct azure_operation){.retry_after = -1};
    *resource = NULL;
    http_reply_init(&reply);
    bool ok = ask(resources, sending, &body, &reply, err);
    bool gone = strcmp(sending->method, "DELETE") == 0 && reply.status == 404;
    if (ok && !gone && (reply.status < 200 || reply.status > 299))
        ok = refuse(resources, sending->path, WRITE_HINT, reply.status, &body, err);
    if (ok && !gone)
        ok = read_object(sending->path, &body, true, resource, err) &&
             note_operation(resources, sending, &reply, *resource, operation, err);
    if (!ok) {
        azure_operation_release(operation);
        json_decref(*resource);
        *resource = NULL;
    }
    http_reply_release(&reply);
    buf_release(&body);
    return ok;
}

bool azure_resource_put(const struct azure_resources *resources, const char *path,
                        const char *api_version, const json_t *body,
                        struct azure_operation *operation, json_t **out, struct error *err)
{
    json_t *resource = NULL;
    char *text = json_dumps(body, JSON_COMPACT);
    struct sending sending = {
        .method = "PUT", .path = path, .version = api_version, .body = str_of(text)};
    bool ok =
        text ? sending.body.n <= BODY_MAX || error_set(err, ERROR_LIMIT, "what is put is too long")
             : error_set(err, ERROR_MEMORY, "no memory for what is put");
    *operation = (struct azure_operation){0};
    ok = ok && change(resources, &sending, operation, &resource, err);
    free(text);
    if (out)
        *out = resource;
    else
        json_decref(resource);
    return ok;
}

bool azure_resource_delete(const struct azure_resources *resources, const char *path,
                           const char *api_version, struct azure_operation *operation,
                           struct error *err)
{
    json_t *resource;
    struct sending sending = {.method = "DELETE", .path = path, .version = api_version};
    bool ok = change(resources, &sending, operation, &resource, err);
    json_decref(resource);
    return ok;
}

/* The end of an operation as its body tells it: {"status":"Failed","error":{code,message}}. */
static bool judge(const char *path, const char *state, const json_t *root, bool *ended,
                  struct error *err)
{
    const json_t *said = json_object_get(root, "error");
    const char *code = json_string_value(json_object_get(said, "code"));
    const char *message = json_string_value(json_object_get(said, "message"));
    struct str scope = scope_of(path);
    *ended = is_final(state);
    if (!*ended || !state ||
        (strcasecmp(state, "Failed") != 0 && strncasecmp(state, "Cancel", 6) != 0))
        return true;
    return error_set(err, ERROR_SERVICE, "Resource Manager tells of %.*s: %.40s%s%.*s%s%.*s",
                     (int) scope.n, scope.p, state, code ? ", " : "", SHOWN_MAX, code ? code : "",
                     message ? ": " : "", SHOWN_MAX, message ? message : "");
}

static bool judge_reply(const struct azure_operation *operation, const struct http_reply *reply,
                        const struct buf *body, bool *ended, struct error *err)
{
    json_t *root = NULL;
    if (operation->by == AZURE_OPERATION_LOCATION) {
        *ended = reply->status != 202;
        return true;
    }
    if (!read_object(operation->path, body, false, &root, err))
        return false;
    const char *state = operation->by == AZURE_OPERATION_ASYNC
                            ? json_string_value(json_object_get(root, "status"))
                            : state_of(root);
    bool ok = judge(operation->path, state, root, ended, err);
    if (operation->leaving && operation->by == AZURE_OPERATION_RESOURCE)
        *ended = false; /* it is there */
    json_decref(root);
    return ok;
}

bool azure_operation_poll(const struct azure_resources *resources,
                          struct azure_operation *operation, bool *ended, struct error *err)
{
    struct buf body = BUF_INIT(AZURE_RESOURCE_ANSWER_MAX);
    struct http_reply reply;
    *ended = operation->by == AZURE_OPERATION_DONE;
    if (*ended)
        return true;
    struct sending sending = {.path = operation->path, .version = operation->version};
    http_reply_init(&reply);
    bool ok = ask(resources, &sending, &body, &reply, err);
    *ended = ok && operation->leaving && reply.status == 404;
    if (ok && !*ended && (reply.status < 200 || reply.status > 299))
        ok = refuse(resources, operation->path, READ_HINT, reply.status, &body, err);
    ok = ok && (*ended || judge_reply(operation, &reply, &body, ended, err));
    operation->retry_after = reply.retry_after;
    http_reply_release(&reply);
    buf_release(&body);
    return ok;
}

bool azure_resource_next(const struct azure_resources *resources, const json_t *page,
                         struct buf *path, struct error *err)
{
    const json_t *value = json_object_get(page, "nextLink");
    struct str link = str_of(json_string_value(value)), next;
    if (link.n == 0)
        return false;
    if (!at_endpoint(resources, link, &next))
        return error_set(err, ERROR_FORMAT, "Resource Manager's list goes on at another place");
    buf_reset(path);
    buf_put_str(path, next);
    return buf_ok(path, "the address of a list's next page", err);
}
