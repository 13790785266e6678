/* The Key Vault: a secret is the text of its file at the moment it is asked for. */

#include "emulator/vault.h"

#include "base/file.h"
#include "base/tick.h"

#include <jansson.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define TENANT "b7a1f0d2-6c3e-4f58-8d94-2e5c7a9b1043"

enum { BODY_MAX = 1 << 16, HEADER_MAX = 8192 };

struct fixture {
    struct service service;
    char folder[PATH_MAX], file[PATH_MAX], bearer[HEADER_MAX];
    struct server_reply reply;
    json_t *body;
};

static void sign_in(struct fixture *fixture, const char *audience)
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    assert_true(tokens_put(&fixture->service.tokens,
                           &(struct token_owner){.client = "c", .object = "o"}, str_of(audience),
                           now, now + 3600, &token, NULL));
    (void) snprintf(fixture->bearer, HEADER_MAX, "Bearer %s", buf_text(&token));
    buf_release(&token);
}

static void start(struct fixture *fixture)
{
    char list[2 * PATH_MAX];
    *fixture = (struct fixture){0};
    (void) snprintf(fixture->folder, PATH_MAX, "/tmp/weir-test-vault.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void) snprintf(fixture->file, PATH_MAX, "%.200s/key", fixture->folder);
    (void) snprintf(list, sizeof list, "a-key=%s", fixture->file);
    fixture->service.endpoint = "https://127.0.0.1:4711";
    fixture->service.tenant = TENANT;
    assert_true(tokens_init(&fixture->service.tokens, TENANT, NULL));
    fixture->service.vault = vault_new(list, NULL);
    assert_non_null(fixture->service.vault);
    sign_in(fixture, SERVICE_VAULT_AUDIENCE);
}

static void forget_reply(struct fixture *fixture)
{
    json_decref(fixture->body);
    fixture->body = NULL;
    buf_release(&fixture->reply.body);
    buf_release(&fixture->reply.headers);
}

static void stop(struct fixture *fixture)
{
    forget_reply(fixture);
    vault_free(fixture->service.vault);
    tokens_release(&fixture->service.tokens);
    (void) unlink(fixture->file);
    assert_int_equal(rmdir(fixture->folder), 0);
}

static void put(const struct fixture *fixture, const char *text)
{
    assert_true(file_write(fixture->file, str_of(text), 0600, false, NULL));
}

static int get(struct fixture *fixture, const char *path)
{
    static const struct server_field fields[] = {{"api-version", "7.4"}, {NULL, NULL}};
    struct server_request request = {
        .method = "GET", .path = path, .fields = fields, .authorization = fixture->bearer};
    forget_reply(fixture);
    fixture->reply = (struct server_reply){.retry_after = -1};
    buf_init(&fixture->reply.body, BODY_MAX);
    buf_init(&fixture->reply.headers, SERVER_HEADERS_MAX);
    assert_true(vault_answer(&fixture->service, &request, &fixture->reply));
    fixture->body = json_loads(buf_text(&fixture->reply.body), 0, NULL);
    assert_non_null(fixture->body);
    return fixture->reply.status;
}

static const char *value(const struct fixture *fixture)
{
    return json_string_value(json_object_get(fixture->body, "value"));
}

static const char *code(const struct fixture *fixture)
{
    return json_string_value(json_object_get(json_object_get(fixture->body, "error"), "code"));
}

static void whoever_writes_the_file_rotates_the_secret(void **state)
{
    (void) state;
    struct fixture fixture;
    char path[PATH_MAX];
    start(&fixture);
    put(&fixture, "first \"line\"\r\n");
    assert_int_equal(get(&fixture, "/secrets/a-key"), 200);
    assert_string_equal(value(&fixture), "first \"line\"");
    const char *id = json_string_value(json_object_get(fixture.body, "id"));
    (void) snprintf(path, sizeof path, "%s", strstr(id, "/secrets/"));
    put(&fixture, "second");
    assert_int_equal(get(&fixture, "/secrets/A-KEY"), 200);
    assert_string_equal(value(&fixture), "second");
    assert_int_equal(get(&fixture, path), 200);
    assert_string_equal(value(&fixture), "first \"line\"");
    /* A text that comes back is the version that it was. */
    put(&fixture, "first \"line\"");
    assert_int_equal(get(&fixture, "/secrets/a-key"), 200);
    id = json_string_value(json_object_get(fixture.body, "id"));
    assert_string_equal(strstr(id, "/secrets/"), path);
    stop(&fixture);
}

static void a_secret_is_missing_disabled_or_forbidden(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture);
    assert_int_equal(get(&fixture, "/secrets/a-key"), 404);
    assert_string_equal(code(&fixture), "SecretNotFound");
    assert_int_equal(get(&fixture, "/secrets/b"), 404);
    put(&fixture, "\n");
    assert_int_equal(get(&fixture, "/secrets/a-key"), 403);
    put(&fixture, "x");
    assert_int_equal(get(&fixture, "/secrets/a-key/00000000000000000000000000000000"), 404);
    assert_int_equal(get(&fixture, "/secrets/a-key"), 200);
    fixture.service.no_vault = true;
    assert_int_equal(get(&fixture, "/secrets/a-key"), 403);
    assert_string_equal(code(&fixture), "Forbidden");
    stop(&fixture);
}

static void without_its_own_token_it_tells_where_one_is_had(void **state)
{
    (void) state;
    struct fixture fixture;
    start(&fixture);
    put(&fixture, "x");
    sign_in(&fixture, SERVICE_ARM_AUDIENCE);
    assert_int_equal(get(&fixture, "/secrets/a-key"), 401);
    assert_string_equal(buf_text(&fixture.reply.headers),
                        "WWW-Authenticate: Bearer "
                        "authorization=\"https://127.0.0.1:4711/" TENANT "\", "
                        "resource=\"https://vault.azure.net\"\n");
    assert_null(value(&fixture));
    stop(&fixture);
}

static void a_list_that_is_none_is_refused(void **state)
{
    (void) state;
    static const char *const wrong[] = {"a", "a=", "=f", "a_b=f", "a=f,b", "../a=f"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = ERROR_INIT;
        assert_null(vault_new(wrong[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_writes_the_file_rotates_the_secret),
        cmocka_unit_test(a_secret_is_missing_disabled_or_forbidden),
        cmocka_unit_test(without_its_own_token_it_tells_where_one_is_had),
        cmocka_unit_test(a_list_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
