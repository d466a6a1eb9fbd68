/* SPDX-License-Identifier: Apache-2.0
 *
 * From a point to the rows of a model file: named arguments to their places, Pass left out, strides
 * by the budget. Trailing arguments that nobody wrote are left out, as people write model files.
 */
#include "base/error.h"
#include "space/space_int.h"

#include <limits.h>
#include <math.h>

static bool whole(const bti_walk *w, int slot, int64_t *out)
{
    bti_value v = w->value[slot];
    double x = bti_value_num(v);
    if (!w->present[slot] || !bti_value_is_num(v) || !(fabs(x) <= BTI_NUMBER_MAX) || x != rint(x))
        return false;
    *out = (int64_t)x;
    return true;
}

static bt_status block_row(const bti_walk *w, const bti_block *b, const bti_block_module *m,
                           bti_row *row, bt_error *err)
{
    const char *where = w->s->where;
    bool written[BTI_MODULE_ARGS] = {false};
    int n = m->n_def;
    memcpy(row->arg, m->otherwise, (size_t)n * sizeof(row->arg[0]));
    for (int i = 0; i < m->n_args; i++) {
        int slot = m->arg[i].slot, pos = m->arg[i].position;
        if (!w->present[slot])
            continue;
        row->arg[pos] = w->value[slot];
        written[pos] = true;
    }
    if (m->stride >= 0 && w->present[m->stride]) {
        row->arg[m->stride_at] = w->value[m->stride];
        written[m->stride_at] = true;
    }
    for (int i = 0; i < n; i++) {
        if (!m->def->arg[i].otherwise && !written[i])
            return bti_fail_at(err, BT_INVAL, where, b->line,
                               "%s.%s.%s has no value here: none of its conditions holds", b->id,
                               m->def->name, m->def->arg[i].name);
        if (written[i] || m->def->arg[i].always)
            row->n_args = i + 1;
    }
    row->repeat = 1;
    row->module = m->def->name;
    row->line = b->line;
    if (m->repeat >= 0 && !whole(w, m->repeat, &row->repeat))
        return bti_fail_at(err, BT_INVAL, where, b->line,
                           "the repeat of block %s is not a whole number", b->id);
    return BT_OK;
}

static bt_status tail_row(const bti_walk *w, const bti_tail_row *t, bti_row *row, bt_error *err)
{
    row->line = t->line;
    row->module = w->value[t->module].u.s;
    if (!whole(w, t->repeat, &row->repeat))
        return bti_fail_at(err, BT_INVAL, w->s->where, t->line,
                           "the repeat of a tail row is not a whole number");
    for (int i = 0; i < t->n_args; i++) {
        if (!w->present[t->arg[i]])
            return bti_fail_at(err, BT_INVAL, w->s->where, t->line,
                               "%s has no value here: none of its conditions holds",
                               w->s->slot[t->arg[i]].name);
        row->arg[row->n_args++] = w->value[t->arg[i]];
    }
    return BT_OK;
}

static bt_status all_rows(const bti_walk *w, bti_rows *out, bti_arena *arena, bt_error *err)
{
    const bti_space *s = w->s;
    bt_status rc = BT_OK;
    for (int i = 0; i < s->n_blocks && !rc; i++) {
        if (w->block[i].module < 0)
            continue;
        bti_row *row = bti_rows_add(out, arena);
        if (!row)
            return bti_fail_nomem(err);
        rc = block_row(w, &s->block[i], &s->block[i].module[w->block[i].module], row, err);
    }
    for (int i = 0; i < s->n_tail && !rc; i++) {
        if (!w->present[s->tail[i].module] || bti_streq(w->value[s->tail[i].module].u.s, "Pass"))
            continue;
        bti_row *row = bti_rows_add(out, arena);
        if (!row)
            return bti_fail_nomem(err);
        rc = tail_row(w, &s->tail[i], row, err);
    }
    return rc;
}

static double number_or(const bti_walk *w, int slot, double otherwise)
{
    return slot >= 0 && w->present[slot] ? bti_value_num(w->value[slot]) : otherwise;
}

static bt_status read_side(const bti_walk *w, int slot, int otherwise, const char *what, int *out,
                           bt_error *err)
{
    int64_t v = otherwise;
    if (slot >= 0 && (!whole(w, slot, &v) || v < 1 || v > INT_MAX))
        return bti_fail_at(err, BT_INVAL, w->s->where, w->s->slot[slot].line,
                           "%s must be a whole number of at least 1", what);
    *out = (int)v;
    return BT_OK;
}

/* input.size, else train.img_size, else the data's. */
static int size_slot(const bti_space *s)
{
    if (s->size_slot >= 0)
        return s->size_slot;
    for (int i = 0; i < s->n_settings; i++)
        if (bti_streq(s->setting[i].key, "img_size"))
            return s->setting[i].slot;
    return -1;
}

bt_status bti_space_rows(const bti_space *s, const bti_point *p, bti_rows *out, bti_arena *arena,
                         bt_error *err)
{
    bti_walk w;
    *out = (bti_rows){.where = s->where};
    bt_status rc = bti_walk_point(&w, s, p, err);
    if (rc)
        return rc;
    out->depth_multiple = number_or(&w, s->depth_slot, 1);
    out->width_multiple = number_or(&w, s->width_slot, 1);
    rc = read_side(&w, s->channels_slot, s->vars.channels, "input.channels", &out->channels, err);
    if (!rc)
        rc = read_side(&w, size_slot(s), s->vars.size, "the input size", &out->h, err);
    out->w = out->h;
    return rc ? rc : all_rows(&w, out, arena, err);
}
