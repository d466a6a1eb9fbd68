/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian processes and expected hypervolume improvement: one process an objective that only a
 * trial can tell; objectives known before it (parameters, MACs) enter exactly. Two objectives: the
 * closed form by strips (Emmerich et al., CEC 2011; Yang et al., J. Glob. Optim. 75, 2019). One:
 * expected improvement. More: EI of a random augmented Chebyshev scalarisation (ParEGO, Knowles,
 * IEEE Trans. Evol. Comput. 10, 2006).
 * Candidates are children of the front and quasi-random draws, all allowed by the constraints; the
 * acquisition chooses among them, as in BANANAS (White et al., AAAI 2021). Where a limit is on what
 * only a trial can tell (latency, accuracy), the acquisition is weighed with the probability that
 * the limit is kept (Gardner et al., "Bayesian optimization with inequality constraints", ICML
 * 2014).
 */
#include "study/observed.h"
#include "study/samplers/process.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

typedef struct options {
    double startup, candidates, kernels;
} options;

#define LIMITS_MAX (2 * BTI_METRICS)

/* A limit on a metric that only a trial can tell: y <= bound, standardised. */
typedef struct limit {
    bti_target target;
    double bound;
} limit;

/* Of a problem as the acquisition sees it. */
typedef struct model {
    const bti_ask *ask;
    const bti_observed *seen;
    int n; /* observations in the process: the best and the newest */
    const bti_trial **trial;
    double *y; /* (n, m): minimised, standardised over the n */
    double mean[BTI_OBJECTIVES_MAX], scale[BTI_OBJECTIVES_MAX];
    bti_process gp;
    bti_target target[BTI_OBJECTIVES_MAX];
    bool is_known[BTI_OBJECTIVES_MAX];
    int n_limits;
    limit limit[LIMITS_MAX];
    int n_inside;  /* observations within all limits: they come first */
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

/* n values, `stride` apart. */
static void standardise(double *v, int n, int stride, double *mean, double *scale)
{
    double sum = 0, square = 0;
    for (int i = 0; i < n; i++)
        sum += v[i * stride];
    *mean = sum / n;
    for (int i = 0; i < n; i++)
        square += (v[i * stride] - *mean) * (v[i * stride] - *mean);
    *scale = square > 0 ? sqrt(square / n) : 1;
    for (int i = 0; i < n; i++)
        v[i * stride] = (v[i * stride] - *mean) / *scale;
}

static int by_first(const void *a, const void *b)
{
    const double *x = a, *y = b;
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return (x[1] > y[1]) - (x[1] < y[1]);
}

/* The non-dominated of the observations within the limits as a staircase. The reference is zero
 * where a larger value is better (accuracy, F1), at least beyond the worst of the observations. */
static void build_steps(model *m)
{
    for (int j = 0; j < 2; j++) {
        m->ref[j] = m->ask->goals->maximize[j] ? -m->mean[j] / m->scale[j] : -INFINITY;
        for (int i = 0; i < m->n; i++)
            m->ref[j] = fmax(m->ref[j], m->y[2 * i + j] + 0.1);
    }
    memcpy(m->step, m->y, (size_t)m->n_inside * 2 * sizeof(double));
    qsort(m->step, (size_t)m->n_inside, 2 * sizeof(double), by_first);
    for (int i = 0; i < m->n_inside; i++) {
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
    m->n_inside = m->seen->n_feasible < m->n ? m->seen->n_feasible : m->n;
    memcpy(m->trial, m->seen->trial, (size_t)m->n * sizeof(*m->trial));
    memcpy(m->y, m->seen->value, (size_t)m->n * (size_t)k * sizeof(double));
    for (int j = 0; j < k; j++)
        standardise(m->y + j, m->n, k, &m->mean[j], &m->scale[j]);
}

/* Values of a metric in its trials, in logarithms where it is minimised, turned so that less is
 * better; those not known count as the mean of the others. How many are known is returned. */
static int metric_values(const model *m, bti_metric id, double sign, double *out)
{
    double sum = 0;
    int known = 0;
    for (int i = 0; i < m->n; i++) {
        double v = bti_trial_metric(m->ask->goals, m->trial[i], id);
        out[i] = sign * (bti_metric_of(id)->maximize ? v : log1p(v));
        if (isnan(out[i]))
            continue;
        sum += out[i];
        known++;
    }
    for (int i = 0; i < m->n; i++)
        out[i] = isnan(out[i]) ? sum / known : out[i];
    return known;
}

static bt_status fit_limit(model *m, bti_metric id, double bound, double sign, double *y,
                           bt_error *err)
{
    limit *l = &m->limit[m->n_limits];
    double mean, scale;
    if (metric_values(m, id, sign, y) < 2)
        return BT_OK;
    standardise(y, m->n, 1, &mean, &scale);
    l->bound = (sign * (bti_metric_of(id)->maximize ? bound : log1p(bound)) - mean) / scale;
    m->n_limits++;
    return bti_process_fit(&m->gp, y, &l->target, err);
}

static bt_status fit_limits(model *m, double *y, bt_error *err)
{
    const bti_constraints c = bti_space_constraints(m->ask->space);
    bt_status rc = BT_OK;
    for (int i = 0; i < BTI_METRICS && !rc; i++) {
        const bti_bounds *b = bti_constraint_of(&c, (bti_metric)i);
        if (bti_metric_of((bti_metric)i)->source == BTI_FROM_COST)
            continue;
        if (isfinite(b->hi))
            rc = fit_limit(m, (bti_metric)i, b->hi, 1, y, err);
        if (!rc && b->lo > 0)
            rc = fit_limit(m, (bti_metric)i, b->lo, -1, y, err);
    }
    return rc;
}

static bt_status fit(model *m, int most, bti_rng *rng, bt_error *err)
{
    int k = m->ask->goals->n;
    m->trial = bti_array((size_t)most, sizeof(const bti_trial *));
    m->y = bti_array((size_t)most * (size_t)k, sizeof(double));
    m->step = bti_array((size_t)most * 2, sizeof(double));
    double *y = bti_array((size_t)most, sizeof(*y));
    bt_status rc = m->trial && m->y && m->step && y ? BT_OK : bti_fail_nomem(err);
    if (!rc) {
        choose_observations(m, most);
        rc = bti_process_init(&m->gp, m->ask, m->trial, m->n, err);
    }
    if (!rc && k == 2)
        build_steps(m);
    for (int j = 0; j < k && !rc; j++)
        m->weight[j] = -log(1 - bti_rng_unit(rng)); /* exponential: uniform on the simplex */
    m->best = INFINITY;
    for (int i = 0; i < m->n_inside && !rc; i++)
        m->best = fmin(m->best, k == 1 ? m->y[i] : scalarised(m, &m->y[i * k]));
    for (int j = 0; j < k && !rc; j++) {
        for (int i = 0; i < m->n; i++)
            y[i] = m->y[i * k + j];
        if (!m->is_known[j])
            rc = bti_process_fit(&m->gp, y, &m->target[j], err);
    }
    if (!rc)
        rc = fit_limits(m, y, err);
    bti_free(y);
    return rc;
}

/* ---- acquisition ---- */
static double improvement(const model *m, const double mu[], const double sigma[])
{
    int k = m->ask->goals->n;
    if (!m->n_inside) /* nothing to improve on yet: look for what is within the limits */
        return 1;
    if (k == 1)
        return expected_below(m->best, mu[0], sigma[0]);
    if (k == 2)
        return expected_hypervolume(m, mu, sigma);
    double spread = 0;
    for (int j = 0; j < k; j++)
        spread = fmax(spread, m->weight[j] * sigma[j]);
    return expected_below(m->best, scalarised(m, mu), spread);
}

/* Of the first n candidates, which the process has looked at. */
static void acquire(model *m, const bti_answer *candidate, int n, double *out)
{
    double mu[BTI_OBJECTIVES_MAX][BTI_PROCESS_BATCH], sigma[BTI_OBJECTIVES_MAX][BTI_PROCESS_BATCH];
    double y[BTI_PROCESS_BATCH], spread[BTI_PROCESS_BATCH];
    int k = m->ask->goals->n;
    for (int j = 0; j < k; j++) {
        if (!m->is_known[j])
            bti_process_predict(&m->gp, &m->target[j], n, mu[j], sigma[j]);
        for (int i = 0; i < n && m->is_known[j]; i++) {
            double v = minimised(m->ask, j, known_value(m->ask, j, &candidate[i].cost));
            mu[j][i] = (v - m->mean[j]) / m->scale[j];
            sigma[j][i] = 0;
        }
    }
    for (int i = 0; i < n; i++) {
        double a[BTI_OBJECTIVES_MAX], b[BTI_OBJECTIVES_MAX];
        for (int j = 0; j < k; j++) {
            a[j] = mu[j][i];
            b[j] = sigma[j][i];
        }
        out[i] = improvement(m, a, b);
    }
    for (int l = 0; l < m->n_limits; l++) {
        bti_process_predict(&m->gp, &m->limit[l].target, n, y, spread);
        for (int i = 0; i < n; i++)
            out[i] *= 0.5 * erfc((y[i] - m->limit[l].bound) / spread[i] * M_SQRT1_2);
    }
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

/* Fills `candidate` with those of `tries` points that are allowed. */
static bt_status make_batch(model *m, int tries, bti_rng *rng, bti_answer *candidate, int *n,
                            int64_t *rejected, bt_error *err)
{
    bt_status rc = BT_OK;
    *n = 0;
    for (int i = 0; i < tries && !rc; i++) {
        make_candidate(m, rng, &candidate[*n].point);
        rc = bti_sampler_complete(m->ask, &candidate[*n], err);
        if (!rc)
            bti_process_look(&m->gp, *n, &candidate[*n].point, &candidate[*n].cost);
        *n += rc == BT_OK;
        *rejected += rc == BT_EMPTY;
        rc = rc == BT_EMPTY ? BT_OK : rc;
    }
    return rc;
}

static bt_status propose(model *m, int tries, bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_answer *candidate = bti_array(BTI_PROCESS_BATCH, sizeof(*candidate));
    double best = -INFINITY, value[BTI_PROCESS_BATCH];
    int64_t rejected = 0;
    bt_status rc = candidate ? BT_OK : bti_fail_nomem(err);
    for (int left = tries, n; left > 0 && !rc; left -= BTI_PROCESS_BATCH) {
        int now = left < BTI_PROCESS_BATCH ? left : BTI_PROCESS_BATCH;
        rc = make_batch(m, now, rng, candidate, &n, &rejected, err);
        if (!rc)
            acquire(m, candidate, n, value);
        for (int i = 0; i < n && !rc; i++)
            if (value[i] > best) {
                best = value[i];
                out->point = candidate[i].point;
                out->cost = candidate[i].cost;
                memcpy(out->key, candidate[i].key, sizeof(out->key));
            }
    }
    bti_free(candidate);
    out->rejected = 0;
    if (!rc && best == -INFINITY)
        rc = bti_sampler_draw(m->ask, rng, -1, out, err);
    out->rejected += rejected;
    return rc;
}

static bt_status ask_fitted(const bti_ask *ask, const options *o, const bti_observed *seen,
                            bti_rng *rng, bti_answer *out, bt_error *err)
{
    model *m = bti_calloc(1, sizeof(*m));
    const bti_cost any = {.params = 1, .macs = 1, .peak_memory = 1, .flash = 1};
    if (!m)
        return bti_fail_nomem(err);
    m->ask = ask;
    m->seen = seen;
    for (int j = 0; j < ask->goals->n; j++)
        m->is_known[j] = !isnan(known_value(ask, j, &any));
    bt_status rc = fit(m, (int)o->kernels, rng, err);
    if (!rc)
        rc = propose(m, (int)o->candidates, rng, out, err);
    for (int j = 0; j < ask->goals->n; j++)
        bti_target_release(&m->target[j]);
    for (int i = 0; i < m->n_limits; i++)
        bti_target_release(&m->limit[i].target);
    bti_process_release(&m->gp);
    bti_free(m->trial);
    bti_free(m->y);
    bti_free(m->step);
    bti_free(m);
    return rc;
}

static bt_status ask_gp(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.startup = 12, .candidates = 64, .kernels = 64};
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
