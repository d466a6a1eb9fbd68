/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the positional arguments of a row, with the baseline's defaults and one clear sentence
 * for everything that cannot be used. Lists ([0], [7, 7]) arrive as their text (see parse.c).
 */
#include "base/str.h"
#include "model/acts.h"
#include "model/builder.h"
#include <math.h>
#include <stdarg.h>

enum { VALUE_TEXT = 64 };

int bti_row_fail(bti_builder *b, const char *fmt, ...)
{
    if (b->rc)
        return -1;
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    b->rc = bti_fail_at(b->err, BT_INVAL, b->rows->where, b->row->line, "row %d (%s): %s",
                        b->row_index + 1, b->row->module, text);
    return -1;
}

static const bti_value *arg(const bti_builder *b, int i)
{
    return i < b->row->n_args ? &b->row->arg[i] : NULL;
}

static void fail_arg(bti_builder *b, int i, const char *name, const char *expected)
{
    char text[VALUE_TEXT];
    bti_row_fail(b, "argument %d (%s) is %s, expected %s", i + 1, name,
                 bti_value_text(text, sizeof(text), b->row->arg[i]), expected);
}

bool bti_arg_given(const bti_builder *b, int i)
{
    const bti_value *v = arg(b, i);
    return v && v->kind != BTI_NULL;
}

/* A whole number, also when written 3.0; a Python bool is none here. */
static bool whole(const bti_value *v, int lo, int hi, int *out)
{
    double d = bti_value_is_num(*v) ? bti_value_num(*v) : NAN;
    if (!(d >= lo && d <= hi) || d != floor(d))
        return false;
    *out = (int)d;
    return true;
}

int bti_arg_int(bti_builder *b, int i, const char *name, int lo, int hi, int otherwise)
{
    const bti_value *v = arg(b, i);
    int out = otherwise;
    if (v && !whole(v, lo, hi, &out)) {
        char expected[64];
        if (hi == lo + 1)
            snprintf(expected, sizeof(expected), "%d or %d", lo, hi);
        else
            snprintf(expected, sizeof(expected), "a whole number from %d to %d", lo, hi);
        fail_arg(b, i, name, expected);
    }
    return out;
}

bool bti_arg_bool(bti_builder *b, int i, const char *name, bool otherwise)
{
    const bti_value *v = arg(b, i);
    int n = 0;
    if (!v)
        return otherwise;
    if (v->kind == BTI_BOOL)
        return v->u.b;
    if (v->kind != BTI_NULL && !whole(v, 0, 1, &n))
        fail_arg(b, i, name, "True, False, 1 or 0");
    return n != 0;
}

double bti_arg_ratio(bti_builder *b, int i, const char *name, double otherwise)
{
    const bti_value *v = arg(b, i);
    if (!v)
        return otherwise;
    double d = bti_value_is_num(*v) ? bti_value_num(*v) : NAN;
    if (isfinite(d) && d > 0)
        return d;
    fail_arg(b, i, name, "a number above 0");
    return otherwise;
}

bti_act bti_arg_act(bti_builder *b, int i, bti_act otherwise)
{
    const bti_value *v = arg(b, i);
    bti_act act = otherwise;
    if (!v)
        return otherwise;
    if (v->kind == BTI_NULL)
        return BTI_ACT_IDENTITY;
    if (v->kind != BTI_STR) {
        fail_arg(b, i, "act", "the name of an activation, or null");
        return otherwise;
    }
    if (!bti_act_parse(v->u.s, &act)) {
        const char *near = bti_nearest(v->u.s, bti_act_names());
        bti_row_fail(b,
                     "unknown activation %.64s%s%s; known: ReLU, Hardswish, SiLU and the other "
                     "activations of torch.nn",
                     v->u.s, near ? ", did you mean " : "", near ? near : "");
    }
    return act;
}

int bti_round_channels(double v)
{
    if (!(v <= BTI_MAX_CHANNELS))
        return BTI_MAX_CHANNELS + 8;
    int n = (int)(v + 4) / 8 * 8;
    if (n < 8)
        n = 8;
    return n < 0.9 * v ? n + 8 : n;
}

int bti_arg_channels(bti_builder *b, int i, const char *name)
{
    const bti_value *v = arg(b, i);
    double d = v && bti_value_is_num(*v) ? bti_value_num(*v) : NAN;
    if (!(d >= 1 && d <= BTI_MAX_CHANNELS)) {
        char expected[64];
        snprintf(expected, sizeof(expected), "a number of channels from 1 to %d", BTI_MAX_CHANNELS);
        fail_arg(b, i, name, expected);
        return 8;
    }
    return bti_round_channels(d * b->rows->width_multiple);
}

/* "[7]" or "[7, 7]": how a list of whole numbers arrives. Returns how many there are, 0: not one.
 */
static int list_numbers(const bti_value *v, int out[2])
{
    const char *s = v->kind == BTI_STR ? v->u.s : "";
    if (*s != '[')
        return 0;
    for (int n = 0; n < 2; n++) {
        char *end;
        long number = strtol(s + 1, &end, 10);
        if (end == s + 1 || number < 0 || number > BTI_MAX_MAP)
            return 0;
        out[n] = (int)number;
        if (*end == ']')
            return end[1] ? 0 : n + 1;
        if (*end != ',')
            return 0;
        s = end;
    }
    return 0;
}

int bti_arg_pad(bti_builder *b, int i, int k)
{
    const bti_value *v = arg(b, i);
    int list[2], n;
    if (!v || v->kind == BTI_NULL || (v->kind == BTI_BOOL && !v->u.b))
        return k / 2;
    n = list_numbers(v, list);
    if (n == 1 || (n == 2 && list[0] == list[1]))
        return list[0] <= BTI_MAX_KERNEL ? list[0] : BTI_MAX_KERNEL;
    if (!whole(v, 0, BTI_MAX_KERNEL, &n)) {
        fail_arg(b, i, "pad", "null, a whole number from 0 to 255, or [0]");
        return 0;
    }
    return n > 0 ? n : k / 2;
}

void bti_arg_extent(bti_builder *b, int i, const char *name, int otherwise, int *h, int *w)
{
    const bti_value *v = arg(b, i);
    int list[2];
    *h = *w = otherwise;
    if (!v)
        return;
    if (list_numbers(v, list) == 2 && list[0] > 0 && list[1] > 0) {
        *h = list[0];
        *w = list[1];
        return;
    }
    *h = *w = bti_arg_int(b, i, name, 1, BTI_MAX_MAP, otherwise);
}
