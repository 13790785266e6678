/* Record: what a run of export or verify has come to, for those who watch it.
 *
 *     --report FILE     JSON: written when the run begins ("running"), and when it ends, however that is
 *     --metrics FILE    Prometheus text: from when the tables are known, and every 10 seconds between
 *     --log-format json: the event `end`
 *
 * Both files appear in one step, so a reader never sees half of one (docs/formats.md).
 */
#ifndef WEIR_CLI_RECORD_H
#define WEIR_CLI_RECORD_H

#include "cli/context.h"
#include "cli/prices.h"
#include "cli/range.h"
#include "export/export.h"
#include "lake/check.h"

/* What a table's share of the work was. */
struct cli_spent {
    uint64_t queries, throttled, retried, received;
    double waited, seconds;
};

struct cli_table {
    const char *name;
    struct cli_range range;
    const struct export_report *report;       /* lent; NULL: not begun */
    const struct lake_check_imports *imports; /* lent; NULL: nobody looked at them */
    struct cli_spent spent;
    struct error error; /* why it did not come to its end */
    bool ended;         /* it did: the report is whole */
    double succeeded;   /* Unix time at which it was last whole, by the metrics file; 0: never */
};

struct cli_record {
    struct cli *cli;
    const struct cli_context *context;
    const char *identity; /* NULL: nobody signed in */
    struct cli_table *tables;
    size_t count;
    bool
        named; /* the tables are known: a line that is refused before leaves old metrics as they are */
    struct cli_prices prices;
    bool priced;
    int64_t begun, ended;     /* ticks; ended 0: it goes on */
    uint64_t begun_ns, shown; /* clock_ns */
    int status;               /* exit status, when ended */
    struct error error;       /* why it failed; NONE otherwise */
    struct cli_table *current;
    struct workspace_load before; /* when the current table got its turn */
    uint64_t before_ns;
};

/* Begins; a path that cannot be written is found now. */
bool cli_record_begin(struct cli_record *record, struct cli *cli, const struct cli_context *context,
                      struct error *err);
/* Makes room for tables, in the arena. */
bool cli_record_tables(struct cli_record *record, size_t count, struct error *err);

/* Their names are known: the first metrics, with what the file before had to tell. */
bool cli_record_named(struct cli_record *record, struct error *err);

/* A table gets its turn, and gives it back: what is asked meanwhile is its. */
void cli_record_enter(struct cli_record *record, struct cli_table *table);
void cli_record_leave(struct cli_record *record);
/* While it goes on: renews the metrics when it is time. */
void cli_record_tick(struct cli_record *record);

/* Ends: `status` is the exit status so far, or -1 with *err, which is then shown (`text`: the query it may point
 * into). Writes both files; says `end` as JSON. The exit status, or -1 with *err: interrupted, or a file cannot be
 * written. */
int cli_record_end(struct cli_record *record, int status, struct str text, struct error *err);

/* How a run or table stands: "running", "verified", "incomplete", "failed", "interrupted"; of a table that had no turn
 * "waiting". */
const char *cli_record_verdict(const struct cli_record *record);
const char *cli_table_verdict(const struct cli_record *record, const struct cli_table *table);
/* What it has spent by now, the turn it has included. */
struct cli_spent cli_table_spent(const struct cli_record *record, const struct cli_table *table);
double cli_record_seconds(const struct cli_record *record);

/* -- report.c, metrics.c -- */

void cli_report_put(struct buf *out, const struct cli_record *record);
void cli_metrics_put(struct buf *out, const struct cli_record *record);
/* What an earlier metrics file says of the tables: when each was last whole. */
void cli_metrics_recall(struct str text, struct cli_record *record);

#endif
