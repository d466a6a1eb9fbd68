/* SPDX-License-Identifier: Apache-2.0
 *
 * Cost before training: parameters, MACs, memory and identity are functions of the rows.
 */
#include "search/cost.h"

#include "base/alloc.h"
#include "base/error.h"
#include "export/quantise.h"
#include "export/sizes.h"

static void fill(const bti_graph *g, bti_cost *out)
{
    *out = (bti_cost){.params = (double)g->params,
                      .macs = (double)g->macs,
                      .peak_memory = (double)g->peak_activation_bytes,
                      .out_h = g->in_h,
                      .out_w = g->in_w};
    for (int i = 0; i < g->n_nodes; i++) { /* the last map before pooling to 1x1 */
        const bti_node *n = &g->node[i];
        bool pooled = n->kind == BTI_NODE_ADAPTIVE_AVGPOOL || n->kind == BTI_NODE_FLATTEN ||
                      n->kind == BTI_NODE_LINEAR;
        bool excite = n->h == 1 && n->w == 1 && i + 1 < g->n_nodes && g->node[i].in[0] >= 0 &&
                      g->node[g->node[i].in[0]].kind == BTI_NODE_ADAPTIVE_AVGPOOL;
        if (!pooled && !excite && (n->h > 1 || n->w > 1)) {
            out->out_h = n->h;
            out->out_w = n->w;
        }
    }
    snprintf(out->hash, sizeof(out->hash), "%s", g->hash);
}

bt_status bti_cost_of_graph(bti_cost *out, const bti_graph *g, bti_deploy deploy, bt_error *err)
{
    static const float mean[3] = {0, 0, 0}, std[3] = {1, 1, 1};
    bti_folded *f;
    bt_error why = {0};

    fill(g, out);
    if (deploy == BTI_DEPLOY_NONE)
        return BT_OK;
    bt_status rc = bti_fold(&f, g, NULL, mean, std, &why);
    if (!rc && deploy == BTI_DEPLOY_INT8)
        rc = bti_int8_check(f, &why);
    if (rc)
        bti_folded_free(f);
    if (rc == BT_NOSUPP)
        return bti_fail(err, BT_INVAL, "--deploy", "%s", why.text);
    if (rc) {
        if (err)
            *err = why;
        return rc;
    }
    const bti_sizes s = bti_sizes_of(f, deploy == BTI_DEPLOY_INT8);
    out->flash = (double)s.flash;
    out->peak_memory = (double)s.arena;
    bti_folded_free(f);
    return BT_OK;
}

static bt_status cost_of_rows(const bti_rows *rows, bti_cost *out, bti_deploy deploy, bt_error *err)
{
    bti_graph *g = NULL;
    bt_status rc = bti_graph_build(&g, rows, 0, 0, 0, err);
    if (!rc)
        rc = bti_cost_of_graph(out, g, deploy, err);
    bti_graph_free(g);
    return rc;
}

bt_status bti_graph_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user;
    return cost_of_rows(rows, out, BTI_DEPLOY_NONE, err);
}

static bt_status f32_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user;
    return cost_of_rows(rows, out, BTI_DEPLOY_F32, err);
}

static bt_status int8_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user;
    return cost_of_rows(rows, out, BTI_DEPLOY_INT8, err);
}

bti_cost_fn bti_graph_cost_for(bti_deploy deploy)
{
    static const bti_cost_fn by[] = {[BTI_DEPLOY_NONE] = bti_graph_cost,
                                     [BTI_DEPLOY_F32] = f32_cost,
                                     [BTI_DEPLOY_INT8] = int8_cost};
    return by[deploy];
}

bt_status bti_point_graph(const bti_space *space, const bti_point *p, bti_graph **graph,
                          char **yaml, bt_error *err)
{
    bti_arena arena = {0};
    bti_rows rows = {0};
    bti_str text = {0};

    *graph = NULL;
    if (yaml)
        *yaml = NULL;
    bt_status rc = bti_space_rows(space, p, &rows, &arena, err);
    if (!rc)
        rc = bti_graph_build(graph, &rows, 0, 0, 0, err);
    if (!rc && yaml) {
        bti_rows_to_yaml(&rows, &text);
        *yaml = bti_str_take(&text);
        if (!*yaml)
            rc = bti_fail_nomem(err);
    }
    if (rc) {
        bti_graph_free(*graph);
        *graph = NULL;
    }
    bti_str_release(&text);
    bti_arena_release(&arena);
    return rc;
}
