/* Opens an account or a container of it as a store; see azure.h. */
#include "store/azure/azure.h"

#include "base/memory.h"
#include "store/azure/sas.h"
#include "store/local/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { URL_MAX = 32 * 1024, LINES_MAX = 64 * 1024, SIGN_MAX = 64 * 1024 };

/* --- what a folder has and an account has not --- */

static bool az_path(const struct store *store, const char *name, struct buf *out, struct error *err)
{
    (void) out;
    return error_set(err, ERROR_INTERNAL, "%s in lake %s has no path", name, store->address);
}

/* A local store under TMPDIR gives the folder: it cleans up after killed programs as any other. */
static bool az_scratch(struct store *store, struct buf *path, struct error *err)
{
    struct az *az = az_of(store);
    char folder[512];
    struct stat is;
    const char *base = getenv("TMPDIR");
    int n = snprintf(folder, sizeof folder, "%s/weir-%ld", base && base[0] ? base : "/tmp",
                     (long) getuid());
    if (n >= (int) sizeof folder)
        return error_set(err, ERROR_SETTINGS, "TMPDIR is too long");
    (void) mkdir(folder, 0700);
    if (lstat(folder, &is) != 0 || !S_ISDIR(is.st_mode) || is.st_uid != getuid() ||
        (is.st_mode & 077) != 0) {
        (void) error_set(err, ERROR_IO, "%s is not a private folder of this user", folder);
        return error_hint(err,
                          "rows are sorted there on their way; name another place with TMPDIR");
    }
    if (!az->scratch)
        az->scratch = local_open(folder, err);
    return az->scratch && store_scratch(az->scratch, path, err);
}

/* --- what the service says of a container --- */

static bool ask_immutable(struct az *az, struct str container, bool *out, struct error *err)
{
    struct az_ask ask = {.method = "HEAD",
                         .place = {.container = container},
                         .parameters = {{"restype", STR_INIT("container")}}};
    struct az_once once = {.ask = &ask, .doing = "read the properties of", .name = "its container"};
    *out = false;
    if (!az_once(az, &once, err))
        return false;
    if (once.status == 404)
        return true;
    /* A container's signature does not allow the question: then a refused write tells. */
    if (once.status == 403 && az->auth.sas_reference)
        return true;
    if (once.error.code != ERROR_NONE)
        return error_pass(err, &once.error);
    *out = once.is.immutable;
    return true;
}

bool az_immutable(struct store *store, const char *name, bool *out, struct error *err)
{
    struct az *az = az_of(store);
    struct az_place place;
    if (!az_address_place(&az->address, name, &place, err))
        return false;
    for (size_t i = 0; i < az->n_containers; i++) {
        if (!str_eq(place.container, str_of(az->containers[i].name)))
            continue;
        *out = az->containers[i].immutable;
        return true;
    }
    if (!ask_immutable(az, place.container, out, err))
        return false;
    if (az->n_containers < AZ_CONTAINERS) {
        memcpy(az->containers[az->n_containers].name, place.container.p, place.container.n);
        az->containers[az->n_containers++].immutable = *out;
    }
    return true;
}

static bool az_access(struct store *store, struct store_access *out, struct error *err)
{
    struct az *az = az_of(store);
    *out = (struct store_access){.by = az->auth.key_reference ? "key" : "token"};
    if (!az->auth.sas_reference)
        return !az->auth.key_reference || az_auth_ready(az, err);
    struct az_sas sas;
    struct buf lacks = BUF_INIT(sizeof out->lacks);
    out->by = "sas";
    bool ok = az_auth_ready(az, err) && az_sas_parse(secret_str(&az->auth.sas), &sas, err);
    if (ok) {
        out->until = sas.end;
        az_sas_lacks(&sas, &lacks);
        (void) snprintf(out->lacks, sizeof out->lacks, "%s", buf_text(&lacks));
    }
    buf_release(&lacks);
    return ok;
}

/* --- opening --- */

static void az_free(struct store *store)
{
    struct az *az = az_of(store);
    az_follow_free(az);
    az_uploads_free(az);
    az_engine_release(az);
    az_auth_release(az);
    az_md5_release(&az->md5);
    buf_release(&az->url);
    buf_release(&az->lines);
    buf_release(&az->sign);
    store_free(az->scratch);
    mem_free(store->address);
    mem_free(az);
}

static bool take_tier(struct az *az, const char *tier, struct error *err)
{
    static const char *const names[][2] = {
        {"hot", "Hot"}, {"cool", "Cool"}, {"cold", "Cold"}, {"archive", "Archive"}};
    for (size_t i = 0; tier && i < sizeof names / sizeof *names; i++)
        if (strcmp(tier, names[i][0]) == 0)
            az->tier = names[i][1];
    return !tier || az->tier ||
           error_set(err, ERROR_SETTINGS, "'%.40s' is no tier: hot, cool, cold, archive", tier);
}

/* One reference, or none. */
static bool take_reference(const char *reference, char **out, struct error *err)
{
    if (!reference)
        return true;
    if (!azure_secret_check(reference, err))
        return false;
    *out = mem_copy(reference, strlen(reference), err);
    return *out != NULL;
}

/* A token opens all that its owner may see, so it goes to no other host than the cloud's own; an address with a
 * typing error must not get one. */
static bool check_host(const struct az *az, const struct azure_cloud *cloud, struct error *err)
{
    static const char zone[] = ".storage.azure.net"; /* NAME.z01.blob.storage.azure.net */
    const char *host = strstr(az->address.base, "://") + strlen("://");
    struct str whole = {host, strcspn(host, ":/")}, suffix = str_of(cloud->blob_suffix);
    if (az->address.path_style || str_ends(whole, (struct str){zone, sizeof zone - 1}) ||
        (str_ends(whole, suffix) && whole.n > suffix.n && whole.p[whole.n - suffix.n - 1] == '.'))
        return true;
    (void) error_set(err, ERROR_SETTINGS,
                     "lake %s is not in the cloud '%s' (%s): it is sent no token", az->address.base,
                     cloud->name, cloud->blob_suffix);
    return error_hint(
        err, "is the address right? Other clouds are set with cloud (public, usgovernment, china); "
             "elsewhere storage-key and storage-sas sign in");
}

static bool take_options(struct az *az, const struct store_options *options, struct error *err)
{
    if (!options->http)
        return error_set(err, ERROR_INTERNAL, "a remote lake needs a network client");
    if (options->key && options->sas)
        return error_set(err, ERROR_SETTINGS,
                         "storage-key and storage-sas are given both: one is enough");
    if (!options->key && !options->sas && !options->credential)
        return error_set(err, ERROR_INTERNAL, "a remote lake needs a credential");
    const struct azure_cloud *cloud = options->cloud ? options->cloud : azure_cloud_find("public");
    if (!cloud)
        return error_set(err, ERROR_INTERNAL, "there is no public cloud");
    if (!options->key && !options->sas && !check_host(az, cloud, err))
        return false;
    az->http = options->http;
    az->credential = options->credential;
    az->audience = cloud->storage_audience;
    az->stop = options->stop;
    az->note = options->note;
    az->context = options->context;
    return take_tier(az, options->tier, err) &&
           take_reference(options->key, &az->auth.key_reference, err) &&
           take_reference(options->sas, &az->auth.sas_reference, err);
}

static char *shown_address(const struct az_address *address, struct error *err)
{
    struct buf text = BUF_INIT(AZ_BASE_MAX + AZ_CONTAINER_MAX + AZ_FOLDER_MAX + 3);
    buf_puts(&text, address->base);
    if (address->container[0])
        buf_printf(&text, "/%s", address->container);
    if (address->folder[0])
        buf_printf(&text, "/%s", address->folder);
    char *out = buf_take(&text);
    if (!out)
        (void) error_set(err, ERROR_MEMORY, "no memory for an address");
    return out;
}

static bool prepare(struct az *az, const struct store_options *options, struct error *err)
{
    uint64_t seed;
    az->single = AZ_SINGLE_MAX;
    buf_init(&az->url, URL_MAX);
    buf_init(&az->lines, LINES_MAX);
    buf_init(&az->sign, SIGN_MAX);
    if (!az_address_parse(options->address, &az->address, err) || !take_options(az, options, err) ||
        !random_guid(az->id, err) || !random_secret(&seed, sizeof seed, err) ||
        !az_md5_init(&az->md5, err))
        return false;
    az->base.address = shown_address(&az->address, err);
    az_engine_init(&az->engine, seed);
    return az->base.address != NULL;
}

struct store *azure_store_open(const struct store_options *options, struct error *err)
{
    static const struct store_driver driver = {
        .free = az_free,
        .list = az_list,
        .folders = az_folders,
        .stat = az_stat,
        .remove = az_remove,
        .sync = az_sync,
        .path = az_path,
        .scratch = az_scratch,
        .reader_new = az_reader_new,
        .reader_next = az_reader_next,
        .reader_free = az_reader_free,
        .writer_new = az_writer_new,
        .writer_add = az_writer_add,
        .writer_commit = az_writer_commit,
        .writer_abort = az_writer_abort,
        .adopt = az_adopt,
        .follow = az_follow,
        .follow_ask = az_follow_ask,
        .ahead_new = az_ahead_new,
        .ahead_next = az_ahead_next,
        .ahead_free = az_ahead_free,
        .lock_new = az_lock_new,
        .lock_free = az_lock_free,
        .immutable = az_immutable,
        .access = az_access,
    };
    struct az *az = mem_alloc(1, sizeof *az, err);
    if (!az)
        return NULL;
    az->base.driver = &driver;
    az->base.remote = true;
    if (prepare(az, options, err))
        return &az->base;
    az_free(&az->base);
    return NULL;
}
