/* SPDX-License-Identifier: Apache-2.0
 *
 * The spaces that samplers are tried on, for 32x32 images of ten classes.
 */
#ifndef SPACES_H
#define SPACES_H

#include "space/space.h"

/* Blocks x0, x1, ... of InvertedResidualv3 with these arguments ("kernel: 3, expand: {float: [0.0,
 * 1.0]}, ..."). NULL, with err. */
bti_space *numbers_space(int blocks, const char *arguments, bt_error *err);

/* examples/spaces/brief.yaml; augment in place of the file's own, NULL: that. NULL, with err, if it
 * is not below the working folder. */
bti_space *brief_space(const char *augment, bt_error *err);

#endif
