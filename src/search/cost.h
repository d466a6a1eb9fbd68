/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the halves meet: rows that a space wrote become a checked graph, and its exact cost.
 */
#ifndef BTI_COST_H
#define BTI_COST_H

#include "model/graph.h"
#include "space/space.h"

/* What a trial's network is for: to be run here, or exported (bantam/export.h). Then its flash is
 * known, and its peak memory is the exported arena. */
typedef enum bti_deploy { BTI_DEPLOY_NONE, BTI_DEPLOY_F32, BTI_DEPLOY_INT8 } bti_deploy;

/* BT_INVAL: of a deployment, the row that cannot be exported. */
bt_status bti_cost_of_graph(bti_cost *out, const bti_graph *g, bti_deploy deploy, bt_error *err);

/* Cost of rows for each deployment; user is unused. Input shape comes from the rows. BT_INVAL when
 * they make no network, or none that can be exported. */
bti_cost_fn bti_graph_cost_for(bti_deploy deploy);
bt_status bti_graph_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err);

/* The graph of a point, and the YAML text of its model file (yours, bti_free). */
bt_status bti_point_graph(const bti_space *space, const bti_point *p, bti_graph **graph,
                          char **yaml, bt_error *err);

#endif
