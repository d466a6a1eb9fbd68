/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations (one row each in ops.def), policies, and the pipeline that turns stored images into
 * batches.
 *
 * Policy grammar (conventions.md): NAME[:key=value[,...]] joined by '+':
 * "flip+crop:4+randaugment:n=2,m=15". Order of application is fixed whatever the list says: policy
 * operations on uint8, flip, crop, normalise. Crop fills with the training mean (exactly 0 after
 * normalisation); crop:pad=4,fill=0 gives black. Everything is addressed by (seed, epoch, sample
 * id): bit-identical for any thread count and ISA.
 */
#ifndef BTI_AUGMENT_H
#define BTI_AUGMENT_H

#include "bantam/augment.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "image/image.h"
#include <stdbool.h>

/* ---- one operation ---- */
typedef enum bti_op {
#define OP(id, name, unit, lo, hi, identity, is_signed, geometric, fn, source) BTI_OP_##id,
#include "augment/ops.def"
#undef OP
    BTI_OP_COUNT
} bti_op;

/* One row of ops.def. */
typedef struct bti_op_info {
    const char *name;
    const char
        *unit;     /* of the value: "degrees", "pixels", ...; NULL: the operation takes no value */
    double lo, hi; /* accepted values */
    double identity;    /* the value that changes nothing, NaN if there is none */
    bool is_signed;     /* RandAugment draws the sign of its magnitude */
    bool geometric;     /* moves pixels */
    const char *source; /* what it equals, bit for bit */
} bti_op_info;

const bti_op_info *bti_op_get(bti_op op); /* static, never NULL */
const char *bti_op_name(bti_op op);
/* BT_INVAL names the nearest operation. Case matters not. */
bt_status bti_op_parse(const char *name, bti_op *op, bt_error *err);

/* src and dst are (h,w,c), c in {1,3}; they must not overlap. value is in the operation's unit and
 * within lo..hi. scratch: bti_op_scratch(h,w,c) bytes, 8-byte aligned. No allocation. */
size_t bti_op_scratch(int h, int w, int c);
void bti_op_apply(bti_op op, double value, const uint8_t *src, uint8_t *dst, int h, int w, int c,
                  void *scratch);

/* ---- policies ---- */
typedef struct bti_policy bti_policy; /* immutable once parsed; may be shared by threads */
/* NULL, "" or "none" give an empty policy. BT_INVAL says what was expected. */
bt_status bti_policy_parse(bti_policy **out, const char *spec, bt_error *err);
void bti_policy_free(bti_policy *p);
/* Canonical text (order and defaults spelled out), yours (bti_free). NULL on no memory. */
char *bti_policy_text(const bti_policy *p);

/* ---- batches ---- */
typedef struct bti_pipeline bti_pipeline;
typedef struct bti_pipeline_options {
    const bti_policy
        *policy;           /* borrowed for the pipeline's life; NULL: only normalise (evaluation) */
    float mean[3], std[3]; /* of pixel / 255 */
    uint64_t seed;
    int threads;
} bti_pipeline_options;

bt_status bti_pipeline_new(bti_pipeline **out, const bti_dataset *set,
                           const bti_pipeline_options *opt,
                           bt_error *err); /* set: borrowed for the pipeline's life */
void bti_pipeline_free(bti_pipeline *p);

/* Fills x (n,c,h,w) float and labels (n) with samples `index` of the set, augmented for `epoch`.
 * No allocation; cannot fail. One caller at a time; works on `threads` threads inside. */
void bti_pipeline_fill(bti_pipeline *p, uint32_t epoch, const int32_t *index, int n, float *x,
                       int32_t *labels);

#endif
