/* Challenges: the header WWW-Authenticate of a 401 (RFC 9110, section 11.6.1). Internal to this room. */
#ifndef WEIR_AZURE_CHALLENGE_H
#define WEIR_AZURE_CHALLENGE_H

#include "base/text.h"

enum { CHALLENGE_VALUE_MAX = 512, CHALLENGE_MAX = 8192 };

/* What a service wants of a bearer; "" for what it does not say. */
struct challenge {
    char authority[CHALLENGE_VALUE_MAX]; /* https://login.microsoftonline.com/TENANT */
    char resource[CHALLENGE_VALUE_MAX];  /* https://vault.azure.net, without a slash at the end */
};

/* Reads the first Bearer challenge of a header's value; `scope` stands in for `resource`. False: there is none, or it
 * is not in the form it must have; then *out says nothing. */
bool challenge_read(struct str value, struct challenge *out);

/* The tenant in its authority: the last part of the path; empty when there is none. */
struct str challenge_tenant(const struct challenge *challenge);

/* Whether a token for its resource may be sent to a host: https, and the host is the resource's or lies below it.
 * Otherwise a service could ask for a token that is good for another. */
bool challenge_fits(const struct challenge *challenge, struct str host);

#endif
