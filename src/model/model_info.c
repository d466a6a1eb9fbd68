/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_model_info(): what a model file costs, as JSON.
 */
#include "bantam/model.h"
#include "base/error.h"
#include "base/json.h"
#include "model/graph.h"

static bti_json *shape(int c, int h, int w)
{
    bti_json *a = bti_json_array();
    bti_json_append(a, bti_json_int(c));
    bti_json_append(a, bti_json_int(h));
    bti_json_append(a, bti_json_int(w));
    return a;
}

static bti_json *layers(const bti_graph *g)
{
    bti_json *list = bti_json_array();
    for (int i = 0; i < g->n_rows; i++) {
        const bti_row_info *row = &g->row[i];
        bti_json *layer = bti_json_object();
        bti_json_set_int(layer, "row", i + 1); /* as in error messages */
        bti_json_set_str(layer, "module", row->module);
        bti_json_set_int(layer, "repeat", row->repeat);
        bti_json_set_int(layer, "params", row->params);
        bti_json_set_int(layer, "macs", row->macs);
        bti_json_set(layer, "out", shape(row->c, row->h, row->w));
        bti_json_append(list, layer);
    }
    return list;
}

static char *to_text(const bti_graph *g)
{
    bti_json *info = bti_json_object();
    bti_json_set_int(info, "params", g->params);
    bti_json_set_int(info, "macs", g->macs);
    bti_json_set_int(info, "peak_activation_bytes", g->peak_activation_bytes);
    bti_json_set_str(info, "hash", g->hash);
    bti_json_set(info, "input", shape(g->in_c, g->in_h, g->in_w));
    bti_json_set(info, "layers", layers(g));
    char *text = bti_json_text(info, 2);
    bti_json_free(info);
    return text;
}

bt_status bt_model_info(char **json, const char *path, int h, int w, int c,
                        const bt_progress *progress, bt_error *err)
{
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g = NULL;

    *json = NULL;
    bt_status rc = bti_rows_read(&rows, &arena, path, progress, err);
    if (!rc)
        rc = bti_graph_build_any(&g, &rows, c, h, w, err);
    if (!rc && !g->classes)
        bti_warn(progress,
                 "%s: the last row gives a map, not one value a class: this is a part of "
                 "a network and cannot be trained alone",
                 path);
    if (!rc) {
        *json = to_text(g);
        rc = *json ? BT_OK : bti_fail_nomem(err);
    }
    bti_graph_free(g);
    bti_arena_release(&arena);
    return rc;
}
