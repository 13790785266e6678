/* Help, manual and completion, all made from the same records. */
#include "cli/cli.h"

enum { NAME_COLUMN = 28, LINE_WIDTH = 100 };

static void put_option_name(char *out, size_t size, const struct cli_option *option)
{
    const char *value = option->value ? option->value : "";
    if (option->letter)
        (void) snprintf(out, size, "-%c, --%s%s%s", option->letter, option->name, *value ? " " : "",
                        value);
    else
        (void) snprintf(out, size, "--%s%s%s", option->name, *value ? " " : "", value);
}

static void help_option(FILE *out, const struct cli_option *option)
{
    char name[160];
    put_option_name(name, sizeof name, option);
    (void) fprintf(out, "  %-*s  %s", NAME_COLUMN, name, option->help);
    if (option->preset)
        (void) fprintf(out, " (%s)", option->preset);
    (void) fputc('\n', out);
}

/* A name alone, so that help fits a screen; the title stands before the first. */
static void help_name(FILE *out, const char *title, const struct cli_option *option, int *column)
{
    if (*column == 0)
        *column = fprintf(out, "%s", title);
    if (*column + (int) strlen(option->name) + 3 > LINE_WIDTH)
        *column = fprintf(out, "\n ") - 1;
    *column += fprintf(out, " --%s", option->name);
}

static void help_line(FILE *out, const struct cli_command *command)
{
    char line[160];
    (void) snprintf(line, sizeof line, "%s %s", command->name, command->arguments);
    (void) fprintf(out, "  %-22s %s\n", line, command->purpose);
}

bool cli_help_group(FILE *out, const char *word)
{
    size_t n = strlen(word);
    bool any = false;
    for (int i = 0; cli_commands[i]; i++) {
        const char *name = cli_commands[i]->name;
        if (strncmp(name, word, n) != 0 || name[n] != ' ')
            continue;
        help_line(out, cli_commands[i]);
        any = true;
    }
    return any;
}

static void help_program(FILE *out)
{
    (void) fputs(
        "weir takes the history out of a Log Analytics workspace into a data lake, proves that "
        "nothing was "
        "lost,\nand hunts in it with KQL.\n\nusage: weir COMMAND [ARGUMENTS] [OPTIONS]\n\n",
        out);
    for (int i = 0; cli_commands[i]; i++)
        help_line(out, cli_commands[i]);
    (void) fputs("\noptions of every command:\n", out);
    int column = 0;
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        const struct cli_option *option = &cli_options[i];
        if (option->where & CLI_SHARED && !(option->where & CLI_RARE))
            help_option(out, option);
    }
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if ((cli_options[i].where & CLI_IDENTITY) == CLI_IDENTITY)
            help_name(out, "\nto sign in, see weir help --manual:", &cli_options[i], &column);
    (void) fputs("\n\nweir COMMAND --help tells the rest.\n", out);
}

/* Of a command: explained in the manual, and only named here. */
static bool is_rare(const struct cli_option *option)
{
    return option->where & CLI_RARE && !(option->where & CLI_SHARED);
}

static void help_rare(FILE *out, const struct cli_command *command)
{
    char title[160];
    int column = 0;
    (void) snprintf(title, sizeof title,
                    "\nseldom needed, see weir help %s --manual:", command->name);
    for (int i = 0; command->options[i] != CLI_OPTION_COUNT; i++)
        if (is_rare(&cli_options[command->options[i]]))
            help_name(out, title, &cli_options[command->options[i]], &column);
    if (column > 0)
        (void) fputc('\n', out);
}

void cli_help(FILE *out, const struct cli_command *command)
{
    if (!command) {
        help_program(out);
        return;
    }
    (void) fprintf(out, "weir %s: %s\n\nusage: weir %s%s%s [OPTIONS]\n", command->name,
                   command->purpose, command->name, command->arguments[0] ? " " : "",
                   command->arguments);
    if (command->options[0] != CLI_OPTION_COUNT)
        (void) fputc('\n', out);
    for (int i = 0; command->options[i] != CLI_OPTION_COUNT; i++)
        if (!is_rare(&cli_options[command->options[i]]))
            help_option(out, &cli_options[command->options[i]]);
    help_rare(out, command);
    (void) fprintf(out, "\nand the options of every command: weir --help\n\nexample:\n  %s\n",
                   command->example);
}

/* roff: a leading '.' or '\'' would be a request, a backslash an escape, a '-' a hyphen. */
static void roff(FILE *out, const char *text)
{
    bool begin = true;
    for (const char *c = text; *c; c++) {
        if (begin && (*c == '.' || *c == '\''))
            (void) fputs("\\&", out);
        if (*c == '\\')
            (void) fputs("\\e", out);
        else if (*c == '-')
            (void) fputs("\\-", out);
        else if (c[0] == '\n' && c[1] == '\n')
            (void) fputs("\n.PP", out);
        else
            (void) fputc(*c, out);
        begin = *c == '\n';
    }
    (void) fputc('\n', out);
}

static void roff_option(FILE *out, const struct cli_option *option)
{
    char name[160];
    put_option_name(name, sizeof name, option);
    (void) fputs(".TP\n.B ", out);
    roff(out, name);
    roff(out, option->help);
    if (option->preset)
        (void) fprintf(out, "Default: %s.\n", option->preset);
}

static void manual_options(FILE *out, const struct cli_command *command)
{
    (void) fputs(".SH OPTIONS\n", out);
    for (int i = 0; command && command->options[i] != CLI_OPTION_COUNT; i++)
        roff_option(out, &cli_options[command->options[i]]);
    if (command)
        (void) fputs(".PP\nThe options of every command are in\n.BR weir (1).\n", out);
    for (int i = 0; !command && i < CLI_OPTION_COUNT; i++)
        if (cli_options[i].where & CLI_SHARED)
            roff_option(out, &cli_options[i]);
}

static void manual_commands(FILE *out)
{
    (void) fputs(".SH COMMANDS\n", out);
    for (int i = 0; cli_commands[i]; i++) {
        (void) fprintf(out, ".TP\n.B weir %s %s\n", cli_commands[i]->name,
                       cli_commands[i]->arguments);
        roff(out, cli_commands[i]->purpose);
    }
}

static void manual_common(FILE *out)
{
    (void) fputs(
        ".SH EXIT STATUS\n0 done; 1 failed; 2 usage, settings, or KQL refused; 3 finished but "
        "incomplete; "
        "130 and 143 interrupted, resumable.\n"
        ".SH FILES\n.TP\n.B weir.yaml\nSettings: profiles whose keys are the names of options.\n"
        ".SH ENVIRONMENT\n.TP\n.B WEIR_<NAME>\nThe option of that name, in capitals with _ for "
        "\\-.\n",
        out);
}

void cli_manual(FILE *out, const struct cli_command *command)
{
    char title[64];
    (void) snprintf(title, sizeof title, "weir%s%s", command ? "-" : "",
                    command ? command->name : "");
    for (char *c = title; *c; c++)
        if (*c == ' ')
            *c = '-';
    (void) fprintf(out,
                   ".TH \"%s\" 1 \"\" \"weir " WEIR_VERSION
                   "\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B weir %s\n",
                   title, title,
                   command ? command->purpose
                           : "history of a Log Analytics workspace into a data lake",
                   command ? command->name : "COMMAND");
    (void) fprintf(out, ".I %s\n[OPTIONS]\n", command ? command->arguments : "ARGUMENTS");
    if (command) {
        (void) fputs(".SH DESCRIPTION\n", out);
        roff(out, command->about);
    } else {
        manual_commands(out);
    }
    manual_options(out, command);
    if (command) {
        (void) fputs(".SH EXAMPLE\n.EX\n", out);
        roff(out, command->example);
        (void) fputs(".EE\n", out);
    }
    manual_common(out);
}

static void complete_words(FILE *out, const struct cli_command *command)
{
    for (int i = 0; command && command->options[i] != CLI_OPTION_COUNT; i++)
        (void) fprintf(out, " --%s", cli_options[command->options[i]].name);
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if (cli_options[i].where & CLI_SHARED)
            (void) fprintf(out, " --%s", cli_options[i].name);
}

/* The first word of a command, once each; the second words behind `first`. */
static void complete_names(FILE *out, const char *first)
{
    struct str last = {0};
    for (int i = 0; cli_commands[i]; i++) {
        struct str rest = str_of(cli_commands[i]->name), word;
        (void) str_split(&rest, ' ', &word);
        if (first && rest.n > 0 && str_eq(word, str_of(first)))
            (void) fprintf(out, " %.*s", (int) rest.n, rest.p);
        if (!first && !str_eq(word, last))
            (void) fprintf(out, " %.*s", (int) word.n, word.p);
        last = word;
    }
}

static void complete_bash(FILE *out)
{
    (void) fputs("_weir() {\n  local word=${COMP_WORDS[COMP_CWORD]} "
                 "line=\"${COMP_WORDS[*]:1:COMP_CWORD}\" words\n"
                 "  case \"$line\" in\n",
                 out);
    for (int i = 0; cli_commands[i]; i++) {
        (void) fprintf(out, "    \"%s \"*) words=\"", cli_commands[i]->name);
        complete_words(out, cli_commands[i]);
        (void) fputs("\" ;;\n", out);
    }
    (void) fputs("    \"lake \"*) words=\"", out);
    complete_names(out, "lake");
    (void) fputs("\" ;;\n    *) words=\"", out);
    complete_names(out, NULL);
    complete_words(out, NULL);
    (void) fputs(
        "\" ;;\n  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
        "complete -o default -F _weir weir\n",
        out);
}

static void complete_zsh(FILE *out)
{
    (void) fputs("#compdef weir\nautoload -U +X bashcompinit && bashcompinit\n", out);
    complete_bash(out);
}

static void complete_fish(FILE *out)
{
    for (int i = 0; cli_commands[i]; i++) {
        const struct cli_command *command = cli_commands[i];
        (void) fprintf(out, "complete -c weir -n __fish_use_subcommand -f -a '%s' -d '%s'\n",
                       command->name, command->purpose);
        for (int k = 0; command->options[k] != CLI_OPTION_COUNT; k++)
            (void) fprintf(out,
                           "complete -c weir -n '__fish_seen_subcommand_from %s' -l %s -d '%s'\n",
                           command->name, cli_options[command->options[k]].name,
                           cli_options[command->options[k]].help);
    }
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if (cli_options[i].where & CLI_SHARED)
            (void) fprintf(out, "complete -c weir -l %s -d '%s'\n", cli_options[i].name,
                           cli_options[i].help);
}

bool cli_completion(FILE *out, const char *shell, struct error *err)
{
    if (strcmp(shell, "bash") == 0)
        complete_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        complete_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        complete_fish(out);
    else
        return error_set(err, ERROR_USAGE,
                         "completion is there for bash, zsh and fish, not for '%s'", shell);
    return true;
}
