/* IMDS: managed identities, on a virtual machine and in App Service. */

#include "emulator/imds.h"

#include "base/memory.h"
#include "base/tick.h"
#include "emulator/reply.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>

enum { FAULTS_MAX = 16, DATE_TEXT_MAX = 64, NOON = 12 };

static const int64_t ns_per_second = 1000000000;

struct imds_fault {
    int status;
    uint64_t left;
};

struct imds {
    const char *header;
    pthread_mutex_t lock; /* for the faults */
    struct imds_fault faults[FAULTS_MAX];
    size_t n;
};

/* --- making ----------------------------------------------------------------------------------- */

static bool add_fault(struct imds *imds, struct str part, struct error *err)
{
    struct str count = part, status;
    uint64_t s, n;
    (void) str_split(&count, ':', &status);
    if (!str_uint64(status, &s) || s < 400 || s > 599 || !count.p || !str_uint64(count, &n) ||
        imds->n == FAULTS_MAX)
        return error_set(err, ERROR_USAGE,
                         "--imds-fault: '%.*s' is not a status and how often: 404:2", (int) part.n,
                         part.p);
    imds->faults[imds->n++] = (struct imds_fault){(int) s, n};
    return true;
}

struct imds *imds_new(const char *header, const char *faults, struct error *err)
{
    struct imds *imds = mem_alloc(1, sizeof *imds, err);
    if (!imds)
        return NULL;
    if (pthread_mutex_init(&imds->lock, NULL) != 0) {
        error_set(err, ERROR_MEMORY, "no mutex for the managed identities");
        mem_free(imds);
        return NULL;
    }
    imds->header = header;
    struct str rest = str_of(faults), part;
    bool done = true;
    while (done && faults && str_split(&rest, ',', &part))
        done = add_fault(imds, part, err);
    if (done)
        return imds;
    imds_free(imds);
    return NULL;
}

void imds_free(struct imds *imds)
{
    if (!imds)
        return;
    (void) pthread_mutex_destroy(&imds->lock);
    mem_free(imds);
}

/* The status that this request meets; 0: none. */
static int next_fault(struct imds *imds)
{
    int status = 0;
    (void) pthread_mutex_lock(&imds->lock);
    for (size_t i = 0; i < imds->n && status == 0; i++) {
        if (imds->faults[i].left > 0) {
            imds->faults[i].left--;
            status = imds->faults[i].status;
        }
    }
    (void) pthread_mutex_unlock(&imds->lock);
    return status;
}

/* --- whose identity ---------------------------------------------------------------------------- */

/* The identity that the request names; the machine's own when it names none; NULL: no such one. */
static const struct client *find_identity(const struct service *service,
                                          const struct server_request *request)
{
    static const char *const client_names[] = {"client_id", "clientid"};
    static const char *const object_names[] = {"object_id", "principal_id"};
    static const char *const resource_names[] = {"mi_res_id", "msi_res_id"};
    const struct client *own = &service->clients[SERVICE_IDENTITY];
    const struct client *assigned = &service->clients[SERVICE_USER_IDENTITY];
    for (size_t i = 0; i < 2; i++) {
        const char *client = server_argument(request, client_names[i]);
        const char *object = server_argument(request, object_names[i]);
        const char *resource = server_argument(request, resource_names[i]);
        if (client && str_eq_case(str_of(client), str_of(own->owner.client)))
            return own;
        if (client)
            return str_eq_case(str_of(client), str_of(assigned->owner.client)) ? assigned : NULL;
        if (object)
            return str_eq_case(str_of(object), str_of(assigned->owner.object)) ? assigned : NULL;
        if (resource)
            return str_eq_case(str_of(resource), str_of(assigned->resource)) ? assigned : NULL;
    }
    return own;
}

static struct str find_audience(const struct service *service, const struct server_request *request)
{
    struct str audience = str_of(server_argument(request, "resource"));
    while (audience.n > 0 && audience.p[audience.n - 1] == '/')
        audience.n--;
    return service_is_audience(service, audience) ? audience : (struct str){0};
}

/* --- answers ----------------------------------------------------------------------------------- */

struct life {
    int64_t now, expires; /* seconds since 1970 */
};

static struct life find_life(const struct service *service)
{
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    return (struct life){now,
                         now + (int64_t) (service->limits.token_life / (uint64_t) ns_per_second)};
}

/* {"access_token":"...", and the caller goes on. */
static bool put_token(const struct service *service, const struct client *client,
                      struct str audience, const struct life *life, struct server_reply *reply)
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    struct error err = ERROR_INIT;
    bool done = tokens_put(&service->tokens, &client->owner, audience, life->now, life->expires,
                           &token, &err);
    if (done) {
        buf_printf(&reply->body, "{\"access_token\":\"%s\",", buf_text(&token));
        reply->status = 200;
        reply->content_type = REPLY_JSON;
    } else {
        reply_internal(reply, err.message);
    }
    buf_release(&token);
    return done;
}

static void refuse_machine(struct server_reply *reply, int status, const char *error,
                           const char *text)
{
    buf_reset(&reply->body);
    buf_printf(&reply->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, text);
    reply->status = status;
    reply->content_type = REPLY_JSON;
}

static void answer_machine(const struct service *service, const struct server_request *request,
                           struct server_reply *reply)
{
    const char *metadata = server_header(request, "Metadata");
    const struct client *client = find_identity(service, request);
    struct str audience = find_audience(service, request);
    struct life life = find_life(service);
    if (!metadata || strcasecmp(metadata, "true") != 0)
        refuse_machine(reply, 400, "bad_request_102", "Required metadata header not specified");
    else if (server_header(request, "X-Forwarded-For"))
        refuse_machine(reply, 400, "bad_request_103", "The request came through a proxy");
    else if (!server_argument(request, "api-version"))
        refuse_machine(reply, 400, "invalid_request",
                       "Required query variable 'api-version' is missing");
    else if (!server_argument(request, "resource"))
        refuse_machine(reply, 400, "invalid_request",
                       "Required query variable 'resource' is missing");
    else if (!client)
        refuse_machine(reply, 400, "invalid_request", "Identity not found");
    else if (audience.n == 0)
        refuse_machine(reply, 400, "invalid_resource",
                       "AADSTS500011: The resource principal was not found in the tenant.");
    else if (put_token(service, client, audience, &life, reply))
        buf_printf(&reply->body,
                   "\"refresh_token\":\"\",\"expires_in\":\"%lld\",\"expires_on\":\"%lld\","
                   "\"not_before\":\"%lld\",\"resource\":\"%.*s\",\"client_id\":\"%s\","
                   "\"token_type\":\"Bearer\"}",
                   (long long) (life.expires - life.now), (long long) life.expires,
                   (long long) life.now, (int) audience.n, audience.p, client->owner.client);
}

static void refuse_app(struct server_reply *reply, int status, const char *text)
{
    buf_reset(&reply->body);
    buf_printf(&reply->body, "{\"statusCode\":%d,\"message\":\"%s\"}", status, text);
    reply->status = status;
    reply->content_type = REPLY_JSON;
}

/* The older form writes "11/22/2026 1:05:00 AM +00:00". */
static void format_date(int64_t seconds, char out[DATE_TEXT_MAX])
{
    struct tick_civil civil = tick_civil(TICK_UNIX_EPOCH + seconds * TICK_SECOND);
    int hour = civil.hour % NOON;
    (void) snprintf(out, DATE_TEXT_MAX, "%02d/%02d/%04d %d:%02d:%02d %s +00:00", civil.month,
                    civil.day, civil.year, hour > 0 ? hour : NOON, civil.minute, civil.second,
                    civil.hour < NOON ? "AM" : "PM");
}

/* Who knows the header is a process of this app. */
static bool knows_header(const struct imds *imds, const struct server_request *request, bool old)
{
    const char *given = server_header(request, old ? "secret" : "X-IDENTITY-HEADER");
    return given && strlen(given) == strlen(imds->header) &&
           CRYPTO_memcmp(given, imds->header, strlen(given)) == 0;
}

static void answer_app(const struct service *service, const struct server_request *request,
                       struct server_reply *reply)
{
    const char *version = server_argument(request, "api-version");
    bool old = version && strcmp(version, "2017-09-01") == 0;
    const struct client *client = find_identity(service, request);
    struct str audience = find_audience(service, request);
    struct life life = find_life(service);
    char expires[DATE_TEXT_MAX];
    if (old)
        format_date(life.expires, expires);
    else
        (void) snprintf(expires, sizeof expires, "%lld", (long long) life.expires);
    if (!old && (!version || strcmp(version, "2019-08-01") != 0))
        refuse_app(reply, 400, "The api-version is not supported.");
    else if (!knows_header(service->imds, request, old))
        refuse_app(reply, 401, "The secret header does not match.");
    else if (!client)
        refuse_app(reply, 400,
                   "No User Assigned or Delegated Managed Identity found for specified "
                   "ClientId/ResourceId/PrincipalId.");
    else if (audience.n == 0)
        refuse_app(reply, 500, "The resource is not valid.");
    else if (put_token(service, client, audience, &life, reply))
        buf_printf(&reply->body,
                   "\"client_id\":\"%s\",\"expires_on\":\"%s\",\"not_before\":\"%lld\","
                   "\"resource\":\"%.*s\",\"token_type\":\"Bearer\"}",
                   client->owner.client, expires, (long long) life.now, (int) audience.n,
                   audience.p);
}

void imds_handle(void *context, const struct server_request *request, struct server_reply *reply)
{
    struct service *service = context;
    bool machine = strcmp(request->path, IMDS_PATH) == 0;
    bool app = strcmp(request->path, IMDS_MSI_PATH) == 0;
    int fault = next_fault(service->imds);
    if (!atomic_load(&service->answering))
        reply_unavailable(reply, 1);
    else if (fault > 0)
        refuse_machine(reply, fault, "unknown", "A fault that was asked for");
    else if ((!machine && !app) || strcmp(request->method, "GET") != 0)
        refuse_machine(reply, machine || app ? 405 : 404, "invalid_request", "No such resource");
    else if (machine)
        answer_machine(service, request, reply);
    else
        answer_app(service, request, reply);
    report_count(&service->report, REPORT_IDENTITY, reply->status, reply->body.used);
}
