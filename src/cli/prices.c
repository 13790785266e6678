/* Prices: see prices.h. */
#include "cli/prices.h"

#include "base/file.h"

enum { PRICES_MAX = 64 * 1024, PATH_ROOM = 4096 };

static bool take_text(struct str value, char *out, size_t size)
{
    if (value.n >= size)
        return false;
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return true;
}

static bool take_key(struct str key, struct str value, struct cli_prices *out)
{
    if (str_eq(key, STR("currency")))
        return take_text(value, out->currency, sizeof out->currency);
    if (str_eq(key, STR("as-of")))
        return take_text(value, out->as_of, sizeof out->as_of);
    if (str_eq(key, STR("what")))
        return take_text(value, out->what, sizeof out->what);
    if (str_eq(key, STR("write-10000")))
        return str_double(value, &out->write_10000) && out->write_10000 >= 0;
    if (str_eq(key, STR("storage-gb-month")))
        return str_double(value, &out->storage_gb) && out->storage_gb >= 0;
    if (str_eq(key, STR("search-gb")))
        return str_double(value, &out->search_gb) && out->search_gb >= 0;
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
    *out = (struct cli_prices){.currency = "USD"};
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
    *name = given ? given : "prices/azure.yaml";
    buf_release(&path);
    buf_release(&text);
    return ok;
}
