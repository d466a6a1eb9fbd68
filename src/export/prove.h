/* SPDX-License-Identifier: Apache-2.0
 *
 * Images to try an export on, and the proof that the folded network is the trained one.
 */
#ifndef BTI_PROVE_H
#define BTI_PROVE_H

#include "export/folded.h"
#include "train/trainer.h"

typedef struct bti_images {
    uint8_t *pixels; /* (n,h,w,c) */
    int n;
} bti_images;
void bti_images_release(bti_images *m);

/* spec: "DATA" or "DATA:N" (500): that many images, evenly over the training split. BT_INVAL: the
 * data's classes are not the model's; too few images are fine. */
bt_status bti_images_open(bti_images *out, const char *spec, const bti_model_meta *meta,
                          const bt_data_options *data_opt, bt_error *err);
/* At most n images, evenly over the view. */
bt_status bti_images_take(bti_images *out, const bti_view *view, int n, bt_error *err);
/* n images of smooth colour and noise, always the same. */
bt_status bti_images_make(bti_images *out, int n, const bti_model_meta *meta, bt_error *err);

/* The training engine's logits (n,classes); yours, bti_free. */
bt_status bti_engine_logits(float **out, const bti_graph *g, const float *weights,
                            const bti_model_meta *meta, const bti_images *m, int threads,
                            bt_error *err);
/* The folded network's, by the exported kernels. */
bt_status bti_folded_logits(float **out, const bti_folded *f, const bti_images *m, int threads,
                            bt_error *err);
/* Largest |a - b| as a share of the largest |b|. */
double bti_difference(const float *a, const float *b, int64_t n);

#endif
