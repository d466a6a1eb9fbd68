/* SPDX-License-Identifier: Apache-2.0
 *
 * Searching an augmentation policy for one network, and verifying a policy by training with it.
 */
#ifndef BANTAM_POLICY_H
#define BANTAM_POLICY_H

#include "bantam/train.h"

typedef struct bt_policy_options {
    const char *model_path; /* the network that is trained with policies */
    const char *data;
    bt_data_options data_opt;
    const char *space_path; /* of policies: a file or a shipped name; NULL: "autoaugment" */
    /* "density": networks trained without a policy judge policies by the loss of images that they
     * have not seen (Lim et al., "Fast AutoAugment", NeurIPS 2019). "training": each policy trains
     * a network of its own for a few epochs (Cubuk et al., "AutoAugment", CVPR 2019). NULL:
     * "density" */
    const char *by;
    const char *sampler;  /* who proposes policies; NULL: "tpe" */
    const char *out_path; /* the policy file, X.yaml; the study is X.db, the rest in X.work/ */
    double budget_s;      /* wall clock of the search; 0: no limit (then trials must be set) */
    bool budget_adds;     /* beyond what the study has used already */
    int trials;           /* policies to try; 0: no limit */
    int folds;            /* of the training images: 2..20 */
    int child_epochs;     /* of training: 0: chosen so that 40 networks fit, at most the recipe's */
    bt_recipe recipe;     /* of every network; its `augment` is not read */
    const char *subset, *val; /* as in training; val is for verification, no search sees it */
    uint64_t seed;
    int threads; /* 0: all cores */
    const char *precision;
    int seeds; /* verification: trainings of each policy */
    bt_stop stop;
    bt_progress progress;
} bt_policy_options;

BT_API bt_policy_options bt_policy_defaults(void); /* 5 folds, 3 seeds, precision "auto" */

/* Searches, or goes on with the study beside out_path, whose settings must be the same (BT_INVAL).
 * When it returns BT_OK out_path holds a valid policy, also after a stop or when time was too short
 * to find any: flip and crop alone is a policy, and the answer when nothing scored better. *json
 * (yours, bt_free; may be NULL): {"policy" text, "path", "study", "by", "found" (false: no policy),
 * "policies" joined, "trials" finished, "metric" ("loss" of density, "accuracy" of training),
 * "score", "plain_score" (of the best trial and of no policy; null: none), "seconds", "used_s" of
 * all sessions}. */
BT_API BT_MUST_USE bt_status bt_policy_search(char **json, const bt_policy_options *opt,
                                              bt_error *err);

/* Trains the network with `seeds` seeds for recipe.epochs under: no policy (the file's flip and
 * crop), RandAugment with 4 settings of n and m, TrivialAugment, and the policy in out_path. What
 * is trained already is not trained again. Judged on the validation images; the test split, if
 * there is one, is read at the end for the table alone. Writes X.md, the table. *json (yours,
 * bt_free): {"table", "path", "rows": [{"name", "policy", "runs", "val_accuracy", "sd", "against"
 * (difference to no policy), "seconds", "test_accuracy"}], "noise" (two standard errors of a
 * difference), "recommended" (policy text), "recommended_name"}. "recommended" is no policy unless
 * another one is better by more than the noise. BT_STOPPED: what was trained is kept. */
BT_API BT_MUST_USE bt_status bt_policy_verify(char **json, const bt_policy_options *opt,
                                              bt_error *err);

#endif
