/* SigninLogs: people who sign in, mostly with success, with the nested JSON that the directory writes. */
#include "emulator/generate/tables.h"

struct application {
    struct str name, id, resource;
};

static const struct application applications[] = {
    {STR_INIT("Office 365 Exchange Online"), STR_INIT("00000002-0000-0ff1-ce00-000000000000"),
     STR_INIT("Office 365 Exchange Online")},
    {STR_INIT("Microsoft Teams"), STR_INIT("1fec8e78-bce4-4aaf-ab1b-5451cc387264"),
     STR_INIT("Microsoft Graph")},
    {STR_INIT("OfficeHome"), STR_INIT("4765445b-32c6-49b0-83e6-1d93765276ca"),
     STR_INIT("OfficeHome")},
    {STR_INIT("Azure Portal"), STR_INIT("c44b4083-3bb0-49c1-b47d-974e53cbdf3c"),
     STR_INIT("Windows Azure Service Management API")},
    {STR_INIT("Gehaltsabrechnung \xE2\x82\xAC"), STR_INIT("7f0c3a52-9c0e-4b8e-8f63-1c55bb6a4b10"),
     STR_INIT("Microsoft Graph")},
};

/* A place: city, state, country, and coordinates as text, so that their digits stay as they are. */
static const struct {
    struct str country, location;
} places[] = {
    {STR_INIT("DE"),
     STR_INIT("{\"city\":\"M\xC3\xBCnchen\",\"state\":\"Bayern\",\"countryOrRegion\":\"DE\","
              "\"geoCoordinates\":{\"latitude\":48.137430,\"longitude\":11.57549}}")},
    {STR_INIT("BR"),
     STR_INIT("{\"city\":\"S\xC3\xA3o Paulo\",\"state\":\"S\xC3\xA3o Paulo\",\"countryOrRegion\":"
              "\"BR\",\"geoCoordinates\":{\"latitude\":-23.5475,\"longitude\":-46.636110}}")},
    {STR_INIT("JP"),
     STR_INIT("{\"city\":\"\xE6\x9D\xB1\xE4\xBA\xAC\",\"state\":\"T\xC5\x8Dky\xC5\x8D\","
              "\"countryOrRegion\":\"JP\",\"geoCoordinates\":{\"latitude\":35.6895,"
              "\"longitude\":1.3969171e2}}")},
    {STR_INIT("US"),
     STR_INIT("{\"city\":\"Redmond\",\"state\":\"Washington\",\"countryOrRegion\":\"US\","
              "\"geoCoordinates\":{\"latitude\":47.67399,\"longitude\":-122.121510,"
              "\"altitude\":null}}")},
    {STR_INIT(""), STR_INIT("{}")},
};

struct result {
    struct str code, text, status;
};

#define RESULT(code, text)                                                                         \
    {                                                                                              \
        STR_INIT(code), STR_INIT(text),                                                            \
            STR_INIT("{\"errorCode\":" code ",\"failureReason\":\"" text "\"}")                    \
    }

static const struct result success = {
    STR_INIT("0"), STR_INIT(""),
    STR_INIT("{\"errorCode\":0,\"additionalDetails\":\"MFA requirement satisfied by claim in "
             "the token\"}")};
static const struct result wrong_password =
    RESULT("50126", "Invalid username or password or Invalid on-premise username or password.");
static const struct result failures[] = {
    RESULT("50074", "Strong Authentication is required."),
    RESULT(
        "50140",
        "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in."),
    RESULT("53003", "Access has been blocked due to Conditional Access policies."),
    RESULT("700082", "The refresh token has expired due to inactivity."),
    RESULT("50053", "Account is locked because the user tried to sign in too many times."),
};

static const struct {
    struct str system, browser, agent;
} clients[] = {
    {STR_INIT("Windows 10"), STR_INIT("Edge 95.0.1020"),
     STR_INIT("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
              "Chrome/95.0.4638.69 Safari/537.36 Edg/95.0.1020.44")},
    {STR_INIT("Ios 15.1"), STR_INIT("Mobile Safari"),
     STR_INIT(
         "Mozilla/5.0 (iPhone; CPU iPhone OS 15_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko)")},
    {STR_INIT("MacOs"), STR_INIT("Chrome 95.0.4638"),
     STR_INIT("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36")},
    {STR_INIT(""), STR_INIT(""), STR_INIT("")},
};

struct event {
    const struct user *user;
    const struct application *application;
    const struct result *result;
    size_t place, client;
    uint32_t ip;
    bool sprayed;
};

static void draw(struct row *row, struct event *event)
{
    const struct world *world = row->world;
    event->application = &ROW_PICK_FROM(row, applications);
    event->client = row_pick_skewed(row, 4);
    event->place = row_pick_skewed(row, 5);
    event->sprayed = row->special && row->special->kind == SPECIAL_SPRAY;
    if (event->sprayed) {
        const struct spray *spray = &row->plan->sprays[row->special->which];
        event->user =
            &world->users[(spray->first_user + row->special->serial % spray->users) % WORLD_USERS];
        event->result = &wrong_password;
        event->ip = spray->source;
        return;
    }
    event->user = &world->users[row_pick_skewed(row, WORLD_USERS)];
    event->ip = row_chance(row, 3) ? event->user->home : 93U << 24 | 184U << 16 | 10U << 8 | 1;
    event->result = &success;
    if (row_chance(row, 12))
        event->result = row_chance(row, 3) ? &wrong_password : &ROW_PICK_FROM(row, failures);
}

static void put_head(struct row *row, const struct event *event)
{
    row_text(row, KEY("SourceSystem"), STR("Azure AD"));
    row_tick(row, KEY("TimeGenerated"), row->tick);
    row_put_str(row, KEY("ResourceId"));
    row_put_str(row, STR("\"/tenants/"));
    row_put_str(row, row->world->tenant);
    row_put_str(row, STR("/providers/Microsoft.aadiam\""));
    row_text(row, KEY("OperationName"), STR("Sign-in activity"));
    row_text(row, KEY("OperationVersion"), STR("1.0"));
    row_text(row, KEY("Category"), STR("SignInLogs"));
    row_text(row, KEY("ResultType"), event->result->code);
    row_text(row, KEY("ResultSignature"), row_chance(row, 2) ? STR("None") : STR(""));
    row_text(row, KEY("ResultDescription"), event->result->text);
    if (row_chance(row, 1024))
        row_json(row, KEY("DurationMs"), STR("9007199254740993"));
    else
        row_int(row, KEY("DurationMs"), row_pick_skewed(row, 3000));
    row_new_guid(row, KEY("CorrelationId"));
    row_text(row, KEY("Resource"), STR("Microsoft.aadiam"));
    row_text(row, KEY("ResourceGroup"), STR("Microsoft.aadiam"));
    row_text(row, KEY("Identity"), event->user->name);
    row_text(row, KEY("Level"), STR("4"));
    row_text(row, KEY("Location"), places[event->place].country);
}

/* JSON inside of a text, as this table has it in many columns. */
static void put_details(struct row *row, const struct event *event)
{
    row_put_str(row, KEY("AuthenticationDetails"));
    row_put_str(row, STR("\"[{\\\"authenticationStepDateTime\\\":\\\""));
    char text[TICK_TEXT_MAX];
    size_t n = tick_format(row->tick - row->tick % TICK_SECOND, text);
    row_put(row, text, n);
    row_put_str(row, STR("\\\",\\\"authenticationMethod\\\":\\\"Password\\\",\\\"succeeded\\\":"));
    row_put_str(row, event->result == &wrong_password ? STR("false") : STR("true"));
    row_put_str(row, STR("}]\""));
    row_json(row, KEY("AppliedEventListeners"), STR("[]"));
    row_text(row, KEY("AuthenticationRequirement"),
             event->sprayed ? STR("singleFactorAuthentication") : STR("multiFactorAuthentication"));
    row_text(row, KEY("ClientAppUsed"),
             event->sprayed ? STR("Authenticated SMTP") : STR("Browser"));
}

static void put_policies(struct row *row)
{
    static const struct str names[] = {STR_INIT("Require MFA"),
                                       STR_INIT("Block legacy \\\"basic\\\" auth"),
                                       STR_INIT("Ger\xC3\xA4te: nur konform")};
    uint32_t count = row_pick(row, 4);
    row_put_str(row, KEY("ConditionalAccessPolicies"));
    row_put(row, "[", 1);
    for (uint32_t i = 0; i < count; i++) {
        row_put_str(row, i > 0 ? STR(",{\"id\":\"") : STR("{\"id\":\""));
        row_put_guid(row, 0x1000 + i, 0x2000 + i);
        row_put_str(row, STR("\",\"displayName\":\""));
        row_put_str(row, names[i % 3]);
        row_put_str(row,
                    STR("\",\"enforcedGrantControls\":[\"Mfa\"],\"enforcedSessionControls\":[],"
                        "\"result\":\""));
        row_put_str(row, row_chance(row, 2) ? STR("success") : STR("notApplied"));
        row_put_str(row, STR("\",\"conditionsSatisfied\":1.50e1,\"conditionsNotSatisfied\":"));
        row_put_uint(row, row_pick(row, 64));
        row_put(row, "}", 1);
    }
    row_put(row, "]", 1);
    row_text(row, KEY("ConditionalAccessStatus"), count > 0 ? STR("success") : STR("notApplied"));
    row_tick(row, KEY("CreatedDateTime"), row->tick - (int64_t) row_pick(row, 50000000));
}

static void put_device(struct row *row, const struct event *event)
{
    const struct host *host = &row->world->hosts[event->user->host];
    bool managed = event->client == 0 && !event->sprayed;
    row_put_str(row, KEY("DeviceDetail"));
    row_put_str(row, STR("{\"deviceId\":\""));
    if (managed)
        row_put_guid(row, host->id[0], host->id[1]);
    row_put_str(row, STR("\",\"displayName\":\""));
    row_put_str(row, managed ? host->name : STR(""));
    row_put_str(row, STR("\",\"operatingSystem\":\""));
    row_put_str(row, clients[event->client].system);
    row_put_str(row, STR("\",\"browser\":\""));
    row_put_str(row, clients[event->client].browser);
    row_put_str(row, managed
                         ? STR("\",\"isCompliant\":true,\"isManaged\":true,\"trustType\":\"Hybrid "
                               "Azure AD joined\"}")
                         : STR("\",\"isCompliant\":null}"));
    row_bool(row, KEY("IsInteractive"), true);
    row_new_guid(row, KEY("Id"));
    row_ip(row, KEY("IPAddress"), event->ip);
    if (row_chance(row, 2))
        row_json(row, KEY("IsRisky"), row_chance(row, 8) ? STR("null") : STR("false"));
    row_json(row, KEY("LocationDetails"), places[event->place].location);
}

/* A dynamic that is missing, null, an object, and once in a while a plain text. */
static void put_mfa(struct row *row)
{
    static const struct str details[] = {
        STR_INIT("null"),
        STR_INIT("{\"authMethod\":\"PhoneAppNotification\",\"authDetail\":\"+49 XXXXXX12\"}"),
        STR_INIT("{}"), STR_INIT("\"previously satisfied\""),
        STR_INIT("{\"serial\":12345678901234567890.0,\"drift\":-1.10E-05,\"emoji\":"
                 "\"\xF0\x9F\x94\x91\"}")};
    if (row_chance(row, 2))
        row_json(row, KEY("MfaDetail"), ROW_PICK_FROM(row, details));
    row_text(row, KEY("NetworkLocationDetails"), STR("[]"));
    row_new_guid(row, KEY("OriginalRequestId"));
}

static void put_risk(struct row *row, const struct event *event)
{
    row_put_str(row, KEY("ProcessingTimeInMilliseconds"));
    row_put(row, "\"", 1);
    row_put_uint(row, 40 + row_pick_skewed(row, 900));
    row_put(row, "\"", 1);
    row_text(row, KEY("RiskDetail"), STR("none"));
    row_text(row, KEY("RiskEventTypes"), STR("[]"));
    row_text(row, KEY("RiskLevelAggregated"), STR("none"));
    row_text(row, KEY("RiskLevelDuringSignIn"), event->sprayed ? STR("low") : STR("none"));
    row_text(row, KEY("RiskState"), STR("none"));
    row_text(row, KEY("ResourceDisplayName"), event->application->resource);
    row_json(row, KEY("Status"), event->result->status);
    row_text(row, KEY("TokenIssuerType"), STR("AzureAD"));
    row_text(row, KEY("UserAgent"), clients[event->client].agent);
}

static void put_tail(struct row *row, const struct event *event)
{
    const struct user *user = event->user;
    row_text(row, KEY("UserDisplayName"), user->name);
    row_guid(row, KEY("UserId"), user->id[0], user->id[1]);
    row_text(row, KEY("UserPrincipalName"), user->upn);
    row_text(row, KEY("AADTenantId"), row->world->tenant);
    row_text(row, KEY("UserType"), STR("Member"));
    row_json(row, KEY("FlaggedForReview"), row_chance(row, 64) ? STR("true") : STR("false"));
    row_text(row, KEY("SignInIdentifier"), user->upn);
    row_text(row, KEY("HomeTenantId"), row->world->tenant);
    row_text(row, KEY("AutonomousSystemNumber"), STR("64496"));
    row_text(row, KEY("AuthenticationProtocol"), STR("none"));
    row_json(row, KEY("TokenProtectionStatusDetails"),
             STR("{\"signInSessionStatus\":\"unbound\",\"signInSessionStatusCode\":1002}"));
    row_text(row, KEY("Type"), STR("SigninLogs"));
}

static void write_row(struct row *row)
{
    struct event event;
    draw(row, &event);
    put_head(row, &event);
    row_text(row, KEY("AppDisplayName"), event.application->name);
    row_text(row, KEY("AppId"), event.application->id);
    put_details(row, &event);
    put_policies(row);
    put_device(row, &event);
    put_mfa(row);
    put_risk(row, &event);
    put_tail(row, &event);
}

const struct table table_signin_logs = {.name = "SigninLogs", .sprays = true, .write = write_row};
