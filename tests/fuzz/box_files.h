/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets of box formats share: an image of 12 x 10 pixels beside the bytes, and what
 * was accepted must be sound.
 */
#ifndef FUZZ_BOX_FILES_H
#define FUZZ_BOX_FILES_H

#include "data/boxes.h"
#include "files.h"
#include "image/image.h"

static inline void fuzz_image(const char *folder, const char *name)
{
    bti_image im;
    char rel[64];

    if (bti_make_dirs(fuzz_path(folder), NULL) || bti_image_new(&im, 12, 10, 1, NULL))
        return;
    memset(im.px, 9, bti_image_bytes(&im));
    snprintf(rel, sizeof(rel), "%s/%s", folder, name);
    assert(!bti_image_write_png(&im, fuzz_path(rel), NULL));
    bti_image_release(&im);
}

/* Reads the folder. */
static inline int fuzz_boxes(const bti_box_format *format)
{
    const bti_boxes_options opt = {.split = "train"};
    bti_box_set *set;
    bt_error err = {0};
    bt_status rc = bti_boxes_read(&set, format, fuzz_path(""), &opt, &err);

    assert(!rc == !err.text[0]);
    for (int64_t i = 0; !rc && i < set->n_boxes; i++) {
        const bti_box *b = &set->box[i];
        const bti_boxed_image *im = &set->image[b->image];
        assert(b->x0 < b->x1 && b->y0 < b->y1 && b->category < set->n_categories);
        assert(b->x0 > -1 && b->y0 > -1 && b->x1 < im->w + 1 && b->y1 < im->h + 1);
    }
    if (!rc)
        bti_boxes_free(set);
    return 0;
}

#endif
