/* Numbers, times and addresses of a row; see row.h. */
#include "emulator/generate/row.h"

const char row_pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

void row_put_uint(struct row *row, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, row_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, row_pairs + value * 2, 2);
    } else {
        digits[--at] = (char) ('0' + value);
    }
    row_put(row, digits + at, sizeof digits - at);
}

void row_put_int(struct row *row, int64_t value)
{
    if (value < 0)
        row_put(row, "-", 1);
    row_put_uint(row, value < 0 ? 0 - (uint64_t) value : (uint64_t) value);
}

void row_put_ip(struct row *row, uint32_t ip)
{
    for (unsigned shift = 24;; shift -= 8) {
        row_put_uint(row, ip >> shift & 0xFF);
        if (shift == 0)
            break;
        row_put(row, ".", 1);
    }
}

void row_put_hex(struct row *row, uint64_t value, int digits)
{
    char text[16];
    for (int i = digits; i-- > 0; value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    row_put(row, text, (size_t) digits);
}

void row_put_guid(struct row *row, uint64_t high, uint64_t low)
{
    row_put_hex(row, high >> 32, 8);
    row_put(row, "-", 1);
    row_put_hex(row, high >> 16, 4);
    row_put(row, "-4", 2); /* version 4, variant 10, as a real one has them */
    row_put_hex(row, high, 3);
    row_put(row, "-", 1);
    row_put_hex(row, 0x8000 | (low >> 48 & 0x3FFF), 4);
    row_put(row, "-", 1);
    row_put_hex(row, low, 12);
}

void row_int(struct row *row, struct str key, int64_t value)
{
    row_put_str(row, key);
    row_put_int(row, value);
}

void row_bool(struct row *row, struct str key, bool value)
{
    row_json(row, key, value ? STR("true") : STR("false"));
}

void row_tick(struct row *row, struct str key, int64_t tick)
{
    char text[TICK_TEXT_MAX];
    size_t n = tick_format(tick, text);
    row_text(row, key, (struct str){text, n});
}

void row_ip(struct row *row, struct str key, uint32_t ip)
{
    row_put_str(row, key);
    row_put(row, "\"", 1);
    row_put_ip(row, ip);
    row_put(row, "\"", 1);
}

void row_guid(struct row *row, struct str key, uint64_t high, uint64_t low)
{
    row_put_str(row, key);
    row_put(row, "\"", 1);
    row_put_guid(row, high, low);
    row_put(row, "\"", 1);
}

void row_new_guid(struct row *row, struct str key)
{
    uint64_t high = random_next(&row->random);
    uint64_t low = random_next(&row->random);
    row_guid(row, key, high, low);
}
