/* Watch: ends what an engine's task does once the program is asked to stop. Internal to this room.
 *
 * A thread looks at the flag a few times a second, since a signal's handler cannot cancel a query.
 */
#ifndef WEIR_COMPACT_WATCH_H
#define WEIR_COMPACT_WATCH_H

#include "base/stop.h"
#include "engine/engine.h"

struct compact_watch;

/* Without `stop` there is nothing to watch for. The task is lent until the end. */
struct compact_watch *compact_watch_new(struct engine_task *task, const struct stop *stop,
                                        struct error *err);
void compact_watch_free(struct compact_watch *watch); /* waits for its thread; NULL is fine */

#endif
