/* Client credentials: the application's own secret, or an assertion that it signed or was given. */

#include "base/memory.h"
#include "emulator/entra/form.h"
#include "emulator/entra/grant.h"

static bool has_field(struct str form, const char *name)
{
    struct buf value;
    bool there = form_value(form, name, &value) && value.used > 0;
    if (value.bytes)
        mem_wipe(value.bytes, value.used);
    buf_release(&value);
    return there;
}

static bool is_itself(const struct grant *grant, const struct client *client)
{
    if (has_field(grant->form, "client_assertion"))
        return grant_assertion(grant, client);
    if (!has_field(grant->form, "client_secret"))
        grant_refuse(grant, 401, "invalid_client", 7000216,
                     "'client_assertion', 'client_secret' or 'request' is required for the "
                     "'client_credentials' grant type.");
    else if (!client->secret || !form_is(grant->form, "client_secret", client->secret))
        grant_refuse(grant, 401, "invalid_client", 7000215, "Invalid client secret provided.");
    else
        return true;
    return false;
}

void grant_credentials(const struct grant *grant)
{
    const struct client *client = grant_client(grant);
    if (client && is_itself(grant, client))
        grant_token(grant, &client->owner);
}
