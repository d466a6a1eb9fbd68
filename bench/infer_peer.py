# SPDX-License-Identifier: Apache-2.0
"""The other side of bench/infer.sh: onnxruntime on one thread of the CPU, and the table of both.

infer_peer.py MODEL.onnx [--batch N]: one JSON line; infer_peer.py --table PEER BANTAM: Markdown.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper


def session(model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def median_pass(s, x):
    """Milliseconds of processor time: the median pass of at least 0.5 s, after a warm-up."""
    binding = s.io_binding()
    binding.bind_cpu_input(s.get_inputs()[0].name, x)
    binding.bind_output(s.get_outputs()[0].name)
    for _ in range(10):
        s.run_with_iobinding(binding)
    took, began = [], time.monotonic()
    while len(took) < 30 or time.monotonic() - began < 0.5:
        at = time.process_time_ns()
        s.run_with_iobinding(binding)
        took.append(time.process_time_ns() - at)
    return statistics.median(took) / 1e6


def one_node():
    io = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 10]) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", io[:1], io[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def measure(path, batch):
    s = session(path)
    shape = s.get_inputs()[0].shape
    x = np.random.default_rng(0).uniform(0, 255, [batch, *shape[1:]]).astype(np.float32)
    call = median_pass(session(one_node()), np.ones((1, 10), np.float32))
    print(json.dumps({"model": Path(path).stem, "version": ort.__version__, "batch": batch,
                      "cpu_ms": median_pass(s, x), "call_ms": call}))


def table(peer, ours):
    def read(path):
        rows = {}
        for line in Path(path).read_text().splitlines():
            r = json.loads(line)
            rows.setdefault(r["model"], []).append(r)
        return rows

    peer, ours = read(peer), read(ours)
    first = next(iter(peer.values()))[0]
    print(f"onnxruntime {first['version']}, batch {first['batch']}, one thread, f32\n")
    print("| model | parameters | MACs | onnxruntime ms | without the call | bantam ms | ratio | without the call |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, a in peer.items():
        b = ours[name]
        whole = [r["cpu_ms"] for r in a]
        bare = [r["cpu_ms"] - r["call_ms"] for r in a]
        mine = [r["cpu_ms"] for r in b]
        ratio, ratio_bare = (statistics.median(p / m for p, m in zip(x, mine)) for x in (whole, bare))
        print(f"| {name} | {b[0]['params']:,} | {b[0]['macs'] / 1e6:.1f}M | {statistics.median(whole):.3f} "
              f"| {statistics.median(bare):.3f} | {statistics.median(mine):.3f} | {ratio:.2f} | {ratio_bare:.2f} |")


p = argparse.ArgumentParser()
p.add_argument("model", nargs="?")
p.add_argument("--batch", type=int, default=1)
p.add_argument("--table", nargs=2)
args = p.parse_args()
if args.table:
    table(*args.table)
else:
    measure(args.model, args.batch)
