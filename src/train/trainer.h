/* SPDX-License-Identifier: Apache-2.0
 *
 * The training loop as the search uses it: data already open, a graph already checked.
 */
#ifndef BTI_TRAINER_H
#define BTI_TRAINER_H

#include "bantam/train.h"
#include "base/json.h"
#include "data/dataset.h"
#include "nn/net.h"

typedef struct bti_epoch {
    int epoch;           /* 1-based, just finished */
    double loss;         /* mean training loss of the epoch */
    double val_accuracy; /* negative: not measured in this epoch; then the next two neither */
    double val_f1_macro, val_balanced_accuracy;
    double images_per_s;
} bti_epoch;

typedef struct bti_job {
    const bti_graph *graph; /* borrowed */
    const bti_view *train;  /* borrowed */
    const bti_view *val;    /* borrowed; NULL or n = 0: no validation */
    const bti_view
        *extra; /* borrowed; more training samples from another split (a val folder), or NULL */
    float mean[3], std[3];
    bt_recipe recipe;
    uint64_t seed;
    int threads;
    /* More threads, that make batches before a step wants them; -1: of the cores that `threads`
     * leaves, at most as many again. Results do not depend on it. */
    int ahead;
    bti_precision precision; /* of training and its validations; default F32 */
    bti_slab *maps;          /* for bti_net_options.maps of the training net; NULL: none */
    int eval_every;          /* validate after every k-th epoch and the last; 0: only the last */
    const int *eval_at;      /* and after these, n_eval_at rising numbers of epochs; borrowed */
    int n_eval_at;
    const char *checkpoint; /* path; written every checkpoint_s seconds (at epoch ends and when
                             * stopped), removed by the caller; NULL: none. If it exists and
                             * `resume`, training goes on from it. */
    double checkpoint_s;
    bool resume;
    bt_stop stop;
    /* When training is to be over, bt_now() scale; 0: after recipe.epochs. With it the schedule
     * goes by the clock: its length is estimated anew before each step, so that the learning rate
     * comes to its end when the time does. recipe.epochs is then the most; not repeatable bit for
     * bit. */
    double finish_s;
    bt_progress progress;
    /* After each epoch; non-zero stops the job with BT_STOPPED. May be NULL. */
    int (*on_epoch)(void *user, const bti_epoch *e);
    /* Every snapshot_s seconds, between two steps: the weights so far (plain, graph->n_floats,
     * borrowed for the call), `images` trained on. May be NULL. */
    void (*on_snapshot)(void *user, const float *weights, int64_t images);
    double snapshot_s;
    void *user;
} bti_job;

typedef struct bti_outcome {
    int epochs_done;
    double loss, val_accuracy; /* val negative if not measured */
    double val_f1_macro, val_balanced_accuracy;
    double images_per_s;            /* over training steps, batch assembly included */
    double train_s, eval_s;         /* wall seconds in steps / in validation */
    double train_cpu_s, eval_cpu_s; /* CPU seconds of the same */
    double prior_s;      /* wall seconds in steps before this call, from the checkpoint */
    double first_step_s; /* bt_now() when the first step began; 0: there was none */
    int64_t images;      /* trained on, counted once per epoch */
    float *weights;      /* plain, graph->n_floats; yours (bti_free); set also on BT_STOPPED */
    bti_json *curve;     /* [{"epoch","loss","val_accuracy","images_per_s"}]; yours */
} bti_outcome;

bti_job bti_job_defaults(void);
/* BT_DIVERGED, BT_STOPPED (outcome is filled as far as it got), BT_NOMEM, BT_INVAL. */
bt_status bti_train_job(bti_outcome *out, const bti_job *job, bt_error *err);
void bti_outcome_release(bti_outcome *o);

/* Class counts of predictions on a view: accuracy, interval and F1 come from it. */
typedef struct bti_score {
    int64_t n, correct;
    double accuracy, lo, hi; /* 95 % Wilson interval */
    double top5;             /* share whose true class is among the five likeliest */
    double macro_f1;         /* a class without predictions and examples scores 0 */
    double balanced;         /* mean recall of the classes that have examples */
    int classes;
    double *recall, *precision, *f1; /* classes each; yours via bti_score_release */
    int64_t *count;
    int64_t *confusion; /* (classes, classes): [truth][prediction] */
    int32_t *guess;     /* n: what each sample was taken for */
} bti_score;
bt_status bti_evaluate(bti_score *out, const bti_graph *g, const float *weights,
                       const bti_dataset *set, const bti_view *view /* NULL: all of set */,
                       const float mean[3], const float std[3], int threads, bt_error *err);
void bti_score_release(bti_score *s);

/* Another engine than nn/, integer kernels for example: logits (classes) of one image (h,w,c).
 * Called from `threads` threads at once, `thread` in 0..threads-1. */
typedef struct bti_predictor {
    void (*run)(void *ctx, int thread, const uint8_t *image, float *logits);
    void *ctx;
    int threads;
} bti_predictor;
/* bti_evaluate() of a view by that engine. */
bt_status bti_evaluate_by(bti_score *out, const bti_graph *g, const bti_predictor *by,
                          const bti_view *view, bt_error *err);
/* bt_eval() with predictions by another engine (NULL: nn/). BT_INVAL with opt->under: that engine
 * takes images as they are. */
bt_status bti_eval_by(char **json, const bt_eval_options *opt, const bti_predictor *by,
                      bt_error *err);

/* The network of a model file for the images and classes of `data`, and the file's text; both
 * yours. Both are NULL before; after a failure, too, they may be set. */
bt_status bti_model_read(bti_graph **g, char **yaml, const char *path, const bti_data *data,
                         const bt_progress *progress, bt_error *err);

/* ---- model directories: model.yaml + weights.safetensors (metadata: class names, mean/std, resize
 * rule, input size, model YAML) + result.json, each atomic ---- */
typedef struct bti_model_meta {
    char **class_names;
    int classes;
    float mean[3], std[3];
    char resize_rule[32];
    int c, h, w;
} bti_model_meta;
bt_status bti_model_save(const char *dir, const char *model_yaml, const bti_graph *g,
                         const float *weights, const bti_model_meta *meta, const bti_json *result,
                         bt_error *err);
/* Loads all three; yours: bti_graph_free, bti_free(weights), bti_model_meta_release, bti_json_free.
 */
bt_status bti_model_load(const char *dir, bti_graph **g, float **weights, bti_model_meta *meta,
                         bti_json **result, bt_error *err);
void bti_model_meta_release(bti_model_meta *m);

#endif
