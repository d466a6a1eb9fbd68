/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a space and the images belong together, asked before the first trial: what no training
 * could use is one clear line, not a study full of failed trials.
 */
#ifndef BTI_SUITS_H
#define BTI_SUITS_H

#include "search/run.h"
#include "space/space.h"

/* Every value of every train setting is one that training takes; the input of the network at `p`
 * has the images' size and channels, its outputs are their classes. BT_INVAL says what to change.
 */
bt_status bti_space_suits(const bti_space *space, const bti_run *run, const bti_point *p,
                        bt_error *err);

#endif
