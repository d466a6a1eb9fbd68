/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentation operations on 8-bit images, bit-exact with Pillow as torchvision 0.14 calls it.
 */
#ifndef BANTAM_AUGMENT_H
#define BANTAM_AUGMENT_H

#include "bantam/status.h"

/* Applies one operation to an image file and writes a PNG.
 * value is in the operation's unit (degrees, shear factor, pixels, enhancement factor, bits,
 * threshold); ignored by operations without one. An unknown op names the nearest. */
BT_API BT_MUST_USE bt_status bt_augment_apply(const char *op, double value, const char *in_path,
                                              const char *out_png, bt_error *err);

/* The operations as a JSON array of {"name","unit","min","max","identity","geometric","source"};
 * yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_augment_list(char **json, bt_error *err);

#endif
