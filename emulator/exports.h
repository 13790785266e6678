/* Exports: the data export rules of the workspace (docs/service.md 3.1): which tables are written to
 * which storage account, since when. Safe for threads. */
#ifndef WEIR_EMULATOR_EXPORTS_H
#define WEIR_EMULATOR_EXPORTS_H

#include "base/random.h"
#include "base/text.h"

#include <stdatomic.h>

enum {
    EXPORTS_ACTIVE_MAX = 10,
    EXPORTS_MAX = 64, /* the disabled ones too */
    EXPORT_NAME_LEAST = 4,
    EXPORT_NAME_MAX = 63,
    EXPORT_TABLES_MAX = 256
};

/* A rule as it is asked for; all lent. */
struct export_ask {
    struct str name, destination; /* resource id */
    const struct str *tables;
    size_t n;
    bool enabled;
};

struct export_rule {
    char name[EXPORT_NAME_MAX + 1], id[GUID_TEXT];
    char *destination;
    char **tables;
    size_t n;
    bool enabled;
    int64_t created, modified; /* ticks */
};

struct exports;

struct exports *exports_new(struct error *err);
void exports_free(struct exports *exports);

/* Makes a rule, or replaces the one of that name (which keeps id and creation): *made tells which.
 * ERROR_LIMIT: too many; ERROR_EXISTS: another rule writes to that account; ERROR_USAGE: the rest. */
bool exports_put(struct exports *exports, const struct export_ask *ask, int64_t now, bool *made,
                 struct error *err);
bool exports_delete(struct exports *exports, struct str name);

/* Hands each rule to fn while nobody changes one; until it returns false. */
void exports_each(struct exports *exports,
                  bool (*fn)(void *context, const struct export_rule *rule), void *context);

/* The enabled rule of a table: since when. */
bool exports_of(struct exports *exports, const char *table, int64_t *created);

#endif
