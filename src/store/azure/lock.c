/* Locks: a lease of a minute on a blob, renewed four times a minute; docs/service.md section 4.8.
 *
 * The lease is the lock; the text in the blob only tells who: one line for people, one for us. The id of the lease
 * stands there too. So who finds a holder that died on this machine changes the lease from that id to its own: of two
 * that try, one does it, and neither can take the lease of somebody who came between.
 *
 * A process can be killed between any two requests, and the next one shall not wait for it. So the text is written
 * first and the lease taken after that: the text names the lease that is about to be, and the one that it takes over.
 * Of two that begin at once one takes the lease; it sees by the ETag whether the text is still its own.
 *
 * A lease is good while the service's answer to its last renewal is younger than FRESH. Past that no write begins
 * until it is renewed; when the service says that it is another's, or nothing good for GIVEN_UP, none begins any more.
 */
#include "store/azure/azure.h"

#include "base/host.h"
#include "base/memory.h"
#include "base/tick.h"
#include "store/azure/error.h"

#include <stdio.h>

enum {
    LEASE = 60,     /* seconds; the service's longest but for those without end */
    RENEW = 15,     /* seconds */
    GIVEN_UP = 300, /* seconds without a good renewal, after which no more is hoped for */
    FRESH = 45,     /* seconds */
    TRIES = 4,      /* that another program can spoil */
    TEXT_MAX = 2048
};

struct az_lock {
    struct store_lock base;
    struct az_lock *next;
    struct az_place place;
    char id[GUID_TEXT];
    uint64_t renewed;   /* clock_ns when the last good renewal was asked for */
    int64_t renewed_at; /* the same by the wall clock: it goes on while a machine sleeps */
    uint64_t asked;     /* clock_ns of the one under way */
    int64_t asked_at;
    bool
        fixed; /* the container is immutable: the blob stays as it is, and cannot say who holds it */
    struct az_op op;
    char name[];
};

struct holder {
    char line[TEXT_MAX];                      /* for people */
    char lease[GUID_TEXT], before[GUID_TEXT]; /* its lease, or still the one that it took over */
    struct host_process process;
};

/* --- the text --- */

static void put_text(struct buf *out, const char *owner, const char *lease, const char *before)
{
    struct host_process self;
    char since[TICK_TEXT_MAX];
    host_self(&self);
    (void) tick_format(tick_floor(tick_now(), TICK_SECOND), since);
    buf_printf(out, "%.*s on %s, process %lld, since %s\n", STORE_LOCK_OWNER_MAX, owner, self.host,
               (long long) self.pid, since);
    buf_printf(out, "lease=%s before=%s boot=%s space=%s pid=%lld began=%lld\n", lease, before,
               self.boot, self.space, (long long) self.pid, (long long) self.began);
}

static void copy(char *out, size_t room, struct str value)
{
    size_t n = value.n < room - 1 ? value.n : room - 1;
    memcpy(out, n > 0 ? value.p : "", n);
    out[n] = '\0';
}

static void read_text(struct str text, struct holder *out)
{
    struct str line, word, name;
    *out = (struct holder){.line = ""};
    if (!text.p || !str_split(&text, '\n', &line))
        return;
    copy(out->line, sizeof out->line, line);
    while (str_split(&text, ' ', &word)) {
        struct str value = str_trim(word);
        (void) str_split(&value, '=', &name);
        if (!value.p)
            continue;
        if (str_eq(name, STR("lease")))
            copy(out->lease, sizeof out->lease, value);
        else if (str_eq(name, STR("before")))
            copy(out->before, sizeof out->before, value);
        else if (str_eq(name, STR("boot")))
            copy(out->process.boot, sizeof out->process.boot, value);
        else if (str_eq(name, STR("space")))
            copy(out->process.space, sizeof out->process.space, value);
        else if (str_eq(name, STR("pid")))
            (void) str_int64(value, &out->process.pid);
        else if (str_eq(name, STR("began")))
            (void) str_int64(value, &out->process.began);
    }
}

/* --- requests --- */

static struct az_ask lease_ask(const struct az_lock *lock, const char *action)
{
    return (struct az_ask){.method = "PUT",
                           .place = lock->place,
                           .parameters = {{"comp", STR_INIT("lease")}},
                           .lease_action = action};
}

static bool once(struct az *az, const struct az_lock *lock, const struct az_ask *ask,
                 struct buf *body, struct az_once *out, struct error *err)
{
    *out = (struct az_once){.ask = ask,
                            .doing = "lock",
                            .name = lock->name,
                            .body = body,
                            .make_container = !ask->lease_id};
    return az_once(az, out, err);
}

static bool locked(const struct az *az, const char *name, const char *line, struct error *err)
{
    (void) error_set(err, ERROR_LOCKED, "%s is held by %s", name,
                     line[0] ? line : "a run that has not said who it is");
    return error_hint(
        err,
        "wait until it has ended, or stop it; when it is killed the lock is free within %d s. "
        "Lake: %s",
        LEASE, az->base.address);
}

enum taken { TAKEN, TAKEN_NOT /* something changed: try again */, TAKEN_FAILED /* err is set */ };

static enum taken failed(const struct error *why, struct error *err)
{
    (void) error_pass(err, why);
    return TAKEN_FAILED;
}

/* Our text over what `etag` is, "" for nothing; under the lease `under`, if that is not NULL. `before`: the lease that
 * ours takes over, or "". TAKEN: the text is there, and *said tells its ETag. */
static enum taken put_own(struct az *az, const struct az_lock *lock, const char *owner,
                          const char *etag, const char *under, const char *before,
                          struct az_once *said, struct error *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    unsigned char md5[STORE_MD5];
    put_text(&text, owner, lock->id, before);
    struct az_ask ask = {.method = "PUT",
                         .place = lock->place,
                         .content_md5 = md5,
                         .blob_type = "BlockBlob",
                         .lease_id = under,
                         .if_match = etag[0] ? etag : NULL,
                         .if_none_match = !etag[0],
                         .mark = az->id,
                         .body = buf_str(&text)};
    bool ok = buf_ok(&text, "the text of a lock", err) &&
              az_md5_of(&az->md5, text.bytes, text.used, md5, err) &&
              once(az, lock, &ask, NULL, said, err);
    buf_release(&text);
    if (!ok)
        return TAKEN_FAILED;
    if (said->error.code == ERROR_NONE)
        return TAKEN;
    return said->status == 409 || said->status == 412 ? TAKEN_NOT : failed(&said->error, err);
}

/* From `held` to ours, or a new lease when `held` is NULL. *said: the ETag of the blob. */
static enum taken lease(struct az *az, struct az_lock *lock, const char *held, struct az_once *said,
                        struct error *err)
{
    struct az_ask ask = lease_ask(lock, held ? "change" : "acquire");
    ask.lease_id = held;
    ask.lease_seconds = held ? 0 : LEASE;
    ask.proposed_lease_id = lock->id;
    lock->renewed = clock_ns();
    lock->renewed_at = tick_now();
    if (!once(az, lock, &ask, NULL, said, err))
        return TAKEN_FAILED;
    if (said->error.code == ERROR_NONE)
        return TAKEN;
    return said->status == 404 || said->status == 409 || said->status == 412
               ? TAKEN_NOT
               : failed(&said->error, err);
}

/* Nobody holds it: our text, then our lease. */
static enum taken take_free(struct az *az, struct az_lock *lock, const char *owner,
                            const char *etag, struct error *err)
{
    struct az_once wrote = {.done = false}, leased;
    enum taken taken = TAKEN;
    if (!lock->fixed || !etag[0])
        taken = put_own(az, lock, owner, etag, NULL, "", &wrote, err);
    if (taken == TAKEN)
        taken = lease(az, lock, NULL, &leased, err);
    if (taken != TAKEN || lock->fixed || strcmp(wrote.is.etag, leased.is.etag) == 0)
        return taken;
    /* Another has put its text between, and not got the lease. */
    taken = put_own(az, lock, owner, leased.is.etag, lock->id, "", &wrote, err);
    if (taken == TAKEN)
        return TAKEN;
    struct az_ask release = lease_ask(lock, "release");
    release.lease_id = lock->id;
    (void) once(az, lock, &release, NULL, &leased, NULL); /* else it ends by itself */
    return failed(&wrote.error, err);
}

/* Somebody holds it: one that died on this machine gives way. */
static enum taken take_over(struct az *az, struct az_lock *lock, const char *owner,
                            struct error *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct holder holder;
    struct az_once said, wrote;
    struct az_ask get = {.method = "GET", .place = lock->place};
    bool ok = once(az, lock, &get, &text, &said, err);
    bool there = ok && said.error.code == ERROR_NONE;
    read_text(there ? buf_str(&text) : STR(""), &holder);
    buf_release(&text);
    if (!there)
        return ok && said.status == 404 ? TAKEN_NOT : failed(&said.error, err);
    if (lock->fixed || !holder.lease[0] || !host_process_gone(&holder.process)) {
        (void) locked(az, lock->name, lock->fixed ? "" : holder.line, err);
        return TAKEN_FAILED;
    }
    const char *const held[] = {holder.lease, holder.before};
    enum taken taken = TAKEN_NOT;
    for (int i = 0; i < 2 && taken == TAKEN_NOT && held[i][0]; i++)
        taken = put_own(az, lock, owner, said.is.etag, held[i], held[i], &wrote, err) == TAKEN
                    ? lease(az, lock, held[i], &wrote, err)
                    : TAKEN_NOT;
    return err && err->code != ERROR_NONE ? TAKEN_FAILED : taken;
}

/* One look and one try. */
static enum taken take_once(struct az *az, struct az_lock *lock, const char *owner,
                            struct error *err)
{
    struct az_once look;
    struct az_ask head = {.method = "HEAD", .place = lock->place};
    if (!once(az, lock, &head, NULL, &look, err))
        return TAKEN_FAILED;
    if (look.status == 404)
        return take_free(az, lock, owner, "", err);
    if (look.error.code != ERROR_NONE)
        return failed(&look.error, err);
    if (!look.is.mark[0]) {
        (void) error_set(err, ERROR_EXISTS, "%s in lake %s was not written by weir", lock->name,
                         az->base.address);
        return TAKEN_FAILED;
    }
    return look.is.leased ? take_over(az, lock, owner, err)
                          : take_free(az, lock, owner, look.is.etag, err);
}

static bool take(struct az *az, struct az_lock *lock, const char *owner, struct error *err)
{
    enum taken taken = TAKEN_NOT;
    for (int i = 0; i < TRIES && taken == TAKEN_NOT; i++)
        taken = take_once(az, lock, owner, err);
    return taken == TAKEN ||
           (taken == TAKEN_NOT && locked(az, lock->name, "a run that has just begun", err));
}

/* --- renewal --- */

static struct az_lock *lock_of(struct az_op *op)
{
    return (struct az_lock *) (void *) ((char *) op - offsetof(struct az_lock, op));
}

static void ask_renew(struct az_op *op, struct az_ask *out)
{
    const struct az_lock *lock = lock_of(op);
    *out = lease_ask(lock, "renew");
    out->lease_id = lock->id;
}

/* Seconds since the renewal was asked for, by the clock that says more. */
static double age_of(const struct az_lock *lock)
{
    double mono = (double) (clock_ns() - lock->renewed) / 1e9;
    double wall = (double) (tick_now() - lock->renewed_at) / (double) TICK_SECOND;
    return wall > mono ? wall : mono;
}

static void on_renewed(struct az_op *op, const struct az_answer *answer)
{
    struct az_lock *lock = lock_of(op);
    struct az *az = op->az;
    if (answer->error.code == ERROR_NONE) {
        lock->renewed = lock->asked;
        lock->renewed_at = lock->asked_at;
        return;
    }
    struct error why = ERROR_INIT;
    if (answer->status != 404 && answer->status != 409 && answer->status != 412) {
        if (age_of(lock) < GIVEN_UP)
            return; /* the next turn asks again */
        why = answer->error;
        (void) error_prefix(&why, "the lock %s of lake %s could not be renewed for %d s",
                            lock->name, az->base.address, GIVEN_UP);
        az_break(az, &why);
        az->lost = true;
        return;
    }
    (void) error_set(&why, ERROR_LOCKED, "the lock %s of lake %s is lost: nothing more is written",
                     lock->name, az->base.address);
    (void) error_hint(
        &why,
        "this machine was away for more than %d s, or somebody broke the lease. Run the same "
        "command again: it goes on from the ledger",
        LEASE);
    az_break(az, &why);
    az->lost = true;
}

void az_locks_turn(struct az *az)
{
    for (struct az_lock *lock = az->locks; lock; lock = lock->next) {
        if (az->lost || lock->op.state != AZ_IDLE || age_of(lock) < RENEW)
            continue;
        lock->asked = clock_ns();
        lock->asked_at = tick_now();
        az_op_start(az, &lock->op);
    }
}

bool az_locks_fresh(const struct az *az)
{
    bool fresh = !az->lost;
    for (const struct az_lock *lock = az->locks; fresh && lock; lock = lock->next)
        fresh = age_of(lock) < FRESH;
    return fresh;
}

void az_lock_age(struct az *az, int seconds)
{
    for (struct az_lock *lock = az->locks; lock; lock = lock->next)
        lock->renewed_at -= seconds * TICK_SECOND;
}

/* --- the driver's --- */

struct store_lock *az_lock_new(struct store *store, const char *name, const char *owner,
                               struct error *err)
{
    struct az *az = az_of(store);
    size_t n = strlen(name);
    struct az_lock *lock = mem_alloc(1, sizeof *lock + n + 1, err);
    if (!lock)
        return NULL;
    lock->base.store = store;
    memcpy(lock->name, name, n + 1);
    lock->op = (struct az_op){.lane = AZ_CONTROL,
                              .ask = ask_renew,
                              .done = on_renewed,
                              .doing = "lock",
                              .name = lock->name,
                              .urgent = true};
    if (!az_address_place(&az->address, lock->name, &lock->place, err) ||
        !random_guid(lock->id, err) || !az_immutable(store, name, &lock->fixed, err) ||
        !take(az, lock, owner, err)) {
        mem_free(lock);
        return NULL;
    }
    lock->next = az->locks;
    az->locks = lock;
    return &lock->base;
}

/* The blob goes, and the lease with it; where it cannot go, the lease ends. */
static void give_back(struct az *az, struct az_lock *lock)
{
    struct az_once said;
    struct az_ask gone = {.method = "DELETE", .place = lock->place, .lease_id = lock->id};
    struct az_ask release = lease_ask(lock, "release");
    release.lease_id = lock->id;
    if (!lock->fixed && once(az, lock, &gone, NULL, &said, NULL) && said.error.code == ERROR_NONE)
        return;
    (void) once(az, lock, &release, NULL, &said, NULL); /* else it ends by itself */
}

void az_lock_free(struct store_lock *base)
{
    struct az_lock *lock = (struct az_lock *) (void *) base;
    struct az *az = az_of(base->store);
    struct az_lock **at = &az->locks;
    while (*at && *at != lock)
        at = &(*at)->next;
    if (*at)
        *at = lock->next;
    az_op_cancel(az, &lock->op);
    if (!az->lost) {
        az_grace_begin(az);
        give_back(az, lock);
        az_grace_end(az);
    }
    mem_free(lock);
}
