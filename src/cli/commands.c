/* The commands, in the order of help. To add one: its file, its line here. */
#include "cli/cli.h"

#define COMMANDS(X)                                                                                \
    X(init)                                                                                        \
    X(check)                                                                                       \
    X(tables)                                                                                      \
    X(estimate)                                                                                    \
    X(preview)                                                                                     \
    X(export)                                                                                      \
    X(verify) X(partition) X(compact) X(query) X(lake_ls) X(lake_stat) X(help) X(completion)

#define X(name) extern const struct cli_command cli_command_##name;
COMMANDS(X)
#undef X

const struct cli_command *const cli_commands[] = {
#define X(name) &cli_command_##name,
    COMMANDS(X)
#undef X
        NULL,
};
