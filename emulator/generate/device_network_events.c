/* DeviceNetworkEvents: connections as the sensor on a machine sees them, with the process behind each. */
#include "emulator/generate/tables.h"

static const struct process {
    struct str file, folder, command, company;
    int64_t size;
    uint64_t hash;
} processes[] = {
    {STR_INIT("msedge.exe"),
     STR_INIT("c:\\\\program files (x86)\\\\microsoft\\\\edge\\\\application\\\\msedge.exe"),
     STR_INIT("\\\"msedge.exe\\\" --profile-directory=Default"), STR_INIT("Microsoft Corporation"),
     3245464, 1},
    {STR_INIT("svchost.exe"), STR_INIT("c:\\\\windows\\\\system32\\\\svchost.exe"),
     STR_INIT("svchost.exe -k NetworkService -p -s Dnscache"), STR_INIT("Microsoft Corporation"),
     55456, 2},
    {STR_INIT("Teams.exe"),
     STR_INIT(
         "c:\\\\users\\\\\xC3\x85sa\\\\appdata\\\\local\\\\microsoft\\\\teams\\\\current\\\\teams."
         "exe"),
     STR_INIT("\\\"Teams.exe\\\" --type=utility --lang=sv \\\"--field=a\\tb\\\""),
     STR_INIT("Microsoft Corporation"), 120345678, 3},
    {STR_INIT("curl.exe"), STR_INIT("c:\\\\windows\\\\system32\\\\curl.exe"),
     STR_INIT("curl.exe -s \\\"https://www1.fabrikam.example/\xF0\x9F\x98\x80\\\""), STR_INIT(""),
     530944, 4},
    {STR_INIT("rundll32.exe"), STR_INIT("c:\\\\windows\\\\system32\\\\rundll32.exe"),
     STR_INIT("rundll32.exe C:\\\\ProgramData\\\\upd.dll,Start"), STR_INIT("Microsoft Corporation"),
     71680, 5},
};

enum { ORDINARY = 4 }; /* the last process is the beacons' */

static const struct str actions[] = {STR_INIT("ConnectionSuccess"), STR_INIT("ConnectionFailed"),
                                     STR_INIT("DnsConnectionInspected"),
                                     STR_INIT("InboundConnectionAccepted")};

static const struct str additional[] = {
    STR_INIT("{}"),
    STR_INIT("{\"direction\":\"Out\",\"conn_state\":\"SF\",\"duration\":1.50e-2}"),
    STR_INIT("{\"query\":\"www.m\xC3\xBCnchen.example\",\"AA\":false,\"TTLs\":[300.0,60.00,-1]}"),
    STR_INIT("null"),
    STR_INIT(
        "{\"uid\":\"\\ud83d\\ude00\",\"orig_bytes\":9223372036854775807,\"nested\":{\"a\":[{}]}}"),
    STR_INIT("\"not an object\"")};

struct event {
    const struct host *host;
    const struct user *user;
    const struct process *process;
    const struct site *site; /* NULL: a beacon's destination */
    struct str action, protocol;
    uint32_t remote;
    uint16_t port;
};

static void draw(struct row *row, struct event *event)
{
    const struct world *world = row->world;
    event->user = &world->users[row_pick_skewed(row, WORLD_USERS)];
    if (row->special && row->special->kind == SPECIAL_BEACON) {
        const struct beacon *beacon = &row->plan->beacons[row->special->which];
        *event = (struct event){.host = &world->hosts[beacon->host],
                                .user = event->user,
                                .process = &processes[ORDINARY],
                                .action = actions[0],
                                .protocol = str_of(beacon->protocol),
                                .remote = beacon->destination,
                                .port = beacon->port};
        return;
    }
    event->host = &world->hosts[event->user->host];
    event->process = &processes[row_pick_skewed(row, ORDINARY)];
    event->site = &world->sites[row_pick_skewed(row, WORLD_SITES)];
    event->action = actions[row_pick_skewed(row, 4)];
    event->remote = event->site->ip;
    event->port = event->site->port;
    event->protocol = event->port == 53 || event->port == 123 ? STR("Udp") : STR("Tcp");
}

static void put_head(struct row *row, const struct event *event)
{
    row_text(row, KEY("ActionType"), event->action);
    if (!row_chance(row, 4))
        row_json(row, KEY("AdditionalFields"), ROW_PICK_FROM(row, additional));
    row_text(row, KEY("AppGuardContainerId"), STR(""));
    row_put_str(row, KEY("DeviceId"));
    row_put(row, "\"", 1);
    for (int i = 0; i < 5; i++)
        row_put_hex(row, event->host->id[i & 1] >> 4 * i, 8);
    row_put(row, "\"", 1);
    row_text(row, KEY("DeviceName"), event->host->fqdn);
    row_text(row, KEY("InitiatingProcessAccountDomain"), STR("contoso"));
    row_text(row, KEY("InitiatingProcessAccountName"), event->user->account);
    row_guid(row, KEY("InitiatingProcessAccountObjectId"), event->user->id[0], event->user->id[1]);
    row_text(row, KEY("InitiatingProcessAccountSid"), event->user->sid);
    row_text(row, KEY("InitiatingProcessAccountUpn"), event->user->upn);
}

/* A digest that belongs to the process: `words` blocks of 8 digits. */
static void put_digest(struct row *row, struct str key, const struct event *event, int words)
{
    row_put_str(row, key);
    row_put(row, "\"", 1);
    for (int i = 1; i <= words; i++)
        row_put_hex(row, event->process->hash * UINT64_C(0x9E3779B97F4A7C15) * (uint64_t) i >> 16,
                    8);
    row_put(row, "\"", 1);
}

static void put_process(struct row *row, const struct event *event)
{
    const struct process *process = event->process;
    row_text(row, KEY("InitiatingProcessCommandLine"), process->command);
    row_text(row, KEY("InitiatingProcessFileName"), process->file);
    row_text(row, KEY("InitiatingProcessFolderPath"), process->folder);
    row_int(row, KEY("InitiatingProcessId"), 4 * (int64_t) (100 + row_pick(row, 8000)));
    row_text(row, KEY("InitiatingProcessIntegrityLevel"), STR("Medium"));
    put_digest(row, KEY("InitiatingProcessMD5"), event, 4);
    row_text(row, KEY("InitiatingProcessParentFileName"), STR("explorer.exe"));
    row_int(row, KEY("InitiatingProcessParentId"), 4 * (int64_t) (100 + row_pick(row, 8000)));
    put_digest(row, KEY("InitiatingProcessSHA1"), event, 5);
    put_digest(row, KEY("InitiatingProcessSHA256"), event, 8);
    row_text(row, KEY("InitiatingProcessTokenElevation"), STR("TokenElevationTypeLimited"));
    row_int(row, KEY("InitiatingProcessFileSize"), process->size);
    row_text(row, KEY("InitiatingProcessVersionInfoCompanyName"), process->company);
}

static void put_connection(struct row *row, const struct event *event)
{
    row_ip(row, KEY("LocalIP"), event->host->ip);
    row_text(row, KEY("LocalIPType"), STR("Private"));
    row_int(row, KEY("LocalPort"),
            row_chance(row, 64) ? -1 : 49152 + (int64_t) row_pick(row, 16384));
    if (row_chance(row, 8))
        row_json(row, KEY("MachineGroup"),
                 row_chance(row, 2) ? STR("null") : STR("\"Z\xC3\xBCrich\""));
    row_text(row, KEY("Protocol"), event->protocol);
    row_ip(row, KEY("RemoteIP"), event->remote);
    row_text(row, KEY("RemoteIPType"), STR("Public"));
    row_int(row, KEY("RemotePort"), event->port);
    if (event->site && !row_chance(row, 3))
        row_text(row, KEY("RemoteUrl"), event->site->name);
    int shift = row_chance(row, 64) ? 1 : 44;
    row_int(row, KEY("ReportId"), (int64_t) (random_next(&row->random) >> shift));
    row_tick(row, KEY("TimeGenerated"), row->tick);
}

static void put_tail(struct row *row)
{
    int64_t created = row->tick - (int64_t) (random_next(&row->random) % (uint64_t) TICK_DAY);
    row_tick(row, KEY("InitiatingProcessParentCreationTime"), created - TICK_HOUR);
    row_tick(row, KEY("InitiatingProcessCreationTime"), created);
    row_int(row, KEY("InitiatingProcessSessionId"), row_pick(row, 3));
    row_bool(row, KEY("IsInitiatingProcessRemoteSession"), row_chance(row, 50));
    row_text(row, KEY("SourceSystem"), STR(""));
    row_text(row, KEY("Type"), STR("DeviceNetworkEvents"));
    row_tick(row, KEY("Timestamp"), row->tick);
}

static void write_row(struct row *row)
{
    struct event event = {0};
    draw(row, &event);
    put_head(row, &event);
    put_process(row, &event);
    put_connection(row, &event);
    put_tail(row);
}

const struct table table_device_network_events = {
    .name = "DeviceNetworkEvents", .beacons = true, .write = write_row};
