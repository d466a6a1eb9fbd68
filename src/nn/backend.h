/* SPDX-License-Identifier: Apache-2.0
 *
 * What an engine must do to stand behind net.h: one table of functions. A backend adds its own
 * fields after bti_net (which is its first member); net.c only dispatches. Private to nn/.
 */
#ifndef BTI_BACKEND_H
#define BTI_BACKEND_H

#include "nn/net.h"

/* Contract of every function: as its namesake in net.h. Pointers that input, logits, dlogits and
 * flat return stay the same for the net's life. Only `new` can fail. */
typedef struct bti_backend_ops {
    const char *(*name)(const bti_net *net); /* "ref"; borrowed for the net's life */
    /* Compiles; weights zero, running variance 1. opt is checked (batch, threads >= 1). The
     * backend's struct begins with a bti_net; net.c fills its fields after a successful return, so
     * `new` must not rely on them. On failure *out is NULL. */
    bt_status (*new)(bti_net **out, const bti_graph *g, const bti_net_options *opt, bt_error *err);
    void (*free)(bti_net *net); /* never NULL; frees the struct too */
    void (*forward)(bti_net *net, bool training);
    void (*backward)(bti_net *net);
    bti_flat (*flat)(bti_net *net);
    int64_t (*flat_range)(const bti_net *net, int tensor, int64_t *offset);
    void (*set_weights)(bti_net *net, const float *plain);
    void (*get_weights)(bti_net *net, float *plain);
    void (*get_grads)(bti_net *net, float *plain);
    float *(*input)(bti_net *net);
    const float *(*logits)(bti_net *net);
    float *(*dlogits)(bti_net *net);
    int64_t (*bytes)(const bti_net *net);
    bool (*profile)(bti_net *net, bool on); /* NULL: this backend does not measure */
    int (*breakdown)(const bti_net *net, bti_net_group *out, int cap);
} bti_backend_ops;

struct bti_net {
    const bti_backend_ops *ops;
    const bti_graph *graph; /* borrowed */
    bti_net_options opt;
};

#endif
