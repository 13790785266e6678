/* A workspace whose service and sign-in are one scripted server, and what its queries were told. */
#ifndef WEIR_TESTS_WORKSPACE_FIXTURE_H
#define WEIR_TESTS_WORKSPACE_FIXTURE_H

#include "support/server.h"
#include "workspace/workspace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIXTURE_ID "8ecf8077-0000-4000-8000-000000000001"
#define FIXTURE_SECRET "s3cr3t~value/with+odd=characters"
#define FIXTURE_QUERY "/query" /* for server_answer.match */
#define FIXTURE_SIGN_IN "/oauth2/"

struct fixture {
    struct server *server;
    struct http_client *http;
    struct azure_credential *credential;
    struct workspace *workspace;
    struct stop stop;
    struct error err;
};

/* What one query was told, in words: rows as they came, one a line. */
struct told {
    struct fixture *fixture;
    struct buf columns, rows;
    struct workspace_result result;
    unsigned done;
    bool wake;        /* ends the run when it is done */
    uint64_t fail_at; /* row, from 1; 0: never */
};

/* Options may be NULL; its endpoint, audience, id, http and credential are filled in. */
void fixture_open(struct fixture *f, const struct workspace_options *options);
void fixture_close(struct fixture *f);

/* Answers `times` requests for a token (0: one). */
void fixture_sign_in(struct fixture *f, unsigned times);
void fixture_answer(struct fixture *f, int status, struct str body);

/* Queues a query, which may fail; the buffers of `told` are the caller's. */
bool fixture_try(struct fixture *f, struct told *told, const char *kql, struct error *err);
/* Starts a query; `told` must live until it is done. */
void fixture_start(struct fixture *f, struct told *told, const char *kql);
/* One query from start to end. */
void fixture_query(struct fixture *f, struct told *told, const char *kql);
void told_release(struct told *told);

#endif
