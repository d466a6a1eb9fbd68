/* SPDX-License-Identifier: Apache-2.0
 *
 * play PROBLEM SAMPLER[+PRUNER] SEED TRIALS: one run of a sampler on a problem of problems.c; one
 * line a trial: number, both objectives (minimised), hypervolume so far, milliseconds of the ask,
 * who proposed it, CPU seconds of all trials so far (0: not known), first objective without noise.
 * Hypervolume is that of the front that a user gets: chosen by what the trials showed, judged by
 * values without noise.
 *
 * play PROBLEM - SEED TRIALS: the same problem for a foreign sampler over pipes: it is asked for
 * each active parameter ("float NAME LO HI STEP LOG", "int ...", "choice NAME N") and answers with
 * a value or index; after a trial it is told "tell" and the same. A point that breaks the
 * constraints is answered with "infeasible" and counts as no trial, as bantam never proposes one.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "problems.h"
#include "study/pruner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FOREIGN_TRIES 1000
#define LAST (RUNGS - 1)

static const int epochs[RUNGS] = {1, 3, 9};

/* ---- a foreign sampler ---- */
typedef struct foreign {
    const bti_space *space;
    bool ended;
} foreign;

static double pick_foreign(void *user, int slot, int group, const bti_domain *d)
{
    foreign *f = user;
    char line[128];
    (void)group;
    const char *name = bti_space_slot_name(f->space, slot);
    if (f->ended)
        return bti_domain_unit(d, 0.5);
    if (d->kind == BTI_DOMAIN_CHOICE)
        printf("choice %s %d\n", name, d->n);
    else
        printf("%s %s %.17g %.17g %.17g %d\n", d->kind == BTI_DOMAIN_INT ? "int" : "float", name,
               d->lo, d->hi, d->step, d->log);
    fflush(stdout);
    f->ended = !fgets(line, sizeof(line), stdin);
    return f->ended ? bti_domain_unit(d, 0.5) : strtod(line, NULL);
}

static bt_status ask_foreign(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    foreign f = {.space = ask->space};
    bt_status rc = BT_EMPTY;
    for (int i = 0; i < FOREIGN_TRIES && rc == BT_EMPTY && !f.ended; i++) {
        printf("%s\n", i ? "infeasible" : "ask");
        fflush(stdout);
        bti_space_pick(ask->space, pick_foreign, &f, &out->point);
        rc = bti_sampler_complete(ask, out, err);
    }
    return rc;
}

static const bti_sampler_ops foreign_ops = {.name = "-", .help = "", .ask = ask_foreign};

/* ---- one run ---- */
typedef struct match {
    problem problem;
    bti_goals goals;
    const bti_sampler_ops *sampler;
    const char *sampler_params;
    const bti_pruner_ops *pruner;
    const char *pruner_params;
    int rung[BTI_RUNGS_MAX], n_rungs;
    uint64_t seed;
    int n_trials, n; /* wanted, ended */
    bti_trials trials;
    bti_memo *memo;        /* as a search's worker has it */
    int n_front;           /* complete trials */
    double *seen, *judged; /* (n_front, 2) */
    int *rank;             /* scratch of as many */
    double *returned;      /* (n_front, 2): of the front */
    double cpu_s;
} match;

/* Of an epoch in the table; LAST if it has none such before its end. */
static int rung_place(int epoch)
{
    int k = 0;
    while (k < LAST && epochs[k] != epoch)
        k++;
    return k;
}

static bt_status choose_rungs(match *m, const problem_kind *kind, bt_error *err)
{
    bt_status rc = m->pruner->rungs(m->pruner_params, epochs[LAST], m->rung, &m->n_rungs, err);
    for (int i = 0; i < m->n_rungs && !rc; i++)
        if (kind->family < 0 || rung_place(m->rung[i]) == LAST)
            rc = bti_fail(err, BT_INVAL, kind->name, "knows nothing of a rung after %d epochs",
                          m->rung[i]);
    return rc;
}

/* Where the pruner ended a trial: the rung's place; LAST where it did not. Sets "rungs". */
static bt_status run_rungs(match *m, const bti_answer *a, const evaluation *e, bti_json *attrs,
                           int *ended, bt_error *err)
{
    bti_json *rungs = bti_json_array();
    bt_status rc = BT_OK;
    *ended = LAST;
    for (int i = 0; i < m->n_rungs && !rc && *ended == LAST; i++) {
        bool stop = false;
        int k = rung_place(m->rung[i]);
        const double value[2] = {e->seen.accuracy[k], a->cost.params};
        bti_json *one = bti_json_array();
        bti_json_append(one, bti_json_int(m->rung[i]));
        bti_json_append(one, bti_json_num(value[0]));
        bti_json_append(rungs, one);
        const bti_prune_ask ask = {.trials = &m->trials,
                                   .goals = &m->goals,
                                   .number = m->n,
                                   .epochs = m->rung[i],
                                   .rung = m->rung,
                                   .n_rungs = m->n_rungs,
                                   .value = value,
                                   .params = m->pruner_params};
        rc = m->pruner->ask(&ask, &stop, err);
        if (stop)
            *ended = k;
    }
    bti_json_set(attrs, "rungs", rungs);
    /* without rungs a trial is validated at its end alone */
    m->cpu_s += e->seen.cpu_s[*ended] - (m->n_rungs ? 0 : LAST * e->seen.validation_s);
    return rc;
}

static bt_status record(match *m, const bti_answer *a, const evaluation *e, bt_error *err)
{
    bool numbers = m->problem.kind->f != NULL;
    bti_trial one = {.id = m->n + 1, .number = m->n, .attrs = bti_json_object()};
    int ended;
    bt_status rc = bti_trial_params(&one, a->point.n, err);
    if (!rc)
        rc = run_rungs(m, a, e, one.attrs, &ended, err);
    if (rc) {
        bti_trial_release(&one);
        return rc;
    }
    for (int i = 0; i < a->point.n; i++) {
        one.param_name[i] = bti_strdup(a->point.param[i].name);
        one.param_value[i] = a->point.param[i].value;
    }
    one.state = ended < LAST ? BTI_PRUNED : BTI_COMPLETE;
    if (one.state == BTI_COMPLETE) {
        one.n_values = 2;
        one.value[0] = numbers ? -e->f[0] : 1 - e->f[0]; /* maximised, as accuracy is */
        one.value[1] = numbers ? e->f[1] : a->cost.params;
        memcpy(&m->seen[2 * m->n_front], e->f, sizeof(e->f));
        memcpy(&m->judged[2 * m->n_front], e->judged, sizeof(e->judged));
        m->n_front++;
    }
    bti_json_set_num(one.attrs, "params", a->cost.params);
    bti_json_set_num(one.attrs, "macs", a->cost.macs);
    bti_json_set_str(one.attrs, "key", a->key);
    bti_json_set_str(one.attrs, "sampler", a->by);
    if (a->parent >= 0)
        bti_json_set_int(one.attrs, "parent", a->parent);
    m->n++;
    return bti_trials_take(&m->trials, &one, err);
}

/* Of the trials that nothing dominates as far as was seen, by their values without noise. */
static double hypervolume(match *m)
{
    static const bool minimize[2];
    int n = 0;
    bti_pareto_rank(m->seen, m->n_front, 2, minimize, m->rank);
    for (int i = 0; i < m->n_front; i++)
        if (m->rank[i] == 0)
            memcpy(&m->returned[2 * n++], &m->judged[2 * i], 2 * sizeof(double));
    return bti_hypervolume(m->returned, n, 2, m->problem.kind->ref);
}

static bt_status play_trial(match *m, bti_answer *a, bt_error *err)
{
    evaluation e;
    bti_ask ask = {.space = m->problem.space,
                   .trials = &m->trials,
                   .goals = &m->goals,
                   .cost = problem_cost(&m->problem),
                   .params = m->sampler_params,
                   .seed = m->seed,
                   .number = m->n,
                   .memo = m->memo};
    double start = bt_now();
    bt_status rc = bti_sampler_ask(m->sampler, &ask, a, err);
    double ms = 1e3 * (bt_now() - start);
    if (!rc)
        rc = problem_evaluate(&m->problem, a, m->seed, &e, err);
    if (!rc)
        rc = record(m, a, &e, err);
    if (!rc)
        printf("%s %d %.6g %.6g %.8g %.3f %s %.3f %.6g\n",
               m->sampler == &foreign_ops ? "tell" : "trial", m->n - 1, e.f[0], e.f[1],
               hypervolume(m), ms, a->by, m->cpu_s, e.judged[0]);
    fflush(stdout);
    return rc;
}

static bt_status play(match *m, const problem_kind *kind, bt_error *err)
{
    size_t most = (size_t)m->n_trials + 1;
    bti_answer *a = bti_calloc(1, sizeof(*a));
    m->seen = bti_array(most, 2 * sizeof(double));
    m->judged = bti_array(most, 2 * sizeof(double));
    m->returned = bti_array(most, 2 * sizeof(double));
    m->rank = bti_array(most, sizeof(int));
    m->memo = bti_memo_new();
    bt_status rc =
        a && m->memo && m->seen && m->judged && m->returned && m->rank ? BT_OK : BT_NOMEM;
    if (!rc)
        rc = choose_rungs(m, kind, err);
    if (!rc)
        rc = problem_open(&m->problem, kind, m->n_rungs > 0, err);
    if (!rc)
        m->goals = problem_goals(&m->problem);
    while (!rc && m->n < m->n_trials)
        rc = play_trial(m, a, err);
    bti_memo_free(m->memo);
    bti_trials_release(&m->trials);
    problem_close(&m->problem);
    bti_free(m->seen);
    bti_free(m->judged);
    bti_free(m->returned);
    bti_free(m->rank);
    bti_free(a);
    return rc;
}

/* "portfolio", "portfolio+asha:eta=3"; cuts spec at the plus. */
static bt_status choose(match *m, char *spec, bt_error *err)
{
    char *plus = strchr(spec, '+');
    if (plus)
        *plus = '\0';
    m->sampler = &foreign_ops;
    bt_status rc =
        strcmp(spec, "-") ? bti_sampler_find(&m->sampler, spec, &m->sampler_params, err) : BT_OK;
    return rc ? rc : bti_pruner_find(&m->pruner, plus ? plus + 1 : NULL, &m->pruner_params, err);
}

int main(int argc, char **argv)
{
    bt_error err = {0};
    match m = {0};
    if (argc != 5 || !problem_find(argv[1])) {
        fprintf(stderr, "usage: play zdt1|zdt3|dtlz2|arch|brief12|brief12-kernel "
                        "SAMPLER[+PRUNER]|- SEED TRIALS\n");
        return 2;
    }
    m.seed = strtoull(argv[3], NULL, 10);
    m.n_trials = (int)strtol(argv[4], NULL, 10);
    bt_status rc = choose(&m, argv[2], &err);
    if (!rc)
        rc = play(&m, problem_find(argv[1]), &err);
    if (rc)
        fprintf(stderr, "play: %s: %s\n", err.where, err.text);
    return rc ? 1 : 0;
}
