/* SPDX-License-Identifier: Apache-2.0
 *
 * What a module uses to write its primitive operations into a graph: one call per operation, which
 * works out the shape, makes the tensors with their state_dict() names, and checks everything.
 *
 * Errors stick: the first failure is kept in `rc` and *err, and from then on every call returns -1
 * (or the default) and changes nothing. So a module reads as the network it is, and graph.c checks
 * once per row.
 */
#ifndef BTI_BUILDER_H
#define BTI_BUILDER_H

#include "base/error.h"
#include "model/graph.h"

/* Limits: far above any network that trains on a CPU, low enough that no product overflows int64
 * and no hostile file takes long. */
enum {
    BTI_MAX_ROWS = 1000,
    BTI_MAX_REPEAT = 1000,    /* of one row, after depth_multiple */
    BTI_MAX_COPIES = 4096,    /* of all rows together */
    BTI_MAX_CHANNELS = 65536, /* of any map */
    BTI_MAX_MAP = 4096,       /* height or width */
    BTI_MAX_KERNEL = 255,
    BTI_MAX_FLAT = 1 << 24, /* values of a flattened map */
    BTI_NAME_CAP = 128,
};
#define BTI_MAX_FLOATS ((int64_t)1 << 31)

typedef struct bti_builder {
    bti_graph *g;
    const bti_rows *rows;
    const bti_row *row; /* the one being built */
    int row_index;      /* 0-based */
    bool flat;          /* a Flatten or Linear came before: no map any more */
    int node_cap, tensor_cap;
    char prefix[BTI_NAME_CAP]; /* of tensor names: "model.3.0." */
    size_t prefix_len;
    bt_status rc; /* the first failure */
    bt_error *err;
} bti_builder;

/* Fails the row: BT_INVAL with where:line and "row 3 (Conv): ...". Returns -1. */
int bti_row_fail(bti_builder *b, const char *fmt, ...) BT_PRINTF(2, 3);

/* --- Arguments of the current row: position i; a missing one gives `otherwise` ------------------
 */

bool bti_arg_given(const bti_builder *b, int i); /* there, and not null */
int bti_arg_int(bti_builder *b, int i, const char *name, int lo, int hi, int otherwise);
bool bti_arg_bool(bti_builder *b, int i, const char *name, bool otherwise);      /* 0/1 are fine */
double bti_arg_ratio(bti_builder *b, int i, const char *name, double otherwise); /* > 0 */
bti_act bti_arg_act(bti_builder *b, int i, bti_act otherwise); /* null = identity */
/* Output channels: the written number times width_multiple, rounded by bti_round_channels(). */
int bti_arg_channels(bti_builder *b, int i, const char *name);
/* Padding of a convolution: missing, null and 0 are floor(k/2); [0] is a literal 0. */
int bti_arg_pad(bti_builder *b, int i, int k);
/* n, or [h, w]. */
void bti_arg_extent(bti_builder *b, int i, const char *name, int otherwise, int *h, int *w);

/* The nearest multiple of 8, at least 8, never more than 10 % below v. Saturates above
 * BTI_MAX_CHANNELS. */
int bti_round_channels(double v);

/* --- Names: a stack of state_dict() levels -------------------------------------------------------
 */

size_t bti_name_push(bti_builder *b, const char *level); /* returns the mark to pop to */
size_t bti_name_push_index(bti_builder *b, int i);
void bti_name_pop(bti_builder *b, size_t mark);

/* --- Operations: each returns the index of its output node --------------------------------------
 */

typedef struct bti_conv_spec {
    int out, k, stride, groups;
    int pad_lo; /* rows above and columns to the left */
    int pad_hi; /* rows below and columns to the right */
    bool bias;
} bti_conv_spec;

typedef struct bti_pool_spec {
    bool max; /* else average */
    int k, stride, pad, dilation;
    bool ceil_mode, count_include_pad;
} bti_pool_spec;

const bti_node *bti_at(const bti_builder *b, int x); /* the node of x; all zero if x is -1 */
int bti_channels(const bti_builder *b, int x);

int bti_add_conv(bti_builder *b, int x, const char *name, const bti_conv_spec *spec);
int bti_add_bn(bti_builder *b, int x, const char *name);
int bti_add_act(bti_builder *b, int x, bti_act act); /* IDENTITY: x itself */
int bti_add_sum(bti_builder *b, int x, int y);
int bti_add_scale(bti_builder *b, int x, int s);
int bti_add_pool(bti_builder *b, int x, const bti_pool_spec *spec);
int bti_add_average(bti_builder *b, int x, int h, int w); /* adaptive; x itself if it is h x w */
int bti_add_flatten(bti_builder *b, int x);
int bti_add_linear(bti_builder *b, int x, const char *name, int out);

/* --- Groups of operations that several modules share -------------------------------------------
 */

/* conv (no bias, padding k/2), BN and activation, named conv_name and bn_name. */
int bti_add_conv_bn_act(bti_builder *b, int x, const char *conv_name, const char *bn_name,
                        const bti_conv_spec *spec, bti_act act);

typedef struct bti_se_spec {
    const char *reduce, *expand; /* names of the two 1x1 convolutions */
    int hidden;
    bti_act act, gate;
} bti_se_spec;
/* Squeeze-and-excite: x * gate(expand(act(reduce(mean(x))))), both convolutions with bias. */
int bti_add_squeeze_excite(bti_builder *b, int x, const bti_se_spec *spec);

#endif
