/* SPDX-License-Identifier: Apache-2.0
 *
 * The files inside a .tar or .tar.gz (POSIX.1-1988 "ustar"), in one pass and never on the disk.
 */
#ifndef BTI_TAR_H
#define BTI_TAR_H

#include "bantam/status.h"

#define BTI_TAR_NAME 101 /* with the NUL; longer names are cut */

/* Zeroed struct = closed. */
typedef struct bti_tar {
    void *gz;
    const char *path; /* borrowed until close */
    int64_t left;     /* bytes of the present member not yet read */
    int64_t padding;  /* behind them */
} bti_tar;

bt_status bti_tar_open(bti_tar *t, const char *path, bt_error *err);
/* The next regular file; what is left of the one before is skipped. An empty name is the end: then
 * the whole stream has been read and its checksum was right. */
bt_status bti_tar_next(bti_tar *t, char name[BTI_TAR_NAME], int64_t *size, bt_error *err);
/* n more bytes of it; BT_FORMAT if there are not as many. */
bt_status bti_tar_read(bti_tar *t, void *dst, size_t n, bt_error *err);
void bti_tar_close(bti_tar *t);

#endif
