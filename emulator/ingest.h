/* Ingest: the Logs Ingestion API: rows that arrive while the emulator runs (docs/service.md 1.11).
 *
 *     POST /dataCollectionRules/{immutable id}/streams/{stream}?api-version=2023-01-01
 *
 * with a JSON array of rows, plain or gzip; answered 204. The stream is "Custom-" or "Microsoft-" and
 * the name of a table that is there already. Queries see the rows as soon as they are answered, with
 * the clock's time as their ingestion time; TimeGenerated is that time too where it is missing, more
 * than 2 days old or more than 1 day ahead (1.10). Safe for threads. */
#ifndef WEIR_EMULATOR_INGEST_H
#define WEIR_EMULATOR_INGEST_H

#include "emulator/service.h"

#define INGEST_RULE "dcr-5f3c1b6e8a524d5f9b1e7c0a2e4d9f10"

struct ingest;

/* `folder` is lent: each request's body is a file of it for a moment. */
struct ingest *ingest_new(const char *folder, struct error *err);
void ingest_free(struct ingest *ingest);

/* False: not a path of the API. */
bool ingest_answer(struct service *service, const struct server_request *request,
                   struct server_reply *reply);

#endif
