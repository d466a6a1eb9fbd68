/* SPDX-License-Identifier: Apache-2.0
 *
 * Making errors: one sentence, built once, where the cause is known.
 * Every function returns `code` so that a failing path reads `return bti_fail(...)`.
 */
#ifndef BTI_ERROR_H
#define BTI_ERROR_H

#include "bantam/status.h"

/* Fills *err (NULL allowed) and returns `code`. `where` may be NULL. */
bt_status bti_fail(bt_error *err, bt_status code, const char *where, const char *fmt, ...)
    BT_PRINTF(4, 5);
/* The same with a 1-based line of `where`. */
bt_status bti_fail_at(bt_error *err, bt_status code, const char *where, int line, const char *fmt,
                      ...) BT_PRINTF(5, 6);
/* BT_IO with ": <strerror(errno)>" appended. */
bt_status bti_fail_errno(bt_error *err, const char *where, const char *fmt, ...) BT_PRINTF(3, 4);
/* BT_NOMEM with a fixed sentence. */
bt_status bti_fail_nomem(bt_error *err);

/* Sends one line to a progress receiver; a NULL receiver is fine. */
void bti_note(const bt_progress *p, const char *fmt, ...) BT_PRINTF(2, 3);
void bti_warn(const bt_progress *p, const char *fmt, ...) BT_PRINTF(2, 3);

/* True once the flag is set or the deadline has passed; NULL: false. */
int bti_stopped(const bt_stop *stop);

#endif
