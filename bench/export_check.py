# SPDX-License-Identifier: Apache-2.0
"""The comparison of bench/export.sh.

export_check.py --take N TEST.npy IMAGES.npy IMAGES.raw: the first N images. export_check.py DIR/logits.npy...: logits.npy of
bantam beside c.raw of the exported C and what onnxruntime gives for model.onnx on images.npy; 1 if they are not near.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

NEAR = 1e-4  # of the largest logit


def by_onnx(path, images):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    x = images.astype(np.float32).transpose(0, 3, 1, 2)
    return np.concatenate([session.run(["logits"], {"input": part})[0] for part in np.array_split(x, max(1, len(x) // 100))])


def compare(paths):
    bad = False
    print("| model | images | C | ONNX |\n|---|---:|---:|---:|")
    for path in map(Path, paths):
        want = np.load(path)
        images = np.load(path.with_name("images.npy"))
        images = images.reshape(len(images), images.shape[1], images.shape[2], -1)
        in_c = np.fromfile(path.with_name("c.raw"), np.float32).reshape(want.shape)
        off = [float(np.abs(got - want).max() / np.abs(want).max())
               for got in (in_c, by_onnx(path.with_name("model.onnx"), images))]
        bad = bad or not max(off) < NEAR
        print(f"| {path.parent.name} | {len(want)} | {off[0]:.1e} | {off[1]:.1e} |", flush=True)
    return bad


if sys.argv[1] == "--take":
    n, test, images, raw = int(sys.argv[2]), *sys.argv[3:]
    first = np.ascontiguousarray(np.load(test)[:n])
    np.save(images, first)
    first.tofile(raw)
else:
    sys.exit(compare(sys.argv[1:]))
