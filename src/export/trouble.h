/* Troubles: why partitions were set back, for the list at the end. Internal to this room. */
#ifndef WEIR_EXPORT_TROUBLE_H
#define WEIR_EXPORT_TROUBLE_H

#include "export/export.h"

struct export_trouble {
    size_t part;
    uint64_t rows; /* of its last fetch */
    bool sums_differ;
    bool given_up;  /* for good, after so many tries */
    unsigned tries; /* of which */
    bool lost;      /* rows that the ledger knew of, and nobody has any more */
    uint64_t known; /* how many the ledger knew of */
    char reasons[EXPORT_REASON_MAX];
};

/* Of the first EXPORT_FAILED_LISTED partitions that had any. */
struct export_troubles {
    struct export_trouble *v;
    size_t count, room;
};
void export_troubles_release(struct export_troubles *troubles);

/* NULL: it has none. Lent until the next change. */
struct export_trouble *export_trouble_find(const struct export_troubles *troubles, size_t part);
/* The same, made when there is none; NULL when the list is full. */
struct export_trouble *export_trouble_make(struct export_troubles *troubles, size_t part);
/* It came through after all. */
void export_trouble_forget(struct export_troubles *troubles, size_t part);

/* "cut body, PartialError": a reason that was the last one already is not said again. */
void export_reason_add(char reasons[EXPORT_REASON_MAX], const char *reason);

#endif
