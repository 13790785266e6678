/* The reader of WWW-Authenticate: what it says is plain text, and no token goes to a host that is not meant. */
#include "azure/challenge.h"

#include <stdlib.h>
#include <strings.h>

static void must_be_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct challenge challenge;
    /* A block of just that size: reading past it is seen. */
    char *exact = malloc(size > 0 ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    if (!challenge_read((struct str){exact, size}, &challenge) &&
        (challenge.authority[0] || challenge.resource[0]))
        abort();
    must_be_plain(challenge.authority);
    must_be_plain(challenge.resource);
    (void) challenge_tenant(&challenge);
    if (challenge_fits(&challenge, STR("contoso.vault.azure.net")) &&
        strcasecmp(challenge.resource, "https://contoso.vault.azure.net") != 0 &&
        strcasecmp(challenge.resource, "https://vault.azure.net") != 0 &&
        strcasecmp(challenge.resource, "https://azure.net") != 0)
        abort();
    free(exact);
    return 0;
}
