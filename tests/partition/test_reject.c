/* Lines of the reject file, and digests of inputs. */
#include "base/memory.h"
#include "partition/digest.h"
#include "partition/reject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xxhash.h>

static void a_reject_is_one_line_of_json(void **state)
{
    struct buf out = BUF_INIT(1 << 16);
    (void) state;
    part_reject_put(&out, STR("a\"b.json"), 17, PART_REASON_TIME_ZONE,
                    STR("{\"x\":\"\x1b[2J\xff\"}"));
    assert_string_equal(
        buf_text(&out),
        "{\"file\":\"a\\\"b.json\",\"line\":17,\"reason\":\"its time names no zone\","
        "\"text\":\"{\\\"x\\\":\\\"\\u001b[2J\xef\xbf\xbd\\\"}\"}\n");
    buf_release(&out);
}

static void a_text_is_cut_behind_whole_characters(void **state)
{
    struct buf text = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
    (void) state;
    for (int i = 0; i < PART_REJECT_TEXT_MAX + 5; i++)
        buf_puts(&text, "\xe2\x82\xac");
    part_reject_put(&out, STR("f"), 1, PART_REASON_FORM, buf_str(&text));
    static const char begin[] =
        "{\"file\":\"f\",\"line\":1,\"reason\":\"not one valid JSON object\",\"text\":\"";
    assert_memory_equal(out.bytes, begin, strlen(begin));
    assert_int_equal(out.used, strlen(begin) + PART_REJECT_TEXT_MAX * 3 + strlen("\"}\n"));
    buf_release(&text);
    buf_release(&out);
}

/* The digest as the format tells it, made in one go. */
static void expect_digest(const unsigned char *bytes, size_t n, unsigned char out[PART_DIGEST_SIZE])
{
    struct buf all = BUF_INIT(1 << 20);
    XXH128_canonical_t text;
    for (size_t at = 0; at < n; at += PART_DIGEST_BLOCK) {
        size_t part = n - at < PART_DIGEST_BLOCK ? n - at : PART_DIGEST_BLOCK;
        XXH128_canonicalFromHash(&text, XXH3_128bits(bytes + at, part));
        buf_put(&all, text.digest, sizeof text.digest);
    }
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_putc(&all, (char) ((uint64_t) n >> shift));
    XXH128_canonicalFromHash(&text, XXH3_128bits(all.bytes, all.used));
    memcpy(out, text.digest, sizeof text.digest);
    buf_release(&all);
}

static void digests_do_not_depend_on_how_bytes_come(void **state)
{
    static const size_t sizes[] = {0, 1, PART_DIGEST_BLOCK, PART_DIGEST_BLOCK + 1,
                                   3 * PART_DIGEST_BLOCK - 5};
    unsigned char *bytes = malloc(3 * PART_DIGEST_BLOCK);
    unsigned char expected[PART_DIGEST_SIZE], got[PART_DIGEST_SIZE], block[PART_DIGEST_SIZE];
    struct error err = ERROR_INIT;
    (void) state;
    for (size_t i = 0; i < 3 * PART_DIGEST_BLOCK; i++)
        bytes[i] = (unsigned char) (i * 31 + i / 977);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        struct part_digest fed = {0}, put = {0};
        size_t n = sizes[k], blocks = (n + PART_DIGEST_BLOCK - 1) / PART_DIGEST_BLOCK;
        expect_digest(bytes, n, expected);
        for (size_t at = 0, step = 1; at < n; at += step, step = step * 3 + 1) {
            step = step < n - at ? step : n - at;
            assert_true(part_digest_feed(&fed, bytes + at, step, &err));
        }
        assert_true(part_digest_end(&fed, got, &err));
        assert_memory_equal(got, expected, sizeof got);
        assert_int_equal(fed.bytes, n);
        for (size_t i = blocks; i-- > 0;) {
            size_t at = i * PART_DIGEST_BLOCK;
            size_t part = n - at < PART_DIGEST_BLOCK ? n - at : PART_DIGEST_BLOCK;
            part_digest_blocks(bytes + at, part, block);
            assert_true(part_digest_put(&put, i, part, block, &err));
        }
        assert_true(part_digest_end(&put, got, &err));
        assert_memory_equal(got, expected, sizeof got);
        part_digest_release(&fed);
        part_digest_release(&put);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reject_is_one_line_of_json),
        cmocka_unit_test(a_text_is_cut_behind_whole_characters),
        cmocka_unit_test(digests_do_not_depend_on_how_bytes_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
