/* Addresses: what a URL says about where its bytes travel. Internal to this room. */
#ifndef WEIR_HTTP_ADDRESS_H
#define WEIR_HTTP_ADDRESS_H

#include "base/text.h"

enum { HTTP_ADDRESS_SHOWN_MAX = 256, HTTP_ORIGIN_MAX = 256, HTTP_URL_MAX = 16 * 1024 };

struct http_address {
    bool tls;
    bool loopback; /* 127.0.0.0/8, ::1, localhost: the bytes do not leave the machine */
    bool
        link_local; /* 169.254.0.0/16, fe80::/10, fd00:ec2::254: a cloud's metadata, never by a proxy */
    bool
        ipv4_local; /* of these 169.254.0.0/16, where a machine's own tokens are given in the open */
    /* scheme://host:port/path for messages: no query, which may hold a signature; cut where too long */
    char shown[HTTP_ADDRESS_SHOWN_MAX];
    char origin[HTTP_ORIGIN_MAX]; /* the URL's text before its path; "" when too long */
    size_t shown_origin;          /* bytes of `shown` before the path */
};

/* ERROR_SETTINGS unless the URL is http or https, with a host and without user name and password. */
bool http_address_parse(const char *url, struct http_address *out, struct error *err);

/* The same, quicker where `known` has the same origin. `known` may be `out`. */
bool http_address_parse_like(const char *url, const struct http_address *known,
                             struct http_address *out, struct error *err);

/* The host and port that a Location header's value leads to from `url`, for messages: "" when it leads to
 * the same place or cannot be read. */
void http_address_redirect(const char *url, struct str location, char out[HTTP_ORIGIN_MAX]);

#endif
