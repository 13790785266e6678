/* Addresses: see address.h. */
#include "store/azure/address.h"

#include "store/driver.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool forms(struct error *err)
{
    return error_hint(
        err, "an address of Azure Storage is https://NAME.blob.core.windows.net, the same with "
             "/CONTAINER behind it, or abfss://CONTAINER@NAME.dfs.core.windows.net; anything "
             "without :// is a folder");
}

/* What stands before an '@' may be a user name with a password; in abfss:// it is a container. */
static bool may_be_shown(const char *text)
{
    const char *authority = strstr(text, "://");
    if (!authority)
        return true;
    struct str rest = {authority + 3, strcspn(authority + 3, "/?#")};
    const char *at = memchr(rest.p, '@', rest.n);
    return !at || (strncmp(text, "abfss", 5) == 0 && !memchr(rest.p, ':', (size_t) (at - rest.p)));
}

static bool refuse(const char *text, const char *why, struct error *err)
{
    text = may_be_shown(text) ? text : "https://...";
    int n = (int) strcspn(text, "?#");
    (void) error_set(err, ERROR_SETTINGS, "lake '%.*s': %s", n < AZ_BASE_MAX ? n : AZ_BASE_MAX,
                     text, why);
    return err && err->hint[0] ? false : forms(err);
}

/* --- what was meant --- */

static bool holds(struct str text, const char *word)
{
    size_t n = strlen(word);
    for (size_t at = 0; at + n <= text.n; at++)
        if (str_eq_case((struct str){text.p + at, n}, str_of(word)))
            return true;
    return false;
}

/* `rest` stands behind the scheme. What is before a ':' and '@' may be a user name with a password: not shown. */
static bool did_you_mean(const char *scheme, const char *rest, struct error *err)
{
    struct str host = {rest, strcspn(rest, "/?#")};
    struct str path = {rest + host.n, strcspn(rest + host.n, "?#")}, container = {0};
    if (memchr(host.p, '@', host.n))
        (void) str_split(&host, '@', &container);
    if (host.n == 0 || host.n + container.n + path.n > AZ_BASE_MAX ||
        (container.n > 0 && memchr(container.p, ':', container.n)) || memchr(host.p, '@', host.n))
        (void) error_set(err, ERROR_SETTINGS, "the address of the lake is mistyped");
    else if (container.n > 0 && holds(host, ".blob."))
        (void) error_set(err, ERROR_SETTINGS,
                         "the address of the lake is mistyped: did you mean https://%.*s/%.*s%.*s?",
                         (int) host.n, host.p, (int) container.n, container.p, (int) path.n,
                         path.p);
    else
        (void) error_set(err, ERROR_SETTINGS,
                         "the address of the lake is mistyped: did you mean %s://%.*s%s%.*s%.*s?",
                         container.n > 0 ? "abfss" : scheme, (int) container.n, container.p,
                         container.n > 0 ? "@" : "", (int) host.n, host.p, (int) path.n, path.p);
    return forms(err);
}

/* The scheme that was meant, and what stands behind it; NULL: none that weir could know. */
static const char *scheme_of(const char *text, const char **rest)
{
    static const char *const known[] = {"https", "http", "abfss", "abfs", "wasbs", "wasb"};
    size_t n = strcspn(text, ":/\\");
    *rest = text + n + strspn(text + n, ":/\\");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq_case((struct str){text, n}, str_of(known[i])))
            return strcmp(known[i], "http") == 0 ? "http" : "https";
    return NULL;
}

bool az_address_is_folder(const char *text, struct error *err)
{
    static const char *const hosts[] = {".blob.core.",
                                        ".dfs.core.",
                                        ".core.windows.net",
                                        ".core.usgovcloudapi.net",
                                        ".core.chinacloudapi.cn",
                                        ".storage.azure.net"};
    const char *rest, *scheme = scheme_of(text, &rest);
    const char *behind = text + strcspn(text, ":/\\");
    if (scheme && (behind[0] == ':' || strncmp(behind, "//", 2) == 0 ||
                   (behind[0] == '/' && strcmp(scheme, "https") == 0)))
        return did_you_mean(scheme, rest, err);
    struct str first = {text, strcspn(text, "/")};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (holds(first, hosts[i]))
            return did_you_mean("https", text, err);
    return true;
}

/* --- taking it apart --- */

/* Splits "scheme://authority/path"; path without slashes around. */
struct parts {
    struct str scheme, user, host, port, path;
};

static bool split(const char *text, struct parts *out)
{
    const char *colon = strstr(text, "://");
    if (!colon)
        return false;
    *out = (struct parts){.scheme = {text, (size_t) (colon - text)}};
    const char *at = colon + 3;
    size_t n = strcspn(at, "/");
    struct str authority = {at, n};
    out->path = str_of(at + n);
    while (out->path.n > 0 && out->path.p[0] == '/') {
        out->path.p++;
        out->path.n--;
    }
    while (out->path.n > 0 && out->path.p[out->path.n - 1] == '/')
        out->path.n--;
    const char *user = memchr(authority.p, '@', authority.n);
    if (user) {
        out->user = (struct str){authority.p, (size_t) (user - authority.p)};
        authority.n -= out->user.n + 1;
        authority.p = user + 1;
    }
    const char *end =
        authority.n > 0 && authority.p[0] == '[' ? memchr(authority.p, ']', authority.n) : NULL;
    size_t from = end ? (size_t) (end - authority.p) : 0;
    const char *port = memchr(authority.p + from, ':', authority.n - from);
    out->host = authority;
    if (port) {
        out->host.n = (size_t) (port - authority.p);
        out->port = (struct str){port + 1, authority.n - out->host.n - 1};
    }
    return out->host.n > 0;
}

static bool host_ok(struct str host)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.[]:";
    for (size_t i = 0; i < host.n; i++)
        if (!memchr(letters, host.p[i], sizeof letters - 1))
            return false;
    return true;
}

/* The account is the path's first part where the host cannot tell it. */
static bool is_path_style(struct str host)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    if (host.p[0] == '[' || !memchr(host.p, '.', host.n))
        return true;
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(AF_INET, text, &v4) == 1;
}

bool az_container_ok(struct str name)
{
    if (name.n < AZ_CONTAINER_MIN || name.n > AZ_CONTAINER_MAX || name.p[0] == '-' ||
        name.p[name.n - 1] == '-')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool dash = c == '-' && name.p[i - 1] != '-';
        if (!dash && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

static bool copy(char *to, size_t room, struct str from)
{
    if (from.n >= room)
        return false;
    memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return true;
}

static bool account_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && !(name.p[i] >= '0' && name.p[i] <= '9') &&
            name.p[i] != '-')
            return false;
    return name.n > 0 && name.n <= AZ_ACCOUNT_MAX;
}

/* The Blob endpoint of the host, and the account's name. */
static const char *take_host(const struct parts *parts, struct az_address *out)
{
    const char *dot = memchr(parts->host.p, '.', parts->host.n);
    struct str label = {parts->host.p, dot ? (size_t) (dot - parts->host.p) : 0};
    struct str rest = {parts->host.p + label.n, parts->host.n - label.n};
    bool blob = rest.n > 6 && memcmp(rest.p, ".blob.", 6) == 0;
    bool dfs = rest.n > 5 && memcmp(rest.p, ".dfs.", 5) == 0;
    bool zone = !blob && !dfs; /* NAME.z01.blob.storage.azure.net */
    if (zone) {
        const char *next = rest.n > 1 ? memchr(rest.p + 1, '.', rest.n - 1) : NULL;
        size_t skip = next ? (size_t) (next - rest.p) : rest.n;
        blob = rest.n - skip > 6 && memcmp(rest.p + skip, ".blob.", 6) == 0;
    }
    if (!blob && !dfs)
        return "its host is none of Azure Storage (NAME.blob...)";
    if (!account_ok(label) || !copy(out->account, sizeof out->account, label))
        return "an account's name has small letters and digits only";
    if (dfs)
        rest = (struct str){rest.p + 4, rest.n - 4};
    int n = snprintf(out->base, sizeof out->base, "%.*s://%.*s%s%.*s%s%.*s", (int) parts->scheme.n,
                     parts->scheme.p, (int) label.n, label.p, dfs ? ".blob" : "", (int) rest.n,
                     rest.p, parts->port.n > 0 ? ":" : "", (int) parts->port.n, parts->port.p);
    return n < (int) sizeof out->base ? NULL : "it is too long";
}

static const char *take_path_style(const struct parts *parts, struct str *path,
                                   struct az_address *out)
{
    struct str account;
    out->path_style = true;
    (void) str_split(path, '/', &account);
    if (!account_ok(account) || !copy(out->account, sizeof out->account, account))
        return "behind such a host stands the account's name: http://127.0.0.1:10000/NAME";
    int n =
        snprintf(out->base, sizeof out->base, "%.*s://%.*s%s%.*s/%s", (int) parts->scheme.n,
                 parts->scheme.p, (int) parts->host.n, parts->host.p, parts->port.n > 0 ? ":" : "",
                 (int) parts->port.n, parts->port.p, out->account);
    return n < (int) sizeof out->base ? NULL : "it is too long";
}

static const char *take_container(struct str container, struct str folder, struct az_address *out)
{
    if (container.n == 0)
        return folder.n > 0 ? "a container's name is missing" : NULL;
    if (!az_container_ok(container))
        return "a container's name has 3 to 63 small letters, digits and single dashes between "
               "them";
    if (!copy(out->container, sizeof out->container, container) ||
        !copy(out->folder, sizeof out->folder, folder))
        return "it is too long";
    struct str rest = folder, part;
    while (folder.n > 0 && str_split(&rest, '/', &part))
        if (!store_part_ok(part) || memchr(part.p, '%', part.n))
            return "its folder is not a plain name";
    out->table = str_starts(container, STR(AZ_TABLE_PREFIX));
    if (out->table && folder.n > 0)
        return "the container of a table has no folder above its data: name the container alone";
    return NULL;
}

bool az_address_parse(const char *text, struct az_address *out, struct error *err)
{
    struct parts parts;
    *out = (struct az_address){.path_style = false};
    if (strpbrk(text, "?#")) {
        (void) error_hint(
            err, "a shared access signature is a secret: give it by reference with storage-sas "
                 "(env:NAME, file:PATH, keyvault://VAULT/NAME), and the address without it");
        return refuse(text, "an address has no '?' and no '#'", err);
    }
    if (!split(text, &parts) || !host_ok(parts.host) || !host_ok(parts.port))
        return refuse(text, "that is no address", err);
    bool https = str_eq(parts.scheme, STR("https")), abfss = str_eq(parts.scheme, STR("abfss"));
    if (!https && !abfss && !str_eq(parts.scheme, STR("http"))) {
        const char *rest, *scheme = scheme_of(text, &rest);
        return scheme ? did_you_mean(scheme, rest, err)
                      : refuse(text, "this weir has no driver for it", err);
    }
    if (abfss != (parts.user.n > 0))
        return refuse(text, "a container stands before '@' in abfss:// addresses and nowhere else",
                      err);
    if (abfss)
        parts.scheme = STR("https");
    struct str path = parts.path, container = parts.user;
    const char *why =
        is_path_style(parts.host) ? take_path_style(&parts, &path, out) : take_host(&parts, out);
    if (!why && !abfss && path.n > 0)
        (void) str_split(&path, '/', &container);
    if (!why)
        why = take_container(container, path.p ? path : STR(""), out);
    return !why || refuse(text, why, err);
}

static bool not_here(const struct az_address *address, struct str container, struct error *err)
{
    (void) error_set(err, ERROR_SETTINGS, "container '%.*s' is not in the lake %s/%s",
                     (int) container.n, container.p, address->base, address->container);
    return error_hint(err, "that address is one table's own container: name the account, %s",
                      address->base);
}

bool az_address_place(const struct az_address *address, const char *name, struct az_place *out,
                      struct error *err)
{
    struct str whole = str_of(name);
    if (address->container[0] != '\0' && !address->table) {
        *out = (struct az_place){str_of(address->container), str_of(address->folder), whole};
        return true;
    }
    *out = (struct az_place){.folder = STR(""), .rest = STR("")};
    out->rest = whole;
    (void) str_split(&out->rest, '/', &out->container);
    if (!out->rest.p)
        out->rest = STR("");
    if (!az_container_ok(out->container)) {
        (void) error_set(err, ERROR_SETTINGS, "'%.*s' is no name for a container of %s",
                         (int) out->container.n, out->container.p, address->base);
        return error_hint(
            err,
            "a container's name has 3 to 63 small letters, digits and single dashes between "
            "them. Where a table's name does not give one, use one container as the lake: "
            "%s/CONTAINER",
            address->base);
    }
    if (address->table && !str_eq(out->container, str_of(address->container)) &&
        !str_eq(out->container, STR(AZ_OWN_CONTAINER)))
        return not_here(address, out->container, err);
    return true;
}
