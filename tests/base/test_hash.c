/* Hashes give the published values, whole or in pieces. */
#include "base/hash.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void sha256_of_known_texts(void **state)
{
    (void) state;
    char hex[HASH_SHA256_HEX];
    assert_true(hash_sha256_hex(STR(""), hex, NULL));
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(hash_sha256_hex(STR("abc"), hex, NULL));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void sha256_in_pieces_is_the_same_and_can_start_over(void **state)
{
    (void) state;
    unsigned char sum[HASH_SHA256_SIZE];
    char whole[HASH_SHA256_HEX], pieces[HASH_SHA256_HEX];
    struct hash_sha256 *hash = hash_sha256_new(NULL);
    assert_non_null(hash);
    for (int round = 0; round < 2; round++) {
        hash_sha256_reset(hash);
        hash_sha256_add(hash, "ab", 2);
        hash_sha256_add(hash, NULL, 0);
        hash_sha256_add(hash, "c", 1);
        assert_true(hash_sha256_end(hash, sum, NULL));
        text_hex(sum, sizeof sum, pieces);
        assert_true(hash_sha256_hex(STR("abc"), whole, NULL));
        assert_string_equal(pieces, whole);
    }
    hash_sha256_free(hash);
    hash_sha256_free(NULL);
}

static void no_memory_gives_no_hash(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    mem_fail_at(1);
    assert_null(hash_sha256_new(&err));
    assert_int_equal(err.code, ERROR_MEMORY);
}

static void xx64_is_what_the_service_gives(void **state)
{
    (void) state;
    assert_true(hash_xx64(STR("World")) == INT64_C(1846988464401551951));
    assert_true(hash_xx64(STR("")) == (int64_t) UINT64_C(0xEF46DB3751D8E999));
    assert_true(hash_xx64((struct str){NULL, 0}) == hash_xx64(STR("")));
}

static void xx128_tells_texts_apart(void **state)
{
    (void) state;
    uint64_t one[2], same[2], other[2];
    hash_xx128(STR("9b1d1f4e-0000-4000-8000-000000000001"), one);
    hash_xx128(STR("9b1d1f4e-0000-4000-8000-000000000001"), same);
    hash_xx128(STR("9b1d1f4e-0000-4000-8000-000000000002"), other);
    assert_memory_equal(one, same, sizeof one);
    assert_true(one[0] != other[0] && one[1] != other[1]);
    hash_xx128(STR(""), one);
    hash_xx128((struct str){NULL, 0}, same);
    assert_memory_equal(one, same, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(sha256_in_pieces_is_the_same_and_can_start_over),
        cmocka_unit_test(no_memory_gives_no_hash),
        cmocka_unit_test(xx64_is_what_the_service_gives),
        cmocka_unit_test(xx128_tells_texts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
