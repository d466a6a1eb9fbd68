/* SPDX-License-Identifier: Apache-2.0
 *
 * A pruner decides at a rung whether a trial goes on. One file each in study/pruners/, one row each
 * in pruners.def. Like samplers they keep no state: what trials reached at their rungs is in the
 * trials' attribute "rungs": [[epochs, value of the first objective], ...].
 */
#ifndef BTI_PRUNER_H
#define BTI_PRUNER_H

#include "study/study.h"

#define BTI_RUNGS_MAX 8

/* One trial at one rung. */
typedef struct bti_prune_ask {
    const bti_trials *trials; /* others, this one too if it is in the list already */
    const bti_goals *goals;
    int number;      /* of the trial */
    int epochs;      /* at the rung */
    const int *rung; /* all rungs of the trial, rising, and so many; may be NULL, 0 */
    int n_rungs;
    const double *value; /* (goals->n): the first measured now, known costs; NaN: not known */
    const char *params;  /* "key=value,...", may be NULL */
} bti_prune_ask;

typedef struct bti_pruner_ops {
    const char *name;
    const char *help; /* one line with its source */
    double cost;      /* of a trial on average, as a share of one that runs to its end */
    /* Epochs at which a trial of `epochs` is looked at, rising, below `epochs`; their number. */
    bt_status (*rungs)(const char *params, int epochs, int rung[BTI_RUNGS_MAX], int *n,
                       bt_error *err);
    bt_status (*ask)(const bti_prune_ask *ask, bool *stop, bt_error *err);
} bti_pruner_ops;

#define PRUNER(ops) extern const bti_pruner_ops ops;
#include "study/pruners/pruners.def"
#undef PRUNER

/* "none", "asha[:eta=3,...]", ...; *params borrows from spec. NULL or "": none. */
bt_status bti_pruner_find(const bti_pruner_ops **out, const char *spec, const char **params,
                          bt_error *err);

/* ---- shared by pruners ---- */
/* What a trial had at a rung; NaN if it was not there. */
double bti_rung_value(const bti_trial *t, int epochs);
/* Successive halving at a rung among trials for which `belongs` holds (NULL: all): whether the
 * ask's is not of the best 1/eta, by non-domination rank, then crowding. The first eta go on. */
bt_status bti_halving_stops(const bti_prune_ask *ask, double eta,
                            bool (*belongs)(const void *user, int number), const void *user,
                            bool *stop, bt_error *err);
/* epochs / eta, epochs / eta^2 ... down to `least`, rising, at most BTI_RUNGS_MAX. */
int bti_geometric_rungs(int epochs, double eta, int least, int rung[BTI_RUNGS_MAX]);

#endif
