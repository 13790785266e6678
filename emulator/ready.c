/* Ready: the file that tells clients how to reach this emulator. */

#include "emulator/ready.h"

#include <unistd.h>

static void put_text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "  \"%s\": \"", name);
    text_put_json(out, str_of(value));
    buf_puts(out, "\",\n");
}

void ready_put(const struct service *service, const struct ready_files *files, struct buf *out)
{
    buf_puts(out, "{\n");
    put_text(out, "endpoint", service->endpoint);
    put_text(out, "authority", service->endpoint);
    put_text(out, "audience", service->endpoint);
    put_text(out, "tenant", service->tenant);
    put_text(out, "management", service->endpoint);
    put_text(out, "client_id", service->clients[0].owner.client);
    put_text(out, "client_secret_file", files->secret);
    if (service->clients[1].owner.client) {
        put_text(out, "conditional_client_id", service->clients[1].owner.client);
        put_text(out, "conditional_client_secret_file", files->conditional_secret);
    }
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
