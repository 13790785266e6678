/* A small lake whose blobs, ledger and imports a test makes, compacts and asks. */
#ifndef WEIR_TESTS_COMPACT_RIG_H
#define WEIR_TESTS_COMPACT_RIG_H

#include "base/memory.h"
#include "compact/compact.h"
#include "lake/day.h"
#include "lake/ledger.h"
#include "lake/schema.h"
#include "query/query.h"
#include "tests/lake/small_import.h"

enum { RIG_TEXT_MAX = 1 << 24, RIG_DAYS_MAX = 16 };

#define OURS "PT05M_weir.json"
#define THEIRS "PT05M.json"

struct rig {
    struct fixture *f;
    struct compact_options options;
    struct compact_totals totals;
    struct compact_day told[RIG_DAYS_MAX]; /* of the last run; `why` is not kept */
    char why[RIG_DAYS_MAX][ERROR_MESSAGE_MAX];
    size_t n;
    struct query_coverage coverage; /* of the last query */
    uint64_t doubled;
    struct buf answer;
};

int rig_set_up(void **state);
int rig_tear_down(void **state);

/* The moment m minutes behind the beginning of 2021-11-07; a partition's folder. */
int64_t rig_minute(int m);
void rig_name(struct buf *out, int m, const char *name);

/* Lines of a blob: words "7" (n, and no _ItemId) or "7a" (n, with the _ItemId "a"); a word that begins with '{' is a line as
 * it stands, with TIME for the partition's time. */
void rig_put(struct rig *rig, int m, const char *name, const char *rows);
void rig_put_text(struct rig *rig, int m, const char *name, const char *text);
bool rig_has(struct rig *rig, int m, const char *name);
/* A line of the ledger for what stands there, verified; joined with `beside` rows of the service's. */
void rig_vouch(struct rig *rig, int m, uint64_t rows, uint64_t beside);
void rig_import(struct rig *rig, const char *id, int m, const char *rows);

/* A day's record; NULL: there is none. Lent until the next call for the same `days`, which the caller releases. */
const struct lake_day *rig_record(struct rig *rig, struct lake_days *days, int m);

/* Runs; fails the test when it fails otherwise than by `code`. */
void rig_compact(struct rig *rig, enum error_code code);
/* Rows of all time as "n " sorted by n; fails the test when they are others. */
void rig_check(struct rig *rig, const char *expected);
const char *rig_ask(struct rig *rig, const char *kql);

#endif
