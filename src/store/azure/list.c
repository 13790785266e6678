/* Lists containers: flat, in pages, several prefixes at once; see store.h.
 *
 * Each prefix is a job. The first AZ_LISTS_MAX jobs that have not ended are under way, each with one page in memory;
 * the caller is given the pages of the first job, then those of the second, and so on. What is given is copied out of
 * the XML first, so that the call-back may ask the store itself.
 */
#include "store/azure/azure.h"

#include "base/memory.h"
#include "store/azure/error.h"
#include "store/azure/listing.h"

enum { CONTAINERS_MAX = 5000 };

struct job {
    struct az_op op;
    struct az *az;
    struct az_place place; /* of the container; the account when it is empty */
    char *prefix;          /* of blobs in it; owned */
    bool delimited;        /* folders are wanted, not what is below them */
    struct az_listing *listing;
    struct buf entries; /* struct az_listed and its name, packed */
    char marker[AZ_MARKER_MAX + 1];
    bool begun, ready;
    struct error error;
};

struct jobs {
    struct job *v;
    size_t n, room;
};

/* --- a page --- */

static bool keep(void *context, const struct az_listed *listed, struct error *err)
{
    struct job *job = context;
    if (listed->folder != job->delimited && job->place.container.n > 0)
        return true; /* a directory of a hierarchical namespace, or a blob where folders are wanted */
    buf_put(&job->entries, listed, sizeof *listed);
    buf_put_str(&job->entries, listed->name);
    return buf_ok(&job->entries, "a page of a listing", err);
}

static struct job *job_of(struct az_op *op)
{
    return (struct job *) (void *) op;
}

static void ask_page(struct az_op *op, struct az_ask *out)
{
    const struct job *job = job_of(op);
    *out = (struct az_ask){.method = "GET", .place.container = job->place.container};
    struct az_parameter *at = out->parameters;
    *at++ = (struct az_parameter){"comp", STR("list")};
    if (job->delimited && job->place.container.n > 0)
        *at++ = (struct az_parameter){"delimiter", STR("/")};
    if (job->marker[0])
        *at++ = (struct az_parameter){"marker", str_of(job->marker)};
    if (job->prefix[0])
        *at++ = (struct az_parameter){"prefix", str_of(job->prefix)};
    if (job->place.container.n > 0)
        *at++ = (struct az_parameter){"restype", STR("container")};
}

static void again_page(struct az_op *op)
{
    struct job *job = job_of(op);
    buf_reset(&job->entries);
    (void) az_listing_reset(job->listing, &job->error);
}

static bool take_page(struct az_op *op, const char *bytes, size_t n, struct error *err)
{
    return az_listing_add(job_of(op)->listing, bytes, n, err);
}

/* The next page, unless that is the one that was asked for: a list that goes in a circle has no end. */
static void go_on(struct job *job, const char *marker)
{
    if (marker[0] && strcmp(marker, job->marker) == 0)
        (void) error_set(&job->error, ERROR_FORMAT,
                         "the listing of lake %s does not go on: its next page is the same",
                         job->az->base.address);
    memcpy(job->marker, marker, strlen(marker) + 1);
}

static void on_page(struct az_op *op, const struct az_answer *answer)
{
    struct job *job = job_of(op);
    const char *marker = "";
    job->ready = true;
    if (az_says_missing(answer))
        buf_reset(&job->entries); /* no such container: nothing is in it */
    else if (answer->error.code != ERROR_NONE)
        (void) error_pass(&job->error, &answer->error);
    else if (!az_listing_end(job->listing, &marker, &job->error))
        marker = "";
    go_on(job, marker);
}

static bool begin_page(struct job *job, struct error *err)
{
    if (!job->listing && !(job->listing = az_listing_new(keep, job, err)))
        return false;
    job->begun = true;
    job->ready = false;
    job->op = (struct az_op){.lane = AZ_READ,
                             .ask = ask_page,
                             .take = take_page,
                             .again = again_page,
                             .done = on_page,
                             .doing = "list",
                             .name = job->prefix};
    az_op_start(job->az, &job->op);
    return true;
}

/* --- jobs --- */

static void job_release(struct job *job)
{
    if (job->begun)
        az_op_cancel(job->az, &job->op);
    az_listing_free(job->listing);
    buf_release(&job->entries);
    mem_free(job->prefix);
    *job = (struct job){.prefix = NULL};
}

static void jobs_release(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->n; i++)
        job_release(&jobs->v[i]);
    mem_free(jobs->v);
}

/* container: lent; prefix: with its folder, a slash behind it unless it is empty. */
static bool jobs_add(struct jobs *jobs, struct az *az, struct str container, struct str folder,
                     struct str prefix, struct error *err)
{
    struct buf text = BUF_INIT(2 * STORE_NAME_MAX);
    buf_put_str(&text, folder);
    if (folder.n > 0)
        buf_putc(&text, '/');
    buf_put_str(&text, prefix);
    if (prefix.n > 0)
        buf_putc(&text, '/');
    if (!buf_ok(&text, "a prefix", err) ||
        !mem_reserve(&jobs->v, &jobs->room, jobs->n, STORE_LIST_MAX + CONTAINERS_MAX,
                     sizeof *jobs->v, err)) {
        buf_release(&text);
        return false;
    }
    char *owned = buf_take(&text);
    if (!owned)
        return error_set(err, ERROR_MEMORY, "no memory for a prefix");
    jobs->v[jobs->n++] = (struct job){.az = az, .place.container = container, .prefix = owned};
    buf_init(&jobs->v[jobs->n - 1].entries, AZ_PAGE_MAX);
    return true;
}

/* --- giving --- */

/* Told about each entry of a page; `container` is that of the job. */
typedef bool give_fn(void *context, const struct job *job, const struct az_listed *listed,
                     struct error *err);

static bool give_page(struct job *job, give_fn *fn, void *context, struct error *err)
{
    struct str rest = buf_str(&job->entries);
    while (rest.n > 0) {
        struct az_listed listed;
        memcpy(&listed, rest.p, sizeof listed);
        listed.name.p = rest.p + sizeof listed;
        rest.p += sizeof listed + listed.name.n;
        rest.n -= sizeof listed + listed.name.n;
        if (!fn(context, job, &listed, err))
            return false;
    }
    return true;
}

/* All jobs in order, the next ones under way meanwhile. */
static bool run_jobs(struct az *az, struct jobs *jobs, give_fn *fn, void *context,
                     struct error *err)
{
    for (size_t at = 0; at < jobs->n;) {
        struct job *job = &jobs->v[at];
        for (size_t i = at; i < jobs->n && i < at + AZ_LISTS_MAX; i++)
            if (!jobs->v[i].begun && !begin_page(&jobs->v[i], err))
                return false;
        if (!az_wait(az, &job->ready, err))
            return false;
        if (job->error.code != ERROR_NONE)
            return error_pass(err, &job->error);
        if (!give_page(job, fn, context, err))
            return false;
        if (job->marker[0] == '\0') {
            job_release(job);
            at++;
        } else if (!begin_page(job, err))
            return false;
    }
    return true;
}

/* --- containers --- */

static bool add_name(void *context, const struct job *job, const struct az_listed *listed,
                     struct error *err)
{
    struct buf *names = context;
    (void) job;
    if (az_container_ok(listed->name)) { /* $logs and such are none of ours */
        buf_put_str(names, listed->name);
        buf_putc(names, '\0');
    }
    return buf_ok(names, "the names of the containers", err);
}

/* The containers that this lake has, in order, each with a NUL behind it. */
static bool list_containers(struct az *az, struct buf *names, struct error *err)
{
    struct jobs jobs = {0};
    if (az->address.table) {
        const char *first = az->address.container;
        buf_put(names, first, strlen(first) + 1);
        buf_put(names, AZ_OWN_CONTAINER, sizeof AZ_OWN_CONTAINER);
        return buf_ok(names, "the names of the containers", err);
    }
    bool ok = jobs_add(&jobs, az, STR(""), STR(""), STR(""), err) &&
              run_jobs(az, &jobs, add_name, names, err);
    jobs_release(&jobs);
    return ok;
}

static bool in_account(const struct az *az)
{
    return az->address.container[0] == '\0' || az->address.table;
}

/* --- blobs --- */

struct giving {
    struct az *az;
    store_list_fn *blob;
    store_folder_fn *folder;
    void *context;
    struct buf name;
};

/* What cannot be a name of the store is no part of a lake. */
static bool name_ok(struct str name)
{
    static const struct str own = STR_INIT(AZ_TEMPORARY "/");
    struct str rest = name, part;
    if (name.n > STORE_NAME_MAX || str_starts(name, own))
        return false;
    while (str_split(&rest, '/', &part))
        if (!store_part_ok(part))
            return false;
    return true;
}

static bool give_blob(void *context, const struct job *job, const struct az_listed *listed,
                      struct error *err)
{
    struct giving *giving = context;
    struct str name = listed->name;
    size_t skip = strlen(giving->az->address.folder);
    buf_reset(&giving->name);
    if (in_account(giving->az)) {
        buf_put_str(&giving->name, job->place.container);
        buf_putc(&giving->name, '/');
    } else if (skip > 0 && name.n > skip) {
        name.p += skip + 1;
        name.n -= skip + 1;
    }
    buf_put_str(&giving->name, name);
    if (giving->name.failed || !name_ok(buf_str(&giving->name)))
        return true;
    return giving->blob(giving->context,
                        &(struct store_blob){.name = buf_str(&giving->name),
                                             .size = listed->size,
                                             .modified = listed->modified,
                                             .version = listed->version,
                                             .created = listed->created,
                                             .md5 = listed->has_md5 ? listed->md5 : NULL,
                                             .append = listed->append},
                        err);
}

/* One prefix of the caller's: a job, or one for each container. */
static bool add_prefix(struct az *az, struct jobs *jobs, struct buf *containers, const char *prefix,
                       struct error *err)
{
    struct az_place place;
    if (!in_account(az))
        return jobs_add(jobs, az, str_of(az->address.container), str_of(az->address.folder),
                        str_of(prefix), err);
    if (prefix[0] != '\0')
        return az_address_place(&az->address, prefix, &place, err) &&
               jobs_add(jobs, az, place.container, place.folder, place.rest, err);
    if (containers->used == 0 && !list_containers(az, containers, err))
        return false;
    const char *at = buf_text(containers), *end = at + containers->used;
    for (; at < end; at += strlen(at) + 1)
        if (!jobs_add(jobs, az, str_of(at), STR(""), STR(""), err))
            return false;
    return true;
}

bool az_list(struct store *store, const char *const *prefixes, size_t n, store_list_fn *fn,
             void *context, struct error *err)
{
    struct az *az = az_of(store);
    struct jobs jobs = {0};
    struct buf containers = BUF_INIT(CONTAINERS_MAX * (AZ_CONTAINER_MAX + 1));
    struct giving giving = {.az = az, .blob = fn, .context = context};
    buf_init(&giving.name, 2 * STORE_NAME_MAX);
    bool ok = az_settle(az, NULL, err) && az_nudge(az, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_prefix(az, &jobs, &containers, prefixes[i], err);
    ok = ok && run_jobs(az, &jobs, give_blob, &giving, err);
    jobs_release(&jobs);
    buf_release(&containers);
    buf_release(&giving.name);
    return ok;
}

/* --- folders --- */

static bool give_folder(void *context, const struct job *job, const struct az_listed *listed,
                        struct error *err)
{
    const struct giving *giving = context;
    struct str name = listed->name;
    size_t skip = strlen(job->prefix);
    if (name.n > 0 && name.p[name.n - 1] == '/')
        name.n--;
    if (name.n <= skip)
        return true;
    name.p += skip;
    name.n -= skip;
    return !store_part_ok(name) || giving->folder(giving->context, name, err);
}

static bool give_containers(struct az *az, const struct giving *giving, struct error *err)
{
    struct buf names = BUF_INIT(CONTAINERS_MAX * (AZ_CONTAINER_MAX + 1));
    bool ok = list_containers(az, &names, err);
    const char *at = buf_text(&names), *end = at + names.used;
    for (; ok && at < end; at += strlen(at) + 1)
        ok = giving->folder(giving->context, str_of(at), err);
    buf_release(&names);
    return ok;
}

bool az_folders(struct store *store, const char *prefix, store_folder_fn *fn, void *context,
                struct error *err)
{
    struct az *az = az_of(store);
    struct jobs jobs = {0};
    struct giving giving = {.az = az, .folder = fn, .context = context};
    if (!az_settle(az, NULL, err) || !az_nudge(az, err))
        return false;
    if (in_account(az) && prefix[0] == '\0')
        return give_containers(az, &giving, err);
    bool ok = add_prefix(az, &jobs, NULL, prefix, err);
    if (ok) {
        jobs.v[0].delimited = true;
        ok = run_jobs(az, &jobs, give_folder, &giving, err);
    }
    jobs_release(&jobs);
    return ok;
}
