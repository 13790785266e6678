/* SecurityEvent: Windows audit: logons, their failures, privileges, processes. */
#include "emulator/generate/tables.h"

static const struct kind {
    int id, task;
    struct str activity;
    bool failure;
} kinds[] = {
    {4624, 12544, STR_INIT("4624 - An account was successfully logged on."), false},
    {4688, 13312, STR_INIT("4688 - A new process has been created."), false},
    {4634, 12545, STR_INIT("4634 - An account was logged off."), false},
    {4672, 12548, STR_INIT("4672 - Special privileges assigned to new logon."), false},
    {4625, 12544, STR_INIT("4625 - An account failed to log on."), true},
    {4648, 12544, STR_INIT("4648 - A logon was attempted using explicit credentials."), false},
    {4720, 13824, STR_INIT("4720 - A user account was created."), false},
    {1102, 104, STR_INIT("1102 - The audit log was cleared."), false},
};

static const struct {
    int type;
    struct str name;
} logons[] = {{3, STR_INIT("3 - Network")},
              {2, STR_INIT("2 - Interactive")},
              {5, STR_INIT("5 - Service")},
              {10, STR_INIT("10 - RemoteInteractive")}};

static const struct {
    struct str path, name, command;
} processes[] = {
    {STR_INIT("C:\\\\Windows\\\\System32\\\\svchost.exe"), STR_INIT("svchost.exe"),
     STR_INIT("C:\\\\Windows\\\\system32\\\\svchost.exe -k netsvcs -p")},
    {STR_INIT("C:\\\\Program Files\\\\Microsoft Office\\\\root\\\\Office16\\\\WINWORD.EXE"),
     STR_INIT("WINWORD.EXE"),
     STR_INIT(
         "\\\"C:\\\\Program Files\\\\Microsoft Office\\\\root\\\\Office16\\\\WINWORD.EXE\\\" /n "
         "\\\"C:\\\\Users\\\\Zo\xC3\xAB\\\\\xC3\x9C"
         "bersicht \xF0\x9F\x93\x88.docx\\\"")},
    {STR_INIT("C:\\\\Windows\\\\System32\\\\WindowsPowerShell\\\\v1.0\\\\powershell.exe"),
     STR_INIT("powershell.exe"),
     STR_INIT(
         "powershell.exe -NoProfile -Command \\\"Get-ChildItem | ForEach-Object { $_.Name }\\\"")},
    {STR_INIT("C:\\\\Windows\\\\System32\\\\cmd.exe"), STR_INIT("cmd.exe"),
     STR_INIT("cmd.exe /c \\\"echo a^&b>%TEMP%\\\\x.txt\\n& type %TEMP%\\\\x.txt\\\"")},
};

struct event {
    const struct kind *kind;
    const struct host *host;
    const struct user *user;
    size_t logon, process;
    uint32_t ip;
    uint64_t logon_id;
};

static void draw(struct row *row, struct event *event)
{
    const struct world *world = row->world;
    event->logon = row_pick_skewed(row, 4);
    event->process = row_pick_skewed(row, 4);
    event->logon_id = random_next(&row->random) >> 40;
    if (row->special && row->special->kind == SPECIAL_SPRAY) {
        const struct spray *spray = &row->plan->sprays[row->special->which];
        event->kind = &kinds[4];
        event->logon = 0;
        event->user =
            &world->users[(spray->first_user + row->special->serial % spray->users) % WORLD_USERS];
        event->host = &world->hosts[0];
        event->ip = spray->source;
        return;
    }
    event->kind = &kinds[row_pick_skewed(row, row_chance(row, 16) ? 8 : 5)];
    event->user = &world->users[row_pick_skewed(row, WORLD_USERS)];
    event->host =
        &world->hosts[row_chance(row, 3) ? row_pick(row, WORLD_SERVERS) : event->user->host];
    event->ip = world->hosts[event->user->host].ip;
}

static void put_account(struct row *row, struct str key, const struct event *event)
{
    row_put_str(row, key);
    row_put_str(row, STR("\"CONTOSO\\\\"));
    row_put_str(row, event->user->account);
    row_put(row, "\"", 1);
}

static void put_hex_text(struct row *row, struct str key, uint64_t value, int digits)
{
    row_put_str(row, key);
    row_put(row, "\"0x", 3);
    row_put_hex(row, value, digits);
    row_put(row, "\"", 1);
}

static void put_head(struct row *row, const struct event *event)
{
    row_tick(row, KEY("TimeGenerated"), row->tick);
    row_text(row, KEY("SourceSystem"), STR("OpsManager"));
    put_account(row, KEY("Account"), event);
    row_text(row, KEY("AccountType"), row_chance(row, 5) ? STR("Machine") : STR("User"));
    row_text(row, KEY("Computer"), event->host->fqdn);
    row_text(row, KEY("EventSourceName"),
             event->kind->id == 1102 ? STR("Microsoft-Windows-Eventlog")
                                     : STR("Microsoft-Windows-Security-Auditing"));
    row_text(row, KEY("Channel"), STR("Security"));
    row_int(row, KEY("Task"), event->kind->task);
    row_text(row, KEY("Level"), event->kind->failure ? STR("16") : STR("8"));
    if (row_chance(row, 6)) {
        row_put_str(row, KEY("EventData"));
        row_put_str(
            row, STR("\"<EventData xmlns=\\\"http://schemas.microsoft.com/win/2004/08/events/event"
                     "\\\">\\r\\n  <Data Name=\\\"SubjectUserSid\\\">"));
        row_put_str(row, event->user->sid);
        row_put_str(row, STR("</Data>\\r\\n  <Data Name=\\\"Text\\\">"));
        row_put_str(row, ROW_PICK_FROM(row, world_strange));
        row_put_str(row, STR("</Data>\\r\\n</EventData>\""));
    }
    row_int(row, KEY("EventID"), event->kind->id);
    row_text(row, KEY("Activity"), event->kind->activity);
}

static bool is_logon(const struct event *event)
{
    return event->kind->task == 12544;
}

static void put_logon(struct row *row, const struct event *event)
{
    row_text(row, KEY("AuthenticationPackageName"),
             row_chance(row, 3) ? STR("NTLM") : STR("Kerberos"));
    if (event->kind->failure)
        row_text(row, KEY("FailureReason"), STR("%%2313"));
    if (!row->special && row_chance(row, 16))
        row_text(row, KEY("IpAddress"), event->kind->failure ? STR("-") : STR("::1"));
    else
        row_ip(row, KEY("IpAddress"), event->ip);
    row_put_str(row, KEY("IpPort"));
    row_put(row, "\"", 1);
    row_put_uint(row, 49152 + row_pick(row, 16384));
    row_put(row, "\"", 1);
    row_json(row, KEY("KeyLength"), row_chance(row, 4) ? STR("128") : STR("0"));
    row_text(row, KEY("LmPackageName"), STR("-"));
    row_text(row, KEY("LogonProcessName"), STR("NtLmSsp "));
    row_int(row, KEY("LogonType"), logons[event->logon].type);
    row_text(row, KEY("LogonTypeName"), logons[event->logon].name);
}

static void put_process(struct row *row, const struct event *event)
{
    row_text(row, KEY("CommandLine"),
             row_chance(row, 10) ? STR("") : processes[event->process].command);
    row_text(row, KEY("MandatoryLabel"), STR("S-1-16-8192"));
    put_hex_text(row, KEY("NewProcessId"), 0x400 + row_pick(row, 0xF000), 4);
    row_text(row, KEY("NewProcessName"), processes[event->process].path);
    row_text(row, KEY("ParentProcessName"), STR("C:\\\\Windows\\\\explorer.exe"));
    row_text(row, KEY("Process"), processes[event->process].name);
    put_hex_text(row, KEY("ProcessId"), 0x400 + row_pick(row, 0xF000), 4);
}

static void put_subject(struct row *row, const struct event *event)
{
    if (event->kind->failure) {
        row_text(row, KEY("Status"), STR("0xc000006d"));
        row_text(row, KEY("SubjectUserSid"), STR("S-1-0-0"));
        row_text(row, KEY("SubStatus"), STR("0xc000006a"));
        return;
    }
    put_account(row, KEY("SubjectAccount"), event);
    row_text(row, KEY("SubjectDomainName"), STR("CONTOSO"));
    put_hex_text(row, KEY("SubjectLogonId"), event->logon_id, 6);
    row_text(row, KEY("SubjectUserName"), event->user->account);
    row_text(row, KEY("SubjectUserSid"), event->user->sid);
}

static void put_target(struct row *row, const struct event *event)
{
    put_account(row, KEY("TargetAccount"), event);
    row_text(row, KEY("TargetDomainName"), STR("CONTOSO"));
    if (!event->kind->failure)
        put_hex_text(row, KEY("TargetLogonId"), event->logon_id, 6);
    row_text(row, KEY("TargetUserName"), event->user->account);
    row_text(row, KEY("TargetUserSid"), event->kind->failure ? STR("S-1-0-0") : event->user->sid);
}

static void put_tail(struct row *row, const struct event *event)
{
    if (is_logon(event))
        row_text(row, KEY("WorkstationName"), row->world->hosts[event->user->host].name);
    row_guid(row, KEY("SourceComputerId"), event->host->id[0], event->host->id[1]);
    row_json(row, KEY("Version"), row_chance(row, 8) ? STR("null") : STR("2"));
    row_text(row, KEY("Opcode"), STR("Info"));
    row_text(row, KEY("Keywords"),
             event->kind->failure ? STR("0x8010000000000000") : STR("0x8020000000000000"));
    row_int(row, KEY("SystemProcessId"), 4 + 4 * (int64_t) row_pick(row, 300));
    row_put_str(row, KEY("EventRecordId"));
    row_put(row, "\"", 1);
    row_put_uint(row, random_next(&row->random) >> 1);
    row_put(row, "\"", 1);
    row_text(row, KEY("Type"), STR("SecurityEvent"));
    row_text(row, KEY("_ResourceId"), STR(""));
}

static void write_row(struct row *row)
{
    struct event event;
    draw(row, &event);
    put_head(row, &event);
    if (is_logon(&event))
        put_logon(row, &event);
    if (event.kind->id == 4688)
        put_process(row, &event);
    if (event.kind->id == 4672)
        row_text(row, KEY("PrivilegeList"),
                 STR("SeSecurityPrivilege\\r\\n\\t\\t\\tSeBackupPrivilege"));
    put_subject(row, &event);
    if (is_logon(&event) || event.kind->id == 4634)
        put_target(row, &event);
    put_tail(row, &event);
}

const struct table table_security_event = {
    .name = "SecurityEvent", .sprays = true, .write = write_row};
