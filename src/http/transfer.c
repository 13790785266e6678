/* Transfers: from a request to a curl handle, and from curl's end to a response. */
#include "http/transfer.h"

#include "base/memory.h"
#include "base/tick.h"

#include <stdio.h>
#include <time.h>

enum {
    METHOD_MAX = 15,
    HEADER_MAX = 32 * 1024,             /* bytes of one header: a token and some */
    REFUSED_BODY_MAX = 4 * 1024 * 1024, /* a longer body of an error ends the transfer */
    KEEPALIVE_IDLE = 30 /* seconds; a peer that is gone is noticed while we wait for it */
};
static const double FIRST_BYTE_TIMEOUT = 60.0;
static const double NANOSECONDS = 1e9;

/* Call-backs of curl ------------------------------------------------------------------------------ */

static bool is_good(int status)
{
    return status >= 200 && status < 300;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is curl's */
static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    t->progress = t->client->waited;
    if (http_answer_line(&t->answer, (struct str){bytes, size * n}))
        return size * n;
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

static bool add_header(struct transfer *t, const char *header, struct error *err)
{
    struct curl_slist *list = curl_slist_append(t->headers, header);
    if (!list)
        return error_set(err, ERROR_MEMORY, "no memory for a header");
    t->headers = list;
    return true;
}

/* A line end inside would let a value become a header of its own. */
static bool header_is_plain(const char *header)
{
    size_t n = strlen(header);
    for (size_t i = 0; i < n; i++)
        if (((unsigned char) header[i] < ' ' && header[i] != '\t') || header[i] == 0x7f)
            return false;
    return n <= HEADER_MAX && strchr(header, ':') != NULL;
}

static bool copy_headers(struct transfer *t, const struct http_request *request, struct error *err)
{
    for (int i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++) {
        if (!header_is_plain(request->headers[i]))
            return error_set(err, ERROR_SETTINGS, "%s %s: header %d cannot be sent", t->method,
                             t->address.shown, i + 1);
        if (!add_header(t, request->headers[i], err))
            return false;
    }
    /* Headers that curl would add by itself: a round trip before a large body, and a form's type. */
    if (!add_header(t, "Expect:", err))
        return false;
    return has_header(request, STR("Content-Type")) || add_header(t, "Content-Type:", err);
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
    t->secret = request->confidential || has_header(request, STR("Authorization"));
    if (!t->secret || t->address.tls || t->address.loopback)
        return true;
    (void) error_set(err, ERROR_SETTINGS, "%s %s: secrets travel over https:// only", t->method,
                     t->address.shown);
    return error_hint(err, "http:// is accepted for addresses of this machine, such as 127.0.0.1");
}

#define SET(option, value) (ok = ok && curl_easy_setopt(t->easy, option, value) == CURLE_OK)

static bool set_method(struct transfer *t)
{
    bool ok = true;
    bool sends = t->body_bytes > 0 || strcmp(t->method, "POST") == 0 ||
                 strcmp(t->method, "PUT") == 0 || strcmp(t->method, "PATCH") == 0;
    if (sends) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, t->body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) t->body_bytes);
    }
    if (strcmp(t->method, "HEAD") == 0)
        SET(CURLOPT_NOBODY, 1L);
    else if (strcmp(t->method, sends ? "POST" : "GET") != 0)
        SET(CURLOPT_CUSTOMREQUEST, t->method);
    return ok;
}

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
    if (t->address.loopback)
        SET(CURLOPT_PROXY, "");
    return ok;
}

static bool set_all(struct transfer *t, const char *url, struct error *err)
{
    bool ok = true;
    SET(CURLOPT_URL, url);
    SET(CURLOPT_USERAGENT, t->client->user_agent);
    SET(CURLOPT_HTTPHEADER, t->headers);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, on_bytes);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_ERRORBUFFER, t->curl_text);
    SET(CURLOPT_PRIVATE, t);
    if (ok && set_connection(t) && set_method(t))
        return true;
    return error_set(err, ERROR_INTERNAL, "%s %s: curl refuses a setting", t->method,
                     t->address.shown);
}

static bool prepare(struct transfer *t, const struct http_request *request, struct error *err)
{
    if (!copy_method(t, request, err) || !http_address_parse(request->url, &t->address, err) ||
        !check_privacy(t, request, err) || !copy_headers(t, request, err))
        return false;
    t->body = mem_copy(request->body.n > 0 ? request->body.p : "", request->body.n, err);
    if (!t->body)
        return false;
    t->body_bytes = request->body.n;
    t->easy = curl_easy_init();
    if (!t->easy)
        return error_set(err, ERROR_MEMORY, "no memory for a request");
    return set_all(t, request->url, err);
}

struct transfer *transfer_new(struct http_client *client, const struct http_request *request,
                              struct error *err)
{
    struct transfer *t = mem_alloc(1, sizeof *t, err);
    if (!t)
        return NULL;
    t->client = client;
    t->on_body = request->on_body;
    t->on_done = request->on_done;
    t->context = request->context;
    t->first_byte_timeout =
        request->first_byte_timeout > 0 ? request->first_byte_timeout : FIRST_BYTE_TIMEOUT;
    t->stall_timeout = request->stall_timeout > 0 ? request->stall_timeout : client->stall_timeout;
    t->began = clock_ns();
    t->progress = t->connecting = client->waited;
    http_answer_init(&t->answer);
    buf_init(&t->kept, HTTP_ERROR_BODY_MAX);
    if (prepare(t, request, err))
        return t;
    transfer_free(t);
    return NULL;
}

void transfer_free(struct transfer *t)
{
    if (!t)
        return;
    if (t->secret) {
        for (struct curl_slist *line = t->headers; line; line = line->next)
            mem_wipe(line->data, strlen(line->data));
        if (t->body)
            mem_wipe(t->body, t->body_bytes);
    }
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    mem_free(t->body);
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

static bool is_trust(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR;
}

static void explain_code(struct transfer *t, CURLcode code)
{
    const char *text = t->curl_text[0] ? t->curl_text : curl_easy_strerror(code);
    if (code == CURLE_OUT_OF_MEMORY) {
        (void) error_set(&t->error, ERROR_MEMORY, "%s %s: no memory", t->method, t->address.shown);
    } else if (t->answer.status != 0) {
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: the answer was cut after %llu bytes: %s",
                         t->method, t->address.shown, (unsigned long long) t->bytes, text);
    } else {
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: %s", t->method, t->address.shown, text);
        if (is_trust(code))
            (void) error_hint(
                &t->error,
                "the certificate is not trusted: a proxy that opens TLS, or an emulator, "
                "needs its own authority in ca-file");
    }
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
    if (code != CURLE_OK)
        explain_code(t, code);
    else if (status != 0 && !is_good(status))
        (void) error_set(&t->error, code_of_status(status), "%s %s: status %d", t->method,
                         t->address.shown, status);
    else if (!framed)
        (void) error_set(&t->error, ERROR_NETWORK, "%s %s: the answer does not say where it ends",
                         t->method, t->address.shown);
}

/* True for answers that have no body whatever their headers say (RFC 9112, 6.3). */
static bool has_no_body(const struct transfer *t)
{
    return strcmp(t->method, "HEAD") == 0 || t->answer.status == 204 || t->answer.status == 304;
}

void transfer_finish(struct transfer *t, CURLcode code)
{
    bool framed = t->answer.status != 0 && (t->answer.framed || has_no_body(t));
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
        .error = &t->error,
    };
    if (t->on_done)
        t->on_done(t->context, &response);
}
