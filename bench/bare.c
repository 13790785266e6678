/* A bare curl_multi loop. */
#include "bare.h"

#include <curl/curl.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { URL_MAX = 512, POLL_MS = 1000 };

struct loop {
    const struct bare *bare;
    CURLM *multi;
    size_t started, done;
};

static const char *const headers[] = {
    "Expect:",
    "x-ms-version: 2021-12-02",
    "x-ms-date: Sat, 01 Jan 2022 00:00:00 GMT",
    "x-ms-blob-type: BlockBlob",
    "x-ms-meta-weir: 1",
    "If-None-Match: *",
    "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "Content-Type: application/octet-stream",
    "Authorization: SharedKey account:Q2hlY2sgSW50ZWdyaXR5IUNoZWNrIEludGVncml0eSE="};

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

static size_t take_nothing(char *bytes, size_t size, size_t n, void *context)
{
    (void) bytes, (void) context;
    return size * n;
}

static CURL *make_handle(const struct bare *bare, struct curl_slist *list)
{
    CURL *easy = curl_easy_init();
    check(easy && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bare->body) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) bare->size) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_nothing) == CURLE_OK,
          "curl_easy_setopt");
    return easy;
}

static void start(struct loop *loop, CURL *easy)
{
    char url[URL_MAX];
    bare_url(loop->bare, loop->started++, url, sizeof url);
    check(curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
              curl_multi_add_handle(loop->multi, easy) == CURLM_OK,
          "curl_multi_add_handle");
}

static void end(struct loop *loop, CURL *easy, CURLcode code)
{
    long status = 0;
    check(code == CURLE_OK &&
              curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 201,
          "a request failed");
    (void) curl_multi_remove_handle(loop->multi, easy);
    loop->done++;
    if (loop->started < loop->bare->count)
        start(loop, easy);
}

static void run(struct loop *loop)
{
    while (loop->done < loop->bare->count) {
        int running = 0, left = 0;
        check(curl_multi_perform(loop->multi, &running) == CURLM_OK, "curl_multi_perform");
        for (CURLMsg *m = curl_multi_info_read(loop->multi, &left); m;
             m = curl_multi_info_read(loop->multi, &left))
            end(loop, m->easy_handle, m->data.result);
        check(curl_multi_poll(loop->multi, NULL, 0, POLL_MS, NULL) == CURLM_OK, "curl_multi_poll");
    }
}

void bare_run(const struct bare *bare)
{
    CURL *all[BARE_WIDTH_MAX];
    struct loop loop = {.bare = bare, .multi = curl_multi_init()};
    struct curl_slist *list = NULL;
    check(loop.multi && bare->width > 0 && bare->width <= BARE_WIDTH_MAX &&
              bare->count >= bare->width,
          "a width that cannot be");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        check((list = curl_slist_append(list, headers[i])) != NULL, "no memory");
    for (size_t i = 0; i < bare->width; i++)
        start(&loop, all[i] = make_handle(bare, list));
    run(&loop);
    for (size_t i = 0; i < bare->width; i++)
        curl_easy_cleanup(all[i]);
    (void) curl_multi_cleanup(loop.multi);
    curl_slist_free_all(list);
}

void bare_url(const struct bare *bare, size_t i, char *out, size_t size)
{
    size_t day = i / 288, minute = i % 288 * 5;
    (void) snprintf(
        out, size,
        "%s/am-commonsecuritylog/WorkspaceResourceId=/subscriptions/0a1b2c3d-0000-1111-2222-"
        "333344445555/resourcegroups/soc/providers/microsoft.operationalinsights/workspaces/"
        "contoso/y=%04zu/m=%02zu/d=%02zu/h=%02zu/m=%02zu/PT05M_weir.json",
        bare->base, 2022 + day / 336, day % 336 / 28 + 1, day % 28 + 1, minute / 60, minute % 60);
}
