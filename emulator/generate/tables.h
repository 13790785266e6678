/* Tables: what each of them has in a row. One file a table, all of the same shape: draw the event, then
 * put its columns in the order of the schema. */
#ifndef WEIR_EMULATOR_GENERATE_TABLES_H
#define WEIR_EMULATOR_GENERATE_TABLES_H

#include "emulator/generate/row.h"

struct table {
    const char *name;
    bool beacons, sprays;           /* what may be planted in it */
    void (*write)(struct row *row); /* the columns behind TenantId */
};

extern const struct table table_common_security_log;
extern const struct table table_device_network_events;
extern const struct table table_security_event;
extern const struct table table_signin_logs;
extern const struct table table_syslog;

#endif
