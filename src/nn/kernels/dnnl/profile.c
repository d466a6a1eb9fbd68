/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the time of a step goes: seconds, bytes and operations by group of steps, for
 * `bantam bench train --breakdown`. Bytes are those of the maps that a step reads and writes, from
 * cache or from memory.
 */
#include "nn/kernels/dnnl/engine.h"
#include "nn/kernels/dnnl/steps.h"

#include "base/alloc.h"

static const struct {
    bti_step_run *run;
    const char *name;
} step_names[] = {
    {bti_step_stats, "batch statistics"},
    {bti_step_norm, "normalise + activate"},
    {bti_step_norm_reduce, "normalise, backward sums"},
    {bti_step_norm_apply, "normalise, backward data"},
    {bti_step_linear, "linear"},
    {bti_step_linear_back_data, "linear"},
    {bti_step_linear_back_weights, "linear"},
    {bti_step_scale, "squeeze-and-excite scale"},
    {bti_step_scale_back, "squeeze-and-excite scale, backward"},
    {bti_step_mean, "average pooling"},
    {bti_step_mean_back, "average pooling"},
    {bti_step_accumulate, "sums of gradients"},
    {bti_step_pack, "input layout"},
};

static const char *conv_name(const bti_conv_shape *c, bti_conv_dir dir)
{
    static const char *const names[][BTI_CONV_DIRS] = {
        {"depthwise, forward", "depthwise, backward data", "depthwise, backward weights"},
        {"1x1 convolution, forward", "1x1 convolution, backward data",
         "1x1 convolution, backward weights"},
        {"convolution, forward", "convolution, backward data", "convolution, backward weights"},
        {"first layer, forward", "first layer, backward data", "first layer, backward weights"}};
    if (c->depthwise)
        return names[0][dir];
    if (c->plain_src)
        return names[3][dir];
    return names[c->window.k == 1 ? 1 : 2][dir];
}

static bool conv_dir(const bti_step *s, bti_conv_dir *dir)
{
    *dir = BTI_CONV_FORWARD;
    if (s->run == bti_step_conv_back_data)
        *dir = BTI_CONV_BACK_DATA;
    else if (s->run == bti_step_conv_back_weights || s->run == bti_step_conv_back)
        *dir = BTI_CONV_BACK_WEIGHTS;
    return s->run == bti_step_conv || *dir != BTI_CONV_FORWARD;
}

static const char *name_of(const bti_engine *e, const bti_step *s)
{
    bti_conv_dir dir;
    if (s->run == bti_step_conv_back)
        return "depthwise, backward";
    if (conv_dir(s, &dir))
        return conv_name(&e->conv[e->op[s->op].conv].shape, dir);
    for (size_t i = 0; i < sizeof(step_names) / sizeof(step_names[0]); i++)
        if (step_names[i].run == s->run)
            return step_names[i].name;
    return "other";
}

/* Of one image. */
static double flops_of(const bti_engine *e, const bti_step *s)
{
    bti_conv_dir dir;
    if (!conv_dir(s, &dir))
        return 0;
    const bti_node *n = e->op[s->op].node;
    const bool both = s->run == bti_step_conv_back && s->b[2] >= 0;
    return (both ? 4.0 : 2.0) * (double)e->graph->tensor[n->weight].size * n->h * n->w;
}

static double bytes_of(const bti_engine *e, const bti_step *s)
{
    double bytes = 0;
    for (int k = 0; k < BTI_STEP_BUFFERS; k++)
        if (s->b[k] >= 0)
            bytes += (double)e->buffer[s->b[k]].floats * (double)sizeof(float);
    return bytes;
}

bool bti_engine_profile(bti_engine *e, bool on)
{
    bti_free(e->step_s);
    e->step_s = NULL;
    if (on)
        e->step_s = bti_calloc((size_t)e->opt.threads * (size_t)e->n_steps, sizeof(*e->step_s));
    return !on || e->step_s;
}

int bti_engine_breakdown(const bti_engine *e, bti_net_group *out, int cap)
{
    int n = 0;
    for (int i = 0; e->step_s && i < e->n_steps; i++) {
        const bti_step *s = &e->step[i];
        const char *name = name_of(e, s);
        int g = 0;
        while (g < n && strcmp(out[g].name, name))
            g++;
        if (g == cap)
            continue;
        if (g == n)
            out[n++] = (bti_net_group){.name = name};
        for (int t = 0; t < e->opt.threads; t++)
            out[g].seconds += e->step_s[(int64_t)t * e->n_steps + i] / e->opt.threads;
        out[g].bytes += bytes_of(e, s) * e->opt.batch;
        out[g].flops += flops_of(e, s) * e->opt.batch;
    }
    return n;
}
