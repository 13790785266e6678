/* Tokens: only those issued in this run, for this audience, in their time are good. */

#include "emulator/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char tenant[] = "b7a1f0d2-6c3e-4f58-8d94-2e5c7a9b1043";
static const char client[] = "c2d84e7f-15a9-4360-b8ef-6f0d3b7a5c21";
static const char object[] = "41c0a7b5-3d9e-4e62-8f17-d05b6a9c2e38";
static const char *const audiences[] = {"https://api.loganalytics.io", "https://127.0.0.1:4711"};

enum { NOW = 1700000000, LIFE = 3600, HEADER_MAX = 8192 };

static struct tokens make_tokens(void)
{
    struct tokens tokens;
    assert_true(tokens_init(&tokens, tenant, NULL));
    return tokens;
}

static void issue(const struct tokens *tokens, const char *audience, char out[HEADER_MAX])
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    struct token_owner owner = {.client = client, .object = object};
    assert_true(tokens_put(tokens, &owner, str_of(audience), NOW, NOW + LIFE, &token, NULL));
    (void) snprintf(out, HEADER_MAX, "Bearer %s", buf_text(&token));
    buf_release(&token);
}

static enum token_verdict check(const struct tokens *tokens, const char *header, int64_t now)
{
    struct token_holder holder;
    enum token_verdict verdict = tokens_check(tokens, header, audiences, 2, now, &holder);
    assert_string_equal(holder.client, verdict == TOKEN_GOOD ? client : "");
    assert_string_equal(holder.object, verdict == TOKEN_GOOD ? object : "");
    return verdict;
}

static void a_token_is_good_in_its_time(void **state)
{
    (void) state;
    struct tokens tokens = make_tokens();
    char header[HEADER_MAX];
    issue(&tokens, audiences[1], header);
    assert_int_equal(check(&tokens, header, NOW), TOKEN_GOOD);
    assert_int_equal(check(&tokens, header, NOW + LIFE - 1), TOKEN_GOOD);
    assert_int_equal(check(&tokens, header, NOW + LIFE), TOKEN_EXPIRED);
    memcpy(header, "bearer", 6);
    assert_int_equal(check(&tokens, header, NOW), TOKEN_GOOD);
}

static void a_token_for_another_is_refused(void **state)
{
    (void) state;
    struct tokens tokens = make_tokens();
    char header[HEADER_MAX];
    issue(&tokens, "https://storage.azure.com", header);
    assert_int_equal(check(&tokens, header, NOW), TOKEN_AUDIENCE);
}

static void a_token_of_another_run_is_refused(void **state)
{
    (void) state;
    struct tokens one = make_tokens(), other = make_tokens();
    char header[HEADER_MAX];
    issue(&one, audiences[0], header);
    assert_int_equal(check(&other, header, NOW), TOKEN_FORGED);
}

static void any_changed_letter_spoils_a_token(void **state)
{
    (void) state;
    struct tokens tokens = make_tokens();
    char header[HEADER_MAX];
    issue(&tokens, audiences[0], header);
    size_t length = strlen(header);
    /* The last letter of a base64url text may carry bits that do not count. */
    for (size_t i = sizeof "Bearer " - 1; i + 1 < length; i++) {
        char kept = header[i];
        header[i] = kept == 'x' ? 'y' : 'x';
        assert_int_not_equal(check(&tokens, header, NOW), TOKEN_GOOD);
        header[i] = kept;
    }
    assert_int_equal(check(&tokens, header, NOW), TOKEN_GOOD);
}

static void what_is_no_token_is_told_apart(void **state)
{
    (void) state;
    struct tokens tokens = make_tokens();
    assert_int_equal(check(&tokens, NULL, NOW), TOKEN_MISSING);
    assert_int_equal(check(&tokens, "", NOW), TOKEN_MISSING);
    assert_int_equal(check(&tokens, "Basic YTpi", NOW), TOKEN_MISSING);
    assert_int_equal(check(&tokens, "Bearer", NOW), TOKEN_GARBLED);
    assert_int_equal(check(&tokens, "Bearer ", NOW), TOKEN_GARBLED);
    assert_int_equal(check(&tokens, "Bearer abc", NOW), TOKEN_GARBLED);
    assert_int_equal(check(&tokens, "Bearer a.b", NOW), TOKEN_GARBLED);
    assert_int_equal(check(&tokens, "Bearer a.b.c", NOW), TOKEN_FORGED);
    assert_int_equal(check(&tokens, "Bearer ..", NOW), TOKEN_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_good_in_its_time),
        cmocka_unit_test(a_token_for_another_is_refused),
        cmocka_unit_test(a_token_of_another_run_is_refused),
        cmocka_unit_test(any_changed_letter_spoils_a_token),
        cmocka_unit_test(what_is_no_token_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
