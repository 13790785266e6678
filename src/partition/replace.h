/* Replace: an import that takes the place of another (--replace ID).
 *
 * The order is: the new import's rules in the schema, behind the old one's; its blobs; its record, which says what it replaces;
 * then the old one's rules go from the schema, the compacted days are told (lake/replaced.h), its blobs are deleted, its record is
 * removed. From the record on readers leave
 * the old one out, so that there is a double for an instant at worst and never a gap; and whoever is killed goes on where it was
 * with the same command. Until the record is there the old rows have the times that they had, whatever fails. Where a new row
 * has a time by an old rule, too, it has that one from the record until the schema is put behind it, or, after a kill there,
 * until the next import of the table.
 */
#ifndef WEIR_PARTITION_REPLACE_H
#define WEIR_PARTITION_REPLACE_H

#include "base/stop.h"
#include "lake/import.h"

/* What --replace ID names. */
struct part_replace {
    char id[LAKE_IMPORT_ID_MAX]; /* whole */
    const struct lake_import
        *old;                     /* its record, lent; NULL: it is gone, `by` replaced it already */
    const struct lake_import *by; /* the import that replaces it already, lent; NULL: none yet */
};

/* `id` may be the beginning of an id. ERROR_NOT_FOUND, ERROR_USAGE list the imports there are. */
bool part_replace_find(const struct lake_imports *imports, const char *id, struct part_replace *out,
                       struct error *err);

/* Whether `import`, which has all that was given or has the id that it would get (NULL: neither), lets nothing be written
 * and part_replace_finish alone be left to do: it replaces the old one already. ERROR_SETTINGS when the old one was
 * replaced by another. One that is to replace itself is written anew, whole: that mends blobs that were lost. */
bool part_replace_check(const struct part_replace *replace, const struct lake_import *import,
                        bool *done, struct error *err);

/* Tells a record that it replaces the old one, or, where it is that one anew, what that one replaced, which may not be removed
 * yet: before lake_import_writer_new. */
void part_replace_tell(const struct part_replace *replace, struct lake_import *import);

/* The rules of a schema by which rows of dead imports are read, or of `old` (NULL: none), and those of no other import. How
 * many; their texts are lent from the schema. The new import's times are found as if they were gone already, since another
 * rule for the same key may be why it comes; readers have them until it is there. */
size_t part_replace_rules(const struct lake_schema *schema, const struct lake_imports *imports,
                          const struct lake_import *old, struct lake_from out[LAKE_FROM_MAX]);

/* Drops those of dead imports from the place's schema; what made them dead is on the disk before. Where none is dead nothing
 * is done. */
bool part_replace_settle(struct store *store, const struct lake_place *place,
                         const struct lake_imports *imports, struct error *err);

struct part_replaced {
    size_t imports, blobs; /* removed; with the blobs that were gone already */
    size_t kept; /* imports that stay where nothing can be deleted: dead, and read by nobody */
};

/* Settles, then removes all imports of a place that another replaces, each with its blobs, the oldest first. Nothing is removed
 * before all that was written until then is on the disk. Reads the records anew; none is fine. ERROR_INTERRUPTED when it is asked to stop: the next call goes on. */
bool part_replace_finish(struct store *store, const struct lake_place *place,
                         const struct stop *stop, struct part_replaced *out, struct error *err);

#endif
