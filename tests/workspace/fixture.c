/* See fixture.h. */
#include "fixture.h"

#include <stdlib.h>

enum { TEXT_MAX = 1 << 24 };

void fixture_open(struct fixture *f, const struct workspace_options *options)
{
    memset(f, 0, sizeof *f);
    f->server = server_new(NULL);
    f->http = http_new(&(struct http_options){.stop = &f->stop}, &f->err);
    assert_non_null(f->http);
    assert_int_equal(setenv("WEIR_TEST_SECRET", FIXTURE_SECRET, 1), 0);
    struct azure_credential_options who = {.tenant = "contoso.example",
                                           .client_id = "11111111-2222-4333-8444-555555555555",
                                           .client_secret = "env:WEIR_TEST_SECRET",
                                           .authority = server_url(f->server, "")};
    f->credential = azure_credential_new(f->http, &who, &f->err);
    assert_non_null(f->credential);
    struct workspace_options mine = options ? *options : (struct workspace_options){0};
    mine.endpoint = server_url(f->server, "");
    mine.audience = "https://api.loganalytics.io";
    mine.id = FIXTURE_ID;
    mine.http = f->http;
    mine.credential = f->credential;
    f->workspace = workspace_new(&mine, &f->err);
    assert_non_null(f->workspace);
}

void fixture_close(struct fixture *f)
{
    workspace_free(f->workspace);
    azure_credential_free(f->credential);
    http_free(f->http);
    server_free(f->server);
}

void fixture_sign_in(struct fixture *f, unsigned times)
{
    server_answer(f->server, &(struct server_answer){
                                 .match = FIXTURE_SIGN_IN,
                                 .times = times,
                                 .body = STR("{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                                             "\"access_token\":\"eyJ.token.one\"}")});
}

void fixture_answer(struct fixture *f, int status, struct str body)
{
    server_answer(f->server,
                  &(struct server_answer){.match = FIXTURE_QUERY, .status = status, .body = body});
}

static bool on_columns(void *context, const struct columns *columns, struct error *err)
{
    struct told *told = context;
    (void) err;
    for (size_t i = 0; i < columns->n; i++)
        buf_printf(&told->columns, "%s%s:%s", i > 0 ? " " : "", columns->v[i].name,
                   column_type_name(columns->v[i].type));
    return true;
}

static bool on_row(void *context, const struct json_row *row, struct error *err)
{
    struct told *told = context;
    buf_put(&told->rows, row->bytes, row->length);
    buf_putc(&told->rows, '\n');
    if (told->fail_at > 0 && --told->fail_at == 0)
        return error_set(err, ERROR_IO, "the disk is full");
    return true;
}

static void on_done(void *context, const struct workspace_result *result)
{
    struct told *told = context;
    told->done++;
    told->result = *result;
    if (told->wake)
        workspace_wake(told->fixture->workspace);
}

bool fixture_try(struct fixture *f, struct told *told, const char *kql, struct error *err)
{
    struct workspace_query query = {.kql = str_of(kql),
                                    .columns = told->columns.max > 0 ? on_columns : NULL,
                                    .row = on_row,
                                    .done = on_done,
                                    .context = told};
    told->fixture = f;
    told->done = 0;
    return workspace_start(f->workspace, &query, err);
}

void fixture_start(struct fixture *f, struct told *told, const char *kql)
{
    buf_init(&told->columns, TEXT_MAX);
    buf_init(&told->rows, TEXT_MAX);
    assert_true(fixture_try(f, told, kql, &f->err));
}

void fixture_query(struct fixture *f, struct told *told, const char *kql)
{
    fixture_start(f, told, kql);
    assert_true(workspace_run(f->workspace, -1, &f->err));
    assert_int_equal(told->done, 1);
}

void told_release(struct told *told)
{
    buf_release(&told->columns);
    buf_release(&told->rows);
    *told = (struct told){0};
}
