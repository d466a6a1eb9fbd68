/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the two files of an IDX set.
 */
#include "data_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    return fuzz_two_files("train-labels-idx1-ubyte", "train-images-idx3-ubyte", bytes, n);
}
