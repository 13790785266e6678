/* A file of any bytes, read whole, in ranges of a few bytes, and twice over from memory in small pieces as a group: the
 * same objects, or an error, each time. Also plain and packed text through the input. */
#include "base/memory.h"
#include "engine/duckdb/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RANGE = 16, STEP = 5, ID_KEY = 0 };

/* --- the bytes as two files of an opener ---------------------------------------------------------------- */

struct bytes {
    const uint8_t *data;
    size_t size, at;
};

static bool open_bytes(void *context, size_t first, size_t count, void **handle, struct error *err)
{
    (void) first, (void) count, (void) err;
    *handle = context;
    return true;
}

static bool read_bytes(void *handle, void *to, size_t room, size_t *got, struct error *err)
{
    struct bytes *bytes = handle;
    (void) err;
    size_t left = bytes->size - bytes->at;
    *got = room < STEP ? room : STEP;
    *got = *got < left ? *got : left;
    if (*got > 0)
        memcpy(to, bytes->data + bytes->at, *got);
    bytes->at = *got == 0 ? 0 : bytes->at + *got;
    return true;
}

static void close_bytes(void *handle)
{
    (void) handle;
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* Bytes of all objects that are no doubles, or -1 on an error. */
static int64_t read_all(struct scan_options options)
{
    static const struct str keys[] = {{"a", 1}, {"TimeGenerated", 13}};
    struct error err = ERROR_INIT;
    int64_t bytes = 0;
    options.keys = keys;
    options.key_count = 2;
    options.id_key = ID_KEY;
    struct scan *scan = scan_new(&options, &err);
    struct scan_hand *hand = scan ? scan_hand_new(scan, &err) : NULL;
    struct scan_object object;
    int found = -1;
    bool doubled = false;
    while (hand && (found = scan_hand_next(hand, &object, &err)) > 0) {
        if (!scan_hand_doubled(hand, &object, &doubled, &err)) {
            found = -1;
            break;
        }
        bytes += doubled ? 0 : (int64_t) object.json.bytes.n;
    }
    scan_hand_free(hand);
    scan_free(scan);
    return found < 0 ? -1 : bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("scan", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t) size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *const paths[] = {path, path};
    struct scan_options options = {.paths = paths, .count = 1};
    int64_t whole = read_all(options);
    /* A line that holds one object may be followed by one over several lines: only then do ranges refuse more. */
    options.piece = RANGE;
    int64_t cut = read_all(options);
    if (cut >= 0 && whole >= 0 && cut != whole)
        abort();
    struct bytes bytes = {.data = data, .size = size};
    const struct engine_opener opener = {
        .context = &bytes, .open = open_bytes, .read = read_bytes, .close = close_bytes};
    static const uint32_t groups[] = {1, 1};
    static const unsigned char roles[] = {ENGINE_WHOLE, ENGINE_PART};
    options = (struct scan_options){.paths = paths, .count = 2, .groups = groups, .roles = roles};
    int64_t twice = read_all(options);
    options.opener = &opener;
    int64_t remote = read_all(options);
    /* What the first file gives, the second gives no more. */
    if (twice != remote || (twice < 0) != (whole < 0) || twice > whole)
        abort();
    close(fd);
    return 0;
}
