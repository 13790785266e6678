/* Rules: data export rules of a workspace, as Resource Manager has them (docs/service.md 3.1). */
#ifndef WEIR_WORKSPACE_RULE_H
#define WEIR_WORKSPACE_RULE_H

#include "base/tick.h"
#include "workspace/workspace.h"

enum {
    WORKSPACE_RULE_NAME_MAX = 63,
    WORKSPACE_RULE_ACCOUNT_MAX = 256,
    WORKSPACE_RULES_MAX = 256 /* of a workspace; the service allows 10 active ones */
};

struct workspace_rule {
    bool found;
    char name[WORKSPACE_RULE_NAME_MAX + 1];
    bool enabled;
    int64_t created;                              /* tick; 0: not told */
    char account[WORKSPACE_RULE_ACCOUNT_MAX + 1]; /* the storage account's name */
    char why[WORKSPACE_WHY_MAX];                  /* not found: one line that says why */
};

/* The rule that exports a table (names compared in any case) to a storage account: an enabled one before others, then the
 * oldest. True with found = false where there is none, where there is no endpoint of Resource Manager, or where the
 * identity may not read there. False: no memory, interrupted. */
bool workspace_rule(struct workspace *workspace, const char *table, struct workspace_rule *out,
                    struct error *err);

#endif
