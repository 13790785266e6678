/* Serve's options: a row each. */

#include "emulator/serve.h"

#define AT(field) offsetof(struct serve_options, field)

#define X(name, text, help) " " text
#define FAULT_NAMES "of" FAULTS(X)

#define HEADING(text)                                                                              \
    {                                                                                              \
        .kind = OPTION_HEADING, .help = (text)                                                     \
    }

static const struct option_row rows[] = {
    {"data", "DIR", OPTION_TEXT, AT(data), NULL, "the files that become tables"},
    {"listen", "ADDRESS:PORT", OPTION_TEXT, AT(listen), "127.0.0.1:0",
     "where; port 0: any free one"},
    {"ready-file", "F", OPTION_TEXT, AT(ready_file), NULL,
     "addresses and ids as JSON, once it answers"},
    {"tls", NULL, OPTION_FLAG, AT(tls), NULL, "HTTPS, with an authority of its own"},
    {"now", "TIME", OPTION_TIME, AT(now), NULL, "what now() is; without it the real time"},
    {"clock-speed", "N", OPTION_TEXT, AT(clock_speed), "0",
     "how fast it goes on from there; 0 stands still"},
    {"plan", "TABLE=PLAN,...", OPTION_TEXT, AT(rules.plans), NULL,
     "Analytics, Basic or Auxiliary; the latter two are read by /search"},
    {"retention", "TABLE=T,...", OPTION_TEXT, AT(rules.retentions), NULL,
     "older rows are not seen: Syslog=30d"},
    {"total-retention", "TABLE=T,...", OPTION_TEXT, AT(rules.totals), NULL,
     "older ones are not found by jobs either"},
    {"condition", "KQL;...", OPTION_TEXT, AT(rules.conditions), NULL,
     "rows that a second client sees: Syslog | where HostIP startswith \"10.\""},
    {"deny", "TABLE,...", OPTION_TEXT, AT(rules.denied), NULL,
     "that the second client may not ask"},
    {"late", "SHARE:T", OPTION_TEXT, AT(late), "0.00390625:10m",
     "rows seen minutes after their stamp, by up to T"},
    {"no-usage", NULL, OPTION_FLAG, AT(no_usage), NULL, "makes no table Usage"},
    {"native-dynamic", NULL, OPTION_FLAG, AT(limits.native_dynamic), NULL,
     "dynamic as nested JSON, not as a string"},

    HEADING("The wire"),
    {"latency", "T", OPTION_SPAN, AT(latency), NULL,
     "at least, from a request to the first byte of its answer"},
    {"bandwidth", "BYTES", OPTION_SIZE, AT(bandwidth), NULL, "a second, for each answer"},
    {"fault", "NAME:SHARE,...", OPTION_TEXT, AT(faults), NULL, FAULT_NAMES},
    {"seed", "N", OPTION_COUNT, AT(seed), "1", "the same N, the same faults"},
    {"stall-for", "T", OPTION_SPAN, AT(stall), "30s", "the silence of a stall"},

    HEADING("Limits, as the service has them"),
    {"max-rows", "N", OPTION_COUNT, AT(limits.rows), "500000", "of an answer, then PartialError"},
    {"max-bytes", "BYTES", OPTION_SIZE, AT(limits.bytes), "64000000",
     "sum of estimate_data_size(*), then PartialError"},
    {"max-json", "BYTES", OPTION_SIZE, AT(limits.body), "100000000", "of a body, then an error"},
    {"max-json-status", "N", OPTION_COUNT, AT(limits.body_status), "400", "of that error"},
    {"wait", "T", OPTION_SPAN, AT(limits.wait), "3m",
     "a query's time, unless it asks (Prefer: wait)"},
    {"wait-max", "T", OPTION_SPAN, AT(limits.wait_max), "10m", "the most it may ask for"},
    {"rate", "N", OPTION_COUNT, AT(throttle.rate), "200", "requests in a window, then 429; 0: any"},
    {"rate-window", "T", OPTION_SPAN, AT(throttle.window), "30s", "the window"},
    {"at-once", "N", OPTION_COUNT, AT(throttle.at_once), "5",
     "queries, until their answers are sent; the others wait; 0: any"},
    {"search-at-once", "N", OPTION_COUNT, AT(search_at_once), "2", "the same of /search"},
    {"strict-search", NULL, OPTION_FLAG, AT(limits.strict_search), NULL,
     "refuses a search whose text filters by TimeGenerated"},
    {"queue", "N", OPTION_COUNT, AT(throttle.queue), "200", "queries that wait, then 429"},
    {"queue-wait", "T", OPTION_SPAN, AT(throttle.queue_wait), "3m", "for so long, then 429"},
    {"retry-after", "auto|none|N", OPTION_TEXT, AT(limits.retry_after), "auto",
     "seconds that 429 and 503 tell"},

    HEADING("The continuous export"),
    {"export-to", "DIR", OPTION_TEXT, AT(exporter.to), NULL,
     "the lake that gets the rows of tables with an export rule"},
    {"export-delay", "T", OPTION_SPAN, AT(exporter.delay), "30m",
     "from a rule until it has effect, by the clock of now()"},
    {"export-double", "SHARE", OPTION_TEXT, AT(exporter.doubled), "0", "of rows written twice"},
    {"export-drop", "SHARE", OPTION_TEXT, AT(exporter.dropped), "0", "of rows never written"},
    {"export-overflow", "N", OPTION_COUNT, AT(exporter.overflow), "0",
     "lines of a blob, then its siblings; 0: no end"},
    {"export-name", "NAME", OPTION_TEXT, AT(exporter.name), "PT05M", "of blobs, without .json"},
    {"export-no-ids", NULL, OPTION_FLAG, AT(exporter.no_ids), NULL, "lines without _ItemId"},
    {"export-truth", "F", OPTION_TEXT, AT(exporter.truth), NULL,
     "a line of JSON for each row: how often it is written"},

    HEADING("Search jobs and restores"),
    {"job-time", "T", OPTION_SPAN, AT(jobs.time), "0s", "that each takes, by the clock of now()"},
    {"job-rows", "N", OPTION_COUNT, AT(jobs.rows), "100000000",
     "of a search job's result; more is partial success"},
    {"job-silent", NULL, OPTION_FLAG, AT(jobs.silent), NULL, "which only the number of rows tells"},
    {"jobs-at-once", "N", OPTION_COUNT, AT(jobs.at_once), "10", "search jobs, then 429"},

    HEADING("Sign-in"),
    {"token-life", "T", OPTION_SPAN, AT(limits.token_life), "1h", "until a token expires"},
    {"device", "MODE", OPTION_TEXT, AT(sign_in.device), "approve",
     "of who gets a device code: approve, decline, expire, slow"},
    {"secret", "NAME=FILE,...", OPTION_TEXT, AT(sign_in.secrets), NULL,
     "of the Key Vault; read at every request"},
    {"imds-fault", "STATUS:N,...", OPTION_TEXT, AT(sign_in.imds_faults), NULL,
     "the first N answers of the managed identity"},
    {"no-arm", NULL, OPTION_FLAG, AT(no_arm), NULL, "Resource Manager refuses everybody"},
    {"private", NULL, OPTION_FLAG, AT(is_private), NULL,
     "the workspace refuses queries from public networks"},
    {"no-vault", NULL, OPTION_FLAG, AT(no_vault), NULL, "so does the Key Vault"},

    HEADING("Who it is: the same by default, so that a lake knows its workspace again"),
    {"workspace-id", "GUID", OPTION_TEXT, AT(workspace), "5f3c1b6e-8a52-4d5f-9b1e-7c0a2e4d9f10",
     ""},
    {"workspace-name", "NAME", OPTION_TEXT, AT(workspace_name), "weir-emulator", ""},
    {"resource-group", "NAME", OPTION_TEXT, AT(resource_group), "weir", ""},
    {"subscription", "GUID", OPTION_TEXT, AT(subscription), "0e9f6c3a-41d7-4b0c-a7c2-93d15b2f6a88",
     ""},
    {"region", "NAME", OPTION_TEXT, AT(region), "westeurope", ""},
    {"tenant", "GUID", OPTION_TEXT, AT(tenant), "b7a1f0d2-6c3e-4f58-8d94-2e5c7a9b1043", ""},
    {"client-id", "GUID", OPTION_TEXT, AT(client), "c2d84e7f-15a9-4360-b8ef-6f0d3b7a5c21", ""},
    {"object-id", "GUID", OPTION_TEXT, AT(object), "41c0a7b5-3d9e-4e62-8f17-d05b6a9c2e38",
     "of its service principal"},
    {"secret-file", "F", OPTION_TEXT, AT(secret_file), NULL,
     "the client's secret, made when missing; without it <ready-file>.secret"},
    {"ca-file", "F", OPTION_TEXT, AT(ca_file), NULL,
     "gets the authority of --tls; without it <ready-file>.ca.pem"},

    HEADING("This machine"),
    {"memory", "BYTES", OPTION_SIZE, AT(memory), "1GB", "of the engine"},
    {"threads", "N", OPTION_COUNT, AT(threads), "0", "of the engine; 0: as many as processors"},
    {"scratch", "DIR", OPTION_TEXT, AT(scratch), NULL,
     "for the database while it runs; without it $TMPDIR"},
    {"log", "F", OPTION_TEXT, AT(log), NULL, "a line of JSON for each query"},
    {"report", "F", OPTION_TEXT, AT(report), NULL, "the counts of the end as JSON"},
    {"exit-with-parent", NULL, OPTION_FLAG, AT(exit_with_parent), NULL,
     "ends when its parent does"},
    {"quiet", NULL, OPTION_FLAG, AT(quiet), NULL, "says nothing but errors"},
};

const struct option_row *serve_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}
