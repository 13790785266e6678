/* Files: which files of a folder belong to which table.
 *
 *     DIR/SecurityEvent.jsonl, DIR/CommonSecurityLog.paloalto.json, DIR/CommonSecurityLog.2.csv.gz
 *         the table's name is the file's up to the first dot; several files of one name make one
 *     DIR/Syslog/part-1.parquet, DIR/Syslog/2026/11/a.json.gz
 *         a folder per table, at any depth up to FILES_DEPTH_MAX
 *     DIR/Odd_CL.columns, DIR/Odd_CL/any.columns
 *         a schema of one's own, in the form of schemas/, instead of the one there
 *
 * Endings: .json .jsonl .ndjson (JSON lines or one array), .csv, .parquet; each but the last also
 * .gz. Names that begin with a dot or an underscore, truth.json, and other endings are passed
 * over. */
#ifndef WEIR_EMULATOR_FILES_H
#define WEIR_EMULATOR_FILES_H

#include "engine/engine.h"

enum { FILES_MAX = 200000, FILES_TABLES_MAX = 1000, FILES_DEPTH_MAX = 12, FILES_NAME_MAX = 128 };

struct found_file {
    char *path;
    enum engine_form form;
};

struct found_table {
    char *name;
    char *schema;             /* path of its .columns; NULL: none */
    struct found_file *files; /* in the order of their paths' bytes */
    size_t n, room;
};

struct found {
    struct found_table *tables; /* in the order of their names' bytes */
    size_t n, room, files;
};

/* Finds the files of `folder`. `notes` receives a line for what was passed over. ERROR_NOT_FOUND
 * when the folder is not there, ERROR_FORMAT when two tables' names differ only in case (the engine
 * cannot tell them apart). */
bool files_find(const char *folder, struct found *out, struct buf *notes, struct error *err);
void files_release(struct found *found);

/* The table's part of a file's name, and what the file is by its ending. */
enum files_kind { FILES_ROWS, FILES_SCHEMA, FILES_OTHER };
enum files_kind files_kind(struct str file, struct str *table, enum engine_form *form);

#endif
