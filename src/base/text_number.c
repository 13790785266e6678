/* Numbers as people read them; see text.h. */
#include "base/text.h"

#include <math.h>
#include <stdio.h>

const char *text_grouped(uint64_t n, char out[TEXT_NUMBER_MAX])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long) n);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

/* n in `unit`, rounded half up to `places` (1 or 2) behind the point, as a count of the last place. */
static uint64_t in_unit(uint64_t n, uint64_t unit, int places)
{
    uint64_t step = unit / (places == 2 ? 100 : 10);
    return n / step + (n % step >= step - step / 2);
}

const char *text_count(uint64_t n, char out[TEXT_NUMBER_MAX])
{
    static const struct {
        uint64_t unit;
        char name;
    } units[] = {{1000000, 'M'}, {1000000000, 'G'}, {UINT64_C(1000000000000), 'T'}};
    if (n < units[0].unit)
        return text_grouped(n, out);
    size_t i = 0;
    while (i < 2 && in_unit(n, units[i].unit, 2) >= 100000)
        i++;
    uint64_t hundredths = in_unit(n, units[i].unit, 2);
    char whole[TEXT_NUMBER_MAX - 8];
    (void) snprintf(whole, sizeof whole, "%llu", (unsigned long long) (hundredths / 100));
    (void) snprintf(out, TEXT_NUMBER_MAX, "%s.%02u %c", whole, (unsigned) (hundredths % 100),
                    units[i].name);
    return out;
}

const char *text_bytes(uint64_t n, char out[TEXT_NUMBER_MAX])
{
    static const char *const names[] = {"kB", "MB", "GB", "TB", "PB"};
    if (n < 1000) {
        (void) snprintf(out, TEXT_NUMBER_MAX, "%u B", (unsigned) n);
        return out;
    }
    uint64_t unit = 1000;
    size_t i = 0;
    while (i < 4 && in_unit(n, unit, 1) >= 10000) {
        unit *= 1000;
        i++;
    }
    uint64_t tenths = in_unit(n, unit, 1);
    (void) snprintf(out, TEXT_NUMBER_MAX, "%llu.%u %s", (unsigned long long) (tenths / 10),
                    (unsigned) (tenths % 10), names[i]);
    return out;
}

const char *text_duration(double seconds, char out[TEXT_NUMBER_MAX])
{
    static const double longest = 1e15;
    if (!isfinite(seconds) || seconds >= longest) {
        (void) snprintf(out, TEXT_NUMBER_MAX, "unknown");
        return out;
    }
    unsigned long long ms = seconds > 0 ? (unsigned long long) (seconds * 1000 + 0.5) : 0;
    unsigned long long s = (ms + 500) / 1000;
    if (ms == 0)
        (void) snprintf(out, TEXT_NUMBER_MAX, "0 s");
    else if (ms < 1000)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu ms", ms);
    else if (ms < 9950)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu.%llu s", (ms + 50) / 1000,
                        (ms + 50) / 100 % 10);
    else if (s < 60)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu s", s);
    else if (s < 3600 && s % 60 == 0)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu min", s / 60);
    else if (s < 3600)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu min %02llu s", s / 60, s % 60);
    else if (s < 48 * 3600)
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu h %02llu min", s / 3600, s / 60 % 60);
    else
        (void) snprintf(out, TEXT_NUMBER_MAX, "%llu d %02llu h", s / 86400, s / 3600 % 24);
    return out;
}
