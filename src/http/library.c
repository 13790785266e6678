/* libcurl's functions by their names, handed through to the library that is loaded at need; see library.h. */
#include "http/library.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

static const char not_loaded[] = "libcurl is not loaded";

/* Const since libcurl 8: what the header at hand says. */
typedef __typeof__(_Generic(&curl_url_get,
                            CURLUcode (*)(const CURLU *, CURLUPart, char **, unsigned)
                            : (const CURLU *) NULL, default
                            : (CURLU *) NULL)) url_read;

/* X(type of the result, name, parameters, arguments, result without the library) */
#define FUNCTIONS(X)                                                                               \
    X(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)                        \
    X(CURL *, curl_easy_init, (void), (), NULL)                                                    \
    X(const char *, curl_easy_strerror, (CURLcode code), (code), not_loaded)                       \
    X(CURLM *, curl_multi_init, (void), (), NULL)                                                  \
    X(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi), CURLM_BAD_HANDLE)                   \
    X(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL * easy), (multi, easy),               \
      CURLM_BAD_HANDLE)                                                                            \
    X(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL * easy), (multi, easy),            \
      CURLM_BAD_HANDLE)                                                                            \
    X(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), (multi, left), NULL)            \
    X(CURLMcode, curl_multi_assign, (CURLM * multi, curl_socket_t fd, void *kept),                 \
      (multi, fd, kept), CURLM_BAD_HANDLE)                                                         \
    X(CURLMcode, curl_multi_socket_action,                                                         \
      (CURLM * multi, curl_socket_t fd, int events, int *running), (multi, fd, events, running),   \
      CURLM_BAD_HANDLE)                                                                            \
    X(const char *, curl_multi_strerror, (CURLMcode code), (code), not_loaded)                     \
    X(CURLU *, curl_url, (void), (), NULL)                                                         \
    X(CURLUcode, curl_url_get, (url_read url, CURLUPart what, char **part, unsigned flags),        \
      (url, what, part, flags), CURLUE_BAD_HANDLE)                                                 \
    X(CURLUcode, curl_url_set, (CURLU * url, CURLUPart what, const char *part, unsigned flags),    \
      (url, what, part, flags), CURLUE_BAD_HANDLE)                                                 \
    X(const char *, curl_url_strerror, (CURLUcode code), (code), not_loaded)                       \
    X(time_t, curl_getdate, (const char *text, const time_t *unused), (text, unused), -1)

/* X(name, parameters, arguments): of those that give nothing. */
#define PROCEDURES(X)                                                                              \
    X(curl_global_cleanup, (void), ())                                                             \
    X(curl_easy_cleanup, (CURL * easy), (easy))                                                    \
    X(curl_url_cleanup, (CURLU * url), (url))                                                      \
    X(curl_free, (void *text), (text))

/* X(name): the last argument is of many types. */
#define VARIADICS(X) X(curl_easy_setopt) X(curl_easy_getinfo) X(curl_multi_setopt)

struct library {
    bool loaded;
    char why[ERROR_MESSAGE_MAX]; /* not */
#define X(result, name, parameters, arguments, missing) __typeof__(name) *name;
    FUNCTIONS(X)
#undef X
#define X(name, parameters, arguments) __typeof__(name) *name;
    PROCEDURES(X)
#undef X
#define X(name) __typeof__(name) *name;
    VARIADICS(X)
#undef X
};

static bool find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol); /* C knows no cast from one to the other */
    return symbol != NULL;
}

static bool find_all(void *handle, struct library *library)
{
    bool ok = true;
#define X(result, name, parameters, arguments, missing)                                            \
    ok = find(handle, #name, &library->name) && ok;
    FUNCTIONS(X)
#undef X
#define X(name, parameters, arguments) ok = find(handle, #name, &library->name) && ok;
    PROCEDURES(X)
#undef X
#define X(name) ok = find(handle, #name, &library->name) && ok;
    VARIADICS(X)
#undef X
    return ok;
}

/* What the dynamic linker would have in its tables: written once, before anybody reads it. */
static struct library library;

static void load(void)
{
    void *handle = dlopen(HTTP_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    library.loaded = handle && find_all(handle, &library);
    const char *why = library.loaded ? NULL : dlerror();
    (void) snprintf(library.why, sizeof library.why, "%s", why ? why : "it lacks a function");
}

static const struct library *loaded(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return pthread_once(&once, load) == 0 && library.loaded ? &library : NULL;
}

bool http_library_load(struct error *err)
{
    if (loaded())
        return true;
    (void) error_set(err, ERROR_NOT_FOUND, HTTP_LIBRARY " does not load: %s", library.why);
    return error_hint(err, "it belongs to the package libcurl4 or libcurl");
}

/* --- libcurl's functions ---------------------------------------------------------------------------------- */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libcurl's differ by its version */
#define X(result, name, parameters, arguments, missing)                                            \
    result name parameters                                                                         \
    {                                                                                              \
        const struct library *curl = loaded();                                                     \
        return curl ? curl->name arguments : (missing);                                            \
    }
FUNCTIONS(X)
#undef X

#define X(name, parameters, arguments)                                                             \
    void name parameters                                                                           \
    {                                                                                              \
        const struct library *curl = loaded();                                                     \
        if (curl)                                                                                  \
            curl->name arguments;                                                                  \
    }
PROCEDURES(X)
#undef X

/* The number of an option tells the type of its value: a long, an offset, or a pointer to something. */
#define PASS_OPTION(call, handle, option, values)                                                  \
    ((option) / 10000 == CURLOPTTYPE_LONG / 10000 ? (call) (handle, option, va_arg(values, long))  \
     : (option) / 10000 == CURLOPTTYPE_OFF_T / 10000                                               \
         ? (call) (handle, option, va_arg(values, curl_off_t))                                     \
         : (call) (handle, option, va_arg(values, void *)))

CURLcode(curl_easy_setopt)(CURL *easy, CURLoption option, ...)
{
    const struct library *curl = loaded();
    va_list values;
    va_start(values, option);
    CURLcode code =
        curl ? PASS_OPTION(curl->curl_easy_setopt, easy, option, values) : CURLE_FAILED_INIT;
    va_end(values);
    return code;
}

CURLMcode(curl_multi_setopt)(CURLM *multi, CURLMoption option, ...)
{
    const struct library *curl = loaded();
    va_list values;
    va_start(values, option);
    CURLMcode code =
        curl ? PASS_OPTION(curl->curl_multi_setopt, multi, option, values) : CURLM_BAD_HANDLE;
    va_end(values);
    return code;
}

CURLcode(curl_easy_getinfo)(CURL *easy, CURLINFO what, ...)
{
    const struct library *curl = loaded();
    va_list places;
    va_start(places, what);
    void *place = va_arg(places, void *); /* of whatever: a pointer to where it goes */
    va_end(places);
    return curl ? (curl->curl_easy_getinfo)(easy, what, place) : CURLE_FAILED_INIT;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
