/* Besides: what the service's own blobs have by now, where the ledger relies on them. Internal to this room.
 *
 * Of a joined partition some rows stand in blobs that weir neither wrote nor keeps: a rule of the account may take them
 * away, one by one. They are not read here; but they only grow, so fewer bytes than there were are lost rows.
 */
#ifndef WEIR_LAKE_BESIDE_H
#define WEIR_LAKE_BESIDE_H

#include "lake/ledger.h"
#include "lake/stand.h"

struct lake_besides {
    struct lake_beside {
        int64_t tick;
        uint64_t bytes;
    } * v; /* of the joined lines that are held, in order of time */
    size_t n, room;
};

/* Lists [from, to) of the lake once more, if the ledger has such lines there; blobs that Parquet stands in for count as
 * there. The caller releases, also on failure. */
bool lake_besides_find(struct lake_besides *besides, struct store *store,
                       const struct lake_place *place, const struct lake_ledger *ledger,
                       int64_t from, int64_t to, const struct lake_stand *stand, struct error *err);
void lake_besides_release(struct lake_besides *besides);

/* A line that is not joined lacks nothing. */
bool lake_besides_lack(const struct lake_besides *besides, const struct lake_entry *entry);

#endif
