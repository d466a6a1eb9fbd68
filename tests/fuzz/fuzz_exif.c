/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the start of a JPEG, PNG or WebP file, by the first byte: an orientation from 1
 * to 8.
 */
#include "base/alloc.h"
#include "image/exif.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int (*const read[])(const uint8_t *, size_t) = {
        bti_exif_orientation, bti_exif_orientation_png, bti_exif_orientation_webp};
    if (n < 1)
        return 0;
    uint8_t *copy = bti_malloc(n - 1); /* exact, so that a byte too many is seen */
    assert(copy);
    memcpy(copy, bytes + 1, n - 1);
    int way = read[bytes[0] % 3](copy, n - 1);
    assert(way >= 1 && way <= 8);
    bti_free(copy);
    return 0;
}
