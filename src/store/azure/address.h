/* Addresses of accounts and containers, and where in them a name of the store is (docs/service.md section 4.1).
 *
 *     https://NAME.blob.core.windows.net[/CONTAINER[/FOLDER]]        host style: the account is in the host
 *     http://127.0.0.1:10000/NAME[/CONTAINER[/FOLDER]]               path style: an IP address, localhost, or a
 *                                                                    host without a dot
 *     abfss://CONTAINER@NAME.dfs.core.windows.net[/FOLDER]           the same account's Blob endpoint is used
 */
#ifndef WEIR_STORE_AZURE_ADDRESS_H
#define WEIR_STORE_AZURE_ADDRESS_H

#include "store/store.h"

#define AZ_TABLE_PREFIX "am-"   /* of the containers of tables */
#define AZ_OWN_CONTAINER "weir" /* of what is no table's */

enum {
    AZ_BASE_MAX = 320,
    AZ_ACCOUNT_MAX = 63,
    AZ_CONTAINER_MIN = 3,
    AZ_CONTAINER_MAX = 63,
    AZ_FOLDER_MAX = 512
};

struct az_address {
    char base[AZ_BASE_MAX +
              1]; /* of URLs: scheme, host, port, and the account in path style; no slash behind */
    char account[AZ_ACCOUNT_MAX + 1];
    char container[AZ_CONTAINER_MAX + 1]; /* "": the account */
    char folder[AZ_FOLDER_MAX + 1];       /* in the container; "": all of it */
    bool path_style;
    bool table; /* the container is one table's own: the account, with that and weir's own alone */
};

/* ERROR_SETTINGS for what is none, with the forms as hint. A query in it is never shown: it may be a secret. */
bool az_address_parse(const char *text, struct az_address *out, struct error *err);

/* False (ERROR_SETTINGS: did you mean ...) for what has no :// and would be a folder of a strange name: its scheme is
 * mistyped, or forgotten before a host of Azure Storage. */
bool az_address_is_folder(const char *text, struct error *err);

/* Where a name is: views of the address and the name. A blob's name is the folder, a slash, and the rest. */
struct az_place {
    struct str container, folder, rest; /* folder and rest may be empty */
};
/* False: in this address there can be no such container (ERROR_SETTINGS says why). */
bool az_address_place(const struct az_address *address, const char *name, struct az_place *out,
                      struct error *err);

/* True for a name that the service takes for a container. */
bool az_container_ok(struct str name);

#endif
