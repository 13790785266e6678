/* Service errors: what the service says of itself (docs/service.md 1.3 and 1.4). Internal to this room.
 *
 * An error is a chain: code, message, innererror, details, each with more of the same inside. The
 * outermost says what kind it is, the innermost what happened.
 */
#ifndef WEIR_WORKSPACE_SERVICE_ERROR_H
#define WEIR_WORKSPACE_SERVICE_ERROR_H

#include "workspace/workspace.h"

enum { SERVICE_LINKS_MAX = 32, SERVICE_CODE_MAX = 64, SERVICE_MESSAGE_MAX = 512 };

struct service_error {
    struct {
        char code[SERVICE_CODE_MAX];
        unsigned depth;
    } links[SERVICE_LINKS_MAX]; /* in the order in which they stand */
    size_t count;
    char message[SERVICE_MESSAGE_MAX]; /* the innermost that there is */
    bool too_large;                    /* one of the three ceilings was met */
    enum workspace_ceiling ceiling;    /* which, and where it is, as its text says */
    uint64_t limit;
};

/* `text` is the JSON of the error, or of an object whose member `error` it is. False when it is neither;
 * too_large is looked for in the plain text then too. */
bool service_error_parse(struct str text, struct service_error *out);

/* The chain holds this code. */
bool service_error_has(const struct service_error *error, const char *code);
/* The outermost code, "" when there is none. */
const char *service_error_code(const struct service_error *error);

#endif
