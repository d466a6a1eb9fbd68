/* SPDX-License-Identifier: Apache-2.0
 *
 * A test split for data that has none: part of the training samples is set aside, the same ones for
 * whoever asks with the same rule.
 */
#ifndef BTI_PART_H
#define BTI_PART_H

#include "data/reader.h"

typedef struct bti_part_rule {
    double share;         /* of the samples, stratified; at most BTI_PART_MOST of them */
    const char *group_by; /* NULL, or the regular expression whose groups stay together */
} bti_part_rule;

#define BTI_PART_MOST 10000 /* +-1 point at 95 %: more would be missing in training */

/* Puts itself between *s, which has train but no test, and its reader: from now on both splits are
 * parts of the reader's train, and the marks say so. *s is closed as before. */
bt_status bti_source_part(bti_source *s, const bti_part_rule *rule, bti_source_marks *marks,
                          bt_error *err);

#endif
