/* Work: the tables of one weir export, and what is said of them: what is left to do, and what became of each.
 * Made and run by cmd_export.c.
 */
#ifndef WEIR_CLI_WORK_H
#define WEIR_CLI_WORK_H

#include "cli/progress.h"
#include "cli/verification.h"

struct cli_jobs;

enum cli_work_state { CLI_WORK_WAITING, CLI_WORK_PREPARED, CLI_WORK_DONE, CLI_WORK_FAILED };

/* One table, or the rows of a query. */
struct cli_work_item {
    struct export_options options;
    struct export *export;
    struct cli_table *told;
    struct cli_verification found; /* of a repair */
    enum cli_work_state state;
    bool whole; /* of a repair: nothing to fetch */
    struct export_day left;
    uint64_t scan;
    double seconds;
    unsigned passes;
    bool any;     /* partitions are left */
    bool unknown; /* how much is in them nobody says */
};

struct cli_work {
    struct cli *cli;
    struct cli_context context;
    struct cli_record record;
    struct cli_range range;
    struct cli_progress progress;
    struct cli_work_item *items;
    size_t count;
    struct str text;   /* the query, for its errors */
    uint64_t scan_max; /* of all tables; 0: no limit */
    enum export_beside beside;
    struct cli_jobs *jobs; /* of --from; NULL: none */
    int status;            /* the worst so far */
};

/* Its name, lent. */
const char *cli_work_table(const struct cli_work_item *item);
/* "Syslog: " where there are several; else "". */
enum { CLI_WORK_PREFIX = LAKE_TABLE_MAX + 4 };
const char *cli_work_prefix(const struct cli_work *work, const struct cli_work_item *item,
                            char out[CLI_WORK_PREFIX]);

/* Says what the prepared tables have left to do, and what ends before that; asks where it is much. False with *err
 * where the user declines. */
bool cli_work_announce(struct cli_work *work, struct error *err);

/* Says how a table that was fetched ended; the exit status that it has. */
int cli_work_say_table(const struct cli_work *work, const struct cli_work_item *item);
/* The same of a table in which a repair found nothing to fetch. */
void cli_work_say_whole(const struct cli_work *work, const struct cli_work_item *item);
/* Where there are several: what they came to, then each that is not whole. */
void cli_work_say_all(const struct cli_work *work);

#endif
