/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as the files of CIFAR-10.
 */
#include "data_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    return fuzz_two_files("batches.meta.txt", "data_batch_1.bin", bytes, n);
}
