/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the manifest and the images of an imported data set with two labels.
 */
#include "data/npy.h"
#include "data_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const int32_t labels[2] = {0, 1};
    static const bti_npy_shape shape = {BTI_NPY_I32, 1, {2}};
    static int made;
    if (!made)
        made = !bti_npy_write(fuzz_path("train-labels.npy"), &shape, labels, NULL);
    assert(made);
    return fuzz_two_files("manifest.json", "train.npy", bytes, n);
}
