/* Proxies: see proxy.h. The variables and their order are those that curl looks at (CURLOPT_PROXY(3),
 * "Environment variables"). */
#include "http/proxy.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const of_tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
static const char *const of_plain[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
enum {
    TLS_COUNT = sizeof of_tls / sizeof of_tls[0],
    PLAIN_COUNT = sizeof of_plain / sizeof of_plain[0]
};

static const char *setting(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return value;
    }
    return NULL;
}

void http_proxy_show(bool tls, char out[HTTP_PROXY_SHOWN_MAX])
{
    out[0] = '\0';
    const char *value = tls ? setting(of_tls, TLS_COUNT) : setting(of_plain, PLAIN_COUNT);
    CURLU *handle = value ? curl_url() : NULL;
    if (!handle)
        return;
    char *host = NULL, *port = NULL;
    if (curl_url_set(handle, CURLUPART_URL, value, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) ==
            CURLUE_OK &&
        curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        bool has_port = curl_url_get(handle, CURLUPART_PORT, &port, 0) == CURLUE_OK;
        (void) snprintf(out, HTTP_PROXY_SHOWN_MAX, "%s%s%s", host, has_port ? ":" : "",
                        has_port ? port : "");
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(handle);
}

/* What stands before the last '@' and behind the scheme. */
static struct str user_of(const char *value)
{
    const char *scheme = strstr(value, "://"), *at = strrchr(value, '@');
    const char *from = scheme ? scheme + 3 : value;
    return at && at > from ? (struct str){from, (size_t) (at - from)} : (struct str){0};
}

static bool holds(const char *text, struct str part)
{
    for (; part.n > 0 && *text; text++)
        if (strncmp(text, part.p, part.n) == 0)
            return true;
    return false;
}

static bool betrays(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && holds(text, user_of(value)))
            return true;
    }
    return false;
}

bool http_proxy_betrayed(const char *text)
{
    return betrays(text, of_tls, TLS_COUNT) || betrays(text, of_plain, PLAIN_COUNT);
}
