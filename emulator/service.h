/* Service: the workspace's side of the wire, request in, reply out: sign-in, queries, batches,
 * metadata. Knows nothing of sockets; server.h calls service_handle from many threads. */
#ifndef WEIR_EMULATOR_SERVICE_H
#define WEIR_EMULATOR_SERVICE_H

#include "emulator/clock.h"
#include "emulator/faults.h"
#include "emulator/report.h"
#include "emulator/server.h"
#include "emulator/tables.h"
#include "emulator/throttle.h"
#include "emulator/tokens.h"
#include "emulator/watch.h"

#include "engine/engine.h"

enum { SERVICE_AUDIENCES_MAX = 8 };

/* Who may sign in. */
enum {
    SERVICE_APP,           /* the client of the ready file: secret, certificate, federated token */
    SERVICE_CONDITIONAL,   /* the second client, of --condition and --deny */
    SERVICE_IDENTITY,      /* the machine's own managed identity */
    SERVICE_USER_IDENTITY, /* one that was assigned to it */
    SERVICE_PERSON,        /* who signs in with a device code */
    SERVICE_CLIENTS_MAX
};

/* For whom tokens are, beside the query API; each has its names in the other clouds too
 * (docs/service.md 2.9). */
#define SERVICE_ARM_AUDIENCE "https://management.azure.com"
#define SERVICE_VAULT_AUDIENCE "https://vault.azure.net"

enum service_part { SERVICE_ARM, SERVICE_VAULT, SERVICE_INGESTION, SERVICE_STORAGE, SERVICE_PARTS };

struct client {
    struct token_owner owner;
    const char *secret;   /* NULL: it signs in by other ways alone */
    const char *resource; /* id of a user-assigned identity */
    bool conditional;     /* sees what the conditions of rules.h leave */
};

/* What the service lets one ask for, and how it answers. Times in ns. */
struct service_limits {
    uint64_t rows, bytes, body; /* of an answer; 0: no ceiling */
    uint64_t body_status;       /* of the answer when the body is too long */
    uint64_t wait, wait_max;    /* a query's time, unless it asks; the most it may ask for */
    uint64_t token_life;
    const char *retry_after; /* "auto", "none", or seconds */
    bool native_dynamic;
    bool strict_search; /* a search may not filter by TimeGenerated in its text */
};

struct service {
    struct service_limits limits;
    atomic_bool answering; /* set last of all at the start: until then the answer is 503 */
    const char *endpoint;  /* https://127.0.0.1:4711 */
    const char *workspace, *workspace_name, *resource_id, *region;
    const char *tenant;
    struct client clients[SERVICE_CLIENTS_MAX];   /* without an owner: there is no such client */
    const char *audiences[SERVICE_AUDIENCES_MAX]; /* of the query API; NULL ends them */
    bool no_arm, no_vault;                        /* these refuse everybody */
    bool is_private;                              /* queries from public networks are refused */
    struct tokens tokens;
    struct keys *keys;         /* NULL: no certificate and no federated token is good */
    struct devices *devices;   /* NULL: nobody signs in with a device code */
    struct vault *vault;       /* NULL: there is none */
    struct imds *imds;         /* NULL: no managed identity */
    struct jobs *jobs;         /* NULL: neither search jobs nor restores */
    struct exports *exports;   /* NULL: no export rules */
    struct exporter *exporter; /* NULL: the rules have no effect */
    struct ingest *ingest;     /* NULL: no rows arrive */
    struct throttle *throttle;
    struct throttle *searches; /* places alone: the rate is that of all requests */
    struct clock clock;
    struct faults faults;
    struct tables tables;
    struct engine *engine;
    struct watch *watch;
    struct report report;
};

/* A server_handler whose context is a struct service *. */
void service_handle(void *context, const struct server_request *request,
                    struct server_reply *reply);

/* The tick that now() is for a request. */
int64_t service_now(const struct service *service);

/* The client of an id; NULL: none. */
const struct client *service_client(const struct service *service, struct str id);

/* Whose a token is; NULL: of nobody that is known. */
const struct client *service_holder(const struct service *service,
                                    const struct token_holder *holder);

/* What a token says of itself: good for a part, and whose it is. */
enum token_verdict service_check(const struct service *service, enum service_part part,
                                 const char *authorization, struct token_holder *holder);

/* Tokens of this audience are given out. */
bool service_is_audience(const struct service *service, struct str audience);

/* Seconds for a Retry-After header after so many ns, by the flag; negative: no header. */
int64_t service_retry_after(const struct service *service, uint64_t ns);

/* --- for service.c and batch.c ---------------------------------------------------------------- */

struct query_ask {
    struct str text;
    const char *timespan_url, *timespan; /* of the address and of the body; NULL: none */
    const char *prefer;
    const struct client *client; /* who asks */
    bool search;                 /* by the way of tables of the Basic and Auxiliary plans */
};

/* query.c: one query, from the fault it meets to its reply. */
void query_answer(struct service *service, const struct query_ask *ask, struct server_reply *reply);

/* Reads {"query":...,"timespan":...,"workspaces":[...]} and answers it. `ask` has all else. */
void query_answer_body(struct service *service, struct str body, const struct query_ask *ask,
                       struct server_reply *reply);

/* arm/routes.c: Resource Manager: the workspace, its tables, its export rules, the roles on it. False:
 * not a path of Resource Manager. */
bool arm_answer(struct service *service, const struct server_request *request,
                struct server_reply *reply);

/* batch.c: POST /v1/$batch. */
void batch_answer(struct service *service, struct str body, const struct client *client,
                  struct server_reply *reply);

/* metadata.c: GET and POST /v1/workspaces/{id}/metadata. */
void metadata_answer(const struct service *service, struct server_reply *reply);

/* entra/routes.c: the token endpoints, device codes, openid-configuration, instance discovery. False:
 * not such a path. */
bool entra_answer(struct service *service, const struct server_request *request,
                  struct server_reply *reply);

#endif
