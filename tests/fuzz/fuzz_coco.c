/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a COCO file.
 */
#include "box_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_image("images", "a.png");
    fuzz_put("annotations.json", bytes, n);
    return fuzz_boxes(&bti_box_format_coco);
}
