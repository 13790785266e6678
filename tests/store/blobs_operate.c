/* What a played Blob service does when it is asked; see blobs_parts.h. */
#include "blobs_parts.h"

#include "base/tick.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 4096, LEASE_SECONDS = 60 };

void answer_say(struct answer *a, int status, const char *code)
{
    a->status = status;
    a->code = code;
}

void answer_add(struct answer *a, const char *name, const char *value)
{
    size_t used = strlen(a->headers);
    (void) snprintf(a->headers + used, sizeof a->headers - used, "%s: %s\r\n", name, value);
}

static bool is_leased(const struct blob *blob)
{
    return blob->lease_end > clock_ns();
}

/* Conditions of a write over `blob`, which is NULL when nothing is there. False: answered. */
static bool may_write(struct blobs *b, const struct request *r, struct blob *blob, bool removes,
                      struct answer *a)
{
    char etag[32];
    struct str match = request_header(r, "If-Match"), none = request_header(r, "If-None-Match");
    struct str lease = request_header(r, "x-ms-lease-id");
    bool there = blob && blob->committed;
    (void) snprintf(etag, sizeof etag, "\"0x%X\"", there ? blob->etag : 0);
    if (there && none.p)
        answer_say(a, 409, "BlobAlreadyExists");
    else if (match.p && (!there || !str_eq(match, str_of(etag))))
        answer_say(a, 412, "ConditionNotMet");
    else if (there && kept_immutable(b, r->container))
        answer_say(a, 409, "BlobImmutableDueToPolicy");
    else if (there && is_leased(blob) && !lease.p)
        answer_say(a, 412, "LeaseIdMissing");
    else if (there && lease.p && (!is_leased(blob) || !str_eq(lease, str_of(blob->lease))))
        answer_say(a, 412, is_leased(blob) ? "LeaseIdMismatchWithBlobOperation" : "LeaseLost");
    else if (removes && !there)
        answer_say(a, 404, "BlobNotFound");
    return a->status == 0;
}

static void describe(const struct blob *blob, struct answer *a)
{
    char etag[32];
    (void) snprintf(etag, sizeof etag, "\"0x%X\"", blob->etag);
    answer_add(a, "ETag", etag);
    answer_add(a, "x-ms-blob-type", blob->append ? "AppendBlob" : "BlockBlob");
    answer_add(a, "x-ms-lease-state", is_leased(blob) ? "leased" : "available");
    if (blob->mark[0])
        answer_add(a, "x-ms-meta-weir", blob->mark);
}

static void keep_headers(struct blob *blob, const struct request *r)
{
    struct str mark = request_header(r, "x-ms-meta-weir"),
               tier = request_header(r, "x-ms-access-tier");
    (void) snprintf(blob->mark, sizeof blob->mark, "%.*s", (int) mark.n, mark.p ? mark.p : "");
    (void) snprintf(blob->tier, sizeof blob->tier, "%.*s", (int) tier.n, tier.p ? tier.p : "");
}

static bool md5_ok(struct blobs *b, const struct request *r, struct answer *a)
{
    char sum[AZ_MD5_TEXT];
    struct str told = request_header(r, "Content-MD5");
    kept_md5(b, r->body, r->n, sum);
    if (told.p && !str_eq(told, str_of(sum)))
        answer_say(a, 400, "Md5Mismatch");
    return a->status == 0;
}

static void put_blob(struct blobs *b, const struct request *r, struct answer *a)
{
    struct blob *blob = kept_find(b, r->path);
    if (!may_write(b, r, blob, false, a) || !md5_ok(b, r, a))
        return;
    blob = kept_make(b, r->path);
    kept_set(b, blob, r->body, r->n);
    kept_drop_blocks(blob);
    keep_headers(blob, r);
    describe(blob, a);
    answer_say(a, 201, NULL);
}

static void put_block(struct blobs *b, const struct request *r, struct answer *a)
{
    char id[96];
    if (!md5_ok(b, r, a))
        return;
    struct blob *blob = kept_make(b, r->path);
    (void) request_parameter(r, "blockid", id, sizeof id);
    size_t at = 0;
    while (at < blob->n_blocks && strcmp(blob->blocks[at].id, id) != 0)
        at++;
    if (at == blob->n_blocks) {
        blobs_must(blob->n_blocks < BLOCKS);
        blob->blocks = realloc(blob->blocks, ++blob->n_blocks * sizeof *blob->blocks);
        blobs_must(blob->blocks);
        blob->blocks[at] = (struct block){.n = 0};
        (void) snprintf(blob->blocks[at].id, sizeof id, "%s", id);
    }
    free(blob->blocks[at].bytes);
    blob->blocks[at].bytes = malloc(r->n + 1);
    blobs_must(blob->blocks[at].bytes);
    memcpy(blob->blocks[at].bytes, r->body, r->n);
    blob->blocks[at].n = r->n;
    answer_say(a, 201, NULL);
}

static void put_list(struct blobs *b, const struct request *r, struct answer *a)
{
    struct blob *blob = kept_find(b, r->path);
    struct buf whole = BUF_INIT(256u << 20);
    char *at = r->body;
    r->body[r->n] = '\0';
    if (!may_write(b, r, blob, false, a))
        return;
    while (blob && a->status == 0 && (at = strstr(at, "<Latest>"))) {
        at += strlen("<Latest>");
        struct str id = {at, strcspn(at, "<")};
        size_t i = 0;
        while (i < blob->n_blocks && !str_eq(id, str_of(blob->blocks[i].id)))
            i++;
        if (i == blob->n_blocks)
            answer_say(a, 400, "InvalidBlockList");
        else
            buf_put(&whole, blob->blocks[i].bytes, blob->blocks[i].n);
    }
    if (a->status == 0 && blob) {
        kept_set(b, blob, buf_text(&whole), whole.used);
        kept_drop_blocks(blob);
        keep_headers(blob, r);
        struct str md5 = request_header(r, "x-ms-blob-content-md5");
        (void) snprintf(blob->md5, sizeof blob->md5, "%.*s", (int) md5.n, md5.p ? md5.p : "");
        answer_say(a, 201, NULL);
    }
    buf_release(&whole);
}

static void lease(const struct request *r, struct blob *blob, struct answer *a)
{
    struct str action = request_header(r, "x-ms-lease-action"),
               id = request_header(r, "x-ms-lease-id");
    struct str proposed = request_header(r, "x-ms-proposed-lease-id");
    bool held = is_leased(blob), mine = str_eq(id, str_of(blob->lease));
    uint64_t end = clock_ns() + LEASE_SECONDS * UINT64_C(1000000000);
    if (str_eq(action, STR("acquire"))) {
        if (held && !str_eq(proposed, str_of(blob->lease))) {
            answer_say(a, 409, "LeaseAlreadyPresent");
            return;
        }
        (void) snprintf(blob->lease, sizeof blob->lease, "%.*s", (int) proposed.n, proposed.p);
        blob->lease_end = end;
        answer_say(a, 201, NULL);
    } else if (str_eq(action, STR("renew"))) {
        answer_say(a, mine ? 200 : 409, mine ? NULL : "LeaseIdMismatchWithLeaseOperation");
        blob->lease_end = mine ? end : blob->lease_end;
    } else if (str_eq(action, STR("change"))) {
        bool done = held && str_eq(proposed, str_of(blob->lease));
        if (!held || (!mine && !done)) {
            answer_say(a, 409, "LeaseIdMismatchWithLeaseOperation");
            return;
        }
        (void) snprintf(blob->lease, sizeof blob->lease, "%.*s", (int) proposed.n, proposed.p);
        blob->lease_end = end;
        answer_say(a, 200, NULL);
    } else {
        answer_say(a, mine ? 200 : 409, mine ? NULL : "LeaseIdMismatchWithLeaseOperation");
        if (mine) {
            blob->lease_end = 0;
            blob->lease[0] = '\0';
        }
    }
}

static void get_blob(const struct request *r, const struct blob *blob, struct answer *a)
{
    unsigned long long from = 0, to = 0;
    char text[80], etag[32];
    struct str range = request_header(r, "x-ms-range"), match = request_header(r, "If-Match");
    (void) snprintf(etag, sizeof etag, "\"0x%X\"", blob->etag);
    describe(blob, a);
    if (match.p && !str_eq(match, str_of(etag))) {
        answer_say(a, 412, "ConditionNotMet");
        return;
    }
    if (!range.p || strcmp(r->method, "HEAD") == 0) {
        answer_add(a, "Content-MD5", blob->md5);
        answer_say(a, 200, NULL);
        buf_put(&a->body, blob->bytes, blob->n);
        return;
    }
    blobs_must(sscanf(range.p, "bytes=%llu-%llu", &from, &to) == 2);
    if (from >= blob->n) {
        answer_say(a, 416, "InvalidRange");
        return;
    }
    to = to < blob->n ? to : blob->n - 1;
    (void) snprintf(text, sizeof text, "bytes %llu-%llu/%zu", from, to, blob->n);
    answer_add(a, "Content-Range", text);
    answer_say(a, 206, NULL);
    buf_put(&a->body, blob->bytes + from, (size_t) (to - from + 1));
}

static void put_xml(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '&')
            buf_puts(out, "&amp;");
        else if (text[i] == '<')
            buf_puts(out, "&lt;");
        else
            buf_putc(out, text[i]);
    }
}

static void put_entry(struct buf *out, const struct blob *blob, const char *rest)
{
    buf_puts(out, "<Blob><Name>");
    put_xml(out, rest, strlen(rest));
    buf_printf(out,
               "</Name><Properties><Creation-Time>Sun, 07 Nov 2021 03:05:00 GMT</Creation-Time>"
               "<Last-Modified>Sun, 07 Nov 2021 03:10:00 GMT</Last-Modified><Etag>0x%X</Etag>"
               "<Content-Length>%zu</Content-Length><Content-MD5>%s</Content-MD5>"
               "<BlobType>%s</BlobType></Properties></Blob>",
               blob->etag, blob->n, blob->append ? "" : blob->md5,
               blob->append ? "AppendBlob" : "BlockBlob");
}

static void list(const struct blobs *b, const struct request *r, struct answer *a)
{
    char prefix[NAME], marker[NAME], delimiter[8], last[NAME] = "";
    size_t skip = strlen(r->container) + 1, given = 0, i = 0;
    (void) request_parameter(r, "prefix", prefix, sizeof prefix);
    (void) request_parameter(r, "marker", marker, sizeof marker);
    (void) request_parameter(r, "delimiter", delimiter, sizeof delimiter);
    buf_puts(&a->body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>");
    for (; i < b->n && given < b->page; i++) {
        const struct blob *blob = b->blobs[i];
        const char *rest = blob->name + skip;
        if (!blob->committed || strncmp(blob->name, r->container, skip - 1) != 0 ||
            blob->name[skip - 1] != '/' || strncmp(rest, prefix, strlen(prefix)) != 0 ||
            strcmp(rest, marker) < 0)
            continue;
        const char *slash = delimiter[0] ? strchr(rest + strlen(prefix), '/') : NULL;
        if (!slash) {
            put_entry(&a->body, blob, rest);
            given++;
        } else if (strncmp(last, rest, (size_t) (slash - rest) + 1) != 0) {
            (void) snprintf(last, sizeof last, "%.*s", (int) (slash - rest) + 1, rest);
            buf_puts(&a->body, "<BlobPrefix><Name>");
            put_xml(&a->body, last, strlen(last));
            buf_puts(&a->body, "</Name></BlobPrefix>");
            given++;
        }
    }
    buf_puts(&a->body, "</Blobs><NextMarker>");
    if (i < b->n)
        put_xml(&a->body, strchr(b->blobs[i]->name, '/') + 1,
                strlen(strchr(b->blobs[i]->name, '/') + 1));
    buf_puts(&a->body, "</NextMarker></EnumerationResults>");
    answer_say(a, 200, NULL);
}

static void list_containers(const struct blobs *b, struct answer *a)
{
    buf_puts(&a->body, "<?xml version=\"1.0\"?><EnumerationResults><Containers>"
                       "<Container><Name>$logs</Name></Container>");
    for (size_t i = 0; i < b->n_containers; i++)
        buf_printf(&a->body, "<Container><Name>%s</Name><Properties/></Container>",
                   b->containers[i].name);
    buf_puts(&a->body, "</Containers><NextMarker/></EnumerationResults>");
    answer_say(a, 200, NULL);
}

static void on_container(struct blobs *b, const struct request *r, struct answer *a)
{
    int at = kept_container(b, r->container);
    if (strcmp(r->method, "PUT") == 0) {
        answer_say(a, at >= 0 ? 409 : 201, at >= 0 ? "ContainerAlreadyExists" : NULL);
        kept_make_container(b, r->container);
    } else if (at < 0) {
        answer_say(a, 404, "ContainerNotFound");
    } else if (request_parameter_is(r, "comp", "list")) {
        list(b, r, a);
    } else {
        answer_add(a, "x-ms-has-immutability-policy",
                   b->containers[at].immutable ? "true" : "false");
        answer_add(a, "x-ms-has-legal-hold", "false");
        answer_say(a, 200, NULL);
    }
}

static void on_blob(struct blobs *b, const struct request *r, struct answer *a)
{
    struct blob *blob = kept_find(b, r->path);
    bool there = blob && blob->committed, put = strcmp(r->method, "PUT") == 0;
    if (kept_container(b, r->container) < 0)
        answer_say(a, 404, "ContainerNotFound");
    else if (put && request_parameter_is(r, "comp", "block"))
        put_block(b, r, a);
    else if (put && request_parameter_is(r, "comp", "blocklist"))
        put_list(b, r, a);
    else if (put && !request_parameter_is(r, "comp", "lease"))
        put_blob(b, r, a);
    else if (!there)
        answer_say(a, 404, "BlobNotFound");
    else if (put) {
        describe(blob, a);
        lease(r, blob, a);
    } else if (strcmp(r->method, "DELETE") == 0) {
        if (may_write(b, r, blob, true, a)) {
            kept_drop(b, blob);
            answer_say(a, 202, NULL);
        }
    } else
        get_blob(r, blob, a);
}

void request_operate(struct blobs *b, const struct request *r, struct answer *a)
{
    if (r->container[0] == '\0')
        list_containers(b, a);
    else if (r->rest[0] == '\0')
        on_container(b, r, a);
    else
        on_blob(b, r, a);
}
