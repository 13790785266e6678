/* Addresses: what a URL says about where its bytes travel. Internal to this room. */
#ifndef WEIR_HTTP_ADDRESS_H
#define WEIR_HTTP_ADDRESS_H

#include "base/text.h"

enum { HTTP_ADDRESS_SHOWN_MAX = 256, HTTP_URL_MAX = 16 * 1024 };

struct http_address {
    bool tls;
    bool loopback; /* 127.0.0.0/8, ::1, localhost: the bytes do not leave the machine */
    /* scheme://host:port/path for messages: no query, which may hold a signature; cut where too long */
    char shown[HTTP_ADDRESS_SHOWN_MAX];
};

/* ERROR_SETTINGS unless the URL is http or https, with a host and without user name and password. */
bool http_address_parse(const char *url, struct http_address *out, struct error *err);

#endif
