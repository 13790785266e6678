/* What an answer means, and what the user is told (docs/service.md section 4.7). */
#ifndef WEIR_STORE_AZURE_ERROR_H
#define WEIR_STORE_AZURE_ERROR_H

#include "store/azure/engine.h"

enum az_meaning {
    AZ_GOOD,
    AZ_DEFINITE, /* asking again would not change it */
    AZ_PASSES,   /* a broken connection, the service's own trouble */
    AZ_PATIENCE, /* the account is asked too much */
    AZ_REFUSED,  /* key, signature or token are not taken: they may have been renewed elsewhere */
    AZ_NO_CONTAINER
};

/* Fills status, response, code and error. */
enum az_meaning az_answer_read(const struct az *az, const struct az_op *op,
                               const struct http_response *response, struct az_answer *out);

/* A definite answer that says: the name is taken, though we wanted it new or unchanged. */
bool az_says_taken(const struct az_answer *answer);
/* 404, whatever is missing. */
bool az_says_missing(const struct az_answer *answer);
/* The container, or the blob, is protected by a policy or a legal hold. */
bool az_says_immutable(const struct az_answer *answer);

/* The text between <NAME> and </NAME>, undecoded; empty when it is not there. For errors, whose form is fixed. */
struct str az_error_element(struct str body, const char *name);

#endif
