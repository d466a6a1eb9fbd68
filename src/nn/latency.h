/* SPDX-License-Identifier: Apache-2.0
 *
 * How long one image takes on this machine.
 */
#ifndef BTI_LATENCY_H
#define BTI_LATENCY_H

#include "model/graph.h"

/* Milliseconds of one inference at batch 1 on one thread: the median over at least 50 runs (and up
 * to 0.2 s) after a warm-up. Counted is the time that the thread ran (CPU time, which is wall time
 * on a core of its own), so that other processes' turns on the core do not count; what they take of
 * caches and memory bandwidth does. */
bt_status bti_latency_ms(double *ms, const bti_graph *g, bt_error *err);

#endif
