#include <libpq-fe.h>

// Swift imports no macros of character constants.
static inline int error_field_sqlstate(void) { return PG_DIAG_SQLSTATE; }
static inline int error_field_message(void) { return PG_DIAG_MESSAGE_PRIMARY; }
