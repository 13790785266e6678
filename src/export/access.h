/* Access: whether "verified" is all that the workspace has, or what this identity may see of it.
 *
 * A condition on a role filters rows and counts alike, and the answer says nothing of it (docs/service.md 5.2). Three
 * witnesses are heard: the role assignments and what the service says of permissions; and `Usage`, which tells how
 * much was ingested whoever asks, beside the sum of `_BilledSize` over the rows that are seen.
 */
#ifndef WEIR_EXPORT_ACCESS_H
#define WEIR_EXPORT_ACCESS_H

#include "export/plan.h"

enum { EXPORT_USAGE_HOURS_MAX = 8000 * 24 };

struct export_access {
    enum lake_access access;
    char why[WORKSPACE_WHY_MAX];
    /* `Usage` of the table: megabytes an hour from `from` on. n 0: it was not readable, or has nothing. */
    int64_t from;
    double *megabytes;
    size_t n;
};
void export_access_release(struct export_access *access);

/* The question to `Usage` about the range, to be asked beside others. */
struct export_usage {
    struct buf text;
    struct workspace_table table;
    struct workspace_ask_one ask;
};
/* False in *wanted: there is nothing to ask, as of a query's rows. */
bool export_usage_init(struct export_usage *usage, const struct export_options *options,
                       bool *wanted, struct error *err);
void export_usage_release(struct export_usage *usage);
/* Reads its answer. What kept it from being answered is no error: nothing is known then. */
bool export_access_read(struct export_access *access, const struct export_options *options,
                        const struct export_usage *usage, struct error *err);

/* Bytes ingested in [from, to), as far as `Usage` tells: an hour counts by its share. */
uint64_t export_access_bytes(const struct export_access *access, int64_t from, int64_t to);

/* Engine bytes of the plan's partitions as `Usage` tells them, for tables whose reading is billed: they are not counted
 * before. Where Usage tells nothing, as many as make batches of an hour. */
void export_access_guess(const struct export_access *access, struct export_plan *plan);
/* Bytes that reading the plan's waiting partitions once is billed by. */
uint64_t export_access_scan(const struct export_access *access, const struct export_plan *plan);

/* Hears the witnesses: the days of the plan that were counted whole, beside Usage; then the role assignments. Sets
 * access and why. `plan` NULL: nothing was counted. */
bool export_access_judge(const struct export_options *options, struct export_snapshot *snapshot,
                         const struct export_plan *plan, struct export_access *access,
                         struct error *err);

#endif
