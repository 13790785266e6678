/* Secrets: see secret.h. */
#include "base/secret.h"

#include "base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

struct pages {
    void *at;
    size_t n; /* bytes */
};

static size_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t) size : 4096;
}

/* Of a block: the whole pages that hold it, which belong to nothing else. */
static struct pages pages_of(void *block, size_t max)
{
    size_t page = page_size();
    uintptr_t at = ((uintptr_t) block + page - 1) / page * page;
    return (struct pages){(char *) block + (at - (uintptr_t) block),
                          (max + 1 + page - 1) / page * page};
}

/* Both are favours of the kernel: without them the secret is as safe as the rest of the memory. */
static void hide(struct pages pages, bool hidden)
{
#ifdef MADV_DONTDUMP
    (void) madvise(pages.at, pages.n, hidden ? MADV_DONTDUMP : MADV_DODUMP);
#else
    (void) pages;
    (void) hidden;
#endif
}

bool secret_init(struct secret *secret, size_t max, struct error *err)
{
    secret_release(secret);
    if (max > SECRET_MAX)
        return error_set(err, ERROR_LIMIT, "a secret of more than %d bytes", SECRET_MAX);
    size_t page = page_size();
    secret->block = mem_alloc((max + 1 + page - 1) / page + 1, page, err);
    if (!secret->block)
        return false;
    struct pages pages = pages_of(secret->block, max);
    hide(pages, true);
    secret->kept = (struct buf){.bytes = pages.at, .room = max + 1, .max = max};
    return true;
}

void secret_release(struct secret *secret)
{
    if (secret->block) {
        struct pages pages = pages_of(secret->block, secret->kept.max);
        mem_wipe(pages.at, pages.n);
        hide(pages, false);
        mem_free(secret->block);
    }
    *secret = (struct secret) SECRET_INIT;
}

bool secret_set(struct secret *secret, struct str bytes, struct error *err)
{
    struct secret made = SECRET_INIT;
    if (!secret_init(&made, bytes.n, err))
        return false;
    buf_put_str(&made.kept, bytes);
    secret_release(secret);
    *secret = made;
    return true;
}

struct str secret_str(const struct secret *secret)
{
    return secret->block ? buf_str(&secret->kept) : STR("");
}

struct buf *secret_buf(struct secret *secret)
{
    return &secret->kept;
}

bool secret_within(const struct secret *secret, struct str text)
{
    struct str own = secret_str(secret);
    return own.n > 0 && text.n >= own.n && memmem(text.p, text.n, own.p, own.n) != NULL;
}
