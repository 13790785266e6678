/* One request to a scripted server, and all that came of it. */
#ifndef WEIR_TESTS_HTTP_ASKED_H
#define WEIR_TESTS_HTTP_ASKED_H

#include "http/http.h"
#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct seen {
    struct buf body, refused;
    struct http_response response;
    struct error error;
    unsigned done;
    size_t fail_after; /* bytes; 0: never */
    unsigned nap_ms;   /* in each on_body */
    struct http_client *client;
    const char *then; /* URL of a request that on_done starts */
};

struct asked {
    struct server *server;
    struct http_client *client;
    struct seen seen;
    struct stop stop;
};

/* Of cmocka: a server, and a client that gives up a stall after 0.4 s. */
int asked_set_up(void **state);
int asked_tear_down(void **state);

/* on_body and on_done of a request whose context is a struct seen. */
bool asked_take(void *context, const char *bytes, size_t n, struct error *err);
void asked_note(void *context, const struct http_response *response);

/* Starts a GET that waits 0.8 s for its answer to begin. */
void asked_start(struct asked *f, const char *path);
/* Has the server answer so, asks it, and waits for the end. */
void asked_get(struct asked *f, const struct server_answer *answer);

#endif
