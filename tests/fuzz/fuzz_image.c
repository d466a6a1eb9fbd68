/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an image file: an image or a sentence, the same both times, nothing leaked.
 */
#include "base/alloc.h"
#include "image/image.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bti_image im[2], fit;
    bt_error err;
    bt_status rc[2];
    int64_t live = bti_alloc_live();
    for (int i = 0; i < 2; i++) {
        err = (bt_error){0};
        rc[i] = bti_image_decode(&im[i], bytes, n, "input", 0, &err);
        assert(!rc[i] == !err.text[0]);
    }
    assert(rc[0] == rc[1]);
    if (!rc[0]) {
        assert(im[0].w == im[1].w && im[0].h == im[1].h && im[0].c == im[1].c);
        assert(!memcmp(im[0].px, im[1].px, bti_image_bytes(&im[0])));
        if (!bti_image_fit_square(&fit, &im[0], 8, &err))
            bti_image_release(&fit);
    }
    bti_image_release(&im[0]);
    bti_image_release(&im[1]);
    assert(bti_alloc_live() == live);
    return 0;
}
