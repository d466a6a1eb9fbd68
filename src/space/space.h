/* SPDX-License-Identifier: Apache-2.0
 *
 * A search space: parameters with domains and conditions, blocks that resolve to model rows, and
 * the walks over it: draw, mutate, cross, repair. Knows no training and no network: cost comes
 * through a function pointer that search/ gives.
 *
 * A point is the list of *active* parameters in file order. A parameter whose condition fails does
 * not exist: not sampled, not hashed, not recorded. Forced strides (4.3) are not parameters.
 */
#ifndef BTI_SPACE_H
#define BTI_SPACE_H

#include "base/metric.h"
#include "base/rng.h"
#include "base/rows.h"
#include "base/str.h"
#include "base/value.h"
#include "base/yaml.h"

typedef struct bti_space bti_space;

/* What `$name` in a space file stands for. */
typedef struct bti_space_vars {
    int classes, size, channels;
    const char *augment; /* policy text instead of the augment section; NULL: the section */
} bti_space_vars;

bt_status bti_space_parse(bti_space **out, const char *text, size_t n, const char *where,
                          const bti_space_vars *vars, bt_error *err);
void bti_space_free(bti_space *s);
const char *bti_space_name(const bti_space *s);
const char *bti_space_text(const bti_space *s); /* the file's text, borrowed: kept in the study */

/* False: augmentation policies alone (examples/spaces/autoaugment.yaml); its points make no rows.
 */
bool bti_space_has_network(const bti_space *s);

/* ---- domains as the study stores them ---- */
typedef enum bti_domain_kind {
    BTI_DOMAIN_CHOICE,
    BTI_DOMAIN_INT,
    BTI_DOMAIN_FLOAT
} bti_domain_kind;
typedef struct bti_domain {
    bti_domain_kind kind; /* ordinal lists are CHOICE with `ordered` */
    bool ordered, log;
    double lo, hi, step; /* INT, FLOAT; step 0 = continuous; hi is on the grid */
    int n;               /* CHOICE */
    const bti_value *choice;
} bti_domain;

/* Where a value lies in its domain, on the axis 0..1 (logarithmic where `log`): the cell [*lo, *hi]
 * that it owns (choices and grids), or the place itself, *lo = *hi (continuous). */
void bti_domain_cell(const bti_domain *d, double value, double *lo, double *hi);
/* The value whose cell holds u in 0..1. */
double bti_domain_unit(const bti_domain *d, double u);
/* "choice Conv DWConv", "int 16..64 step 16", "float 0.01..0.4 log": appended. */
void bti_domain_text(const bti_domain *d, bti_str *out);

/* One assigned parameter of a point. */
typedef struct bti_param {
    const char *name;  /* "m3.InvertedResidualv3.expand"; owned by the space */
    bti_domain domain; /* as it was for this point (bounds may depend on earlier parameters) */
    double value;      /* INT, FLOAT: the value; CHOICE: index into choice */
} bti_param;

#define BTI_POINT_MAX 256
typedef struct bti_point {
    int n;
    bti_param param[BTI_POINT_MAX];
} bti_point; /* plain value: large, pass by pointer */

const bti_param *bti_point_find(const bti_point *p, const char *name); /* NULL if absent */
bti_value bti_param_value(const bti_param *p); /* the choice, an INT, or a FLOAT */

/* Draws every parameter uniformly (log-uniform where `log`) in file order. */
void bti_space_draw(const bti_space *s, bti_rng *rng, bti_point *out);
/* The first trial: every `default:` where given, the middle otherwise (unordered lists: the first).
 */
void bti_space_default(const bti_space *s, bti_point *out);
bool bti_space_has_default(const bti_space *s); /* the file has a `default:` somewhere */
/* Walks the space in order keeping the values of `wish` that exist and fit (clamped to the grid),
 * drawing the rest. */
void bti_space_repair(const bti_space *s, const bti_point *wish, bti_rng *rng, bti_point *out);
/* Redraws `n_changes` groups, chosen among blocks and other parameters: a block's module, one
 * argument, its repeat or stride, or one other parameter (ordered domains step to a neighbour half
 * of the time); then repairs. */
void bti_space_mutate(const bti_space *s, const bti_point *parent, int n_changes, bti_rng *rng,
                      bti_point *out);
/* Takes each block whole, and each other parameter, from one of the two parents; then repairs. */
void bti_space_cross(const bti_space *s, const bti_point *a, const bti_point *b, bti_rng *rng,
                     bti_point *out);
/* Rebuilds a point from stored name/value pairs (CHOICE: index). Names that are unknown or inactive
 * are dropped; false if an active one is missing (it is then set to its middle). */
bool bti_space_restore(const bti_space *s, const char *const *names, const double *values, int n,
                       bti_point *out);

/* Walks the space with a chooser of one's own: `pick` gives the value (INT, FLOAT) or index
 * (CHOICE) of each active parameter in walk order; it must lie in the domain, which is as
 * conditions and bounds make it for this point. `slot` numbers the parameter, the same in every
 * walk (0 .. bti_space_n_slots - 1); `group` the block or lone parameter that it belongs to. */
typedef double (*bti_pick_fn)(void *user, int slot, int group, const bti_domain *d);
void bti_space_pick(const bti_space *s, bti_pick_fn pick, void *user, bti_point *out);
int bti_space_n_slots(const bti_space *s);
const char *bti_space_slot_name(const bti_space *s, int slot);
/* The slot of a parameter's name, looked for from `hint` on (the slot after the last one found:
 * stored parameters are in walk order); -1 if the space has none of that name. */
int bti_space_slot(const bti_space *s, const char *name, int hint);
/* A named value from elsewhere. */
typedef struct bti_wish {
    const char *name; /* borrowed */
    bti_value value;
    bool active; /* set: the space has a place for it here ... */
    bool used;   /* ... and the value lies in its domain */
} bti_wish;
/* Walks the space in order with the wishes that exist and fit, drawing the rest; sets their marks.
 * Returns how many active parameters were drawn. */
int bti_space_grant(const bti_space *s, bti_wish *wish, int n, bti_rng *rng, bti_point *out);
/* The name in a space file of a parameter of the course's studies: "m3/v3_t" is
 * "m3.InvertedResidualv3.expand", "m3/out_channels" that of the block's module (NULL: none). False
 * if it is not one of those. */
bool bti_course_name(const char *old, const char *module, char out[96]);

/* The first difference of two spaces for people: "m3.Conv.out was int 16..48 and is int 16..64 (and
 * 2 more)"; the first line that differs when no parameter does. */
void bti_space_difference(const bti_space *was, const bti_space *is, char *out, size_t cap);

/* The network of a point (blocks that are Pass leave no row; stride budget and forcing applied), in
 * `arena`. */
bt_status bti_space_rows(const bti_space *s, const bti_point *p, bti_rows *out, bti_arena *arena,
                         bt_error *err);

/* Training and augmentation settings of a point in file order, constants too, in `arena`.
 * train.*: the key without the prefix ("epochs" "lr" "optimizer" ...; batch_size is "batch"), words
 * in lower case ("sgd"), {onecycle: {pct_start: 0.05}} as "onecycle:pct_start=0.05". Left out:
 * img_size (it is the network's: bti_rows.h, w) and loss: cross_entropy (the only one there is).
 * augment.*: one key "augment" with a policy text (conventions.md), only if the file has the
 * section: flip[:p=P] and crop:PAD when the section has `flip`, `crop`, or the policy is flip_crop
 * (then p 0.5, pad 4); then the policy: randaugment:n=N,m=M[,levels=L][,flavour=course],
 * trivialaugment, or autoaugment:levels=L,p0=OP/P/LEVEL|OP/P/LEVEL,p1=...; then cutout:p=P,ratio=R
 * when its p is above 0. Nothing of these: "none". A section that is a text is taken as it is. */
typedef struct bti_setting {
    const char *key;
    const char *value;
} bti_setting;
#define BTI_SETTINGS_MAX 64
typedef struct bti_settings {
    int n;
    bti_setting set[BTI_SETTINGS_MAX];
} bti_settings;
bt_status bti_space_settings(const bti_space *s, const bti_point *p, bti_settings *out,
                             bti_arena *arena, bt_error *err);

/* ---- constraints and objectives ---- */
typedef struct bti_cost {
    double params, macs, peak_memory; /* bytes */
    double flash;                     /* bytes of an exported network; 0: none is exported */
    int out_h, out_w;                 /* map at the tail, before pooling to 1x1 */
    char hash[40];                    /* canonical hash of the resolved network */
} bti_cost;
/* Exact cost of rows; a status when they do not make a network. Given by search/. */
typedef bt_status (*bti_cost_fn)(void *user, const bti_rows *rows, bti_cost *out, bt_error *err);

typedef struct bti_bounds {
    double lo, hi; /* hi = INFINITY: none */
} bti_bounds;
typedef struct bti_constraints {
#define METRIC(id, name, goal, source, unit, low, high, option, label) bti_bounds name;
#include "base/metrics.def"
#undef METRIC
    bti_bounds out_size; /* of the map at the tail */
} bti_constraints;
bti_constraints bti_constraints_none(void);
bti_constraints bti_space_constraints(const bti_space *s);
const bti_bounds *bti_constraint_of(const bti_constraints *c, bti_metric m);
/* A limit from the command line tightens the file's: the upper end of what is minimised, the lower
 * end of what is maximised. bound 0: leave. */
void bti_space_limit(bti_space *s, bti_metric m, double bound);
/* Those that are known before training. */
bool bti_constraints_hold(const bti_constraints *c, const bti_cost *cost);
double bti_cost_of(const bti_cost *cost, bti_metric m); /* NaN if only training or nobody knows */
/* Optuna's list, a number for each bound that is set, in the order of the table: value - upper or
 * lower - value, so that <= 0 is feasible; 0 where the value is not known (NaN). Returns how many;
 * out has room for 2 * BTI_METRICS. */
int bti_constraint_list(const bti_constraints *c, const double value[BTI_METRICS], double *out);

/* Key of a trial: canonical network + active hyper-parameters (4.6), as 32 hex digits. */
bt_status bti_space_key(const bti_space *s, const bti_point *p, const bti_cost *cost, char key[40],
                        bt_error *err);

#define BTI_OBJECTIVES_MAX 4
typedef struct bti_objective {
    const char *metric; /* its name in metrics.def */
    bti_metric id;
    bool maximize;
} bti_objective;
/* At least 1, the first one measured on validation; default accuracy max, params min. */
int bti_space_objectives(const bti_space *s, const bti_objective **out);
/* "accuracy,params" instead of the file's. BT_INVAL: an unknown metric, one twice, the first not
 * measured on validation. */
bt_status bti_space_set_objectives(bti_space *s, const char *names, bt_error *err);

/* Number of assignments of active parameters (grids only; continuous ones count 1 and set
 * *continuous), exact by dynamic programming over the stride count. Decimal text, yours (bti_free).
 * NULL on no memory, or when conditions and bounds tie too many cases together to be counted in a
 * second or so. */
char *bti_space_size(const bti_space *s, int *continuous);
/* The same for the network alone: train.* and augment.* stand still. */
char *bti_space_network_size(const bti_space *s, int *continuous);

/* The names of all parameters that are not frozen, in file order with their static domains, for
 * `space info`; count returned. */
int bti_space_params(const bti_space *s, const bti_param **out);

#endif
