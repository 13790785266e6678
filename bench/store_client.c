/* What bench_upload.py and bench_listing.py measure of weir, each in a process of its own.
 *
 *     store_client upload URL COUNT BYTES        blobs of so many bytes through a store, and a sync
 *     store_client bare URL COUNT BYTES WIDTH    the same bodies through a bare curl_multi loop
 *     store_client list URL FIRST DAYS           the catalog of so many days of CommonSecurityLog, from the FIRST-th of
 *                                                2022 on (0: the first of January)
 *
 * URL is an account; WEIR_BENCH_KEY in the environment holds its key. Tells in one line of JSON on stdout what it
 * did in how many seconds, of the clock and of the processor, and its peak of memory in bytes.
 */
#include "bare.h"

#include "base/memory.h"
#include "http/http.h"
#include "lake/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_MAX = 16 * 1024 * 1024, KIB = 1024 };

static const struct lake_place place = {
    .workspace_id = "8ecf8077-cf51-4820-aadd-14040956f35d",
    .resource_id =
        "/subscriptions/0a1b2c3d-0000-1111-2222-333344445555/resourceGroups/soc/providers/"
        "Microsoft.OperationalInsights/workspaces/contoso",
    .table = "CommonSecurityLog"};

static const int64_t begin = TICK_UNIX_EPOCH + 18993 * TICK_DAY; /* 2022-01-01 */

static void check(bool ok, const struct error *err)
{
    if (ok)
        return;
    fprintf(stderr, "store_client: %s\n", err->message);
    exit(1);
}

static size_t number(const char *text)
{
    char *end = NULL;
    unsigned long out = strtoul(text, &end, 10);
    if (*end || end == text) {
        fprintf(stderr, "store_client: %s is no number\n", text);
        exit(2);
    }
    return out;
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    (void) clock_gettime(clock, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* The kernel's ru_maxrss counts what was there before the exec, too; this does not. */
static size_t peak_memory(void)
{
    char line[128];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && kib == 0 && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    if (status)
        (void) fclose(status);
    return kib * KIB;
}

static char *make_body(size_t size)
{
    struct error err = ERROR_INIT;
    char *body = size <= BODY_MAX ? mem_alloc(1, size + 1, &err) : NULL;
    check(body != NULL, &err);
    for (size_t i = 0; i < size; i++)
        body[i] = i % 100 == 99 ? '\n' : (char) ('a' + i % 23);
    return body;
}

static struct store *open_store(const char *url, struct http_client **http)
{
    struct error err = ERROR_INIT;
    *http = http_new(&(struct http_options){0}, &err);
    check(*http != NULL, &err);
    struct store *store = store_open_with(
        &(struct store_options){.address = url, .http = *http, .key = "env:WEIR_BENCH_KEY"}, &err);
    check(store != NULL, &err);
    return store;
}

static size_t upload(const char *url, size_t count, size_t size)
{
    struct error err = ERROR_INIT;
    struct http_client *http = NULL;
    struct store *store = open_store(url, &http);
    struct buf name = BUF_INIT(LAKE_NAME_MAX);
    char *body = make_body(size);
    for (size_t i = 0; i < count; i++) {
        lake_export_name(&name, &place, begin + (int64_t) i * TICK_PARTITION, 0);
        struct store_writer *writer = store_writer_new(store, buf_text(&name), &err);
        check(writer && store_writer_add(writer, body, size, &err), &err);
        check(store_writer_commit(writer, 0, NULL, &err), &err);
    }
    check(store_sync(store, &err), &err);
    buf_release(&name);
    mem_free(body);
    store_free(store);
    http_free(http);
    return count;
}

static size_t upload_bare(const char *url, size_t count, size_t size, size_t width)
{
    char *body = make_body(size);
    bare_run(
        &(struct bare){.base = url, .count = count, .body = body, .size = size, .width = width});
    mem_free(body);
    return count;
}

static bool count_blob(void *context, const struct lake_blob *blob, struct error *err)
{
    (void) blob, (void) err;
    ++*(size_t *) context;
    return true;
}

static size_t list(const char *url, size_t first, size_t days)
{
    struct error err = ERROR_INIT;
    struct http_client *http = NULL;
    struct store *store = open_store(url, &http);
    size_t blobs = 0;
    int64_t from = begin + (int64_t) first * TICK_DAY;
    check(
        lake_blobs(store, &place, from, from + (int64_t) days * TICK_DAY, count_blob, &blobs, &err),
        &err);
    store_free(store);
    http_free(http);
    return blobs;
}

int main(int argc, char **argv)
{
    double wall = seconds(CLOCK_MONOTONIC);
    size_t done;
    if (argc == 5 && strcmp(argv[1], "upload") == 0)
        done = upload(argv[2], number(argv[3]), number(argv[4]));
    else if (argc == 6 && strcmp(argv[1], "bare") == 0)
        done = upload_bare(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    else if (argc == 5 && strcmp(argv[1], "list") == 0)
        done = list(argv[2], number(argv[3]), number(argv[4]));
    else {
        fprintf(stderr, "usage: store_client upload|bare|list URL ...\n");
        return 2;
    }
    printf("{\"blobs\":%zu,\"seconds\":%.4f,\"cpu\":%.4f,\"peak\":%zu}\n", done,
           seconds(CLOCK_MONOTONIC) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID), peak_memory());
    return 0;
}
