/* Roles: how long those last that let us read the workspace. */
#ifndef WEIR_CLI_ROLES_H
#define WEIR_CLI_ROLES_H

#include "cli/context.h"

enum { CLI_ROLE_NAME_MAX = 128 };

struct cli_role_end {
    int64_t until; /* tick; 0: no end is known */
    char role[CLI_ROLE_NAME_MAX];
};

/* The first end of a role that this identity has on the workspace for a time only, as Privileged Identity Management
 * gives them (docs/service.md 5.4). Whoever may not ask, or has no such roles, gets until = 0: another role may let us
 * in as well, so this is for a note. False: memory, interrupted. */
bool cli_role_end(const struct cli *cli, struct cli_context *context, struct cli_role_end *out,
                  struct error *err);

#endif
