/* Verdicts: what the end of a query means. Internal to this room. */
#ifndef WEIR_WORKSPACE_VERDICT_H
#define WEIR_WORKSPACE_VERDICT_H

#include "http/http.h"
#include "workspace/response.h"
#include "workspace/workspace.h"

struct verdict {
    enum workspace_outcome outcome;
    struct error error;             /* unless OK */
    bool token;                     /* REFUSED, but a new token may mend it */
    bool queue;                     /* THROTTLED, since the queue of queries is full */
    enum workspace_ceiling ceiling; /* TOO_LARGE: which, and where it is */
    uint64_t limit;
};

/* From how the request ended, and what was read of the body of a good one. `reached`: the workspace has
 * answered before, so a connection that fails now is worth another try. */
void verdict_of(const struct http_response *http, struct response *response, bool reached,
                struct verdict *out);

/* The same for an error before anything was sent: no token, no memory, ... */
void verdict_of_error(const struct error *error, bool reached, struct verdict *out);

/* Fills err and hint from an answer whose status is not 2xx (for the metadata API too). */
void verdict_of_status(int status, struct str body, struct verdict *out);

#endif
