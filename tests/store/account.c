/* A store over a played account; see account.h. */
#include "account.h"

#include <stdlib.h>

enum { NOTES_MAX = 4096 };

static void take_note(void *context, const char *line)
{
    buf_puts(context, line);
    buf_putc(context, '\n');
}

void account_open(struct account *f, struct store_options options, const char *path)
{
    store_free(f->store);
    options.address = blobs_url(f->blobs, path);
    options.http = f->http;
    options.stop = &f->stop;
    options.note = take_note;
    options.context = &f->notes;
    if (!options.key && !options.sas)
        options.key = "env:WEIR_TEST_KEY";
    f->store = store_open_with(&options, &f->err);
    if (!f->store)
        fail_msg("%s", f->err.message);
}

int account_set_up(void **state)
{
    struct account *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    buf_init(&f->text, 64 << 20);
    buf_init(&f->notes, NOTES_MAX);
    (void) setenv("WEIR_TEST_KEY", "AAECAwQFBgcICQoLDA0ODw==", 1);
    f->blobs = blobs_new();
    f->http = http_new(&(struct http_options){.stop = &f->stop}, &f->err);
    *state = f;
    account_open(f, (struct store_options){0}, "");
    return 0;
}

int account_tear_down(void **state)
{
    struct account *f = *state;
    store_free(f->store);
    http_free(f->http);
    bool proper = blobs_proper(f->blobs);
    blobs_free(f->blobs);
    buf_release(&f->text);
    buf_release(&f->notes);
    free(f);
    return proper ? 0 : -1;
}

const char *account_bytes(struct account *f, const char *name)
{
    return blobs_get(f->blobs, name, &f->text, NULL) ? buf_text(&f->text) : NULL;
}

bool account_put(struct account *f, const char *name, const char *bytes)
{
    error_clear(&f->err);
    return store_put(f->store, name, str_of(bytes), &f->err);
}

bool account_gather(void *context, const struct store_blob *blob, struct error *err)
{
    (void) err;
    buf_put_str(context, blob->name);
    buf_printf(context, ":%llu%s%s ", (unsigned long long) blob->size,
               blob->append ? " append" : "", blob->md5 ? " md5" : "");
    return true;
}

const char *account_list(struct account *f, const char *prefix)
{
    buf_reset(&f->text);
    error_clear(&f->err);
    if (!store_list(f->store, prefix, account_gather, &f->text, &f->err))
        fail_msg("list %s: %s", prefix, f->err.message);
    return buf_text(&f->text);
}

void account_refuse(struct account *f, const char *match, int status, const char *code,
                    const char *headers)
{
    blobs_fault(f->blobs, &(struct blobs_fault){.match = match,
                                                .at = 1,
                                                .times = 1000,
                                                .kind = BLOBS_ANSWER,
                                                .status = status,
                                                .code = code,
                                                .headers = headers});
}
