/* Stop: one flag that says "end soon", set by a signal handler or another thread, read by loops. */
#ifndef WEIR_BASE_STOP_H
#define WEIR_BASE_STOP_H

#include <stdatomic.h>
#include <stdbool.h>

/* Holds 0 or the number of the signal that asked. Lock-free, so a handler may set it. */
struct stop {
    atomic_int signal;
};

static inline void stop_set(struct stop *stop, int signal)
{
    atomic_store(&stop->signal, signal);
}

static inline int stop_asked(const struct stop *stop)
{
    return stop ? atomic_load(&stop->signal) : 0;
}

#endif
