/* Devices: the device codes that wait for a person (docs/service.md 2.8; RFC 8628). The person is
 * played by --device: what it does, it does at the second poll. Safe for threads. */
#ifndef WEIR_EMULATOR_ENTRA_DEVICES_H
#define WEIR_EMULATOR_ENTRA_DEVICES_H

#include "base/random.h"
#include "base/text.h"

#define DEVICE_MODES(X)                                                                            \
    X(APPROVE, "approve")                                                                          \
    X(DECLINE, "decline")                                                                          \
    X(EXPIRE, "expire")                                                                            \
    X(SLOW, "slow") /* approves, but says slow_down first */

enum device_mode {
#define X(name, text) DEVICE_##name,
    DEVICE_MODES(X)
#undef X
        DEVICE_MODE_COUNT
};

enum { DEVICES_INTERVAL = 1, DEVICES_LIFE = 900, DEVICE_SCOPE_MAX = 1024, DEVICE_USER_CODE = 10 };

struct devices;

/* ERROR_USAGE when it is no mode. */
struct devices *devices_new(const char *mode, struct error *err);
void devices_free(struct devices *devices);

/* A code for a client and a scope: into code and user_code. Of very many that wait the oldest is
 * forgotten. */
bool devices_add(struct devices *devices, struct str client, struct str scope, char code[GUID_TEXT],
                 char user_code[DEVICE_USER_CODE], struct error *err);

enum device_state {
    DEVICE_PENDING,
    DEVICE_SLOW_DOWN,
    DEVICE_DECLINED,
    DEVICE_EXPIRED,
    DEVICE_UNKNOWN, /* no such code, or it was used */
    DEVICE_GOOD     /* and used up */
};

/* One poll of a code by a client; `scope` gets what the code was for. */
enum device_state devices_poll(struct devices *devices, struct str client, struct str code,
                               char scope[DEVICE_SCOPE_MAX]);

#endif
