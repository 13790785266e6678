/* Secrets: one place in memory, wiped when it goes, in no core dump. */
#include "base/secret.h"

#include "base/file.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define VALUE "hunter2-hunter2"

static void a_secret_keeps_a_copy(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret secret = SECRET_INIT;
    char text[] = VALUE;
    assert_int_equal(secret_str(&secret).n, 0);
    assert_true(secret_set(&secret, str_of(text), &err));
    text[0] = 'x';
    assert_string_equal(secret_str(&secret).p, VALUE);
    assert_true(secret_set(&secret, secret_str(&secret), &err)); /* of itself */
    assert_string_equal(secret_str(&secret).p, VALUE);
    assert_true(secret_set(&secret, STR("other"), &err));
    assert_string_equal(secret_str(&secret).p, "other");
    secret_release(&secret);
    assert_int_equal(secret_str(&secret).n, 0);
    secret_release(&secret);
}

static void its_room_is_fixed_and_it_never_moves(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret secret = SECRET_INIT;
    assert_true(secret_init(&secret, 10000, &err));
    const char *at = secret_buf(&secret)->bytes;
    for (int i = 0; i < 10000; i++)
        buf_putc(secret_buf(&secret), 'x');
    assert_true(buf_ok(secret_buf(&secret), "a secret", &err));
    assert_ptr_equal(secret_buf(&secret)->bytes, at);
    buf_putc(secret_buf(&secret), 'y');
    assert_false(buf_ok(secret_buf(&secret), "a secret", &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    secret_release(&secret);
    error_clear(&err);
    assert_false(secret_init(&secret, SECRET_MAX + 1, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void it_is_found_in_a_text_that_repeats_it(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret secret = SECRET_INIT;
    assert_false(secret_within(&secret, STR("anything")));
    assert_true(secret_set(&secret, STR(VALUE), &err));
    assert_true(secret_within(&secret, STR("you sent " VALUE "!")));
    assert_false(secret_within(&secret, STR("you sent hunter2")));
    assert_false(secret_within(&secret, STR("")));
    secret_release(&secret);
}

static void without_memory_it_stays_what_it_was(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret secret = SECRET_INIT;
    assert_true(secret_set(&secret, STR(VALUE), &err));
    mem_fail_at(1);
    assert_false(secret_set(&secret, STR("other"), &err));
    mem_fail_at(0);
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_string_equal(secret_str(&secret).p, VALUE);
    secret_release(&secret);
}

/* The flags of the mapping that holds an address, from the kernel. */
static bool has_flag(const void *at, const char *flag)
{
    struct buf maps = BUF_INIT(8 * 1024 * 1024);
    struct error err = ERROR_INIT;
    assert_true(file_read("/proc/self/smaps", maps.max, &maps, &err));
    struct str rest = buf_str(&maps), line;
    bool here = false, found = false;
    while (!found && str_split(&rest, '\n', &line)) {
        char *end = NULL;
        unsigned long from = strtoul(line.p, &end, 16);
        if (end && *end == '-')
            here = from <= (uintptr_t) at && (uintptr_t) at < strtoul(end + 1, NULL, 16);
        if (here && str_starts(line, STR("VmFlags:")))
            found = memmem(line.p, line.n, flag, strlen(flag)) != NULL;
    }
    buf_release(&maps);
    return found;
}

static void it_is_left_out_of_core_dumps_as_long_as_it_lives(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct secret secret = SECRET_INIT;
    assert_true(secret_set(&secret, STR(VALUE), &err));
    const char *at = secret_str(&secret).p;
    assert_true(has_flag(at, " dd"));
    secret_release(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_keeps_a_copy),
        cmocka_unit_test(its_room_is_fixed_and_it_never_moves),
        cmocka_unit_test(it_is_found_in_a_text_that_repeats_it),
        cmocka_unit_test(without_memory_it_stays_what_it_was),
        cmocka_unit_test(it_is_left_out_of_core_dumps_as_long_as_it_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
