/* Until: where the history meets the continuous export. See export.h. */
#include "export/run.h"

bool export_until(const struct export_options *options, struct export_until *out, struct error *err)
{
    (void) options;
    *out = (struct export_until){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
