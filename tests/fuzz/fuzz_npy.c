/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a .npy file of somebody else: what is accepted lies within the file.
 */
#include "data/npy.h"
#include "files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bti_npy_shape shape;
    bti_map m;
    const void *data;
    bt_error err = {0};
    volatile uint8_t last = 0; /* so that reading is not left out */
    bt_status rc = bti_npy_open(&m, fuzz_put("x.npy", bytes, n), &shape, &data, &err);
    assert(!rc == !err.text[0]);
    for (int64_t i = 0; !rc && i < bti_npy_bytes(&shape); i++)
        last = ((const uint8_t *)data)[i];
    assert(!rc || !data);
    bti_map_close(&m);
    (void)last;
    return 0;
}
