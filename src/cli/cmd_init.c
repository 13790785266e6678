/* weir init: settings from flags, from the emulator's ready file, or from a notebook's config.json. */
#include "cli/cli.h"

#include "base/file.h"

#include <jansson.h>
#include <unistd.h>

enum { CONFIG_MAX = 1 << 20, YAML_MAX = 1 << 20 };

struct mapping {
    const char *key;
    enum cli_option_id id;
};

/* The ready file of weir-emulator (emulator/ready.h). */
static const struct mapping emulator_keys[] = {
    {"workspace_id", CLI_WORKSPACE_ID}, {"workspace_name", CLI_WORKSPACE_NAME},
    {"resource_id", CLI_RESOURCE_ID},   {"endpoint", CLI_ENDPOINT},
    {"audience", CLI_AUDIENCE},         {"management", CLI_MANAGEMENT_ENDPOINT},
    {"authority", CLI_AUTHORITY},       {"tenant", CLI_TENANT},
    {"client_id", CLI_CLIENT_ID},       {"ca_file", CLI_CA_FILE},
};

/* config.json beside Sentinel's notebooks. */
static const struct mapping notebook_keys[] = {
    {"workspace_id", CLI_WORKSPACE_ID},
    {"workspace_name", CLI_WORKSPACE_NAME},
    {"tenant_id", CLI_TENANT},
};

static bool take(struct cli *cli, enum cli_option_id id, const char *value, struct error *err)
{
    if (cli->sources[id] == CLI_FROM_COMMAND || !value)
        return true;
    cli->values[id] = arena_copy(&cli->arena, value, strlen(value), err);
    cli->sources[id] = CLI_FROM_SETTINGS;
    return cli->values[id] != NULL;
}

static bool take_keys(struct cli *cli, const json_t *root, const struct mapping *keys, size_t n,
                      struct error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!take(cli, keys[i].id, json_string_value(json_object_get(root, keys[i].key)), err))
            return false;
    return true;
}

/* The line may ask for another way to sign in than the secret: two proofs at once are refused. */
static bool wants_secret(const struct cli *cli)
{
    const char *sign_in = cli_text(cli, CLI_SIGN_IN);
    return !cli_text(cli, CLI_CERTIFICATE) && !cli_text(cli, CLI_FEDERATED_TOKEN_FILE) &&
           (strcmp(sign_in, "auto") == 0 || strcmp(sign_in, "settings") == 0);
}

static bool take_secret(struct cli *cli, const json_t *root, struct error *err)
{
    const char *path = json_string_value(json_object_get(root, "client_secret_file"));
    if (!path || !wants_secret(cli))
        return true;
    char *reference = arena_format(&cli->arena, err, "file:%s", path);
    return reference && take(cli, CLI_CLIENT_SECRET, reference, err);
}

static bool take_resource(struct cli *cli, const json_t *root, struct error *err)
{
    const char *subscription = json_string_value(json_object_get(root, "subscription_id"));
    const char *group = json_string_value(json_object_get(root, "resource_group"));
    const char *name = json_string_value(json_object_get(root, "workspace_name"));
    if (!subscription || !group || !name)
        return true;
    char *id =
        arena_format(&cli->arena, err,
                     "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.OperationalInsights/"
                     "workspaces/%s",
                     subscription, group, name);
    return id && take(cli, CLI_RESOURCE_ID, id, err);
}

static bool read_json(struct cli *cli, const char *path, bool emulator, struct error *err)
{
    struct buf text = BUF_INIT(CONFIG_MAX);
    if (!file_read(path, CONFIG_MAX, &text, err)) {
        if (emulator)
            (void) error_hint(err, "weir-emulator serve --data DIR --ready-file %s", path);
        return false;
    }
    json_error_t why;
    json_t *root = json_loadb(text.bytes, text.used, JSON_REJECT_DUPLICATES, &why);
    bool ok = json_is_object(root) ||
              error_set(err, ERROR_SETTINGS, "%s line %d is not JSON of the form expected: %s",
                        path, root ? 1 : why.line, root ? "not an object" : why.text);
    if (emulator)
        ok = ok &&
             take_keys(cli, root, emulator_keys, sizeof emulator_keys / sizeof *emulator_keys,
                       err) &&
             take_secret(cli, root, err);
    else
        ok = ok &&
             take_keys(cli, root, notebook_keys, sizeof notebook_keys / sizeof *notebook_keys,
                       err) &&
             take_resource(cli, root, err);
    json_decref(root);
    buf_release(&text);
    return ok;
}

/* A double-quoted YAML scalar takes JSON's escapes. */
static void put_setting(struct buf *out, const struct cli *cli, enum cli_option_id id)
{
    if (!(cli_options[id].where & CLI_SETTING) || cli->sources[id] <= CLI_FROM_DEFAULT)
        return;
    buf_printf(out, "    %s: \"", cli_options[id].name);
    text_put_json(out, str_of(cli->values[id]));
    buf_puts(out, "\"\n");
}

static bool check(const struct cli *cli, struct error *err)
{
    const char *id = cli_text(cli, CLI_WORKSPACE_ID);
    if (!id) {
        (void) error_set(
            err, ERROR_USAGE,
            "init needs a workspace: --workspace-id, --from-emulator or --from-config");
        return error_hint(err, "%s", cli->command->example);
    }
    if (!text_is_guid(str_of(id)))
        return error_set(err, ERROR_SETTINGS, "workspace-id '%s' is not a GUID", id);
    return true;
}

static bool write_settings(const struct cli *cli, struct error *err)
{
    const char *path = cli_text(cli, CLI_CONFIG), *name = cli_text(cli, CLI_PROFILE);
    if (access(path, F_OK) == 0 && !cli_flag(cli, CLI_FORCE)) {
        (void) error_set(err, ERROR_SETTINGS, "%s is there already", path);
        return error_hint(err, "--force replaces it");
    }
    struct buf out = BUF_INIT(YAML_MAX);
    buf_puts(
        &out,
        "# Settings of weir. The keys of a profile are the names of options: weir COMMAND --help.\n"
        "# Secrets stand elsewhere: env:NAME, file:PATH, keyvault://VAULT/SECRET.\nprofiles:\n  "
        "\"");
    text_put_json(&out, str_of(name ? name : "default"));
    buf_puts(&out, "\":\n");
    for (int id = 0; id < CLI_OPTION_COUNT; id++)
        put_setting(&out, cli, (enum cli_option_id) id);
    bool ok = buf_ok(&out, "settings", err) && file_write(path, buf_str(&out), 0644, false, err);
    buf_release(&out);
    return ok;
}

static int run(struct cli *cli, struct error *err)
{
    const char *emulator = cli_text(cli, CLI_FROM_EMULATOR),
               *config = cli_text(cli, CLI_FROM_CONFIG);
    if ((emulator && !read_json(cli, emulator, true, err)) ||
        (config && !read_json(cli, config, false, err)) || !check(cli, err) ||
        !write_settings(cli, err))
        return -1;
    cli_last(cli, "settings written to %s", cli_text(cli, CLI_CONFIG));
    if (!cli_text(cli, CLI_RESOURCE_ID))
        cli_note(cli, "resource-id is not known yet; an export needs it for the lake's paths");
    return 0;
}

const struct cli_command cli_command_init = {
    .name = "init",
    .arguments = "",
    .purpose = "write weir.yaml, from flags or from the config.json that Sentinel notebooks leave",
    .about = "Writes a settings file with one profile. Every setting may be given as an option; "
             "--from-emulator reads the "
             "ready file of weir-emulator, --from-config the config.json beside Sentinel's "
             "notebooks. Secrets are never "
             "written: client-secret, certificate, storage-key and storage-sas say where one is: "
             "env:NAME, "
             "file:PATH with mode 0600, or keyvault://VAULT/SECRET.",
    .example = "weir init --from-emulator ready.json --lake lake --config weir.yaml",
    .options = {CLI_FROM_EMULATOR,
                CLI_FROM_CONFIG,
                CLI_WORKSPACE_NAME,
                CLI_RESOURCE_ID,
                CLI_STORAGE_KEY,
                CLI_STORAGE_SAS,
                CLI_TIER,
                CLI_SIGN_IN,
                CLI_TENANT,
                CLI_CLIENT_ID,
                CLI_CLIENT_SECRET,
                CLI_CERTIFICATE,
                CLI_CERTIFICATE_PASSWORD,
                CLI_FEDERATED_TOKEN_FILE,
                CLI_MANAGED_IDENTITY,
                CLI_ENDPOINT,
                CLI_AUDIENCE,
                CLI_MANAGEMENT_ENDPOINT,
                CLI_CLOUD,
                CLI_AUTHORITY,
                CLI_CA_FILE,
                CLI_FORCE,
                CLI_OPTION_COUNT},
    .run = run,
};
