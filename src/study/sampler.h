/* SPDX-License-Identifier: Apache-2.0
 *
 * A sampler proposes points. One file each in study/samplers/, one row each in samplers.def.
 * Samplers keep no state of their own between asks beyond what the trials say: any worker process
 * may ask. What follows from the trials they may remember (bti_memo), which changes no answer.
 */
#ifndef BTI_SAMPLER_H
#define BTI_SAMPLER_H

#include "study/study.h"

typedef struct bti_memo bti_memo; /* study/memo.h */
bti_memo *bti_memo_new(void);     /* NULL: no memory */
void bti_memo_free(bti_memo *m);

typedef struct bti_ask {
    const bti_space *space;
    const bti_trials *trials; /* finished and running ones */
    const bti_goals *goals;
    bti_cost_fn cost;
    void *cost_user;
    const char *params; /* "key=value,..." of the sampler's own options, may be NULL */
    uint64_t seed;
    int number;        /* of the trial to be (an estimate with parallel workers) */
    int retry;         /* 0, 1, ... after a duplicate: gives another proposal */
    bti_memo *memo;    /* of this study, kept between asks; NULL: everything is found out anew */
    double deadline_s; /* bt_now() after which no further network is looked at; 0: none */
} bti_ask;

/* The answer: feasible by the space's constraints, with its cost and key. `by` and `parent` are set
 * by bti_sampler_ask before the sampler is called. */
typedef struct bti_answer {
    bti_point point;
    bti_cost cost;
    char key[40];
    int64_t rejected; /* draws thrown away as infeasible, for the report */
    const char *by;   /* name of the sampler that made it (of a portfolio: the member) */
    int parent;       /* number of the trial that it is one change away from, -1: none */
} bti_answer;

typedef struct bti_sampler_ops {
    const char *name;
    const char *help; /* one line with its source */
    /* BT_EMPTY if no feasible point was found in a bounded number of draws. Call it through
     * bti_sampler_ask. */
    bt_status (*ask)(const bti_ask *ask, bti_answer *out, bt_error *err);
} bti_sampler_ops;

/* Every sampler of samplers.def; the count is returned. The first is the default. */
#define SAMPLER(ops) extern const bti_sampler_ops ops;
#include "study/samplers/samplers.def"
#undef SAMPLER
int bti_samplers(const bti_sampler_ops *const **out);

/* Asks; `by` and `parent` of the answer are set even where the sampler says nothing of them. */
bt_status bti_sampler_ask(const bti_sampler_ops *ops, const bti_ask *ask, bti_answer *out,
                          bt_error *err);

/* "random" or "evolution[:population=32,...]"; unknown names the nearest. NULL or "": the
 * default. *params borrows from spec. */
bt_status bti_sampler_find(const bti_sampler_ops **out, const char *spec, const char **params,
                           bt_error *err);

/* Numbers in "key=value,..."; unknown keys and values outside lo..hi are errors. */
typedef struct bti_sampler_option {
    const char *name;
    double *to;
    double lo, hi;
} bti_sampler_option;
bt_status bti_sampler_options(const char *params, const char *sampler,
                              const bti_sampler_option *opt, int n, bt_error *err);

/* ---- shared by samplers ---- */
/* The cost that a study is spread along: its first objective that is known before training, MACs
 * where latency stands for it, else parameters. */
bti_metric bti_ask_axis(const bti_ask *ask);
double bti_axis_size(const bti_ask *ask, const bti_cost *cost);      /* log(cost + 1) */
double bti_axis_size_of(const bti_ask *ask, const bti_trial *trial); /* the same; 0: not recorded */

/* Of the ask's trials only, which is not the whole study's list: without the memo. */
bti_ask bti_ask_view(const bti_ask *ask, const bti_trials *trials);

/* log(cost + 1) of the networks that a study covers: from the smallest that a few draws and
 * mutations find to the largest feasible draw. The same for every ask of a study. */
typedef struct bti_span {
    double lo, hi;
} bti_span;
bt_status bti_sampler_span(const bti_ask *ask, bti_span *span, bt_error *err);
double bti_span_target(bti_span span, double fraction); /* log(cost + 1) at 0..1 of the span */

/* A feasible draw, new to the study, whose log(cost) is near `target` in 0..1 of the span
 * (negative: uniform). Uniform draws first; when 2,000 fail, mutations towards the constraints.
 * Gives cost, key and rejected. */
bt_status bti_sampler_draw(const bti_ask *ask, bti_rng *rng, double target, bti_answer *out,
                           bt_error *err);
/* Completes an answer for a given point: cost, constraints, key. BT_EMPTY, with the reason, if it
 * is infeasible, makes no network, or has been tried. */
bt_status bti_sampler_complete(const bti_ask *ask, bti_answer *answer, bt_error *err);

#endif
