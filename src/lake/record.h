/* Records of imports: the text of one file, to and fro. Form: docs/formats.md. Internal to this room.
 *
 *     {"format":"weir-import","version":1,"import":"<id>", ... ,"inputs":2,"partitions":288, ... }   head
 *     {"input":"access.json","bytes":1024, ... }                      as many of these as the head says
 *     {"partition":"2021-11-07T03:05:00Z","rows":31, ... }            and of these, in order of time
 *     {"lines":290,"sha256":"<of every byte before this line>"}       so a torn one shows
 */
#ifndef WEIR_LAKE_RECORD_H
#define WEIR_LAKE_RECORD_H

#include "lake/import.h"

struct record;

/* Reads a record whose bytes come in pieces. Texts and inputs go into the arena; parts, when they are wanted, into
 * out->parts (mem_free), also on failure. All is lent until the free. */
struct record *record_new(enum lake_imports_depth depth, struct arena *arena,
                          struct lake_import *out, struct error *err);
void record_free(struct record *record); /* NULL is fine */

/* The next bytes; n 0: there are no more. *enough: nothing more need be read. ERROR_FORMAT says what is wrong and in which
 * line, without the record's name; a hint is set for what is no damage: another version. */
bool record_feed(struct record *record, const char *bytes, size_t n, bool *enough,
                 struct error *err);

/* What the head says, once it was read. */
const char *record_workspace_id(const struct record *record);
const char *record_table(const struct record *record);

/* weir/<guid>/<table>/imports/<id>.jsonl */
void record_name(struct buf *out, const struct lake_place *place, const char *id);

/* Whether it is 12 hex digits in lower case. */
bool record_id_ok(struct str id);

#endif
