/* Verification: which partitions of a table do not verify: the blobs against the ledger, and the ledger against the
 * workspace; each partition once. Made by weir verify, and by weir export --repair to know what to fetch.
 */
#ifndef WEIR_CLI_VERIFICATION_H
#define WEIR_CLI_VERIFICATION_H

#include "cli/range.h"
#include "cli/record.h"
#include "export/export.h"
#include "lake/check.h"

struct cli_verification {
    /* rows and bytes: those that were read from the lake; failed rows UINT64_MAX: nobody counted them */
    struct export_report report;
    struct lake_check_totals totals; /* offline also of imports */
    bool exported;                   /* there is a ledger; offline imports alone are fine */
    size_t imports;                  /* live ones; offline */
    /* A remote lake beside its workspace: no blob was read; the listing's size and MD5 are those of the ledger, so the
     * rows are those that the ledger tells. */
    bool by_listing;
    uint64_t told_rows, told_bytes;
    int64_t from, to; /* what was looked at: the range, or that of the ledger */
    /* Offline: files of Parquet that no record names: of days without record and blobs, with the first; of other days. */
    uint64_t strays, left;
    char *stray;
    uint64_t asked, lacking; /* partitions of a given range; those without a line in the ledger */
    const char *identity;    /* offline: whose access the ledger tells of; lent by the arena */
    struct export_failed *lake; /* partitions whose blob is not its ledger's; the first */
    size_t lake_listed, lake_room;
    uint64_t lake_failed, by_verdict[EXPORT_VERDICT_COUNT];
    struct export_failed *brought; /* the same of imports, until it stands in the report's list */
    size_t brought_listed, brought_room;
    uint64_t brought_failed;
};

/* options->source.from == to: all that the ledger has. Without options->workspace the lake alone is looked at, and imports
 * too: what they lack stands in the report's list, behind what the exports lack, and in no other figure of it.
 * ERROR_NOT_FOUND when there is nothing to verify. */
bool cli_verification_run(struct cli *cli, const struct export_options *options,
                          struct cli_verification *out, struct error *err);
void cli_verification_release(struct cli_verification *verification);

/* What a repair has to fetch: ticks, ascending, in the arena, at most EXPORT_FAILED_LISTED; *more: there are others. */
bool cli_verification_ticks(struct cli *cli, const struct export_options *options,
                            const struct cli_verification *verification, int64_t **ticks,
                            size_t *count, bool *more, struct error *err);

#endif
