/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two benchmarks of a network (bench.c, bench_infer.c) say alike.
 */
#ifndef BTI_BENCH_INT_H
#define BTI_BENCH_INT_H

#include "bantam/train.h"
#include "base/json.h"
#include "nn/net.h"

#define BTI_BENCH_GROUPS 48 /* most rows of a breakdown */

/* Sorts v. */
double bti_bench_median(double *v, int n);
/* {"model","params","macs","batch","threads"}; the name is "tiny20k" of
 * examples/models/tiny20k.yaml. */
bti_json *bti_bench_head(const bt_bench_options *opt, const bti_graph *g);
/* A row of "breakdown", of one of `runs` passes: milliseconds, MB, GB/s, GFLOP/s. */
bti_json *bti_bench_group(const bti_net_group *g, int runs);

#endif
