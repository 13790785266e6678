/* Hashes of files and blobs; see job.h. */
#include "compact/job.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

bool compact_hash_file(const char *path, unsigned char sha256[HASH_SHA256_SIZE], uint64_t *bytes,
                       struct error *err)
{
    struct hash_sha256 *hash = hash_sha256_new(err);
    char *piece = mem_alloc(PIECE, 1, err);
    int file = hash && piece ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool ok = hash && piece &&
              (file >= 0 || error_set_errno(err, ERROR_IO, errno, "a file that was just written"));
    ssize_t n = 1;
    *bytes = 0;
    while (ok && n > 0) {
        n = read(file, piece, PIECE);
        if (n < 0 && errno != EINTR)
            ok = error_set_errno(err, ERROR_IO, errno, "a file that was just written");
        if (n > 0) {
            hash_sha256_add(hash, piece, (size_t) n);
            *bytes += (uint64_t) n;
        }
        n = n < 0 ? 1 : n;
    }
    ok = ok && hash_sha256_end(hash, sha256, err);
    if (file >= 0)
        (void) close(file);
    mem_free(piece);
    hash_sha256_free(hash);
    return ok;
}
