/* Queries against a scripted service: what is sent, and what each answer becomes. */
#include "fixture.h"

static const char GOOD[] =
    "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"A\",\"type\":\"string\"},"
    "{\"name\":\"B\",\"type\":\"long\"}],\"rows\":[[\"x\",1],[\"y\",2]]}]}";

static void a_whole_answer_gives_its_columns_and_rows(void **state)
{
    (void) state;
    struct fixture f;
    struct told told = {0};
    fixture_open(&f, NULL);
    fixture_sign_in(&f, 1);
    fixture_answer(&f, 200, str_of(GOOD));
    fixture_query(&f, &told, "T | take 2");
    assert_int_equal(told.result.outcome, WORKSPACE_OK);
    assert_string_equal(buf_text(&told.columns), "A:string B:long");
    assert_string_equal(buf_text(&told.rows), "[\"x\",1]\n[\"y\",2]\n");
    assert_int_equal(told.result.rows, 2);
    assert_int_equal(told.result.bytes, strlen(GOOD));
    assert_true(server_all_used(f.server));
    told_release(&told);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_gives_its_columns_and_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
