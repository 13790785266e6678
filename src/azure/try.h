/* Tries: one request, asked once, with a limit of its own. Internal to this room.
 *
 * http_call tries again by rules that fit most services. The endpoints of managed identities have their own
 * rules, and a question whether somebody is there at all is asked but once and shortly.
 */
#ifndef WEIR_AZURE_TRY_H
#define WEIR_AZURE_TRY_H

#include "base/secret.h"
#include "http/http.h"

struct azure_try {
    int status; /* 0: no answer came, and error says why */
    double retry_after;
    struct secret body;
    struct error error;
};
void azure_try_release(struct azure_try *answer);

/* Asks; at most `seconds` in all (0: as long as the http client waits). *out is made anew. False only for what is no
 * matter of the other side: an interruption, a request that cannot be sent, no memory. */
bool azure_try(struct http_client *http, const struct http_request *request, double seconds,
               struct azure_try *out, struct error *err);

/* A pause in which other requests proceed, and which no call-back's http_wake shortens. */
bool azure_pause(struct http_client *http, double seconds, struct error *err);

#endif
