/* SPDX-License-Identifier: Apache-2.0
 *
 * Search-space files (model-format.md section 4): what may be searched.
 */
#ifndef BANTAM_SPACE_H
#define BANTAM_SPACE_H

#include "bantam/status.h"

/* `bantam space info`: parameters, exact size (decimal digits), feasible share of `draws` random
 * draws, quantiles of params and macs. $classes, $size, $channels take the given values (0: 10, 32,
 * 3).
 * {"name","parameters":[{"name","domain",...}],"size":"373...","draws","feasible","params":{"q05",...},"macs":{...}}
 * Yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_space_info(char **json, const char *path, int classes, int size,
                                           int channels, int draws, uint64_t seed, bt_error *err);

#endif
