/* Resource Manager, as a workspace asks it: what its questions have in common. Internal to this room.
 *
 * None of what it tells is needed to read rows, and many an identity that may read rows may not read this. So lack of
 * rights is an answer here, "unknown" and why, and not an error.
 */
#ifndef WEIR_WORKSPACE_MANAGER_H
#define WEIR_WORKSPACE_MANAGER_H

#include "workspace/intern.h"

/* False with `why` where the workspace was told no endpoint or no resource id. */
bool manager_can_ask(const struct workspace *w, char why[WORKSPACE_WHY_MAX]);
struct azure_resources manager_resources(const struct workspace *w);
/* ERROR_INTERNAL from a call-back of the workspace's own. */
bool manager_check_inside(const struct workspace *w, struct error *err);

/* Trouble that leaves a fact unknown, and is explained; false: trouble of ours, which stays an error. */
bool manager_leaves_unknown(const struct error *error, char why[WORKSPACE_WHY_MAX]);
void manager_explain(char why[WORKSPACE_WHY_MAX], const char *text);

#endif
