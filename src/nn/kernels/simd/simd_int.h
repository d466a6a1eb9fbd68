/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the kernels of one instruction set, bti_simd_<name>_<isa>, shared by the files of simd/
 * so that table.c can list them. Meanings: simd.h.
 */
#ifndef BTI_SIMD_INT_H
#define BTI_SIMD_INT_H

#include "nn/kernels/simd/simd.h"

#define SIMD_PASTE(name, isa) bti_simd_##name##_##isa
#define SIMD_EXPAND(name, isa) SIMD_PASTE(name, isa)
#define SIMD(name) SIMD_EXPAND(name, BTI_SIMD)

double SIMD(peak)(int64_t rounds, float *out);
void SIMD(stats)(const bti_simd_map *m, const void *x, double *mean, double *m2, int64_t seen);
void SIMD(norm)(const bti_simd_norm *p, const void *x, const void *r, void *y);
void SIMD(norm_reduce)(const bti_simd_norm *p, const void *x, const void *r, void *dy, double *s1,
                       double *s2);
void SIMD(norm_apply)(const bti_simd_norm *p, const float *abc, const void *x, const void *dy,
                      void *dx);
void SIMD(act)(const bti_simd_map *m, bti_act act, const void *x, void *y);
void SIMD(act_back)(const bti_simd_map *m, bti_act act, const void *x, const void *dy, void *dx);
void SIMD(softmax)(const bti_simd_map *m, const void *x, void *y);
void SIMD(softmax_back)(const bti_simd_map *m, const void *y, const void *dy, void *dx);
void SIMD(add)(int64_t n, const void *a, const void *b, void *y);
void SIMD(accumulate)(int64_t n, void *a, const void *b);
void SIMD(multiply)(int64_t n, float *a, const float *b);
void SIMD(scale)(const bti_simd_map *m, bti_act act, const void *z, const float *s, void *u);
void SIMD(scale_back)(const bti_simd_map *m, bti_act act, const void *z, const float *s,
                      const void *du, void *dz, float *ds);
void SIMD(mean)(const bti_simd_window *w, const void *x, float *y);
void SIMD(mean_back)(const bti_simd_window *w, const float *dy, void *dx, bool add);
void SIMD(maxpool)(const bti_simd_window *w, const void *x, void *y, int32_t *arg);
void SIMD(maxpool_back)(const bti_simd_window *w, const int32_t *arg, const void *dy, void *dx);
void SIMD(avgpool)(const bti_simd_window *w, const void *x, void *y);
void SIMD(avgpool_back)(const bti_simd_window *w, const void *dy, void *dx);
void SIMD(depthwise)(const bti_simd_window *w, const void *x, const float *wei, void *y);
void SIMD(depthwise_back_data)(const bti_simd_window *w, const void *dy, const float *wei,
                               void *dx);
void SIMD(depthwise_back_weights)(const bti_simd_window *w, const void *x, const void *dy,
                                  float *dw);
void SIMD(linear)(const bti_simd_linear *p, const float *x, const float *w, const float *bias,
                  float *y);
void SIMD(linear_back_data)(const bti_simd_linear *p, const float *dy, const float *w, float *dx);
void SIMD(linear_back_weights)(const bti_simd_linear *p, const float *x, const float *dy, float *dw,
                               float *dbias, bool add);
void SIMD(widen)(int64_t n, const void *x, float *y);
void SIMD(narrow)(int64_t n, const float *x, void *y);
void SIMD(pack)(const bti_simd_map *m, const float *plain, void *y);
void SIMD(flatten)(const bti_simd_map *m, int row, const void *x, float *y);
void SIMD(flatten_back)(const bti_simd_map *m, int row, const float *dy, void *dx);
void SIMD(pad)(const bti_simd_window *w, const void *x, void *y);
void SIMD(pad_back)(const bti_simd_window *w, const void *dy, void *dx);

#if BTI_BF16
size_t SIMD(matrix_scratch)(const bti_simd_matrix *p);
void SIMD(matrix_pack)(const bti_simd_matrix *p, const float *w, void *packed);
void SIMD(matrix_pack_back)(const bti_simd_matrix *p, const float *w, void *packed);
void SIMD(matrix)(const bti_simd_matrix *p, const void *x, const void *w, void *y,
                  const bti_simd_tail *to);
void SIMD(matrix_back_weights)(const bti_simd_matrix *p, const void *x, const void *dy, float *dw,
                               bool add, void *scratch);
size_t SIMD(depth_scratch)(const bti_simd_window *w);
void SIMD(depth)(const bti_simd_window *w, const bti_simd_norm *pre, const void *x,
                 const float *wei, void *y, const bti_simd_tail *to, void *scratch);
void SIMD(depth_back)(const bti_simd_window *w, const bti_simd_depth_back *p, void *scratch);
size_t SIMD(depth_back_scratch)(const bti_simd_window *w); /* of depth_back alone */
size_t SIMD(stem_scratch)(const bti_simd_window *w);
void SIMD(stem_pack)(int ocb, const float *w, void *packed);
void SIMD(stem)(const bti_simd_window *w, int channels, int ocb, const float *plain,
                const void *packed, void *y, const bti_simd_tail *to, void *scratch);
void SIMD(stem_back_weights)(const bti_simd_window *w, int channels, int ocb, const float *plain,
                             const void *dy, float *dw, bool add, void *scratch);
#endif

#endif
