/* Shared Key: signatures over requests (docs/service.md section 4.3), and the checksums that go with bodies. */
#ifndef WEIR_STORE_AZURE_SIGN_H
#define WEIR_STORE_AZURE_SIGN_H

#include "store/store.h"

#include <openssl/evp.h>

enum {
    AZ_KEY_MAX = 256,       /* bytes of a key; an account's has 64 */
    AZ_SIGNATURE_TEXT = 45, /* Base64 of 32 bytes, and NUL */
    AZ_MD5_TEXT = 25,       /* Base64 of 16 bytes, and NUL */
    AZ_DATE_TEXT = 30       /* Sun, 06 Nov 1994 08:49:37 GMT, and NUL */
};

/* Set up once: a signature then costs its hashing and no allocation. Zero is one without a key. */
struct az_signer {
    EVP_MAC *method;
    EVP_MAC_CTX *mac;
};
/* Takes the key in Base64, as the portal shows it. ERROR_SETTINGS for what is none; it is never shown. */
bool az_signer_set(struct az_signer *signer, struct str key, struct error *err);
void az_signer_release(struct az_signer *signer);
bool az_sign(struct az_signer *signer, struct str text, char out[AZ_SIGNATURE_TEXT],
             struct error *err);

/* MD5 of a stream. The service checks it as Content-MD5 and keeps it; it proves nothing against malice. */
struct az_md5 {
    EVP_MD *method;
    EVP_MD_CTX *context;
};
bool az_md5_init(struct az_md5 *md5, struct error *err);
void az_md5_release(struct az_md5 *md5);
void az_md5_begin(struct az_md5 *md5);
void az_md5_add(struct az_md5 *md5, const void *bytes, size_t n);
bool az_md5_end(struct az_md5 *md5, unsigned char out[STORE_MD5], struct error *err);
/* All three: of bytes that are there. */
bool az_md5_of(struct az_md5 *md5, const void *bytes, size_t n, unsigned char out[STORE_MD5],
               struct error *err);

void az_base64(const unsigned char *bytes, size_t n,
               char *out); /* 4 for each 3 bytes begun, and NUL */
bool az_unbase64_md5(struct str text, unsigned char out[STORE_MD5]);

/* The time of a tick as HTTP has it (RFC 9110, 5.6.7), and back; a listing's times have the same form. */
void az_date_format(int64_t tick, char out[AZ_DATE_TEXT]);
bool az_date_parse(struct str text, int64_t *out);

#endif
