/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy search: a study whose trials are policies, scored by one of two ways.
 *
 * The study holds everything that scores depend on (settings, and what was measured to choose
 * them), so that a search goes on with scores that can be compared. The work folder is locked: one
 * process works at a time, and a trial that is RUNNING without it was interrupted.
 */
#ifndef BTI_POLICY_SEARCH_H
#define BTI_POLICY_SEARCH_H

#include "search/policy_lab.h"
#include "space/space.h"
#include "study/sampler.h"

#define BTI_FOLDS_MAX 20

typedef struct bti_policy_search bti_policy_search;

/* How policies are scored. */
typedef struct bti_policy_way {
    const char *name;   /* "density", "training" */
    const char *metric; /* of the study */
    bool maximize;
    int policies_a_fold; /* so many of a fold's best are joined, at least 1, at most of all folds */
    int policies_most;
    /* Makes ready to score: s->n_parts, s->plain_score of each part, s->measured. Goes on from what
     * the work folder and s->measured hold. BT_STOPPED: no time was left for it. */
    bt_status (*prepare)(bti_policy_search *s, bt_error *err);
    /* The score of a policy in a part; nothing is kept on BT_STOPPED. BT_DIVERGED: it has none. */
    bt_status (*score)(bti_policy_search *s, int part, const char *policy, double *value,
                       bt_error *err);
    void (*release)(bti_policy_search *s);
} bti_policy_way;
extern const bti_policy_way bti_policy_density, bti_policy_training;

/* One of the folds of the training images. */
typedef struct bti_policy_part {
    bti_view rest, held;
    bti_view sample; /* of held: what policies are scored on; borrows its set, owns its index */
    float *weights;  /* density: a network trained on rest without a policy */
} bti_policy_part;

struct bti_policy_search {
    bti_policy_lab lab;
    const bti_policy_way *way;
    char *space_text;
    bti_space *space;
    char *plain; /* text of "no policy" */
    bti_storage *study;
    bool is_new; /* the study was made by this session */
    bti_trials trials;
    bti_json *measured; /* study attribute; {"epochs" or "images", "plain": [scores]} */
    const bti_sampler_ops *sampler;
    const char *sampler_params;
    int n_parts; /* that are scored in: density: folds, training: 1 */
    bti_policy_part part[BTI_FOLDS_MAX];
    double plain_score[BTI_FOLDS_MAX];
    double began_s, deadline_s; /* bt_now() scale; deadline 0: none */
    double used_s, written_s;   /* of earlier sessions; when the policy was last written */
    double longest_s;           /* of a trial of this session */
    bti_net *net;               /* density: of inference ... */
    int net_part;               /* ... with the weights of this part */
    float *least;               /* density: least loss of each image of a sample */
    int32_t *label;             /* density: of a batch */
};

/* The stop of everything that the search does. */
bt_stop bti_policy_stop(const bti_policy_search *s);
/* Writes s->measured and the seconds used so far to the study. */
bt_status bti_policy_save(bti_policy_search *s, bt_error *err);

/* ---- the study (policy_study.c) ---- */
/* Opens or makes stem.db (s->is_new); loads trials, s->measured with the scores of no policy, and
 * s->used_s. BT_INVAL: it is the study of another way, or there is a policy file without a study.
 */
bt_status bti_policy_study_open(bti_policy_search *s, bt_error *err);
/* Writes the settings of a new study, or checks them: BT_INVAL names the one that differs. */
bt_status bti_policy_study_settle(bti_policy_search *s, bt_error *err);
/* Removes a study in which nothing has happened. */
void bti_policy_study_drop(bti_policy_search *s);
/* Policy text of a point, canonical; yours. */
bt_status bti_policy_of_point(const bti_policy_search *s, const bti_point *p, char **text,
                              bt_error *err);
/* The next trial: an interrupted one, or a new proposal. *id -1: there is none left. *policy is
 * yours. */
typedef struct bti_policy_trial {
    int64_t id;
    int number, attempt, part;
    char *policy;
} bti_policy_trial;
bt_status bti_policy_next(bti_policy_search *s, bti_policy_trial *t, bt_error *err);
/* Records how it ended: BT_OK with its value, BT_STOPPED (given back), another status with why. */
bt_status bti_policy_end(bti_policy_search *s, const bti_policy_trial *t, bt_status scored,
                         double value, double seconds, const bt_error *why, bt_error *err);

/* ---- the answer (policy_choice.c) ---- */
typedef struct bti_policy_choice {
    char *text;          /* canonical; yours */
    int n_policies;      /* joined; 0: no policy was better than none */
    int n_trials;        /* complete */
    double score, plain; /* of the best trial, of no policy in its part; NaN: none */
} bti_policy_choice;
bt_status bti_policy_choose(bti_policy_search *s, bti_policy_choice *out, bt_error *err);
/* The policy file. */
bt_status bti_policy_write(const bti_policy_search *s, const bti_policy_choice *c, bt_error *err);
void bti_policy_choice_release(bti_policy_choice *c);

#endif
