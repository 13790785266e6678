/* Azure CLI: whoever has signed in with `az login` (docs/service.md section 2.7). The program is run without a
 * shell, with few of our variables, and no longer than CLI_SECONDS. */
#include "azure/entra.h"
#include "azure/sources.h"
#include "base/process.h"

#include <limits.h>

enum { SAID_MAX = 16 * 1024 };
static const double CLI_SECONDS = 60.0; /* it may first have to renew its own token */

/* What the CLI needs to find its folder, its certificates and its way out; no secret of ours. */
static const char *const VARIABLES[] = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "AZURE_CONFIG_DIR",
    "AZURE_CLI_HOME",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "DBUS_SESSION_BUS_ADDRESS",
};

static bool look(const struct azure_search *search, struct buf *what)
{
    struct buf path = BUF_INIT(PATH_MAX);
    bool found = process_find("az", &path);
    (void) search;
    if (found)
        text_put_safe(what, buf_str(&path));
    else
        buf_puts(what, "az is not in PATH");
    buf_release(&path);
    return found;
}

/* Only these reach it; an audience or a tenant that could be taken for an option is never given. */
static bool fill(const struct azure_search *search, const char *program, const char *audience,
                 struct process_options *out, struct error *err)
{
    size_t n = 0;
    const char *tenant = search->options->tenant;
    *out = (struct process_options){
        .program = program, .seconds = CLI_SECONDS, .stop = search->options->stop};
    out->arguments[n++] = "account";
    out->arguments[n++] = "get-access-token";
    out->arguments[n++] = "--output";
    out->arguments[n++] = "json";
    out->arguments[n++] = "--resource";
    out->arguments[n++] = audience;
    if (tenant) {
        out->arguments[n++] = "--tenant";
        out->arguments[n++] = tenant;
    }
    for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++)
        out->variables[i] = VARIABLES[i];
    if (audience[0] == '-' || (tenant && !entra_is_tenant(tenant)))
        return error_set(err, ERROR_SETTINGS, "the tenant is neither a GUID nor a domain");
    return true;
}

/* "ERROR: " and what follows, without the warnings before it. */
static struct str reason_in(struct str said)
{
    static const char mark[] = "ERROR: ";
    const char *at = said.n > 0 ? memmem(said.p, said.n, mark, sizeof mark - 1) : NULL;
    if (at)
        said =
            (struct str){at + sizeof mark - 1, said.n - (size_t) (at - said.p) - (sizeof mark - 1)};
    return str_trim(said);
}

static bool contains(struct str text, struct str part)
{
    return text.n >= part.n && memmem(text.p, text.n, part.p, part.n) != NULL;
}

static enum azure_outcome refuse(const struct azure_search *search, struct str said, int status,
                                 struct buf *why, struct error *err)
{
    struct str reason = reason_in(said);
    int code = entra_code_in(reason);
    const char *advice = entra_advice(code), *tenant = search->options->tenant;
    if (code == 0 && contains(reason, STR("az login"))) {
        buf_puts(why, "nobody is signed in to it: az login");
        return AZURE_PASSED;
    }
    struct buf shown = BUF_INIT(4 * ENTRA_SHOWN_MAX + 64);
    entra_put_shown(&shown, reason);
    (void) error_set(err, ERROR_AUTH, "sign-in failed: Azure CLI: %s (exit %d)%s%s",
                     shown.used > 0 ? buf_text(&shown) : "it says nothing", status,
                     advice ? "; " : "", advice ? advice : "");
    if (code != 0)
        (void) error_hint(err, "az login%s%s", tenant ? " --tenant " : "", tenant ? tenant : "");
    buf_release(&shown);
    return AZURE_FAILED;
}

static enum azure_outcome run(const struct azure_search *search, const char *program,
                              const char *audience, struct azure_token *out, struct buf *why,
                              struct error *err)
{
    struct process_options options;
    struct secret text = SECRET_INIT;
    struct buf said = BUF_INIT(SAID_MAX);
    enum azure_outcome outcome = AZURE_FAILED;
    int status = 0;
    if (fill(search, program, audience, &options, err) &&
        secret_init(&text, TOKEN_ANSWER_MAX, err)) {
        if (!process_run(&options, &text, &said, &status, err))
            (void) error_prefix(err, "sign-in failed: Azure CLI");
        else if (status != 0)
            outcome = refuse(search, buf_str(&said), status, why, err);
        else if (azure_token_read(secret_str(&text), "the Azure CLI", out, NULL, err))
            outcome = AZURE_GOT;
    }
    secret_release(&text);
    buf_release(&said);
    return outcome;
}

static enum azure_outcome ask(const struct azure_search *search, const char *audience,
                              struct azure_token *out, struct buf *why, struct error *err)
{
    struct buf path = BUF_INIT(PATH_MAX);
    enum azure_outcome outcome = AZURE_PASSED;
    if (process_find("az", &path))
        outcome = run(search, buf_text(&path), audience, out, why, err);
    else
        buf_puts(why, "az is not in PATH");
    buf_release(&path);
    return outcome;
}

static void identify(const struct azure_search *search, const struct azure_who *who,
                     struct buf *out)
{
    (void) search;
    buf_puts(out, "account");
    if (who->object[0])
        buf_printf(out, " %s", who->object);
    if (who->tenant[0])
        buf_printf(out, " of tenant %s", who->tenant);
    buf_puts(out, " (Azure CLI)");
}

const struct azure_source azure_source_cli = {"Azure CLI", "cli", look, ask, identify};
