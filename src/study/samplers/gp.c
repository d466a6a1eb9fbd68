/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian processes and expected hypervolume improvement: one process an objective that only a
 * trial can tell; objectives known before it (parameters, MACs) enter exactly. Two objectives: the
 * closed form by strips (Emmerich et al., CEC 2011; Yang et al., J. Glob. Optim. 75, 2019). One:
 * expected improvement. More: EI of a random augmented Chebyshev scalarisation (ParEGO, Knowles,
 * IEEE Trans. Evol. Comput. 10, 2006).
 * Candidates are children of the front and quasi-random draws, all allowed by the constraints; the
 * acquisition chooses among them, as in BANANAS (White et al., AAAI 2021).
 */
#include "study/observed.h"
#include "study/samplers/process.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

typedef struct options {
    double startup, candidates, kernels;
} options;

/* Of a problem as the acquisition sees it. */
typedef struct model {
    const bti_ask *ask;
    const bti_observed *seen;
    int n; /* observations in the processes: the best and the newest */
    const bti_trial **trial;
    double *y; /* (n, m): minimised, standardised over the n */
    double mean[BTI_OBJECTIVES_MAX], scale[BTI_OBJECTIVES_MAX];
    bti_process gp[BTI_OBJECTIVES_MAX];
    bool is_known[BTI_OBJECTIVES_MAX];
    int n_steps;   /* two objectives: the front as steps, first value rising */
    double *step;  /* (n_steps, 2) */
    double ref[2]; /* standardised */
    double best;   /* one objective or a scalarisation */
    double weight[BTI_OBJECTIVES_MAX];
} model;

/* ---- expected improvement ---- */
/* E[(t - Y)+] for Y normal; sigma 0: Y is known. */
static double expected_below(double t, double mu, double sigma)
{
    if (!(sigma > 0))
        return fmax(t - mu, 0);
    double z = (t - mu) / sigma;
    return (t - mu) * 0.5 * erfc(-z * M_SQRT1_2) + sigma * exp(-0.5 * z * z) / sqrt(2 * M_PI);
}

/* Strips of the first objective between neighbouring steps: the length gained in a strip times the
 * height gained below the step on its left. */
static double expected_hypervolume(const model *m, const double mu[], const double sigma[])
{
    double sum = 0, height = m->ref[1];
    double before = 0; /* E[(left edge - Y1)+], the first strip begins at minus infinity */
    for (int i = 0; i <= m->n_steps; i++) {
        double edge = i < m->n_steps ? m->step[2 * i] : m->ref[0];
        double upto = expected_below(edge, mu[0], sigma[0]);
        sum += (upto - before) * expected_below(height, mu[1], sigma[1]);
        before = upto;
        if (i < m->n_steps)
            height = m->step[2 * i + 1];
    }
    return sum;
}

static double scalarised(const model *m, const double *y)
{
    double worst = -INFINITY, sum = 0;
    for (int j = 0; j < m->ask->goals->n; j++) {
        worst = fmax(worst, m->weight[j] * y[j]);
        sum += m->weight[j] * y[j];
    }
    return worst + 0.05 * sum;
}

/* ---- objectives ---- */
/* NaN if only a trial can tell. */
static double known_value(const bti_ask *ask, int objective, const bti_cost *cost)
{
    bti_metric m = ask->goals->metric[objective];
    return m == BTI_METRIC_NONE ? NAN : bti_cost_of(cost, m);
}

/* As bti_observed has it: minimised, costs in logarithms. */
static double minimised(const bti_ask *ask, int objective, double v)
{
    return ask->goals->maximize[objective] ? -v : v >= 0 ? log1p(v) : v;
}

static void standardise(model *m)
{
    int k = m->ask->goals->n;
    for (int j = 0; j < k; j++) {
        double sum = 0, square = 0;
        for (int i = 0; i < m->n; i++)
            sum += m->y[i * k + j];
        m->mean[j] = sum / m->n;
        for (int i = 0; i < m->n; i++)
            square += pow(m->y[i * k + j] - m->mean[j], 2);
        m->scale[j] = square > 0 ? sqrt(square / m->n) : 1;
        for (int i = 0; i < m->n; i++)
            m->y[i * k + j] = (m->y[i * k + j] - m->mean[j]) / m->scale[j];
    }
}

static int by_first(const void *a, const void *b)
{
    const double *x = a, *y = b;
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return (x[1] > y[1]) - (x[1] < y[1]);
}

/* The non-dominated of the observations as a staircase. The reference is zero where a larger value
 * is better (accuracy, F1), at least beyond the worst of the observations. */
static void build_steps(model *m)
{
    for (int j = 0; j < 2; j++) {
        m->ref[j] = m->ask->goals->maximize[j] ? -m->mean[j] / m->scale[j] : -INFINITY;
        for (int i = 0; i < m->n; i++)
            m->ref[j] = fmax(m->ref[j], m->y[2 * i + j] + 0.1);
    }
    memcpy(m->step, m->y, (size_t)m->n * 2 * sizeof(double));
    qsort(m->step, (size_t)m->n, 2 * sizeof(double), by_first);
    for (int i = 0; i < m->n; i++) {
        if (m->n_steps && m->step[2 * i + 1] >= m->step[2 * m->n_steps - 1])
            continue;
        memmove(&m->step[2 * m->n_steps++], &m->step[2 * i], 2 * sizeof(double));
    }
}

/* ---- fitting ---- */
/* The front comes first in `seen`, the worst ranks last. */
static void choose_observations(model *m, int most)
{
    int k = m->ask->goals->n;
    m->n = m->seen->n < most ? m->seen->n : most;
    memcpy(m->trial, m->seen->trial, (size_t)m->n * sizeof(*m->trial));
    memcpy(m->y, m->seen->value, (size_t)m->n * (size_t)k * sizeof(double));
}

static bt_status fit(model *m, int most, bti_rng *rng, bt_error *err)
{
    int k = m->ask->goals->n;
    bt_status rc = BT_OK;
    m->trial = bti_array((size_t)most, sizeof(const bti_trial *));
    m->y = bti_array((size_t)most * (size_t)k, sizeof(double));
    m->step = bti_array((size_t)most * 2, sizeof(double));
    double *target = bti_array((size_t)most, sizeof(*target));
    if (!m->trial || !m->y || !m->step || !target) {
        bti_free(target);
        return bti_fail_nomem(err);
    }
    choose_observations(m, most);
    standardise(m);
    if (k == 2)
        build_steps(m);
    for (int j = 0; j < k; j++)
        m->weight[j] = -log(1 - bti_rng_unit(rng)); /* exponential: uniform on the simplex */
    m->best = INFINITY;
    for (int i = 0; i < m->n; i++)
        m->best = fmin(m->best, k == 1 ? m->y[i] : scalarised(m, &m->y[i * k]));
    for (int j = 0; j < k && !rc; j++) {
        if (m->is_known[j])
            continue;
        for (int i = 0; i < m->n; i++)
            target[i] = m->y[i * k + j];
        rc = bti_process_fit(&m->gp[j], m->ask->space, m->trial, target, m->n, err);
    }
    bti_free(target);
    return rc;
}

static double acquisition(model *m, const bti_answer *a)
{
    double mu[BTI_OBJECTIVES_MAX], sigma[BTI_OBJECTIVES_MAX];
    int k = m->ask->goals->n;
    for (int j = 0; j < k; j++) {
        sigma[j] = 0;
        if (m->is_known[j])
            mu[j] =
                (minimised(m->ask, j, known_value(m->ask, j, &a->cost)) - m->mean[j]) / m->scale[j];
        else
            bti_process_predict(&m->gp[j], &a->point, &a->cost, &mu[j], &sigma[j]);
    }
    if (k == 1)
        return expected_below(m->best, mu[0], sigma[0]);
    if (k == 2)
        return expected_hypervolume(m, mu, sigma);
    double spread = 0;
    for (int j = 0; j < k; j++)
        spread = fmax(spread, m->weight[j] * sigma[j]);
    return expected_below(m->best, scalarised(m, mu), spread);
}

/* ---- candidates ---- */
/* Mostly one to three changes to a member of the front, or a cross of two; some fresh draws. */
static void make_candidate(const model *m, bti_rng *rng, bti_point *out)
{
    const bti_observed *s = m->seen;
    bti_point a, b;
    double kind = bti_rng_unit(rng);
    if (kind < 0.1) {
        bti_space_draw(m->ask->space, rng, out);
        return;
    }
    bti_observed_point(m->ask, s->trial[bti_rng_below(rng, (uint32_t)s->n_front)], &a);
    if (kind < 0.3) {
        bti_observed_point(m->ask, s->trial[bti_rng_below(rng, (uint32_t)s->n_front)], &b);
        bti_space_cross(m->ask->space, &a, &b, rng, out);
        return;
    }
    bti_space_mutate(m->ask->space, &a, 1 + (int)bti_rng_below(rng, 3), rng, out);
}

static bt_status propose(model *m, int n, bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_answer *next = bti_malloc(sizeof(*next));
    double best = -INFINITY;
    int64_t rejected = 0;
    if (!next)
        return bti_fail_nomem(err);
    *next = *out;
    bt_status rc = BT_OK;
    for (int i = 0; i < n && !rc; i++) {
        make_candidate(m, rng, &next->point);
        rc = bti_sampler_complete(m->ask, next, err);
        if (rc == BT_EMPTY) {
            rc = BT_OK;
            rejected++;
            continue;
        }
        double value = rc ? 0 : acquisition(m, next);
        if (!rc && value > best) {
            best = value;
            *out = *next;
        }
    }
    bti_free(next);
    if (!rc && best == -INFINITY)
        rc = bti_sampler_draw(m->ask, rng, -1, out, err);
    out->rejected = rejected;
    return rc;
}

static bt_status ask_fitted(const bti_ask *ask, const options *o, const bti_observed *seen,
                            bti_rng *rng, bti_answer *out, bt_error *err)
{
    model m = {.ask = ask, .seen = seen};
    const bti_cost any = {.params = 1, .macs = 1, .peak_memory = 1, .flash = 1};
    for (int j = 0; j < ask->goals->n; j++)
        m.is_known[j] = !isnan(known_value(ask, j, &any));
    bt_status rc = fit(&m, (int)o->kernels, rng, err);
    if (!rc)
        rc = propose(&m, (int)o->candidates, rng, out, err);
    for (int j = 0; j < ask->goals->n; j++)
        bti_process_release(&m.gp[j]);
    bti_free(m.trial);
    bti_free(m.y);
    bti_free(m.step);
    return rc;
}

static bt_status ask_gp(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.startup = 12, .candidates = 64, .kernels = 128};
    const bti_sampler_option known[] = {{"startup", &o.startup, 2, 1e6},
                                        {"candidates", &o.candidates, 1, 10000},
                                        {"kernels", &o.kernels, 10, 2000}};
    bti_observed seen = {0};
    bt_status rc = bti_sampler_options(ask->params, "gp", known, 3, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 9);
    rc = bti_observe(ask, (int)o.kernels, &seen, err);
    if (!rc && seen.n < (int)o.startup) {
        rc = bti_quasi_random_draw(ask, &rng, out, err);
    } else if (!rc) {
        rc = ask_fitted(ask, &o, &seen, &rng, out, err);
    }
    bti_observed_release(&seen);
    return rc;
}

const bti_sampler_ops bti_sampler_gp = {
    .name = "gp",
    .help = "Gaussian processes, expected hypervolume improvement with exact costs (Yang et al. "
            "2019)",
    .ask = ask_gp,
};
