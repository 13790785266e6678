/* A workspace without a network: the functions of workspace/workspace.h over rows in memory, with an export's queries
 * understood by their text, and every ending that the service knows dealt out by a seeded generator.
 *
 * Linked before the real room, it takes its place. It also stands for http_backoff, which returns at once.
 */
#ifndef WEIR_TESTS_EXPORT_FAKE_WORKSPACE_H
#define WEIR_TESTS_EXPORT_FAKE_WORKSPACE_H

#include "base/random.h"
#include "workspace/rule.h"

struct fake_row {
    int64_t tick;
    int64_t ingested; /* tick; 0: no ingestion time */
    uint64_t id;      /* `_ItemId` is its sixteen hex digits, the payload its last three decimals */
};

struct fake_query;

struct workspace {
    struct fake_row *rows;
    size_t count;
    struct random random;
    uint64_t max_rows;                 /* of an answer; 0: any */
    int64_t max_window;                /* ticks that a count may cover; 0: any */
    double broken, throttled, timeout; /* shares of queries that end so, after some rows */
    double lying;               /* share of whole answers that lack a row and have another twice */
    double interrupted;         /* share of turns of the loop that end the run */
    bool no_items;              /* rows have no `_ItemId` */
    bool basic;                 /* the table answers searches alone, whose range is `timespan` */
    bool no_statistics;         /* answers do not say how many rows they have */
    double usage;               /* megabytes an hour that `Usage` tells; 0: nothing */
    bool refuses_all;           /* every answer with a row is too large */
    int64_t deaf_from, deaf_to; /* counts that touch this time never end in time */
    uint64_t scans;             /* searches that read time */
    /* A query of T_SRCH is of what a search job found: rows before job_to (0: all), with the columns that it adds; one of
     * T_RST of what was restored. `only_jobs`: the table itself answers nothing. */
    int64_t job_to;
    bool only_jobs;
    int64_t now; /* 0: 2026-01-01 */
    struct workspace_facts facts;
    enum workspace_condition condition;
    struct workspace_rule rule;
    uint64_t asked, answered; /* queries; those for rows */
    bool awake;
    struct fake_query *queue;
    size_t queued;
};

void fake_init(struct workspace *fake, uint64_t seed, size_t rows, int64_t from, int64_t to);
/* Forgets queries that an interrupted run left. */
void fake_forget(struct workspace *fake);
void fake_release(struct workspace *fake);
void fake_item(uint64_t id, char out[17]);

#endif
