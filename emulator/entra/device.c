/* Device code: the person signs in elsewhere while the device asks again and again. */

#include "emulator/entra/devices.h"
#include "emulator/entra/form.h"
#include "emulator/entra/grant.h"

static void answer_poll(const struct grant *grant, enum device_state state, struct str client,
                        struct str scope)
{
    struct token_owner owner = grant->service->clients[SERVICE_PERSON].owner;
    struct grant one = *grant;
    struct buf id = BUF_INIT(TOKEN_ID_MAX);
    switch (state) {
    case DEVICE_PENDING:
        grant_refuse(grant, 400, "authorization_pending", 70016,
                     "OAuth 2.0 device flow error. Authorization is pending. Continue polling.");
        break;
    case DEVICE_SLOW_DOWN:
        grant_refuse(grant, 400, "slow_down", 50196, "The device asks too often.");
        break;
    case DEVICE_DECLINED:
        grant_refuse(grant, 400, "authorization_declined", 65004, "User declined to consent.");
        break;
    case DEVICE_EXPIRED:
        grant_refuse(grant, 400, "expired_token", 70020,
                     "The provided value for the input parameter 'device_code' is not valid. This "
                     "device code has expired.");
        break;
    case DEVICE_UNKNOWN:
        grant_refuse(grant, 400, "bad_verification_code", 70018,
                     "Invalid verification code. The device code is not known.");
        break;
    case DEVICE_GOOD:
        buf_put_str(&id, client);
        owner.client = buf_text(&id);
        one.scope = scope;
        one.audience = grant_scope_audience(scope);
        grant_person(&one, &owner);
        break;
    }
    buf_release(&id);
}

void grant_device(const struct grant *grant)
{
    char scope[DEVICE_SCOPE_MAX] = "";
    struct buf code;
    const struct client *client = grant_client(grant);
    if (!client)
        return;
    bool given = form_value(grant->form, "device_code", &code);
    struct str id = str_of(client->owner.client);
    enum device_state state = DEVICE_UNKNOWN;
    if (given && grant->service->devices)
        state = devices_poll(grant->service->devices, id, buf_str(&code), scope);
    answer_poll(grant, state, id, str_of(scope));
    buf_release(&code);
}
