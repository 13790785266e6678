/* Resource Manager, as a workspace asks it: see manager.h. */
#include "workspace/manager.h"

#include <stdio.h>

void manager_explain(char why[WORKSPACE_WHY_MAX], const char *text)
{
    (void) snprintf(why, WORKSPACE_WHY_MAX, "%.*s", WORKSPACE_WHY_MAX - 1, text);
}

bool manager_leaves_unknown(const struct error *error, char why[WORKSPACE_WHY_MAX])
{
    if (error->code == ERROR_MEMORY || error->code == ERROR_INTERRUPTED ||
        error->code == ERROR_INTERNAL || error->code == ERROR_LIMIT)
        return false;
    manager_explain(why, error->message);
    return true;
}

bool manager_can_ask(const struct workspace *w, char why[WORKSPACE_WHY_MAX])
{
    if (w->management.used > 0 && w->resource_id.used > 0)
        return true;
    manager_explain(why, w->management.used == 0
                             ? "no endpoint of Resource Manager is given (management-endpoint)"
                             : "the workspace's resource id is not given (resource-id)");
    return false;
}

struct azure_resources manager_resources(const struct workspace *w)
{
    return (struct azure_resources){
        .http = w->http,
        .credential = w->credential,
        .endpoint = buf_text(&w->management),
        .audience = w->management_audience.used > 0 ? buf_text(&w->management_audience) : NULL,
    };
}

bool manager_check_inside(const struct workspace *w, struct error *err)
{
    return !w->inside ||
           error_set(err, ERROR_INTERNAL, "the workspace was asked from a call-back of its own");
}
