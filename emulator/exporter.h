/* Exporter: the service's own continuous export, played: rows that arrive in a table with an export rule
 * are appended to blobs of a lake, in the layout that the service has (docs/service.md 3.3).
 *
 *     DIR/am-<table>/WorkspaceResourceId=/subscriptions/.../y=2026/m=11/d=22/h=03/m=05/PT05M.json
 *
 * A row arrives when queries begin to see it. It goes to the folder of its own TimeGenerated, whenever
 * it arrives. Rows of files arrive as the clock goes on and are looked for again and again by a thread;
 * rows that come by the Logs Ingestion API (ingest.h) are written before that is answered.
 *
 * What is to be doubled or dropped follows from the seed and the row's id. A doubled line comes a second
 * time with the next rows that arrive, or at the end. Safe for threads. */
#ifndef WEIR_EMULATOR_EXPORTER_H
#define WEIR_EMULATOR_EXPORTER_H

#include "emulator/bell.h"
#include "emulator/service.h"

struct exporter_options {
    const char *folder;            /* the lake */
    const char *name;              /* of the blobs, without its ending */
    const char *doubled, *dropped; /* shares from 0 to 1 */
    const char *truth;             /* a file that gets a line for each row; NULL: none */
    int64_t delay;                 /* ticks from a rule's creation until rows are written */
    uint64_t overflow;             /* lines of a blob, then PT05M_1.json and so on; 0: no end */
    uint64_t seed;
    bool no_ids; /* lines have no _ItemId */
};

struct exporter;

/* The thread begins with exporter_start. ERROR_USAGE: an option is wrong. */
struct exporter *exporter_new(const struct exporter_options *options, struct error *err);
bool exporter_start(struct exporter *exporter, struct service *service, struct bell *bell,
                    struct error *err);

/* Waits for the thread, which ends when the bell rings, and writes what is left. */
void exporter_stop(struct exporter *exporter);
void exporter_free(struct exporter *exporter);

/* Writes the rows of a table for which `where` (SQL over the relation `from`) holds, if a rule says
 * so. `arrived`: the tick at which they did. */
bool exporter_rows(struct exporter *exporter, const struct table *table, const char *from,
                   const char *where, int64_t arrived, struct error *err);

/* A member ,"export":{...} for the report: rows that arrived under a rule, lines written, rows doubled,
 * rows dropped, of each table; and the first error, if there was one. */
void exporter_put_report(const struct exporter *exporter, struct buf *out);

#endif
