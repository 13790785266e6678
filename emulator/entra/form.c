/* Form: the fields of a body of application/x-www-form-urlencoded. */

#include "emulator/entra/form.h"

#include "base/memory.h"

#include <openssl/crypto.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A value of application/x-www-form-urlencoded. */
static bool decode_form(struct str value, struct buf *out)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '%') {
            int high = i + 2 < value.n ? hex_digit(value.p[i + 1]) : -1;
            int low = i + 2 < value.n ? hex_digit(value.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char) (high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        buf_putc(out, c);
    }
    return !out->failed;
}

bool form_value(struct str form, const char *name, struct buf *out)
{
    struct str rest = form, pair;
    buf_init(out, FORM_VALUE_MAX);
    while (str_split(&rest, '&', &pair)) {
        struct str value = pair, key;
        (void) str_split(&value, '=', &key);
        if (str_eq(key, str_of(name)) && value.p)
            return decode_form(value, out);
    }
    return false;
}

bool form_is(struct str form, const char *name, const char *wanted)
{
    struct buf value;
    bool same = form_value(form, name, &value) && value.used == strlen(wanted) &&
                CRYPTO_memcmp(buf_text(&value), wanted, value.used) == 0;
    if (value.bytes)
        mem_wipe(value.bytes, value.used);
    buf_release(&value);
    return same;
}
