/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a VOC annotation.
 */
#include "box_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_image("JPEGImages", "a.png");
    if (bti_make_dirs(fuzz_path("Annotations"), NULL))
        return 0;
    fuzz_put("Annotations/a.xml", bytes, n);
    return fuzz_boxes(&bti_box_format_voc);
}
