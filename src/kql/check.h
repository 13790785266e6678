/* Whether a query may be cut by time. */
#ifndef WEIR_KQL_CHECK_H
#define WEIR_KQL_CHECK_H

#include "kql/syntax.h"

/* False: ERROR_KQL names the first operator or function that does not work row by row. */
bool kql_check_statements(const struct kql_text *text, const struct kql_statement *first);

#endif
