/* Entra: Microsoft's sign-in service (docs/service.md section 2). Internal to this room.
 *
 *     struct entra_form form;
 *     entra_form_init(&form, err) && … entra_put(&form, "grant_type", STR("client_credentials")); …
 *     entra_ask(http, authority, tenant, &form, &token, NULL, NULL, err);
 *     entra_form_release(&form);
 */
#ifndef WEIR_AZURE_ENTRA_H
#define WEIR_AZURE_ENTRA_H

#include "azure/token.h"

enum { ENTRA_SHOWN_MAX = 400 /* bytes of another side's own text in an error */ };

/* What is sent. The form is wiped; the texts given as hidden stand in no error, even if Entra repeats them. */
struct entra_form {
    struct secret text;
    struct str hidden[2]; /* lent */
    size_t hides;
};
bool entra_form_init(struct entra_form *form, struct error *err);
void entra_form_release(struct entra_form *form);
void entra_put(struct entra_form *form, const char *name, struct str value);
void entra_put_hidden(struct entra_form *form, const char *name, struct str value);
/* scope=<audience>/.default, and what stands before it ("offline_access "; NULL: nothing). */
void entra_put_scope(struct entra_form *form, const char *before, const char *audience);

/* A GUID or a domain; it becomes a part of a path. */
bool entra_is_tenant(const char *tenant);

/* A refusal's own name ("authorization_pending"), "" when there is none, and its number. */
struct entra_said {
    char name[64];
    int code; /* of AADSTS; 0: none */
};

/* POST <authority>/<tenant>/oauth2/v2.0/<endpoint>; the answer's object (json_decref) for status 200. `said`
 * (may be NULL) tells why it refused.
 * ERROR_AUTH with Entra's own text and what it means; ERROR_NETWORK, ERROR_TIMEOUT when it cannot be reached;
 * ERROR_SERVICE, ERROR_THROTTLED when it is in trouble itself; ERROR_FORMAT for an answer that is none;
 * ERROR_SETTINGS for a tenant that is no name. */
bool entra_post(struct http_client *http, const char *authority, const char *tenant,
                const char *endpoint, const struct entra_form *form, json_t **out,
                struct entra_said *said, struct error *err);

/* The same at the endpoint "token", and the token of the answer. */
bool entra_ask(struct http_client *http, const char *authority, const char *tenant,
               const struct entra_form *form, struct azure_token *out, struct secret *refresh,
               struct entra_said *said, struct error *err);

/* The number behind AADSTS in a text, 0: none; what to do about it, NULL: not known. */
int entra_code_in(struct str text);
const char *entra_advice(int code);

/* Whether a text holds a secret, as it is or percent-encoded: a service that repeats what it was sent must not bring
 * it into a log. */
bool entra_repeats(struct str text, struct str hidden);

/* Another side's text made fit to be shown: its first line, without the trace ids, of which the user has no use,
 * cut at ENTRA_SHOWN_MAX, safe for a terminal. */
void entra_put_shown(struct buf *out, struct str text);

#endif
