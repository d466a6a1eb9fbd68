/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 of a file (FIPS 180-4), by libcrypto, through a map of the whole file.
 */
#include "fetch/fetch.h"

#include "base/files.h"

#include <openssl/sha.h>

bt_status bti_file_sha256(const char *path, char hex[BTI_SHA256_HEX], bt_error *err)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    bti_map m;
    bt_status rc = bti_map_open(&m, path, err);
    if (rc)
        return rc;
    SHA256(m.p, m.n, digest);
    bti_map_close(&m);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return BT_OK;
}
