/* Syslog: Linux servers, their daemons, and people's messages. */
#include "emulator/generate/tables.h"

/* A message is `before`, then a number, an address or a user, then `after`. */
enum part { PART_NONE, PART_NUMBER, PART_IP, PART_USER };

static const struct message {
    struct str process, facility, severity, before;
    enum part part;
    struct str after;
} messages[] = {
    {STR_INIT("CRON"), STR_INIT("cron"), STR_INIT("info"), STR_INIT("(root) CMD ("), PART_NUMBER,
     STR_INIT(" > /dev/null 2>&1)")},
    {STR_INIT("systemd"), STR_INIT("daemon"), STR_INIT("info"), STR_INIT("Started Session "),
     PART_NUMBER, STR_INIT(" of user root.")},
    {STR_INIT("sshd"), STR_INIT("authpriv"), STR_INIT("info"), STR_INIT("Accepted publickey for "),
     PART_USER, STR_INIT(" from 10.1.0.10 port 52144 ssh2: ED25519 SHA256:3Xx/Q+8=")},
    {STR_INIT("sshd"), STR_INIT("auth"), STR_INIT("warning"),
     STR_INIT("Failed password for invalid user admin from "), PART_IP,
     STR_INIT(" port 40022 ssh2")},
    {STR_INIT("sudo"), STR_INIT("authpriv"), STR_INIT("notice"), STR_INIT("  "), PART_USER,
     STR_INIT(" : TTY=pts/0 ; PWD=/home ; USER=root ; COMMAND=/usr/bin/sh -c \\\"id; echo "
              "\\\\$HOME\\\"")},
    {STR_INIT("kernel"), STR_INIT("kern"), STR_INIT("err"),
     STR_INIT("[12345.678901] Out of memory: Killed process "), PART_NUMBER,
     STR_INIT(" (java) total-vm:8123456kB\\n\\tanon-rss:-1kB")},
    {STR_INIT("nginx"), STR_INIT("local7"), STR_INIT("info"), STR_INIT(""), PART_IP,
     STR_INIT(" - - \\\"GET /caf\xC3\xA9?q=%22x%22 HTTP/1.1\\\" 200 1.5e3 \\\"-\\\"")},
    {STR_INIT("rsyslogd"), STR_INIT("syslog"), STR_INIT("debug"),
     STR_INIT("action 'fwd' resumed after "), PART_NUMBER, STR_INIT("s")},
};

enum { MESSAGES = sizeof messages / sizeof messages[0] };

static void put_message(struct row *row, const struct message *message)
{
    if (row_chance(row, 12)) {
        row_text(row, KEY("SyslogMessage"), ROW_PICK_FROM(row, world_strange));
        return;
    }
    row_put_str(row, KEY("SyslogMessage"));
    row_put(row, "\"", 1);
    row_put_str(row, message->before);
    switch (message->part) {
    case PART_NUMBER:
        row_put_uint(row, row_pick(row, 100000));
        break;
    case PART_IP:
        row_put_ip(row, row->world->sites[row_pick(row, WORLD_SITES)].ip);
        break;
    case PART_USER:
        row_put_str(row, row->world->users[row_pick_skewed(row, WORLD_USERS)].account);
        break;
    case PART_NONE:
        break;
    }
    row_put_str(row, message->after);
    row_put(row, "\"", 1);
}

static void write_row(struct row *row)
{
    const struct message *message = &messages[row_pick_skewed(row, MESSAGES)];
    uint32_t linux_server = 8 * row_pick(row, WORLD_SERVERS / 8) + 6;
    linux_server += row_pick(row, 2);
    const struct host *host = &row->world->hosts[linux_server];
    row_text(row, KEY("SourceSystem"), STR("Linux"));
    row_tick(row, KEY("TimeGenerated"), row->tick);
    row_text(row, KEY("Computer"), host->name);
    row_tick(row, KEY("EventTime"), row->tick - row->tick % TICK_SECOND);
    row_text(row, KEY("Facility"), message->facility);
    row_text(row, KEY("HostName"), host->name);
    row_text(row, KEY("SeverityLevel"), message->severity);
    put_message(row, message);
    if (!row_chance(row, 8))
        row_int(row, KEY("ProcessID"), 1 + (int64_t) row_pick(row, 32768));
    else if (row_chance(row, 2))
        row_json(row, KEY("ProcessID"), STR("null"));
    row_ip(row, KEY("HostIP"), host->ip);
    row_text(row, KEY("ProcessName"), row_chance(row, 32) ? STR("") : message->process);
    row_text(row, KEY("CollectorHostName"), STR("lnx-collector-01"));
    row_text(row, KEY("Type"), STR("Syslog"));
    row_put_str(row, KEY("_ResourceId"));
    row_put_str(row,
                STR("\"/subscriptions/11111111-2222-4333-8444-555555555555/resourcegroups/linux/"
                    "providers/microsoft.compute/virtualmachines/"));
    row_put_str(row, host->name);
    row_put(row, "\"", 1);
}

const struct table table_syslog = {.name = "Syslog", .write = write_row};
