/* Sign-in: what serve makes so that clients can sign in by other ways than the secret. */

#include "emulator/sign_in.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/tick.h"
#include "emulator/entra/devices.h"
#include "emulator/entra/keys.h"
#include "emulator/imds.h"
#include "emulator/vault.h"

#include <limits.h>

enum { PEM_MAX = 16384, TEXT_MAX = 4096 };

/* The same at every start. The person's client is the one that Azure's own tools have. */
static const struct token_owner identity = {.client = "6f1d27c4-92b8-4f3e-a1c5-38d0e7b49a62",
                                            .object = "9b52c8e0-47a1-4d6f-b3e9-0c6a81f5d274"};
static const struct token_owner user_identity = {.client = "e04a5b93-7c16-4820-9fd2-b1c3685e7fa9",
                                                 .object = "1a7e3f60-d85c-4b29-8e04-5f92c7d6b381"};
static const struct token_owner person = {.client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
                                          .object = "7c30d1a8-5e94-4f62-b07d-e8a1926f4c53",
                                          .person = true};

static bool write_certificate(const struct keys *keys, const struct buf *path, struct error *err)
{
    struct buf pem = BUF_INIT(PEM_MAX);
    bool done = keys_put_certificate(keys, &pem, err) &&
                file_write(buf_text(path), buf_str(&pem), 0600, false, err);
    if (pem.bytes)
        mem_wipe(pem.bytes, pem.used);
    buf_release(&pem);
    return done;
}

static bool write_federated(const struct keys *keys, const struct buf *path, struct error *err)
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    int64_t now = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    bool done = keys_put_federated(keys, now, &token, err) &&
                file_write(buf_text(path), buf_str(&token), 0600, false, err);
    buf_release(&token);
    return done;
}

static bool make_files(struct sign_in *sign_in, const struct places *places,
                       const struct keys *keys, struct error *err)
{
    return places_put(places, NULL, ".client.pem", "client.pem", &sign_in->certificate_file, err) &&
           write_certificate(keys, &sign_in->certificate_file, err) &&
           places_put(places, NULL, ".federated", "federated", &sign_in->federated_file, err) &&
           write_federated(keys, &sign_in->federated_file, err) &&
           places_put(places, NULL, ".msi", "msi", &sign_in->msi_header_file, err) &&
           places_make_secret(&sign_in->msi_header_file, &sign_in->msi_header, err);
}

static bool make_clients(struct sign_in *sign_in, const char *group, struct service *service,
                         struct error *err)
{
    buf_printf(&sign_in->identity_resource,
               "%s/providers/Microsoft.ManagedIdentity/userAssignedIdentities/weir-emulator",
               group);
    service->clients[SERVICE_IDENTITY] = (struct client){.owner = identity};
    service->clients[SERVICE_USER_IDENTITY] =
        (struct client){.owner = user_identity, .resource = buf_text(&sign_in->identity_resource)};
    service->clients[SERVICE_PERSON] = (struct client){.owner = person};
    return buf_ok(&sign_in->identity_resource, "the identity's id", err);
}

bool sign_in_make(struct sign_in *sign_in, const struct sign_in_options *options,
                  const struct places *places, const char *group, struct service *service,
                  struct error *err)
{
    buf_init(&sign_in->imds_endpoint, TEXT_MAX);
    buf_init(&sign_in->msi_header, TEXT_MAX);
    buf_init(&sign_in->certificate_file, PATH_MAX);
    buf_init(&sign_in->federated_file, PATH_MAX);
    buf_init(&sign_in->msi_header_file, PATH_MAX);
    buf_init(&sign_in->identity_resource, TEXT_MAX);
    service->keys = keys_new(err);
    if (!service->keys || !make_files(sign_in, places, service->keys, err) ||
        !make_clients(sign_in, group, service, err))
        return false;
    service->devices = devices_new(options->device, err);
    service->vault = service->devices ? vault_new(options->secrets, err) : NULL;
    service->imds =
        service->vault ? imds_new(buf_text(&sign_in->msi_header), options->imds_faults, err) : NULL;
    return service->imds != NULL;
}

bool sign_in_listen(struct sign_in *sign_in, const char *listen, struct bell *bell,
                    struct service *service, struct error *err)
{
    struct buf address = BUF_INIT(TEXT_MAX), place = BUF_INIT(TEXT_MAX);
    uint16_t port;
    bool done = server_split_listen(listen, &address, &port, err);
    bool v6 = strchr(buf_text(&address), ':') != NULL;
    buf_printf(&place, "%s%s%s:", v6 ? "[" : "", buf_text(&address), v6 ? "]" : "");
    buf_printf(&sign_in->imds_endpoint, "http://%s", buf_text(&place));
    buf_putc(&place, '0');
    struct server_options options = {
        .listen = buf_text(&place), .bell = bell, .handler = imds_handle, .context = service};
    if (done && buf_ok(&place, "the address of the managed identities", err))
        sign_in->imds = server_start(&options, err);
    if (sign_in->imds)
        buf_printf(&sign_in->imds_endpoint, "%u", server_port(sign_in->imds));
    buf_release(&place);
    buf_release(&address);
    return sign_in->imds && buf_ok(&sign_in->imds_endpoint, "an address", err);
}

void sign_in_stop(struct sign_in *sign_in)
{
    server_stop(sign_in->imds);
    sign_in->imds = NULL;
}

void sign_in_release(struct sign_in *sign_in, struct service *service)
{
    imds_free(service->imds);
    vault_free(service->vault);
    devices_free(service->devices);
    keys_free(service->keys);
    if (sign_in->msi_header.bytes)
        mem_wipe(sign_in->msi_header.bytes, sign_in->msi_header.used);
    buf_release(&sign_in->imds_endpoint);
    buf_release(&sign_in->msi_header);
    buf_release(&sign_in->certificate_file);
    buf_release(&sign_in->federated_file);
    buf_release(&sign_in->msi_header_file);
    buf_release(&sign_in->identity_resource);
}
