/* Resources: what Azure Resource Manager tells and does (docs/service.md section 5).
 *
 *     struct azure_resources resources = {http, credential, "https://management.azure.com", NULL};
 *     json_t *table;
 *     azure_resource_get(&resources, "/subscriptions/…/tables/T", "2022-10-01", &table, err);
 *
 * One thread, that of the http client. Its other requests proceed meanwhile.
 */
#ifndef WEIR_AZURE_RESOURCE_H
#define WEIR_AZURE_RESOURCE_H

#include "azure/credential.h"

#include <jansson.h>

enum {
    AZURE_RESOURCE_PATH_MAX = 8 * 1024,          /* of a path with its query */
    AZURE_RESOURCE_ANSWER_MAX = 16 * 1024 * 1024 /* bytes */
};

struct azure_resources { /* all lent */
    struct http_client *http;
    struct azure_credential *credential;
    const char *endpoint; /* https://management.azure.com; azure_cloud_find knows them */
    const char *audience; /* for tokens; NULL: the endpoint */
};

/* GET of a path, which begins with '/' and may have a query; `api_version` is added to that (NULL: it is
 * there already). *out is an object, the caller's (json_decref). A refused token is renewed once; 429, 5xx
 * and broken connections are tried again as http_call does.
 * ERROR_AUTH names the role that is missing and its scope; ERROR_NOT_FOUND; ERROR_THROTTLED, SERVICE,
 * NETWORK, TIMEOUT when Resource Manager is in trouble; ERROR_FORMAT for an answer that is none;
 * ERROR_SETTINGS for an endpoint to which a token must not travel. */
bool azure_resource_get(const struct azure_resources *resources, const char *path,
                        const char *api_version, json_t **out, struct error *err);

/* What goes on after a change was taken, and where to look (docs/service.md 5.3). Zero is none. */
struct azure_operation {
    enum azure_operation_by {
        AZURE_OPERATION_DONE,     /* nothing goes on */
        AZURE_OPERATION_ASYNC,    /* the address of header Azure-AsyncOperation tells its state */
        AZURE_OPERATION_LOCATION, /* that of header Location answers 202 while it runs */
        AZURE_OPERATION_RESOURCE  /* the resource's own provisioningState */
    } by;
    bool leaving;        /* of a delete: its end may be that nothing is there */
    char *path;          /* of it, with its query; owned */
    const char *version; /* what is to be added to it, or NULL; lent */
    double retry_after;  /* seconds that the service asks to wait before a look, or -1 */
};
void azure_operation_release(struct azure_operation *operation);

/* PUT of a JSON object. The resource as it was answered goes to *out when that is wanted (the caller's; NULL when the answer
 * had none). What goes on is told in *operation (release it). A try whose answer was lost is made again, so it must be
 * one that changes nothing the second time. Codes as for a get; ERROR_EXISTS for 409. ERROR_AUTH names the role for writing. */
bool azure_resource_put(const struct azure_resources *resources, const char *path,
                        const char *api_version, const json_t *body,
                        struct azure_operation *operation, json_t **out, struct error *err);
/* DELETE; what is not there is fine. */
bool azure_resource_delete(const struct azure_resources *resources, const char *path,
                           const char *api_version, struct azure_operation *operation,
                           struct error *err);

/* One look: *ended, or wait retry_after seconds and look again. ERROR_SERVICE with the service's words when it failed or was
 * cancelled; ERROR_FORMAT for an address at another place than the endpoint: a token does not follow there. */
bool azure_operation_poll(const struct azure_resources *resources,
                          struct azure_operation *operation, bool *ended, struct error *err);

/* The next page of a list: *path becomes that of the answer's `nextLink`. False without an error: there is
 * none. ERROR_FORMAT when it leads to another place than the endpoint: a token does not follow there. */
bool azure_resource_next(const struct azure_resources *resources, const json_t *page,
                         struct buf *path, struct error *err);

#endif
