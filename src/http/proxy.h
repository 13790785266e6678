/* Proxies: what may be said of the one that the environment names. Internal to this room. */
#ifndef WEIR_HTTP_PROXY_H
#define WEIR_HTTP_PROXY_H

#include "base/text.h"

enum { HTTP_PROXY_SHOWN_MAX = 256 };

/* "HOST:PORT" of the proxy that the environment names for https:// or http:// addresses, or "" when it
 * names none or one that cannot be read. no_proxy is not looked at. */
void http_proxy_show(bool tls, char out[HTTP_PROXY_SHOWN_MAX]);

/* True when `text` holds the user name and password of a proxy that the environment names. */
bool http_proxy_betrayed(const char *text);

#endif
