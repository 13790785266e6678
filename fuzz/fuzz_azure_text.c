/* Texts that the Azure driver takes apart: addresses, shared access signatures, errors, dates. The first byte says
 * which. None may show what could be a secret, and what was taken holds to its own rules. */
#include "store/azure/address.h"
#include "store/azure/error.h"
#include "store/azure/sas.h"
#include "store/azure/sign.h"

#include "base/tick.h"

#include <stdlib.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void try_address(const char *text)
{
    struct az_address address;
    struct az_place place;
    struct error err = ERROR_INIT;
    if (!az_address_is_folder(text, &err))
        must(err.code == ERROR_SETTINGS);
    error_clear(&err);
    if (!az_address_parse(text, &address, &err)) {
        must(err.code == ERROR_SETTINGS);
        return;
    }
    must(strncmp(address.base, "http", 4) == 0 && !strpbrk(address.base, "?#@ "));
    must(address.account[0] != '\0');
    must(address.container[0] == '\0' || az_container_ok(str_of(address.container)));
    must(!address.table || address.folder[0] == '\0');
    if (az_address_place(&address, "am-t/y=2021/b", &place, NULL))
        must(az_container_ok(place.container) && place.rest.n > 0);
}

static void try_sas(struct str text)
{
    struct az_sas sas;
    struct error err = ERROR_INIT;
    struct buf lacks = BUF_INIT(64);
    if (az_sas_parse(text, &sas, &err)) {
        az_sas_lacks(&sas, &lacks);
        must(!lacks.failed);
    } else
        must(err.code == ERROR_SETTINGS);
    buf_release(&lacks);
}

static void try_error(struct str body)
{
    struct str code = az_error_element(body, "Code"), text = az_error_element(body, "Message");
    must(code.n <= body.n && text.n <= body.n);
}

static void try_date(struct str text)
{
    int64_t tick;
    char back[AZ_DATE_TEXT];
    if (!az_date_parse(text, &tick))
        return;
    must(tick >= 0 && tick <= TICK_MAX);
    az_date_format(tick, back);
    must(memcmp(back + 5, text.p + 5, 24) == 0); /* the weekday is not looked at */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *exact = malloc(size);
    must(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    exact[size - 1] = '\0';
    struct str text = {exact, size - 1};
    switch (data[0] % 4) {
    case 0:
        try_address(exact);
        break;
    case 1:
        try_sas(text);
        break;
    case 2:
        try_error(text);
        break;
    default:
        try_date(text);
    }
    free(exact);
    return 0;
}
