/* A file of any bytes, read whole and in ranges of a few bytes: the same objects, or an error, both times. Also plain
 * and packed text through the input. */
#include "base/memory.h"
#include "engine/duckdb/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of all objects, or -1 on an error. */
static int64_t read_all(const char *path, size_t piece)
{
    static const struct str keys[] = {{"a", 1}, {"TimeGenerated", 13}};
    struct error err = ERROR_INIT;
    int64_t bytes = 0;
    struct scan *scan = scan_new(
        &(const struct scan_options){
            .paths = &path, .count = 1, .keys = keys, .key_count = 2, .piece = piece},
        &err);
    struct scan_hand *hand = scan ? scan_hand_new(scan, &err) : NULL;
    struct scan_object object;
    int found = -1;
    while (hand && (found = scan_hand_next(hand, &object, &err)) > 0)
        bytes += (int64_t) object.json.bytes.n;
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
    int64_t whole = read_all(path, 0);
    /* A line that holds one object may be followed by one over several lines: only then do ranges refuse more. */
    int64_t cut = read_all(path, 16);
    if (cut >= 0 && whole >= 0 && cut != whole)
        abort();
    close(fd);
    return 0;
}
