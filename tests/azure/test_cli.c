/* Azure CLI: a program in its place says what the real one says. */
#include "fixture.h"

#include "base/file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define AZ_TOKEN                                                                                   \
    "{\"accessToken\": \"eyJ.cli\", \"expiresOn\": \"2001-01-01 00:00:00.000000\", "               \
    "\"expires_on\": 99999999999, \"subscription\": \"s\", \"tenant\": \"t\", "                    \
    "\"tokenType\": \"Bearer\"}"

/* Puts a program `az` of these lines into PATH. The test's own variable tells it where to write. */
static void install(struct fixture *f, const char *script)
{
    char text[4096], path[256];
    (void) snprintf(text, sizeof text, "#!/bin/sh\nFOLDER=%s\n%s\n", f->folder, script);
    (void) fixture_file(f, "az", text, 0700);
    (void) snprintf(path, sizeof path, "%s:/usr/bin:/bin", f->folder);
    fixture_set("PATH", path);
}

static void use(struct fixture *f, const char *tenant)
{
    fixture_open(f, &(struct azure_credential_options){.tenant = tenant, .sign_in = "cli"});
}

static const char *written(struct fixture *f, const char *name)
{
    static char text[8192];
    char path[256];
    struct buf buf = BUF_INIT(sizeof text - 1);
    (void) snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_true(file_read(path, sizeof text - 1, &buf, &f->err));
    (void) snprintf(text, sizeof text, "%s", buf_text(&buf));
    buf_release(&buf);
    return text;
}

static void the_cli_gives_a_token_for_the_workspaces_tenant(void **state)
{
    struct fixture *f = *state;
    install(f, "echo \"$@\" > $FOLDER/arguments; echo '" AZ_TOKEN "'");
    use(f, TENANT);
    fixture_gets(f, "eyJ.cli");
    assert_string_equal(written(f, "arguments"),
                        "account get-access-token --output json --resource " AUDIENCE
                        " --tenant " TENANT "\n");
    assert_string_equal(azure_credential_identity(f->credential), "account (Azure CLI)");
    use(f, NULL);
    fixture_gets(f, "eyJ.cli");
    assert_null(strstr(written(f, "arguments"), "--tenant"));
}

static void it_comes_after_a_machine_that_is_none(void **state)
{
    struct fixture *f = *state;
    install(f, "echo '" AZ_TOKEN "'");
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    fixture_gets(f, "eyJ.cli");
}

static void no_secret_of_ours_reaches_it(void **state)
{
    struct fixture *f = *state;
    install(f, "env > $FOLDER/environment; echo '" AZ_TOKEN "'");
    fixture_set("AZURE_CLIENT_SECRET", VALUE);
    fixture_set("IDENTITY_HEADER", VALUE);
    fixture_set("AZURE_CONFIG_DIR", "/its/folder");
    use(f, NULL);
    fixture_gets(f, "eyJ.cli");
    const char *environment = written(f, "environment");
    assert_null(strstr(environment, "hunter2"));
    assert_null(strstr(environment, "WEIR_"));
    assert_non_null(strstr(environment, "AZURE_CONFIG_DIR=/its/folder"));
    assert_non_null(strstr(environment, "PATH="));
}

static void the_end_of_its_token_is_understood_in_both_forms(void **state)
{
    struct fixture *f = *state;
    char script[1024], end[64];
    time_t later = time(NULL) + 3600;
    struct tm local;
    assert_non_null(localtime_r(&later, &local));
    assert_true(strftime(end, sizeof end, "%Y-%m-%d %H:%M:%S", &local) > 0);
    (void) snprintf(script, sizeof script,
                    "echo x >> $FOLDER/times; echo '{\"accessToken\":\"eyJ.old\",\"expiresOn\":"
                    "\"%s.271455\"}'",
                    end);
    install(f, script);
    use(f, NULL);
    fixture_gets(f, "eyJ.old");
    fixture_gets(f, "eyJ.old");
    assert_string_equal(written(f, "times"), "x\n"); /* good for an hour yet */
    install(f, "echo x >> $FOLDER/times; echo '{\"accessToken\":\"eyJ.gone\",\"expiresOn\":"
               "\"2001-01-01 00:00:00.000000\"}'");
    use(f, NULL);
    fixture_gets(f, "eyJ.gone");
    fixture_gets(f, "eyJ.gone");
    assert_string_equal(written(f, "times"), "x\nx\nx\n");
}

static void nobody_signed_in_to_it_is_passed_over(void **state)
{
    struct fixture *f = *state;
    install(f, "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    fixture_fails(f, ERROR_AUTH, "no credential is set up");
    assert_non_null(
        strstr(f->err.hint, "\n  Azure CLI         nobody is signed in to it: az login\n"));
    assert_non_null(strstr(f->err.hint, "\n  device code"));
}

static void signing_out_in_mid_run_is_said_to_be_so(void **state)
{
    struct fixture *f = *state;
    install(f, "echo '" AZ_TOKEN "'");
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    fixture_gets(f, "eyJ.cli");
    install(f, "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    azure_credential_refused(f->credential, AUDIENCE);
    fixture_fails(f, ERROR_AUTH, "Azure CLI: nobody is signed in to it: az login");
}

static void a_session_that_ended_is_explained(void **state)
{
    struct fixture *f = *state;
    install(f,
            "echo 'WARNING: something else' >&2; echo 'ERROR: AADSTS70043: The refresh token has "
            "expired or is invalid due to sign-in frequency checks. Trace ID: 1-2-3' >&2; "
            "echo 'To re-authenticate, please run: az login' >&2; exit 1");
    fixture_open(f, &(struct azure_credential_options){.tenant = TENANT});
    fixture_fails(f, ERROR_AUTH, "Azure CLI: AADSTS70043: The refresh token has expired");
    assert_non_null(strstr(f->err.message, "sign in again"));
    assert_null(strstr(f->err.message, "WARNING"));
    assert_null(strstr(f->err.message, "Trace"));
    assert_non_null(strstr(f->err.hint, "\naz login --tenant " TENANT));
    assert_null(strstr(f->err.hint, "device code"));
}

static void one_that_breaks_says_what_it_says(void **state)
{
    struct fixture *f = *state;
    install(f, "echo 'Traceback: no module named azure.cli' >&2; exit 3");
    use(f, NULL);
    fixture_fails(f, ERROR_AUTH, "Traceback: no module named azure.cli (exit 3)");
    install(f, "exit 9");
    use(f, NULL);
    fixture_fails(f, ERROR_AUTH, "it says nothing (exit 9)");
    install(f, "echo not json");
    use(f, NULL);
    fixture_fails(f, ERROR_FORMAT, "the Azure CLI is not JSON");
}

static void a_tenant_that_could_be_an_option_is_never_given(void **state)
{
    struct fixture *f = *state;
    install(f, "echo \"$@\" > $FOLDER/arguments; echo '" AZ_TOKEN "'");
    use(f, "--debug");
    fixture_fails(f, ERROR_SETTINGS, "neither a GUID nor a domain");
    char path[256];
    struct stat status;
    (void) snprintf(path, sizeof path, "%s/arguments", f->folder);
    assert_int_not_equal(stat(path, &status), 0);
}

static void an_interruption_ends_the_wait(void **state)
{
    struct fixture *f = *state;
    struct stop stop = {0};
    install(f, "sleep 60");
    stop_set(&stop, 2);
    fixture_open(f, &(struct azure_credential_options){.sign_in = "cli", .stop = &stop});
    fixture_fails(f, ERROR_INTERRUPTED, "interrupted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_cli_gives_a_token_for_the_workspaces_tenant),
        TEST(it_comes_after_a_machine_that_is_none),
        TEST(no_secret_of_ours_reaches_it),
        TEST(the_end_of_its_token_is_understood_in_both_forms),
        TEST(nobody_signed_in_to_it_is_passed_over),
        TEST(signing_out_in_mid_run_is_said_to_be_so),
        TEST(a_session_that_ended_is_explained),
        TEST(one_that_breaks_says_what_it_says),
        TEST(a_tenant_that_could_be_an_option_is_never_given),
        TEST(an_interruption_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
