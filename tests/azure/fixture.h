/* What the tests of signing in share: a scripted authority, an environment without any credential of this
 * machine, and pauses that take no time. */
#ifndef WEIR_TESTS_AZURE_FIXTURE_H
#define WEIR_TESTS_AZURE_FIXTURE_H

#include "azure/credential.h"

#include "support/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define CLIENT "11111111-2222-4333-8444-555555555555"
#define OBJECT "99999999-8888-4777-8666-555555555555"
#define AUDIENCE "https://api.loganalytics.io"
#define VALUE "p&ss=w/rd+~hunter2"
#define TOKEN_ANSWER "{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"eyJ.one\"}"

enum { FIXTURE_PAUSES_MAX = 64 };

struct fixture {
    struct server *server;
    struct http_client *http;
    struct azure_credential *credential;
    struct buf header;
    struct error err;
    char folder[64]; /* of its own, gone with its files at the end */
    double pauses[FIXTURE_PAUSES_MAX];
    size_t pause_count;
    struct buf told; /* lines for the user, each with a newline */
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Makes the credential; its authority is the server unless options say otherwise. */
void fixture_open(struct fixture *f, const struct azure_credential_options *options);
/* A header for AUDIENCE; f->err is cleared first. */
bool fixture_ask(struct fixture *f);
/* A header that is there, and is made from this token. */
void fixture_gets(struct fixture *f, const char *token);
/* No header, with this code and this in its message. */
void fixture_fails(struct fixture *f, enum error_code code, const char *message);

/* For requests that hold `match` ("GET /metadata"; NULL: any): one answer. */
void fixture_answer(struct fixture *f, const char *match, int status, const char *body);

/* Writes a file into the folder; its path, valid until the next call. */
const char *fixture_file(struct fixture *f, const char *name, const char *text, unsigned mode);

/* A token that says who: an unsigned JSON Web Token, in a static buffer. */
const char *fixture_token(const char *claims);

void fixture_sleep(double seconds);                    /* the monotonic clock goes on by that */
void fixture_set(const char *name, const char *value); /* a variable */

/* Neither message nor hint holds any part of VALUE. */
void assert_silent(const struct error *err);

#endif
