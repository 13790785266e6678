/* Shared access signatures: what one says of itself (docs/service.md section 4.4). It is read to tell the user in
 * time; whether it is good is for the service to say. */
#ifndef WEIR_STORE_AZURE_SAS_H
#define WEIR_STORE_AZURE_SAS_H

#include "store/store.h"

enum { AZ_SAS_MAX = 4096 };

struct az_sas {
    int64_t end; /* tick; 0: it does not say (a policy of the container may: si) */
    bool read, list, create, write, remove; /* what it allows; all of them with si and no sp */
};

/* The text as it was given: a leading '?' is fine. ERROR_SETTINGS for what is none, or what can never serve a
 * lake (not for the Blob service); it is never shown. */
bool az_sas_parse(struct str text, struct az_sas *out, struct error *err);

/* The words that are missing of "read, list, create, write, delete"; "" when none is. */
void az_sas_lacks(const struct az_sas *sas, struct buf *out);

#endif
