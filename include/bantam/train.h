/* SPDX-License-Identifier: Apache-2.0
 *
 * Training one model, and measuring a trained one.
 */
#ifndef BANTAM_TRAIN_H
#define BANTAM_TRAIN_H

#include "bantam/data.h"
#include <stdbool.h>

/* How to train: every key, its default, range and help is one row of src/train/recipe.def. */
typedef struct bt_recipe {
    int epochs;
    int batch;
    double lr; /* peak learning rate */
    double weight_decay;
    char decay[16];     /* "all": on every parameter, as PyTorch; "weights": not on BN and biases */
    char schedule[96];  /* "cosine", "constant", "onecycle:pct_start=0.3", "step:every=30,gamma=0.1"
                         */
    char optimizer[16]; /* "sgd", "adam", "adamw" */
    double momentum;    /* Adam: beta 1 */
    double beta2;       /* Adam only */
    bool nesterov;      /* SGD only */
    double warmup;      /* epochs of linear warm-up from 0 */
    double label_smoothing;
    double clip;            /* largest L2 norm of all gradients; 0: any */
    double ema;             /* decay of the moving average of the weights; 0: none */
    char class_weights[32]; /* "none", "balanced": images / (classes * images of the class),
                               "effective:beta=0.9999" */
    char sampling[32]; /* "shuffle": each image once; "balanced", "sqrt", "oversample:ratio=0.5" */
    double logit_adjustment; /* tau of Menon et al. 2021; 0: none */
    int no_aug_epochs;       /* the last epochs keep flip and crop of `augment` and nothing else */
    char augment[4096];      /* policy, "flip+crop:4"; bt_recipe_set also reads a policy file */
} bt_recipe;

BT_API bt_recipe bt_recipe_defaults(void);
/* Sets one key from text ("lr", "0.1"). `where`/`line` name the source in errors (NULL, 0: the
 * option). */
BT_API BT_MUST_USE bt_status bt_recipe_set(bt_recipe *r, const char *key, const char *value,
                                           const char *where, int line, bt_error *err);
/* Reads a YAML mapping of recipe keys over *r. Keys `subset`, `val`, `seed`, `threads` are allowed
 * and returned through `other` (may be NULL): called with each. */
BT_API BT_MUST_USE bt_status bt_recipe_load(bt_recipe *r, const char *path,
                                            bt_status (*other)(void *user, const char *key,
                                                               const char *value, int line,
                                                               bt_error *err),
                                            void *user, bt_error *err);

/* The data file of the course baseline: DATA_PATH, DATASET, IMG_SIZE, AUG_TRAIN, AUG_TEST,
 * AUG_TRAIN_PARAMS, AUG_TEST_PARAMS, BATCH_SIZE, EPOCHS, VAL_RATIO, INIT_LR, FP16 (docs/course.md).
 */
typedef struct bt_data_file {
    char data[1024];  /* DATA of bantam: a path, or the name of a data set */
    char val[32];     /* as bt_train_options.val; empty: auto (the data's own folder) */
    int size;         /* 0: the images' own */
    bt_recipe recipe; /* train.py's: Adam without decay, one cycle, the file's augmentation */
} bt_data_file;
/* BT_INVAL or BT_FORMAT names the key, with the line of the file. */
BT_API BT_MUST_USE bt_status bt_data_file_load(bt_data_file *out, const char *path,
                                               const bt_progress *progress, bt_error *err);

typedef struct bt_train_options {
    const char *model_path;
    const char *data;
    bt_data_options data_opt;
    bt_recipe recipe;
    const char *subset; /* NULL: all */
    const char *val;    /* NULL: auto; "0": train on everything */
    uint64_t seed;
    int threads;           /* 0: all cores */
    const char *precision; /* "auto", "f32", "bf16" (maps and gradients; needs AVX512_BF16) */
    int ahead;             /* threads that make batches ahead; negative: of the cores left */
    const char *out_dir;   /* NULL: nothing is written */
    bool resume;           /* go on from out_dir/checkpoint, bit for bit */
    bt_stop stop;
    bt_progress progress;
} bt_train_options;

BT_API bt_train_options bt_train_defaults(void);

/* Trains and, with out_dir, leaves model.yaml, weights.safetensors, result.json (and a checkpoint
 * while it runs). *json (yours, bt_free; may be NULL) receives the result:
 * {"model","params","macs","hash","epochs","seed","threads","isa","precision","train_images","val_images","loss",
 *  "val_accuracy","test_accuracy"(null: training reads no test image),"images_per_s","seconds",
 * "curve":[...]}. BT_DIVERGED in the step where the loss becomes non-finite; BT_STOPPED after
 * saving a checkpoint. */
BT_API BT_MUST_USE bt_status bt_train(char **json, const bt_train_options *opt, bt_error *err);

typedef struct bt_eval_options {
    const char *model_dir; /* model.yaml + weights.safetensors */
    const char *data;
    bt_data_options data_opt;
    const char *split; /* "val" (the split the model was validated on) or "test" */
    /* With test: a CSV file to write, "path,class,prediction" of each image in the order of the
     * data, paths below DATA; NULL: none */
    const char *predictions;
    int threads; /* 0: all cores */
    /* Measured again with every image changed by one operation: "Rotate:15", "Equalize", or "all"
     * for a grid of all operations. n_under of them; src/train/under.h has the grid. */
    const char *const *under;
    int n_under;
    bt_progress progress;
} bt_eval_options;

/* {"accuracy","interval":[lo,hi],"top5","macro_f1","balanced_accuracy","n","per_class":[{"class",
 * "n","recall","precision","f1"}],"confusion":[[...]]}; interval: 95 % Wilson; balanced accuracy:
 * the mean recall of classes with examples; confusion: a row for each true class, a column for each
 * predicted one. With `under` also "under": [{"op","value","unit","accuracy","interval",
 * "macro_f1","balanced_accuracy","change"}] in the order asked for; value null for an operation
 * without one, change: of the accuracy. The same numbers at every call. Yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_eval(char **json, const bt_eval_options *opt, bt_error *err);

typedef struct bt_predict_options {
    const char *model_dir;
    const char *const *image; /* n_images paths of JPEG, PNG or WebP files */
    int64_t n_images;
    int top;             /* likeliest classes to list of each; more than there are: all */
    int threads;         /* 0: all cores */
    const char *program; /* decodes the images, as in bt_data_options; NULL: this process does */
} bt_predict_options;

/* Classes of image files, in their order: [{"path", "top": [{"class", "p"}, ...]}, ...], p by
 * softmax. Images are converted, padded to a square, resized and normalised as the model's data set
 * was. A file that cannot be read is {"path", "error"} and stops nothing. Yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_predict(char **json, const bt_predict_options *opt, bt_error *err);

typedef struct bt_logits_options {
    const char *model_dir;
    const char *input;  /* .npy: float32 (n,c,h,w) as the network takes it, normalised; or uint8
                           (n,h,w,c), or (n,h,w) for grey, which is normalised as in training */
    const char *output; /* .npy: float32 (n,classes) */
    bool train_mode;    /* batch normalisation by the statistics of the whole input */
    int threads;        /* 0: all cores */
} bt_logits_options;

/* The network's outputs before softmax, to compare engines by. Writes `output` atomically. */
BT_API BT_MUST_USE bt_status bt_logits(const bt_logits_options *opt, bt_error *err);

typedef struct bt_bench_options {
    const char *model_path;
    int batch;             /* images a step */
    int threads;           /* 0: all cores */
    const char *precision; /* "auto", "f32", "bf16" */
    bool breakdown;        /* also time and bytes by group of operations */
} bt_bench_options;

BT_API bt_bench_options bt_bench_defaults(void); /* batch 128, all cores, auto */

/* One training step's speed (random images, batch assembly included), a JSON object:
 * {"model","images_per_s","step_ms","precision","peak_rss_bytes","gflops","peak_gflops",
 * "share_of_peak","breakdown":[{"group","ms","mbytes","gbytes_per_s","gflops"}]}. Peak: measured
 * now; with bf16 depthwise convolutions count at the f32 peak, all else at the bf16 peak. Yours,
 * bt_free. */
BT_API BT_MUST_USE bt_status bt_bench_train(char **json, const bt_bench_options *opt,
                                            bt_error *err);

/* Speed of prediction, model_path a model file or a directory of a trained model: the median pass
 * over `batch` images, a JSON object: {"model","params","macs","batch","threads","engine",
 * "wall_ms","cpu_ms","runs","breakdown":[...]}. cpu_ms: of all threads. Yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_bench_infer(char **json, const bt_bench_options *opt,
                                            bt_error *err);

#endif
