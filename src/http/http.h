/* HTTP: one event loop on libcurl's multi interface. The only room that sees curl.
 *
 * A client belongs to one thread. Requests are started, the loop is run, call-backs tell what came.
 * The room knows transport: it says how a request ended and lets the caller decide on another try.
 *
 *     struct http_client *client = http_new(&(struct http_options) {.stop = stop}, err);
 *     struct http_request get = {.url = "https://…", .on_body = take, .on_done = note};
 *     http_start(client, &get, err) && http_run(client, -1, err);
 *
 * HTTP/1.1 over kept connections, gzip where the other side likes, certificates always verified,
 * redirects never followed. Proxies as the environment has them (https_proxy, no_proxy), but never for
 * a loopback or a link-local address (169.254.169.254 gives a machine its tokens). Secrets travel over
 * TLS or to a loopback address and nowhere else: a request with a header that holds one (Authorization
 * and such), a confidential one, one with a secret query, to another http:// address is refused; only a
 * header may go to a link-local address too. No text of this room shows a header, a query or what the
 * environment says of a proxy beyond its host; in the kept body of a refusal what the request sent as a
 * secret header or query is masked with '*'.
 *
 * Timeouts count only the time that the loop waited for the network, so neither a slow call-back nor a
 * process that was stopped, nor a machine that slept, makes the other side look silent. Memory of a
 * request, whatever the size of the answer: its receive buffer (HTTP_RECEIVE_BUFFER, or HTTP_SMALL_BUFFER
 * when it sends), at most HTTP_ERROR_BODY_MAX and HTTP_HEADERS_KEPT.
 */
#ifndef WEIR_HTTP_HTTP_H
#define WEIR_HTTP_HTTP_H

#include "base/random.h"
#include "base/stop.h"
#include "base/text.h"

enum {
    HTTP_HEADERS_MAX = 32,
    HTTP_ACTIVE_MAX = 512,              /* requests started and not done */
    HTTP_TIMERS_MAX = 8,                /* of one client */
    HTTP_RECEIVE_BUFFER = 256 * 1024,   /* of one request */
    HTTP_SMALL_BUFFER = 16 * 1024,      /* of one that sends: its answer is short */
    HTTP_HEADER_BYTES_MAX = 256 * 1024, /* of one answer; more ends the request */
    HTTP_HEADERS_KEPT =
        16 * 1024, /* bytes of headers that http_header looks in; later ones are dropped */
    HTTP_ERROR_BODY_MAX = 64 * 1024, /* kept of a body whose status is not 2xx */
    HTTP_CALL_TRIES = 5,
    HTTP_CONNECT_TRIES = 2,      /* in http_call, when no connection comes about at all */
    HTTP_CALL_PAUSE_MAX = 120,   /* seconds; http_call waits for no longer Retry-After */
    HTTP_RETRY_AFTER_MAX = 3600, /* seconds; a longer Retry-After is taken as this */
    HTTP_PAUSE_MAX = 60          /* seconds, of the growing pauses */
};

struct http_options {
    const char *user_agent;  /* NULL: "weir/<version>" */
    const char *ca_file;     /* NULL: the system's */
    double connect_timeout;  /* seconds; 0: 10 */
    double stall_timeout;    /* seconds without a byte once the answer has begun; 0: 60 */
    const struct stop *stop; /* looked at at least every 100 ms; NULL: none; lent */
};

struct http_client;

/* NULL: err. Initialises curl, which costs some milliseconds: make a client only when one is needed. */
struct http_client *http_new(const struct http_options *options, struct error *err);
void http_free(struct http_client *client); /* cancels what is under way, without call-backs */

struct http_response {
    int status; /* 0: no answer came */
    bool whole; /* the body ended as its framing says: Content-Length reached, last chunk seen */
    bool connected;     /* false: no such host, refused, no TLS: nothing was sent */
    double retry_after; /* seconds, from Retry-After (number or date) or -1 */
    double age;         /* seconds, from Age, or -1 */
    uint64_t bytes;     /* of the body, after decompression */
    double seconds;
    struct str body;    /* status not 2xx: the body, cut at HTTP_ERROR_BODY_MAX; else empty */
    struct str headers; /* the lines as they came, of the last answer; for http_header */
    bool no_host;       /* the host's name has no address (or the proxy's) */
    /* code NONE when status is 2xx and whole. Else what on_body said; ERROR_TIMEOUT for a first byte
     * that did not come (status 0) or a stall (status not 0); ERROR_NETWORK for what else the wire
     * did; for a status that is not 2xx: AUTH (401, 403), NOT_FOUND (404), TIMEOUT (408, 504),
     * THROTTLED (429), SETTINGS (407: the proxy's own, of a tunnel too), SERVICE (all others; of a
     * redirect the text names the other host). */
    const struct error *error;
};

/* The value of a header by its name in any case, trimmed; the first of several; empty when there is none.
 * Lent as `response` is. */
struct str http_header(const struct http_response *response, const char *name);

struct http_request {
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;    /* http or https, without user name and password */
    /* Text behind the URL's query, after a '?' or '&', as it is sent (a shared access signature): in no
     * message, TLS or loopback only, wiped afterwards. NULL: none. Copied. */
    const char *secret_query;
    const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", NULL ends the list; copied */
    struct str body;                       /* copied, unless ... */
    bool body_lent;            /* ... the caller keeps it until on_done or http_cancel */
    bool confidential;         /* the body holds a secret: TLS or loopback only, a copy is wiped */
    double first_byte_timeout; /* seconds until the answer begins; 0: 60 */
    double stall_timeout;      /* seconds; 0: the client's */
    /* Bytes of a 2xx body as they come; false with err ends the request with that error. It must not
     * run the loop. NULL: the bytes are dropped. */
    bool (*on_body)(void *context, const char *bytes, size_t n, struct error *err);
    /* Once, at the end, whatever happened; lent for the call. May start other requests, but not run
     * the loop. NULL: nobody wants to know. */
    void (*on_done)(void *context, const struct http_response *response);
    void *context;
};

/* Queues a request; its call-backs come out of http_run. ERROR_SETTINGS for a URL or a header that
 * cannot be sent, or a secret that would travel in the open; ERROR_LIMIT above HTTP_ACTIVE_MAX. */
bool http_start(struct http_client *client, const struct http_request *request, struct error *err);

/* Ends all requests of this context without call-backs. Not from inside on_body. */
void http_cancel(struct http_client *client, const void *context);

/* Runs the loop until no request is left, `seconds` have passed (negative: no limit), or a call-back
 * called http_wake; ERROR_INTERRUPTED when the stop flag is set, and then requests stay as they are. */
bool http_run(struct http_client *client, double seconds, struct error *err);
/* The same, but goes on for the whole time when no request is left: a pause in which others proceed. */
bool http_pause(struct http_client *client, double seconds, struct error *err);
void http_wake(struct http_client *client); /* same thread */
/* From now on the stop flag is not looked at for so many seconds (0: as before), so that what must not be left half
 * done can be ended: a last write, a lease that is given back. */
void http_grace(struct http_client *client, double seconds);
size_t http_active(const struct http_client *client);

/* Calls fn every `seconds` from now on, out of the loop and only while it runs, until http_every_stop. A
 * call that comes late is made once, not made up for. fn may start and cancel requests and stop timers, but
 * not run the loop. A timer keeps no run going. ERROR_LIMIT above HTTP_TIMERS_MAX. */
bool http_every(struct http_client *client, double seconds, void (*fn)(void *context),
                void *context, struct error *err);
void http_every_stop(struct http_client *client, const void *context); /* all of this context */

/* One request with its whole answer, for the control plane: 408, 429, 5xx and broken connections are
 * tried again up to HTTP_CALL_TRIES times with growing, jittered pauses (Retry-After obeyed). The body,
 * at most out->max bytes, stands in out (reset first). *status is the last answer's; a status that is
 * not 2xx is no error here (but a redirect and 407 are), its body stands in out too. on_body, on_done and context of the request are
 * not used. Other requests of the client proceed meanwhile. Not from inside a call-back. */
bool http_call(struct http_client *client, const struct http_request *request, struct buf *out,
               int *status, struct error *err);

/* The same with more of the answer. A redirect and a proxy's 407 are errors here as in http_call: they
 * are not the word of whom we asked. */
struct http_reply {
    int status;
    double retry_after; /* seconds or -1 */
    struct buf headers; /* the lines as they came */
};
void http_reply_init(struct http_reply *reply);
void http_reply_release(struct http_reply *reply);
struct str http_reply_header(const struct http_reply *reply, const char *name); /* as http_header */
bool http_call_with(struct http_client *client, const struct http_request *request, struct buf *out,
                    struct http_reply *reply, struct error *err);

/* Pause in seconds before the try that follows failed try number `attempt` (from 1): exponential from
 * 0.5 s to HTTP_PAUSE_MAX with full jitter, or retry_after where that is not negative. */
double http_backoff(int attempt, double retry_after, struct random *random);

/* Rate and concurrency limit. Times from clock_ns(), which does not jump. So that the other side, which
 * counts arrivals and not starts, never sees more than rate_max in a window, the window is held longer by a
 * share of 1/HTTP_PACE_MARGIN (1 s of 30 s). Under that window a token bucket can slow the starts down
 * further. Requests of several kinds share the rate; each kind, a lane, has its own limit at once. Who
 * decides on both when the other side complains is the caller. */
enum {
    HTTP_PACE_MARGIN = 30,
    HTTP_PACE_RATE_MAX = 100000,
    HTTP_PACE_LANES = 2,
    HTTP_PACE_BURST = 5 /* tokens that the bucket holds */
};
struct http_lane {
    unsigned most;    /* at once, when all is well */
    unsigned now;     /* at once, now: 1 to most */
    unsigned running; /* may be more than `now` for a while */
};
struct http_pace {
    struct http_lane lanes[HTTP_PACE_LANES];
    unsigned rate_max;      /* so many starts ... */
    double rate_window;     /* ... in so many seconds, counted exactly over a sliding window */
    uint64_t blocked_until; /* the other side asked for patience until then */
    uint64_t *starts;       /* ring of the last rate_max starts */
    size_t first, count;
    double slowed;   /* starts a second that the bucket lets through; 0: the window alone decides */
    double tokens;   /* of the bucket, when ... */
    uint64_t filled; /* ... it was last looked at */
};
/* ERROR_SETTINGS unless all are more than 0 and rate at most HTTP_PACE_RATE_MAX. */
bool http_pace_init(struct http_pace *pace, const unsigned concurrent[HTTP_PACE_LANES],
                    unsigned rate, double window, struct error *err);
void http_pace_release(struct http_pace *pace);
/* 0: may start now; else nanoseconds to wait; UINT64_MAX: until one of the lane ends. */
uint64_t http_pace_wait(const struct http_pace *pace, unsigned lane, uint64_t now);
void http_pace_started(struct http_pace *pace, unsigned lane,
                       uint64_t now); /* only after a wait of 0 */
void http_pace_ended(struct http_pace *pace, unsigned lane);
/* Lets no more than `rate` starts a second through the bucket from now on; 0 takes it away. */
void http_pace_slow(struct http_pace *pace, double rate, uint64_t now);

/* Percent-encodes for a query or form value (RFC 3986, all but the unreserved characters). */
void http_put_encoded(struct buf *buf, struct str s);

#endif
