/* Functions whose calls a row of the function table cannot hold: their arguments are read in their own way. */
#ifndef WEIR_KQL_SPECIAL_H
#define WEIR_KQL_SPECIAL_H

#include "kql/bind.h"

typedef struct kql_expr *kql_special_fn(struct kql_binder *b, const struct kql_node *node,
                                        const struct kql_scope *scope);

kql_special_fn *kql_special_find(struct str name); /* NULL: none */

/* All names, for hints; ends in NULL. */
size_t kql_special_names(const char **out, size_t room);

#endif
