/* One request as it goes over the wire: URL and headers, signed where a key is used; docs/service.md sections 4.1
 * to 4.3.
 *
 * An upload of a few kilobytes pays for this each time, so nothing here allocates: texts are built in buffers of
 * the store, the date is made once a second.
 */
#include "store/azure/azure.h"

#include "base/tick.h"

#include <stdio.h>

enum { HEADERS_MAX = 20, NUMBER_MAX = 24 };

/* Names and values in the order in which they are signed. */
struct headers {
    struct az *az;
    size_t starts[HEADERS_MAX], names[HEADERS_MAX], n;
};

static void put_encoded(struct buf *buf, struct str s, bool path)
{
    static const char digits[] = "0123456789ABCDEF";
    char out[3 * 256];
    while (s.n > 0) {
        size_t step = s.n < 256 ? s.n : 256, n = 0;
        for (size_t i = 0; i < step; i++) {
            unsigned char c = (unsigned char) s.p[i];
            bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                         (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~' ||
                         (path && (c == '/' || c == '='));
            if (plain) {
                out[n++] = (char) c;
                continue;
            }
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
        buf_put(buf, out, n);
        s.p += step;
        s.n -= step;
    }
}

static void put_url(struct az *az, const struct az_ask *ask)
{
    struct buf *url = &az->url;
    const struct az_place *place = &ask->place;
    buf_reset(url);
    buf_puts(url, az->address.base);
    buf_putc(url, '/');
    put_encoded(url, place->container, true);
    if (place->folder.n > 0) {
        buf_putc(url, '/');
        put_encoded(url, place->folder, true);
    }
    if (place->rest.n > 0) {
        buf_putc(url, '/');
        put_encoded(url, place->rest, true);
    }
    for (const struct az_parameter *p = ask->parameters; p->name; p++) {
        buf_putc(url, p == ask->parameters ? '?' : '&');
        buf_puts(url, p->name);
        buf_putc(url, '=');
        put_encoded(url, p->value, false);
    }
}

static void add(struct headers *headers, const char *name, const char *value)
{
    struct buf *lines = &headers->az->lines;
    if (!value || headers->n == HEADERS_MAX)
        return;
    headers->starts[headers->n] = lines->used;
    buf_puts(lines, name);
    headers->names[headers->n++] = lines->used;
    buf_put(lines, ": ", 2);
    buf_put(lines, value, strlen(value) + 1);
}

static void add_md5(struct headers *headers, const char *name, const unsigned char *md5)
{
    char text[AZ_MD5_TEXT];
    if (!md5)
        return;
    az_base64(md5, STORE_MD5, text);
    add(headers, name, text);
}

static const char *date_of(struct az *az)
{
    int64_t now = tick_now(), second = now / TICK_SECOND;
    if (second != az->date_second) {
        az_date_format(now, az->date);
        az->date_second = second;
    }
    return az->date;
}

/* Those that are signed by name come in order of their names. */
static void put_headers(struct headers *headers, const struct az_ask *ask)
{
    struct az *az = headers->az;
    char range[2 * NUMBER_MAX + 8], seconds[NUMBER_MAX];
    if (ask->ranged)
        (void) snprintf(range, sizeof range, "bytes=%llu-%llu", (unsigned long long) ask->from,
                        (unsigned long long) ask->to);
    if (ask->lease_seconds > 0)
        (void) snprintf(seconds, sizeof seconds, "%d", ask->lease_seconds);
    add(headers, "x-ms-access-tier", ask->tier);
    add_md5(headers, "x-ms-blob-content-md5", ask->blob_md5);
    add(headers, "x-ms-blob-type", ask->blob_type);
    add(headers, "x-ms-date", date_of(az));
    add(headers, "x-ms-lease-action", ask->lease_action);
    add(headers, "x-ms-lease-duration", ask->lease_seconds > 0 ? seconds : NULL);
    add(headers, "x-ms-lease-id", ask->lease_id);
    add(headers, "x-ms-meta-weir", ask->mark);
    add(headers, "x-ms-proposed-lease-id", ask->proposed_lease_id);
    add(headers, "x-ms-range", ask->ranged ? range : NULL);
    add(headers, "x-ms-version", AZ_VERSION);
}

/* The text that is signed: section 4.3. The headers so far are the x-ms- ones. */
static void put_signed(struct az *az, const struct az_ask *ask, const struct headers *headers)
{
    struct buf *text = &az->sign;
    char md5[AZ_MD5_TEXT] = "";
    if (ask->content_md5)
        az_base64(ask->content_md5, STORE_MD5, md5);
    buf_reset(text);
    buf_puts(text, ask->method);
    buf_put(text, "\n\n\n", 3); /* Content-Encoding, Content-Language */
    if (ask->body.n > 0)
        buf_printf(text, "%zu", ask->body.n);
    buf_putc(text, '\n');
    buf_puts(text, md5);
    buf_put(text, "\n\n\n\n", 4); /* Content-Type, Date, If-Modified-Since */
    buf_puts(text, ask->if_match ? ask->if_match : "");
    buf_putc(text, '\n');
    buf_puts(text, ask->if_none_match ? "*" : "");
    buf_put(text, "\n\n\n", 3); /* If-Unmodified-Since, Range */
    for (size_t i = 0; i < headers->n; i++) {
        const char *line = az->lines.bytes + headers->starts[i];
        size_t name = headers->names[i] - headers->starts[i];
        buf_put(text, line, name);
        buf_putc(text, ':');
        buf_puts(text, line + name + 2);
        buf_putc(text, '\n');
    }
    buf_putc(text, '/');
    buf_puts(text, az->address.account);
    /* The path as it is sent, which in path style begins with the account's name once more. */
    const char *host = strstr(az->url.bytes, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    if (path)
        buf_put(text, path, strcspn(path, "?"));
    for (const struct az_parameter *p = ask->parameters; p->name; p++) {
        buf_putc(text, '\n');
        buf_puts(text, p->name);
        buf_putc(text, ':');
        buf_put_str(text, p->value);
    }
}

static bool put_signature(struct headers *headers, const struct az_ask *ask, struct error *err)
{
    struct az *az = headers->az;
    char signature[AZ_SIGNATURE_TEXT], value[AZ_ACCOUNT_MAX + AZ_SIGNATURE_TEXT + 16];
    if (!buf_ok(&az->lines, "the headers of a request", err))
        return false;
    put_signed(az, ask, headers);
    if (!buf_ok(&az->sign, "a request", err) ||
        !az_sign(&az->auth.signer, buf_str(&az->sign), signature, err))
        return false;
    (void) snprintf(value, sizeof value, "SharedKey %s:%s", az->address.account, signature);
    add(headers, "Authorization", value);
    return true;
}

static bool copy_header(const struct http_response *response, const char *name, char *out,
                        size_t room)
{
    struct str value = http_header(response, name);
    out[0] = '\0';
    if (value.n == 0 || value.n >= room)
        return false;
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return true;
}

void az_is_read(const struct http_response *response, struct az_is *out)
{
    struct str range = http_header(response, "Content-Range"); /* bytes 0-9/10 */
    struct str length = http_header(response, "Content-Length");
    *out = (struct az_is){.size = 0};
    (void) copy_header(response, "ETag", out->etag, sizeof out->etag);
    /* A mark that is no GUID is one of another version: ours all the same. */
    if (!copy_header(response, "x-ms-meta-weir", out->mark, sizeof out->mark) &&
        http_header(response, "x-ms-meta-weir").n > 0)
        out->mark[0] = '?';
    const char *slash = range.n > 0 ? memchr(range.p, '/', range.n) : NULL;
    if (slash)
        length = (struct str){slash + 1, range.n - (size_t) (slash + 1 - range.p)};
    (void) str_uint64(length, &out->size);
    struct str md5 = http_header(response, slash ? "x-ms-blob-content-md5" : "Content-MD5");
    out->has_md5 = az_unbase64_md5(md5, out->md5);
    out->immutable = str_eq(http_header(response, "x-ms-has-immutability-policy"), STR("true")) ||
                     str_eq(http_header(response, "x-ms-has-legal-hold"), STR("true"));
    out->leased = str_eq(http_header(response, "x-ms-lease-state"), STR("leased"));
    out->append = str_eq(http_header(response, "x-ms-blob-type"), STR("AppendBlob"));
}

bool az_request_make(struct az *az, const struct az_ask *ask, struct http_request *out,
                     struct error *err)
{
    struct headers headers = {.az = az};
    buf_reset(&az->lines);
    put_url(az, ask);
    if (!buf_ok(&az->url, "the address of a request", err))
        return false;
    put_headers(&headers, ask);
    if (az->auth.key_reference && !put_signature(&headers, ask, err))
        return false;
    add_md5(&headers, "Content-MD5", ask->content_md5);
    add(&headers, "If-Match", ask->if_match);
    add(&headers, "If-None-Match", ask->if_none_match ? "*" : NULL);
    if (!buf_ok(&az->lines, "the headers of a request", err))
        return false;
    *out = (struct http_request){
        .method = ask->method, .url = buf_text(&az->url), .body = ask->body, .body_lent = true};
    for (size_t i = 0; i < headers.n; i++)
        out->headers[i] = az->lines.bytes + headers.starts[i];
    if (az->auth.sas_reference)
        out->secret_query = secret_str(&az->auth.sas).p;
    else if (!az->auth.key_reference)
        out->headers[headers.n] = secret_str(&az->auth.header).p;
    return true;
}
