/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding a folded network to int8 (Jacob et al., "Quantization and training of neural networks
 * for efficient integer-arithmetic-only inference", CVPR 2018; scales as TensorFlow Lite's).
 */
#include "export/quantise.h"

#include "base/alloc.h"
#include "base/error.h"
#include "export/run_f32.h"
#include <float.h>
#include <math.h>

#define TAIL 1e-4          /* share of the values that "percentile" gives up at each end */
#define MSE_STEPS 64       /* ranges tried: 100 % down to about 20 % of the largest value */
#define MAX_TAPS 50000     /* of one output: more could overflow a sum of int32 */
#define MAX_BIAS (1 << 28) /* for the same reason */
#define MAX_WINDOW 2900    /* values of an average that is cut at the border, for the same reason */
#define MAX_SHIFT 30       /* to the left, of a factor between scales */
#define MAX_AREA 8000000   /* values of any average */

const char *const bti_range_names[BTI_RANGE_COUNT] = {"minmax", "percentile", "mse"};

typedef struct quantising {
    const bti_folded *f;
    const bti_map_stats *seen;
    bti_quantised *q;
    bti_range_rule rule;
    bt_error *err;
} quantising;

/* ---- what int8 cannot do ---- */

/* Values of a whole area. */
static int average_count(const bti_folded_op *op)
{
    const bool grid = op->kind == BTI_OP_GRID_AVERAGE;
    const int h = grid ? (op->in_h + op->h - 1) / op->h : op->k;
    const int w = grid ? (op->in_w + op->w - 1) / op->w : op->k;
    return h * w;
}

static bool average_overflows(const bti_folded_op *op)
{
    const bool grid = op->kind == BTI_OP_GRID_AVERAGE, cut = !grid && !op->count_pad;
    const bool uneven = grid ? op->in_h % op->h || op->in_w % op->w
                             : cut || op->pad_b != op->pad_t || op->pad_r != op->pad_l;
    return average_count(op) > (uneven ? MAX_WINDOW : MAX_AREA);
}

static bt_status check_op(const bti_folded_op *op, bt_error *err)
{
    switch (op->kind) {
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        if (op->n_weight / op->c <= MAX_TAPS)
            return BT_OK;
        return bti_fail(err, BT_NOSUPP, NULL,
                        "row %d sums more than %d products, which could overflow in int8",
                        op->row + 1, MAX_TAPS);
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        if (!average_overflows(op))
            return BT_OK;
        return bti_fail(err, BT_NOSUPP, NULL,
                        "row %d averages %d values at once, which could overflow in int8",
                        op->row + 1, average_count(op));
    case BTI_OP_ACT:
        if (op->act != BTI_ACT_SOFTMAX)
            return BT_OK;
        return bti_fail(err, BT_NOSUPP, NULL,
                        "row %d: Softmax cannot be exported in int8 (logits do not need it)",
                        op->row + 1);
    case BTI_OP_IMAGE:
    case BTI_OP_MAXPOOL:
    case BTI_OP_ADD:
    case BTI_OP_SCALE:
    case BTI_OP_CLAMP:
        break;
    }
    return BT_OK;
}

bt_status bti_int8_check(const bti_folded *f, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int i = 0; i < f->n_ops && !rc; i++)
        rc = check_op(&f->op[i], err);
    return rc;
}

/* ---- ranges ---- */

static void cut_tails(const int64_t *bins, double *lo, double *hi)
{
    const double width = (*hi - *lo) / BTI_BINS, first = *lo;
    int64_t total = 0, below = 0, above = 0;
    int a = 0, b = BTI_BINS - 1;

    for (int i = 0; i < BTI_BINS; i++)
        total += bins[i];
    while (a < b && (double)(below + bins[a]) <= TAIL * (double)total)
        below += bins[a++];
    while (b > a && (double)(above + bins[b]) <= TAIL * (double)total)
        above += bins[b--];
    *lo = first + a * width;
    *hi = first + (b + 1) * width;
}

/* Squared error of a histogram that is rounded to 255 steps of lo..hi and clipped to it. */
static double range_error(const int64_t *bins, double first, double width, double lo, double hi)
{
    const double step = (hi - lo) / 255, rounding = step * step / 12;
    double sum = 0;
    for (int i = 0; i < BTI_BINS; i++) {
        const double v = first + (i + 0.5) * width;
        const double out = v < lo ? lo - v : v > hi ? v - hi : 0;
        sum += (double)bins[i] * (out > 0 ? out * out : rounding);
    }
    return sum;
}

static void least_error(const int64_t *bins, double *lo, double *hi)
{
    const double first = *lo, last = *hi, width = (last - first) / BTI_BINS;
    double best = INFINITY;
    for (int i = 0; i < MSE_STEPS; i++) {
        const double r = 1 - i / (MSE_STEPS * 1.25);
        const double l = fmin(0, first) * r, h = fmax(0, last) * r;
        const double e = range_error(bins, first, width, l, h);
        if (e < best) {
            best = e;
            *lo = l;
            *hi = h;
        }
    }
}

/* 256 steps over lo..hi, which is made to hold 0, and 0 exactly. */
static bti_scale scale_over(double lo, double hi)
{
    lo = fmin(lo, 0);
    hi = fmax(hi, 0);
    bti_scale s = {.scale = (hi - lo) / 255};
    if (!(s.scale > 1e-12))
        s.scale = 1e-12; /* a map that is always 0 */
    s.zero = (int)fmin(127, fmax(-128, round(-128 - lo / s.scale)));
    return s;
}

static bti_scale scale_of(const quantising *s, int i)
{
    double lo = (double)s->seen->lo[i], hi = (double)s->seen->hi[i];
    const int64_t *bins = s->seen->bins + (int64_t)i * BTI_BINS;

    if (hi > lo && s->rule == BTI_RANGE_PERCENTILE)
        cut_tails(bins, &lo, &hi);
    if (hi > lo && s->rule == BTI_RANGE_MSE)
        least_error(bins, &lo, &hi);
    return scale_over(lo, hi);
}

/* ---- numbers ---- */

static int round_to(double v, int lo, int hi)
{
    return (int)fmin(hi, fmax(lo, round(v)));
}

static int quantised_value(const bti_scale *s, double real)
{
    return round_to(real / s->scale + s->zero, -128, 127);
}

/* scale = multiplier / 2^31 * 2^shift with multiplier in [2^30, 2^31). Too small for that: 0. */
static void fixed_point(double scale, int32_t *multiplier, int *shift)
{
    const double mantissa = frexp(scale, shift);
    int64_t m = llround(mantissa * 2147483648.0);
    if (m == (int64_t)1 << 31) {
        m /= 2;
        ++*shift;
    }
    if (*shift < -31) {
        m = 0;
        *shift = 0;
    }
    *multiplier = (int32_t)m;
}

static bt_status store_fixed(const quantising *s, bti_quantised_op *q, int slot, double scale,
                             int row)
{
    fixed_point(scale, &q->mult[slot], &q->exponent[slot]);
    if (q->exponent[slot] > MAX_SHIFT)
        return bti_fail(s->err, BT_NOSUPP, NULL,
                        "row %d needs a factor of %g between its scales, which int8 cannot do",
                        row + 1, scale);
    return BT_OK;
}

/* ---- convolutions ---- */

static int64_t weight_at(const bti_folded_op *op, int o, int64_t j)
{
    return op->kind == BTI_OP_DEPTHWISE ? j * op->c + o : o * (op->n_weight / op->c) + j;
}

/* Mean of what weight j of output o multiplies, in units of the input. */
static double input_mean(const quantising *s, const bti_folded_op *op, int o, int64_t j)
{
    const int group = op->in_c / op->groups;
    const int c =
        op->kind == BTI_OP_DEPTHWISE ? o : o / (op->c / op->groups) * group + (int)(j % group);
    if (op->in[0] == BTI_IMAGE)
        return s->seen->pixel[c] - (double)op->black[c];
    return s->seen->mean[s->seen->first[op->in[0]] + c];
}

/* What the bias must take over: pixels count from a whole number, not from `black` itself. */
static double black_shift(const bti_folded_op *op, const bti_quantised_op *q, int o)
{
    const int64_t per = op->n_weight / op->c;
    const int group = op->in_c / op->groups;
    double sum = 0;
    for (int64_t j = 0; op->in[0] == BTI_IMAGE && j < per; j++) {
        const int c = o / (op->c / op->groups) * group + (int)(j % group);
        sum += (double)op->weight[o * per + j] * ((double)q->black[c] - (double)op->black[c]);
    }
    return sum;
}

/* Returns the shift of the channel's factor. */
static int round_channel(const quantising *s, const bti_folded_op *op, bti_quantised_op *q, int o)
{
    const int64_t per = op->n_weight / op->c;
    const bti_scale in = op->in[0] == BTI_IMAGE ? (bti_scale){1, 0} : s->q->op[op->in[0]].out;
    double most = 0, bias = (double)op->bias[o] + black_shift(op, q, o);
    int32_t sum = 0;
    int shift;

    for (int64_t j = 0; j < per; j++)
        most = fmax(most, fabs((double)op->weight[weight_at(op, o, j)]));
    double scale = fmax(most / 127, 1e-20);
    scale = fmax(scale, 2 * fabs(bias) / in.scale / MAX_BIAS); /* so that the bias fits */
    for (int64_t j = 0; j < per; j++) {
        const double w = (double)op->weight[weight_at(op, o, j)];
        const int r = round_to(w / scale, -127, 127);
        q->weight[weight_at(op, o, j)] = (int8_t)r;
        sum += r;
        bias -= (r * scale - w) * input_mean(s, op, o, j);
    }
    const double unit = in.scale * scale;
    q->bias[o] = round_to(bias / unit, -MAX_BIAS, MAX_BIAS);
    if (q->pointwise)
        q->bias[o] -= in.zero * sum;
    fixed_point(unit / q->out.scale, &q->multiplier[o], &shift);
    q->shift[o] = (int8_t)shift; /* -31 to what the caller checks */
    return shift;
}

static void *get(const quantising *s, int64_t n, size_t size)
{
    return bti_arena_alloc(&s->q->memory, (size_t)n * size);
}

static void set_clamp(const bti_folded_op *op, bti_quantised_op *q)
{
    q->lo = op->lo == -FLT_MAX ? -128 : quantised_value(&q->out, (double)op->lo);
    q->hi = op->hi == FLT_MAX ? 127 : quantised_value(&q->out, (double)op->hi);
}

static bt_status quantise_conv(const quantising *s, const bti_folded_op *op, bti_quantised_op *q)
{
    q->pointwise = bti_folded_op_pointwise(op);
    q->weight = get(s, op->n_weight, 1);
    q->bias = get(s, op->n_bias, sizeof(*q->bias));
    q->multiplier = get(s, op->n_bias, sizeof(*q->multiplier));
    q->shift = get(s, op->n_bias, 1);
    if (!q->weight || !q->bias || !q->multiplier || !q->shift)
        return bti_fail_nomem(s->err);
    for (int c = 0; c < op->in_c && op->in[0] == BTI_IMAGE; c++)
        q->black[c] = (uint8_t)round_to((double)op->black[c], 0, 255);
    for (int o = 0; o < op->c; o++)
        if (round_channel(s, op, q, o) > MAX_SHIFT)
            return bti_fail(s->err, BT_NOSUPP, NULL,
                            "row %d has weights too large for the range of its outputs in int8",
                            op->row + 1);
    return BT_OK;
}

/* ---- the rest ---- */

static bt_status quantise_add(const quantising *s, const bti_folded_op *op, bti_quantised_op *q)
{
    const double a = s->q->op[op->in[0]].out.scale, b = s->q->op[op->in[1]].out.scale;
    const double twice = 2 * fmax(a, b);

    bt_status rc = store_fixed(s, q, 0, a / twice, op->row);
    if (!rc)
        rc = store_fixed(s, q, 1, b / twice, op->row);
    if (!rc)
        rc = store_fixed(s, q, 2, twice / (q->out.scale * (1 << 20)), op->row);
    return rc;
}

static bt_status quantise_average(const quantising *s, const bti_folded_op *op, bti_quantised_op *q)
{
    q->count = average_count(op);
    return store_fixed(s, q, 0, s->q->op[op->in[0]].out.scale / (q->out.scale * q->count), op->row);
}

static bt_status make_table(const quantising *s, const bti_folded_op *op, bti_quantised_op *q)
{
    const bti_scale *in = &s->q->op[op->in[0]].out;
    q->table = get(s, 256, 1);
    if (!q->table)
        return bti_fail_nomem(s->err);
    for (int v = -128; v < 128; v++) {
        float x = (float)(in->scale * (v - in->zero));
        if (op->kind == BTI_OP_CLAMP)
            x = fminf(op->hi, fmaxf(op->lo, x));
        else
            x = bti_act_f32(op->act, x);
        q->table[v + 128] = (int8_t)quantised_value(&q->out, (double)x);
    }
    return BT_OK;
}

static bt_status make_image_table(const quantising *s, const bti_folded_op *op, bti_quantised_op *q)
{
    q->table = get(s, 256 * (int64_t)op->c, 1);
    if (!q->table)
        return bti_fail_nomem(s->err);
    for (int c = 0; c < op->c; c++)
        for (int v = 0; v < 256; v++) {
            const double x = (v - (double)op->black[c]) * (double)op->gain[c];
            q->table[c * 256 + v] = (int8_t)quantised_value(&q->out, x);
        }
    return BT_OK;
}

static bt_status quantise_op(const quantising *s, int i)
{
    const bti_folded_op *op = &s->f->op[i];
    bti_quantised_op *q = &s->q->op[i];

    q->out = op->kind == BTI_OP_MAXPOOL ? s->q->op[op->in[0]].out : scale_of(s, i);
    set_clamp(op, q);
    switch (op->kind) {
    case BTI_OP_IMAGE:
        return make_image_table(s, op, q);
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        return quantise_conv(s, op, q);
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        return quantise_average(s, op, q);
    case BTI_OP_ADD:
        return quantise_add(s, op, q);
    case BTI_OP_SCALE:
        return store_fixed(
            s, q, 0, s->q->op[op->in[0]].out.scale * s->q->op[op->in[1]].out.scale / q->out.scale,
            op->row);
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        return make_table(s, op, q);
    case BTI_OP_MAXPOOL:
        break;
    }
    return BT_OK;
}

bt_status bti_quantise(bti_quantised **out, const bti_folded *f, const bti_map_stats *seen,
                       bti_range_rule rule, bt_error *err)
{
    quantising s = {.f = f, .seen = seen, .rule = rule, .err = err};

    *out = NULL;
    bt_status rc = bti_int8_check(f, err);
    if (rc)
        return rc;
    s.q = bti_calloc(1, sizeof(*s.q));
    if (!s.q)
        return bti_fail_nomem(err);
    s.q->net = f;
    s.q->op = bti_arena_alloc(&s.q->memory, (size_t)f->n_ops * sizeof(bti_quantised_op));
    rc = s.q->op ? BT_OK : bti_fail_nomem(err);
    for (int i = 0; !rc && i < f->n_ops; i++)
        rc = quantise_op(&s, i);
    if (rc)
        bti_quantised_free(s.q);
    else
        *out = s.q;
    return rc;
}
