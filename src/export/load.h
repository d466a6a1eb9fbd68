/* SPDX-License-Identifier: Apache-2.0
 *
 * A model directory opened for export: loaded, folded, proven equal; and its int8 version.
 */
#ifndef BTI_LOAD_H
#define BTI_LOAD_H

#include "export/quantise.h"

typedef struct bti_deployable {
    bti_graph *graph;
    float *weights;
    bti_model_meta meta;
    bti_json *result;
    bti_folded *net;
    bti_images images; /* of calibration, or made */
    float *logits;     /* the folded network's, of the images */
    double difference; /* of `logits` from the training engine's */
    bti_chosen int8;   /* quant NULL: f32 */
} bti_deployable;

/* BT_INVAL: dtype is neither "f32" nor "int8". */
bt_status bti_deployable_check(const char *dtype, bt_error *err);

/* int8: quantised as well. quant->calibrate NULL: the data that result.json names (BT_INVAL if it
 * names none); f32: images are made. BT_NOSUPP: a row that cannot be exported, or logits that
 * differ by more than 1e-4 of the largest (nothing is exported that was not proven). */
bt_status bti_deployable_open(bti_deployable *d, const char *model_dir, bool int8,
                              const bt_quant_options *quant, bt_error *err);
/* Adds "images", "difference"; int8 also "calibration", "equalised", "agreement" (bt_export_c). */
void bti_deployable_report(bti_json *o, const bti_deployable *d);
void bti_deployable_close(bti_deployable *d);

#endif
