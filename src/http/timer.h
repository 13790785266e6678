/* Timers: the loop's side of http_every. Internal to this room. */
#ifndef WEIR_HTTP_TIMER_H
#define WEIR_HTTP_TIMER_H

#include "http/transfer.h"

/* Calls those that are due, each once. */
void timers_call(struct http_client *client);
/* When the next one is due (clock_ns), or UINT64_MAX. */
uint64_t timers_due(const struct http_client *client);

#endif
