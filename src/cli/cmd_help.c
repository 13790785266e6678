/* weir help, weir completion: what the program tells of itself. */
#include "cli/cli.h"

static const struct cli_command *find(const struct cli *cli)
{
    char name[64];
    (void) snprintf(name, sizeof name, "%s%s%s", cli->args[0], cli->arg_count > 1 ? " " : "",
                    cli->arg_count > 1 ? cli->args[1] : "");
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

static int run_help(struct cli *cli, struct error *err)
{
    const struct cli_command *command = cli->arg_count > 0 ? find(cli) : NULL;
    if (cli->arg_count == 1 && !command && cli_help_group(cli->out, cli->args[0]))
        return 0;
    if (cli->arg_count > 0 && !command) {
        (void) error_set(err, ERROR_USAGE, "there is no command '%s'", cli->args[0]);
        (void) error_hint(err, "weir --help lists them");
        return -1;
    }
    if (cli_flag(cli, CLI_MANUAL))
        cli_manual(cli->out, command);
    else
        cli_help(cli->out, command);
    return 0;
}

const struct cli_command cli_command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .purpose = "this text, or a command's; --manual as a manual page",
    .about = "Prints the help of the program or of a command. With --manual the same records "
             "become a page for man.",
    .example = "weir help export --manual | man -l -",
    .args_max = 2,
    .options = {CLI_MANUAL, CLI_OPTION_COUNT},
    .run = run_help,
};

static int run_completion(struct cli *cli, struct error *err)
{
    return cli_completion(cli->out, cli->args[0], err) ? 0 : -1;
}

const struct cli_command cli_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .purpose = "a script that completes commands and options in a shell",
    .about = "Prints the script. make install puts it where the shells look for it.",
    .example = "source <(weir completion bash)",
    .args_min = 1,
    .args_max = 1,
    .options = {CLI_OPTION_COUNT},
    .run = run_completion,
};
