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

static bool open_credential(const struct cli *cli, const struct azure_cloud *cloud,
                            struct cli_context *context, struct error *err)
{
    struct http_options http = {
        .user_agent = "weir/" WEIR_VERSION,
        .ca_file = cli_text(cli, CLI_CA_FILE),
        .stall_timeout = seconds(cli, CLI_STALL_TIMEOUT),
        .stop = cli->stop,
    };
    /* Of the public cloud the environment may name another authority: AZURE_AUTHORITY_HOST. */
    const char *authority = cli_given(cli, CLI_CLOUD) ? cloud->authority : NULL;
    struct azure_credential_options credential = {
        .tenant = cli_text(cli, CLI_TENANT),
        .client_id = cli_text(cli, CLI_CLIENT_ID),
        .client_secret = cli_text(cli, CLI_CLIENT_SECRET),
        .authority = cli_text(cli, CLI_AUTHORITY) ? cli_text(cli, CLI_AUTHORITY) : authority,
    };
    context->http = http_new(&http, err);
    context->credential =
        context->http ? azure_credential_new(context->http, &credential, err) : NULL;
    return context->credential != NULL;
}

/* Where the query service is not the cloud's, its Resource Manager is not to be guessed: a token would
 * travel to somebody else. */
static const char *management_of(const struct cli *cli, const struct azure_cloud *cloud)
{
    if (cli_text(cli, CLI_MANAGEMENT_ENDPOINT))
        return cli_text(cli, CLI_MANAGEMENT_ENDPOINT);
    return cli_text(cli, CLI_ENDPOINT) ? NULL : cloud->arm_endpoint;
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

static bool make_workspace(const struct cli *cli, const struct azure_cloud *cloud,
                           struct cli_context *context, struct error *err)
{
    struct workspace_options options = {
        .endpoint =
            cli_text(cli, CLI_ENDPOINT) ? cli_text(cli, CLI_ENDPOINT) : cloud->query_endpoint,
        .audience =
            cli_text(cli, CLI_AUDIENCE) ? cli_text(cli, CLI_AUDIENCE) : cloud->query_audience,
        .id = context->id,
        .tag = context->tag,
        .http = context->http,
        .credential = context->credential,
        .management = management_of(cli, cloud),
        .management_audience = cloud->arm_audience,
        .resource_id = cli_text(cli, CLI_RESOURCE_ID),
    };
    context->audience = options.audience;
    context->workspace = read_limits(cli, &options, err) ? workspace_new(&options, err) : NULL;
    return context->workspace != NULL;
}

bool cli_open_workspace(const struct cli *cli, struct cli_context *context, struct error *err)
{
    const struct azure_cloud *cloud = azure_cloud_find(cli_text(cli, CLI_CLOUD));
    if (!cloud)
        return error_set(err, ERROR_SETTINGS, "there is no cloud '%s'", cli_text(cli, CLI_CLOUD));
    if (!read_id(cli, context, err) || !open_credential(cli, cloud, context, err) ||
        !random_guid(context->run, err))
        return false;
    (void) snprintf(context->tag, sizeof context->tag, "weir " WEIR_VERSION " %s", context->run);
    return make_workspace(cli, cloud, context, err);
}

bool cli_open_workspace_again(const struct cli *cli, struct cli_context *context, struct error *err)
{
    workspace_free(context->workspace);
    context->workspace = NULL;
    return make_workspace(cli, azure_cloud_find(cli_text(cli, CLI_CLOUD)), context, err);
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

bool cli_open_store(const struct cli *cli, struct cli_context *context, struct error *err)
{
    context->store = store_open(cli_text(cli, CLI_LAKE), err);
    return context->store != NULL;
}

bool cli_open_place(const struct cli *cli, const char *table, struct cli_context *context,
                    struct error *err)
{
    if ((!context->id[0] && !read_id(cli, context, err)) || !need(cli, CLI_RESOURCE_ID, err))
        return false;
    context->place = (struct lake_place){
        .workspace_id = context->id,
        .resource_id = cli_text(cli, CLI_RESOURCE_ID),
        .table = table,
    };
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

void cli_close(struct cli_context *context)
{
    workspace_free(context->workspace);
    azure_credential_free(context->credential);
    http_free(context->http);
    store_free(context->store);
    buf_release(&context->container);
    *context = (struct cli_context){0};
}

const char *cli_workspace_name(const struct cli *cli, const struct cli_context *context)
{
    return cli_text(cli, CLI_WORKSPACE_NAME) ? cli_text(cli, CLI_WORKSPACE_NAME) : context->id;
}
