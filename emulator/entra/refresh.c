/* Refresh tokens: tokens of the emulator's own, for an audience that nobody else answers to. */

#include "base/memory.h"
#include "base/tick.h"
#include "emulator/entra/form.h"
#include "emulator/entra/grant.h"

enum { REFRESH_LIFE = 24 * 60 * 60 };

#define REFRESH_AUDIENCE "weir-emulator:refresh"

bool refresh_put(const struct service *service, const struct token_owner *owner, int64_t now,
                 struct buf *out, struct error *err)
{
    return tokens_put(&service->tokens, owner, STR(REFRESH_AUDIENCE), now, now + REFRESH_LIFE, out,
                      err);
}

static bool is_good(const struct grant *grant, struct str token, struct token_holder *holder)
{
    static const char *const audiences[] = {REFRESH_AUDIENCE};
    struct buf header = BUF_INIT(TOKEN_MAX + sizeof "Bearer ");
    buf_puts(&header, "Bearer ");
    buf_put_str(&header, token);
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    bool good = !header.failed && tokens_check(&grant->service->tokens, buf_text(&header),
                                               audiences, 1, now, holder) == TOKEN_GOOD;
    buf_release(&header);
    return good;
}

void grant_refresh(const struct grant *grant)
{
    struct buf token;
    struct token_holder holder = {0};
    const struct client *client = grant_client(grant);
    if (!client)
        return;
    bool good = form_value(grant->form, "refresh_token", &token) &&
                is_good(grant, buf_str(&token), &holder) &&
                strcmp(holder.client, client->owner.client) == 0;
    if (!good)
        grant_refuse(grant, 400, "invalid_grant", 700082,
                     "The refresh token has expired or is not valid.");
    else
        grant_person(grant, &(struct token_owner){holder.client, holder.object, .person = true});
    buf_release(&token);
}
