/* Verdicts: every way in which a query can end, and what it means (docs/service.md 1.3, 1.4). */
#include "workspace/verdict.h"

#include "workspace/service_error.h"

static const char RBAC_HINT[] =
    "the role 'Log Analytics Reader' on the workspace is needed; a new role can take up to 60 min "
    "until it counts";
static const char PERMISSION_HINT[] =
    "the application needs the application permission Data.Read of 'Log Analytics API' (with admin "
    "consent) and the role 'Log Analytics Reader' on the workspace; both can take up to 60 min "
    "until "
    "they count";
static const char NETWORK_HINT[] = "the workspace takes no queries from public networks: run weir "
                                   "inside its private link scope, or "
                                   "allow them under the workspace's network isolation";
static const char AUDIENCE_HINT[] =
    "the token was made for another service: the audience in the settings must be the one of the "
    "endpoint's cloud";
static const char TOKEN_HINT[] =
    "a new token was refused too: does the endpoint belong to the tenant that signed it?";

const char *workspace_outcome_text(enum workspace_outcome outcome)
{
    switch (outcome) {
    case WORKSPACE_OK:
        return "whole";
    case WORKSPACE_TOO_LARGE:
        return "too large";
    case WORKSPACE_TIMEOUT:
        return "timeout";
    case WORKSPACE_THROTTLED:
        return "throttled";
    case WORKSPACE_BROKEN:
        return "broken";
    case WORKSPACE_REFUSED:
        return "refused";
    case WORKSPACE_STOPPED:
        return "stopped";
    }
    return "unknown";
}

static void decide(struct verdict *out, enum workspace_outcome outcome, enum error_code code,
                   const char *what, const struct service_error *said)
{
    const char *name = service_error_code(said);
    bool both = name[0] != '\0' && said->message[0] != '\0';
    out->outcome = outcome;
    out->ceiling = said->ceiling;
    out->limit = said->limit;
    (void) error_set(&out->error, code, "%s%s%s%s%s%s", what, said->message[0] ? ": " : "",
                     said->message,
                     both      ? " ("
                     : name[0] ? ": "
                               : "",
                     name, both ? ")" : "");
}

static bool names_one(struct str text, const struct str *words, size_t n)
{
    for (size_t at = 0; at < text.n; at++)
        for (size_t i = 0; i < n; i++)
            if (text.n - at >= words[i].n &&
                str_eq_case((struct str){text.p + at, words[i].n}, words[i]))
                return true;
    return false;
}

/* 401 and 403 ------------------------------------------------------------------------------------ */

/* A workspace that takes queries out of its private link scope alone. No public page has the text. */
static bool tells_of_the_network(const struct service_error *said)
{
    static const struct str words[] = {STR_INIT("public network"), STR_INIT("private link"),
                                       STR_INIT("network security perimeter")};
    return service_error_has(said, "NspValidationFailedError") ||
           names_one(str_of(said->message), words, sizeof words / sizeof words[0]);
}

static void refuse_access(const struct service_error *said, int status, struct verdict *out)
{
    bool role = service_error_has(said, "InsufficientAccessError");
    bool audience = service_error_has(said, "InvalidAuthenticationTokenAudience");
    bool token = service_error_has(said, "InvalidAuthenticationToken") ||
                 service_error_has(said, "ExpiredAuthenticationToken") ||
                 service_error_has(said, "InvalidTokenError") ||
                 service_error_has(said, "AuthenticationFailed");
    out->token = !role && !audience && (token || status == 401);
    decide(out, WORKSPACE_REFUSED, ERROR_AUTH,
           out->token ? "the workspace refuses the token" : "access to the workspace is refused",
           said);
    if (!out->token && tells_of_the_network(said)) {
        (void) error_hint(&out->error, "%s", NETWORK_HINT);
        return;
    }
    const char *hint = out->token ? TOKEN_HINT : audience ? AUDIENCE_HINT : RBAC_HINT;
    if (service_error_has(said, "UnauthorizedClient"))
        hint = PERMISSION_HINT;
    (void) error_hint(&out->error, "%s", hint);
}

/* Other 4xx -------------------------------------------------------------------------------------- */

static void refuse_request(const struct service_error *said, int status, struct verdict *out)
{
    bool kql = service_error_has(said, "SyntaxError") || service_error_has(said, "SemanticError");
    bool unknown = status == 404 || service_error_has(said, "FailedToResolveResource") ||
                   service_error_has(said, "WorkspaceNotFoundError");
    if (kql)
        decide(out, WORKSPACE_REFUSED, ERROR_KQL, "the workspace refuses the KQL", said);
    else if (unknown)
        decide(out, WORKSPACE_REFUSED, ERROR_NOT_FOUND,
               "there is no such workspace at this endpoint", said);
    else
        decide(out, WORKSPACE_REFUSED, ERROR_SERVICE, "the workspace refuses the request", said);
}

static void refuse_redirect(int status, struct verdict *out)
{
    out->outcome = WORKSPACE_REFUSED;
    (void) error_set(&out->error, ERROR_SERVICE, "the endpoint sends us elsewhere (status %d)",
                     status);
    (void) error_hint(&out->error,
                      "redirects are not followed; is the endpoint right, and is there a "
                      "proxy that wants a sign-in?");
}

/* No public page tells the texts of a 429; these words are of the limit of queries at once alone. */
static bool tells_of_the_queue(struct str body)
{
    static const struct str words[] = {STR_INIT("queue"), STR_INIT("waiting"),
                                       STR_INIT("concurren")};
    return names_one(body, words, sizeof words / sizeof words[0]);
}

/* A refusal counts only when it ended whole, as an answer does: what began as JSON and is none was cut off. What it
 * says of a limit is not believed either. */
static bool is_cut(struct str body, bool readable, struct service_error *said)
{
    bool cut = !readable && body.n > 0 && body.p[0] == '{';
    if (cut) {
        said->ceiling = WORKSPACE_CEILING_UNKNOWN;
        said->limit = 0;
    }
    return cut;
}

void verdict_of_status(int status, struct str body, struct verdict *out)
{
    struct service_error said;
    bool readable = service_error_parse(body, &said);
    bool cut = is_cut(body, readable, &said);
    *out = (struct verdict){.error = ERROR_INIT};
    if (said.too_large)
        decide(out, WORKSPACE_TOO_LARGE, ERROR_TOO_LARGE, "the answer is too large", &said);
    else if (status == 429)
        decide(out, WORKSPACE_THROTTLED, ERROR_THROTTLED, "the workspace asks for patience (429)",
               &said);
    else if (status == 408 || status == 504)
        decide(out, WORKSPACE_TIMEOUT, ERROR_TIMEOUT, "the workspace took too long", &said);
    else if (status >= 500)
        decide(out, WORKSPACE_BROKEN, ERROR_SERVICE, "the workspace fails", &said);
    else if (status == 401 || status == 403)
        refuse_access(&said, status, out);
    else if (status >= 300 && status < 400)
        refuse_redirect(status, out);
    else if (cut)
        decide(out, WORKSPACE_BROKEN, ERROR_PARTIAL, "a refusal of the workspace was cut off",
               &said);
    else
        refuse_request(&said, status, out);
    out->queue = out->outcome == WORKSPACE_THROTTLED && tells_of_the_queue(body);
    if (!readable)
        (void) error_prefix(&out->error, "status %d", status);
}

/* A good status ---------------------------------------------------------------------------------- */

static void judge_error_member(struct str text, struct verdict *out)
{
    struct service_error said;
    (void) service_error_parse(text, &said);
    if (said.too_large)
        decide(out, WORKSPACE_TOO_LARGE, ERROR_TOO_LARGE, "the answer is too large", &said);
    else
        decide(out, WORKSPACE_BROKEN, ERROR_PARTIAL, "the answer is not whole", &said);
}

static void judge_body(struct response *response, struct verdict *out)
{
    out->outcome = WORKSPACE_OK;
    if (!response_finish(response, &out->error))
        out->outcome = response_foreign(response) ? WORKSPACE_REFUSED : WORKSPACE_BROKEN;
    else if (response_error(response).n > 0)
        judge_error_member(response_error(response), out);
}

/* The request ended before its body did, or its body was not to our liking. */
static void judge_end(const struct http_response *http, const struct response *response,
                      bool reached, struct verdict *out)
{
    out->error = *http->error;
    if (response && response_stopped(response))
        out->outcome = WORKSPACE_STOPPED;
    else if (response && response_foreign(response))
        out->outcome = WORKSPACE_REFUSED;
    else if (http->status == 0 && http->error->code == ERROR_TIMEOUT)
        out->outcome = WORKSPACE_TIMEOUT;
    else
        out->outcome = http->connected || reached ? WORKSPACE_BROKEN : WORKSPACE_REFUSED;
}

/* Bytes that are missing at its end may be what told one refusal from another. */
static void verdict_of_refusal(const struct http_response *http, struct verdict *out)
{
    verdict_of_status(http->status, http->body, out);
    if (http->whole || out->outcome != WORKSPACE_REFUSED || out->error.code == ERROR_AUTH)
        return;
    *out = (struct verdict){.outcome = WORKSPACE_BROKEN, .error = ERROR_INIT};
    (void) error_set(&out->error, ERROR_PARTIAL,
                     "status %d: a refusal of the workspace was cut off", http->status);
}

void verdict_of(const struct http_response *http, struct response *response, bool reached,
                struct verdict *out)
{
    *out = (struct verdict){.error = ERROR_INIT};
    bool good = http->status >= 200 && http->status < 300;
    if (http->status != 0 && !good)
        verdict_of_refusal(http, out);
    else if (http->error->code != ERROR_NONE || !http->whole)
        judge_end(http, response, reached, out);
    else if (http->status == 204)
        out->outcome = WORKSPACE_OK;
    else
        judge_body(response, out);
}

void verdict_of_error(const struct error *error, bool reached, struct verdict *out)
{
    *out = (struct verdict){.error = *error};
    bool wire = error->code == ERROR_NETWORK || error->code == ERROR_TIMEOUT ||
                error->code == ERROR_SERVICE || error->code == ERROR_THROTTLED;
    out->outcome = error->code == ERROR_INTERRUPTED ? WORKSPACE_STOPPED
                   : wire && reached                ? WORKSPACE_BROKEN
                                                    : WORKSPACE_REFUSED;
}
