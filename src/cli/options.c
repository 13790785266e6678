/* Options: see options.h. */
#include "cli/options.h"

#include "azure/credential.h"
#include "base/tick.h"

const struct cli_option cli_options[CLI_OPTION_COUNT] = {
#define X(id, name, letter, kind, value, preset, where, help)                                      \
    [CLI_##id] = {name, letter, kind, value, preset, where, help},
    CLI_OPTIONS(X)
#undef X
};

int cli_option_find(struct str name)
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if (str_eq(name, str_of(cli_options[i].name)))
            return i;
    return -1;
}

static bool is_choice(const char *choices, struct str text)
{
    struct str rest = str_of(choices), word;
    while (str_split(&rest, '|', &word))
        if (str_eq(word, text))
            return true;
    return false;
}

/* A secret's value where its reference belongs would end in files, histories and process lists. It is not shown
 * again. */
static bool check_reference(const struct cli_option *option, const char *text, struct error *err)
{
    if (azure_secret_check(text, NULL))
        return true;
    (void) error_set(err, ERROR_USAGE, "--%s must say where the secret is, not what it is",
                     option->name);
    return error_hint(err, "env:NAME (a variable), file:PATH (a file of mode 0600), or "
                           "keyvault://VAULT/SECRET");
}

bool cli_option_check(enum cli_option_id id, const char *text, struct error *err)
{
    const struct cli_option *option = &cli_options[id];
    struct str s = str_of(text);
    int64_t number;
    uint64_t size;
    double decimal;
    switch (option->kind) {
    case CLI_TEXT:
        return true;
    case CLI_FLAG:
        if (is_choice("true|false", s))
            return true;
        return error_set(err, ERROR_USAGE, "--%s is on or off: true or false, not '%s'",
                         option->name, text);
    case CLI_NUMBER:
        if (str_int64(s, &number) && number >= 0)
            return true;
        return error_set(err, ERROR_USAGE, "--%s needs a whole number, not '%s'", option->name,
                         text);
    case CLI_DECIMAL:
        if (str_double(s, &decimal) && decimal >= 0)
            return true;
        return error_set(err, ERROR_USAGE, "--%s needs a number such as 12.50, not '%s'",
                         option->name, text);
    case CLI_SIZE:
        if (str_size(s, &size) && size <= INT64_MAX)
            return true;
        return error_set(err, ERROR_USAGE, "--%s needs a size such as 64MB, not '%s'", option->name,
                         text);
    case CLI_DURATION:
        if (duration_parse(s, &number) && number >= 0)
            return true;
        return error_set(err, ERROR_USAGE,
                         "--%s needs a duration such as 5m, 21d or PT5M, not '%s'", option->name,
                         text);
    case CLI_TIME:
        if (tick_parse(s, &number))
            return true;
        return error_set(
            err, ERROR_USAGE,
            "--%s needs a UTC time such as 2021-11-18 or 2021-11-18T03:05:00Z, not '%s'",
            option->name, text);
    case CLI_CHOICE:
        if (is_choice(option->value, s))
            return true;
        return error_set(err, ERROR_USAGE, "--%s is one of %s, not '%s'", option->name,
                         option->value, text);
    case CLI_REFERENCE:
        return check_reference(option, text, err);
    }
    return error_set(err, ERROR_INTERNAL, "option --%s has no kind", option->name);
}
