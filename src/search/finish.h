/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the final phase: what happens to a model once its weights stand. This is the only place of
 * the search that can open the test split.
 */
#ifndef BTI_FINISH_H
#define BTI_FINISH_H

#include "search/final.h"

/* A pick whose weights stand. */
typedef struct bti_finish {
    const bti_pick *pick;
    const bti_trial *trial;
    int round;
    const bti_graph *graph;
    const char *yaml;
    const float *weights;
    bool retrained;
    int epochs;
    int64_t images;
    double seconds, train_s, train_cpu_s;
    const char *note; /* NULL: none */
} bti_finish;

/* *test NULL when the data has none. */
bt_status bti_finish_open_test(bti_test_data **test, const bti_lab *lab, bt_error *err);

/* Reads test (NULL: not) once and logs the reading, saves the model directory, records it on the
 * trial. *record: what was recorded, yours. */
bt_status bti_finish_model(bti_lab *lab, const bti_finish *f, const bti_test_data *test,
                           bti_json **record, bt_error *err);

/* The same with the weights that the search left for the trial, the fall-back of a pick. `spent`:
 * what a training that came to nothing cost; its other fields are not read. BT_IO, BT_FORMAT: there
 * are no such weights. */
bt_status bti_finish_fallback(bti_lab *lab, const bti_finish *spent, const bti_test_data *test,
                              bti_json **record, bt_error *err);

#endif
