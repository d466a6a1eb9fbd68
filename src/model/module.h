/* SPDX-License-Identifier: Apache-2.0
 *
 * A module: one word of the model file, and how it becomes operations. The list is modules.def;
 * adding one is a file in modules/ and a line there.
 */
#ifndef BTI_MODULE_H
#define BTI_MODULE_H

#include "model/builder.h"

typedef struct bti_module {
    const char *args; /* for messages: "[out, kernel, stride=1, ...]" */
    int min_args, max_args;
    bool takes_flat; /* may come after Flatten */
    /* Writes the operations of the current row (`repeat` copies of it) after node x and returns
     * the last one; -1 after a failure. */
    int (*build)(bti_builder *b, int x, int repeat);
} bti_module;

#define MODULE(id, name, ops) extern const bti_module ops;
#include "model/modules/modules.def"
#undef MODULE

const bti_module *bti_module_find(const char *name); /* NULL if unknown */
const char *const *bti_module_names(void);           /* ends with NULL */

/* Conv, DWConv and FixedConv differ only in how channels and groups are found. */
typedef struct bti_conv_args {
    int out, k, stride, pad;
    int groups; /* 0: the greatest common divisor of both channel counts */
    bti_act act;
} bti_conv_args;
int bti_build_convs(bti_builder *b, int x, int repeat, const bti_conv_args *args);

#endif
