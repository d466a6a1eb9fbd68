/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations (one row each in ops.def), policies, and the pipeline that turns stored images into
 * batches.
 *
 * Policy grammar (conventions.md): NAME[:key=value[,...]] joined by '+':
 * "flip+crop:4+randaugment:n=2,m=15", or the name of a YAML file (policy_file.c). Order of
 * application is fixed whatever the list says: policy operations on uint8, flip, crop, cutout,
 * normalise, mixup or cutmix or mosaic. Crop and cutout fill with the training mean (exactly 0
 * after normalisation); crop:pad=4,fill=0 gives black. Everything is addressed by (seed, epoch,
 * sample id): bit-identical for any thread count and ISA.
 */
#ifndef BTI_AUGMENT_H
#define BTI_AUGMENT_H

#include "bantam/augment.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/dataset.h"
#include "image/image.h"
#include <stdbool.h>

/* ---- one operation ---- */
typedef enum bti_op {
#define OP(id, ...) BTI_OP_##id,
#include "augment/ops.def"
#undef OP
    BTI_OP_COUNT
} bti_op;

/* What an operation does to boxes: nothing, they move with the pixels, or parts are painted over.
 */
typedef enum bti_boxes { BTI_BOXES_STAY, BTI_BOXES_MOVE, BTI_BOXES_HIDE } bti_boxes;

/* What the levels of an operation are multiplied by. */
typedef enum bti_level_scale { BTI_SCALE_ONE, BTI_SCALE_WIDTH, BTI_SCALE_HEIGHT } bti_level_scale;

#define BTI_OP_DRAWS 8 /* no operation needs more random numbers */

/* One application. src, dst and partner are (h,w,c), c in {1,3}; dst overlaps none of the others.
 */
typedef struct bti_op_image {
    const uint8_t *src;
    uint8_t *dst;
    int h, w, c;
    void *scratch;             /* bti_op_scratch(h, w, c) bytes, 8-byte aligned */
    double draw[BTI_OP_DRAWS]; /* in [0, 1); the first info->draws are read */
    const uint8_t *partner;    /* read when info->needs_partner */
} bti_op_image;

/* Where pixels come from: the point (x, y) of dst shows the point (X/Z, Y/Z) of src, (X, Y, Z) =
 * m (x, y, 1), row by row; pixel i spans [i, i + 1]. Reads value, sides and draws, no pixels. */
typedef void bti_op_map_fn(double value, const bti_op_image *im, double m[9]);

/* What is painted over: columns [r[0], r[2]) and rows [r[1], r[3]), perhaps none. */
typedef void bti_op_rect_fn(double value, const bti_op_image *im, int r[4]);

/* What a value of a channel becomes: fills to[0..c-1]. Statistics are of im->src as it looks
 * through the tables `before` (NULL: as it is). */
typedef void bti_op_tone_fn(double value, const bti_op_image *im, const uint8_t (*before)[256],
                            uint8_t to[3][256]);

/* One row of ops.def. */
typedef struct bti_op_info {
    const char *name;
    const char
        *unit;     /* of the value: "degrees", "pixels", ...; NULL: the operation takes no value */
    double lo, hi; /* accepted values */
    double identity; /* the value that changes nothing, NaN if there is none */
    struct {
        double from, to; /* at the first and the last level */
        bti_level_scale scale;
    } levels;
    bool is_signed;     /* levels lie on both sides of `identity`; a policy draws the side */
    int draws;          /* random numbers that it needs besides its value */
    bool needs_partner; /* another image of the data set */
    struct {
        bti_boxes effect;
        bti_op_map_fn *map;   /* of MOVE, else NULL */
        bti_op_rect_fn *rect; /* of HIDE, else NULL */
    } boxes;
    void (*fn)(double value, const bti_op_image *im); /* NULL: it is a `tone` */
    bti_op_tone_fn *tone;                             /* NULL: it is an `fn` */
    bool nearest;       /* moves whole pixels: each is one of the source's, or black */
    const char *source; /* what it equals, bit for bit */
} bti_op_info;

const bti_op_info *bti_op_get(bti_op op); /* static, never NULL */
const char *bti_op_name(bti_op op);
/* BT_INVAL names the nearest operation. Case matters not. */
bt_status bti_op_parse(const char *name, bti_op *op, bt_error *err);

size_t bti_op_scratch(int h, int w, int c);
/* value is in the operation's unit and within lo..hi. A pure function of its arguments; no
 * allocation. */
void bti_op_apply(bti_op op, double value, const bti_op_image *im);

/* ---- policies ---- */
typedef struct bti_policy bti_policy; /* immutable once parsed; may be shared by threads */
/* spec: the grammar above, or the path of a .yaml or .yml file; NULL, "" or "none" give an empty
 * policy. BT_INVAL says what was expected; of a file: BT_IO, or BT_FORMAT with its line. */
bt_status bti_policy_parse(bti_policy **out, const char *spec, bt_error *err);
void bti_policy_free(bti_policy *p);
/* Canonical text (order and defaults spelled out), yours (bti_free). NULL on no memory. */
char *bti_policy_text(const bti_policy *p);

/* Its flip and crop and nothing else: what "no policy" means beside it. Yours. */
bt_status bti_policy_standard(bti_policy **out, const bti_policy *p, bt_error *err);
/* The first of n policies with the sub-policies of all: each has one autoaugment, of the same
 * levels. BT_INVAL: they have not, or there are too many sub-policies. Yours. */
bt_status bti_policy_join(bti_policy **out, const bti_policy *const *p, int n, bt_error *err);
/* Appends the policy as a file that bti_policy_parse reads as the same. BT_INVAL: a file holds one
 * of randaugment, trivialaugment, autoaugment and single operations, this policy more. */
bt_status bti_policy_yaml(const bti_policy *p, bti_str *out, bt_error *err);

/* Labels are shared between images: mixup, cutmix or mosaic. NULL does not. */
bool bti_policy_mixes(const bti_policy *p);

/* ---- batches ---- */
typedef struct bti_pipeline bti_pipeline;
typedef struct bti_pipeline_options {
    const bti_policy
        *policy;           /* borrowed for the pipeline's life; NULL: only normalise (evaluation) */
    float mean[3], std[3]; /* of pixel / 255 */
    uint64_t seed;
    int threads;
    /* The samples that may be mixed into others (borrowed for the pipeline's life); NULL: all of
     * the set. Training gives its own part, so that no validation image leaks into a batch. */
    const int32_t *partners;
    int64_t n_partners;
} bti_pipeline_options;

bt_status bti_pipeline_new(bti_pipeline **out, const bti_dataset *set,
                           const bti_pipeline_options *opt,
                           bt_error *err); /* set: borrowed for the pipeline's life */
void bti_pipeline_free(bti_pipeline *p);

/* Fills x (n,c,h,w) float and labels (n) with samples `index` of the set, augmented for `epoch`.
 * No allocation; cannot fail. One caller at a time; works on `threads` threads inside. */
void bti_pipeline_fill(bti_pipeline *p, uint32_t epoch, const int32_t *index, int n, float *x,
                       int32_t *labels);

/* The same with all that can be said of a batch. */
typedef struct bti_batch {
    uint32_t epoch;
    const int32_t *index; /* n samples of the set */
    const int32_t *copy;  /* n: how often the sample came before in this epoch, as each copy is
                             augmented anew; NULL: never */
    int n;
    float *x;        /* (n,c,h,w) */
    int32_t *labels; /* n: the sample's own class; or NULL */
    float *targets;  /* (n,classes): each class's share of the label, 1 in all; or NULL */
} bti_batch;
void bti_pipeline_fill_batch(bti_pipeline *p, const bti_batch *batch);

/* From now on, of whatever the policy has, flip and crop only; or all of it again. */
void bti_pipeline_set_standard(bti_pipeline *p, bool standard);

/* The same sample as pixels, (h,w,c) bytes: what bti_pipeline_fill normalises (copy 0) or what the
 * batch's copy is. What crop and cutout fill with the mean is the mean, rounded. */
void bti_pipeline_show(bti_pipeline *p, uint32_t epoch, int32_t sample, int32_t copy, uint8_t *out);

#endif
