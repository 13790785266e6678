/* Follows: a blob that is put after all uploads before it; see store.h and write.c. */
#include "store/azure/azure.h"

#include "base/memory.h"

struct az_follow {
    struct az_upload *upload; /* NULL: none, or it has ended */
    bool begun, ended;
    size_t before; /* uploads that it waits for */
    struct error error;
};

bool az_follow(struct store *store, const char *name, struct buf *text, struct error *err)
{
    struct az *az = az_of(store);
    if (!az->follow)
        az->follow = mem_alloc(1, sizeof *az->follow, err);
    struct az_follow *follow = az->follow;
    if (!follow)
        return false;
    if (follow->begun)
        return error_set(err, ERROR_INTERNAL, "a blob is on its way already");
    if (!az_nudge(az, err) || !az_may_write(az, err))
        return false;
    struct az_upload *upload = az_upload_new(az, name, err);
    if (!upload)
        return false;
    if (!az_md5_of(&az->md5, text->bytes, text->used, upload->md5, err)) {
        az_upload_free(upload);
        return false;
    }
    upload->for_follow = true;
    upload->put = STORE_PUT_NEW;
    upload->size = upload->used = upload->room = text->used;
    upload->body = buf_take(text);
    *follow = (struct az_follow){.upload = upload, .begun = true, .before = az->uploads};
    az_upload_enlist(az, upload);
    if (follow->before == 0)
        az_upload_start(upload);
    return true;
}

void az_follow_turn(struct az *az, const struct az_upload *ended, const struct error *why)
{
    struct az_follow *follow = az->follow;
    if (!follow || !follow->upload)
        return;
    if (ended == follow->upload) {
        follow->upload = NULL;
        follow->ended = true;
        if (why)
            follow->error = *why;
        return;
    }
    if (ended->number > follow->upload->number || --follow->before > 0)
        return;
    if (az->broken.code == ERROR_NONE) {
        az_upload_start(follow->upload);
        return;
    }
    follow->error = az->broken;
    follow->ended = true;
    az_upload_free(follow->upload);
    follow->upload = NULL;
}

enum store_follow_state az_follow_ask(struct store *store, bool wait, struct error *err)
{
    struct az *az = az_of(store);
    struct az_follow *follow = az->follow;
    if (!follow || !follow->begun) {
        (void) error_set(err, ERROR_INTERNAL, "no blob is on its way");
        return STORE_FOLLOW_FAILED;
    }
    struct error why = ERROR_INIT;
    az_grace_begin(az);
    bool ok = wait ? az_wait(az, &follow->ended, &why) : az_nudge(az, &why);
    az_grace_end(az);
    if (!follow->ended && ok)
        return STORE_FOLLOW_BUSY;
    if (!follow->ended) {
        az_upload_free(follow->upload);
        follow->upload = NULL;
        follow->error = why;
    }
    follow->begun = follow->ended = false;
    if (follow->error.code == ERROR_NONE)
        return STORE_FOLLOW_DONE;
    (void) error_pass(err, &follow->error);
    return STORE_FOLLOW_FAILED;
}

void az_follow_free(struct az *az)
{
    if (az->follow && az->follow->upload)
        az_upload_free(az->follow->upload);
    mem_free(az->follow);
    az->follow = NULL;
}
