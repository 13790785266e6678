/* Compact: see compact.h. */
#include "compact/compact.h"

const char *compact_verdict_text(enum compact_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) text,
        COMPACT_VERDICTS(X)
#undef X
    };
    return (unsigned) verdict < COMPACT_VERDICT_COUNT ? texts[verdict] : "?";
}

bool compact_run(const struct compact_options *options, struct compact_totals *out,
                 struct error *err)
{
    (void) options;
    *out = (struct compact_totals){0};
    return error_set(err, ERROR_INTERNAL, "not built yet");
}
