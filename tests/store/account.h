/* A store over an account that is played (blobs.h), for tests: opened, looked at, made to refuse. */
#ifndef WEIR_TESTS_STORE_ACCOUNT_H
#define WEIR_TESTS_STORE_ACCOUNT_H

#include "base/tick.h"
#include "http/http.h"
#include "store/azure/azure.h"
#include "store/store.h"

#include "blobs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct account {
    struct blobs *blobs;
    struct http_client *http;
    struct store *store;
    struct stop stop;
    struct error err;
    struct buf text, notes;
};

/* Of cmocka: an account, empty, and a store opened on it by a key. The end fails where a request was not proper. */
int account_set_up(void **state);
int account_tear_down(void **state);

/* Opens the store anew, at `path` behind the account; without a way to sign in by the key. What it notes goes into notes, a
 * line each. */
void account_open(struct account *f, struct store_options options, const char *path);

bool account_put(struct account *f, const char *name, const char *bytes);
/* What the service keeps, past the store; NULL: nothing. Until text is used again. */
const char *account_bytes(struct account *f, const char *name);
/* "name:size[ append][ md5] " of each blob; account_gather is the call-back that makes it of a struct buf. */
const char *account_list(struct account *f, const char *prefix);
bool account_gather(void *context, const struct store_blob *blob, struct error *err);

/* From now on each request that matches is answered so. */
void account_refuse(struct account *f, const char *match, int status, const char *code,
                    const char *headers);

#endif
