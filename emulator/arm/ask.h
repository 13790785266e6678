/* Resource Manager's requests, below /subscriptions/: the workspace, its tables, its export rules, the
 * roles on it; a file each (docs/service.md 1.8, 1.9, 3.1, 5). For arm/ alone. */
#ifndef WEIR_EMULATOR_ARM_ASK_H
#define WEIR_EMULATOR_ARM_ASK_H

#include "emulator/service.h"

#include <jansson.h>
#include <stdlib.h>

/* One request of somebody who may make it. */
struct arm_ask {
    struct service *service;
    const struct server_request *request;
    const struct client *client;
    struct str rest; /* of the path, behind the part's own word */
    struct server_reply *reply;
};

void arm_refuse(struct server_reply *reply, int status, const char *code, const char *message);

/* Sends the value and lets go of it; NULL: no memory. */
void arm_reply(struct server_reply *reply, int status, json_t *value);

/* tables.c: /tables[/{name}]. */
void arm_tables(const struct arm_ask *ask);
json_t *arm_make_table(const struct service *service, const struct table *table);

/* jobs.c: PUT and DELETE of a table: search jobs and restores. And how far they are:
 * .../operationstatuses/{id}, or .../operationresults/{id}. */
void arm_jobs(const struct arm_ask *ask);
void arm_operation(const struct arm_ask *ask, bool result);

/* exports.c: /dataExports[/{name}]. */
void arm_exports(const struct arm_ask *ask);

/* roles.c: /providers/Microsoft.Authorization/roleAssignments. */
void arm_roles(const struct arm_ask *ask);

#endif
