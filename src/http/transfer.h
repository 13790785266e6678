/* Transfers: one request under way, on one curl handle. Internal to this room. */
#ifndef WEIR_HTTP_TRANSFER_H
#define WEIR_HTTP_TRANSFER_H

#include "http/address.h"
#include "http/answer.h"
#include "http/http.h"

#include <curl/curl.h>

struct http_client {
    CURLM *multi;
    struct transfer *first; /* started and not done, in no order */
    size_t count;
    char *user_agent, *ca_file; /* ca_file NULL: the system's */
    double connect_timeout, stall_timeout;
    const struct stop *stop;
    struct random random;
    uint64_t waited; /* nanoseconds that the loop spent waiting for the network */
    bool inside;     /* the loop runs */
    bool woken;
};

struct transfer {
    struct transfer *next;
    struct http_client *client; /* lent */
    CURL *easy;
    struct curl_slist *headers;
    char *body; /* ours: curl sends from it */
    size_t body_bytes;
    bool added;  /* the multi handle knows it */
    bool secret; /* holds a token or a secret: wiped */
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
    struct buf kept; /* body of a status that is not 2xx */
    struct error error;
    char curl_text[CURL_ERROR_SIZE];
};

/* Copies the request; nothing is sent yet. NULL: err. */
struct transfer *transfer_new(struct http_client *client, const struct http_request *request,
                              struct error *err);
/* Wipes what is secret. The multi handle must not know it any more. */
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
