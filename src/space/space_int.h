/* SPDX-License-Identifier: Apache-2.0
 *
 * How a parsed search space is kept, and the one walk that draws, repairs, mutates, counts and
 * resolves.
 *
 * Every scalar of the file is a slot. A slot has alternatives, the first whose condition holds is
 * its domain; a constant is a domain too. Items are what the file lists in order: single slots and
 * blocks. Slots refer only to earlier ones, so one pass in item order resolves a point.
 */
#ifndef BTI_SPACE_INT_H
#define BTI_SPACE_INT_H

#include "space/space.h"

#define BTI_SLOTS_MAX 1024
#define BTI_BLOCKS_MAX 64
#define BTI_MODULE_ARGS 6
/* Of a domain's ends and count: exact in a double, and bounds the size's digits */
#define BTI_NUMBER_MAX 1e15

/* ---- the words for modules, and the places of their arguments (model-format.md 4.2) ---- */
typedef struct bti_word_arg {
    const char *name;
    const char *otherwise; /* YAML text of the default (1.6); NULL: required in the space file */
    bool always;           /* a model row must have it even so */
} bti_word_arg;
typedef struct bti_word {
    const char *name;
    bti_word_arg arg[BTI_MODULE_ARGS];
} bti_word;

const bti_word *bti_word_find(const char *name);           /* NULL if unknown */
const char *bti_word_nearest(const char *name);            /* NULL if none is near */
void bti_word_names(bti_str *out);                         /* "Conv, DWConv, ..." */
int bti_word_position(const bti_word *m, const char *arg); /* -1 if it has none of that name */
int bti_word_n_args(const bti_word *m);

/* ---- domains as written ---- */
#define BTI_REF_NONE (-1)
/* $prev.out: the written `out` of the last block that is not Pass */
#define BTI_REF_PREV_OUT (-2)

/* v, $name, $name + n or $name * n. */
typedef struct bti_expr {
    int ref; /* slot, or one of the two above */
    char op; /* '+', '*', 0 */
    double operand;
    bti_value value; /* when ref is BTI_REF_NONE */
} bti_expr;

/* One key of a `when`: the slot's value is one of `any`, or (n = 0) a number in lo..hi. */
typedef struct bti_cond {
    int slot;
    int n;
    const bti_value *any;
    double lo, hi;
} bti_cond;
typedef struct bti_when {
    int n; /* all must hold; 0: always */
    const bti_cond *cond;
} bti_when;

typedef enum bti_form { BTI_FORM_CONST, BTI_FORM_CHOICE, BTI_FORM_INT, BTI_FORM_FLOAT } bti_form;
typedef struct bti_alt {
    bti_when when;
    bti_form form;
    bti_expr value;  /* CONST */
    bti_expr lo, hi; /* INT, FLOAT */
    double step;     /* 0: continuous */
    bool log, ordered;
    int n; /* CHOICE */
    const bti_value *choice;
    bool has_default;
    bti_value otherwise; /* `default:` */
    bool is_settled;     /* its domain depends on nothing: it is `domain` */
    bti_domain domain;
} bti_alt;

typedef struct bti_slot {
    const char *name;
    int line;
    int n_alt;
    const bti_alt *alt;
    bool frozen; /* `freeze:` gives it this value wherever its domain has it */
    bti_value ice;
    bool hyper;   /* of train or augment: not of the network */
    bool used;    /* a condition or a bound looks at it */
    int last_use; /* the last item that does */
} bti_slot;

/* ---- blocks, tail ---- */
typedef struct bti_block_arg {
    int position, slot;
} bti_block_arg;
typedef struct bti_block_module {
    const bti_word *def; /* NULL: Pass */
    int n_args;
    bti_block_arg arg[BTI_MODULE_ARGS];
    int repeat, stride; /* slots; -1: one copy, no stride of the block's */
    /* Of def, looked up once: walks are what samplers spend their time on. */
    int n_def, out_at, kernel_at, stride_at; /* its arguments and their places, -1: it has none */
    bti_value otherwise[BTI_MODULE_ARGS];    /* default values, null where it has none */
} bti_block_module;
typedef struct bti_block {
    const char *id;
    int line;
    bti_when when;
    int module_slot; /* its value is the module's name */
    int n_modules;
    bti_block_module *module;
    int force; /* stride 2 if n equals (or is at most) this; -1: not forced */
} bti_block;

typedef struct bti_tail_row {
    int line;
    int repeat, module; /* slots */
    int n_args;
    int arg[BTI_ROW_ARGS];
} bti_tail_row;

typedef struct bti_item {
    int block, slot; /* one of them; the other is -1 */
} bti_item;

/* ---- training and augmentation ---- */
typedef struct bti_setting_arg {
    const char *key;
    int slot;
} bti_setting_arg;
/* `key: slot`, or `key: {variant: {arg: slot, ...}}` as in schedule: {onecycle: {pct_start: 0.05}}.
 */
typedef struct bti_setting_def {
    const char *key;
    const char *variant; /* NULL: plain */
    int slot;            /* plain */
    int n_args;
    bti_setting_arg arg[4];
} bti_setting_def;

typedef struct bti_augment_def {
    bool given;                                   /* the file has an augment section */
    const char *text;                             /* policy text instead of it, or NULL */
    int policy, n, m, levels, flavour;            /* slots, -1: not written */
    int flip_p, crop_pad, cutout_p, cutout_ratio; /* slots, -1: not written */
    int aa_levels, aa_policies, aa_ops,
        aa_first;                  /* aa_first: slots op, p, level of (0, 0), then (0, 1) ... */
    int fixed_policies, fixed_ops; /* `fixed:`, instead of aa_first */
    const bti_value *fixed;        /* (policies, ops, 3) */
} bti_augment_def;

struct bti_space {
    bti_arena arena;
    const char *where, *name, *text;
    bti_space_vars vars;
    int n_slots, slots_cap;
    bti_slot *slot;
    int n_items, items_cap;
    bti_item *item;
    int n_blocks;
    bti_block block[BTI_BLOCKS_MAX];
    int n_tail;
    bti_tail_row *tail;
    int depth_slot, width_slot;   /* -1: 1.0 */
    int channels_slot, size_slot; /* -1: as the data */
    int first_channels;           /* what $prev.out is before the first block */
    int stride_max;               /* INT_MAX: no budget */
    bool at_most;                 /* force_rule */
    bool uses_prev_out, has_default;
    int n_settings;
    bti_setting_def setting[BTI_SETTINGS_MAX];
    bti_augment_def augment;
    bti_constraints constraints;
    int n_objectives;
    bti_objective *objective;
    int n_params;
    bti_param *params; /* for bti_space_params */
};

/* ---- one walk ---- */
typedef struct bti_walk bti_walk;
/* Gives the value (INT, FLOAT) or index (CHOICE) of an active parameter; must lie in `d`. */
typedef double (*bti_choose_fn)(void *user, const bti_walk *w, int slot, const bti_domain *d);

/* What a block became. module -1: absent or Pass. */
typedef struct bti_walk_block {
    int module;
    bool has_stride;
} bti_walk_block;

struct bti_walk {
    const bti_space *s;
    bti_choose_fn choose;
    void *user;
    bti_point *out; /* active parameters are appended; NULL: not kept */
    int item;       /* being walked */
    int strides;    /* blocks so far whose stride is 2 */
    double prev_out;
    bti_walk_block block[BTI_BLOCKS_MAX];
    bool present[BTI_SLOTS_MAX];
    bti_value value[BTI_SLOTS_MAX];
};

void bti_walk_init(bti_walk *w, const bti_space *s, bti_choose_fn choose, void *user,
                   bti_point *out);
void bti_walk_item(bti_walk *w, int item);
void bti_walk_all(bti_walk *w); /* every item in order */
/* Walks with the values of p. BT_INVAL if p lacks an active parameter. */
bt_status bti_walk_point(bti_walk *w, const bti_space *s, const bti_point *p, bt_error *err);

/* ---- space_params.c ---- */
/* Fills s->params once everything is read: one entry per domain, bounds as wide as references
 * allow. */
bt_status bti_space_list_params(bti_space *s, bt_error *err);

/* ---- domain.c ---- */
bool bti_when_holds(const bti_walk *w, const bti_when *when);
/* Sets is_settled and domain, once the alternative is parsed. */
void bti_alt_settle(bti_alt *a);
/* The alternative as a domain now; false if its condition fails or a name it looks at is absent.
 * Of a constant *d is untouched and *fixed is its value. */
bool bti_alt_now(const bti_walk *w, const bti_alt *a, bti_domain *d, bti_value *fixed);
/* Number of values; 0: continuous. */
uint64_t bti_domain_count(const bti_domain *d);
double bti_domain_at(const bti_domain *d, uint64_t i); /* i-th value (CHOICE: the index) */
double bti_domain_draw(const bti_domain *d, bti_rng *rng);
double bti_domain_middle(const bti_domain *d);          /* unordered lists: the first */
double bti_domain_clamp(const bti_domain *d, double v); /* nearest value of the domain */
/* A value of the domain's kind; CHOICE: by equality, false if it is not listed. */
bool bti_domain_find(const bti_domain *d, bti_value v, double *out);
/* Another value than `from`; a neighbour half of the time when ordered. */
double bti_domain_move(const bti_domain *d, double from, bti_rng *rng);

#endif
