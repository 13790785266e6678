/* Status lines and headers. */
#include "http/answer.h"

#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct http_answer read_lines(const char *const *lines, size_t n)
{
    struct http_answer answer;
    http_answer_init(&answer);
    for (size_t i = 0; i < n; i++)
        assert_true(http_answer_line(&answer, str_of(lines[i])));
    return answer;
}

#define READ(...)                                                                                  \
    read_lines((const char *const[]){__VA_ARGS__},                                                 \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void status_lines(void **state)
{
    (void) state;
    assert_int_equal(READ("HTTP/1.1 200 OK\r\n").status, 200);
    assert_int_equal(READ("HTTP/1.1 429\r\n").status, 429);
    assert_int_equal(READ("HTTP/1.1 2000 OK\r\n").status, 0);
    assert_int_equal(READ("HTTP/1.1\r\n").status, 0);
}

static void framing_is_a_length_or_chunks(void **state)
{
    (void) state;
    assert_true(READ("HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n").framed);
    assert_true(READ("HTTP/1.1 200 OK\r\n", "transfer-encoding:  gzip, Chunked\r\n").framed);
    assert_false(READ("HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked, gzip\r\n").framed);
    assert_false(READ("HTTP/1.1 200 OK\r\n", "Content-Length: five\r\n").framed);
    assert_false(READ("HTTP/1.1 200 OK\r\n", "X-Content-Length: 5\r\n").framed);
}

static void patience_is_a_number_or_a_date(void **state)
{
    (void) state;
    struct http_answer number = READ("HTTP/1.1 429 No\r\n", "Retry-After: 17\r\n");
    assert_true(http_answer_pause(&number, 0) == 17);
    struct http_answer date =
        READ("HTTP/1.1 429 No\r\n", "Retry-After: Thu, 18 Nov 2021 10:00:30 GMT\r\n",
             "Date: Thu, 18 Nov 2021 10:00:00 GMT\r\n");
    assert_true(http_answer_pause(&date, 0) == 30);
    struct http_answer past =
        READ("HTTP/1.1 429 No\r\n", "Retry-After: Thu, 18 Nov 2021 10:00:30 GMT\r\n");
    assert_true(http_answer_pause(&past, 1700000000) == 0);
    assert_true(http_answer_pause(&past, 1637229630 - 8) == 8);
    struct http_answer none = READ("HTTP/1.1 429 No\r\n");
    assert_true(http_answer_pause(&none, 0) == -1);
    struct http_answer odd = READ("HTTP/1.1 429 No\r\n", "Retry-After: soon\r\n");
    assert_true(http_answer_pause(&odd, 0) == -1);
    struct http_answer long_one = READ("HTTP/1.1 429 No\r\n", "Retry-After: 99999999\r\n");
    assert_true(http_answer_pause(&long_one, 0) == HTTP_RETRY_AFTER_MAX);
}

static void a_new_status_line_forgets_what_was_before(void **state)
{
    (void) state;
    struct http_answer answer = READ("HTTP/1.1 103 Hints\r\n", "Age: 5\r\n", "HTTP/1.1 200 OK\r\n");
    assert_int_equal(answer.status, 200);
    assert_true(answer.age == -1);
    assert_true(answer.header_bytes > 40);
}

static void headers_have_a_limit(void **state)
{
    (void) state;
    struct http_answer answer;
    char line[1000];
    memset(line, 'x', sizeof line);
    http_answer_init(&answer);
    size_t taken = 0;
    while (http_answer_line(&answer, (struct str){line, sizeof line}))
        taken += sizeof line;
    assert_true(taken <= HTTP_HEADER_BYTES_MAX && taken + 2 * sizeof line > HTTP_HEADER_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lines),
        cmocka_unit_test(framing_is_a_length_or_chunks),
        cmocka_unit_test(patience_is_a_number_or_a_date),
        cmocka_unit_test(a_new_status_line_forgets_what_was_before),
        cmocka_unit_test(headers_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
