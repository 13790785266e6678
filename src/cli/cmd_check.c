/* weir check: what weir needs, one line each, with what to do.
 *
 * The steps go on after one that fails, so that one run tells all that lacks. What is only good to have (Resource
 * Manager, a tenant that is another's) warns; what an export cannot do without lacks, and makes exit status 1.
 */
#include "cli/context.h"
#include "cli/output.h"
#include "cli/roles.h"

#include "azure/resource.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    WHAT_MAX = 4096,
    FILES_WANTED = 1024, /* open at once: connections of uploads, and what else a run has */
    NAME_WIDTH = 20,
    STATE_WIDTH = 7
};
static const char WORKSPACE_VERSION[] = "2022-10-01";

enum state { STATE_OK, STATE_USED, STATE_OFF, STATE_WARNS, STATE_LACKS };
static const char *const state_texts[] = {"ok", "used", "off", "warns", "lacks"};

struct check {
    struct cli *cli;
    struct cli_context context;
    struct cli_output *output; /* NULL: for people */
    struct error error;        /* what ends the whole check */
    bool lacks, signed_in, readable, network_closed;
    bool failed_source; /* one that is set up gave no token */
};

/* -- lines -- */

static void put_safe(FILE *out, const char *text)
{
    struct buf safe = BUF_INIT(8 * WHAT_MAX);
    text_put_safe(&safe, str_of(text));
    (void) fputs(buf_text(&safe), out);
    buf_release(&safe);
}

static void put_people(FILE *out, const char *name, enum state state, const char *what,
                       const char *todo)
{
    (void) fprintf(out, "%-*s %-*s ", NAME_WIDTH, name, STATE_WIDTH, state_texts[state]);
    put_safe(out, what);
    struct str rest = str_of(todo), line;
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        char text[WHAT_MAX];
        (void) snprintf(text, sizeof text, "%.*s", (int) line.n, line.p);
        (void) fprintf(out, "\n%*s ", NAME_WIDTH + STATE_WIDTH + 1, "");
        put_safe(out, text);
    }
    (void) fputc('\n', out);
}

/* `todo`: "" when there is nothing to do. */
static void put(struct check *check, const char *name, enum state state, const char *what,
                const char *todo)
{
    check->lacks = check->lacks || state == STATE_LACKS;
    if (!check->output) {
        put_people(check->cli->out, name, state, what, todo);
        (void) fflush(check->cli->out); /* the next line may take a while */
        return;
    }
    const struct cli_cell cells[] = {{.text = str_of(name)},
                                     {.text = str_of(state_texts[state])},
                                     {.text = str_of(what)},
                                     {.text = str_of(todo), .null = !todo[0]}};
    (void) cli_output_row(check->output, cells, &check->error);
}

__attribute__((format(printf, 4, 5))) static void say(struct check *check, const char *name,
                                                      enum state state, const char *format, ...)
{
    char what[WHAT_MAX];
    va_list args;
    va_start(args, format);
    (void) vsnprintf(what, sizeof what, format, args);
    va_end(args);
    put(check, name, state, what, "");
}

/* A step that failed: told, unless it is no step's fault. */
static void put_error(struct check *check, const char *name, enum state state,
                      const struct error *why)
{
    if (why->code == ERROR_MEMORY || why->code == ERROR_INTERRUPTED)
        (void) error_pass(&check->error, why);
    else
        put(check, name, state, why->message, why->hint);
}

/* -- the steps -- */

static void check_settings(struct check *check)
{
    const struct cli *cli = check->cli;
    const char *id = cli_text(cli, CLI_WORKSPACE_ID), *config = cli_text(cli, CLI_CONFIG);
    bool file = access(config, F_OK) == 0;
    if (!id)
        put(check, "settings", STATE_LACKS, "no workspace-id is set",
            "weir init writes settings: weir init --workspace-id GUID --resource-id ID");
    else if (!text_is_guid(str_of(id)))
        put(check, "settings", STATE_LACKS, "workspace-id is not a GUID",
            "it is the workspace's customerId, not its name");
    else if (!cli_text(cli, CLI_RESOURCE_ID))
        put(check, "settings", STATE_LACKS,
            "no resource-id is set: the lake's paths are made of it",
            "it is in the portal under the workspace's properties: "
            "/subscriptions/.../workspaces/NAME");
    else
        say(check, "settings", STATE_OK, "%s%s; cloud %s", file ? config : "no file",
            cli_text(cli, CLI_PROFILE) ? ", by profile" : "", cli_text(cli, CLI_CLOUD));
}

static void tell_source(void *context, const struct azure_told *told)
{
    struct check *check = context;
    char name[64];
    (void) snprintf(name, sizeof name, "%s%s", check->output ? "sign-in: " : "  ", told->name);
    put(check, name,
        told->used     ? STATE_USED
        : told->failed ? STATE_LACKS
                       : STATE_OFF,
        told->what, "");
    check->signed_in = check->signed_in || told->used;
    check->failed_source = check->failed_source || told->failed;
}

static const char *audience_of(const struct check *check)
{
    const char *given = cli_text(check->cli, CLI_AUDIENCE);
    return given ? given : check->context.cloud->query_audience;
}

/* Only who named the device code is asked for it. */
static bool ask_device(struct check *check, struct error *err)
{
    const char *identity;
    if (check->signed_in || strcmp(cli_text(check->cli, CLI_SIGN_IN), "device") != 0)
        return true;
    check->context.audience = audience_of(check);
    check->signed_in = cli_sign_in(check->cli, &check->context, &identity, err);
    return check->signed_in;
}

static bool check_sign_in(struct check *check)
{
    struct error why = ERROR_INIT;
    bool ok = cli_open_network(check->cli, &check->context, &why);
    if (ok && !check->output)
        (void) fputs("sign-in, in this order\n", check->cli->out);
    if (!ok ||
        !azure_credential_explain(check->context.credential, audience_of(check), tell_source, check,
                                  &why) ||
        !ask_device(check, &why)) {
        put_error(check, "sign-in", STATE_LACKS, &why);
        return false;
    }
    bool any = strcmp(cli_text(check->cli, CLI_SIGN_IN), "auto") == 0;
    if (!check->signed_in)
        put(check, "sign-in", STATE_LACKS, "nobody is signed in",
            check->failed_source ? "mend the source that is set up, or name another with --sign-in"
            : any                ? "az login is the quickest; --sign-in device asks in a browser"
                                 : "set up the source that sign-in names, or leave sign-in out");
    return check->signed_in;
}

static void check_who(struct check *check)
{
    struct error why = ERROR_INIT;
    struct azure_who who;
    const char *tenant = cli_text(check->cli, CLI_TENANT);
    if (!azure_credential_who(check->context.credential, audience_of(check), &who, &why)) {
        put_error(check, "sign-in", STATE_LACKS, &why);
        return;
    }
    say(check, "sign-in", STATE_OK, "%s", azure_credential_identity(check->context.credential));
    if (!who.tenant[0])
        say(check, "tenant", STATE_OK, "the token does not say of which tenant it is");
    else if (!tenant || !text_is_guid(str_of(tenant)))
        say(check, "tenant", STATE_OK, "the token is of tenant %s", who.tenant);
    else if (str_eq_case(str_of(tenant), str_of(who.tenant)))
        say(check, "tenant", STATE_OK, "the token is of tenant %s, as the settings say",
            who.tenant);
    else {
        char what[WHAT_MAX];
        (void) snprintf(what, sizeof what, "the token is of tenant %s, the settings say %s",
                        who.tenant, tenant);
        put(check, "tenant", STATE_WARNS, what,
            "a guest signs in at the workspace's tenant; with Lighthouse it is the own one");
    }
}

static void check_workspace(struct check *check)
{
    struct error why = ERROR_INIT;
    struct workspace_schemas schemas = {0};
    char tables[CLI_COUNT_TEXT];
    check->readable = cli_open_workspace(check->cli, &check->context, &why) &&
                      workspace_metadata(check->context.workspace, &schemas, &why);
    if (check->readable)
        say(check, "workspace", STATE_OK, "%s%s%s can be read: %s",
            schemas.name ? schemas.name : check->context.id, schemas.region ? ", " : "",
            schemas.region ? schemas.region : "", cli_count_text(schemas.n, "table", tables));
    else
        put_error(check, "workspace", STATE_LACKS, &why);
    workspace_schemas_release(&schemas);
}

/* What the workspace's resource says of itself. */
static void tell_resource(struct check *check, const json_t *resource)
{
    const json_t *properties = json_object_get(resource, "properties");
    const char *id = json_string_value(json_object_get(properties, "customerId"));
    const char *query =
        json_string_value(json_object_get(properties, "publicNetworkAccessForQuery"));
    json_int_t days = json_integer_value(json_object_get(properties, "retentionInDays"));
    const char *own = cli_text(check->cli, CLI_WORKSPACE_ID);
    if (id && own && !str_eq_case(str_of(id), str_of(own))) {
        char what[WHAT_MAX];
        (void) snprintf(what, sizeof what, "resource-id is of workspace %s, not of %s", id, own);
        put(check, "Resource Manager", STATE_LACKS, what,
            "one of the two settings is of another workspace: the lake's paths would name the "
            "wrong one");
    } else {
        say(check, "Resource Manager", STATE_OK,
            "the workspace's resource can be read: %lld days of retention", (long long) days);
    }
    check->network_closed = query && strcmp(query, "Disabled") == 0;
    if (check->network_closed && !check->readable)
        put(check, "public queries", STATE_LACKS,
            "the workspace takes no queries from public networks",
            "run weir inside its private link scope, or allow them under the workspace's network "
            "isolation");
    else if (check->network_closed)
        say(check, "public queries", STATE_OK, "refused, and this machine is let in");
}

static void tell_role(struct check *check)
{
    struct error why = ERROR_INIT;
    struct cli_role_end role;
    char time[TICK_TEXT_MAX], what[WHAT_MAX];
    if (!cli_role_end(check->cli, &check->context, &role, &why)) {
        (void) error_pass(&check->error, &why);
        return;
    }
    if (role.until == 0)
        return;
    (void) tick_format_short(role.until, time);
    (void) snprintf(what, sizeof what, "'%s' on the workspace ends at %s UTC", role.role, time);
    put(check, "role", STATE_WARNS, what, "an export that takes longer needs it renewed");
}

static void check_manager(struct check *check)
{
    const char *endpoint = cli_management(check->cli, &check->context);
    const char *path = cli_text(check->cli, CLI_RESOURCE_ID);
    struct error why = ERROR_INIT;
    json_t *resource = NULL;
    if (!endpoint || !path) {
        say(check, "Resource Manager", STATE_OFF,
            "not asked without %s: plans, retention and conditions of roles stay unknown",
            endpoint ? "resource-id" : "management-endpoint");
        return;
    }
    const struct azure_resources resources = {check->context.http, check->context.credential,
                                              endpoint, check->context.cloud->arm_audience};
    if (azure_resource_get(&resources, path, WORKSPACE_VERSION, &resource, &why)) {
        tell_resource(check, resource);
        tell_role(check);
    } else {
        put_error(check, "Resource Manager", STATE_WARNS, &why);
    }
    json_decref(resource);
}

/* -- the lake -- */

static void check_folder(struct check *check)
{
    const char *path = store_address(check->context.store);
    struct statvfs is;
    char room[TEXT_NUMBER_MAX], what[WHAT_MAX];
    bool there = access(path, F_OK) == 0;
    if (there && access(path, R_OK | W_OK | X_OK) != 0) {
        (void) snprintf(what, sizeof what, "folder %s cannot be written", path);
        put(check, "lake", STATE_LACKS, what, "name another with --lake, or change its mode");
        return;
    }
    if (there && statvfs(path, &is) == 0)
        say(check, "lake", STATE_OK, "folder %s, %s free", path,
            text_bytes((uint64_t) is.f_bavail * is.f_frsize, room));
    else
        say(check, "lake", STATE_OK, "folder %s%s", path,
            there ? "" : " is made by the first export");
}

static bool count_blob(void *context, const struct store_blob *blob, struct error *err)
{
    (void) context, (void) blob, (void) err;
    return true;
}

/* Writes a blob of its own, reads it and takes it away again. */
static bool try_blob(struct check *check, struct error *err)
{
    struct store *store = check->context.store;
    struct buf text = BUF_INIT(WHAT_MAX);
    char guid[GUID_TEXT], name[GUID_TEXT + 16];
    bool archive =
        cli_text(check->cli, CLI_TIER) && strcmp(cli_text(check->cli, CLI_TIER), "archive") == 0;
    if (!random_guid(guid, err))
        return false;
    (void) snprintf(name, sizeof name, "weir/check/%s", guid);
    bool ok = store_put_new(store, name, STR("weir check\n"), err) && store_sync(store, err);
    if (ok && !archive)
        ok = store_get(store, name, &text, err) &&
             (str_eq(buf_str(&text), STR("weir check\n")) ||
              error_set(err, ERROR_IO, "lake %s gives back other bytes than were written",
                        store_address(store)));
    buf_release(&text);
    return store_delete(store, name, ok ? err : NULL) && ok;
}

static bool try_lake(struct check *check, bool *immutable, struct error *err)
{
    struct store *store = check->context.store;
    return cli_check_access(&check->context, 0, true, err) &&
           store_list(store, "weir/check", count_blob, NULL, err) &&
           store_immutable(store, "weir/check", immutable, err) &&
           (*immutable || try_blob(check, err));
}

static void check_remote(struct check *check)
{
    struct error why = ERROR_INIT;
    struct store_access access = {0};
    const char *tier = cli_text(check->cli, CLI_TIER);
    bool immutable = false;
    char time[TICK_TEXT_MAX], until[TICK_TEXT_MAX + 40] = "";
    if (!try_lake(check, &immutable, &why) || !store_access(check->context.store, &access, &why)) {
        put_error(check, "lake", STATE_LACKS, &why);
        return;
    }
    if (access.until > 0) {
        (void) tick_format_short(access.until, time);
        (void) snprintf(until, sizeof until, " until %s UTC", time);
    }
    say(check, "lake", STATE_OK, "%s by %s%s: %s; tier %s", store_address(check->context.store),
        access.by, until,
        immutable ? "can be listed; not written, since nothing could be taken away again"
                  : "a blob was written, read and deleted",
        tier ? tier : "of the account");
}

static void check_lake(struct check *check)
{
    struct error why = ERROR_INIT;
    if (!cli_open_store(check->cli, &check->context, &why))
        put_error(check, "lake", STATE_LACKS, &why);
    else if (store_remote(check->context.store))
        check_remote(check);
    else
        check_folder(check);
}

static void check_limits(struct check *check)
{
    struct rlimit files = {0};
    char number[TEXT_NUMBER_MAX], what[WHAT_MAX];
    (void) getrlimit(RLIMIT_NOFILE, &files);
    (void) snprintf(
        what, sizeof what, "%s queries at once, %d in %d s, up to %s each; %s open files",
        cli_text(check->cli, CLI_MAX_QUERIES), WORKSPACE_RATE, WORKSPACE_RATE_WINDOW,
        cli_text(check->cli, CLI_WAIT),
        files.rlim_cur == RLIM_INFINITY ? "any number of"
                                        : text_grouped((uint64_t) files.rlim_cur, number));
    bool few = files.rlim_cur != RLIM_INFINITY && files.rlim_cur < FILES_WANTED;
    put(check, "limits", few ? STATE_WARNS : STATE_OK, what,
        few ? "ulimit -n 4096 allows more" : "");
}

/* -- the run -- */

static void check_all(struct check *check)
{
    check_settings(check);
    bool signed_in = check_sign_in(check);
    if (signed_in && check->error.code == ERROR_NONE)
        check_who(check);
    if (signed_in && cli_text(check->cli, CLI_WORKSPACE_ID) && check->error.code == ERROR_NONE)
        check_workspace(check);
    if (signed_in && check->error.code == ERROR_NONE)
        check_manager(check);
    if (check->error.code == ERROR_NONE)
        check_lake(check);
    check_limits(check);
}

static bool open_output(struct check *check, struct columns *columns, struct error *err)
{
    static const char *const names[] = {"check", "state", "what", "todo"};
    if (cli_output_is_table(check->cli))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!columns_add(columns, str_of(names[i]), COLUMN_STRING, err))
            return false;
    check->output = cli_output_new(check->cli, columns, err);
    return check->output != NULL;
}

static int run(struct cli *cli, struct error *err)
{
    struct check check = {.cli = cli};
    struct columns columns = {0};
    bool ok = open_output(&check, &columns, err);
    if (ok) {
        check_all(&check);
        ok = check.error.code == ERROR_NONE || error_pass(err, &check.error);
    }
    if (ok && check.output)
        ok = cli_output_end(check.output, err);
    else
        cli_output_free(check.output);
    columns_release(&columns);
    cli_close(&check.context);
    return !ok ? -1 : check.lacks ? error_exit_status(ERROR_AUTH) : 0;
}

const struct cli_command cli_command_check = {
    .name = "check",
    .arguments = "",
    .purpose = "prerequisites, one line each with what to do: sign-in, roles, reachability, limits",
    .about =
        "Looks at all that an export needs, and says of each what it found and what to do: the "
        "settings; each source of a sign-in in the order in which they are tried, and which "
        "of them gave the token; of which tenant the token is (of guests and with Lighthouse "
        "not always the workspace's); whether the workspace can be read, and takes queries "
        "from this network; Resource Manager, which tells plans, retention and conditions of "
        "roles; the lake, where a small blob is written, read and deleted again under "
        "weir/check; limits of the service and of this machine.\n\n"
        "Exit status 1 when something lacks that an export needs. The device code is "
        "described and not used, unless --sign-in device names it.",
    .example = "weir check --lake lake",
    .options = {CLI_TIER, CLI_OPTION_COUNT},
    .run = run,
};
