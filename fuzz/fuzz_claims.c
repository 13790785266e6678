/* The reader of a token's claims: it says GUIDs or nothing, whatever the token. */
#include "azure/claims.h"

#include <stdlib.h>

static void must_be_guid_or_empty(const char text[GUID_TEXT])
{
    if (text[0] != '\0' && !text_is_guid(str_of(text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct azure_who who;
    /* A block of just that size: reading past it is seen. */
    char *exact = malloc(size > 0 ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    (void) claims_read((struct str){exact, size}, &who);
    must_be_guid_or_empty(who.object);
    must_be_guid_or_empty(who.tenant);
    must_be_guid_or_empty(who.application);
    free(exact);
    return 0;
}
