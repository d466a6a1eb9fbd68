/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a YOLO data.yaml and, after its first NUL, labels.
 */
#include "box_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t yaml = strnlen((const char *)bytes, n), labels = yaml < n ? yaml + 1 : n;
    fuzz_image("images", "a.png");
    if (bti_make_dirs(fuzz_path("labels"), NULL))
        return 0;
    fuzz_put("data.yaml", bytes, yaml);
    fuzz_put("labels/a.txt", bytes + labels, n - labels);
    return fuzz_boxes(&bti_box_format_yolo);
}
