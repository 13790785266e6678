/* Library: libcurl, loaded when it is first used. Internal to this room.
 *
 * libcurl stands on some thirty shared objects, and most commands speak to nobody. So weir is not linked with it:
 * library.c has functions of its names, which hand through to those of the loaded one. The room calls them as
 * <curl/curl.h> declares them, with all its checks of types.
 */
#ifndef WEIR_HTTP_LIBRARY_H
#define WEIR_HTTP_LIBRARY_H

#include "base/error.h"

#define HTTP_LIBRARY "libcurl.so.4" /* its binary interface since 2006 */

/* Loads it, once in the process and for good; from any thread. ERROR_NOT_FOUND when it is not there or lacks a
 * function: then those that give a pointer give NULL, others an error of libcurl's. */
bool http_library_load(struct error *err);

#endif
