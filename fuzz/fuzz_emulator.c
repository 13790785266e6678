/* The emulator's requests: whatever comes, there is an answer, and what says that it is JSON is
 * JSON. The input is a line "METHOD path", a line each for Content-Type, Authorization ("@": a good
 * token, "@audience": one for somebody) and Prefer, and the body. Every query meets a 503, so no engine is needed; the request's
 * other texts are read by themselves. */
#include "emulator/entra/devices.h"
#include "emulator/exports.h"
#include "emulator/service.h"
#include "emulator/shape.h"
#include "emulator/timespan.h"
#include "emulator/vault.h"

#include "base/memory.h"
#include "base/tick.h"
#include "json/value.h"

#include <stdlib.h>

enum { LINES = 4, TEXT_MAX = 1 << 16, REPLY_MAX = 1 << 22 };

struct fixture {
    struct service service;
    struct buf bearer;
};

static void make_service(struct fixture *fixture)
{
    struct service *service = &fixture->service;
    struct throttle_options limits = {0};
    service->limits = (struct service_limits){.retry_after = "auto", .token_life = 1000000000};
    service->endpoint = "https://127.0.0.1:4711";
    service->workspace = "5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10";
    service->workspace_name = "w";
    service->resource_id = "/subscriptions/0/resourceGroups/g/providers/m/workspaces/w";
    service->region = "r";
    service->tenant = "t";
    service->clients[0] = (struct client){.owner = {.client = "c", .object = "o"}, .secret = "s"};
    service->audiences[0] = "a";
    service->throttle = throttle_new(&limits, NULL);
    service->devices = devices_new("approve", NULL);
    service->exports = exports_new(NULL);
    service->vault = vault_new("a=/dev/null", NULL);
    if (!service->devices || !service->exports || !service->vault || !service->throttle ||
        !tokens_init(&service->tokens, "t", NULL) ||
        !faults_init(&service->faults, "503:1", 1, NULL) ||
        !report_init(&service->report, NULL, NULL) || !tables_add(&service->tables, STR("T"), NULL))
        abort();
    atomic_store(&service->answering, true);
}

/* What the line says, or, behind an "@", a good token for the audience that it names: "a" is the query
 * API's. */
static const char *make_bearer(struct fixture *fixture, const char *line)
{
    const struct service *service = &fixture->service;
    struct str audience = line[0] == '@' && line[1] ? str_of(line + 1) : STR("a");
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    buf_init(&fixture->bearer, TOKEN_MAX);
    buf_puts(&fixture->bearer, "Bearer ");
    if (line[0] != '@')
        return line;
    if (!tokens_put(&service->tokens, &service->clients[0].owner, audience, now, now + 3600,
                    &fixture->bearer, NULL))
        return "Bearer";
    return buf_text(&fixture->bearer);
}

static void free_service(struct fixture *fixture)
{
    buf_release(&fixture->bearer);
    tables_release(&fixture->service.tables);
    report_release(&fixture->service.report);
    tokens_release(&fixture->service.tokens);
    throttle_free(fixture->service.throttle);
    devices_free(fixture->service.devices);
    exports_free(fixture->service.exports);
    vault_free(fixture->service.vault);
}

static void check_texts(const char *text)
{
    struct timespan_range range = TIMESPAN_ALL;
    struct preferences prefer;
    struct str column;
    enum engine_form form;
    bool zoned;
    if (timespan_narrow(text, TICK_UNIX_EPOCH, &range) &&
        (range.from < 0 || range.to > TICK_MAX + 1 || range.from > range.to))
        abort();
    preferences_read(text, &prefer);
    (void) shape_split(str_of(text), &column, &zoned, NULL);
    (void) files_kind(str_of(text), &column, &form);
}

/* A line as a C string, without what stands behind a NUL. */
static char *take_line(struct str *rest)
{
    struct str line = {"", 0};
    (void) str_split(rest, '\n', &line);
    char *copy = mem_copy(line.p, line.n, NULL);
    if (!copy)
        abort();
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture fixture = {0};
    struct str rest = {(const char *) data, size < TEXT_MAX ? size : TEXT_MAX};
    char *lines[LINES];
    for (int i = 0; i < LINES; i++)
        lines[i] = take_line(&rest);
    char *path = strchr(lines[0], ' ');
    if (path)
        *path++ = '\0';
    make_service(&fixture);
    static const struct server_field fields[] = {{"api-version", "1"}, {NULL, NULL}};
    struct server_request request = {
        .fields = fields,
        .method = lines[0],
        .path = path ? path : "",
        .body = rest.p ? rest : STR(""),
        .content_type = lines[1],
        .authorization = make_bearer(&fixture, lines[2]),
        .prefer = lines[3],
    };
    struct server_reply reply = {.retry_after = -1};
    buf_init(&reply.body, REPLY_MAX);
    buf_init(&reply.headers, SERVER_HEADERS_MAX);
    service_handle(&fixture.service, &request, &reply);
    if (reply.status < 200 || reply.status > 599 ||
        (reply.content_type && !json_valid(buf_str(&reply.body))))
        abort();
    buf_release(&reply.body);
    buf_release(&reply.headers);
    char *body = take_line(&rest);
    check_texts(body);
    mem_free(body);
    free_service(&fixture);
    for (int i = 0; i < LINES; i++)
        mem_free(lines[i]);
    return 0;
}
