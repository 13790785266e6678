/* Names of time zones in headers; see header.h. */
#include "engine/header.h"

/* The portal's menu words and the Windows names that CLDR's windowsZones table ties to IANA names. Cut down to
 * the zones that stand in Azure's menu; UTC first. Compared without case. */
static const struct {
    const char *portal, *iana;
} zones[] = {
    {"UTC", "Etc/UTC"},
    {"Coordinated Universal Time", "Etc/UTC"},
    {"Hawaii", "Pacific/Honolulu"},
    {"Hawaiian Standard Time", "Pacific/Honolulu"},
    {"Alaska", "America/Anchorage"},
    {"Alaskan Standard Time", "America/Anchorage"},
    {"Pacific Time (US and Canada)", "America/Los_Angeles"},
    {"Pacific Time (US and Canada) Tijuana", "America/Los_Angeles"},
    {"Pacific Time (US and Canada); Tijuana", "America/Los_Angeles"},
    {"Pacific Standard Time", "America/Los_Angeles"},
    {"Mountain Time (US and Canada)", "America/Denver"},
    {"Mountain Standard Time", "America/Denver"},
    {"Arizona", "America/Phoenix"},
    {"US Mountain Standard Time", "America/Phoenix"},
    {"Chihuahua, La Paz, Mazatlan", "America/Mazatlan"},
    {"Central Time (US and Canada)", "America/Chicago"},
    {"Central Standard Time", "America/Chicago"},
    {"Central America", "America/Guatemala"},
    {"Guadalajara, Mexico City, Monterrey", "America/Mexico_City"},
    {"Saskatchewan", "America/Regina"},
    {"Eastern Time (US and Canada)", "America/New_York"},
    {"Eastern Standard Time", "America/New_York"},
    {"Indiana (East)", "America/Indiana/Indianapolis"},
    {"Bogota, Lima, Quito", "America/Bogota"},
    {"Atlantic Time (Canada)", "America/Halifax"},
    {"Atlantic Standard Time", "America/Halifax"},
    {"Caracas", "America/Caracas"},
    {"Santiago", "America/Santiago"},
    {"Newfoundland", "America/St_Johns"},
    {"Brasilia", "America/Sao_Paulo"},
    {"Buenos Aires", "America/Argentina/Buenos_Aires"},
    {"Greenland", "America/Nuuk"},
    {"Azores", "Atlantic/Azores"},
    {"Cape Verde Is.", "Atlantic/Cape_Verde"},
    {"Dublin, Edinburgh, Lisbon, London", "Europe/London"},
    {"GMT Standard Time", "Europe/London"},
    {"Casablanca", "Africa/Casablanca"},
    {"Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"},
    {"W. Europe Standard Time", "Europe/Berlin"},
    {"Brussels, Copenhagen, Madrid, Paris", "Europe/Paris"},
    {"Romance Standard Time", "Europe/Paris"},
    {"Belgrade, Bratislava, Budapest, Ljubljana, Prague", "Europe/Budapest"},
    {"Central Europe Standard Time", "Europe/Budapest"},
    {"Sarajevo, Skopje, Warsaw, Zagreb", "Europe/Warsaw"},
    {"Central European Standard Time", "Europe/Warsaw"},
    {"West Central Africa", "Africa/Lagos"},
    {"Athens, Bucharest", "Europe/Bucharest"},
    {"Athens, Bucharest, Istanbul", "Europe/Bucharest"},
    {"Cairo", "Africa/Cairo"},
    {"Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", "Europe/Kyiv"},
    {"FLE Standard Time", "Europe/Kyiv"},
    {"Jerusalem", "Asia/Jerusalem"},
    {"Israel Standard Time", "Asia/Jerusalem"},
    {"Harare, Pretoria", "Africa/Johannesburg"},
    {"Istanbul", "Europe/Istanbul"},
    {"Moscow, St. Petersburg, Volgograd", "Europe/Moscow"},
    {"Kuwait, Riyadh", "Asia/Riyadh"},
    {"Nairobi", "Africa/Nairobi"},
    {"Baghdad", "Asia/Baghdad"},
    {"Tehran", "Asia/Tehran"},
    {"Abu Dhabi, Muscat", "Asia/Dubai"},
    {"Baku", "Asia/Baku"},
    {"Kabul", "Asia/Kabul"},
    {"Islamabad, Karachi", "Asia/Karachi"},
    {"Tashkent", "Asia/Tashkent"},
    {"Chennai, Kolkata, Mumbai, New Delhi", "Asia/Kolkata"},
    {"India Standard Time", "Asia/Kolkata"},
    {"Kathmandu", "Asia/Kathmandu"},
    {"Astana, Dhaka", "Asia/Dhaka"},
    {"Sri Jayawardenepura", "Asia/Colombo"},
    {"Bangkok, Hanoi, Jakarta", "Asia/Bangkok"},
    {"Beijing, Chongqing, Hong Kong, Urumqi", "Asia/Shanghai"},
    {"China Standard Time", "Asia/Shanghai"},
    {"Kuala Lumpur, Singapore", "Asia/Singapore"},
    {"Singapore Standard Time", "Asia/Singapore"},
    {"Taipei", "Asia/Taipei"},
    {"Perth", "Australia/Perth"},
    {"Seoul", "Asia/Seoul"},
    {"Osaka, Sapporo, Tokyo", "Asia/Tokyo"},
    {"Tokyo Standard Time", "Asia/Tokyo"},
    {"Darwin", "Australia/Darwin"},
    {"Adelaide", "Australia/Adelaide"},
    {"Canberra, Melbourne, Sydney", "Australia/Sydney"},
    {"AUS Eastern Standard Time", "Australia/Sydney"},
    {"Brisbane", "Australia/Brisbane"},
    {"Hobart", "Australia/Hobart"},
    {"Guam, Port Moresby", "Pacific/Port_Moresby"},
    {"Auckland, Wellington", "Pacific/Auckland"},
    {"New Zealand Standard Time", "Pacific/Auckland"},
};

void engine_header_split(struct str header, struct str *name, struct str *zone)
{
    *name = header;
    *zone = (struct str){"", 0};
    if (header.n < 4 || header.p[header.n - 1] != ']')
        return;
    for (size_t i = header.n - 1; i-- > 1;) {
        if (header.p[i] != '[')
            continue;
        if (header.p[i - 1] != ' ')
            return;
        *name = str_trim((struct str){header.p, i});
        *zone = str_trim((struct str){header.p + i + 1, header.n - i - 2});
        return;
    }
}

const char *engine_header_zone(struct str zone)
{
    /* "(UTC-08:00) Pacific Time (US and Canada)" is seen too. */
    if (str_starts(zone, STR("(UTC"))) {
        const char *end = memchr(zone.p, ')', zone.n);
        if (end && end + 1 < zone.p + zone.n)
            zone = str_trim((struct str){end + 1, (size_t) (zone.p + zone.n - end - 1)});
    }
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (str_eq_case(zone, str_of(zones[i].portal)) || str_eq_case(zone, str_of(zones[i].iana)))
            return zones[i].iana;
    }
    return NULL;
}
