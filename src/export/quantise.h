/* SPDX-License-Identifier: Apache-2.0
 *
 * From f32 to int8: observing maps on calibration images, choosing ranges, rounding weights.
 */
#ifndef BTI_QUANTISE_H
#define BTI_QUANTISE_H

#include "bantam/export.h"
#include "export/prove.h"
#include "export/quantised.h"

#define BTI_BINS 1024

typedef enum bti_range_rule {
    BTI_RANGE_MINMAX,     /* everything seen */
    BTI_RANGE_PERCENTILE, /* all but 0.01 % of the values at each end */
    BTI_RANGE_MSE,        /* least squared error of rounding and clipping */
    BTI_RANGE_COUNT
} bti_range_rule;
extern const char *const bti_range_names[BTI_RANGE_COUNT]; /* "minmax", ... */

/* What the maps of every operation held on the calibration images. */
typedef struct bti_map_stats {
    float *lo, *hi;  /* by operation */
    int64_t *bins;   /* (operation, BTI_BINS): counts of values between lo and hi */
    int64_t *first;  /* by operation: where its channels begin in the arrays below */
    double *mean;    /* by channel of each operation */
    float *peak;     /* largest |value| by channel */
    double pixel[3]; /* mean of the image by channel, 0..255 */
} bti_map_stats;
bt_status bti_map_stats_collect(bti_map_stats *out, const bti_folded *f, const bti_images *m,
                                int threads, bt_error *err);
void bti_map_stats_release(bti_map_stats *o);

/* BT_NOSUPP names the row that int8 cannot do whatever its weights are: Softmax, and sums that
 * could overflow. */
bt_status bti_int8_check(const bti_folded *f, bt_error *err);

/* Rounds. Biases are corrected for the mean error that rounded weights make (Nagel et al.,
 * "Data-free quantization through weight equalization and bias correction", ICCV 2019, 4.2).
 * f is borrowed for the life of the result. BT_NOSUPP names the row that int8 cannot do. */
bt_status bti_quantise(bti_quantised **out, const bti_folded *f, const bti_map_stats *seen,
                       bti_range_rule rule, bt_error *err);

/* Equalises channels between pairs of convolutions with nothing or a ReLU between them (the same
 * paper, 4.1): a channel is divided by s, and what reads it multiplied by s. f32 results stay the
 * same but for rounding. Weights have a scale a channel here, so the range to share out is that of
 * the map: s = sqrt(peak of the channel / largest weight that reads it), as Xiao et al.,
 * "SmoothQuant", 2023. Returns the pairs found. */
int bti_equalise(bti_folded *f, const bti_map_stats *seen);

/* Logits (n,classes) as real numbers; yours, bti_free. */
bt_status bti_quantised_logits(float **out, const bti_quantised *q, const bti_images *m,
                               int threads, bt_error *err);

/* Everything together: observes, tries, keeps what is nearest to `want` (f32 logits of the images;
 * the first 128 of them).
 * rule: a name of bti_range_names, with plain channels; "auto": every rule, with plain and with
 * equalised channels. f is borrowed for the life of the result; `copy`, the same network, is
 * equalised and may be freed. BT_INVAL: no such rule. */
typedef struct bti_chosen {
    bti_quantised *quant; /* yours, bti_quantised_free */
    bti_range_rule rule;
    bool equalised;
    double difference; /* as bti_difference() */
    double agreement;  /* share of images with the same class */
} bti_chosen;
bt_status bti_quantise_best(bti_chosen *out, const bti_folded *f, bti_folded *copy,
                            const bti_images *m, const float *want, const char *rule, int threads,
                            bt_error *err);

#endif
