/* Until: where the history meets the continuous export. See export.h.
 *
 *     rule made      data flows                what its store refused until here has come, or never will
 *     |--- 30 min ---|------ 12 h ------------|--- half an hour of margin ---|
 *     created                                                                end
 *
 * Where the service's first blob is later than the rule, the same is counted from there. What lies before the end is
 * compared by record, so an end that is too late costs some reading, and never a row.
 */
#include "export/snapshot.h"

#include "lake/catalog.h"
#include "workspace/rule.h"

#include <stdio.h>

/* docs/service.md 3.1, 3.2 */
static const int64_t until_flows = 30 * TICK_MINUTE, until_dropped = 12 * TICK_HOUR,
                     margin = 30 * TICK_MINUTE;
/* Rows that arrived after the rule was made may be of so long before (docs/service.md 3.3). */
static const int64_t late_most = 3 * TICK_DAY;

static bool see_first(void *context, const struct lake_blob *blob, struct error *err)
{
    int64_t *first = context;
    (void) err;
    if (blob->kind == LAKE_BLOB_SERVICE)
        *first = blob->tick;
    return *first == 0;
}

static bool first_blob(const struct export_options *options, int64_t created, int64_t now,
                       int64_t *first, struct error *err)
{
    int64_t from = created > late_most ? created - late_most : 0;
    struct error why = ERROR_INIT;
    *first = 0;
    return lake_blobs(options->store, &options->source.place, from, now + TICK_DAY, see_first,
                      first, &why) ||
           *first > 0 || error_pass(err, &why);
}

static bool no_rule(const struct export_options *options, const char *why, struct error *err)
{
    (void) error_set(err, ERROR_USAGE, "no data export rule of '%s' is known: %s",
                     options->source.place.table, why);
    return error_hint(err, "--until-continuous with --end T joins up to T, whatever rule there is");
}

bool export_until(const struct export_options *options, struct export_until *out, struct error *err)
{
    struct workspace_rule rule;
    int64_t now;
    *out = (struct export_until){0};
    if (!workspace_rule(options->workspace, options->source.place.table, &rule, err))
        return false;
    if (!rule.found)
        return no_rule(options, rule.why, err);
    if (!export_snapshot_now(options->workspace, &now, err) ||
        !first_blob(options, rule.created, now, &out->first, err))
        return false;
    if (rule.created == 0 && out->first == 0)
        return no_rule(options, "it does not say when it was made, and the lake has no blob of it",
                       err);
    int64_t began = rule.created > out->first ? rule.created : out->first;
    int64_t last = now - (options->settle > 0   ? options->settle
                          : options->settle < 0 ? 0
                                                : EXPORT_SETTLE);
    int64_t end = began + until_flows + until_dropped + margin + TICK_PARTITION - 1;
    out->end = tick_floor(end < last ? end : last, TICK_PARTITION);
    out->created = rule.created;
    out->flows = rule.created > 0 ? rule.created + until_flows : out->first;
    out->enabled = rule.enabled;
    memcpy(out->rule, rule.name, sizeof rule.name);
    memcpy(out->account, rule.account, sizeof rule.account);
    return true;
}
