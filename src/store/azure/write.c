/* Puts blobs: small ones in one request, larger ones as blocks and their list, while the caller goes on; see
 * store.h.
 *
 * A blob is put under the condition that its name is free. Where it is not, HEAD tells whose it is:
 *
 *     PUT if free ──201──> there                    (also the end of all below)
 *          │ taken
 *        HEAD ── gone ──> PUT if free
 *          ├─ marked as this very upload: a lost answer was a good one
 *          ├─ wanted new, or not marked as weir's: ERROR_EXISTS
 *          ├─ the same bytes, by an earlier run: nothing to do
 *          └─ other bytes of ours: PUT if it still is what HEAD saw ── changed ──> HEAD
 */
#include "store/azure/azure.h"

#include "base/hash.h"
#include "base/memory.h"
#include "store/azure/error.h"

#include <stdio.h>

enum {
    ROOM_FIRST = 8192, /* bytes of a writer's memory at first */
    ID_MAX = 64,       /* bytes of a block's id */
    ID_RANDOM = 16,    /* hex digits of it that tell one writer's blocks from another's */
    LIST_LINE = 64     /* bytes of a block's line in the list, more than enough */
};

struct block {
    struct az_op op;
    struct block *next, *before;
    struct az_upload *upload;
    unsigned number;
    unsigned char md5[STORE_MD5];
    char id[ID_MAX];
    char *bytes;
    size_t n;
};

struct az_large {
    struct az_md5 whole;
    struct block *flying;
    unsigned blocks;
    char random[ID_RANDOM + 1];
    bool committed;
    struct error error; /* of the first block that failed */
};

static struct az_upload *upload_of(struct az_op *op)
{
    return (struct az_upload *) (void *) ((char *) op - offsetof(struct az_upload, op));
}

static struct az *az_of_upload(const struct az_upload *upload)
{
    return az_of(upload->base.store);
}

/* --- the table of names --- */

static size_t chain_of(const char *name)
{
    return (uint64_t) hash_xx64(str_of(name)) % AZ_NAMES;
}

static bool is_under_way(const struct az *az, const char *name)
{
    for (const struct az_upload *u = az->names[chain_of(name)]; u; u = u->chain)
        if (strcmp(u->name, name) == 0)
            return true;
    return false;
}

void az_upload_enlist(struct az *az, struct az_upload *upload)
{
    struct az_upload **chain = &az->names[chain_of(upload->name)];
    upload->chain = *chain;
    *chain = upload;
    upload->listed = true;
    upload->number = ++az->upload_count;
    (void) snprintf(upload->mark, sizeof upload->mark, "%s-%llu", az->id,
                    (unsigned long long) upload->number);
    az->uploads++;
    az->upload_bytes += upload->used;
}

static void delist(struct az *az, struct az_upload *upload)
{
    struct az_upload **at = &az->names[chain_of(upload->name)];
    while (*at && *at != upload)
        at = &(*at)->chain;
    if (*at)
        *at = upload->chain;
    upload->listed = false;
    az->uploads--;
    az->upload_bytes -= upload->used;
}

void az_break(struct az *az, const struct error *why)
{
    (void) error_pass(&az->broken, why);
}

/* Enough to keep the lane full while the caller makes the next ones, and not more: what waits falls out of the
 * processor's caches. */
static size_t uploads_max(const struct az *az)
{
    size_t most = (size_t) az->engine.lanes[AZ_WRITE].width * AZ_UPLOADS_EACH;
    return most < AZ_UPLOADS_MIN ? AZ_UPLOADS_MIN : most;
}

/* So much less than the most that not each upload that ends lets one more come: the loop runs in longer turns. */
static bool has_room(const struct az *az, const void *context)
{
    (void) context;
    return az->uploads <= uploads_max(az) / 4 * 3 && az->upload_bytes <= AZ_UPLOAD_BYTES / 4 * 3;
}

/* --- the end of an upload --- */

static void block_free(struct block *block)
{
    struct az_upload *upload = block->upload;
    struct az *az = az_of_upload(upload);
    *(block->before ? &block->before->next : &upload->large->flying) = block->next;
    if (block->next)
        block->next->before = block->before;
    az_op_cancel(az, &block->op);
    az->upload_bytes -= block->n;
    mem_free(block->bytes);
    mem_free(block);
}

void az_upload_free(struct az_upload *upload)
{
    struct az *az = az_of_upload(upload);
    if (upload->listed)
        delist(az, upload);
    az_op_cancel(az, &upload->op);
    while (upload->large && upload->large->flying)
        block_free(upload->large->flying);
    if (upload->large)
        az_md5_release(&upload->large->whole);
    mem_free(upload->large);
    mem_free(upload->body);
    mem_free(upload);
}

/* `why`: NULL when the blob is there. */
static void end(struct az_upload *upload, const struct error *why)
{
    struct az *az = az_of_upload(upload);
    if (upload->ended) {
        *upload->ended = true;
        if (why)
            *upload->why = *why;
    } else if (why && !upload->for_follow)
        az_break(az, why);
    az_follow_turn(az, upload, why);
    az_upload_free(upload);
}

/* --- steps of an upload --- */

static void ask_put(struct az_op *op, struct az_ask *out)
{
    static const char method[] = "PUT";
    const struct az_upload *upload = upload_of(op);
    *out = (struct az_ask){.method = method,
                           .place = upload->place,
                           .content_md5 = upload->md5,
                           .blob_type = "BlockBlob",
                           .tier = upload->rows ? op->az->tier : NULL,
                           .if_match = upload->etag[0] ? upload->etag : NULL,
                           .if_none_match = !upload->etag[0],
                           .mark = upload->mark,
                           .body = {upload->body, upload->used}};
    if (!upload->large)
        return;
    out->parameters[0] = (struct az_parameter){"comp", STR("blocklist")};
    out->content_md5 = NULL;
    out->blob_md5 = upload->md5;
    out->blob_type = NULL;
}

static void ask_head(struct az_op *op, struct az_ask *out)
{
    *out = (struct az_ask){.method = "HEAD", .place = upload_of(op)->place};
}

static void on_looked(struct az_op *op, const struct az_answer *answer);

static void on_put(struct az_op *op, const struct az_answer *answer)
{
    struct az_upload *upload = upload_of(op);
    if (answer->error.code == ERROR_NONE) {
        end(upload, NULL);
        return;
    }
    if (!az_says_taken(answer) || ++upload->rounds > AZ_ROUNDS_MAX ||
        (az_says_immutable(answer) && upload->protected)) {
        end(upload, &answer->error);
        return;
    }
    upload->protected = az_says_immutable(answer);
    op->ask = ask_head;
    op->done = on_looked;
    az_op_start(op->az, op);
}

static void put(struct az_upload *upload)
{
    upload->op.ask = ask_put;
    upload->op.done = on_put;
    az_op_start(az_of_upload(upload), &upload->op);
}

static void end_exists(struct az_upload *upload, const struct az_is *is)
{
    struct error why = ERROR_INIT;
    const char *address = upload->base.store->address;
    if (upload->put & STORE_PUT_NEW)
        (void) error_set(&why, ERROR_EXISTS, "%s is in lake %s already", upload->name, address);
    else if (upload->protected)
        (void) error_set(&why, ERROR_EXISTS,
                         "%s in lake %s cannot be replaced: its container is immutable",
                         upload->name, address);
    else
        (void) error_set(&why, ERROR_EXISTS,
                         "%s in lake %s was not written by weir: it stays as it is", upload->name,
                         address);
    if (!is->mark[0] && !(upload->put & STORE_PUT_NEW))
        (void) error_hint(
            &why,
            "weir replaces only blobs whose metadata has its mark (weir). Move that one away, or "
            "export into another lake");
    end(upload, &why);
}

static void on_looked(struct az_op *op, const struct az_answer *answer)
{
    struct az_upload *upload = upload_of(op);
    struct az_is is;
    if (az_says_missing(answer)) {
        upload->etag[0] = '\0';
        put(upload);
        return;
    }
    if (answer->error.code != ERROR_NONE) {
        end(upload, &answer->error);
        return;
    }
    az_is_read(answer->response, &is);
    bool same = is.size == upload->size && is.has_md5 && is.mark[0] &&
                memcmp(is.md5, upload->md5, STORE_MD5) == 0;
    bool mine = same && strcmp(is.mark, upload->mark) == 0;
    bool new = upload->put &STORE_PUT_NEW;
    if (mine || (same && !new)) {
        end(upload, NULL);
    } else if (new || !is.mark[0] || upload->protected || !is.etag[0]) {
        end_exists(upload, &is);
    } else {
        memcpy(upload->etag, is.etag, sizeof upload->etag);
        put(upload);
    }
}

void az_upload_start(struct az_upload *upload)
{
    put(upload);
}

/* --- blocks --- */

static void block_id(const struct az_large *large, unsigned number, char out[ID_MAX])
{
    unsigned char raw[ID_RANDOM + 12];
    (void) snprintf((char *) raw, sizeof raw, "%s%08u", large->random, number);
    az_base64(raw, ID_RANDOM + 8, out);
}

static void ask_block(struct az_op *op, struct az_ask *out)
{
    const struct block *block = (struct block *) (void *) op;
    *out =
        (struct az_ask){.method = "PUT",
                        .place = block->upload->place,
                        .parameters = {{"blockid", str_of(block->id)}, {"comp", STR_INIT("block")}},
                        .content_md5 = block->md5,
                        .body = {block->bytes, block->n}};
}

/* The last block is there, or one has failed. */
static void end_blocks(struct az_upload *upload)
{
    if (upload->large->error.code != ERROR_NONE)
        end(upload, &upload->large->error);
    else
        put(upload);
}

static void on_block(struct az_op *op, const struct az_answer *answer)
{
    struct block *block = (struct block *) (void *) op;
    struct az_upload *upload = block->upload;
    struct az_large *large = upload->large;
    if (answer->error.code != ERROR_NONE)
        (void) error_pass(&large->error, &answer->error);
    block_free(block);
    if (large->committed && !large->flying)
        end_blocks(upload);
}

static bool make_large(struct az_upload *upload, struct error *err)
{
    uint64_t number;
    struct az_large *large = mem_alloc(1, sizeof *large, err);
    if (!large)
        return false;
    upload->large = large;
    if (!random_secret(&number, sizeof number, err) || !az_md5_init(&large->whole, err))
        return false;
    (void) snprintf(large->random, sizeof large->random, "%016llx", (unsigned long long) number);
    az_md5_begin(&large->whole);
    return true;
}

/* Sends what was gathered as a block. */
static bool send_block(struct az_upload *upload, struct error *err)
{
    struct az *az = az_of_upload(upload);
    if (!upload->large && !make_large(upload, err))
        return false;
    struct az_large *large = upload->large;
    if (large->error.code != ERROR_NONE)
        return error_pass(err, &large->error);
    if (large->blocks == AZ_BLOCKS_MAX)
        return error_set(err, ERROR_LIMIT, "%s is too long for a blob", upload->name);
    if (az->upload_bytes > AZ_UPLOAD_BYTES && !az_wait_for(az, has_room, NULL, err))
        return false;
    struct block *block = mem_alloc(1, sizeof *block, err);
    if (!block)
        return false;
    *block = (struct block){.upload = upload,
                            .next = large->flying,
                            .number = large->blocks++,
                            .bytes = upload->body,
                            .n = upload->used};
    block->op = (struct az_op){.lane = AZ_WRITE,
                               .ask = ask_block,
                               .done = on_block,
                               .doing = "write",
                               .name = upload->name,
                               .make_container = true};
    block_id(large, block->number, block->id);
    if (large->flying)
        large->flying->before = block;
    large->flying = block;
    az->upload_bytes += block->n;
    upload->body = NULL;
    upload->used = upload->room = 0;
    az_md5_add(&large->whole, block->bytes, block->n);
    if (!az_md5_of(&az->md5, block->bytes, block->n, block->md5, err)) {
        block_free(block);
        return false;
    }
    az_op_start(az, &block->op);
    return true;
}

/* The body of Put Block List takes the place of what was gathered. */
static bool make_list(struct az_upload *upload, struct error *err)
{
    struct buf text = BUF_INIT((size_t) AZ_BLOCKS_MAX * LIST_LINE);
    char id[ID_MAX];
    buf_puts(&text, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (unsigned i = 0; i < upload->large->blocks; i++) {
        block_id(upload->large, i, id);
        buf_puts(&text, "<Latest>");
        buf_puts(&text, id);
        buf_puts(&text, "</Latest>");
    }
    buf_puts(&text, "</BlockList>");
    if (!buf_ok(&text, "a list of blocks", err)) {
        buf_release(&text);
        return false;
    }
    upload->used = upload->room = text.used;
    upload->body = buf_take(&text);
    return true;
}

/* --- the writer --- */

struct az_upload *az_upload_new(struct az *az, const char *name, struct error *err)
{
    size_t n = strlen(name);
    struct az_upload *upload = mem_alloc(1, sizeof *upload + n + 1, err);
    if (!upload)
        return NULL;
    upload->base.store = &az->base;
    memcpy(upload->name, name, n + 1);
    upload->op = (struct az_op){
        .lane = AZ_WRITE, .doing = "write", .name = upload->name, .make_container = true};
    upload->rows = str_starts(str_of(name), STR(AZ_TABLE_PREFIX));
    if (az_address_place(&az->address, upload->name, &upload->place, err) &&
        (upload->place.rest.n > 0 ||
         error_set(err, ERROR_SETTINGS, "%s is a container of lake %s, not a blob", name,
                   az->base.address)))
        return upload;
    mem_free(upload);
    return NULL;
}

static bool is_safe(const struct az *az, const void *context)
{
    (void) context;
    return az->broken.code != ERROR_NONE || az_locks_fresh(az);
}

bool az_may_write(struct az *az, struct error *err)
{
    if (!is_safe(az, NULL) && !az_wait_for(az, is_safe, NULL, err))
        return false;
    return az->broken.code == ERROR_NONE || error_pass(err, &az->broken);
}

static bool is_settled(const struct az *az, const void *name)
{
    return name ? !is_under_way(az, name) : az->uploads == 0;
}

bool az_settle(struct az *az, const char *name, struct error *err)
{
    return az_wait_for(az, is_settled, name, err);
}

struct store_writer *az_writer_new(struct store *store, const char *name, struct error *err)
{
    struct az *az = az_of(store);
    if (!az_may_write(az, err))
        return NULL;
    struct az_upload *upload = az_upload_new(az, name, err);
    return upload ? &upload->base : NULL;
}

static bool make_room(struct az_upload *upload, size_t n, struct error *err)
{
    size_t room = upload->room > 0 ? upload->room : ROOM_FIRST;
    size_t most = az_of_upload(upload)->single;
    if (upload->body && upload->used + n <= upload->room)
        return true;
    while (room < upload->used + n)
        room *= 2;
    if (room > most)
        room = most;
    char *body = mem_resize(upload->body, room, 1, err);
    if (!body)
        return false;
    upload->body = body;
    upload->room = room;
    return true;
}

bool az_writer_add(struct store_writer *base, const void *bytes, size_t n, struct error *err)
{
    struct az_upload *upload = (struct az_upload *) (void *) base;
    const char *from = bytes;
    size_t single = az_of(base->store)->single;
    while (n > 0) {
        if (upload->used == single && !send_block(upload, err))
            return false;
        size_t left = single - upload->used, step = n < left ? n : left;
        if (!make_room(upload, step, err))
            return false;
        memcpy(upload->body + upload->used, from, step);
        upload->used += step;
        upload->size += step;
        from += step;
        n -= step;
    }
    return true;
}

/* What is left to send, and its sum. */
static bool finish_body(struct az *az, struct az_upload *upload, struct error *err)
{
    if (upload->large)
        return (upload->used == 0 || send_block(upload, err)) &&
               az_md5_end(&upload->large->whole, upload->md5, err) && make_list(upload, err);
    return az_md5_of(&az->md5, upload->body, upload->used, upload->md5, err);
}

/* Until there is room for it, and nothing of its name is before it. */
static bool wait_for_room(struct az *az, const struct az_upload *upload, struct error *err)
{
    bool full = az->uploads >= uploads_max(az) ||
                (az->upload_bytes > 0 && az->upload_bytes + upload->used > AZ_UPLOAD_BYTES);
    return (!full || az_wait_for(az, has_room, NULL, err)) &&
           (!is_under_way(az, upload->name) || az_wait_for(az, is_settled, upload->name, err));
}

static void commit(struct az *az, struct az_upload *upload)
{
    az_upload_enlist(az, upload);
    if (!upload->large) {
        put(upload);
        return;
    }
    upload->large->committed = true;
    if (!upload->large->flying)
        end_blocks(upload);
}

static bool commit_writer(struct store_writer *base, unsigned put_how, struct store_written *out,
                          struct error *err)
{
    struct az_upload *upload = (struct az_upload *) (void *) base;
    struct az *az = az_of(base->store);
    if (!az_nudge(az, err) || !az_may_write(az, err) || !wait_for_room(az, upload, err) ||
        !finish_body(az, upload, err)) {
        az_upload_free(upload);
        return false;
    }
    *out = (struct store_written){.bytes = upload->size, .has_md5 = true};
    memcpy(out->md5, upload->md5, STORE_MD5);
    upload->put = put_how;
    bool ended = false;
    struct error why = ERROR_INIT;
    if (!(put_how & STORE_PUT_DURABLE)) {
        commit(az, upload);
        return true;
    }
    upload->ended = &ended;
    upload->why = &why;
    commit(az, upload);
    if (!az_wait(az, &ended, err)) { /* interrupted */
        (void) error_set(&why, ERROR_INTERRUPTED, "interrupted");
        end(upload, &why);
        return false;
    }
    return why.code == ERROR_NONE || error_pass(err, &why);
}

/* What is put durably is what an interrupted run leaves: the ledger's last segment. */
bool az_writer_commit(struct store_writer *base, unsigned put_how, struct store_written *out,
                      struct error *err)
{
    struct az *az = az_of(base->store);
    if (!(put_how & STORE_PUT_DURABLE))
        return commit_writer(base, put_how, out, err);
    az_grace_begin(az);
    bool ok = commit_writer(base, put_how, out, err);
    az_grace_end(az);
    return ok;
}

void az_writer_abort(struct store_writer *base)
{
    az_upload_free((struct az_upload *) (void *) base);
}

bool az_sync(struct store *store, struct error *err)
{
    struct az *az = az_of(store);
    az_grace_begin(az);
    bool ok = az_settle(az, NULL, err);
    az_grace_end(az);
    return ok && (az->broken.code == ERROR_NONE || error_pass(err, &az->broken));
}

void az_uploads_free(struct az *az)
{
    for (size_t i = 0; i < AZ_NAMES; i++)
        while (az->names[i])
            az_upload_free(az->names[i]);
}
