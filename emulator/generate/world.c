/* The company and the internet; see world.h. */
#include "emulator/generate/world.h"

#include "base/random.h"

enum { ARENA_MAX = 8 << 20 };

const struct str world_strange[WORLD_STRANGE] = {
    STR_INIT("upload of \\\"Q3 report (final).xlsx\\\" finished"),
    STR_INIT("line one\\nline two\\r\\n\\tindented line three"),
    STR_INIT("path C:\\\\Users\\\\Public\\\\new\\\\table.txt"),
    STR_INIT("caf\xC3\xA9 and cafe\xCC\x81 look alike"),
    STR_INIT("caf\\u00e9 escaped, caf\\u0065\\u0301 composed"),
    STR_INIT("\xF0\x9F\x98\x80 grinning, \\ud83d\\ude00 the same as escapes"),
    STR_INIT(
        "family \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7 of three"),
    STR_INIT("flag \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA of two letters"),
    STR_INIT(
        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD7\xA2\xD7\x95\xD7\x9C\xD7\x9D written from the right"),
    STR_INIT("\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7 "
             "\xD8\xA8\xD8\xA7\xD9\x84\xD8\xB9\xD8\xA7\xD9\x84\xD9\x85"),
    STR_INIT("\xE2\x80\xAE"
             "exe.gpj\xE2\x80\xAC turned round"),
    STR_INIT("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xAE\xE3\x83\xAD\xE3\x82\xB0"),
    STR_INIT("\xF0\xA0\xAE\xB7 of plane 2, \xF4\x8F\xBF\xBD of plane 16"),
    STR_INIT(
        "\xF0\x9D\x95\xB3\xF0\x9D\x96\x8A\xF0\x9D\x96\x91\xF0\x9D\x96\x91\xF0\x9D\x96\x94 of plane "
        "1"),
    STR_INIT("line\xE2\x80\xA8separator, paragraph\xE2\x80\xA9separator, next\xC2\x85line"),
    STR_INIT("\xEF\xBB\xBFmark in front, \xEF\xBF\xBD in the middle"),
    STR_INIT("bell \\u0007, escape \\u001b[31mred\\u001b[0m, delete \x7F"),
    STR_INIT("backspace \\b, form feed \\f, slash \\/ and /"),
    STR_INIT("'single', `back`, \\\"double\\\", \\\\"),
    STR_INIT("{\\\"json\\\":[1,2,{\\\"deep\\\":\\\"\\\\\\\"\\\"}]}"),
    STR_INIT("key=value; x=\\\"a,b\\\"|c d\\\\=e"),
    STR_INIT("<Event><Data Name='x'>1 &lt; 2 &amp; 3</Data></Event>"),
    STR_INIT("   blanks around   "),
    STR_INIT("Stra\xC3\x9F"
             "e, \xC4\xB0stanbul, \xCE\xA3\xCE\xAF\xCF\x83\xCF\x85\xCF\x86\xCE\xBF\xCF\x82, "
             "e\xCC\xB8\xCD\x9C\xCD\x9D"),
};

static const struct {
    const char *name, *account;
} first_names[] = {
    {"Anna", "anna"},
    {"Ben", "ben"},
    {"Chlo\xC3\xA9", "chloe"},
    {"David", "david"},
    {"Elena", "elena"},
    {"Farid", "farid"},
    {"Grace", "grace"},
    {"H\xC3\xA9l\xC3\xA8ne", "helene"},
    {"Ivan", "ivan"},
    {"Jos\xC3\xA9", "jose"},
    {"Kenji", "kenji"},
    {"Linh", "linh"},
    {"Maria", "maria"},
    {"Nils", "nils"},
    {"Olga", "olga"},
    {"Priya", "priya"},
    {"Quentin", "quentin"},
    {"Ravi", "ravi"},
    {"Sin\xC3\xA9"
     "ad",
     "sinead"},
    {"Tom", "tom"},
    {"Uma", "uma"},
    {"V\xC3\xA1"
     "clav",
     "vaclav"},
    {"Wei", "wei"},
    {"Ximena", "ximena"},
    {"Yusuf", "yusuf"},
    {"Zo\xC3\xAB", "zoe"},
    {"\xC3\x85sa", "asa"},
    {"\xC5\x81ukasz", "lukasz"},
    {"\xE7\xBE\x8E\xE5\x92\xB2", "misaki"},
    {"\xD9\x85\xD8\xAD\xD9\x85\xD8\xAF", "mohammed"},
    {"\xD7\x93\xD7\xA0\xD7\x94", "dana"},
    {"\xD0\x94\xD0\xBC\xD0\xB8\xD1\x82\xD1\x80\xD0\xB8\xD0\xB9", "dmitri"},
};

static const struct {
    const char *name, *account;
} last_names[] = {
    {"Andersson", "andersson"},
    {"Brown", "brown"},
    {"Castro", "castro"},
    {"D'Angelo", "dangelo"},
    {"Evans", "evans"},
    {"Fischer", "fischer"},
    {"Garc\xC3\xAD"
     "a",
     "garcia"},
    {"Horv\xC3\xA1th", "horvath"},
    {"Ito", "ito"},
    {"Jensen", "jensen"},
    {"Kowalski", "kowalski"},
    {"Lef\xC3\xA8vre", "lefevre"},
    {"M\xC3\xBCller", "muller"},
    {"Nguy\xE1\xBB\x85n", "nguyen"},
    {"O'Neill", "oneill"},
    {"Patel", "patel"},
    {"Quinn", "quinn"},
    {"Rossi", "rossi"},
    {"Sj\xC3\xB6"
     "berg",
     "sjoberg"},
    {"Tanaka", "tanaka"},
    {"Ueda", "ueda"},
    {"Vargas", "vargas"},
    {"Wagner", "wagner"},
    {"Xu", "xu"},
    {"Y\xC4\xB1lmaz", "yilmaz"},
    {"Zhang", "zhang"},
    {"\xC5\xA0imek", "simek"},
    {"van den Berg", "vandenberg"},
    {"Smith", "smith"},
    {"Jones", "jones"},
    {"Taylor", "taylor"},
    {"Okafor", "okafor"},
};

enum {
    FIRST = sizeof first_names / sizeof first_names[0],
    LAST = sizeof last_names / sizeof last_names[0]
};

/* An address of the internet: none of a private, shared, example or multicast range begins so. */
static uint32_t public_ip(struct random *random)
{
    static const uint8_t first[] = {13, 20,  23,  34,  40,  52,  62,  81,
                                    93, 104, 142, 151, 178, 185, 212, 217};
    uint32_t low = (uint32_t) random_below(random, 1U << 24);
    return (uint32_t) first[random_below(random, sizeof first)] << 24 | (low & ~0xFFU) |
           (1 + low % 254);
}

static bool make_hosts(struct world *world, struct random *random, struct error *err)
{
    static const char *const roles[] = {"DC",   "FILE", "SQL",      "WEB",
                                        "MAIL", "APP",  "lnx-web-", "lnx-db-"};
    world->hosts = arena_alloc(&world->arena, WORLD_HOSTS, sizeof *world->hosts, err);
    for (unsigned i = 0; world->hosts && i < WORLD_HOSTS; i++) {
        struct host *host = &world->hosts[i];
        char *name = i < WORLD_SERVERS
                         ? arena_format(&world->arena, err, "%s%02u", roles[i % 8], i / 8 + 1)
                         : arena_format(&world->arena, err, "WS-%04u", i - WORLD_SERVERS + 1);
        char *fqdn =
            name ? arena_format(&world->arena, err, "%s.corp.contoso.example", name) : NULL;
        if (!fqdn)
            return false;
        host->name = str_of(name);
        host->fqdn = str_of(fqdn);
        host->ip = 10U << 24 | (i < WORLD_SERVERS ? 1U : 20 + i / 200) << 16 | (i / 50) << 8 |
                   (10 + i % 200);
        host->id[0] = random_next(random);
        host->id[1] = random_next(random);
    }
    return world->hosts != NULL;
}

static bool make_user(struct world *world, unsigned i, struct random *random, struct error *err)
{
    struct user *user = &world->users[i];
    unsigned first = i % FIRST, last = (i / FIRST * 7 + i) % LAST;
    char *name =
        arena_format(&world->arena, err, "%s %s", first_names[first].name, last_names[last].name);
    char *account = arena_format(&world->arena, err, "%s.%s", first_names[first].account,
                                 last_names[last].account);
    char *upn = account ? arena_format(&world->arena, err, "%s@contoso.example", account) : NULL;
    char *sid =
        arena_format(&world->arena, err, "S-1-5-21-1004336348-1177238915-682003330-%u", 1100 + i);
    if (!name || !upn || !sid)
        return false;
    *user = (struct user){
        .name = str_of(name), .account = str_of(account), .upn = str_of(upn), .sid = str_of(sid)};
    user->id[0] = random_next(random);
    user->id[1] = random_next(random);
    user->host = WORLD_SERVERS + i % (WORLD_HOSTS - WORLD_SERVERS);
    user->home = public_ip(random);
    return true;
}

static bool make_users(struct world *world, struct random *random, struct error *err)
{
    world->users = arena_alloc(&world->arena, WORLD_USERS, sizeof *world->users, err);
    for (unsigned i = 0; world->users && i < WORLD_USERS; i++)
        if (!make_user(world, i, random, err))
            return false;
    return world->users != NULL;
}

static bool make_sites(struct world *world, struct random *random, struct error *err)
{
    static const char *const hosts[] = {"www",    "cdn",   "api", "mail",
                                        "update", "login", "img", "static"};
    static const char *const names[] = {"fabrikam",       "adatum",        "northwind", "wingtip",
                                        "tailspin",       "litware",       "proseware", "woodgrove",
                                        "m\xC3\xBCnchen", "xn--mnchen-3ya"};
    static const struct {
        uint16_t port;
        const char *application;
    } services[] = {{443, "ssl"},         {443, "web-browsing"}, {443, "office365"}, {443, "ssl"},
                    {80, "web-browsing"}, {53, "dns"},           {123, "ntp"},       {25, "smtp"}};
    world->sites = arena_alloc(&world->arena, WORLD_SITES, sizeof *world->sites, err);
    for (unsigned i = 0; world->sites && i < WORLD_SITES; i++) {
        size_t service = random_below(random, 8);
        char *name = arena_format(&world->arena, err, "%s%u.%s.example", hosts[i % 8], i / 80 + 1,
                                  names[i / 8 % 10]);
        if (!name)
            return false;
        world->sites[i] = (struct site){.name = str_of(name),
                                        .ip = public_ip(random),
                                        .port = services[service].port,
                                        .application = str_of(services[service].application)};
    }
    return world->sites != NULL;
}

static bool make_tenant(struct world *world, struct random *random, struct error *err)
{
    uint64_t a = random_next(random), b = random_next(random);
    char *tenant = arena_format(&world->arena, err, "%08x-%04x-4%03x-%04x-%012llx",
                                (unsigned) (a >> 32), (unsigned) (a >> 16 & 0xFFFF),
                                (unsigned) (a & 0xFFF), (unsigned) (0x8000 | (b >> 48 & 0x3FFF)),
                                (unsigned long long) (b & UINT64_C(0xFFFFFFFFFFFF)));
    char *prefix = tenant ? arena_format(&world->arena, err, "{\"TenantId\":\"%s\"", tenant) : NULL;
    if (!prefix)
        return false;
    world->tenant = str_of(tenant);
    world->prefix = str_of(prefix);
    return true;
}

bool world_init(struct world *world, uint64_t seed, struct error *err)
{
    struct random random;
    *world = (struct world){0};
    arena_init(&world->arena, ARENA_MAX);
    random_seed(&random, seed);
    return make_tenant(world, &random, err) && make_hosts(world, &random, err) &&
           make_users(world, &random, err) && make_sites(world, &random, err);
}

void world_release(struct world *world)
{
    arena_release(&world->arena);
    *world = (struct world){0};
}
