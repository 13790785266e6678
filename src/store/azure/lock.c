/* Locks: a lease of a minute on a blob, renewed four times a minute; docs/service.md section 4.8.
 *
 * The lease is the lock; the text in the blob only tells who: one line for people, one for us. The id of the lease
 * stands there too. So who finds a holder that died on this machine changes the lease from that id to its own, in
 * one step: of two that try, one does it, and neither can take the lease of somebody who came between.
 *
 * A lease is good while the service's answer to its last renewal is younger than FRESH. Past that no write begins
 * until it is renewed; when the service says that it is another's, none begins any more.
 */
#include "store/azure/azure.h"

#include "base/host.h"
#include "base/memory.h"
#include "base/tick.h"
#include "store/azure/error.h"

#include <stdio.h>

enum {
    LEASE = 60, /* seconds; the service's longest but for those without end */
    RENEW = 15, /* seconds */
    FRESH = 45, /* seconds */
    TRIES = 4,  /* that another program can spoil */
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
    char line[TEXT_MAX]; /* for people */
    char lease[GUID_TEXT];
    struct host_process process;
};

/* --- the text --- */

static void put_text(struct buf *out, const char *owner, const char *lease)
{
    struct host_process self;
    char since[TICK_TEXT_MAX];
    host_self(&self);
    (void) tick_format(tick_floor(tick_now(), TICK_SECOND), since);
    buf_printf(out, "%.*s on %s, process %lld, since %s\n", STORE_LOCK_OWNER_MAX, owner, self.host,
               (long long) self.pid, since);
    buf_printf(out, "lease=%s boot=%s space=%s pid=%lld began=%lld\n", lease, self.boot, self.space,
               (long long) self.pid, (long long) self.began);
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

static void note_renewed(struct az_lock *lock, uint64_t asked, int64_t asked_at)
{
    lock->renewed = asked;
    lock->renewed_at = asked_at;
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

enum taken { TAKEN, TAKEN_NOT, TAKEN_BY_OTHER, TAKEN_FAILED /* err is set */ };

/* Leases the blob as it is. TAKEN_NOT: it is not there. */
static enum taken acquire(struct az *az, struct az_lock *lock, struct error *err)
{
    struct az_once said;
    struct az_ask ask = lease_ask(lock, "acquire");
    ask.lease_seconds = LEASE;
    ask.proposed_lease_id = lock->id;
    uint64_t asked = clock_ns();
    int64_t asked_at = tick_now();
    if (!once(az, lock, &ask, NULL, &said, err))
        return TAKEN_FAILED;
    note_renewed(lock, asked, asked_at);
    if (said.error.code == ERROR_NONE)
        return TAKEN;
    if (said.status == 404)
        return TAKEN_NOT;
    if (strcmp(said.code, "LeaseAlreadyPresent") == 0)
        return TAKEN_BY_OTHER;
    (void) error_pass(err, &said.error);
    return TAKEN_FAILED;
}

/* Puts the text: as a new blob to be leased, or under our lease over the one that is there. */
static bool put_blob(struct az *az, const struct az_lock *lock, const char *owner, bool new,
                     struct az_once *said, struct error *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    unsigned char md5[STORE_MD5];
    put_text(&text, owner, lock->id);
    az_md5_begin(&az->md5);
    az_md5_add(&az->md5, text.bytes, text.used);
    struct az_ask ask = {.method = "PUT",
                         .place = lock->place,
                         .content_md5 = md5,
                         .blob_type = "BlockBlob",
                         .lease_id = new ? NULL : lock->id,
                         .if_none_match = new,
                         .mark = az->id,
                         .body = buf_str(&text)};
    bool ok = buf_ok(&text, "the text of a lock", err) && az_md5_end(&az->md5, md5, err) &&
              once(az, lock, &ask, NULL, said, err);
    buf_release(&text);
    return ok;
}

/* A blob to lease, where there is none. Another run may be quicker. */
static bool make_blob(struct az *az, const struct az_lock *lock, const char *owner,
                      struct error *err)
{
    struct az_once said;
    if (!put_blob(az, lock, owner, true, &said, err))
        return false;
    return said.error.code == ERROR_NONE || said.status == 409 || said.status == 412 ||
           error_pass(err, &said.error);
}

/* Who holds it, as the blob says. False: it is gone (err is clear), or err. */
static bool read_holder(struct az *az, const struct az_lock *lock, struct holder *out,
                        struct error *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct az_once said;
    struct az_ask get = {.method = "GET", .place = lock->place};
    bool ok = once(az, lock, &get, &text, &said, err);
    read_text(ok && said.error.code == ERROR_NONE ? buf_str(&text) : STR(""), out);
    buf_release(&text);
    return ok && said.status != 404;
}

/* Somebody holds it: one that died on this machine gives way. TAKEN_NOT: it is gone meanwhile. */
static enum taken take_over(struct az *az, struct az_lock *lock, struct error *err)
{
    struct error why = ERROR_INIT;
    struct holder holder;
    struct az_once said;
    if (!read_holder(az, lock, &holder, &why)) {
        (void) error_pass(err, &why);
        return why.code == ERROR_NONE ? TAKEN_NOT : TAKEN_FAILED;
    }
    if (lock->fixed || !holder.lease[0] || !host_process_gone(&holder.process)) {
        (void) locked(az, lock->name, lock->fixed ? "" : holder.line, err);
        return TAKEN_FAILED;
    }
    struct az_ask change = lease_ask(lock, "change");
    change.lease_id = holder.lease;
    change.proposed_lease_id = lock->id;
    uint64_t asked = clock_ns();
    int64_t asked_at = tick_now();
    if (!once(az, lock, &change, NULL, &said, err))
        return TAKEN_FAILED;
    note_renewed(lock, asked, asked_at);
    if (said.error.code == ERROR_NONE)
        return TAKEN;
    if (said.status == 404)
        return TAKEN_NOT;
    if (said.status == 409)
        (void) locked(az, lock->name, "a run that has just begun", err);
    (void) error_pass(err, &said.error);
    return TAKEN_FAILED;
}

/* Says who holds it now. A blob that nobody may replace keeps its old text: the lease holds all the same. */
static bool write_text(struct az *az, const struct az_lock *lock, const char *owner,
                       struct error *err)
{
    struct az_once look, wrote;
    struct az_ask head = {.method = "HEAD", .place = lock->place};
    if (!once(az, lock, &head, NULL, &look, err))
        return false;
    if (look.error.code != ERROR_NONE)
        return error_pass(err, &look.error);
    if (!look.is.mark[0])
        return error_set(err, ERROR_EXISTS, "%s in lake %s was not written by weir", lock->name,
                         az->base.address);
    if (lock->fixed)
        return true;
    if (!put_blob(az, lock, owner, false, &wrote, err))
        return false;
    return wrote.error.code == ERROR_NONE ||
           strncmp(wrote.code, "BlobImmutable", strlen("BlobImmutable")) == 0 ||
           error_pass(err, &wrote.error);
}

static bool take(struct az *az, struct az_lock *lock, const char *owner, struct error *err)
{
    for (int i = 0; i < TRIES; i++) {
        enum taken taken = acquire(az, lock, err);
        if (taken == TAKEN_BY_OTHER)
            taken = take_over(az, lock, err);
        else if (taken == TAKEN_NOT && !make_blob(az, lock, owner, err))
            return false;
        if (taken != TAKEN_NOT)
            return taken == TAKEN;
    }
    return error_set(err, ERROR_LOCKED, "%s in lake %s keeps changing", lock->name,
                     az->base.address);
}

/* --- renewal --- */

static void ask_renew(struct az_op *op, struct az_ask *out)
{
    const struct az_lock *lock =
        (struct az_lock *) (void *) ((char *) op - offsetof(struct az_lock, op));
    *out = lease_ask(lock, "renew");
    out->lease_id = lock->id;
}

static void on_renewed(struct az_op *op, const struct az_answer *answer)
{
    struct az_lock *lock = (struct az_lock *) (void *) ((char *) op - offsetof(struct az_lock, op));
    struct az *az = op->az;
    if (answer->error.code == ERROR_NONE) {
        note_renewed(lock, lock->asked, lock->asked_at);
        return;
    }
    if (answer->status != 404 && answer->status != 409 && answer->status != 412)
        return; /* the next turn asks again */
    struct error why = ERROR_INIT;
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

/* Seconds since the renewal was asked for, by the clock that says more. */
static double age_of(const struct az_lock *lock)
{
    double mono = (double) (clock_ns() - lock->renewed) / 1e9;
    double wall = (double) (tick_now() - lock->renewed_at) / (double) TICK_SECOND;
    return wall > mono ? wall : mono;
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
    if (write_text(az, lock, owner, err))
        return &lock->base;
    az_lock_free(&lock->base);
    return NULL;
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
