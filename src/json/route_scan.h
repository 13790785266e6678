/* The two scanners of lines, for this room alone: what route.c asks of the fast one. */
#ifndef WEIR_JSON_ROUTE_SCAN_H
#define WEIR_JSON_ROUTE_SCAN_H

#include "json/route.h"

/* Fills lines[0 .. room) with the lines that text[*at ..] begins with, moves *at behind them and returns how many they
 * are. It stops before a line that is odd or has no end in the text: that one is for the scalar twin, and then
 * it may go on. Only where json_scan_has_avx2 says so. */
size_t json_route_avx2(struct json_route *route, struct str text, size_t *at,
                       struct json_line *lines, size_t room);

#endif
