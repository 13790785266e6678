/* Rules: see rule.h. */
#include "workspace/rule.h"

bool workspace_rule(struct workspace *w, const char *table, struct workspace_rule *out,
                    struct error *err)
{
    (void) w;
    (void) table;
    *out = (struct workspace_rule){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
