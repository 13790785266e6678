/* Addresses: see address.h. curl's own parser reads the URL, so both see the same host. */
#include "http/address.h"

#include "http/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    size_t n = strlen(host);
    char inside[INET6_ADDRSTRLEN] = "";
    if (n > 2 && n - 2 < sizeof inside && host[0] == '[') {
        memcpy(inside, host + 1, n - 2);
        return inet_pton(AF_INET6, inside, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    /* curl resolves this name to the loopback addresses itself, whatever the resolver says. */
    return str_eq_case(str_of(host), STR("localhost"));
}

/* The named part, or NULL; curl_free. */
static char *part(CURLU *handle, CURLUPart what)
{
    char *text = NULL;
    return curl_url_get(handle, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static void show(struct http_address *out, const char *scheme, const char *host, const char *port,
                 const char *path)
{
    (void) snprintf(out->shown, sizeof out->shown, "%s://%s%s%s%s", scheme, host, port ? ":" : "",
                    port ? port : "", path ? path : "");
}

static bool fill(CURLU *handle, struct http_address *out, struct error *err)
{
    char *scheme = part(handle, CURLUPART_SCHEME), *host = part(handle, CURLUPART_HOST);
    char *port = part(handle, CURLUPART_PORT), *path = part(handle, CURLUPART_PATH);
    char *user = part(handle, CURLUPART_USER), *password = part(handle, CURLUPART_PASSWORD);
    bool ok = false;
    if (!scheme || !host || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        (void) error_set(err, ERROR_SETTINGS, "an address must begin with https:// or http://");
    } else if (user || password) {
        (void) error_set(err, ERROR_SETTINGS, "an address must not hold a user name or password");
    } else {
        out->tls = strcmp(scheme, "https") == 0;
        out->loopback = is_loopback(host);
        show(out, scheme, host, port, path);
        ok = true;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(user);
    curl_free(password);
    return ok;
}

bool http_address_parse(const char *url, struct http_address *out, struct error *err)
{
    *out = (struct http_address){0};
    if (!url || strlen(url) > HTTP_URL_MAX)
        return error_set(err, ERROR_SETTINGS, "an address is missing or longer than %d bytes",
                         HTTP_URL_MAX);
    CURLU *handle = curl_url();
    if (!handle)
        return error_set(err, ERROR_MEMORY, "no memory for an address");
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, 0);
    bool ok = code == CURLUE_OK
                  ? fill(handle, out, err)
                  : error_set(err, ERROR_SETTINGS, "not an address: %s", curl_url_strerror(code));
    curl_url_cleanup(handle);
    return ok;
}

void http_put_encoded(struct buf *buf, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char) s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || c == '-' || c == '.' || c == '_' || c == '~') {
            buf_putc(buf, (char) c);
            continue;
        }
        buf_putc(buf, '%');
        buf_putc(buf, digits[c >> 4]);
        buf_putc(buf, digits[c & 15]);
    }
}
