/* HTTP: one event loop on libcurl's multi interface. The only room that sees curl.
 *
 * A client belongs to one thread. Requests are started, the loop is run, call-backs tell what came.
 * The room knows transport: it says how a request ended and lets the caller decide on another try.
 * Tokens and secrets travel over TLS or to a loopback address and nowhere else: a request with an
 * Authorization header to another http:// address is refused.
 */
#ifndef WEIR_HTTP_HTTP_H
#define WEIR_HTTP_HTTP_H

#include "base/stop.h"
#include "base/text.h"

enum {
    HTTP_HEADERS_MAX = 32,
    HTTP_ERROR_BODY_MAX = 64 * 1024, /* of a body whose status is not 2xx */
    HTTP_CALL_TRIES = 5
};

struct http_options {
    const char *user_agent;
    const char *ca_file;    /* NULL: the system's */
    double connect_timeout; /* seconds; 0: 10 */
    double stall_timeout;   /* seconds without a byte once the answer has begun; 0: 60 */
    const struct stop *stop;
};

struct http_client;

struct http_client *http_new(const struct http_options *options, struct error *err);
void http_free(struct http_client *client); /* cancels what is under way, without call-backs */

struct http_response {
    int status;          /* 0: no answer came */
    bool whole;          /* the body ended as its framing says */
    double retry_after;  /* seconds, from Retry-After (number or date) or -1 */
    double age;          /* seconds, from Age, or -1 */
    uint64_t bytes;      /* of the body, after decompression */
    double seconds;
    struct str body;     /* status not 2xx: the body, cut at HTTP_ERROR_BODY_MAX; else empty */
    const struct error *error; /* code NONE when status is 2xx and whole; else ERROR_NETWORK, TIMEOUT, ... */
};

struct http_request {
    const char *method;          /* NULL: GET, or POST with a body */
    const char *url;
    const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", NULL ends the list; copied */
    struct str body;             /* copied */
    double first_byte_timeout;   /* seconds until the answer begins; 0: 60 */
    /* Bytes of a 2xx body as they come; false with err ends the request with that error. */
    bool (*on_body)(void *context, const char *bytes, size_t n, struct error *err);
    /* Once, at the end, whatever happened; lent for the call. May start other requests. */
    void (*on_done)(void *context, const struct http_response *response);
    void *context;
};

/* Queues a request; its call-backs come out of http_run. */
bool http_start(struct http_client *client, const struct http_request *request, struct error *err);

/* Runs the loop until no request is left, `seconds` have passed (negative: no limit), or a call-back or
 * timer called http_wake; ERROR_INTERRUPTED when the stop flag is set. */
bool http_run(struct http_client *client, double seconds, struct error *err);
void http_wake(struct http_client *client);
size_t http_active(const struct http_client *client);

/* One request with its whole answer, for the control plane: 429, 5xx and broken connections are tried
 * again up to HTTP_CALL_TRIES times with growing, jittered pauses (Retry-After obeyed). The body, at most
 * out->max bytes, stands in out. *status is the last answer's; a status that is not 2xx is no error here,
 * its body stands in out too. */
bool http_call(struct http_client *client, const struct http_request *request, struct buf *out,
               int *status, struct error *err);

/* Pause before try number `attempt` (from 1): exponential from 0.5 s to 60 s with full jitter, or
 * Retry-After where the answer had one. */
struct random;
double http_backoff(int attempt, double retry_after, struct random *random);

/* Token bucket and concurrency limit. Times from clock_ns(). */
struct http_pace {
    unsigned concurrent_max, running; /* at most so many at once */
    unsigned rate_max;                /* so many starts ... */
    double rate_window;               /* ... in so many seconds, counted exactly over a sliding window */
    uint64_t blocked_until;           /* the other side asked for patience until then */
    uint64_t *starts;                 /* ring of the last rate_max starts */
    size_t first, count;
};
bool http_pace_init(struct http_pace *pace, unsigned concurrent, unsigned rate, double window,
                    struct error *err);
void http_pace_release(struct http_pace *pace);
/* 0: may start now; else nanoseconds to wait; UINT64_MAX: until one ends. */
uint64_t http_pace_wait(const struct http_pace *pace, uint64_t now);
void http_pace_started(struct http_pace *pace, uint64_t now);
void http_pace_ended(struct http_pace *pace);

/* Percent-encodes for a query or form value. */
void http_put_encoded(struct buf *buf, struct str s);

#endif
