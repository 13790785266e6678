/* Prices: see prices.h. */
#include "cli/prices.h"

#include "base/file.h"

enum { PRICES_MAX = 64 * 1024, PATH_ROOM = 4096 };
static const double UNKNOWN = -1;

static bool take_text(struct str value, char *out, size_t size)
{
    if (value.n >= size)
        return false;
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return true;
}

static bool take_price(struct str value, double *out)
{
    return str_double(value, out) && *out >= 0;
}

/* "write-10000" of the hot tier, "write-10000-cool" of another. */
static bool is_of_tier(struct str key, const char *what, const char *tier)
{
    char name[64];
    (void) snprintf(name, sizeof name, "%s-%s", what, tier);
    return str_eq(key, str_of(name)) || (strcmp(tier, "hot") == 0 && str_eq(key, str_of(what)));
}

static bool take_tier(struct str key, struct str value, struct cli_prices *out, bool *known)
{
    static const char *const tiers[] = {"hot", "cool", "cold", "archive"};
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        double price, *to = is_of_tier(key, "write-10000", tiers[i])        ? &out->write_10000
                            : is_of_tier(key, "storage-gb-month", tiers[i]) ? &out->storage_gb
                                                                            : NULL;
        if (!to)
            continue;
        *known = take_price(value, &price);
        if (*known && strcmp(out->tier, tiers[i]) == 0)
            *to = price;
        return true;
    }
    return false;
}

static bool take_key(struct str key, struct str value, struct cli_prices *out)
{
    bool known;
    if (take_tier(key, value, out, &known))
        return known;
    if (str_eq(key, STR("currency")))
        return take_text(value, out->currency, sizeof out->currency);
    if (str_eq(key, STR("as-of")))
        return take_text(value, out->as_of, sizeof out->as_of);
    if (str_eq(key, STR("what")))
        return take_text(value, out->what, sizeof out->what);
    if (str_eq(key, STR("search-gb")))
        return take_price(value, &out->search_gb);
    if (str_eq(key, STR("restore-gb-day")))
        return take_price(value, &out->restore_gb_day);
    return false;
}

/* Lines `key: value`, a subset of YAML; `#` begins a comment. */
static bool read_lines(struct str text, struct cli_prices *out, const char *path, struct error *err)
{
    struct str line;
    for (int number = 1; str_split(&text, '\n', &line); number++) {
        const char *comment = memchr(line.p, '#', line.n);
        if (comment)
            line.n = (size_t) (comment - line.p);
        struct str value = str_trim(line), key;
        if (value.n == 0)
            continue;
        (void) str_split(&value, ':', &key);
        if (!take_key(str_trim(key), str_trim(value), out))
            return error_set(err, ERROR_SETTINGS, "%s line %d: not a price: %.*s", path, number,
                             (int) line.n, line.p);
    }
    return true;
}

bool cli_prices_read(struct cli *cli, struct cli_prices *out, const char **name, struct error *err)
{
    const char *tier = cli_text(cli, CLI_TIER) ? cli_text(cli, CLI_TIER) : "hot";
    double unless = strcmp(tier, "hot") == 0 ? 0 : UNKNOWN;
    *out = (struct cli_prices){
        .currency = "USD", .tier = tier, .write_10000 = unless, .storage_gb = unless};
    struct buf path = BUF_INIT(PATH_ROOM), text = BUF_INIT(PRICES_MAX);
    const char *given = cli_text(cli, CLI_PRICES);
    bool ok = true;
    if (given) {
        buf_puts(&path, given);
    } else {
        struct buf folder = BUF_INIT(PATH_ROOM);
        ok = file_find_data("prices", &folder, err);
        path_join(&path, buf_text(&folder), "azure.yaml");
        buf_release(&folder);
    }
    ok = ok && buf_ok(&path, "path", err) && file_read(buf_text(&path), PRICES_MAX, &text, err) &&
         read_lines(buf_str(&text), out, buf_text(&path), err);
    if (ok && (out->write_10000 < 0 || out->storage_gb < 0)) {
        ok =
            error_set(err, ERROR_SETTINGS, "%s has no price of the %s tier", buf_text(&path), tier);
        (void) error_hint(err, "write-10000-%s and storage-gb-month-%s", tier, tier);
    }
    *name = given ? given : "prices/azure.yaml";
    buf_release(&path);
    buf_release(&text);
    return ok;
}
