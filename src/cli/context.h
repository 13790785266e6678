/* Context: what commands open: the workspace with its sign-in, the lake, the place of a table in it. */
#ifndef WEIR_CLI_CONTEXT_H
#define WEIR_CLI_CONTEXT_H

#include "azure/credential.h"
#include "cli/cli.h"
#include "lake/layout.h"
#include "store/store.h"
#include "workspace/workspace.h"

/* One event loop and one identity for all of them. It must not move: what it holds calls it back. */
struct cli_context {
    const struct cli *cli;
    const struct azure_cloud *cloud;
    struct http_client *http;
    struct azure_credential *credential;
    struct workspace *workspace;
    struct store *store;
    const char *audience;
    char run[40]; /* id of this run: stands in front of every query and in the ledger */
    char tag[80];
    char id[40];          /* workspace GUID, lower case */
    struct buf container; /* of place.table, in the form in which it is there */
    struct lake_place place;
};

/* The loop and the identity alone, once: the others do that when they need it. */
bool cli_open_network(const struct cli *cli, struct cli_context *context, struct error *err);
bool cli_open_workspace(const struct cli *cli, struct cli_context *context, struct error *err);
/* A new one in its place, for the same run: what was under way in the old one is dropped. */
bool cli_open_workspace_again(const struct cli *cli, struct cli_context *context,
                              struct error *err);
/* The address of Resource Manager, or NULL: where the query service is not the cloud's, it is not to be guessed, since
 * a token would travel to somebody else. */
const char *cli_management(const struct cli *cli, const struct cli_context *context);
/* Gets the first token, so that it is known who asks: *identity, lent by the arena. */
bool cli_sign_in(struct cli *cli, struct cli_context *context, const char **identity,
                 struct error *err);
/* What any store in Azure is opened with, its address aside. The network is open. */
void cli_store_options(const struct cli *cli, struct cli_context *context,
                       struct store_options *out);
/* The lake, a folder or in Azure. */
bool cli_open_store(const struct cli *cli, struct cli_context *context, struct error *err);
/* What ends before a run of so many seconds would, or is not allowed, is said in a note; an SAS that cannot write
 * when `writes` is an error. */
bool cli_check_access(struct cli_context *context, double seconds, bool writes, struct error *err);
/* The place of a table: id and resource id from settings, checked. Its container is lent until the next. */
bool cli_open_place(const struct cli *cli, const char *table, struct cli_context *context,
                    struct error *err);
/* The same with context->id and the resource id at hand, which is lent as the table is. */
bool cli_take_place(struct cli_context *context, const char *resource_id, const char *table,
                    struct error *err);
void cli_close(struct cli_context *context);

/* "contoso-sec (8ecf8077-...)" or the GUID. */
const char *cli_workspace_name(const struct cli *cli, const struct cli_context *context);

#endif
