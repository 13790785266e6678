/* The readers of sign-in answers: a token that is taken can stand in a header line, whatever came. */
#include "azure/entra.h"

#include <stdlib.h>

static void must_be_sendable(struct str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] > '~')
            abort();
    if (token.n == 0 || token.n > AZURE_TOKEN_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct azure_token token = {.text = SECRET_INIT};
    struct secret refresh = SECRET_INIT;
    struct buf shown = BUF_INIT(8 * ENTRA_SHOWN_MAX);
    double end;
    /* A block of just that size: reading past it is seen. */
    char *exact = malloc(size > 0 ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    struct str text = {exact, size};
    if (azure_token_read(text, "it", &token, &refresh, NULL))
        must_be_sendable(secret_str(&token.text));
    (void) azure_token_end(text, &end);
    (void) entra_advice(entra_code_in(text));
    entra_put_shown(&shown, text);
    for (size_t i = 0; i < shown.used; i++)
        if ((unsigned char) shown.bytes[i] < ' ')
            abort();
    buf_release(&shown);
    secret_release(&refresh);
    azure_token_release(&token);
    free(exact);
    return 0;
}
