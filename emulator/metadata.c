/* Metadata: the workspace's tables and their columns (docs/service.md 1.9). */

#include "emulator/reply.h"
#include "emulator/service.h"

static void put_columns(struct buf *body, const struct columns *columns, bool *first)
{
    for (size_t i = 0; i < columns->n; i++) {
        if (tables_is_secret(str_of(columns->v[i].name)))
            continue;
        buf_printf(body, "%s{\"name\":\"", *first ? "" : ",");
        text_put_json(body, str_of(columns->v[i].name));
        buf_printf(body, "\",\"type\":\"%s\"}", column_type_name(columns->v[i].type));
        *first = false;
    }
}

static void put_table(struct buf *body, const struct table *table, const char *workspace,
                      bool first_table)
{
    bool first = true;
    buf_printf(body, "%s{\"id\":\"t/%s\",\"name\":\"%s\"", first_table ? "" : ",", table->name,
               table->name);
    if (table->timed)
        buf_puts(body, ",\"timespanColumn\":\"TimeGenerated\"");
    buf_puts(body, ",\"columns\":[");
    put_columns(body, &table->visible, &first);
    put_columns(body, &table->hidden, &first);
    buf_printf(body, "],\"related\":{\"workspaces\":[\"%s\"]}}", workspace);
}

void metadata_answer(const struct service *service, struct server_reply *reply)
{
    struct buf *body = &reply->body;
    reply->status = 200;
    reply->content_type = REPLY_JSON;
    buf_puts(body, "{\"tables\":[");
    size_t n = service->tables.n;
    for (size_t i = 0; i < n; i++) {
        if (!atomic_load(&service->tables.v[i].gone))
            put_table(body, &service->tables.v[i], service->workspace, i == 0);
    }
    buf_puts(body, "],\"functions\":[],\"categories\":[],\"solutions\":[],\"resourceTypes\":[],"
                   "\"queries\":[],\"workspaces\":[{");
    buf_printf(body,
               "\"id\":\"%s\",\"resourceId\":\"%s\",\"name\":\"%s\",\"region\":\"%s\","
               "\"related\":{\"tables\":[",
               service->workspace, service->resource_id, service->workspace_name, service->region);
    for (size_t i = 0; i < n; i++) {
        if (!atomic_load(&service->tables.v[i].gone))
            buf_printf(body, "%s\"t/%s\"", i > 0 ? "," : "", service->tables.v[i].name);
    }
    buf_puts(body, "]}}]}");
}
