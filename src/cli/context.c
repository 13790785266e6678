/* Context: see context.h. */
#include "cli/context.h"

#include "base/random.h"
#include "lake/catalog.h"

#include <ctype.h>

static bool need(const struct cli *cli, enum cli_option_id id, struct error *err)
{
    if (cli_text(cli, id))
        return true;
    (void) error_set(err, ERROR_SETTINGS,
                     "%s needs %s: no --%s, no setting, no environment variable",
                     cli->command->name, cli_options[id].help, cli_options[id].name);
    return error_hint(err,
                      "weir init writes settings; weir init --from-emulator FILE for the emulator");
}

static bool read_id(const struct cli *cli, struct cli_context *context, struct error *err)
{
    if (!need(cli, CLI_WORKSPACE_ID, err))
        return false;
    struct str id = str_of(cli_text(cli, CLI_WORKSPACE_ID));
    if (!text_is_guid(id)) {
        (void) error_set(err, ERROR_SETTINGS, "workspace-id '%s' is not a GUID",
                         cli_text(cli, CLI_WORKSPACE_ID));
        return error_hint(
            err, "it is the workspace's customerId, such as 8ecf8077-cf51-4820-aadd-14040956f35d, "
                 "not its name");
    }
    for (size_t i = 0; i < id.n; i++)
        context->id[i] = (char) tolower((unsigned char) id.p[i]);
    context->id[id.n] = '\0';
    return true;
}

static double seconds(const struct cli *cli, enum cli_option_id id)
{
    return (double) cli_duration(cli, id, 0) / (double) TICK_SECOND;
}

static void tell(void *context, const char *line)
{
    const struct cli_context *own = context;
    cli_tell(own->cli, CLI_LAST, "sign-in", NULL, "%s", line);
}

static void note(void *context, const char *line)
{
    const struct cli_context *own = context;
    cli_note(own->cli, "%s", line);
}

static bool find_cloud(const struct cli *cli, struct cli_context *context, struct error *err)
{
    context->cli = cli;
    context->cloud = azure_cloud_find(cli_text(cli, CLI_CLOUD));
    return context->cloud ||
           error_set(err, ERROR_SETTINGS, "there is no cloud '%s'", cli_text(cli, CLI_CLOUD));
}

static bool open_credential(const struct cli *cli, struct cli_context *context, struct error *err)
{
    /* Of the public cloud the environment may name another authority: AZURE_AUTHORITY_HOST. */
    const char *authority = cli_given(cli, CLI_CLOUD) ? context->cloud->authority : NULL;
    const char *sign_in = cli_text(cli, CLI_SIGN_IN);
    /* A code that nobody reads would be waited for in vain. */
    bool read = cli->terminal_err || strcmp(sign_in, "device") == 0;
    struct azure_credential_options options = {
        .cloud = context->cloud,
        .tenant = cli_text(cli, CLI_TENANT),
        .client_id = cli_text(cli, CLI_CLIENT_ID),
        .client_secret = cli_text(cli, CLI_CLIENT_SECRET),
        .certificate = cli_text(cli, CLI_CERTIFICATE),
        .certificate_password = cli_text(cli, CLI_CERTIFICATE_PASSWORD),
        .federated_token_file = cli_text(cli, CLI_FEDERATED_TOKEN_FILE),
        .managed_identity = cli_text(cli, CLI_MANAGED_IDENTITY),
        .sign_in = strcmp(sign_in, "auto") == 0 ? NULL : sign_in,
        .authority = cli_text(cli, CLI_AUTHORITY) ? cli_text(cli, CLI_AUTHORITY) : authority,
        .tell = read ? tell : NULL,
        .context = context,
        .stop = cli->stop,
    };
    context->credential = azure_credential_new(context->http, &options, err);
    return context->credential != NULL;
}

bool cli_open_network(const struct cli *cli, struct cli_context *context, struct error *err)
{
    if (context->credential)
        return true;
    struct http_options http = {
        .user_agent = "weir/" WEIR_VERSION,
        .ca_file = cli_text(cli, CLI_CA_FILE),
        .stall_timeout = seconds(cli, CLI_STALL_TIMEOUT),
        .stop = cli->stop,
    };
    if (!find_cloud(cli, context, err))
        return false;
    if (!context->http)
        context->http = http_new(&http, err);
    return context->http && open_credential(cli, context, err);
}

const char *cli_management(const struct cli *cli, const struct cli_context *context)
{
    if (cli_text(cli, CLI_MANAGEMENT_ENDPOINT))
        return cli_text(cli, CLI_MANAGEMENT_ENDPOINT);
    return cli_text(cli, CLI_ENDPOINT) ? NULL : context->cloud->arm_endpoint;
}

static bool read_limits(const struct cli *cli, struct workspace_options *options, struct error *err)
{
    int64_t wait = cli_duration(cli, CLI_WAIT, 180 * TICK_SECOND) / TICK_SECOND;
    uint64_t queries = cli_number(cli, CLI_MAX_QUERIES, WORKSPACE_CONCURRENT);
    if (wait < 1 || wait > WORKSPACE_WAIT_MAX)
        return error_set(err, ERROR_USAGE, "--wait is between 1s and 10m");
    if (queries < 1 || queries > WORKSPACE_CONCURRENT)
        return error_set(err, ERROR_USAGE, "--max-queries is between 1 and %d",
                         WORKSPACE_CONCURRENT);
    options->wait = (unsigned) wait;
    options->concurrent = (unsigned) queries;
    options->stall_timeout = seconds(cli, CLI_STALL_TIMEOUT);
    options->answer_timeout = seconds(cli, CLI_ANSWER_TIMEOUT);
    return true;
}

static bool make_workspace(const struct cli *cli, struct cli_context *context, struct error *err)
{
    const struct azure_cloud *cloud = context->cloud;
    struct workspace_options options = {
        .endpoint =
            cli_text(cli, CLI_ENDPOINT) ? cli_text(cli, CLI_ENDPOINT) : cloud->query_endpoint,
        .audience =
            cli_text(cli, CLI_AUDIENCE) ? cli_text(cli, CLI_AUDIENCE) : cloud->query_audience,
        .id = context->id,
        .tag = context->tag,
        .http = context->http,
        .credential = context->credential,
        .management = cli_management(cli, context),
        .management_audience = cloud->arm_audience,
        .resource_id = cli_text(cli, CLI_RESOURCE_ID),
    };
    context->audience = options.audience;
    context->workspace = read_limits(cli, &options, err) ? workspace_new(&options, err) : NULL;
    return context->workspace != NULL;
}

bool cli_open_workspace(const struct cli *cli, struct cli_context *context, struct error *err)
{
    if (!read_id(cli, context, err) || !cli_open_network(cli, context, err) ||
        !random_guid(context->run, err))
        return false;
    (void) snprintf(context->tag, sizeof context->tag, "weir " WEIR_VERSION " %s", context->run);
    return make_workspace(cli, context, err);
}

bool cli_open_workspace_again(const struct cli *cli, struct cli_context *context, struct error *err)
{
    workspace_free(context->workspace);
    context->workspace = NULL;
    return make_workspace(cli, context, err);
}

bool cli_sign_in(struct cli *cli, struct cli_context *context, const char **identity,
                 struct error *err)
{
    struct buf header = BUF_INIT(AZURE_HEADER_MAX);
    *identity = NULL;
    bool ok = azure_credential_header(context->credential, context->audience, &header, err);
    if (header.bytes)
        mem_wipe(header.bytes, header.room);
    buf_release(&header);
    if (ok) {
        const char *name = azure_credential_identity(context->credential);
        *identity = arena_copy(&cli->arena, name, strlen(name), err);
    }
    return *identity != NULL;
}

/* Only an address needs the network: a folder is opened without a client, which costs milliseconds. */
static bool is_address(const char *lake)
{
    return strstr(lake, "://") != NULL;
}

void cli_store_options(const struct cli *cli, struct cli_context *context,
                       struct store_options *out)
{
    *out = (struct store_options){
        .http = context->http,
        .credential = context->credential,
        .cloud = context->cloud,
        .key = cli_text(cli, CLI_STORAGE_KEY),
        .sas = cli_text(cli, CLI_STORAGE_SAS),
        .tier = cli_text(cli, CLI_TIER),
        .stop = cli->stop,
        .note = note,
        .context = context,
    };
}

bool cli_open_store(const struct cli *cli, struct cli_context *context, struct error *err)
{
    struct store_options options = {.stop = cli->stop};
    if (is_address(cli_text(cli, CLI_LAKE))) {
        if (!cli_open_network(cli, context, err))
            return false;
        cli_store_options(cli, context, &options);
    }
    options.address = cli_text(cli, CLI_LAKE);
    context->store = store_open_with(&options, err);
    return context->store != NULL;
}

bool cli_check_access(struct cli_context *context, double seconds, bool writes, struct error *err)
{
    struct store_access access;
    char time[TICK_TEXT_MAX];
    if (!store_remote(context->store))
        return true;
    if (!store_access(context->store, &access, err))
        return false;
    if (writes && access.lacks[0]) {
        (void) error_set(err, ERROR_AUTH, "the SAS of lake %s does not allow to %s",
                         store_address(context->store), access.lacks);
        return error_hint(err,
                          "weir %s needs a SAS that allows read, list, create, write "
                          "and delete (sp=rlcwd)",
                          context->cli->command->name);
    }
    if (access.until == 0)
        return true;
    (void) tick_format_short(access.until, time);
    int64_t now = tick_now();
    if (access.until <= now) {
        (void) error_set(err, ERROR_AUTH, "the SAS of lake %s ended at %s UTC",
                         store_address(context->store), time);
        return error_hint(err, "make a new one and put it where --storage-sas says");
    }
    if ((double) (access.until - now) / (double) TICK_SECOND < seconds)
        cli_last(context->cli,
                 "the SAS of the lake ends at %s UTC, before this would: put a new one where "
                 "--storage-sas says until then, it is read again",
                 time);
    return true;
}

bool cli_take_place(struct cli_context *context, const char *resource_id, const char *table,
                    struct error *err)
{
    context->place = (struct lake_place){
        .workspace_id = context->id, .resource_id = resource_id, .table = table};
    if (!lake_place_check(&context->place, err))
        return false;
    if (!context->store)
        return true;
    buf_release(&context->container);
    buf_init(&context->container, LAKE_NAME_MAX);
    if (!lake_container_find(context->store, table, &context->container, err))
        return false;
    context->place.container = buf_text(&context->container);
    return true;
}

bool cli_open_place(const struct cli *cli, const char *table, struct cli_context *context,
                    struct error *err)
{
    return (context->id[0] || read_id(cli, context, err)) && need(cli, CLI_RESOURCE_ID, err) &&
           cli_take_place(context, cli_text(cli, CLI_RESOURCE_ID), table, err);
}

void cli_close(struct cli_context *context)
{
    /* What is lent last of all: workspace and store end their requests on the loop. */
    workspace_free(context->workspace);
    store_free(context->store);
    azure_credential_free(context->credential);
    http_free(context->http);
    buf_release(&context->container);
    *context = (struct cli_context){0};
}

const char *cli_workspace_name(const struct cli *cli, const struct cli_context *context)
{
    return cli_text(cli, CLI_WORKSPACE_NAME) ? cli_text(cli, CLI_WORKSPACE_NAME) : context->id;
}
