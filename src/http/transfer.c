/* Transfers: from a request to a curl handle, and from curl's end to a response.
 *
 * A small upload must cost little more than curl itself needs for it. So a handle is made once and set up once;
 * a request changes only what is its own (address, method, headers, body), and the texts of it stand in buffers
 * that stay with the handle. */
#include "http/transfer.h"

#include "base/memory.h"
#include "base/tick.h"
#include "http/mask.h"
#include "http/proxy.h"

#include <stdio.h>
#include <time.h>

enum {
    METHOD_MAX = 15,
    PROXY_REFUSES = 407,
    EXPECT_BYTES = 512 * 1024,          /* curl asks before it sends a body of 1 MiB and more */
    HEADER_MAX = 32 * 1024,             /* bytes of one header: a token and some */
    REFUSED_BODY_MAX = 4 * 1024 * 1024, /* a longer body of an error ends the transfer */
    KEPT_ROOM_MAX = 16 * 1024,          /* bytes that each buffer of an idle transfer keeps */
    KEEPALIVE_IDLE = 30 /* seconds; a peer that is gone is noticed while we wait for it */
};
static const double FIRST_BYTE_TIMEOUT = 60.0;
static const double NANOSECONDS = 1e9;

/* Call-backs of curl ------------------------------------------------------------------------------ */

static bool is_good(int status)
{
    return status >= 200 && status < 300;
}

/* Whole lines of the last answer, as many as fit; an interim answer's are forgotten. */
static void keep_header(struct transfer *t, struct str line)
{
    if (str_starts(line, STR("HTTP/")))
        buf_reset(&t->headers);
    else if (line.n <= t->headers.max - t->headers.used)
        buf_put_str(&t->headers, line);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is curl's */
static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    t->progress = t->client->waited;
    struct str line = {bytes, size * n};
    if (http_answer_line(&t->answer, line)) {
        keep_header(t, line);
        return line.n;
    }
    (void) error_set(&t->error, ERROR_LIMIT, "%s %s: the headers are longer than %d bytes",
                     t->method, t->address.shown, HTTP_HEADER_BYTES_MAX);
    return 0;
}

/* Keeps the beginning of an error's body and reads on, so that the connection can be kept too. */
static bool keep(struct transfer *t, const char *bytes, size_t n)
{
    size_t room = t->kept.max - t->kept.used;
    buf_put(&t->kept, bytes, n < room ? n : room);
    return t->bytes <= REFUSED_BODY_MAX;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    size_t all = size * n;
    t->progress = t->client->waited;
    t->bytes += all;
    bool ok = true;
    if (!is_good(t->answer.status))
        ok = keep(t, bytes, all);
    else if (t->on_body)
        ok = t->on_body(t->context, bytes, all, &t->error);
    if (!ok)
        (void) error_set(&t->error, ERROR_LIMIT, "%s %s: the body of the answer is not wanted",
                         t->method, t->address.shown);
    return ok ? all : 0;
}

/* Making one ------------------------------------------------------------------------------------- */

static bool header_is(const char *header, struct str name)
{
    /* The first letter tells most apart, at each of thousands of requests a second. */
    if ((header[0] | 0x20) != (name.p[0] | 0x20))
        return false;
    struct str s = str_of(header);
    return s.n > name.n && s.p[name.n] == ':' && str_eq_case((struct str){s.p, name.n}, name);
}

static bool has_header(const struct http_request *request, struct str name)
{
    for (int i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++)
        if (header_is(request->headers[i], name))
            return true;
    return false;
}

/* Headers that hold a secret: of Entra ID's and storage's sign-in, and of managed identity in its App Service
 * forms. */
static bool is_secret(const char *header)
{
    return header_is(header, STR("Authorization")) || header_is(header, STR("X-IDENTITY-HEADER")) ||
           header_is(header, STR("Secret"));
}

static bool has_secret_header(const struct http_request *request)
{
    for (int i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++)
        if (is_secret(request->headers[i]))
            return true;
    return false;
}

/* A line end inside would let a value become a header of its own. */
static bool header_is_plain(const char *header)
{
    size_t n = 0;
    for (; header[n]; n++)
        if (((unsigned char) header[n] < ' ' && header[n] != '\t') || header[n] == 0x7f)
            return false;
    return n <= HEADER_MAX && memchr(header, ':', n) != NULL;
}

/* The list is ours, so that a request costs no allocation for each of its headers: curl only reads it. */
static void link_lines(struct transfer *t)
{
    size_t count = 0;
    char *at = t->texts.bytes, *end = at + t->texts.used;
    for (; t->texts.used > 0 && at < end; at += strlen(at) + 1)
        t->lines[count++] = (struct curl_slist){.data = at};
    for (size_t i = 0; i + 1 < count; i++)
        t->lines[i].next = &t->lines[i + 1];
    t->has_lines = count > 0;
}

/* Those that curl looks for among ours, because it would else send one of its own. */
static bool is_curls(const char *header)
{
    static const struct str names[] = {
        STR_INIT("Accept"),     STR_INIT("Accept-Encoding"), STR_INIT("Connection"),
        STR_INIT("Host"),       STR_INIT("Content-Length"),  STR_INIT("Content-Type"),
        STR_INIT("Cookie"),     STR_INIT("Content-Range"),   STR_INIT("Expect"),
        STR_INIT("Range"),      STR_INIT("Referer"),         STR_INIT("TE"),
        STR_INIT("User-Agent"), STR_INIT("Upgrade"),         STR_INIT("Transfer-Encoding")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (header_is(header, names[i]))
            return true;
    return false;
}

static bool sends_body(const struct transfer *t, size_t bytes)
{
    return bytes > 0 || strcmp(t->method, "POST") == 0 || strcmp(t->method, "PUT") == 0 ||
           strcmp(t->method, "PATCH") == 0;
}

static bool check_headers(const struct transfer *t, const struct http_request *request,
                          struct error *err)
{
    for (int i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++)
        if (!header_is_plain(request->headers[i]))
            return error_set(err, ERROR_SETTINGS, "%s %s: header %d cannot be sent", t->method,
                             t->address.shown, i + 1);
    return true;
}

/* All others as one: curl sends a text of the list as it stands, and each costs it some thousand instructions. */
static void put_joined(struct transfer *t, const struct http_request *request)
{
    bool any = false;
    for (int i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++) {
        const char *header = request->headers[i];
        if (is_curls(header))
            continue;
        if (any)
            buf_put(&t->texts, "\r\n", 2);
        if (is_secret(header)) {
            t->secret_header = t->texts.used;
            t->secret_header_bytes = strlen(header);
        }
        buf_puts(&t->texts, header);
        any = true;
    }
    if (any)
        buf_putc(&t->texts, '\0');
}

static bool copy_headers(struct transfer *t, const struct http_request *request, struct error *err)
{
    if (!check_headers(t, request, err))
        return false;
    for (int i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++)
        if (is_curls(request->headers[i]))
            buf_put(&t->texts, request->headers[i], strlen(request->headers[i]) + 1);
    /* What curl would add by itself: a round trip before a large body, and a form's type. */
    static const char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    if (request->body.n >= EXPECT_BYTES)
        buf_put(&t->texts, no_expect, sizeof no_expect);
    if (sends_body(t, request->body.n) && !has_header(request, STR("Content-Type")))
        buf_put(&t->texts, no_type, sizeof no_type);
    put_joined(t, request);
    if (!buf_ok(&t->texts, "the headers of a request", err))
        return false;
    link_lines(t);
    return true;
}

static bool copy_method(struct transfer *t, const struct http_request *request, struct error *err)
{
    const char *method = request->method ? request->method : request->body.n > 0 ? "POST" : "GET";
    size_t n = strlen(method);
    bool plain = n > 0 && n <= METHOD_MAX;
    for (size_t i = 0; plain && i < n; i++)
        plain = method[i] >= 'A' && method[i] <= 'Z';
    if (!plain)
        return error_set(err, ERROR_INTERNAL, "not a method of HTTP");
    memcpy(t->method, method, n + 1);
    return true;
}

static bool check_privacy(struct transfer *t, const struct http_request *request, struct error *err)
{
    bool header = has_secret_header(request);
    bool other = request->confidential || request->secret_query;
    t->secret = header || other;
    if (!t->secret || t->address.tls || t->address.loopback || (t->address.ipv4_local && !other))
        return true;
    (void) error_set(err, ERROR_SETTINGS, "%s %s: secrets travel over https:// only", t->method,
                     t->address.shown);
    return error_hint(err, "http:// is accepted for addresses of this machine, such as 127.0.0.1");
}

/* The URL as it is sent. A secret query joins it here, and nowhere that is shown. */
static bool copy_url(struct transfer *t, const struct http_request *request, struct error *err)
{
    buf_puts(&t->url, request->url);
    if (request->secret_query) {
        for (const char *at = request->secret_query; *at; at++)
            if (*at <= ' ' || *at > '~' || *at == '#')
                return error_set(err, ERROR_SETTINGS, "%s %s: the secret query cannot be sent",
                                 t->method, t->address.shown);
        buf_putc(&t->url, strchr(request->url, '?') ? '&' : '?');
        t->secret_query = t->url.used;
        buf_puts(&t->url, request->secret_query);
    }
    return buf_ok(&t->url, "the address of a request", err);
}

static bool copy_body(struct transfer *t, const struct http_request *request, struct error *err)
{
    t->body = request->body.n > 0 ? request->body : STR("");
    if (request->body_lent || request->body.n == 0)
        return true;
    t->copied.max = request->body.n;
    buf_put_str(&t->copied, request->body);
    t->body = buf_str(&t->copied);
    return buf_ok(&t->copied, "the body of a request", err);
}

#define SET(option, value) (ok = ok && curl_easy_setopt(t->easy, option, value) == CURLE_OK)

static bool set_method(struct transfer *t)
{
    bool ok = true;
    bool sends = sends_body(t, t->body.n);
    bool named = strcmp(t->method, sends ? "POST" : "GET") != 0;
    if (sends) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, t->body.p);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) t->body.n);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    if (strcmp(t->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    SET(CURLOPT_CUSTOMREQUEST, named ? t->method : NULL);
    if (sends != t->sent_small)
        SET(CURLOPT_BUFFERSIZE, sends ? (long) HTTP_SMALL_BUFFER : (long) HTTP_RECEIVE_BUFFER);
    t->sent_small = sends;
    return ok;
}

/* What holds for every request of the handle. */
static bool set_connection(struct transfer *t)
{
    const struct http_client *client = t->client;
    bool ok = true;
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long) KEEPALIVE_IDLE);
    SET(CURLOPT_TCP_KEEPINTVL, (long) KEEPALIVE_IDLE);
    SET(CURLOPT_BUFFERSIZE, (long) HTTP_RECEIVE_BUFFER);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long) (client->connect_timeout * 1000));
    SET(CURLOPT_QUICK_EXIT, 1L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (client->ca_file)
        SET(CURLOPT_CAINFO, client->ca_file);
    return ok;
}

static bool set_call_backs(struct transfer *t)
{
    bool ok = true;
    SET(CURLOPT_USERAGENT, t->client->user_agent);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_bytes);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_ERRORBUFFER, t->curl_text);
    SET(CURLOPT_PRIVATE, t);
    return ok;
}

/* What follows the origin, when it can be sent as it stands: curl takes a URL apart byte by byte, and a blob's is
 * long. A proxy that opens no tunnel would have to see the whole URL. NULL: it cannot. */
static const char *target_of(const struct transfer *t, bool direct)
{
    size_t skip = strlen(t->address.origin);
    const char *target = buf_text(&t->url) + skip;
    if (skip == 0 || (!direct && !t->address.tls) || target[0] != '/')
        return NULL;
    for (const char *at = target; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '#')
            return NULL;
    return strstr(target, "/.") ? NULL : target; /* dots between slashes are for curl to resolve */
}

static bool set_request(struct transfer *t, struct error *err)
{
    bool ok = true, direct = t->address.loopback || t->address.link_local;
    const char *target = target_of(t, direct);
    SET(CURLOPT_URL, target ? t->address.origin : buf_text(&t->url));
    SET(CURLOPT_REQUEST_TARGET, target);
    SET(CURLOPT_HTTPHEADER, t->has_lines ? t->lines : NULL);
    if (direct != t->direct)
        SET(CURLOPT_PROXY, direct ? "" : NULL);
    t->direct = direct;
    if (ok && set_method(t))
        return true;
    return error_set(err, ERROR_INTERNAL, "%s %s: curl refuses a setting", t->method,
                     t->address.shown);
}

static bool prepare(struct transfer *t, const struct http_request *request, struct error *err)
{
    struct http_client *client = t->client;
    if (!copy_method(t, request, err) ||
        !http_address_parse_like(request->url, &client->address, &t->address, err))
        return false;
    if (strcmp(client->address.origin, t->address.origin) != 0)
        client->address = t->address;
    return check_privacy(t, request, err) && copy_url(t, request, err) &&
           copy_headers(t, request, err) && copy_body(t, request, err) && set_request(t, err);
}

static struct transfer *make(struct http_client *client, struct error *err)
{
    struct transfer *t = mem_alloc(1, sizeof *t, err);
    if (!t)
        return NULL;
    t->client = client;
    buf_init(&t->texts, (size_t) (HTTP_HEADERS_MAX + 1) * (HEADER_MAX + 1));
    buf_init(&t->url, 2 * (size_t) HTTP_URL_MAX);
    buf_init(&t->headers, HTTP_HEADERS_KEPT);
    buf_init(&t->kept, HTTP_ERROR_BODY_MAX);
    t->easy = curl_easy_init();
    if (!t->easy)
        (void) error_set(err, ERROR_MEMORY, "no memory for a request");
    else if (set_connection(t) && set_call_backs(t))
        return t;
    else
        (void) error_set(err, ERROR_INTERNAL, "curl refuses a setting");
    transfer_free(t);
    return NULL;
}

struct transfer *transfer_new(struct http_client *client, const struct http_request *request,
                              struct error *err)
{
    struct transfer *t = client->idle;
    if (t)
        client->idle = t->next;
    else
        t = make(client, err);
    if (!t)
        return NULL;
    t->next = NULL;
    t->on_body = request->on_body;
    t->on_done = request->on_done;
    t->context = request->context;
    t->first_byte_timeout =
        request->first_byte_timeout > 0 ? request->first_byte_timeout : FIRST_BYTE_TIMEOUT;
    t->stall_timeout = request->stall_timeout > 0 ? request->stall_timeout : client->stall_timeout;
    t->began = clock_ns();
    t->progress = t->connecting = client->waited;
    http_answer_init(&t->answer);
    if (prepare(t, request, err))
        return t;
    transfer_done(t);
    return NULL;
}

/* Empties a buffer, and gives its memory back when it is much. */
static void empty(struct buf *buf, bool secret)
{
    if (secret && buf->bytes)
        mem_wipe(buf->bytes, buf->used);
    if (buf->room > KEPT_ROOM_MAX)
        buf_release(buf);
    else
        buf_reset(buf);
}

void transfer_done(struct transfer *t)
{
    struct http_client *client = t->client;
    empty(&t->texts, t->secret);
    empty(&t->url, t->secret);
    empty(&t->copied, t->secret);
    empty(&t->headers, false);
    empty(&t->kept, false);
    /* So that curl neither reads what is gone nor keeps a secret longer than it is needed. */
    bool ok = true;
    SET(CURLOPT_HTTPHEADER, NULL);
    if (t->secret) {
        SET(CURLOPT_URL, NULL);
        SET(CURLOPT_REQUEST_TARGET, NULL);
    }
    t->body = (struct str){0};
    t->secret = false;
    t->secret_header_bytes = t->secret_query = 0;
    t->bytes = 0;
    t->connects = 0;
    t->curl_text[0] = '\0';
    error_clear(&t->error);
    if (!ok) {
        transfer_free(t);
        return;
    }
    t->next = client->idle;
    client->idle = t;
}

void transfer_free(struct transfer *t)
{
    if (!t)
        return;
    curl_easy_cleanup(t->easy);
    buf_release(&t->texts);
    buf_release(&t->url);
    buf_release(&t->copied);
    buf_release(&t->headers);
    buf_release(&t->kept);
    mem_free(t);
}

/* The end of one --------------------------------------------------------------------------------- */

static bool was_sent(const struct transfer *t)
{
    curl_off_t at = 0;
    bool known = curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &at) == CURLE_OK;
    return known && at > 0;
}

bool transfer_connects_again(struct transfer *t, CURLcode code)
{
    const struct http_client *client = t->client;
    double waited = (double) (client->waited - t->connecting) / NANOSECONDS;
    if (code != CURLE_OPERATION_TIMEDOUT || t->error.code != ERROR_NONE || t->answer.status != 0 ||
        was_sent(t) || waited > client->connect_timeout / 2 || t->connects >= TRANSFER_CONNECTS_MAX)
        return false;
    t->connects++;
    t->connecting = t->progress = client->waited;
    t->curl_text[0] = '\0';
    return true;
}

bool transfer_is_late(struct transfer *t)
{
    bool begun = t->answer.status != 0;
    double limit = begun ? t->stall_timeout : t->first_byte_timeout;
    if ((double) (t->client->waited - t->progress) / NANOSECONDS < limit)
        return false;
    (void) error_set(&t->error, ERROR_TIMEOUT,
                     begun ? "%s %s: the answer has stalled: no byte in %g s"
                           : "%s %s: no answer in %g s",
                     t->method, t->address.shown, limit);
    return true;
}

/* A certificate whose signature is not by the authority whose name it bears ends the handshake with an error of
 * OpenSSL's ASN.1 part, and curl does not see that it is one of trust. */
static bool is_forged(const struct transfer *t, CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR && strstr(t->curl_text, "asn1 encoding routines");
}

static bool is_trust(const struct transfer *t, CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR || is_forged(t, code);
}

static bool has_no_host(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
}

/* A proxy that wants a sign-in says so in the tunnel's answer or, without one, in that of the request. */
static bool is_refused_by_proxy(const struct transfer *t)
{
    long status = 0;
    bool known = curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK;
    return t->answer.status == PROXY_REFUSES || (known && status == PROXY_REFUSES);
}

static void explain_proxy(struct transfer *t)
{
    char proxy[HTTP_PROXY_SHOWN_MAX];
    http_proxy_show(t->address.tls, proxy);
    (void) error_set(&t->error, ERROR_SETTINGS,
                     "%s %s: the proxy %s wants another user name and password (status 407)",
                     t->method, t->address.shown, proxy[0] ? proxy : "of the environment");
    (void) error_hint(&t->error,
                      "give them in the environment: %s=http://USER:PASSWORD@HOST:PORT; or name in "
                      "no_proxy the hosts that are reached without it",
                      t->address.tls ? "https_proxy" : "http_proxy");
}

/* What curl says of an unreadable proxy setting is the setting, password and all. */
static const char *curl_says(const struct transfer *t, CURLcode code)
{
    if (!t->curl_text[0])
        return curl_easy_strerror(code);
    if (is_forged(t, code))
        return "SSL certificate problem: not signed by the authority that it names";
    if (!http_proxy_betrayed(t->curl_text))
        return t->curl_text;
    return "the proxy that the environment names cannot be used";
}

/* "Failed to connect to HOST port PORT" is of the proxy when these are its own. */
static bool is_of_proxy(const struct transfer *t, CURLcode code, const char *proxy)
{
    char said[HTTP_PROXY_SHOWN_MAX + 16];
    const char *colon = strrchr(proxy, ':');
    if (code == CURLE_COULDNT_RESOLVE_PROXY)
        return true;
    if (code != CURLE_COULDNT_CONNECT || !colon)
        return false;
    (void) snprintf(said, sizeof said, "%.*s port %s ", (int) (colon - proxy), proxy, colon + 1);
    return strstr(t->curl_text, said) != NULL;
}

static void hint_proxy(struct transfer *t, CURLcode code)
{
    char proxy[HTTP_PROXY_SHOWN_MAX];
    http_proxy_show(t->address.tls, proxy);
    if (proxy[0] && is_of_proxy(t, code, proxy))
        (void) error_hint(&t->error,
                          "the proxy %s of the environment (%s) does not answer; no_proxy names "
                          "the hosts that are reached without it",
                          proxy, t->address.tls ? "https_proxy" : "http_proxy");
}

static void explain_code(struct transfer *t, CURLcode code)
{
    const char *text = curl_says(t, code);
    if (code == CURLE_OUT_OF_MEMORY) {
        (void) error_set(&t->error, ERROR_MEMORY, "%s %s: no memory", t->method, t->address.shown);
    } else if (t->answer.status != 0) {
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: the answer was cut after %llu bytes: %s",
                         t->method, t->address.shown, (unsigned long long) t->bytes, text);
    } else {
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: %s", t->method, t->address.shown, text);
        if (is_trust(t, code))
            (void) error_hint(
                &t->error,
                "the certificate is not trusted: a proxy that opens TLS, or an emulator, "
                "needs its own authority in ca-file");
        else
            hint_proxy(t, code);
    }
}

static bool is_redirect(int status)
{
    return status >= 300 && status < 400 && status != 304;
}

static void explain_redirect(struct transfer *t)
{
    char other[HTTP_ORIGIN_MAX];
    struct http_response response = {.headers = buf_str(&t->headers)};
    http_address_redirect(buf_text(&t->url), http_header(&response, "Location"), other);
    (void) error_set(&t->error, ERROR_SERVICE,
                     "%s %s: status %d, a redirect to %s, which is not followed", t->method,
                     t->address.shown, t->answer.status, other[0] ? other : "another path");
    (void) error_hint(&t->error, "is the address right? A network's sign-in page answers so too");
}

static enum error_code code_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERROR_AUTH;
    case 404:
        return ERROR_NOT_FOUND;
    case 408:
    case 504:
        return ERROR_TIMEOUT;
    case 429:
        return ERROR_THROTTLED;
    default:
        return ERROR_SERVICE;
    }
}

static void explain(struct transfer *t, CURLcode code, bool framed)
{
    int status = t->answer.status;
    if (is_refused_by_proxy(t))
        explain_proxy(t);
    else if (code != CURLE_OK)
        explain_code(t, code);
    else if (is_redirect(status))
        explain_redirect(t);
    else if (status != 0 && !is_good(status))
        (void) error_set(&t->error, code_of_status(status), "%s %s: status %d", t->method,
                         t->address.shown, status);
    else if (status != 0 && !t->answer.ended)
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: the answer was cut in its headers",
                         t->method, t->address.shown);
    else if (!framed)
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: the answer does not say where it ends",
                         t->method, t->address.shown);
}

/* True for answers that have no body whatever their headers say (RFC 9112, 6.3). */
static bool has_no_body(const struct transfer *t)
{
    return strcmp(t->method, "HEAD") == 0 || t->answer.status == 204 || t->answer.status == 304;
}

/* A service that refuses a secret may quote it. Nobody above needs to look for it. */
static void mask_secrets(struct transfer *t)
{
    if (!t->secret || is_good(t->answer.status))
        return;
    struct str header = {t->texts.bytes + t->secret_header, t->secret_header_bytes};
    struct str query = {t->url.bytes + t->secret_query, t->url.used - t->secret_query};
    if (header.n > 0) {
        http_mask_header(&t->kept, header);
        http_mask_header(&t->headers, header);
    }
    if (t->secret_query > 0) {
        http_mask_query(&t->kept, query);
        http_mask_query(&t->headers, query);
    }
}

void transfer_finish(struct transfer *t, CURLcode code)
{
    mask_secrets(t);
    bool framed = t->answer.status != 0 && t->answer.ended && (t->answer.framed || has_no_body(t));
    explain(t, code, framed);
    struct http_response response = {
        .status = t->answer.status,
        .whole = code == CURLE_OK && framed && t->error.code != ERROR_TIMEOUT,
        .connected = t->answer.status != 0 || was_sent(t),
        .retry_after = http_answer_pause(&t->answer, (int64_t) time(NULL)),
        .age = t->answer.age,
        .bytes = t->bytes,
        .seconds = (double) (clock_ns() - t->began) / NANOSECONDS,
        .body = buf_str(&t->kept),
        .headers = buf_str(&t->headers),
        .no_host = t->answer.status == 0 && has_no_host(code),
        .error = &t->error,
    };
    if (t->on_done)
        t->on_done(t->context, &response);
}

struct str http_header(const struct http_response *response, const char *name)
{
    return http_answer_find(response->headers, name);
}
