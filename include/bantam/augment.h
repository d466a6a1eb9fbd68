/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentation operations on 8-bit images, bit-exact with Pillow as torchvision 0.14 calls it.
 */
#ifndef BANTAM_AUGMENT_H
#define BANTAM_AUGMENT_H

#include "bantam/status.h"
#include <stdint.h>

typedef struct bt_augment_op {
    const char *name; /* an unknown one gets the nearest */
    double value;     /* in the operation's unit; not read by operations without one */
    uint64_t seed;    /* of operations that draw (Cutout's place) */
    const char *with; /* SamplePairing: the other image, of the same size; else NULL */
} bt_augment_op;

/* Applies one operation to an image file and writes a PNG. */
BT_API BT_MUST_USE bt_status bt_augment_apply(const bt_augment_op *op, const char *in_path,
                                              const char *out_png, bt_error *err);

/* The operations as a JSON array of {"name", "unit", "min", "max", "identity", "levels": [first,
 * last] of a policy, "levels_of" ("value", "width", "height": what they are multiplied by),
 * "signed", "boxes" ("stay", "move", "hide"), "labels", "source"}; yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_augment_list(char **json, bt_error *err);

#endif
