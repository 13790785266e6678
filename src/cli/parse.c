/* The command line: words to a command, options and arguments. */
#include "cli/cli.h"

#include <stdlib.h>

enum { NAMES_MAX = 64 };

static bool has_option(const struct cli_command *command, int id)
{
    if (cli_options[id].where & CLI_SHARED)
        return true;
    for (int i = 0; command && command->options[i] != CLI_OPTION_COUNT; i++)
        if ((int) command->options[i] == id)
            return true;
    return false;
}

static bool unknown_option(const struct cli *cli, struct str name, struct error *err)
{
    const char *names[CLI_OPTION_COUNT];
    size_t n = 0;
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if (has_option(cli->command, i))
            names[n++] = cli_options[i].name;
    const char *command = cli->command ? cli->command->name : "weir";
    (void) error_set(err, ERROR_USAGE, "%s has no option --%.*s", command, (int) name.n, name.p);
    const char *nearest = text_nearest(name, names, n);
    if (nearest)
        return error_hint(err, "did you mean --%s?", nearest);
    return error_hint(err, "weir %s --help", cli->command ? command : "");
}

static int find_letter(char letter)
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if (cli_options[i].letter == letter)
            return i;
    return -1;
}

static bool set(struct cli *cli, int id, const char *value, struct error *err)
{
    if (!cli_option_check((enum cli_option_id) id, value, err))
        return false;
    cli->values[id] = value;
    cli->sources[id] = CLI_FROM_COMMAND;
    return true;
}

/* --name, --name=value, --name value. *at stands on the option and is moved past its value. */
static bool take_long(struct cli *cli, int argc, char **argv, int *at, struct error *err)
{
    struct str rest = str_of(argv[*at] + 2), name;
    const char *equals = memchr(rest.p, '=', rest.n);
    name = equals ? (struct str){rest.p, (size_t) (equals - rest.p)} : rest;
    int id = cli_option_find(name);
    if (id < 0 || !has_option(cli->command, id))
        return unknown_option(cli, name, err);
    if (cli_options[id].kind == CLI_FLAG)
        return set(cli, id, equals ? equals + 1 : "true", err);
    if (equals)
        return set(cli, id, equals + 1, err);
    if (*at + 1 >= argc)
        return error_set(err, ERROR_USAGE, "--%s needs a value: %s", cli_options[id].name,
                         cli_options[id].value);
    return set(cli, id, argv[++*at], err);
}

/* -q, -qv, -n 5, -n5. */
static bool take_short(struct cli *cli, int argc, char **argv, int *at, struct error *err)
{
    for (const char *c = argv[*at] + 1; *c; c++) {
        int id = find_letter(*c);
        if (id < 0 || !has_option(cli->command, id))
            return unknown_option(cli, (struct str){c, 1}, err);
        if (cli_options[id].kind == CLI_FLAG) {
            if (!set(cli, id, "true", err))
                return false;
            continue;
        }
        if (c[1])
            return set(cli, id, c + 1, err);
        if (*at + 1 >= argc)
            return error_set(err, ERROR_USAGE, "-%c needs a value: %s", *c, cli_options[id].value);
        return set(cli, id, argv[++*at], err);
    }
    return true;
}

/* The command that the words name; "lake ls" takes two of them. *used: how many. */
static const struct cli_command *find_command(const char *first, const char *second, int *used)
{
    for (int i = 0; cli_commands[i]; i++) {
        struct str rest = str_of(cli_commands[i]->name), word;
        (void) str_split(&rest, ' ', &word);
        if (!str_eq(word, str_of(first)))
            continue;
        if (rest.n == 0) {
            *used = 1;
            return cli_commands[i];
        }
        if (second && str_eq(rest, str_of(second))) {
            *used = 2;
            return cli_commands[i];
        }
    }
    return NULL;
}

static bool unknown_command(const char *word, struct error *err)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (int i = 0; cli_commands[i] && n < NAMES_MAX; i++) {
        size_t length = strlen(word);
        if (strncmp(cli_commands[i]->name, word, length) == 0 &&
            cli_commands[i]->name[length] == ' ') {
            (void) error_set(err, ERROR_USAGE, "'%s' needs a second word, such as '%s'", word,
                             cli_commands[i]->name);
            return error_hint(err, "weir help %s", word);
        }
        names[n++] = cli_commands[i]->name;
    }
    (void) error_set(err, ERROR_USAGE, "there is no command '%s'", word);
    const char *nearest = text_nearest(str_of(word), names, n);
    return nearest ? error_hint(err, "did you mean '%s'?", nearest)
                   : error_hint(err, "weir --help");
}

/* True when the word at `i` is an option's value that stands apart: needed to find the command, which shared
 * options may precede. */
static int skip_option(int argc, char **argv, int i)
{
    const char *word = argv[i];
    int id = word[1] == '-' ? cli_option_find(str_of(word + 2)) : find_letter(word[1]);
    bool apart = id >= 0 && cli_options[id].kind != CLI_FLAG && (word[1] == '-' || word[2] == '\0');
    return apart && i + 1 < argc ? i + 1 : i;
}

static bool take_command(struct cli *cli, int argc, char **argv, char **rest, int *count,
                         struct error *err)
{
    int at[2] = {0, 0}, words = 0, used = 0;
    for (int i = 1; i < argc && words < 2; i++) {
        if (argv[i][0] == '-' && argv[i][1])
            i = skip_option(argc, argv, i);
        else
            at[words++] = i;
    }
    if (words > 0) {
        cli->command = find_command(argv[at[0]], words > 1 ? argv[at[1]] : NULL, &used);
        if (!cli->command)
            return unknown_command(argv[at[0]], err);
    }
    for (int i = 1; i < argc; i++)
        if (!(used > 0 && i == at[0]) && !(used > 1 && i == at[1]))
            rest[(*count)++] = argv[i];
    return true;
}

static bool take_words(struct cli *cli, int argc, char **argv, struct error *err)
{
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        bool ok = true;
        if (!only_arguments && strcmp(word, "--") == 0)
            only_arguments = true;
        else if (!only_arguments && word[0] == '-' && word[1] == '-')
            ok = take_long(cli, argc, argv, &i, err);
        else if (!only_arguments && word[0] == '-' && word[1])
            ok = take_short(cli, argc, argv, &i, err);
        else if (cli->arg_count == CLI_ARGS_MAX)
            ok = error_set(err, ERROR_USAGE, "more than %d arguments", CLI_ARGS_MAX);
        else
            cli->args[cli->arg_count++] = word;
        if (!ok)
            return false;
    }
    return true;
}

static void environment_name(int id, char *out, size_t size)
{
    (void) snprintf(out, size, "WEIR_%s", cli_options[id].name);
    for (char *c = out; *c; c++)
        *c = (char) (*c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
}

static bool take_environment(struct cli *cli, struct error *err)
{
    for (int id = 0; id < CLI_OPTION_COUNT; id++) {
        bool wanted = cli_options[id].where & CLI_SETTING || id == CLI_PROFILE || id == CLI_CONFIG;
        char name[64];
        environment_name(id, name, sizeof name);
        const char *value = wanted ? getenv(name) : NULL;
        if (!value || !*value || cli->sources[id] == CLI_FROM_COMMAND)
            continue;
        if (!cli_option_check((enum cli_option_id) id, value, err)) {
            (void) error_prefix(err, "%s", name);
            if (err)
                err->code = ERROR_SETTINGS;
            return false;
        }
        cli->values[id] = value;
        cli->sources[id] = CLI_FROM_ENVIRONMENT;
    }
    return true;
}

static bool check_arguments(const struct cli *cli, struct error *err)
{
    const struct cli_command *command = cli->command;
    if (cli->arg_count > command->args_max) {
        (void) error_set(err, ERROR_USAGE, "'%s' is one argument too many for %s",
                         cli->args[command->args_max], command->name);
        return error_hint(err, "weir %s --help", command->name);
    }
    if (cli->arg_count < command->args_min) {
        (void) error_set(err, ERROR_USAGE, "%s needs %s", command->name, command->arguments);
        return error_hint(err, "for example: %s", command->example);
    }
    return true;
}

static bool check_output(const struct cli *cli, struct error *err)
{
    const char *form = cli->values[CLI_OUTPUT];
    if (!form || strcmp(form, "parquet") != 0 || cli->command->parquet)
        return true;
    (void) error_set(err, ERROR_USAGE, "--output parquet is for weir query, not for weir %s",
                     cli->command->name);
    return error_hint(err, "--output is table, json, jsonl or csv here");
}

/* One that is given nearer, on the line rather than in the settings, is meant. */
static bool choose_storage_secret(struct cli *cli, struct error *err)
{
    enum cli_source key = cli->sources[CLI_STORAGE_KEY], sas = cli->sources[CLI_STORAGE_SAS];
    if (key == CLI_UNSET || sas == CLI_UNSET)
        return true;
    if (key == sas) {
        (void) error_set(err, ERROR_SETTINGS, "either storage-key or storage-sas, not both");
        return error_hint(err, "without either, weir signs in with a token");
    }
    enum cli_option_id weaker = key < sas ? CLI_STORAGE_KEY : CLI_STORAGE_SAS;
    cli->values[weaker] = NULL;
    cli->sources[weaker] = CLI_UNSET;
    return true;
}

/* Addresses are shown, logged and kept in reports: a signature or password in one would be too. */
static bool check_lake(struct cli *cli, struct error *err)
{
    const char *lake = cli->values[CLI_LAKE];
    const char *authority = strstr(lake, "://");
    if (!authority)
        return true;
    if (strchr(lake, '?')) {
        (void) error_set(err, ERROR_SETTINGS, "the address of the lake holds more than an address");
        return error_hint(err, "what stands behind its '?' is a secret: give it by reference, such "
                               "as --storage-sas env:NAME");
    }
    if (memchr(authority + 3, '@', strcspn(authority + 3, "/")) &&
        !str_starts(str_of(lake), STR("abfs")) && !str_starts(str_of(lake), STR("wasb")))
        return error_set(err, ERROR_SETTINGS,
                         "the address of the lake holds a user name or password");
    return choose_storage_secret(cli, err);
}

bool cli_parse(struct cli *cli, int argc, char **argv, struct error *err)
{
    char **rest = mem_alloc((size_t) argc + 1, sizeof *rest, err);
    int count = 0;
    bool ok = rest && take_command(cli, argc, argv, rest, &count, err) &&
              take_words(cli, count, rest, err);
    mem_free(rest);
    if (!ok || cli_flag(cli, CLI_HELP) || !cli->command)
        return ok;
    if (!check_arguments(cli, err) || !take_environment(cli, err) || !cli_settings_read(cli, err))
        return false;
    for (int id = 0; id < CLI_OPTION_COUNT; id++) {
        if (cli->sources[id] == CLI_UNSET && cli_options[id].preset) {
            cli->values[id] = cli_options[id].preset;
            cli->sources[id] = CLI_FROM_DEFAULT;
        }
    }
    return check_output(cli, err) && check_lake(cli, err);
}

void cli_parse_log_format(struct cli *cli, int argc, char **argv)
{
    static const char name[] = "--log-format=";
    const size_t n = sizeof name - 2; /* without the equals sign */
    const char *found = cli->values[CLI_LOG_FORMAT];
    for (int i = 1; !found && i < argc && argv[i] && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], name, n) != 0)
            continue;
        found = argv[i][n] == '=' ? argv[i] + n + 1 : argv[i][n] == '\0' ? argv[i + 1] : NULL;
    }
    cli->values[CLI_LOG_FORMAT] = found ? found : getenv("WEIR_LOG_FORMAT");
}

const char *cli_text(const struct cli *cli, enum cli_option_id id)
{
    return cli->values[id];
}

bool cli_flag(const struct cli *cli, enum cli_option_id id)
{
    return cli->values[id] && strcmp(cli->values[id], "true") == 0;
}

bool cli_given(const struct cli *cli, enum cli_option_id id)
{
    return cli->sources[id] > CLI_FROM_DEFAULT;
}

uint64_t cli_number(const struct cli *cli, enum cli_option_id id, uint64_t otherwise)
{
    uint64_t number;
    return cli->values[id] && str_uint64(str_of(cli->values[id]), &number) ? number : otherwise;
}

double cli_decimal(const struct cli *cli, enum cli_option_id id, double otherwise)
{
    double number;
    return cli->values[id] && str_double(str_of(cli->values[id]), &number) ? number : otherwise;
}

uint64_t cli_size(const struct cli *cli, enum cli_option_id id, uint64_t otherwise)
{
    uint64_t size;
    return cli->values[id] && str_size(str_of(cli->values[id]), &size) ? size : otherwise;
}

bool cli_threads(const struct cli *cli, unsigned *out, struct error *err)
{
    uint64_t threads = cli_number(cli, CLI_THREADS, 0);
    *out = (unsigned) threads;
    return threads <= CLI_THREADS_MAX ||
           error_set(err, ERROR_USAGE, "--threads is at most %d", CLI_THREADS_MAX);
}

int64_t cli_duration(const struct cli *cli, enum cli_option_id id, int64_t otherwise)
{
    int64_t span;
    return cli->values[id] && duration_parse(str_of(cli->values[id]), &span) ? span : otherwise;
}
