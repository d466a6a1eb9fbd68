/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_deploy_info(): flash, RAM and the arena of a model file, before anything is trained.
 */
#include "bantam/export.h"

#include "base/error.h"
#include "base/json.h"
#include "export/sizes.h"

static bti_json *sizes_json(const bti_folded *f, bool int8)
{
    const bti_sizes s = bti_sizes_of(f, int8);
    bti_json *o = bti_json_object();
    bti_json_set_int(o, "constants_bytes", s.constants);
    bti_json_set_int(o, "code_bytes", s.code);
    bti_json_set_int(o, "flash_bytes", s.flash);
    bti_json_set_int(o, "arena_bytes", s.arena);
    bti_json_set_int(o, "stack_bytes", s.stack);
    return o;
}

static bti_json *integers(const int *v, int n)
{
    bti_json *list = bti_json_array();
    for (int i = 0; i < n; i++)
        bti_json_append(list, bti_json_int(v[i]));
    return list;
}

static bti_json *operations_json(const bti_folded *f)
{
    bti_json *list = bti_json_array();
    for (int i = 0; i < f->n_ops; i++) {
        const bti_folded_op *op = &f->op[i];
        const int shape[3] = {op->c, op->h, op->w};
        int n_in = 0, in[2];
        for (int j = 0; j < 2; j++)
            if (op->in[j] >= 0)
                in[n_in++] = op->in[j];
        bti_json *o = bti_json_object();
        bti_json_set_str(o, "operation", bti_folded_op_name(op));
        bti_json_set_int(o, "row", op->row + 1);
        bti_json_set(o, "out", integers(shape, 3));
        bti_json_set(o, "in", integers(in, n_in));
        bti_json_set(o, "offset", op->offset < 0 ? bti_json_null() : bti_json_int(op->offset));
        bti_json_set_int(o, "size", op->size);
        bti_json_set_int(o, "last", op->last);
        bti_json_append(list, o);
    }
    return list;
}

static char *to_text(const bti_folded *f, int64_t apart)
{
    bti_json *o = bti_json_object();
    bti_json_set(o, "f32", sizes_json(f, false));
    bti_json_set(o, "int8", sizes_json(f, true));
    bti_json_set_int(o, "arena", f->arena);
    bti_json_set_int(o, "arena_apart", apart);
    bti_json_set(o, "operations", operations_json(f));
    char *text = bti_json_text(o, 2);
    bti_json_free(o);
    return text;
}

bt_status bt_deploy_info(char **json, const char *path, int h, int w, int c, bt_error *err)
{
    static const float mean[3] = {0, 0, 0}, std[3] = {1, 1, 1};
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g = NULL;
    bti_folded *f = NULL;

    *json = NULL;
    bt_status rc = bti_rows_read(&rows, &arena, path, NULL, err);
    if (!rc)
        rc = bti_graph_build(&g, &rows, c, h, w, err);
    if (!rc)
        rc = bti_fold(&f, g, NULL, mean, std, err);
    if (!rc)
        rc = bti_plan_apart(f, err);
    const int64_t apart = rc ? 0 : f->arena;
    if (!rc)
        rc = bti_plan(f, err);
    if (!rc) {
        *json = to_text(f, apart);
        rc = *json ? BT_OK : bti_fail_nomem(err);
    }
    bti_folded_free(f);
    bti_graph_free(g);
    bti_arena_release(&arena);
    return rc;
}
