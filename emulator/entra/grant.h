/* Grants: what the token endpoint gives a token for, a file each; and what they share: the audience
 * that is asked for, the answer, the refusal (docs/service.md 2.2 to 2.8). For entra/ alone. */
#ifndef WEIR_EMULATOR_ENTRA_GRANT_H
#define WEIR_EMULATOR_ENTRA_GRANT_H

#include "emulator/service.h"

/* One request to a token endpoint. */
struct grant {
    struct service *service;
    struct str form;
    bool v1;
    struct str audience; /* lent; empty: none, or none that is known */
    struct str scope;    /* lent: of v2, as it was asked */
    struct server_reply *reply;
};

/* Answers with an error and its AADSTS number. */
void grant_refuse(const struct grant *grant, int status, const char *error, int number,
                  const char *text);

/* Answers with a token for the audience, or refuses when there is none. */
void grant_token(const struct grant *grant, const struct token_owner *owner);

/* The same for a person: with a refresh token, if the scope asks for one, and with who it is. */
void grant_person(const struct grant *grant, const struct token_owner *owner);

/* The client that the form names; NULL when it was refused. */
const struct client *grant_client(const struct grant *grant);

/* The audience in a scope of v2: one of its words is <audience>/.default or the like. */
struct str grant_scope_audience(struct str scope);

/* credentials.c: client_credentials, with a secret or with an assertion (assertion.c). */
void grant_credentials(const struct grant *grant);

/* assertion.c: the client proves with a signed statement that it is itself; false when it was
 * refused. */
bool grant_assertion(const struct grant *grant, const struct client *client);

/* device.c: urn:ietf:params:oauth:grant-type:device_code. */
void grant_device(const struct grant *grant);

/* refresh.c: refresh_token; and the making of one for the person and the client. */
void grant_refresh(const struct grant *grant);
bool refresh_put(const struct service *service, const struct token_owner *owner, int64_t now,
                 struct buf *out, struct error *err);

#endif
