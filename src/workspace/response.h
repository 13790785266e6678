/* Response: the body of a query's answer, read as it arrives (docs/service.md 1.3). Internal to this room.
 *
 *     {"tables":[{"name":"PrimaryResult","columns":[{"name":"A","type":"long"}],"rows":[[1],[2]]}],
 *      "statistics":{…}, "error":{…}}
 *
 * The members may stand in any order. The first table's rows go to json_rows without a copy; its columns,
 * the error, statistics and permissions are collected, within limits; all else (further tables, members we
 * do not know) is checked and dropped, whatever its size. A response is good only when response_finish says so.
 */
#ifndef WEIR_WORKSPACE_RESPONSE_H
#define WEIR_WORKSPACE_RESPONSE_H

#include "base/column.h"
#include "json/rows.h"

enum {
    RESPONSE_DEPTH_MAX = 64,            /* outside the rows, which have their own limit */
    RESPONSE_COLUMNS_MAX = 1024 * 1024, /* bytes of the columns' JSON */
    RESPONSE_ERROR_MAX = 64 * 1024,     /* bytes kept of the error's JSON */
    RESPONSE_STATISTICS_MAX = 64 * 1024,
    RESPONSE_PERMISSIONS_MAX = 1024 * 1024,
    RESPONSE_HEAD_MAX = 240 /* bytes kept of a body that is not JSON, to show them */
};

struct response_options {
    bool keep_empty;
    bool (*columns)(void *context, const struct columns *columns,
                    struct error *err); /* may be NULL */
    json_row_fn *row;                   /* may be NULL */
    void *context;
};

struct response;
struct response *response_new(const struct response_options *options, struct error *err);
void response_free(struct response *response);

/* Takes the next bytes. False: this body can never become a good response; why is in err, and then every
 * later call fails too. */
bool response_feed(struct response *response, const char *bytes, size_t n, struct error *err);

/* The body has ended. True when it was one whole, valid JSON object with a first table, or with an error.
 * ERROR_PARTIAL when it was empty or ends early, ERROR_MEMORY, ERROR_FORMAT otherwise. */
bool response_finish(struct response *response, struct error *err);

/* A call-back ended it: what response_feed said is what that call-back said. */
bool response_stopped(const struct response *response);
/* The body did not even begin as JSON: somebody else answered. */
bool response_foreign(const struct response *response);
/* The JSON of the `error` member, cut at RESPONSE_ERROR_MAX; n is 0 when there was none or null. */
struct str response_error(const struct response *response);
uint64_t response_rows(const struct response *response);
/* Rows of the answer as its statistics tell (docs/service.md 1.3); UINT64_MAX when they do not. */
uint64_t response_counted(const struct response *response);
/* The JSON of `permissions`, cut at RESPONSE_PERMISSIONS_MAX; n is 0 when there are none. */
struct str response_permissions(const struct response *response);

#endif
