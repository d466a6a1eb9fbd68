/* SPDX-License-Identifier: Apache-2.0
 *
 * What searching a policy and verifying one share: images, network, and one training with a policy.
 */
#ifndef BTI_POLICY_LAB_H
#define BTI_POLICY_LAB_H

#include "augment/augment.h"
#include "bantam/policy.h"
#include "train/trainer.h"

typedef struct bti_policy_lab {
    const bt_policy_options *opt; /* borrowed */
    bti_data *data;
    bti_view train, val; /* val: of verification alone */
    char *yaml;          /* of the model file */
    bti_graph *graph;
    int threads;
    bti_precision precision; /* F32 or BF16 */
    char *stem;              /* out_path without its .yaml */
    char *work;              /* stem.work */
    int lock;                /* descriptor; held while the lab is open */
} bti_policy_lab;

/* Checks the options, makes the work folder and locks it (BT_BUSY). Close it in any case. */
bt_status bti_policy_lab_open(bti_policy_lab *lab, const bt_policy_options *opt, bt_error *err);
/* Images, network, split. BT_STOPPED: the images were not decoded by deadline_s (0: none). */
bt_status bti_policy_lab_load(bti_policy_lab *lab, double deadline_s, bt_error *err);
void bti_policy_lab_close(bti_policy_lab *lab);

/* A training under the policy text; views, stop and validation are left to set. BT_INVAL: the text
 * is longer than a recipe takes. */
bt_status bti_policy_job(bti_job *job, const bti_policy_lab *lab, const char *augment,
                         uint64_t seed, bt_error *err);
/* A trained network in work/`name`, with `result` (borrowed); and its weights from there
 * (*weights and *result yours; NULL when there are none, or the result differs from `like`). */
bt_status bti_policy_keep(const bti_policy_lab *lab, const char *name, const float *weights,
                          bti_json *result, bt_error *err);
bt_status bti_policy_kept(const bti_policy_lab *lab, const char *name, const bti_json *like,
                          float **weights, bti_json **result, bt_error *err);
/* What a kept training depends on, to be put into its result. Yours. */
bti_json *bti_policy_mark(const bti_policy_lab *lab, const char *augment, uint64_t seed);
/* A key of `like` whose value is another one in `o`, or is not there; NULL: `o` says it all. */
const char *bti_policy_differs(const bti_json *o, const bti_json *like);

/* "flip:p=0.5+crop:pad=4,fill=mean": flip and crop of a policy; yours. */
bt_status bti_policy_plain(char **out, const bti_policy *p, bt_error *err);
/* "PLAIN+more", or `more` alone where PLAIN is "none"; yours, NULL on no memory. */
char *bti_policy_plus(const char *plain, const char *more);

#endif
