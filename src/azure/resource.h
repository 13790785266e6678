/* Resources: what Azure Resource Manager tells (docs/service.md section 5). Reads only.
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

/* The next page of a list: *path becomes that of the answer's `nextLink`. False without an error: there is
 * none. ERROR_FORMAT when it leads to another place than the endpoint: a token does not follow there. */
bool azure_resource_next(const struct azure_resources *resources, const json_t *page,
                         struct buf *path, struct error *err);

#endif
