/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of a study and the store behind them. The schema is Optuna's (docs/format/study.md);
 * the store is a struct of functions so that SQLite, memory and later PostgreSQL are one file each.
 *
 * Trial state machine (Optuna's names):
 *     (none) --claim--> RUNNING --finish--> COMPLETE | PRUNED | FAIL
 *     (none) --enqueue--> WAITING --start--> RUNNING, --drop--> FAIL (also Optuna's enqueue_trial)
 *     RUNNING with an expired lease --claim--> RUNNING, attempt + 1 (third expiry: FAIL)
 * A finished trial never changes again. Every write of a worker checks that it still holds the
 * lease (worker, attempt): a worker that slept past its lease gets BT_BUSY and has written nothing.
 */
#ifndef BTI_STUDY_H
#define BTI_STUDY_H

#include "base/json.h"
#include "space/space.h"

typedef enum bti_trial_state {
    BTI_RUNNING,
    BTI_COMPLETE,
    BTI_PRUNED,
    BTI_FAIL,
    BTI_WAITING
} bti_trial_state;
const char *bti_trial_state_name(bti_trial_state s); /* "RUNNING" ... */
bool bti_trial_state_find(const char *name, bti_trial_state *out);
bool bti_trial_state_finished(bti_trial_state s); /* COMPLETE, PRUNED, FAIL: never changes again */

/* What a study optimises, in the order of a trial's values. */
typedef struct bti_goals {
    int n;
    bti_metric metric[BTI_OBJECTIVES_MAX]; /* BTI_METRIC_NONE: a foreign study's own */
    bool maximize[BTI_OBJECTIVES_MAX];
} bti_goals;

typedef struct bti_trial {
    int64_t id; /* database id */
    int number; /* 0-based in the study */
    bti_trial_state state;
    int attempt; /* of the lease, from 1 */
    int n_values;
    double
        value[BTI_OBJECTIVES_MAX]; /* in the order of the study's objectives; set when COMPLETE */
    double violation;              /* sum of what Optuna's "constraints" are above 0; 0: feasible */
    int n_params;
    char **param_name;         /* n_params */
    double *param_value;       /* INT, FLOAT: value; CHOICE: index */
    bti_json *attrs;           /* user attributes:
                                  "params","macs","hash","key","seed","threads","isa","model_yaml", ... */
    double started, completed; /* UTC epoch seconds, 0 = not */
} bti_trial;
void bti_trial_release(bti_trial *t);
/* Room for n parameters, names NULL; replaces what was there. */
bt_status bti_trial_params(bti_trial *t, int n, bt_error *err);

/* All trials seen so far, in number order (which is id order); grows by bti_storage.refresh. */
typedef struct bti_trials {
    int n, cap;
    bti_trial *trial;
    int64_t attr_seen; /* the store's mark: user attributes written after it are not yet in
                          trial[].attrs */
    bti_goals goals;   /* of the study; n 0: see bti_trials_goals() */
} bti_trials;
/* The study's; accuracy up, parameters down for a list that no store has filled. */
const bti_goals *bti_trials_goals(const bti_trials *t);
/* Which objective is the quality, and which the cost that it is set against: the first that is
 * maximised (-1: none), and the first minimised one (-1: none). */
int bti_goals_quality(const bti_goals *g);
int bti_goals_cost(const bti_goals *g);
/* A trial's value of a metric: its objective's, else the user attribute of that name; NaN if it has
 * neither. */
double bti_trial_metric(const bti_goals *g, const bti_trial *t, bti_metric m);
/* A finished trial with a number for each objective, all constraints kept. */
bool bti_trial_counts(const bti_goals *g, const bti_trial *t);
/* a is at least as good as b in every objective. */
bool bti_goals_covers(const bti_goals *g, const double *a, const double *b);
void bti_trials_release(bti_trials *t);
/* Appends *trial and zeroes it (ownership moves); on BT_NOMEM it stays the caller's. */
bt_status bti_trials_take(bti_trials *t, bti_trial *trial, bt_error *err);
bti_trial *bti_trials_id(const bti_trials *t, int64_t id); /* by database id; NULL if absent */
const bti_trial *bti_trials_number(const bti_trials *t, int number); /* NULL if absent */

/* A proposal to be claimed. */
typedef struct bti_proposal {
    const bti_point *point;
    const char *key;   /* trial identity; unique in the study */
    bti_json *attrs;   /* user attributes to store with the claim; borrowed */
    int n_constraints; /* values <= 0 are feasible; written as Optuna's "constraints" */
    double constraint[2 * BTI_METRICS];
} bti_proposal;

typedef struct bti_storage
    bti_storage; /* one thread at a time; several processes may open the same store */

#define BTI_ATTEMPTS_MAX 3 /* leases of a trial that may expire before it becomes FAIL */

typedef struct bti_study_spec {
    const char *name;
    int n_objectives;
    const char *metric[BTI_OBJECTIVES_MAX];
    bool maximize[BTI_OBJECTIVES_MAX];
} bti_study_spec;

/* What a store must do. All calls fill err. BT_BUSY from a write of a trial: the lease is lost. */
typedef struct bti_storage_ops {
    const char *scheme; /* "sqlite", "memory" */
    bool shared;        /* other processes (and other handles) see the same study */
    /* Opens (creating file and study if `create`); url is what follows the scheme. */
    bt_status (*open)(bti_storage **out, const char *url, const bti_study_spec *spec, bool create,
                      bt_error *err);
    void (*close)(bti_storage *s);
    /* Study attributes: user (system = false) or system. get: *out NULL if absent; yours. */
    bt_status (*study_attr_set)(bti_storage *s, bool system, const char *key, const bti_json *v,
                                bt_error *err);
    bt_status (*study_attr_get)(bti_storage *s, bool system, const char *key, bti_json **out,
                                bt_error *err);
    /* Brings *t up to date: new trials, and those that were unfinished. Never parses a finished
     * trial twice. */
    bt_status (*refresh)(bti_storage *s, bti_trials *t, bt_error *err);
    /* Takes over the oldest RUNNING trial whose lease has expired (attempt + 1), failing those at
     * their third expiry. *id = -1 if there is none. */
    bt_status (*reclaim)(bti_storage *s, const char *worker, double lease_s, int64_t *id,
                         int *attempt, bt_error *err);
    /* One immediate transaction: checks that the key is new and that fewer than max_trials (0: no
     * limit) exist, numbers the trial, writes params, distributions, attributes and the lease.
     * *duplicate true or *id -1 when not claimed (duplicate key / limit reached). */
    bt_status (*claim)(bti_storage *s, const bti_proposal *p, const char *worker, double lease_s,
                       int max_trials, int64_t *id, int *number, bool *duplicate, bt_error *err);
    bt_status (*renew)(bti_storage *s, int64_t id, const char *worker, int attempt, double lease_s,
                       bt_error *err);
    /* Intermediate value of the first objective at `step` (epochs). */
    bt_status (*report)(bti_storage *s, int64_t id, const char *worker, int attempt, int step,
                        double value, bt_error *err);
    /* Ends a trial: COMPLETE with values, or PRUNED / FAIL; attrs (may be NULL, borrowed) are
     * added. */
    bt_status (*finish)(bti_storage *s, int64_t id, const char *worker, int attempt,
                        bti_trial_state state, const double *values, const bti_json *attrs,
                        bt_error *err);
    /* Gives a claim back: the lease expires now, so another worker may go on with it. Not counted
     * as a lost attempt. */
    bt_status (*yield)(bti_storage *s, int64_t id, const char *worker, int attempt, bt_error *err);
    /* Adds a WAITING trial. fixed: {"parameter": value}, values as people write them, as Optuna's
     * enqueue_trial keeps them; attrs (may be NULL): user attributes. Both borrowed. */
    bt_status (*enqueue)(bti_storage *s, const bti_json *fixed, const bti_json *attrs, int *number,
                         bt_error *err);
    /* What claim does, for a WAITING trial, which keeps its id and number. *taken false: another
     * worker was first, or the key is in the study already (*duplicate). */
    bt_status (*start)(bti_storage *s, int64_t id, const bti_proposal *p, const char *worker,
                       double lease_s, bool *taken, bool *duplicate, bt_error *err);
    /* Ends a WAITING trial that cannot be run, as FAIL with the user attribute "error". */
    bt_status (*drop)(bti_storage *s, int64_t id, const char *why, bt_error *err);
    /* *out NULL if absent; yours. */
    bt_status (*trial_attr_get)(bti_storage *s, int64_t id, bool system, const char *key,
                                bti_json **out, bt_error *err);
    /* {"parameter": value} of a trial, values as people write them (Optuna's trial.params). Yours.
     */
    bt_status (*params_get)(bti_storage *s, int64_t id, bti_json **out, bt_error *err);
    /* A user attribute on a finished trial by the coordinator ("final": ...); not lease-checked. */
    bt_status (*trial_attr_set)(bti_storage *s, int64_t id, bool system, const char *key,
                                const bti_json *v, bt_error *err);
} bti_storage_ops;

struct bti_storage {
    const bti_storage_ops *ops;
    char *name; /* of the study */
    bti_goals goals;
};

/* Opens by STUDY as people write it: run directory, .db path, sqlite:///rel.db, sqlite:////abs.db
 * (+ "#name"), memory:// (new and empty). spec NULL or spec->name NULL: the only study in the file
 * (an error lists them when there are several); a "#name" wins over spec->name. With `create` spec
 * says the objectives; those of an existing study must be the same (BT_INVAL). BT_IO: there is no
 * such file; BT_FORMAT: it is not a study. */
bt_status bti_storage_open(bti_storage **out, const char *study, const bti_study_spec *spec,
                           bool create, bt_error *err);
void bti_storage_close(bti_storage *s);

/* ---- Pareto ---- */
/* rank[i] = 0 for the first front (Deb et al. 2002, fast non-dominated sort); values (n, m),
 * maximize (m). */
void bti_pareto_rank(const double *values, int n, int m, const bool *maximize, int *rank);
/* Crowding distance within equal ranks (Deb et al. 2002). */
void bti_crowding(const double *values, int n, int m, const int *rank, double *crowd);
/* Both at once of what is in order already; all minimised. sorted (m, stride): in row j the n
 * points lexicographically from objective j on, over objectives j, j + 1, ... of a circle. rank and
 * crowd are written for those points; scratch: 2 stride + 1. The number of fronts is returned. */
int bti_pareto_sorted(const double *values, int m, const int *sorted, int n, int stride, int *rank,
                      double *crowd, int *scratch);
/* Exact hypervolume (Zitzler and Thiele 1998): the volume between the points and ref (m), all
 * minimised; values (n, m), m from 1 to BTI_OBJECTIVES_MAX. Points beyond ref count for nothing.
 * NaN on no memory. */
double bti_hypervolume(const double *values, int n, int m, const double *ref);
/* What point p (m) would add to it. NaN on no memory. */
double bti_hypervolume_gain(const double *values, int n, int m, const double *ref, const double *p);

#endif
