/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of bti_graph_build() that have files of their own.
 */
#ifndef BTI_GRAPH_INT_H
#define BTI_GRAPH_INT_H

#include "model/graph.h"

/* graph_cost.c: params, macs, per row too. peak_activation_bytes needs memory: false on none. */
void bti_graph_count(bti_graph *g);
bool bti_graph_peak(bti_graph *g);

/* graph_hash.c: fills g->hash; false on no memory. */
bool bti_graph_hash(bti_graph *g);

#endif
