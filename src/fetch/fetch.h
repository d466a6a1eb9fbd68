/* SPDX-License-Identifier: Apache-2.0
 *
 * Downloads of files whose content is known beforehand. The one folder that sees libcurl and
 * libcrypto.
 */
#ifndef BTI_FETCH_H
#define BTI_FETCH_H

#include "bantam/status.h"

#define BTI_SHA256_HEX 65 /* with the NUL */

typedef struct bti_fetch {
    const char *name; /* what is downloaded, for people and errors */
    const char *url;  /* https://, or http:// if somebody asks for it; redirections stay on https */
    const char *path; /* where the file appears; its folder is made */
    const char *sha256;          /* of the file, lower-case hex */
    int64_t size_max;            /* bytes; a server that sends more is cut off */
    const bt_stop *stop;         /* looked at once a second; may be NULL */
    const bt_progress *progress; /* BT_EVENT_FETCH; may be NULL */
} bti_fetch;

/* Downloads into path.part, going on where an earlier attempt ended, and renames it to `path` once
 * its checksum is right and it is on the disk; at once if `path` exists. Of two processes one
 * downloads and the other waits.
 * BT_IO: the server cannot be reached, refuses, or cut the transfer off (the part is kept);
 * BT_FORMAT: too large, or a wrong checksum (the part is removed); BT_STOPPED. */
bt_status bti_fetch_file(const bti_fetch *f, bt_error *err);

bt_status bti_file_sha256(const char *path, char hex[BTI_SHA256_HEX], bt_error *err);

#endif
