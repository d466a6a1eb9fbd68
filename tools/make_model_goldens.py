#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/state_dict/NAME.txt: what PyTorch says of every example model and of the small
models beside the golden files, which cover every module, activation and rule.

    input C H W
    params N
    macs N
    row C H W               one a row of the file: its output
    tensor NAME DIM...      in state_dict() order
"""
import glob
import os

import torch_models

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(ROOT, "tests", "golden", "state_dict")


def lines(path):
    shape = torch_models.input_shape(path)
    model = torch_models.build(path)
    params, macs = torch_models.count(model, shape)
    yield "input %d %d %d" % shape
    yield f"params {params}"
    yield f"macs {macs}"
    for row in torch_models.row_shapes(model, shape):
        yield "row %d %d %d" % tuple(row)
    for name, dims in torch_models.tensors(model):
        yield " ".join(["tensor", name, *map(str, dims)])


def main():
    files = glob.glob(os.path.join(ROOT, "examples", "models", "*.yaml")) + glob.glob(os.path.join(GOLDEN, "*.yaml"))
    for path in sorted(files):
        name = os.path.splitext(os.path.basename(path))[0]
        with open(os.path.join(GOLDEN, name + ".txt"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines(path)) + "\n")
        print(name)


if __name__ == "__main__":
    main()
