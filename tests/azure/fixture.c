/* See fixture.h. */
#include "fixture.h"

#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TOLD_MAX = 64 * 1024 };

/* The linker puts these before the real ones: a pause is noted, and the clock jumps by it. */
static struct fixture fixture;
static double slept;

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    int failed = __real_clock_gettime(id, out);
    if (id == CLOCK_MONOTONIC)
        out->tv_sec += (time_t) slept;
    return failed;
}

bool __wrap_http_pause(struct http_client *client, double seconds, struct error *err);
bool __wrap_http_pause(struct http_client *client, double seconds, struct error *err)
{
    (void) client;
    (void) err;
    assert_true(fixture.pause_count < FIXTURE_PAUSES_MAX);
    fixture.pauses[fixture.pause_count++] =
        round(seconds); /* less what passed since it was meant */
    slept += seconds + 1;
    return true;
}

void fixture_sleep(double seconds)
{
    slept += seconds;
}

void fixture_set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

static void clear_environment(void)
{
    static const char *const names[] = {"AZURE_TENANT_ID",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_CLIENT_SECRET",
                                        "AZURE_CLIENT_CERTIFICATE_PATH",
                                        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
                                        "AZURE_FEDERATED_TOKEN_FILE",
                                        "AZURE_AUTHORITY_HOST",
                                        "IDENTITY_ENDPOINT",
                                        "IDENTITY_HEADER",
                                        "MSI_ENDPOINT",
                                        "MSI_SECRET"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(unsetenv(names[i]), 0);
    fixture_set("PATH", "/nonexistent"); /* no Azure CLI */
    fixture_set("AZURE_POD_IDENTITY_AUTHORITY_HOST",
                "http://127.0.0.1:9"); /* no machine in Azure */
}

int fixture_set_up(void **state)
{
    struct fixture *f = &fixture;
    *f = (struct fixture){.header = BUF_INIT(AZURE_HEADER_MAX), .told = BUF_INIT(TOLD_MAX)};
    slept = 0;
    clear_environment();
    fixture_set("WEIR_TEST_SECRET", VALUE);
    (void) snprintf(f->folder, sizeof f->folder, "/tmp/weir-test-azure-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->server = server_new(NULL);
    f->http = http_new(&(struct http_options){0}, &f->err);
    assert_non_null(f->http);
    *state = f;
    return 0;
}

static void remove_folder(const char *folder)
{
    DIR *list = opendir(folder);
    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
        (void) unlinkat(dirfd(list), entry->d_name, 0);
    assert_int_equal(closedir(list), 0);
    assert_int_equal(rmdir(folder), 0);
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    azure_credential_free(f->credential);
    http_free(f->http);
    server_free(f->server);
    buf_release(&f->header);
    buf_release(&f->told);
    remove_folder(f->folder);
    clear_environment();
    return 0;
}

void fixture_open(struct fixture *f, const struct azure_credential_options *options)
{
    struct azure_credential_options mine = *options;
    if (!mine.authority)
        mine.authority = server_url(f->server, "/");
    azure_credential_free(f->credential);
    error_clear(&f->err);
    f->credential = azure_credential_new(f->http, &mine, &f->err);
    if (!f->credential)
        fail_msg("%s", f->err.message);
}

bool fixture_ask(struct fixture *f)
{
    error_clear(&f->err);
    return azure_credential_header(f->credential, AUDIENCE, &f->header, &f->err);
}

void fixture_gets(struct fixture *f, const char *token)
{
    char wanted[4096];
    (void) snprintf(wanted, sizeof wanted, "Authorization: Bearer %s", token);
    if (!fixture_ask(f))
        fail_msg("%s\n%s", f->err.message, f->err.hint);
    assert_string_equal(buf_text(&f->header), wanted);
}

void fixture_fails(struct fixture *f, enum error_code code, const char *message)
{
    assert_false(fixture_ask(f));
    if (f->err.code != code || !strstr(f->err.message, message))
        fail_msg("not %s with '%s', but %s: %s\n%s", error_name(code), message,
                 error_name(f->err.code), f->err.message, f->err.hint);
    assert_silent(&f->err);
}

void fixture_answer(struct fixture *f, const char *match, int status, const char *body)
{
    server_answer(f->server,
                  &(struct server_answer){.match = match, .status = status, .body = str_of(body)});
}

const char *fixture_file(struct fixture *f, const char *name, const char *text, unsigned mode)
{
    static char path[256];
    (void) snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_true(file_write(path, str_of(text), 0600, false, &f->err));
    assert_int_equal(chmod(path, (mode_t) mode), 0);
    return path;
}

const char *fixture_token(const char *claims)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static char token[2048];
    size_t n = 0, length = strlen(claims);
    token[n++] = 'e';
    token[n++] = '.';
    assert_true(length * 4 / 3 + 8 < sizeof token);
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < length ? (unsigned char) claims[i + k] : 0U);
        for (size_t k = 0; k < 4 && i * 8 + k * 6 < length * 8; k++)
            token[n++] = letters[bits >> (18 - 6 * k) & 63];
    }
    (void) snprintf(token + n, sizeof token - n, ".sig");
    return token;
}

void assert_silent(const struct error *err)
{
    static const char *const parts[] = {"hunter2", VALUE, "p%26ss%3Dw%2Frd%2B~hunter2"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_null(strstr(err->message, parts[i]));
        assert_null(strstr(err->hint, parts[i]));
    }
}
