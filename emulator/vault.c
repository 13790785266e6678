/* Vault: secrets of a Key Vault. */

#include "emulator/vault.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/tick.h"
#include "emulator/reply.h"

#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

enum {
    SECRETS_MAX = 64,
    VERSIONS_MAX = 1024,    /* of all secrets together */
    SECRET_MAX = 25 * 1024, /* the service's own limit */
    VERSION_BYTES = 16,
    VERSION_TEXT = 2 * VERSION_BYTES + 1,
    CHALLENGE_MAX = 1024
};

struct secret_file {
    char *name, *path;
};

/* What was given out once. */
struct version {
    size_t secret;
    char id[VERSION_TEXT];
    char *text;
    int64_t created; /* seconds since 1970 */
};

struct vault {
    pthread_mutex_t lock;
    struct secret_file secrets[SECRETS_MAX];
    size_t n;
    struct version *versions;
    size_t versions_n, versions_room;
};

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-'))
            return false;
    }
    return name.n > 0 && name.n < 128;
}

static bool add_secret(struct vault *vault, struct str part, struct error *err)
{
    struct str path = part, name;
    (void) str_split(&path, '=', &name);
    if (!path.p || path.n == 0 || !is_name(name))
        return error_set(err, ERROR_USAGE, "--secret: '%.*s' is not NAME=FILE", (int) part.n,
                         part.p);
    if (vault->n == SECRETS_MAX)
        return error_set(err, ERROR_LIMIT, "--secret: at most %d of them", SECRETS_MAX);
    struct secret_file *secret = &vault->secrets[vault->n++];
    secret->name = mem_copy(name.p, name.n, err);
    secret->path = secret->name ? mem_copy(path.p, path.n, err) : NULL;
    return secret->path != NULL;
}

struct vault *vault_new(const char *list, struct error *err)
{
    struct vault *vault = mem_alloc(1, sizeof *vault, err);
    if (!vault)
        return NULL;
    if (pthread_mutex_init(&vault->lock, NULL) != 0) {
        error_set(err, ERROR_MEMORY, "no mutex for the vault");
        mem_free(vault);
        return NULL;
    }
    struct str rest = str_of(list), part;
    bool done = true;
    while (done && list && str_split(&rest, ',', &part))
        done = add_secret(vault, part, err);
    if (done)
        return vault;
    vault_free(vault);
    return NULL;
}

void vault_free(struct vault *vault)
{
    if (!vault)
        return;
    for (size_t i = 0; i < vault->n; i++) {
        mem_free(vault->secrets[i].name);
        mem_free(vault->secrets[i].path);
    }
    for (size_t i = 0; i < vault->versions_n; i++) {
        mem_wipe(vault->versions[i].text, strlen(vault->versions[i].text));
        mem_free(vault->versions[i].text);
    }
    mem_free(vault->versions);
    (void) pthread_mutex_destroy(&vault->lock);
    mem_free(vault);
}

/* --- versions --------------------------------------------------------------------------------- */

static const struct version *find_version(const struct vault *vault, size_t secret, struct str id)
{
    for (size_t i = 0; i < vault->versions_n; i++) {
        const struct version *version = &vault->versions[i];
        if (version->secret == secret && str_eq_case(id, str_of(version->id)))
            return version;
    }
    return NULL;
}

/* The version of a text, remembered when it is new. NULL: no memory. */
static const struct version *keep_version(struct vault *vault, size_t secret, struct str text,
                                          struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct version version = {.secret = secret};
    unsigned n = 0;
    if (!EVP_Digest(text.p, text.n, digest, &n, EVP_sha256(), NULL) || n < VERSION_BYTES) {
        error_set(err, ERROR_INTERNAL, "the secret has no hash");
        return NULL;
    }
    text_hex(digest, VERSION_BYTES, version.id);
    const struct version *known = find_version(vault, secret, str_of(version.id));
    if (known || !mem_reserve(&vault->versions, &vault->versions_room, vault->versions_n,
                              VERSIONS_MAX, sizeof version, err))
        return known;
    version.created = (tick_now() - TICK_UNIX_EPOCH) / TICK_SECOND;
    version.text = mem_copy(text.p, text.n, err);
    if (!version.text)
        return NULL;
    vault->versions[vault->versions_n] = version;
    return &vault->versions[vault->versions_n++];
}

/* --- answers ---------------------------------------------------------------------------------- */

static void refuse(struct server_reply *reply, int status, const char *code, const char *message,
                   const char *inner)
{
    reply_error(reply, &(struct reply_error){.status = status,
                                             .code = code,
                                             .message = message,
                                             .inner = inner,
                                             .inner_message = message});
}

/* The vault tells whoever comes without a token where tokens are had, and for whom. */
static void challenge(const struct service *service, struct server_reply *reply)
{
    buf_printf(&reply->headers,
               "WWW-Authenticate: Bearer authorization=\"%s/%s\", "
               "resource=\"" SERVICE_VAULT_AUDIENCE "\"\n",
               service->endpoint, service->tenant);
    refuse(reply, 401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", NULL);
}

static bool may_enter(const struct service *service, const struct server_request *request,
                      struct server_reply *reply)
{
    struct token_holder holder;
    enum token_verdict verdict =
        service_check(service, SERVICE_VAULT, request->authorization, &holder);
    if (verdict != TOKEN_GOOD)
        challenge(service, reply);
    else if (service->no_vault)
        refuse(reply, 403, "Forbidden",
               "Caller is not authorized to perform action on resource: "
               "'Microsoft.KeyVault/vaults/secrets/getSecret/action'.",
               "ForbiddenByRbac");
    else
        return true;
    return false;
}

static void put_secret(const struct service *service, const char *name,
                       const struct version *version, struct server_reply *reply)
{
    struct buf *body = &reply->body;
    buf_puts(body, "{\"value\":\"");
    text_put_json(body, str_of(version->text));
    buf_printf(body,
               "\",\"id\":\"%s/secrets/%s/%s\",\"attributes\":{\"enabled\":true,\"created\":%lld,"
               "\"updated\":%lld,\"recoveryLevel\":\"Recoverable+Purgeable\"}}",
               service->endpoint, name, version->id, (long long) version->created,
               (long long) version->created);
    reply->status = 200;
    reply->content_type = REPLY_JSON;
}

static void refuse_missing(struct server_reply *reply)
{
    refuse(reply, 404, "SecretNotFound", "A secret with (name/id) was not found in this key vault.",
           NULL);
}

/* Reads the file: its text is the secret's newest version. The caller holds the lock. */
static void answer_secret(struct service *service, size_t secret, struct str wanted,
                          struct server_reply *reply)
{
    struct vault *vault = service->vault;
    struct secret_file *file = &vault->secrets[secret];
    struct buf text = BUF_INIT(SECRET_MAX);
    struct error err = ERROR_INIT;
    const struct version *version = NULL;
    bool there = file_read(file->path, SECRET_MAX, &text, &err);
    struct str value = buf_str(&text);
    while (value.n > 0 && (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
        value.n--;
    if (there && value.n > 0)
        version = keep_version(vault, secret, value, &err);
    if (version && wanted.n > 0)
        version = find_version(vault, secret, wanted);
    if (err.code != ERROR_NONE && err.code != ERROR_NOT_FOUND)
        reply_internal(reply, err.message);
    else if (there && value.n == 0)
        refuse(reply, 403, "Forbidden", "Operation get is not allowed on a disabled secret.",
               "SecretDisabled");
    else if (!version)
        refuse_missing(reply);
    else
        put_secret(service, file->name, version, reply);
    if (text.bytes)
        mem_wipe(text.bytes, text.used);
    buf_release(&text);
}

static void answer(struct service *service, struct str name, struct str version,
                   struct server_reply *reply)
{
    struct vault *vault = service->vault;
    size_t i = 0;
    while (i < vault->n && !str_eq_case(name, str_of(vault->secrets[i].name)))
        i++;
    if (i == vault->n) {
        refuse_missing(reply);
        return;
    }
    (void) pthread_mutex_lock(&vault->lock);
    answer_secret(service, i, version, reply);
    (void) pthread_mutex_unlock(&vault->lock);
}

bool vault_answer(struct service *service, const struct server_request *request,
                  struct server_reply *reply)
{
    struct str path = str_of(request->path), name;
    if (!service->vault || !str_starts(path, STR("/secrets/")))
        return false;
    path = (struct str){path.p + sizeof "/secrets/" - 1, path.n - (sizeof "/secrets/" - 1)};
    (void) str_split(&path, '/', &name);
    if (!may_enter(service, request, reply))
        return true;
    if (!server_argument(request, "api-version"))
        refuse(reply, 400, "BadParameter", "The api-version query parameter is required.", NULL);
    else if (strcmp(request->method, "GET") != 0)
        refuse(reply, 405, "MethodNotAllowed", "The emulator's vault can only be read.", NULL);
    else
        answer(service, name, path, reply);
    return true;
}
