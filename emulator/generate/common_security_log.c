/* CommonSecurityLog: firewalls of four vendors, as their CEF messages arrive in the workspace. */
#include "emulator/generate/tables.h"

/* A kind of message: its class and name, how severe, what the firewall did, what weir's users filter on. */
struct kind {
    struct str id, activity, severity, action, simple;
    bool blocked;
};

struct vendor {
    struct str vendor, product, version, device; /* device: the start of its names */
    struct kind kinds[4];                        /* the first is by far the commonest */
    struct str extensions;                       /* the start of AdditionalExtensions */
    struct str rule_label;
};

#define KIND(id, activity, severity, action, simple, blocked)                                      \
    {                                                                                              \
        STR_INIT(id), STR_INIT(activity), STR_INIT(severity), STR_INIT(action), STR_INIT(simple),  \
            blocked                                                                                \
    }

static const struct vendor vendors[] = {
    {STR_INIT("Palo Alto Networks"),
     STR_INIT("PAN-OS"),
     STR_INIT("10.1.3"),
     STR_INIT("fw-pa-"),
     {KIND("end", "TRAFFIC", "1", "allow", "Allow", false),
      KIND("drop", "TRAFFIC", "1", "deny", "Deny", true),
      KIND("url", "THREAT", "4", "alert", "Alert", false),
      KIND("vulnerability", "THREAT", "5", "reset-both", "Reset", true)},
     STR_INIT("cat=end;PanOSDGl1=0;PanOSVsysName=vsys1;PanOSPacketsReceived="),
     STR_INIT("Rule")},
    {STR_INIT("Fortinet"),
     STR_INIT("Fortigate"),
     STR_INIT("v6.4.5"),
     STR_INIT("fw-fg-"),
     {KIND("00013", "traffic:forward close", "3", "close", "Allow", false),
      KIND("00013", "traffic:forward deny", "3", "deny", "Deny", true),
      KIND("13056", "utm:webfilter ftgd_blk blocked", "4", "blocked", "Deny", true),
      KIND("16384", "utm:ips signature", "7", "detected", "Alert", false)},
     STR_INIT("cat=traffic:forward;FTNTFGTlogid=0000000013;FTNTFGTvd=root;FTNTFGTpolicyid="),
     STR_INIT("Policy")},
    {STR_INIT("Check Point"),
     STR_INIT("VPN-1 & FireWall-1"),
     STR_INIT("Check Point"),
     STR_INIT("fw-cp-"),
     {KIND("Log", "https", "Unknown", "Accept", "Allow", false),
      KIND("Log", "domain-udp", "Unknown", "Accept", "Allow", false),
      KIND("Log", "Log", "Unknown", "Drop", "Deny", true),
      KIND("SmartDefense", "Protection", "High", "Prevent", "Deny", true)},
     STR_INIT("conn_direction=Outgoing;ifname=bond1.20;loguid={0x61964d2e,0x1};origin_sic="),
     STR_INIT("Rule Name")},
    {STR_INIT("Cisco"),
     STR_INIT("ASA"),
     STR_INIT("9.12"),
     STR_INIT("fw-asa-"),
     {KIND("302014", "Teardown TCP connection", "6", "", "Allow", false),
      KIND("106023", "Deny by access group", "4", "Deny", "Deny", true),
      KIND("305011", "Built dynamic translation", "6", "built", "Allow", false),
      KIND("106001", "Inbound TCP connection denied", "2", "denied", "Deny", true)},
     STR_INIT("cat=firewall;group="),
     STR_INIT("ACL")},
};

enum { VENDORS = sizeof vendors / sizeof vendors[0], DEVICES = 3 };

static const struct str rules[] = {
    STR_INIT("Allow-Web-Out"),
    STR_INIT("Allow-DNS"),
    STR_INIT("Default deny"),
    STR_INIT("Guests \xE2\x86\x92 Internet"),
    STR_INIT("B\xC3\xBCro \\\"Nord\\\""),
    STR_INIT("srv;to=db|any"),
};
static const struct str reasons[] = {STR_INIT("tcp-fin"), STR_INIT("tcp-rst-from-client"),
                                     STR_INIT("aged-out"), STR_INIT("policy-deny"),
                                     STR_INIT("unknown")};

/* What one connection was. */
struct event {
    const struct vendor *vendor;
    const struct kind *kind;
    uint32_t device;
    const struct host *host;
    const struct user *user; /* NULL: nobody is known */
    const struct site *site; /* NULL: a beacon's destination, which has no name */
    uint32_t destination;
    uint16_t source_port, port;
    struct str protocol, application;
    int64_t sent, received, seconds;
};

/* A machine is always behind the same firewall: three in five behind the first vendor's. */
static void draw_host(struct row *row, struct event *event, uint32_t index)
{
    uint32_t section = index / 4 % 16;
    event->host = &row->world->hosts[index];
    event->vendor = &vendors[section < 9 ? 0 : section % VENDORS];
    event->device = index % DEVICES;
}

static void draw_ordinary(struct row *row, struct event *event)
{
    const struct user *user = &row->world->users[row_pick_skewed(row, WORLD_USERS)];
    if (row_chance(row, 8)) {
        draw_host(row, event, row_pick(row, WORLD_SERVERS));
    } else {
        draw_host(row, event, user->host);
        event->user = row_chance(row, 4) ? NULL : user;
    }
    event->kind = &event->vendor->kinds[row_pick(row, 8) < 6 ? 0 : row_pick(row, 4)];
    event->site = &row->world->sites[row_pick_skewed(row, WORLD_SITES)];
    event->destination = event->site->ip;
    event->port = event->site->port;
    event->application = event->site->application;
    event->protocol = event->port == 53 || event->port == 123 ? STR("UDP") : STR("TCP");
    uint32_t size = row_pick(row, 16);
    event->sent = 60 + (int64_t) row_pick_skewed(row, UINT32_C(64) << size);
    event->received = 60 + (int64_t) row_pick_skewed(row, UINT32_C(512) << size);
    event->seconds = row_pick_skewed(row, 900);
    if (event->kind->blocked)
        event->received = event->seconds = 0;
    if (row_chance(row, 4096)) /* counters that overflowed are in real logs, too */
        event->sent = INT64_C(9007199254740993) + row_pick(row, 1000) * 2;
    if (row_chance(row, 65536))
        event->received = INT64_MAX;
}

static void draw_beat(struct row *row, struct event *event)
{
    const struct beacon *beacon = &row->plan->beacons[row->special->which];
    draw_host(row, event, beacon->host);
    event->kind = &event->vendor->kinds[0];
    event->destination = beacon->destination;
    event->port = beacon->port;
    event->application = str_of(beacon->application);
    event->protocol = str_of(beacon->protocol);
    event->sent = 412 + (int64_t) row_pick(row, 24);
    event->received = 1180 + (int64_t) row_pick(row, 60);
    event->seconds = 1;
}

static void draw(struct row *row, struct event *event)
{
    *event = (struct event){.source_port = (uint16_t) (49152 + row_pick(row, 16384))};
    if (row->special && row->special->kind == SPECIAL_BEACON)
        draw_beat(row, event);
    else
        draw_ordinary(row, event);
}

static void put_device_name(struct row *row, struct str key, const struct event *event)
{
    row_put_str(row, key);
    row_put(row, "\"", 1);
    row_put_str(row, event->vendor->device);
    row_put_uint(row, event->device + 1);
    row_put(row, "\"", 1);
}

static void put_serial(struct row *row, struct str key, const struct event *event)
{
    row_put_str(row, key);
    row_put(row, "\"0079010", 8);
    row_put_uint(row, 15300 + (uint64_t) (event->vendor - vendors) * 100 + event->device);
    row_put(row, "\"", 1);
}

static void put_head(struct row *row, const struct event *event)
{
    const struct kind *kind = event->kind;
    row_tick(row, KEY("TimeGenerated"), row->tick);
    row_text(row, KEY("DeviceVendor"), event->vendor->vendor);
    row_text(row, KEY("DeviceProduct"), event->vendor->product);
    row_text(row, KEY("DeviceVersion"), event->vendor->version);
    row_text(row, KEY("DeviceEventClassID"), kind->id);
    row_text(row, KEY("Activity"), kind->activity);
    row_text(row, KEY("LogSeverity"), kind->severity);
    if (row_chance(row, 8))
        row_json(row, KEY("OriginalLogSeverity"), STR("null"));
    row_put_str(row, KEY("AdditionalExtensions"));
    row_put(row, "\"", 1);
    row_put_str(row, event->vendor->extensions);
    row_put_uint(row, 1 + (uint64_t) event->received / 700);
    row_put_str(row, STR(";start="));
    row_put_uint(row, (uint64_t) (row->tick - TICK_UNIX_EPOCH) / 10000);
    row_put_str(row, STR(";sessid=0x"));
    row_put_hex(row, random_next(&row->random), 8);
    row_put(row, "\"", 1);
    if (kind->action.n > 0 || row_chance(row, 2))
        row_text(row, KEY("DeviceAction"), kind->action);
    row_text(row, KEY("ApplicationProtocol"), event->application);
    row_json(row, KEY("EventCount"), STR("1"));
}

static void put_destination(struct row *row, const struct event *event)
{
    row_ip(row, KEY("DestinationTranslatedAddress"), event->destination);
    row_text(row, KEY("CommunicationDirection"), STR("Outbound"));
    put_serial(row, KEY("DeviceExternalID"), event);
    row_text(row, KEY("DeviceInboundInterface"), event->device == 0 ? STR("ae1.20") : STR("port2"));
    row_text(row, KEY("DeviceOutboundInterface"), event->device == 0 ? STR("ae2") : STR("wan1"));
    if (event->site && !row_chance(row, 4))
        row_text(row, KEY("DestinationHostName"), event->site->name);
    row_int(row, KEY("DestinationPort"), event->port);
    row_ip(row, KEY("DestinationIP"), event->destination);
    row_ip(row, KEY("DeviceAddress"), 10U << 24 | 1 << 8 | (event->device + 1));
    put_device_name(row, KEY("DeviceName"), event);
    row_tick(row, KEY("EndTime"), row->tick - row->tick % TICK_SECOND);
    if (row_chance(row, 16))
        row_json(row, KEY("ExternalID"), STR("-1"));
}

static void put_message(struct row *row, const struct event *event)
{
    row_int(row, KEY("ReceivedBytes"), event->received);
    if (row_chance(row, 12))
        row_text(row, KEY("Message"), ROW_PICK_FROM(row, world_strange));
    else if (row_chance(row, 4))
        row_text(row, KEY("Message"), row_chance(row, 2) ? event->kind->activity : STR(""));
    row_int(row, KEY("SentBytes"), event->sent);
    row_text(row, KEY("Protocol"), event->protocol);
    row_text(row, KEY("Reason"), ROW_PICK_FROM(row, reasons));
    if (event->site && (event->port == 443 || event->port == 80)) {
        row_put_str(row, KEY("RequestURL"));
        row_put_str(row, event->port == 443 ? STR("\"https://") : STR("\"http://"));
        row_put_str(row, event->site->name);
        row_put(row, "/", 1);
        row_put_hex(row, random_next(&row->random), 6);
        row_put(row, "\"", 1);
    }
}

/* The device's own clock, in the way that CEF writes it. */
static void put_receipt(struct row *row)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tick_civil c = tick_civil(row->tick);
    char text[] = "\"Nov 18 2021 10:20:00\"";
    memcpy(text + 1, months + 3 * (c.month - 1), 3);
    memcpy(text + 5, row_pairs + 2 * c.day, 2);
    memcpy(text + 8, row_pairs + 2 * (c.year / 100), 2);
    memcpy(text + 10, row_pairs + 2 * (c.year % 100), 2);
    memcpy(text + 13, row_pairs + 2 * c.hour, 2);
    memcpy(text + 16, row_pairs + 2 * c.minute, 2);
    memcpy(text + 19, row_pairs + 2 * c.second, 2);
    row_json(row, KEY("ReceiptTime"), (struct str){text, sizeof text - 1});
}

static void put_source(struct row *row, const struct event *event)
{
    put_receipt(row);
    if (!row_chance(row, 4))
        row_text(row, KEY("SourceHostName"), event->host->name);
    row_ip(row, KEY("SourceTranslatedAddress"), 93U << 24 | 184U << 16 | 10U << 8 | 1);
    row_int(row, KEY("SourcePort"), event->source_port);
    row_ip(row, KEY("SourceIP"), event->host->ip);
    row_tick(row, KEY("StartTime"),
             row->tick - row->tick % TICK_SECOND - event->seconds * TICK_SECOND);
    if (event->user) {
        row_put_str(row, KEY("SourceUserName"));
        row_put_str(row, STR("\"contoso\\\\"));
        row_put_str(row, event->user->account);
        row_put(row, "\"", 1);
    } else if (row_chance(row, 2)) {
        row_text(row, KEY("SourceUserName"), STR(""));
    }
}

static void put_custom(struct row *row, const struct event *event)
{
    static const struct str reals[] = {STR_INIT("1.5e-07"),
                                       STR_INIT("-2.5E+10"),
                                       STR_INIT("0.1"),
                                       STR_INIT("3.0"),
                                       STR_INIT("1.7976931348623157e308"),
                                       STR_INIT("-0.0"),
                                       STR_INIT("4.9e-324")};
    if (row_chance(row, 8)) {
        row_json(row, KEY("DeviceCustomFloatingPoint1"), ROW_PICK_FROM(row, reals));
        row_text(row, KEY("DeviceCustomFloatingPoint1Label"), STR("Score"));
    }
    row_int(row, KEY("DeviceCustomNumber1"), (int64_t) (row_pick(row, UINT32_MAX) >> 4) - 1000);
    if (row_chance(row, 8))
        row_int(row, KEY("FieldDeviceCustomNumber1"), (int64_t) random_next(&row->random));
    row_text(row, KEY("DeviceCustomNumber1Label"), STR("SessionID"));
    row_text(row, KEY("DeviceCustomString1"), ROW_PICK_FROM(row, rules));
    row_text(row, KEY("DeviceCustomString1Label"), event->vendor->rule_label);
    row_text(row, KEY("DeviceCustomString4"), STR("trust"));
}

static void put_tail(struct row *row, const struct event *event)
{
    if (row_chance(row, 512)) {
        row_ip(row, KEY("MaliciousIP"), event->destination);
        row_int(row, KEY("ThreatSeverity"), 1 + (int64_t) row_pick(row, 5));
        row_text(row, KEY("IndicatorThreatType"), STR("Botnet"));
        row_json(row, KEY("MaliciousIPLongitude"), STR("-58.381600"));
        row_json(row, KEY("MaliciousIPLatitude"), STR("-34.6037"));
        row_text(row, KEY("MaliciousIPCountry"), STR("Argentina"));
    }
    put_device_name(row, KEY("Computer"), event);
    row_text(row, KEY("SourceSystem"), STR("OpsManager"));
    row_text(row, KEY("SimplifiedDeviceAction"), event->kind->simple);
    row_text(row, KEY("Type"), STR("CommonSecurityLog"));
}

static void write_row(struct row *row)
{
    struct event event;
    draw(row, &event);
    put_head(row, &event);
    put_destination(row, &event);
    put_message(row, &event);
    put_source(row, &event);
    put_custom(row, &event);
    put_tail(row, &event);
}

const struct table table_common_security_log = {
    .name = "CommonSecurityLog", .beacons = true, .write = write_row};
