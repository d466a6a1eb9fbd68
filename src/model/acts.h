/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of activations. The list itself is acts.def.
 * Case matters as in the course baseline: `Hardswish` and `HardSwish` both exist, `relu` does not.
 */
#ifndef BTI_ACTS_H
#define BTI_ACTS_H

#include "model/graph.h"

/* The PyTorch class name, "ReLU". Never NULL for a valid id. */
const char *bti_act_name(bti_act act);
/* Accepts every PyTorch name of acts.def and the spellings of the course's own file. */
bool bti_act_parse(const char *name, bti_act *out);
/* All accepted names, ending with NULL: for messages and for the nearest name of a typo. */
const char *const *bti_act_names(void);

#endif
