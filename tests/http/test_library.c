/* libcurl comes with the first client, and whole. */
#include "http/library.h"

#include "http/http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is_there(void)
{
    void *handle = dlopen(HTTP_LIBRARY, RTLD_LAZY | RTLD_NOLOAD);
    if (handle)
        (void) dlclose(handle);
    return handle != NULL;
}

static void test_comes_with_the_first_client(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_false(is_there());
    struct http_client *client = http_new(&(struct http_options){0}, &err);
    assert_non_null(client);
    assert_true(is_there());
    http_free(client);
}

static void test_options_arrive_whatever_their_type(void **state)
{
    (void) state;
    const long milliseconds = 1234;
    const curl_off_t bytes = (curl_off_t) 5 << 40;
    char text[] = "text", *got = NULL;
    CURL *easy = curl_easy_init();
    assert_non_null(easy);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, bytes), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) -2),
                     CURLE_BAD_FUNCTION_ARGUMENT);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PRIVATE, text), CURLE_OK);
    assert_int_equal(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &got), CURLE_OK);
    assert_ptr_equal(got, text);
    curl_easy_cleanup(easy);
}

static void test_loads_again_without_harm(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_true(http_library_load(&err));
    assert_true(http_library_load(&err));
    assert_string_equal(curl_easy_strerror(CURLE_OK), "No error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_with_the_first_client),
        cmocka_unit_test(test_options_arrive_whatever_their_type),
        cmocka_unit_test(test_loads_again_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
