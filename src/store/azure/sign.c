/* Signatures, checksums and dates; see sign.h. */
#include "store/azure/sign.h"

#include "base/memory.h"
#include "base/tick.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>

enum { HMAC_SIZE = 32, KEY_TEXT_MAX = AZ_KEY_MAX / 3 * 4 };

static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Whole Base64 with its padding; -1 for anything else. out has room for 3 bytes of each 4 characters. */
static int unbase64(struct str text, unsigned char *out)
{
    if (text.n == 0 || text.n % 4 != 0)
        return -1;
    int padding = text.p[text.n - 1] != '=' ? 0 : text.p[text.n - 2] != '=' ? 1 : 2;
    if (memchr(text.p, '=', text.n - (size_t) padding))
        return -1;
    int n = EVP_DecodeBlock(out, (const unsigned char *) text.p, (int) text.n);
    return n < padding ? -1 : n - padding;
}

bool az_signer_set(struct az_signer *signer, struct str key, struct error *err)
{
    unsigned char bytes[AZ_KEY_MAX];
    int n = key.n <= KEY_TEXT_MAX ? unbase64(key, bytes) : -1;
    if (n <= 0) {
        (void) error_set(err, ERROR_SETTINGS, "the storage key is not a key of an account");
        return error_hint(
            err,
            "a key is 88 characters of Base64, as `az storage account keys list` shows it; not "
            "a connection string, and not a shared access signature (storage-sas)");
    }
    if (!signer->method)
        signer->method = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (signer->method && !signer->mac)
        signer->mac = EVP_MAC_CTX_new(signer->method);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end()};
    bool ok = signer->mac && EVP_MAC_init(signer->mac, bytes, (size_t) n, parameters) == 1;
    mem_wipe(bytes, sizeof bytes);
    return ok || error_set(err, ERROR_INTERNAL, "HMAC-SHA256 cannot be had from OpenSSL");
}

void az_signer_release(struct az_signer *signer)
{
    EVP_MAC_CTX_free(signer->mac); /* wipes the key */
    EVP_MAC_free(signer->method);
    *signer = (struct az_signer){0};
}

bool az_sign(struct az_signer *signer, struct str text, char out[AZ_SIGNATURE_TEXT],
             struct error *err)
{
    unsigned char sum[HMAC_SIZE];
    size_t n = 0;
    bool ok = signer->mac && EVP_MAC_init(signer->mac, NULL, 0, NULL) == 1 &&
              EVP_MAC_update(signer->mac, (const unsigned char *) text.p, text.n) == 1 &&
              EVP_MAC_final(signer->mac, sum, &n, sizeof sum) == 1 && n == sizeof sum;
    if (!ok)
        return error_set(err, ERROR_INTERNAL, "a request cannot be signed");
    az_base64(sum, sizeof sum, out);
    return true;
}

bool az_md5_init(struct az_md5 *md5, struct error *err)
{
    /* Also where OpenSSL runs in its FIPS mode: this sum is no matter of security. */
    md5->method = EVP_MD_fetch(NULL, "MD5", "-fips");
    md5->context = EVP_MD_CTX_new();
    if (md5->method && md5->context)
        return true;
    return error_set(err, ERROR_INTERNAL, "MD5 cannot be had from OpenSSL");
}

void az_md5_release(struct az_md5 *md5)
{
    EVP_MD_CTX_free(md5->context);
    EVP_MD_free(md5->method);
    *md5 = (struct az_md5){0};
}

/* What fails here fails at the end too: the context knows. */
void az_md5_begin(struct az_md5 *md5)
{
    (void) EVP_DigestInit_ex2(md5->context, md5->method, NULL);
}

void az_md5_add(struct az_md5 *md5, const void *bytes, size_t n)
{
    (void) EVP_DigestUpdate(md5->context, bytes, n);
}

bool az_md5_end(struct az_md5 *md5, unsigned char out[STORE_MD5], struct error *err)
{
    unsigned n = 0;
    return (EVP_DigestFinal_ex(md5->context, out, &n) == 1 && n == STORE_MD5) ||
           error_set(err, ERROR_INTERNAL, "an MD5 sum cannot be made");
}

bool az_md5_of(struct az_md5 *md5, const void *bytes, size_t n, unsigned char out[STORE_MD5],
               struct error *err)
{
    az_md5_begin(md5);
    az_md5_add(md5, bytes, n);
    return az_md5_end(md5, out, err);
}

void az_base64(const unsigned char *bytes, size_t n, char *out)
{
    (void) EVP_EncodeBlock((unsigned char *) out, bytes, (int) n);
}

bool az_unbase64_md5(struct str text, unsigned char out[STORE_MD5])
{
    unsigned char bytes[AZ_MD5_TEXT];
    if (text.n != AZ_MD5_TEXT - 1 || unbase64(text, bytes) != STORE_MD5)
        return false;
    memcpy(out, bytes, STORE_MD5);
    return true;
}

void az_date_format(int64_t tick, char out[AZ_DATE_TEXT])
{
    struct tick_civil at = tick_civil(tick);
    (void) snprintf(out, AZ_DATE_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                    days[tick / TICK_DAY % 7], at.day, months[at.month - 1], at.year, at.hour,
                    at.minute, at.second);
}

/* Exactly n digits. */
static bool digits(const char *p, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}

bool az_date_parse(struct str text, int64_t *out)
{
    struct tick_civil at = {0};
    const char *p = text.p;
    if (text.n != AZ_DATE_TEXT - 1 || memcmp(p + 3, ", ", 2) != 0 ||
        memcmp(p + 25, " GMT", 4) != 0 || p[7] != ' ' || p[11] != ' ' || p[16] != ' ' ||
        p[19] != ':' || p[22] != ':' || !digits(p + 5, 2, &at.day) ||
        !digits(p + 12, 4, &at.year) || !digits(p + 17, 2, &at.hour) ||
        !digits(p + 20, 2, &at.minute) || !digits(p + 23, 2, &at.second))
        return false;
    for (int i = 0; i < 12; i++)
        if (memcmp(p + 8, months[i], 3) == 0)
            at.month = i + 1;
    return tick_from_civil(&at, out);
}
