/* Tries: see try.h. */
#include "azure/try.h"

#include "base/tick.h"

enum { BODY_MAX = 128 * 1024 };
static const double NANOSECONDS = 1e9;

struct attempt {
    struct http_client *http;
    struct azure_try *out;
    bool done;
};

void azure_try_release(struct azure_try *answer)
{
    secret_release(&answer->body);
    *answer = (struct azure_try){0};
}

static bool take(void *context, const char *bytes, size_t n, struct error *err)
{
    struct attempt *attempt = context;
    buf_put(secret_buf(&attempt->out->body), bytes, n);
    return buf_ok(secret_buf(&attempt->out->body), "an answer", err);
}

static void note(void *context, const struct http_response *response)
{
    struct attempt *attempt = context;
    attempt->done = true;
    attempt->out->retry_after = response->retry_after;
    attempt->out->error = *response->error;
    bool good = response->status >= 200 && response->status < 300;
    /* An answer that was cut is none. */
    if (good ? response->error->code == ERROR_NONE : response->whole)
        attempt->out->status = response->status;
    if (!good)
        buf_put_str(secret_buf(&attempt->out->body), response->body);
    http_wake(attempt->http);
}

static double seconds_until(uint64_t end)
{
    uint64_t now = clock_ns();
    return now < end ? (double) (end - now) / NANOSECONDS : 0;
}

static bool run(struct attempt *attempt, double seconds, struct error *err)
{
    uint64_t end = clock_ns() + (uint64_t) (seconds * NANOSECONDS);
    while (!attempt->done) {
        double left = seconds > 0 ? seconds_until(end) : -1;
        if (left == 0) {
            (void) error_set(&attempt->out->error, ERROR_TIMEOUT, "no answer in %g s", seconds);
            break;
        }
        if (!http_run(attempt->http, left, err))
            return false;
    }
    return true;
}

bool azure_try(struct http_client *http, const struct http_request *request, double seconds,
               struct azure_try *out, struct error *err)
{
    struct attempt attempt = {.http = http, .out = out};
    struct http_request mine = *request;
    azure_try_release(out);
    out->retry_after = -1;
    mine.on_body = take;
    mine.on_done = note;
    mine.context = &attempt;
    bool ok = secret_init(&out->body, BODY_MAX, err) && http_start(http, &mine, err) &&
              run(&attempt, seconds, err);
    if (!attempt.done)
        http_cancel(http, &attempt);
    return ok;
}

bool azure_pause(struct http_client *http, double seconds, struct error *err)
{
    uint64_t end = clock_ns() + (uint64_t) (seconds * NANOSECONDS);
    for (uint64_t now = clock_ns(); now < end; now = clock_ns())
        if (!http_pause(http, (double) (end - now) / NANOSECONDS, err))
            return false;
    return true;
}
