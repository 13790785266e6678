/* Prices: what a month of storage, a write and a reading cost, from a table that the user can replace (prices/azure.yaml). */
#ifndef WEIR_CLI_PRICES_H
#define WEIR_CLI_PRICES_H

#include "cli/cli.h"

struct cli_prices {
    char currency[8];
    char as_of[16];        /* "2026-11" */
    char what[64];         /* "LRS, flat namespace" */
    const char *tier;      /* of the next two: that of --tier, else hot */
    double write_10000;    /* for 10,000 write operations */
    double storage_gb;     /* for a GB (10^9 bytes) and month */
    double restore_gb_day; /* for a GB that is restored, and a day */
    double search_gb;      /* for reading a GB of a Basic or Auxiliary table, each time */
};

/* Reads --prices FILE, or the table that comes with weir. *name: where it was read from. ERROR_SETTINGS when it
 * has no price of the tier. */
bool cli_prices_read(struct cli *cli, struct cli_prices *out, const char **name, struct error *err);

#endif
