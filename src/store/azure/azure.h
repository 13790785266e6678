/* The Azure driver: the Blob service (docs/service.md section 4), for accounts with and without a hierarchical
 * namespace. azure_store_open in open.c; the rest is for the files beside it.
 *
 *     address.c  what an address names              request.c  one request as text, signed
 *     sign.c     Shared Key, MD5, dates             error.c    what an answer means, and to whom to say what
 *     sas.c      shared access signatures           auth.c     key, signature or token, and their renewal
 *     listing.c  the XML of a listing               engine.c   requests under way: tries, pauses, widths
 *
 * and on them, as every driver has them: open.c list.c read.c ahead.c write.c remove.c follow.c
 * lock.c.
 *
 * Whatever is asked may have been done though its answer was lost. So each step here can be done twice: a PUT
 * is told to be our own by the mark in its metadata and its MD5, a lease by an id that we chose.
 */
#ifndef WEIR_STORE_AZURE_AZURE_H
#define WEIR_STORE_AZURE_AZURE_H

#include "azure/credential.h"
#include "store/azure/address.h"
#include "store/azure/engine.h"
#include "store/azure/sign.h"
#include "store/driver.h"

#define AZ_VERSION "2021-12-02" /* the first with the tier cold */
#define AZ_TEMPORARY "weir/tmp" /* a local lake's own corner, left out of every listing */

enum {
    AZ_SINGLE_MAX =
        8 * 1024 * 1024,   /* bytes of a blob that is put at once, and of a block of a larger one */
    AZ_BLOCKS_MAX = 50000, /* of a blob: the service's limit */
    AZ_UPLOAD_BYTES = 64 * 1024 * 1024, /* on their way; a commit waits above this ... */
    AZ_UPLOADS_EACH = 4,                /* blobs for each one that may be sent at once, ... */
    AZ_UPLOADS_MIN = 64,                /* ... but so many at least: a commit waits above it too */
    AZ_NAMES = 1024,                    /* chains of names under way */
    AZ_RANGE = 4 * 1024 * 1024,         /* bytes asked for in one GET */
    AZ_READS_MAX = 128,                 /* GETs that one store_ahead has under way */
    AZ_LISTS_MAX = 16,                  /* prefixes that are listed at once */
    AZ_DELETES_MAX = 64,                /* blobs that are deleted at once */
    AZ_ROUNDS_MAX = 8,                  /* times that somebody else changes a name under us */
    AZ_PAGE_MAX = 8 * 1024 * 1024,      /* bytes of the entries of one page (of at most 5,000) */
    AZ_GRACE = 10,                      /* seconds in all, to end well after an interruption */
    AZ_CONTAINERS = 64,                 /* whose immutability is remembered */
    AZ_ETAG_MAX = 80,
    AZ_MARK_MAX = GUID_TEXT + 24, /* id of the store, number of the upload */
    AZ_CODE_MAX = 80              /* of an error */
};

/* How we are known to the service; auth.c. */
struct az_auth {
    char *key_reference, *sas_reference; /* one or none: none is tokens */
    struct az_signer signer;
    struct secret sas;    /* without '?' */
    int64_t sas_end;      /* tick; 0: none is known */
    struct secret header; /* Authorization: Bearer ... */
    struct secret known;  /* the key or signature as it was read last, to see whether it changed */
    unsigned number;      /* of what is in use: a refusal of an older one says nothing */
    unsigned token;       /* azure_credential_number of the header */
    bool ready;           /* there is something to sign with */
    bool refused;         /* ... and the service refuses it: requests wait for auth.c */
    bool said_end;        /* the user knows when the SAS ends */
    uint64_t looked;      /* clock_ns when the token was last asked for */
    struct error refusal; /* what the service said then */
};

struct az_upload;
struct az_lock;

struct az {
    struct store base;
    struct az_address address;
    struct http_client *http; /* these four are lent */
    struct azure_credential *credential;
    const char *audience;
    const struct stop *stop;
    void (*note)(void *context, const char *line);
    void *context;
    const char *tier;   /* as the header has it; NULL: the account's own */
    char id[GUID_TEXT]; /* with which the mark of what this store writes begins */
    struct az_auth auth;
    struct az_md5 md5;
    struct az_engine engine;
    size_t single;               /* AZ_SINGLE_MAX; in tests less */
    struct buf url, lines, sign; /* of the request that is being made */
    char date[AZ_DATE_TEXT];     /* of ... */
    int64_t date_second;         /* ... this second */

    struct az_upload *names[AZ_NAMES]; /* by their hash: committed and not there yet */
    size_t uploads;                    /* of them */
    uint64_t upload_bytes;             /* of all bodies that are ours */
    uint64_t upload_count;             /* so far: numbers them */
    struct az_follow *follow;          /* NULL until the first */
    struct az_lock *locks;             /* held */
    struct error broken; /* the first write that failed, or a lost lock: told from then on */
    bool lost;           /* it was a lock: nothing is written any more */

    struct {
        char name[AZ_CONTAINER_MAX + 1];
        bool immutable;
    } containers[AZ_CONTAINERS];
    size_t n_containers;
    uint64_t grace; /* clock_ns until which we may go on after an interruption; 0: none was */
    struct store *scratch; /* a local store under TMPDIR, or NULL */
};

static inline struct az *az_of(struct store *store)
{
    return (struct az *) (void *) store;
}

struct store *azure_store_open(const struct store_options *options, struct error *err);

/* --- request.c --- */

struct az_parameter {
    const char *name;
    struct str value; /* as it is, not encoded */
};

/* What is asked for. Zero or NULL: left out. Lent until az_request_make returns. */
struct az_ask {
    const char *method;
    struct az_place place; /* without rest and folder: the container; without all: the account */
    struct az_parameter
        parameters[6]; /* in order of their names, in small letters; NULL ends them */
    const unsigned char *content_md5; /* of the body */
    const unsigned char *blob_md5;    /* x-ms-blob-content-md5 */
    const char *blob_type, *tier;
    const char *lease_action, *lease_id, *proposed_lease_id;
    int lease_seconds;
    const char *if_match; /* an ETag */
    bool if_none_match;   /* *: only when it is not there */
    const char *mark;     /* x-ms-meta-weir: ours, and which of ours */
    bool ranged;          /* x-ms-range: bytes=from-to */
    uint64_t from, to;
    struct str body; /* lent until the request has ended */
};
/* Fills what goes over the wire: it lies in buffers of `az` until the next one. */
bool az_request_make(struct az *az, const struct az_ask *ask, struct http_request *out,
                     struct error *err);

/* What headers say of a blob. */
struct az_is {
    char etag[AZ_ETAG_MAX];
    char mark[AZ_MARK_MAX]; /* of weir; "": not ours */
    uint64_t size;          /* of all of it, whatever range was asked for */
    bool has_md5, append;
    bool leased;
    bool immutable; /* of a container: it has a policy or a legal hold */
    unsigned char md5[STORE_MD5];
};
void az_is_read(const struct http_response *response, struct az_is *out);

/* --- auth.c --- */

/* Reads key or SAS, or sees that the token is good; again after a refusal. May ask Key Vault and Entra ID: not
 * from a call-back. Every function of the driver that asks the service begins with it, and each wait comes back
 * to it. */
bool az_auth_ready(struct az *az, struct error *err);
void az_auth_release(struct az *az);
/* From a call-back: the service refuses what request number `number` was signed with, and says `why`. */
void az_auth_refused(struct az *az, unsigned number, const struct error *why);

/* --- engine.c: waiting --- */

/* Runs the loop until the test holds; its requests and all others proceed. The test is made when an operation ends,
 * so it is cheap. False: interrupted, or no way to sign in. */
bool az_wait_for(struct az *az, az_test_fn *test, const void *context, struct error *err);
bool az_wait(struct az *az, const bool *done, struct error *err); /* until *done */
/* Around what must be ended well: an interruption does not break it off before AZ_GRACE. */
void az_grace_begin(struct az *az);
void az_grace_end(struct az *az);
/* Does not wait: what was parked for a new key or token goes on. */
bool az_nudge(struct az *az, struct error *err);

/* One request and what came of it, for those who wait. */
struct az_once {
    const struct az_ask *ask;
    const char *doing, *name;
    enum az_lane_name lane;
    bool make_container;
    struct buf *body; /* of a 2xx answer; reset before each try; NULL: dropped */
    /* the answer's */
    int status;
    char code[AZ_CODE_MAX];
    struct az_is is;
    struct error error; /* NONE for 2xx */
    struct az_op op;
    bool done;
};
/* True when a definite answer came, good or not; else err. */
bool az_once(struct az *az, struct az_once *once, struct error *err);

/* --- write.c --- */

/* Waits until no blob of that name, or of any name when NULL, is on its way: before it is read. */
bool az_settle(struct az *az, const char *name, struct error *err);
/* False when a write failed before, or a lock is lost or cannot be renewed. */
bool az_may_write(struct az *az, struct error *err);
/* Remembers the first failure. */
void az_break(struct az *az, const struct error *why);
void az_uploads_free(struct az *az); /* those under way are dropped */

/* A blob on its way; made by az_writer_new. */
struct az_upload {
    struct store_writer base;
    struct az_upload *chain; /* of those whose names have one hash */
    struct az_op op;
    struct az_place place;
    uint64_t number;
    unsigned put, rounds;
    bool listed;    /* committed: in the table of names */
    bool protected; /* the service said that it may not be replaced */
    bool for_follow;
    bool rows; /* of a table, and for the tier: weir's own blobs are read by every run */
    unsigned char md5[STORE_MD5];
    uint64_t size; /* of the blob */
    char *body;    /* of the blob, of its next block, or the list of its blocks */
    size_t used, room;
    struct az_large *large; /* NULL while it fits in one body */
    char etag[AZ_ETAG_MAX]; /* of what it replaces; "": of nothing */
    char mark[AZ_MARK_MAX]; /* by which its own lost answer is known */
    bool *ended;            /* for who waits */
    struct error *why;
    char name[];
};
/* It is committed: numbered, and what asks for its name waits. */
void az_upload_enlist(struct az *az, struct az_upload *upload);
/* From now on it is the engine's; `ended` and `why` must be set before by who waits. */
void az_upload_start(struct az_upload *upload);
struct az_upload *az_upload_new(struct az *az, const char *name, struct error *err);
void az_upload_free(struct az_upload *upload);

/* --- lock.c --- */

/* Renews what is due. */
void az_locks_turn(struct az *az);
/* True while no lock is in doubt, so that writes may begin. */
bool az_locks_fresh(const struct az *az);
/* For tests: as if all locks had been renewed so many seconds earlier. */
void az_lock_age(struct az *az, int seconds);

/* --- follow.c --- */

/* An upload has ended: those before the follow's own are counted. `why`: how the follow's own failed. */
void az_follow_turn(struct az *az, const struct az_upload *ended, const struct error *why);
void az_follow_free(struct az *az);

/* --- open.c --- */

bool az_immutable(struct store *store, const char *name, bool *out, struct error *err);

/* --- the driver's functions; see store.h --- */
bool az_list(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
             void *context, struct error *err);
bool az_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                struct error *err);
bool az_stat(struct store *store, const char *name, uint64_t *size, struct error *err);
struct store_reader *az_reader_new(struct store *store, const char *name, struct error *err);
bool az_reader_next(struct store_reader *base, void *to, size_t room, size_t *n, struct error *err);
void az_reader_free(struct store_reader *base);
struct store_ahead *az_ahead_new(struct store *store, const struct store_wanted *wanted, size_t n,
                                 struct error *err);
bool az_ahead_next(struct store_ahead *base, size_t *index, struct str *piece, struct error *err);
void az_ahead_free(struct store_ahead *base);
struct store_writer *az_writer_new(struct store *store, const char *name, struct error *err);
bool az_writer_add(struct store_writer *base, const void *bytes, size_t n, struct error *err);
bool az_writer_commit(struct store_writer *base, unsigned put, struct store_written *out,
                      struct error *err);
void az_writer_abort(struct store_writer *base);
bool az_adopt(struct store *store, const struct store_adopted *files, size_t n, unsigned put,
              size_t *done, struct error *err);
bool az_remove(struct store *store, struct store_unwanted *blobs, size_t n, struct error *err);
bool az_sync(struct store *store, struct error *err);
bool az_follow(struct store *store, const char *name, struct buf *text, struct error *err);
enum store_follow_state az_follow_ask(struct store *store, bool wait, struct error *err);
struct store_lock *az_lock_new(struct store *store, const char *name, const char *owner,
                               struct error *err);
void az_lock_free(struct store_lock *base);

#endif
