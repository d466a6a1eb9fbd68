/* SPDX-License-Identifier: Apache-2.0
 *
 * What every test needs: cmocka with its headers in order, temporary folders, paths to data.
 */
#ifndef BT_TEST_SUPPORT_H
#define BT_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bantam/status.h"

/* Fails with the error's sentence when a call did not succeed. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        bt_status status_ = (call);                                                                \
        if (status_ != BT_OK)                                                                      \
            fail_msg("%s: %s: %s (%s)", #call, bt_status_text(status_), (err)->text,               \
                     (err)->where);                                                                \
    } while (0)

/* A fresh folder under the build tree, removed at exit. Static buffer per call slot (8 live at
 * once). */
const char *test_tmp_dir(void);
/* The same in memory where the system has /dev/shm: for tests that sync often. */
const char *test_ram_dir(void);
/* `rel` inside the source tree / inside ../shared beside it; NULL (test should skip) if shared is
 * missing. Static buffers (8 live at once). */
const char *test_source(const char *rel);
const char *test_shared(const char *rel);
/* Runs a shell command; its exit code. out (may be NULL): its stdout, cut at cap. */
int test_shell(char *out, size_t cap, const char *fmt, ...) BT_PRINTF(3, 4);

#endif
