/* Ready: the file that tells clients how to reach this emulator. */

#include "emulator/ready.h"

#include "emulator/imds.h"
#include "emulator/ingest.h"

#include <unistd.h>

static void put_text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "  \"%s\": \"", name);
    text_put_json(out, str_of(value));
    buf_puts(out, "\",\n");
}

static void put_sign_in(const struct service *service, const struct sign_in *sign_in,
                        struct buf *out)
{
    const struct client *assigned = &service->clients[SERVICE_USER_IDENTITY];
    put_text(out, "client_certificate_file", buf_text(&sign_in->certificate_file));
    put_text(out, "federated_token_file", buf_text(&sign_in->federated_file));
    put_text(out, "public_client_id", service->clients[SERVICE_PERSON].owner.client);
    put_text(out, "imds", buf_text(&sign_in->imds_endpoint));
    buf_printf(out, "  \"msi_endpoint\": \"%s" IMDS_MSI_PATH "\",\n",
               buf_text(&sign_in->imds_endpoint));
    put_text(out, "msi_header_file", buf_text(&sign_in->msi_header_file));
    put_text(out, "identity_client_id", service->clients[SERVICE_IDENTITY].owner.client);
    put_text(out, "user_identity_client_id", assigned->owner.client);
    put_text(out, "user_identity_object_id", assigned->owner.object);
    put_text(out, "user_identity_resource_id", assigned->resource);
    put_text(out, "vault", service->endpoint);
    put_text(out, "ingestion", service->endpoint);
    put_text(out, "ingestion_rule", INGEST_RULE);
}

void ready_put(const struct service *service, const struct ready_files *files, struct buf *out)
{
    buf_puts(out, "{\n");
    put_text(out, "endpoint", service->endpoint);
    put_text(out, "authority", service->endpoint);
    put_text(out, "audience", service->endpoint);
    put_text(out, "tenant", service->tenant);
    put_text(out, "management", service->endpoint);
    put_text(out, "client_id", service->clients[SERVICE_APP].owner.client);
    put_text(out, "client_secret_file", files->secret);
    if (service->clients[SERVICE_CONDITIONAL].owner.client) {
        put_text(out, "conditional_client_id", service->clients[SERVICE_CONDITIONAL].owner.client);
        put_text(out, "conditional_client_secret_file", files->conditional_secret);
    }
    put_sign_in(service, files->sign_in, out);
    put_text(out, "workspace_id", service->workspace);
    put_text(out, "workspace_name", service->workspace_name);
    put_text(out, "resource_id", service->resource_id);
    if (files->ca)
        put_text(out, "ca_file", files->ca);
    buf_printf(out, "  \"pid\": %ld,\n  \"tables\": [", (long) getpid());
    for (size_t i = 0; i < service->tables.n; i++)
        buf_printf(out, "%s\n    {\"name\": \"%s\", \"rows\": %llu}", i > 0 ? "," : "",
                   service->tables.v[i].name, (unsigned long long) service->tables.v[i].rows);
    buf_puts(out, "\n  ]\n}\n");
}
