/* Calls: one request, its whole answer, and the tries in between. */
#include "http/transfer.h"

#include "base/tick.h"

static const double BACKOFF_FIRST = 0.5; /* seconds */
static const double NANOSECONDS = 1e9;

struct call {
    struct http_client *client;
    struct buf *out;
    bool done;
    int status;
    bool whole, connected;
    double retry_after;
    struct buf *headers; /* NULL: not wanted */
    struct error error;
};

static bool take(void *context, const char *bytes, size_t n, struct error *err)
{
    struct call *call = context;
    buf_put(call->out, bytes, n);
    return buf_ok(call->out, "an answer", err);
}

static void note(void *context, const struct http_response *response)
{
    struct call *call = context;
    call->done = true;
    call->status = response->status;
    call->whole = response->whole;
    call->connected = response->connected;
    call->retry_after = response->retry_after;
    call->error = *response->error;
    if (response->body.n > 0)
        buf_put_str(call->out, response->body);
    if (call->headers)
        buf_put_str(call->headers, response->headers);
    http_wake(call->client);
}

/* A status is an answer, whatever it says, unless it did not come whole, or comes from what stands in
 * between: a proxy, or a network that sends us to its own page. */
static bool is_answer(const struct call *call)
{
    if (call->status == 407 || (call->status >= 300 && call->status < 400 && call->status != 304))
        return false;
    bool good = call->status >= 200 && call->status < 300;
    return call->status != 0 && (good ? call->error.code == ERROR_NONE : call->whole);
}

static bool may_try_again(const struct call *call, int attempt)
{
    if (attempt >= HTTP_CALL_TRIES || call->retry_after > HTTP_CALL_PAUSE_MAX ||
        (!call->connected && attempt >= HTTP_CONNECT_TRIES))
        return false;
    if (!is_answer(call))
        return call->error.code == ERROR_NETWORK || call->error.code == ERROR_TIMEOUT;
    return call->status == 408 || call->status == 429 || call->status == 500 ||
           (call->status >= 502 && call->status <= 504);
}

static bool run_call(struct call *call, struct error *err)
{
    while (!call->done)
        if (!http_run(call->client, -1, err)) {
            http_cancel(call->client, call);
            return false;
        }
    return true;
}

static bool try_once(struct call *call, const struct http_request *request, struct error *err)
{
    struct http_request mine = *request;
    mine.on_body = take;
    mine.on_done = note;
    mine.context = call;
    call->done = false;
    buf_reset(call->out);
    if (call->headers)
        buf_reset(call->headers);
    error_clear(&call->error);
    return http_start(call->client, &mine, err) && run_call(call, err);
}

/* A pause that a call-back's http_wake does not shorten. */
static bool sleep_for(struct http_client *client, double seconds, struct error *err)
{
    uint64_t now = clock_ns(), end = now + (uint64_t) (seconds * NANOSECONDS);
    for (; now < end; now = clock_ns())
        if (!http_pause(client, (double) (end - now) / NANOSECONDS, err))
            return false;
    return true;
}

double http_backoff(int attempt, double retry_after, struct random *random)
{
    if (retry_after >= 0)
        return retry_after;
    double most = BACKOFF_FIRST;
    for (int i = 1; i < attempt && most < HTTP_PAUSE_MAX; i++)
        most *= 2;
    return random_unit(random) * (most < HTTP_PAUSE_MAX ? most : HTTP_PAUSE_MAX);
}

static bool run_tries(struct call *call, const struct http_request *request, struct error *err)
{
    struct http_client *client = call->client;
    if (client->inside)
        return error_set(err, ERROR_INTERNAL, "a call from a call-back of the network loop");
    for (int attempt = 1;; attempt++) {
        if (!try_once(call, request, err))
            return false;
        if (!may_try_again(call, attempt))
            return is_answer(call) || error_pass(err, &call->error);
        if (!sleep_for(client, http_backoff(attempt, call->retry_after, &client->random), err))
            return false;
    }
}

bool http_call(struct http_client *client, const struct http_request *request, struct buf *out,
               int *status, struct error *err)
{
    struct call call = {.client = client, .out = out};
    bool ok = run_tries(&call, request, err);
    *status = call.status;
    return ok;
}

bool http_call_with(struct http_client *client, const struct http_request *request, struct buf *out,
                    struct http_reply *reply, struct error *err)
{
    struct call call = {
        .client = client, .out = out, .headers = &reply->headers, .retry_after = -1};
    bool ok = run_tries(&call, request, err);
    reply->status = call.status;
    reply->retry_after = call.retry_after;
    return ok;
}

void http_reply_init(struct http_reply *reply)
{
    *reply = (struct http_reply){.retry_after = -1};
    buf_init(&reply->headers, HTTP_HEADERS_KEPT);
}

void http_reply_release(struct http_reply *reply)
{
    buf_release(&reply->headers);
}

struct str http_reply_header(const struct http_reply *reply, const char *name)
{
    return http_answer_find(buf_str(&reply->headers), name);
}
