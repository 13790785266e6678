/* Transfers: one request under way, on one curl handle that outlives it. Internal to this room. */
#ifndef WEIR_HTTP_TRANSFER_H
#define WEIR_HTTP_TRANSFER_H

#include "http/address.h"
#include "http/answer.h"
#include "http/http.h"
#include "http/sockets.h"

#include <curl/curl.h>

struct timer {
    void (*fn)(void *context); /* NULL: free */
    void *context;
    uint64_t period, due; /* nanoseconds; clock_ns */
};

/* A list in order of arrival. A transfer stands in one at most. */
struct transfers {
    struct transfer *first, *last;
};

struct http_client {
    CURLM *multi;
    struct sockets sockets;     /* that curl waits for */
    struct transfers fresh;     /* started, not yet given to curl */
    struct transfers running;   /* curl works on them */
    struct transfer *idle;      /* done: kept with their handles for the next requests */
    size_t count;               /* fresh and running */
    char *user_agent, *ca_file; /* ca_file NULL: the system's */
    double connect_timeout, stall_timeout;
    const struct stop *stop;
    struct random random;
    uint64_t grace;   /* clock_ns until which the stop flag is not looked at */
    uint64_t waited;  /* nanoseconds that the loop spent waiting for the network */
    uint64_t checked; /* `waited` when it last looked for silent ones */
    struct timer timers[HTTP_TIMERS_MAX];
    struct http_address address; /* of the request before this one: most have the same origin */
    bool inside;                 /* the loop runs */
    bool woken;
};

struct transfer {
    struct transfer *next, *before;
    struct transfers *list;     /* that it stands in; NULL: none */
    struct http_client *client; /* lent */
    CURL *easy;
    struct curl_slist
        lines[HTTP_HEADERS_MAX + 2]; /* headers; two are there so that curl adds none */
    struct buf texts;                /* of the lines */
    struct buf url;                  /* with its secret query */
    struct buf copied;               /* the body, unless it is lent */
    struct str body;                 /* curl sends from it */
    size_t secret_header;            /* where in texts that header stands, */
    size_t secret_header_bytes;      /* 0: there is none */
    size_t secret_query;             /* where in url it begins; 0: there is none */
    bool has_lines;
    bool secret;     /* holds a token or a secret: wiped */
    bool direct;     /* the handle is set to use no proxy */
    bool sent_small; /* the handle has the small receive buffer */
    struct http_address address;
    char method[16];
    bool (*on_body)(void *context, const char *bytes, size_t n, struct error *err);
    void (*on_done)(void *context, const struct http_response *response);
    void *context;
    double first_byte_timeout, stall_timeout;
    uint64_t began;      /* clock_ns */
    uint64_t progress;   /* client->waited when the last byte came */
    uint64_t connecting; /* client->waited when it began to connect, for the last time */
    unsigned connects;   /* times that it began so again */
    struct http_answer answer;
    uint64_t bytes;
    struct buf headers; /* lines of the answer */
    struct buf kept;    /* body of a status that is not 2xx */
    struct error error;
    char curl_text[CURL_ERROR_SIZE];
};

/* Takes an idle transfer, or makes one, and copies the request into it; nothing is sent yet and it stands
 * in no list. NULL: err. */
struct transfer *transfer_new(struct http_client *client, const struct http_request *request,
                              struct error *err);
/* Wipes what is secret and makes it idle. The multi handle must not know it any more. */
void transfer_done(struct transfer *transfer);
void transfer_free(struct transfer *transfer);

/* True, with transfer->error set, when the other side has been silent for too long. */
bool transfer_is_late(struct transfer *transfer);

/* True when curl gave up connecting, but by a clock that ran while we did not look (a stopped process, a
 * slow call-back): nothing was sent, and it may be added anew. At most TRANSFER_CONNECTS_MAX times. */
enum { TRANSFER_CONNECTS_MAX = 3 };
bool transfer_connects_again(struct transfer *transfer, CURLcode code);

/* Tells on_done. `code` is curl's. */
void transfer_finish(struct transfer *transfer, CURLcode code);

#endif
