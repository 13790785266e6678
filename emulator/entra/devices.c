/* Devices: the device codes that wait for a person. */

#include "emulator/entra/devices.h"

#include "base/memory.h"
#include "emulator/tokens.h"

#include <pthread.h>
#include <stdio.h>

enum { DEVICES_MAX = 64, PENDING_POLLS = 1, SLOW_POLLS = 2, SLOW_DOWN_POLL = 2 };

struct device {
    char code[GUID_TEXT], client[TOKEN_ID_MAX], scope[DEVICE_SCOPE_MAX];
    unsigned polls;
};

struct devices {
    pthread_mutex_t lock;
    enum device_mode mode;
    struct device v[DEVICES_MAX]; /* a ring; an empty code: none */
    size_t next;
};

struct devices *devices_new(const char *mode, struct error *err)
{
    static const char *const names[DEVICE_MODE_COUNT] = {
#define X(name, text) text,
        DEVICE_MODES(X)
#undef X
    };
    int m = 0;
    while (m < DEVICE_MODE_COUNT && strcmp(mode, names[m]) != 0)
        m++;
    if (m == DEVICE_MODE_COUNT) {
        error_set(err, ERROR_USAGE, "--device: '%s' is not approve, decline, expire or slow", mode);
        return NULL;
    }
    struct devices *devices = mem_alloc(1, sizeof *devices, err);
    if (devices && pthread_mutex_init(&devices->lock, NULL) != 0) {
        error_set(err, ERROR_MEMORY, "no mutex for the device codes");
        mem_free(devices);
        devices = NULL;
    }
    if (devices)
        devices->mode = (enum device_mode) m;
    return devices;
}

void devices_free(struct devices *devices)
{
    if (!devices)
        return;
    (void) pthread_mutex_destroy(&devices->lock);
    mem_free(devices);
}

/* Nine letters that cannot be taken for others. */
static bool make_user_code(char out[DEVICE_USER_CODE], struct error *err)
{
    static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ23456789ABCD";
    unsigned char bytes[DEVICE_USER_CODE];
    if (!random_secret(bytes, sizeof bytes, err))
        return false;
    for (int i = 0; i < DEVICE_USER_CODE - 1; i++)
        out[i] = letters[bytes[i] % (sizeof letters - 1)];
    out[DEVICE_USER_CODE - 1] = '\0';
    return true;
}

bool devices_add(struct devices *devices, struct str client, struct str scope, char code[GUID_TEXT],
                 char user_code[DEVICE_USER_CODE], struct error *err)
{
    struct device device = {0};
    if (client.n >= sizeof device.client || scope.n >= sizeof device.scope)
        return error_set(err, ERROR_LIMIT, "the client or the scope is too long");
    if (!random_guid(device.code, err) || !make_user_code(user_code, err))
        return false;
    memcpy(device.client, client.p, client.n);
    memcpy(device.scope, scope.p, scope.n);
    (void) snprintf(code, GUID_TEXT, "%s", device.code);
    (void) pthread_mutex_lock(&devices->lock);
    devices->v[devices->next] = device;
    devices->next = (devices->next + 1) % DEVICES_MAX;
    (void) pthread_mutex_unlock(&devices->lock);
    return true;
}

static enum device_state judge(enum device_mode mode, unsigned poll)
{
    if (mode == DEVICE_SLOW && poll == SLOW_DOWN_POLL)
        return DEVICE_SLOW_DOWN;
    if (poll <= (mode == DEVICE_SLOW ? SLOW_POLLS : PENDING_POLLS))
        return DEVICE_PENDING;
    if (mode == DEVICE_DECLINE)
        return DEVICE_DECLINED;
    return mode == DEVICE_EXPIRE ? DEVICE_EXPIRED : DEVICE_GOOD;
}

enum device_state devices_poll(struct devices *devices, struct str client, struct str code,
                               char scope[DEVICE_SCOPE_MAX])
{
    enum device_state state = DEVICE_UNKNOWN;
    (void) pthread_mutex_lock(&devices->lock);
    for (size_t i = 0; i < DEVICES_MAX && code.n > 0; i++) {
        struct device *device = &devices->v[i];
        if (!str_eq(code, str_of(device->code)) || !str_eq(client, str_of(device->client)))
            continue;
        state = judge(devices->mode, ++device->polls);
        (void) snprintf(scope, DEVICE_SCOPE_MAX, "%s", device->scope);
        if (state == DEVICE_GOOD)
            *device = (struct device){0};
        break;
    }
    (void) pthread_mutex_unlock(&devices->lock);
    return state;
}
