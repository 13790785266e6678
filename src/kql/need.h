/* What of a plan is needed: stages, columns, and the time range of each table. */
#ifndef WEIR_KQL_NEED_H
#define WEIR_KQL_NEED_H

#include "kql/plan.h"

/* Marks all that `last` needs: live, used, readers, from and to. */
void kql_need(struct kql_stages *stages, struct kql_plan *last);

#endif
