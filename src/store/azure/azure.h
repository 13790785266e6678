/* The Azure driver: the Blob service (docs/service.md section 4). azure_store_open in open.c; the rest is for the
 * files beside it. */
#ifndef WEIR_STORE_AZURE_AZURE_H
#define WEIR_STORE_AZURE_AZURE_H

#include "store/driver.h"

struct store *azure_store_open(const struct store_options *options, struct error *err);

#endif
