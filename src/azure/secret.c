/* Secrets by reference. What is not a reference is never repeated in an error: it may be the secret. */
#include "azure/vault.h"

#include "base/file.h"

#include <stdlib.h>

static bool refuse(struct error *err, const char *message)
{
    (void) error_set(err, ERROR_SETTINGS, "%s", message);
    return error_hint(err,
                      "a secret is given by reference: env:NAME (a variable), file:PATH (a file of "
                      "mode 0600), keyvault://VAULT/SECRET");
}

static bool read_variable(const char *name, struct secret *out, struct error *err)
{
    const char *value = getenv(name);
    if (!value || value[0] == '\0')
        return error_set(err, ERROR_SETTINGS, "the variable %s, which should hold a secret, is %s",
                         name, value ? "empty" : "not set");
    if (strlen(value) > AZURE_SECRET_MAX)
        return error_set(err, ERROR_LIMIT, "the secret in variable %s is longer than %d bytes",
                         name, AZURE_SECRET_MAX);
    return secret_set(out, str_of(value), err);
}

static bool is_name(const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name[0] != '\0';
}

bool azure_secret_check(const char *reference, struct error *err)
{
    struct str s = str_of(reference);
    if (str_starts(s, STR(AZURE_VAULT_SCHEME)))
        return vault_is_reference(reference) ||
               refuse(err,
                      "keyvault: must be followed by //VAULT/SECRET or //VAULT/SECRET/VERSION");
    if (str_starts(s, STR("env:")))
        return is_name(reference + 4) ||
               refuse(err, "env: must be followed by the name of a variable");
    if (str_starts(s, STR("file:")))
        return s.n > 5 || refuse(err, "file: must be followed by a path");
    return refuse(err, "a secret must not be given as a value");
}

static bool read_file(const char *path, struct secret *out, struct error *err)
{
    if (!secret_init(out, AZURE_SECRET_MAX, err) ||
        !file_read_secret(path, AZURE_SECRET_MAX, secret_buf(out), err))
        return false;
    return secret_str(out).n > 0 ||
           error_set(err, ERROR_SETTINGS, "%s, which should hold a secret, is empty", path);
}

bool azure_secret_local(const char *reference, struct secret *out, struct error *err)
{
    return str_starts(str_of(reference), STR("env:")) ? read_variable(reference + 4, out, err)
                                                      : read_file(reference + 5, out, err);
}
