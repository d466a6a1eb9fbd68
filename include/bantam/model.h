/* SPDX-License-Identifier: Apache-2.0
 *
 * Model files: YAML rows `[repeat, Module, [args]]`; what a network costs before anything is
 * trained.
 */
#ifndef BANTAM_MODEL_H
#define BANTAM_MODEL_H

#include "bantam/status.h"

/* {"params", "macs", "peak_activation_bytes", "hash", "input": [c,h,w],
 *  "layers": [{"row","module","repeat","params","macs","out":[c,h,w]}]} of a model file; yours,
 * bt_free. h, w, c: input shape, 0 = as the file says (h, w default 32 when it does not). Warnings
 * go to progress. */
BT_API BT_MUST_USE bt_status bt_model_info(char **json, const char *path, int h, int w, int c,
                                           const bt_progress *progress, bt_error *err);

#endif
