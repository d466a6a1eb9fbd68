/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a CSV list with a validation list. Its images are nowhere.
 */
#include "data_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    return fuzz_two_files("train.csv", "val.csv", bytes, n);
}
