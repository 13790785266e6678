/* Options are data: name, kind, default, help in one record. Parser, help, manual, completion, settings
 * file and environment all come from this list.
 *
 * A value is looked for on the command line, then in WEIR_<NAME>, then in the profile of weir.yaml (where the
 * record says SETTING), then it is the default. All names are the same in all three places.
 */
#ifndef WEIR_CLI_OPTIONS_H
#define WEIR_CLI_OPTIONS_H

#include "base/text.h"

enum cli_kind {
    CLI_FLAG, /* no value; "true" or "false" in settings */
    CLI_TEXT,
    CLI_NUMBER,   /* 0 .. 2^63-1 */
    CLI_DECIMAL,  /* 12.50, not negative */
    CLI_SIZE,     /* 64MB */
    CLI_DURATION, /* 5m, PT5M */
    CLI_TIME,     /* 2021-11-18, 2021-11-18T03:05:00Z */
    CLI_CHOICE,   /* one of the words in `value`, divided by '|' */
    CLI_REFERENCE /* to a secret: env:NAME, file:PATH, keyvault://VAULT/SECRET; never the secret itself */
};

/* Options of every command; those that may stand in weir.yaml; those that help names and the manual explains
 * (a command that lists a shared one explains it in its help too). */
enum {
    CLI_SHARED = 1,
    CLI_SETTING = 2,
    CLI_RARE = 4,
    CLI_IDENTITY = CLI_SHARED | CLI_SETTING | CLI_RARE
};

/* id, name, letter, kind, value's word, default, where, help */
#define CLI_OPTIONS(X)                                                                             \
    X(END, "end", 0, CLI_TIME, "TIME", NULL, 0,                                                    \
      "end of the range, not included; with --days or --start")                                    \
    X(DAYS, "days", 0, CLI_NUMBER, "N", NULL, 0, "so many days before --end (default end: now)")   \
    X(START, "start", 0, CLI_TIME, "TIME", NULL, 0, "begin of the range, included")                \
    X(END_DATE, "end-date", 0, CLI_TIME, "DATE", NULL, 0, "last whole day of the range, included") \
    X(LOOKBACK_DAYS, "lookback-days", 0, CLI_NUMBER, "N", NULL, 0,                                 \
      "with --end-date: so many whole days, the last of them")                                     \
    X(QUERY, "query", 0, CLI_TEXT, "KQL|@FILE", NULL, 0,                                           \
      "rows of a query in place of a table; needs --as")                                           \
    X(AS, "as", 0, CLI_TEXT, "NAME", NULL, 0, "the name that a query's rows have in the lake")     \
    X(ONE_BATCH, "one-batch", 0, CLI_FLAG, NULL, NULL, 0,                                          \
      "ask for a query whole, when it cannot be cut by time")                                      \
    X(BATCH_ROWS, "batch-rows", 0, CLI_NUMBER, "N", NULL, CLI_SETTING | CLI_RARE,                  \
      "rows of one query at most (500000)")                                                        \
    X(BATCH_SPAN, "batch-span", 0, CLI_DURATION, "SPAN", NULL, CLI_SETTING | CLI_RARE,             \
      "time that one query covers at most")                                                        \
    X(WAIT, "wait", 0, CLI_DURATION, "SPAN", "3m", CLI_SETTING | CLI_RARE,                         \
      "time that the service may take for one query, at most 10m")                                 \
    X(MAX_QUERIES, "max-queries", 0, CLI_NUMBER, "N", "5", CLI_SETTING | CLI_RARE,                 \
      "queries under way at once, 1 to 5")                                                         \
    X(SETTLE, "settle", 0, CLI_DURATION, "SPAN", "15m", CLI_SETTING | CLI_RARE,                    \
      "leave out rows that were ingested later than this before now")                              \
    X(STALL_TIMEOUT, "stall-timeout", 0, CLI_DURATION, "SPAN", "60s", CLI_SETTING | CLI_RARE,      \
      "seconds without a byte inside an answer, after which it is asked for again")                \
    X(ANSWER_TIMEOUT, "answer-timeout", 0, CLI_DURATION, "SPAN", NULL, CLI_SETTING | CLI_RARE,     \
      "time until an answer begins (--wait and 200s)")                                             \
    X(MANY, "many", 0, CLI_TEXT, "FILE", NULL, 0,                                                  \
      "tables by name, one a line; - is standard input")                                           \
    X(REPAIR, "repair", 0, CLI_FLAG, NULL, NULL, 0,                                                \
      "fetch what weir verify names, and nothing else")                                            \
    X(REPORT, "report", 0, CLI_TEXT, "FILE", NULL, CLI_SETTING,                                    \
      "what came of it, as JSON; - is standard output")                                            \
    X(METRICS, "metrics", 0, CLI_TEXT, "FILE", NULL, CLI_SETTING,                                  \
      "the same for Prometheus, renewed every 10 s")                                               \
    X(PLAN, "plan", 0, CLI_CHOICE, "analytics|basic|auxiliary", NULL, CLI_RARE,                    \
      "the table's plan (default: as Resource Manager says)")                                      \
    X(PASSES, "passes", 0, CLI_CHOICE, "1|2", "1", CLI_RARE,                                       \
      "readings of a Basic or Auxiliary table, each is billed; 2: counted before")                 \
    X(MAX_COST, "max-cost", 0, CLI_DECIMAL, "USD", NULL, CLI_SETTING,                              \
      "what reading Basic and Auxiliary tables may cost")                                          \
    X(REFRESH, "refresh", 0, CLI_FLAG, NULL, NULL, 0,                                              \
      "fetch again what the ledger holds as verified")                                             \
    X(KEEP_EMPTY, "keep-empty", 0, CLI_FLAG, NULL, NULL, CLI_SETTING | CLI_RARE,                   \
      "write nulls and empty strings too")                                                         \
    X(BESIDE, "beside", 0, CLI_FLAG, NULL, NULL, 0,                                                \
      "write all rows, also where the continuous export has blobs")                                \
    X(UNTIL_CONTINUOUS, "until-continuous", 0, CLI_FLAG, NULL, NULL, 0,                            \
      "up to the continuous export, and where both meet only what it lacks")                       \
    X(FROM, "from", 0, CLI_CHOICE, "search-job|restore", NULL, 0,                                  \
      "history beyond interactive retention, by a job that is billed")                             \
    X(TIER, "tier", 0, CLI_CHOICE, "hot|cool|cold|archive", NULL, CLI_SETTING,                     \
      "access tier of what is written (default: the account's)")                                   \
    X(MEMORY, "memory", 0, CLI_SIZE, "SIZE", NULL, CLI_SETTING | CLI_RARE,                         \
      "memory for rows, the rest goes to the disk (export 96MB, else a quarter of it)")            \
    X(THREADS, "threads", 0, CLI_NUMBER, "N", NULL, CLI_SETTING | CLI_RARE,                        \
      "processors to use (all)")                                                                   \
    X(TABLE, "table", 0, CLI_TEXT, "NAME", NULL, 0, "the table that the rows become")              \
    X(WORKSPACE_RESOURCE_ID, "workspace-resource-id", 0, CLI_TEXT, "ID", NULL, 0,                  \
      "the workspace of the lake's path (default: the profile's, else a local one)")               \
    X(TIME_COLUMN, "time-column", 0, CLI_TEXT, "NAME", NULL, 0,                                    \
      "the rows' time (default: TimeGenerated, or what alone can be it)")                          \
    X(TIME_FORMAT, "time-format", 0, CLI_CHOICE, "iso|us|epoch-s|epoch-ms", NULL, 0,               \
      "its form (iso; us and epoch-s where the file shows it)")                                    \
    X(TIME_ZONE, "time-zone", 0, CLI_TEXT, "ZONE", NULL, 0,                                        \
      "of times that name none: UTC, +02:00, Europe/Zurich")                                       \
    X(DEDUP, "dedup", 0, CLI_TEXT, "COLUMNS", NULL, 0,                                             \
      "leave out rows that are equal in these, here or in the lake; * is the whole row")           \
    X(REPLACE, "replace", 0, CLI_TEXT, "IMPORT", NULL, 0,                                          \
      "put these files in the place of an earlier import, by its id")                              \
    X(REJECT_FILE, "reject-file", 0, CLI_TEXT, "FILE", NULL, 0,                                    \
      "where lines go that are no rows (default: in the state folder)")                            \
    X(ALLOW_REJECTS, "allow-rejects", 0, CLI_NUMBER, "N", "0", 0,                                  \
      "more than so many rejects make exit status 3")                                              \
    X(SYNC, "sync", 0, CLI_FLAG, NULL, NULL, CLI_SETTING | CLI_RARE,                               \
      "wait for the disk: what is said to be there survives a power cut")                          \
    X(CLOSED_AFTER, "closed-after", 0, CLI_DURATION, "SPAN", "3d", CLI_SETTING,                    \
      "how long past its end, and unchanged, a day is closed")                                     \
    X(DELTA, "delta", 0, CLI_FLAG, NULL, NULL, CLI_SETTING,                                        \
      "keep a Delta table of the same files")                                                      \
    X(DELETE_JSON, "delete-json", 0, CLI_FLAG, NULL, NULL, 0,                                      \
      "delete weir's own blobs of days that are compacted and proven")                             \
    X(DELETE_SERVICE_BLOBS, "delete-service-blobs", 0, CLI_FLAG, NULL, NULL, 0,                    \
      "with --delete-json: those of the service and of others too")                                \
    X(DRY_RUN, "dry-run", 0, CLI_FLAG, NULL, NULL, 0, "say what would be done, and do nothing")    \
    X(OFFLINE, "offline", 0, CLI_FLAG, NULL, NULL, 0,                                              \
      "verify the lake against its own ledger; no workspace is asked")                             \
    X(ROWS, "rows", 'n', CLI_NUMBER, "N", "10", 0, "rows to show")                                 \
    X(ENGINE, "engine", 0, CLI_CHOICE, "duckdb|workspace", "duckdb", CLI_SETTING,                  \
      "what runs the query")                                                                       \
    X(REQUIRE_COVERAGE, "require-coverage", 0, CLI_FLAG, NULL, NULL, 0,                            \
      "exit status 3 when the lake lacks a part of the range")                                     \
    X(PRICES, "prices", 0, CLI_TEXT, "FILE", NULL, CLI_SETTING | CLI_RARE,                         \
      "prices for the estimate, in place of the built-in table")                                   \
    X(FROM_EMULATOR, "from-emulator", 0, CLI_TEXT, "FILE", NULL, 0,                                \
      "settings from the ready file of weir-emulator")                                             \
    X(FROM_CONFIG, "from-config", 0, CLI_TEXT, "FILE", NULL, 0,                                    \
      "settings from the config.json of Sentinel notebooks")                                       \
    X(FORCE, "force", 0, CLI_FLAG, NULL, NULL, 0, "replace a settings file that is there")         \
    X(LAKE, "lake", 0, CLI_TEXT, "PLACE", "lake", CLI_SHARED | CLI_SETTING,                        \
      "folder, storage account or container: ./lake, https://NAME.blob.core.windows.net")          \
    X(STORAGE_KEY, "storage-key", 0, CLI_REFERENCE, "REF", NULL, CLI_IDENTITY,                     \
      "the storage account's key: env:NAME, file:PATH or keyvault://VAULT/SECRET")                 \
    X(STORAGE_SAS, "storage-sas", 0, CLI_REFERENCE, "REF", NULL, CLI_IDENTITY,                     \
      "a shared access signature for the lake, by reference")                                      \
    X(WORKSPACE_ID, "workspace-id", 0, CLI_TEXT, "GUID", NULL, CLI_SHARED | CLI_SETTING,           \
      "the workspace")                                                                             \
    X(WORKSPACE_NAME, "workspace-name", 0, CLI_TEXT, "NAME", NULL, CLI_SETTING,                    \
      "its name, for messages")                                                                    \
    X(RESOURCE_ID, "resource-id", 0, CLI_TEXT, "ID", NULL, CLI_SETTING,                            \
      "its Azure resource id, for the lake's paths")                                               \
    X(ENDPOINT, "endpoint", 0, CLI_TEXT, "URL", NULL, CLI_SETTING,                                 \
      "the query service (default: the cloud's)")                                                  \
    X(AUDIENCE, "audience", 0, CLI_TEXT, "URL", NULL, CLI_SETTING,                                 \
      "for whom tokens are asked (default: the cloud's)")                                          \
    X(MANAGEMENT_ENDPOINT, "management-endpoint", 0, CLI_TEXT, "URL", NULL, CLI_SETTING,           \
      "Azure Resource Manager (default: the cloud's, unless endpoint is given)")                   \
    X(CLOUD, "cloud", 0, CLI_CHOICE, "public|usgovernment|china", "public", CLI_IDENTITY,          \
      "the Azure cloud")                                                                           \
    X(AUTHORITY, "authority", 0, CLI_TEXT, "URL", NULL, CLI_IDENTITY,                              \
      "who gives tokens (default: the cloud's)")                                                   \
    X(SIGN_IN, "sign-in", 0, CLI_CHOICE, "auto|settings|environment|workload|managed|cli|device",  \
      "auto", CLI_IDENTITY, "by what to sign in; auto: the first that is set up")                  \
    X(TENANT, "tenant", 0, CLI_TEXT, "ID", NULL, CLI_IDENTITY, "the tenant of the workspace")      \
    X(CLIENT_ID, "client-id", 0, CLI_TEXT, "ID", NULL, CLI_IDENTITY,                               \
      "the application that signs in")                                                             \
    X(CLIENT_SECRET, "client-secret", 0, CLI_REFERENCE, "REF", NULL, CLI_IDENTITY,                 \
      "its secret by reference: env:NAME, file:PATH or keyvault://VAULT/SECRET")                   \
    X(CERTIFICATE, "certificate", 0, CLI_REFERENCE, "REF", NULL, CLI_IDENTITY,                     \
      "or its certificate and private key as PEM, by reference")                                   \
    X(CERTIFICATE_PASSWORD, "certificate-password", 0, CLI_REFERENCE, "REF", NULL, CLI_IDENTITY,   \
      "of that private key, by reference")                                                         \
    X(FEDERATED_TOKEN_FILE, "federated-token-file", 0, CLI_TEXT, "FILE", NULL, CLI_IDENTITY,       \
      "or a token of an outside issuer that it trusts")                                            \
    X(MANAGED_IDENTITY, "managed-identity", 0, CLI_TEXT, "ID", NULL, CLI_IDENTITY,                 \
      "client or resource id of a user-assigned managed identity")                                 \
    X(CA_FILE, "ca-file", 0, CLI_TEXT, "FILE", NULL, CLI_IDENTITY,                                 \
      "certificate authorities to trust")                                                          \
    X(PROFILE, "profile", 0, CLI_TEXT, "NAME", NULL, CLI_SHARED,                                   \
      "which profile of the settings file")                                                        \
    X(CONFIG, "config", 0, CLI_TEXT, "FILE", "weir.yaml", CLI_SHARED, "the settings file")         \
    X(OUTPUT, "output", 'o', CLI_CHOICE, "table|json|jsonl|csv|parquet", NULL,                     \
      CLI_SHARED | CLI_SETTING, "form of the result (table on a terminal, else jsonl)")            \
    X(LOG_FORMAT, "log-format", 0, CLI_CHOICE, "text|json", "text", CLI_SHARED | CLI_SETTING,      \
      "form of messages and progress")                                                             \
    X(YES, "yes", 'y', CLI_FLAG, NULL, NULL, CLI_SHARED, "do not ask")                             \
    X(QUIET, "quiet", 'q', CLI_FLAG, NULL, NULL, CLI_SHARED, "errors and the last line only")      \
    X(VERBOSE, "verbose", 'v', CLI_FLAG, NULL, NULL, CLI_SHARED, "say more")                       \
    X(MANUAL, "manual", 0, CLI_FLAG, NULL, NULL, 0, "as a manual page")                            \
    X(HELP, "help", 'h', CLI_FLAG, NULL, NULL, CLI_SHARED, "this text")

enum cli_option_id {
#define X(id, name, letter, kind, value, preset, where, help) CLI_##id,
    CLI_OPTIONS(X)
#undef X
        CLI_OPTION_COUNT
};

struct cli_option {
    const char *name;
    char letter;
    enum cli_kind kind;
    const char *value;
    const char *preset;
    unsigned where;
    const char *help;
};

extern const struct cli_option cli_options[CLI_OPTION_COUNT];

/* The option with a name, or -1. */
int cli_option_find(struct str name);

/* Checks a text against the option's kind: ERROR_USAGE names option and text. */
bool cli_option_check(enum cli_option_id id, const char *text, struct error *err);

#endif
