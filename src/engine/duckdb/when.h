/* When: times as people and products write them.
 *
 *     2014-05-25T08:20:03.1234567Z   2014-5-2 8:20   2014-11   2014          ISO 8601 and near it
 *     11/20/2020, 4:20:29.443 PM     11-20-2020      11/14/2020 6:21         month first, as in the US
 *     Sat, 8 Nov 14 15:05:02 GMT     8 Nov 14 15:05                          RFC 822
 *     Saturday, 08-Nov-14 15:05:02 GMT                                       RFC 850
 *
 * The names of weekdays are not checked. A year of two digits is 2000 to 2049 or 1950 to 1999. The list is that of the
 * KQL reference, "The datetime data type", and what the portal writes into files.
 */
#ifndef WEIR_ENGINE_DUCKDB_WHEN_H
#define WEIR_ENGINE_DUCKDB_WHEN_H

#include "base/tick.h"

/* The whole text, without blanks around it. *zoned: it says its zone (Z, GMT, UTC, an offset), and the tick
 * is UTC; else the tick is that of the wall clock. */
bool when_parse(struct str text, int64_t *tick, bool *zoned);

#endif
