/* Addresses: see address.h. curl's own parser reads the URL, so both see the same host. */
#include "http/address.h"

#include "http/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>

/* An IPv6 address as it stands in a URL, in brackets. */
static bool read_v6(const char *host, struct in6_addr *out)
{
    size_t n = strlen(host);
    char inside[INET6_ADDRSTRLEN] = "";
    if (n <= 2 || n - 2 >= sizeof inside || host[0] != '[')
        return false;
    memcpy(inside, host + 1, n - 2);
    return inet_pton(AF_INET6, inside, out) == 1;
}

static void place(struct http_address *out, const char *host)
{
    static const unsigned char metadata[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        out->loopback = (ntohl(v4.s_addr) >> 24) == 127;
        out->ipv4_local = (ntohl(v4.s_addr) >> 16) == 0xA9FE;
        out->link_local = out->ipv4_local;
    } else if (read_v6(host, &v6)) {
        out->loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        out->link_local =
            IN6_IS_ADDR_LINKLOCAL(&v6) || memcmp(v6.s6_addr, metadata, sizeof metadata) == 0;
    } else {
        /* curl resolves this name to the loopback addresses itself, whatever the resolver says. */
        out->loopback = str_eq_case(str_of(host), STR("localhost"));
    }
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
    int n = snprintf(out->shown, sizeof out->shown, "%s://%s%s%s", scheme, host, port ? ":" : "",
                     port ? port : "");
    out->shown_origin = n > 0 && (size_t) n < sizeof out->shown ? (size_t) n : 0;
    if (out->shown_origin > 0)
        (void) snprintf(out->shown + n, sizeof out->shown - (size_t) n, "%s", path ? path : "");
}

/* Bytes of the URL before its path, query or fragment; 0 when there is no such thing. */
static size_t origin_bytes(const char *url)
{
    const char *authority = strstr(url, "://");
    return authority ? (size_t) (authority - url) + 3 + strcspn(authority + 3, "/?#\\") : 0;
}

static void keep_origin(struct http_address *out, const char *url)
{
    size_t n = origin_bytes(url);
    if (n == 0 || n >= sizeof out->origin || out->shown_origin == 0)
        return;
    memcpy(out->origin, url, n);
    out->origin[n] = '\0';
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
        place(out, host);
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
    if (ok)
        keep_origin(out, url);
    return ok;
}

/* Bytes of the path, when the rest of the URL is one that curl's parser would leave as it is; else 0. */
static size_t plain_path(const char *rest)
{
    size_t path = 0, i = 0;
    if (rest[0] != '/')
        return 0;
    for (; rest[i]; i++) {
        unsigned char c = (unsigned char) rest[i];
        if (c <= ' ' || c > '~' || c == '#' || c == '\\' || (c == '.' && rest[i - 1] == '/'))
            return 0;
        if (c == '?' && path == 0)
            path = i;
    }
    return i > HTTP_URL_MAX ? 0 : path > 0 ? path : i;
}

bool http_address_parse_like(const char *url, const struct http_address *known,
                             struct http_address *out, struct error *err)
{
    size_t n = strlen(known->origin);
    size_t path = n > 0 && url && strncmp(url, known->origin, n) == 0 ? plain_path(url + n) : 0;
    if (path == 0)
        return http_address_parse(url, out, err);
    out->tls = known->tls;
    out->loopback = known->loopback;
    out->link_local = known->link_local;
    out->ipv4_local = known->ipv4_local;
    if (out != known) {
        memcpy(out->origin, known->origin, n + 1);
        memcpy(out->shown, known->shown, known->shown_origin);
    }
    out->shown_origin = known->shown_origin;
    size_t room = sizeof out->shown - 1 - out->shown_origin;
    path = path < room ? path : room;
    memcpy(out->shown + out->shown_origin, url + n, path);
    out->shown[out->shown_origin + path] = '\0';
    return true;
}

static void show_other(CURLU *handle, const char *own, char out[HTTP_ORIGIN_MAX])
{
    char *host = part(handle, CURLUPART_HOST), *port = part(handle, CURLUPART_PORT);
    if (host)
        (void) snprintf(out, HTTP_ORIGIN_MAX, "%s%s%s", host, port ? ":" : "", port ? port : "");
    if (own && strcmp(out, own) == 0)
        out[0] = '\0';
    curl_free(host);
    curl_free(port);
}

void http_address_redirect(const char *url, struct str location, char out[HTTP_ORIGIN_MAX])
{
    char own[HTTP_ORIGIN_MAX] = "";
    out[0] = '\0';
    CURLU *handle = curl_url();
    struct buf text = BUF_INIT(HTTP_URL_MAX);
    buf_put_str(&text, location);
    if (handle && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK) {
        show_other(handle, NULL, own);
        /* Relative to what it holds. */
        if (text.used > 0 && !text.failed &&
            curl_url_set(handle, CURLUPART_URL, buf_text(&text), 0) == CURLUE_OK)
            show_other(handle, own, out);
    }
    buf_release(&text);
    curl_url_cleanup(handle);
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
