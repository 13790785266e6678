/* Shared access signatures: what one says of itself (docs/service.md section 4.4). It is read to tell the user in
 * time; whether it is good is for the service to say. */
#ifndef WEIR_STORE_AZURE_SAS_H
#define WEIR_STORE_AZURE_SAS_H

#include "store/store.h"

enum { AZ_SAS_MAX = 4096 };

enum az_sas_kind { AZ_SAS_ACCOUNT, AZ_SAS_SERVICE, AZ_SAS_DELEGATION };

struct az_sas {
    enum az_sas_kind kind;
    int64_t start, end; /* ticks; 0: it does not say (a stored policy may) */
    bool blob;          /* it is for one blob, or a folder: not for a container or an account */
    bool policy;        /* permissions and end may stand in a policy of the container (si) */
    bool read, list, create, write,
        remove; /* what it allows; all of them with `policy` and no sp */
};

/* The text as it was given: a leading '?' is fine. ERROR_SETTINGS for what is none, or what can never serve a
 * lake (not for the Blob service); it is never shown. */
bool az_sas_parse(struct str text, struct az_sas *out, struct error *err);

/* The words that are missing of "read, list, create, write, delete"; "" when none is. */
void az_sas_lacks(const struct az_sas *sas, struct buf *out);

#endif
