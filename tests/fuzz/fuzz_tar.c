/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an archive with CIFAR's files.
 */
#include "data_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_put("c.tgz", bytes, n);
    fuzz_open_data("c.tgz");
    return 0;
}
