/* Settings: weir.yaml, one profile of it.
 *
 *     profile: contoso            # which one, when neither --profile nor WEIR_PROFILE says
 *     profiles:
 *       contoso:
 *         workspace-id: 8ecf8077-cf51-4820-aadd-14040956f35d
 *         lake: /data/lake
 *         client-secret: env:CONTOSO_SECRET
 *
 * The keys of a profile are the names of options. A key that is none is refused with its line and the nearest
 * name; so is a secret that is not a reference. A file that is not there is no error unless it was named.
 */
#include "cli/cli.h"

#include "base/file.h"

#include <yaml.h>

enum { SETTINGS_MAX = 1 << 20 };

struct reader {
    struct cli *cli;
    const char *path;
    yaml_parser_t parser;
    char *wanted; /* profile that is used, or NULL: the file's `profile:`, or its only one */
    char *first;  /* first profile's name */
    size_t profiles;
    bool found;
    bool apply; /* second pass: values are taken over */
};

static bool at_line(const struct reader *reader, const yaml_mark_t *mark, struct error *err)
{
    int line = (int) mark->line + 1;
    (void) error_prefix(err, "%s line %d", reader->path, line);
    return error_at(err, line, (int) mark->column + 1, 0);
}

static bool next(struct reader *reader, yaml_event_t *event, struct error *err)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    (void) error_set(err, ERROR_SETTINGS, "not YAML: %s",
                     reader->parser.problem ? reader->parser.problem : "cannot be read");
    return at_line(reader, &reader->parser.problem_mark, err);
}

static bool expect(struct reader *reader, const yaml_event_t *event, yaml_event_type_t type,
                   const char *what, struct error *err)
{
    if (event->type == type)
        return true;
    (void) error_set(err, ERROR_SETTINGS, "%s is expected here", what);
    return at_line(reader, &event->start_mark, err);
}

static char *scalar(struct reader *reader, const yaml_event_t *event, struct error *err)
{
    const char *text = (const char *) event->data.scalar.value;
    size_t n = event->data.scalar.length;
    if (!memchr(text, 0, n))
        return arena_copy(&reader->cli->arena, text, n, err);
    (void) error_set(err, ERROR_SETTINGS, "a text with a zero byte in it");
    (void) at_line(reader, &event->start_mark, err);
    return NULL;
}

static bool unknown_key(struct reader *reader, const char *key, const yaml_event_t *event,
                        struct error *err)
{
    const char *names[CLI_OPTION_COUNT];
    size_t n = 0;
    for (int i = 0; i < CLI_OPTION_COUNT; i++)
        if (cli_options[i].where & CLI_SETTING)
            names[n++] = cli_options[i].name;
    (void) error_set(err, ERROR_SETTINGS, "there is no setting '%s'", key);
    const char *nearest = text_nearest(str_of(key), names, n);
    if (nearest)
        (void) error_hint(err, "did you mean '%s'?", nearest);
    return at_line(reader, &event->start_mark, err);
}

static bool take(struct reader *reader, int id, const yaml_event_t *event, struct error *err)
{
    struct cli *cli = reader->cli;
    char *value = scalar(reader, event, err);
    if (!value)
        return false;
    if (!cli_option_check((enum cli_option_id) id, value, err)) {
        if (err)
            err->code = ERROR_SETTINGS;
        return at_line(reader, &event->start_mark, err);
    }
    if (reader->apply && cli->sources[id] == CLI_UNSET) {
        cli->values[id] = value;
        cli->sources[id] = CLI_FROM_SETTINGS;
    }
    return true;
}

/* The keys and values of one profile. */
static bool read_profile(struct reader *reader, bool ours, struct error *err)
{
    bool apply = reader->apply;
    reader->apply = apply && ours;
    for (;;) {
        yaml_event_t key, value;
        if (!next(reader, &key, err))
            return false;
        if (key.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&key);
            reader->apply = apply;
            return true;
        }
        char *name = NULL;
        int id = -1;
        bool ok = expect(reader, &key, YAML_SCALAR_EVENT, "a setting's name", err) &&
                  (name = scalar(reader, &key, err)) != NULL;
        if (ok) {
            id = cli_option_find(str_of(name));
            ok = (id >= 0 && cli_options[id].where & CLI_SETTING) ||
                 unknown_key(reader, name, &key, err);
        }
        yaml_event_delete(&key);
        if (!ok || !next(reader, &value, err))
            return false;
        ok = expect(reader, &value, YAML_SCALAR_EVENT, "one value", err) &&
             take(reader, id, &value, err);
        yaml_event_delete(&value);
        if (!ok)
            return false;
    }
}

static bool read_profiles(struct reader *reader, struct error *err)
{
    yaml_event_t event;
    if (!next(reader, &event, err))
        return false;
    bool ok = expect(reader, &event, YAML_MAPPING_START_EVENT, "a list of profiles", err);
    yaml_event_delete(&event);
    while (ok) {
        if (!next(reader, &event, err))
            return false;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        char *name = NULL;
        ok = end || (expect(reader, &event, YAML_SCALAR_EVENT, "a profile's name", err) &&
                     (name = scalar(reader, &event, err)) != NULL);
        yaml_event_delete(&event);
        if (end)
            return true;
        if (!ok || !next(reader, &event, err))
            return false;
        ok = expect(reader, &event, YAML_MAPPING_START_EVENT, "the settings of a profile", err);
        yaml_event_delete(&event);
        if (reader->profiles++ == 0)
            reader->first = name;
        bool ours = reader->wanted && name && strcmp(reader->wanted, name) == 0;
        reader->found = reader->found || ours;
        ok = ok && read_profile(reader, ours, err);
    }
    return false;
}

static bool read_default(struct reader *reader, struct error *err)
{
    yaml_event_t event;
    if (!next(reader, &event, err))
        return false;
    bool ok = expect(reader, &event, YAML_SCALAR_EVENT, "a profile's name", err);
    if (ok && !reader->wanted)
        ok = (reader->wanted = scalar(reader, &event, err)) != NULL;
    yaml_event_delete(&event);
    return ok;
}

static bool read_top(struct reader *reader, struct error *err)
{
    for (;;) {
        yaml_event_t event;
        if (!next(reader, &event, err))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        bool skip = event.type == YAML_STREAM_START_EVENT ||
                    event.type == YAML_DOCUMENT_START_EVENT ||
                    event.type == YAML_DOCUMENT_END_EVENT || event.type == YAML_MAPPING_START_EVENT;
        char *key = NULL;
        bool ok =
            skip || (expect(reader, &event, YAML_SCALAR_EVENT, "'profile' or 'profiles'", err) &&
                     (key = scalar(reader, &event, err)) != NULL);
        if (ok && key && strcmp(key, "profile") != 0 && strcmp(key, "profiles") != 0) {
            (void) error_set(err, ERROR_SETTINGS,
                             "'%s' is not known here; settings stand under 'profiles:', "
                             "in a profile",
                             key);
            ok = at_line(reader, &event.start_mark, err);
        }
        yaml_event_delete(&event);
        if (ok && key)
            ok = strcmp(key, "profile") == 0 ? read_default(reader, err)
                                             : read_profiles(reader, err);
        if (!ok)
            return false;
    }
}

static bool pass(struct reader *reader, struct str text, struct error *err)
{
    if (!yaml_parser_initialize(&reader->parser))
        return error_set(err, ERROR_MEMORY, "no memory to read %s", reader->path);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *) text.p, text.n);
    reader->profiles = 0;
    bool ok = read_top(reader, err);
    yaml_parser_delete(&reader->parser);
    return ok;
}

static bool choose(struct reader *reader, struct error *err)
{
    if (!reader->wanted && reader->profiles == 1)
        reader->wanted = reader->first;
    if (reader->wanted || reader->profiles == 0)
        return true;
    (void) error_set(err, ERROR_SETTINGS, "%s has %zu profiles and does not say which is used",
                     reader->path, reader->profiles);
    return error_hint(err, "--profile %s, or 'profile: %s' in the file", reader->first,
                      reader->first);
}

static bool read_text(struct reader *reader, struct str text, struct error *err)
{
    if (!pass(reader, text, err) || !choose(reader, err))
        return false;
    reader->apply = true;
    reader->found = false;
    if (!pass(reader, text, err))
        return false;
    if (reader->wanted && !reader->found)
        return error_set(err, ERROR_SETTINGS, "%s has no profile '%s'", reader->path,
                         reader->wanted);
    return true;
}

bool cli_settings_read(struct cli *cli, struct error *err)
{
    bool named = cli->sources[CLI_CONFIG] >= CLI_FROM_ENVIRONMENT;
    struct reader reader = {
        .cli = cli,
        .path = named ? cli->values[CLI_CONFIG] : cli_options[CLI_CONFIG].preset,
    };
    if (cli->command && strcmp(cli->command->name, "init") == 0)
        return true; /* it writes the file */
    if (cli->values[CLI_PROFILE]) {
        reader.wanted = arena_copy(&cli->arena, cli->values[CLI_PROFILE],
                                   strlen(cli->values[CLI_PROFILE]), err);
        if (!reader.wanted)
            return false;
    }
    struct buf text = BUF_INIT(SETTINGS_MAX);
    struct error why = ERROR_INIT;
    bool ok = file_read(reader.path, SETTINGS_MAX, &text, &why);
    if (ok) {
        ok = read_text(&reader, buf_str(&text), err);
    } else if (why.code == ERROR_NOT_FOUND && !named && !reader.wanted) {
        ok = true;
    } else {
        why.code = ERROR_SETTINGS;
        (void) error_pass(err, &why);
        (void) error_hint(err, "weir init writes a settings file");
    }
    buf_release(&text);
    return ok;
}
