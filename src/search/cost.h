/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the halves meet: rows that a space wrote become a checked graph, and its exact cost.
 */
#ifndef BTI_COST_H
#define BTI_COST_H

#include "model/graph.h"
#include "space/space.h"

/* A bti_cost_fn; user is unused. Input shape comes from the rows. BT_INVAL when they make no
 * network. */
bt_status bti_graph_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err);

/* The graph of a point, and the YAML text of its model file (yours, bti_free). */
bt_status bti_point_graph(const bti_space *space, const bti_point *p, bti_graph **graph,
                          char **yaml, bt_error *err);

#endif
