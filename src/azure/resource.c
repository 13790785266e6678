/* Resources: see resource.h. */
#include "azure/resource.h"

#include "base/memory.h"

enum { URL_MAX = 12 * 1024, SHOWN_MAX = 400, SCOPE_MAX = 256 };

static const char READ_HINT[] =
    "the role 'Reader' (of a workspace: 'Log Analytics Reader') on %.*s is "
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
           : status == 429                  ? ERROR_THROTTLED
           : status == 408 || status == 504 ? ERROR_TIMEOUT
                                            : ERROR_SERVICE;
}

static bool refuse(const char *path, const char *audience, int status, const struct buf *body,
                   struct error *err)
{
    struct str scope = scope_of(path);
    json_t *root = json_loadb(body->used > 0 ? body->bytes : "", body->used, 0, NULL);
    const json_t *said = json_object_get(root, "error");
    const char *code = json_string_value(json_object_get(said, "code"));
    const char *message = json_string_value(json_object_get(said, "message"));
    (void) error_set(err, code_of(status), "Resource Manager refuses %.*s (status %d%s%.*s)%s%.*s",
                     (int) scope.n, scope.p, status, code ? ", " : "", SHOWN_MAX, code ? code : "",
                     message ? ": " : "", SHOWN_MAX, message ? message : "");
    json_decref(root);
    if (status == 403)
        (void) error_hint(err, READ_HINT, (int) scope.n, scope.p);
    else if (status == 401)
        (void) error_hint(err,
                          "a new token was refused too: is the audience '%s' the one of the "
                          "endpoint's cloud?",
                          audience);
    return false;
}

static bool read_answer(const char *path, const char *audience, int status, const struct buf *body,
                        json_t **out, struct error *err)
{
    if (status != 200)
        return refuse(path, audience, status, body, err);
    json_error_t where;
    *out = json_loadb(body->used > 0 ? body->bytes : "", body->used, 0, &where);
    if (json_is_object(*out))
        return true;
    json_decref(*out);
    *out = NULL;
    struct str scope = scope_of(path);
    return error_set(err, ERROR_FORMAT, "Resource Manager's answer for %.*s is no JSON object",
                     (int) scope.n, scope.p);
}

static bool call(const struct azure_resources *resources, const char *url, struct buf *body,
                 int *status, struct error *err)
{
    struct buf header = BUF_INIT(AZURE_HEADER_MAX);
    bool ok = azure_credential_header(resources->credential, audience_of(resources), &header, err);
    struct http_request request = {
        .url = url,
        .headers = {buf_text(&header), "Accept: application/json"},
    };
    ok = ok && http_call(resources->http, &request, body, status, err);
    if (header.bytes)
        mem_wipe(header.bytes, header.room);
    buf_release(&header);
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

bool azure_resource_get(const struct azure_resources *resources, const char *path,
                        const char *api_version, json_t **out, struct error *err)
{
    struct buf url = BUF_INIT(URL_MAX), body = BUF_INIT(AZURE_RESOURCE_ANSWER_MAX);
    int status = 0;
    *out = NULL;
    bool ok = check_path(path, err) && put_url(resources, path, api_version, &url, err) &&
              call(resources, buf_text(&url), &body, &status, err);
    if (ok && status == 401) {
        azure_credential_refused(resources->credential, audience_of(resources));
        ok = call(resources, buf_text(&url), &body, &status, err);
    }
    ok = ok && read_answer(path, audience_of(resources), status, &body, out, err);
    buf_release(&url);
    buf_release(&body);
    return ok;
}

bool azure_resource_next(const struct azure_resources *resources, const json_t *page,
                         struct buf *path, struct error *err)
{
    const json_t *value = json_object_get(page, "nextLink");
    struct str link = str_of(json_string_value(value)), endpoint = endpoint_of(resources);
    if (link.n == 0)
        return false;
    if (link.n <= endpoint.n || link.p[endpoint.n] != '/' ||
        !str_eq_case((struct str){link.p, endpoint.n}, endpoint))
        return error_set(err, ERROR_FORMAT, "Resource Manager's list goes on at another place");
    buf_reset(path);
    buf_put(path, link.p + endpoint.n, link.n - endpoint.n);
    return buf_ok(path, "the address of a list's next page", err);
}
