/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture of a front: its cost on a log axis against its quality, a point a trial, its colour
 * when it ran, the front as steps, retrained models as rings with their names.
 *
 * Colours follow viridis (ordered in lightness, readable with any colour vision); the rest is
 * vermilion and greys of the Okabe-Ito set. One file, no script, no outside font.
 */
#include "report/report.h"

#include "base/alloc.h"
#include "report/svg.h"

#include <math.h>
#include <string.h>

/* Layout in SVG units (pixels at 100 %). */
#define WIDTH 900
#define HEIGHT 560
#define LEFT 76
#define RIGHT 128
#define TOP 78
#define BOTTOM 64
#define PLOT_W (WIDTH - LEFT - RIGHT)
#define PLOT_H (HEIGHT - TOP - BOTTOM)

#define INK "#1f2328"
#define GREY "#59636e"
#define GRID "#e4e7eb"
#define FINAL "#c4500a"
#define BASELINE "#7a3b69"

typedef struct figure {
    const bti_trials *t;
    bti_str *out;
    double x_lo, x_hi; /* log10 of the cost */
    double y_lo, y_hi; /* quality */
    int first, last;   /* trial numbers at the ends of the colour ramp */
    int *front;        /* indices into t */
    int n_front;
    int n_drawn, n_below; /* trials with values; those under the plot's lower edge */
    bti_report_model *final;
    int n_final;
    bti_metric cost, quality;
    const bti_marks *marks; /* NULL: none */
} figure;

/* ---- scales ---- */

static double x_of(const figure *f, double params)
{
    return LEFT + PLOT_W * (log10(params) - f->x_lo) / (f->x_hi - f->x_lo);
}

static double y_of(const figure *f, double accuracy)
{
    return TOP + PLOT_H * (f->y_hi - accuracy) / (f->y_hi - f->y_lo);
}

static double quality_of(const figure *f, const bti_trial *t)
{
    return bti_report_quality(f->t, t);
}

static bool drawable(const figure *f, const bti_trial *t)
{
    double cost = bti_report_cost(f->t, t);
    return t->state == BTI_COMPLETE && isfinite(quality_of(f, t)) && cost > 0 && isfinite(cost);
}

/* A cost of the x axis for people. */
static const char *cost_text(const figure *f, double v, char buf[24])
{
    return bti_metric_format(buf, f->cost, v);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* A step of 1, 2, 5 x 10^k that cuts `range` into at most `n` parts. */
static double nice_step(double range, int n)
{
    double raw = range / n, unit = pow(10, floor(log10(raw)));
    double scaled = raw / unit;
    return unit * (scaled <= 1 ? 1 : scaled <= 2 ? 2 : scaled <= 5 ? 5 : 10);
}

/* Accuracies from the front's smallest, or a low quantile of all, up to the best: a few trials that
 * learnt nothing must not flatten the rest, they are drawn at the lower edge. */
static void scale_accuracy(figure *f, double *sorted, int n)
{
    double lo = sorted[n / 10], hi = sorted[n - 1], step;
    if (f->n_front && quality_of(f, &f->t->trial[f->front[0]]) < lo)
        lo = quality_of(f, &f->t->trial[f->front[0]]);
    for (int i = 0; i < f->n_final; i++) {
        const bti_report_model *m = &f->final[i];
        lo = fmin(lo, isfinite(m->lo) ? m->lo : m->test_accuracy);
        hi = fmax(hi, isfinite(m->hi) ? m->hi : m->test_accuracy);
    }
    for (int i = 0; f->marks && i < f->marks->n; i++) {
        lo = fmin(lo, f->marks->baseline[i].quality);
        hi = fmax(hi, f->marks->baseline[i].quality);
    }
    if (hi - lo < 0.02) {
        lo -= 0.01;
        hi += 0.01;
    }
    step = nice_step(hi - lo, 5);
    f->y_lo = fmax(0, floor((lo - 0.04 * (hi - lo)) / step * 2) * step / 2);
    f->y_hi = fmin(1, hi + 0.06 * (hi - lo));
}

static bt_status scale(figure *f)
{
    double *sorted = bti_array((size_t)f->t->n, sizeof(double));
    if (!sorted)
        return BT_NOMEM;
    f->x_lo = INFINITY;
    f->x_hi = -INFINITY;
    f->first = -1;
    for (int i = 0; i < f->t->n; i++) {
        const bti_trial *t = &f->t->trial[i];
        if (!drawable(f, t))
            continue;
        double x = log10(bti_report_cost(f->t, t));
        f->x_lo = fmin(f->x_lo, x);
        f->x_hi = fmax(f->x_hi, x);
        f->first = f->first < 0 ? t->number : f->first;
        f->last = t->number;
        sorted[f->n_drawn++] = quality_of(f, t);
    }
    if (f->n_drawn) {
        qsort(sorted, (size_t)f->n_drawn, sizeof(double), compare_doubles);
        scale_accuracy(f, sorted, f->n_drawn);
    } else {
        f->x_lo = 3;
        f->x_hi = 6;
        f->y_hi = 1;
    }
    for (int i = 0; f->marks && i < f->marks->n; i++) {
        f->x_lo = fmin(f->x_lo, log10(f->marks->baseline[i].cost));
        f->x_hi = fmax(f->x_hi, log10(f->marks->baseline[i].cost));
    }
    double pad = fmax(0.06 * (f->x_hi - f->x_lo), 0.25 - (f->x_hi - f->x_lo) / 2);
    f->x_lo -= pad;
    f->x_hi += pad;
    bti_free(sorted);
    return BT_OK;
}

/* ---- axes ---- */

static const char *label_of(bti_metric m, const char *otherwise)
{
    return m == BTI_METRIC_NONE ? otherwise : bti_metric_of(m)->label;
}

static const char *unit_of(bti_metric m)
{
    bti_metric_unit unit = m == BTI_METRIC_NONE ? BTI_UNIT_COUNT : bti_metric_of(m)->unit;
    return unit == BTI_UNIT_MS ? ", ms" : unit == BTI_UNIT_BYTES ? ", bytes" : "";
}

static void draw_y_axis(const figure *f)
{
    bti_str *out = f->out;
    double step = nice_step(f->y_hi - f->y_lo, 6);
    int digits = step * 100 >= 0.999 ? 0 : step * 100 >= 0.0999 ? 1 : 2;
    bti_str_add(out, "<g font-size=\"12.5\" fill=\"" GREY "\" text-anchor=\"end\">\n");
    for (int i = 0; i < 20; i++) {
        char label[16];
        double v = (ceil(f->y_lo / step - 1e-6) + i) * step;
        if (v > f->y_hi + 1e-9)
            break;
        snprintf(label, sizeof(label), "%.*f%%", digits, 100 * v);
        bti_str_addf(out, "<path d=\"M%d %.1fh%d\" stroke=\"" GRID "\"/>", LEFT, y_of(f, v),
                     PLOT_W);
        bti_svg_text(out, LEFT - 9, y_of(f, v) + 4.3, "", label);
    }
    bti_str_add(out, "</g>\n");
    bti_str_addf(out,
                 "<text transform=\"translate(22 %.1f) rotate(-90)\" text-anchor=\"middle\" "
                 "font-size=\"13.5\" fill=\"" INK "\">%s</text>\n",
                 TOP + PLOT_H / 2.0, label_of(f->quality, "quality"));
}

/* Lines at 1..9 x 10^k; labels at 1, or 1 2 5, or all, as the range is long or short. */
static void draw_x_axis(const figure *f)
{
    char label[64];
    bti_str *out = f->out;
    snprintf(label, sizeof(label), "%s%s (log scale)", label_of(f->cost, "cost"), unit_of(f->cost));
    double decades = f->x_hi - f->x_lo;
    bti_str_add(out, "<g font-size=\"12.5\" fill=\"" GREY "\" text-anchor=\"middle\">\n");
    for (int k = (int)floor(f->x_lo); k <= (int)ceil(f->x_hi); k++) {
        for (int d = 1; d <= 9; d++) {
            char tick[16];
            double v = d * pow(10, k), x = x_of(f, v);
            bool named = d == 1 || (decades < 2.6 && (d == 2 || d == 5)) || decades < 0.8;
            if (x < LEFT || x > LEFT + PLOT_W)
                continue;
            bti_str_addf(out, "<path d=\"M%.1f %dv%d\" stroke=\"%s\"/>", x, TOP, PLOT_H,
                         d == 1  ? "#d0d5db"
                         : named ? GRID
                                 : "#f2f4f6");
            bti_str_addf(out, "<path d=\"M%.1f %dv%d\" stroke=\"#8c959f\"/>", x, TOP + PLOT_H,
                         named ? 6 : 3);
            if (named)
                bti_svg_text(out, x, TOP + PLOT_H + 21, "", bti_svg_count(v, tick));
        }
    }
    bti_str_add(out, "</g>\n");
    bti_svg_text(out, LEFT + PLOT_W / 2.0, HEIGHT - 17,
                 "text-anchor=\"middle\" font-size=\"13.5\" fill=\"" INK "\"", label);
}

static void draw_frame(const figure *f)
{
    bti_str_addf(f->out, "<path d=\"M%d %dv%dh%d\" fill=\"none\" stroke=\"#8c959f\"/>\n", LEFT, TOP,
                 PLOT_H, PLOT_W);
}

/* ---- data ---- */

static void add_tooltip(const figure *f, const bti_trial *t)
{
    char cost[24], macs[16];
    double n_macs = bti_json_as_num(bti_json_get(t->attrs, "macs"), NAN);
    bti_str_addf(f->out, "<title>trial %d: %.2f%% validation, %s %s", t->number,
                 100 * quality_of(f, t), cost_text(f, bti_report_cost(f->t, t), cost),
                 label_of(f->cost, "cost"));
    if (isfinite(n_macs) && f->cost != BTI_METRIC_MACS)
        bti_str_addf(f->out, ", %s MACs", bti_format_count(macs, n_macs));
    bti_str_add(f->out, "</title>");
}

static void draw_point(figure *f, const bti_trial *t, bool on_front)
{
    char colour[8];
    double x = x_of(f, bti_report_cost(f->t, t)), y = y_of(f, quality_of(f, t));
    double u = f->last > f->first ? (double)(t->number - f->first) / (f->last - f->first) : 0;
    bti_svg_ramp(u, colour);
    if (quality_of(f, t) < f->y_lo) { /* a small triangle that points down at the lower edge */
        bti_str_addf(f->out, "<path class=\"trial\" d=\"M%.1f %.1fl4 -7h-8z\" fill=\"%s\">", x,
                     TOP + PLOT_H - 2.0, colour);
        add_tooltip(f, t);
        bti_str_add(f->out, "</path>\n");
        f->n_below++;
        return;
    }
    bti_str_addf(f->out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"%s>",
                 on_front ? "front" : "trial", x, y, on_front ? "5.2" : "3.9", colour,
                 on_front ? " stroke=\"" INK "\" stroke-width=\"1.4\""
                          : " fill-opacity=\".85\" stroke=\"#fff\" stroke-width=\".6\"");
    add_tooltip(f, t);
    bti_str_add(f->out, "</circle>\n");
}

static void draw_trials(figure *f)
{
    int k = 0;
    bool *on_front = bti_calloc((size_t)f->t->n, sizeof(bool));
    if (!on_front) {
        f->out->failed = true;
        return;
    }
    for (k = 0; k < f->n_front; k++)
        on_front[f->front[k]] = true;
    bti_str_add(f->out, "<g id=\"trials\">\n");
    for (int i = 0; i < f->t->n; i++)
        if (drawable(f, &f->t->trial[i]) && !on_front[i])
            draw_point(f, &f->t->trial[i], false);
    bti_str_add(f->out, "</g>\n");
    bti_free(on_front);
}

/* The best validation quality at no more than that cost: a staircase to the right edge. With a
 * third objective the front has points below it. */
static void draw_front(figure *f)
{
    if (!f->n_front)
        return;
    bti_str_add(f->out, "<path id=\"front\" fill=\"none\" stroke=\"" INK "\" stroke-width=\"1.7\" "
                        "stroke-linejoin=\"round\" d=\"");
    double best = -INFINITY;
    for (int i = 0; i < f->n_front; i++) {
        const bti_trial *t = &f->t->trial[f->front[i]];
        double x = x_of(f, bti_report_cost(f->t, t)), y = y_of(f, quality_of(f, t));
        if (quality_of(f, t) <= best)
            continue;
        best = quality_of(f, t);
        if (i)
            bti_str_addf(f->out, "H%.1fV%.1f", x, y);
        else
            bti_str_addf(f->out, "M%.1f %.1f", x, y);
    }
    bti_str_addf(f->out, "H%d\"/>\n<g id=\"front-points\">\n", LEFT + PLOT_W);
    for (int i = 0; i < f->n_front; i++)
        draw_point(f, &f->t->trial[f->front[i]], true);
    bti_str_add(f->out, "</g>\n");
}

typedef struct box {
    double x, y, w, h;
} box;

static bool overlaps(const box *a, const box *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

/* A place beside the ring for a name of this width: above, left, right, below; false if all are
 * taken. */
static bool place_label(const box *taken, int n_taken, double x, double y, double width, box *out)
{
    const double at[4][2] = {{x - width / 2, y - 24},
                             {x - width - 10, y - 18},
                             {x + 10, y + 3},
                             {x - width / 2, y + 10}};
    for (int k = 0; k < 4; k++) {
        bool clear;
        *out = (box){at[k][0], at[k][1], width, 14};
        clear = out->x > LEFT + 2 && out->x + width < LEFT + PLOT_W - 2 && out->y > TOP - 10 &&
                out->y + 14 < TOP + PLOT_H;
        for (int i = 0; clear && i < n_taken; i++)
            clear = !overlaps(out, &taken[i]);
        if (clear)
            return true;
    }
    return false;
}

static void draw_ring(const figure *f, const bti_report_model *m)
{
    char cost[24];
    double x = x_of(f, m->cost), y = y_of(f, m->test_accuracy);
    if (isfinite(m->lo) && isfinite(m->hi))
        bti_str_addf(f->out,
                     "<path d=\"M%.1f %.1fV%.1f\" stroke=\"" FINAL
                     "\" stroke-width=\"1.3\" stroke-opacity=\".7\"/>",
                     x, y_of(f, m->lo), y_of(f, m->hi));
    bti_str_addf(f->out,
                 "<circle class=\"final\" cx=\"%.1f\" cy=\"%.1f\" r=\"6.5\" fill=\"#fff\" "
                 "fill-opacity=\".55\" stroke=\"" FINAL "\" stroke-width=\"2.1\"><title>",
                 x, y);
    bti_svg_escape(f->out, m->name);
    bti_str_addf(f->out, ": %.2f%% test%s, %s %s", 100 * m->test_accuracy,
                 m->retrained ? " after retraining" : "", cost_text(f, m->cost, cost),
                 label_of(f->cost, "cost"));
    if (isfinite(m->lo) && isfinite(m->hi))
        bti_str_addf(f->out, ", 95%% interval %.2f-%.2f%%", 100 * m->lo, 100 * m->hi);
    bti_str_add(f->out, "</title></circle>\n");
}

static void draw_final(const figure *f)
{
    int n = 0;
    box *taken = bti_array((size_t)f->n_final * 2 + (size_t)f->n_front, sizeof(box));
    if (!taken) {
        f->out->failed = true;
        return;
    }
    bti_str_add(f->out, "<g id=\"final\">\n");
    for (int i = 0; i < f->n_final; i++) {
        double x = x_of(f, f->final[i].cost), y = y_of(f, f->final[i].test_accuracy);
        draw_ring(f, &f->final[i]);
        taken[n++] = (box){x - 7, y - 7, 14, 14};
    }
    for (int i = 0; i < f->n_front; i++) {
        const bti_trial *t = &f->t->trial[f->front[i]];
        taken[n++] =
            (box){x_of(f, bti_report_cost(f->t, t)) - 5, y_of(f, quality_of(f, t)) - 5, 10, 10};
    }
    bti_str_add(f->out, "</g>\n<g font-size=\"11.5\" fill=\"" FINAL "\" stroke=\"#fff\" "
                        "stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\">\n");
    for (int i = f->n_final - 1; i >= 0; i--) { /* the largest model is the one people look for */
        box at;
        const char *name = f->final[i].name;
        double x = x_of(f, f->final[i].cost), y = y_of(f, f->final[i].test_accuracy);
        if (!place_label(taken, n, x, y, 6.6 * (double)strlen(name) + 2, &at))
            continue; /* its tooltip still says it */
        bti_svg_text(f->out, at.x + 1, at.y + 11, "", name);
        taken[n++] = at;
    }
    bti_str_add(f->out, "</g>\n");
    bti_free(taken);
}

static void draw_baselines(const figure *f)
{
    char cost[24];
    if (!f->marks || !f->marks->n)
        return;
    bti_str_add(f->out, "<g id=\"baselines\" font-size=\"11.5\" fill=\"" BASELINE "\">\n");
    for (int i = 0; i < f->marks->n; i++) {
        const bti_baseline *b = &f->marks->baseline[i];
        double x = x_of(f, b->cost), y = y_of(f, b->quality);
        bool left = x > LEFT + 0.75 * PLOT_W;
        bti_str_addf(f->out, "<path class=\"baseline\" d=\"M%.1f %.1fl6 6l-6 6l-6 -6z\"><title>", x,
                     y - 6);
        bti_svg_escape(f->out, b->name);
        bti_str_addf(f->out, ": %.2f%%, %s %s</title></path>", 100 * b->quality,
                     cost_text(f, b->cost, cost), label_of(f->cost, "cost"));
        bti_svg_text(f->out, left ? x - 10 : x + 10, y + 4, left ? "text-anchor=\"end\"" : "",
                     b->name);
    }
    bti_str_add(f->out, "</g>\n");
}

/* ---- around the plot ---- */

static void draw_colour_bar(const figure *f)
{
    bti_str *out = f->out;
    char colour[8], label[32];
    double x = WIDTH - RIGHT + 34, y = TOP + 26, h = 190;
    bti_str_add(out, "<defs><linearGradient id=\"when\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">");
    for (int i = 0; i <= 8; i++)
        bti_str_addf(out, "<stop offset=\"%.3f\" stop-color=\"%s\"/>", i / 8.0,
                     bti_svg_ramp(i / 8.0, colour));
    bti_str_add(out, "</linearGradient></defs>\n<g font-size=\"12\" fill=\"" GREY "\">\n");
    bti_str_addf(out,
                 "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"%.0f\" fill=\"url(#when)\"/>",
                 x, y, h);
    bti_svg_text(out, x, y - 10, "fill=\"" INK "\"", "trial");
    snprintf(label, sizeof(label), "%d (last)", f->last);
    bti_svg_text(out, x + 20, y + 10, "", label);
    if (f->last > f->first + 1) {
        snprintf(label, sizeof(label), "%d", (f->first + f->last) / 2);
        bti_svg_text(out, x + 20, y + h / 2 + 4, "", label);
    }
    snprintf(label, sizeof(label), "%d (first)", f->first);
    bti_svg_text(out, x + 20, y + h, "", label);
    bti_str_add(out, "</g>\n");
}

static void draw_legend(const figure *f)
{
    bti_str *out = f->out;
    char colour[8];
    double x = WIDTH - RIGHT + 26, y = TOP + 252;
    bti_str_add(out, "<g font-size=\"12\" fill=\"" GREY "\">\n");
    bti_str_addf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.9\" fill=\"%s\"/>", x + 11, y,
                 bti_svg_ramp(0.5, colour));
    bti_svg_text(out, x + 28, y + 4, "", "a trial");
    bti_str_addf(out,
                 "<path d=\"M%.1f %.1fh10v-7h12\" fill=\"none\" stroke=\"" INK
                 "\" stroke-width=\"1.7\"/>",
                 x, y + 27);
    bti_svg_text(out, x + 28, y + 28, "", "front");
    bti_svg_text(out, x + 28, y + 42, "font-size=\"10.5\"", "(validation)");
    if (f->n_final) {
        bti_str_addf(out,
                     "<path d=\"M%.1f %.1fv22\" stroke=\"" FINAL "\" stroke-width=\"1.3\"/>"
                     "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6.5\" fill=\"#fff\" stroke=\"" FINAL
                     "\" stroke-width=\"2.1\"/>",
                     x + 11, y + 53, x + 11, y + 64);
        bti_svg_text(out, x + 28, y + 64, "", "final model");
        bti_svg_text(out, x + 28, y + 78, "font-size=\"10.5\"", "(test, 95%)");
    }
    bti_str_add(out, "</g>\n");
}

static void draw_title(const figure *f, const char *title)
{
    char line[200];
    const bti_trial *best = f->n_front ? &f->t->trial[f->front[0]] : NULL;
    char cost[24];
    for (int i = 1; i < f->n_front; i++)
        if (quality_of(f, &f->t->trial[f->front[i]]) > quality_of(f, best))
            best = &f->t->trial[f->front[i]];
    bti_svg_text(f->out, LEFT, 34, "font-size=\"19\" font-weight=\"600\" fill=\"" INK "\"",
                 title ? title : "");
    if (best)
        snprintf(line, sizeof(line),
                 "%d trial%s, %d on the front, best validation %s %.2f%% with %s %s", f->n_drawn,
                 f->n_drawn > 1 ? "s" : "", f->n_front, label_of(f->quality, "quality"),
                 100 * quality_of(f, best), cost_text(f, bti_report_cost(f->t, best), cost),
                 label_of(f->cost, "cost"));
    else
        snprintf(line, sizeof(line), "no trial has finished yet");
    bti_svg_text(f->out, LEFT, 57, "font-size=\"13\" fill=\"" GREY "\"", line);
}

static void draw(figure *f, const char *title)
{
    bti_str_addf(f->out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                 "height=\"%d\" role=\"img\" font-family=\"Inter, 'Segoe UI', Helvetica, Arial, "
                 "'DejaVu Sans', sans-serif\">\n<title>",
                 WIDTH, HEIGHT, WIDTH, HEIGHT);
    bti_svg_escape(f->out, title ? title : "front");
    bti_str_add(f->out,
                "</title>\n<desc>Quality against cost of every finished trial, and the front of "
                "models that no other beats in the study's objectives.</desc>\n"
                "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    draw_title(f, title);
    draw_x_axis(f);
    draw_y_axis(f);
    draw_trials(f);
    draw_frame(f);
    draw_front(f);
    draw_final(f);
    draw_baselines(f);
    if (f->n_drawn) {
        draw_colour_bar(f);
        draw_legend(f);
    }
    if (f->n_below) {
        char note[64];
        snprintf(note, sizeof(note), "%d trial%s below %.4g%%", f->n_below,
                 f->n_below > 1 ? "s" : "", 100 * f->y_lo);
        bti_svg_text(f->out, LEFT + PLOT_W - 8, TOP + PLOT_H - 12,
                     "text-anchor=\"end\" font-size=\"11\" fill=\"" GREY "\"", note);
    }
    bti_str_add(f->out, "</svg>\n");
}

static bt_status find_final(figure *f)
{
    f->final = bti_array((size_t)f->n_front, sizeof(*f->final));
    if (!f->final)
        return BT_NOMEM;
    for (int i = 0; i < f->n_front && f->quality == BTI_METRIC_ACCURACY; i++) {
        bti_report_model *m = &f->final[f->n_final]; /* test is read as accuracy */
        bti_report_model_of(f->t, &f->t->trial[f->front[i]], m);
        f->n_final += m->final && isfinite(m->test_accuracy) && m->cost > 0;
    }
    return BT_OK;
}

bt_status bti_report_front_svg(const bti_trials *t, const char *title, const bti_marks *marks,
                               bti_str *out)
{
    figure f = {.t = t,
                .out = out,
                .cost = bti_report_cost_metric(t),
                .quality = bti_report_quality_metric(t),
                .marks = marks};
    bt_status rc = BT_NOMEM;
    f.front = bti_array((size_t)t->n, sizeof(int));
    if (f.front) {
        f.n_front = bti_report_front(t, f.front);
        rc = find_final(&f);
    }
    if (!rc)
        rc = scale(&f);
    if (!rc) {
        draw(&f, title);
        rc = out->failed ? BT_NOMEM : BT_OK;
    }
    bti_free(f.final);
    bti_free(f.front);
    return rc;
}
