#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/nn/{operations,loss,logits}.json with PyTorch, in double precision.

  tools/make_nn_goldens.py            needs Debian's python3-torch, python3-numpy, python3-yaml

Weights and inputs are not stored: tests/support/nn_numbers.h makes the same ones.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tools"))
BATCH, CLASSES, SMOOTHING, TRIES = 4, 10, 0.1, 40
MODELS = ["tiny20k", "dw51k", "ir139k", "se71k", "conv672k"]


# ---- the numbers of tests/support/nn_numbers.h ----

def stream(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) % 2**64
    return h


def unit(name, n):
    with np.errstate(over="ignore"):
        z = np.uint64(stream(name)) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def fill(name, shape, bound, plus=0.0):
    v = ((2 * unit(name, math.prod(shape)) - 1) * bound).astype(np.float32) + np.float32(plus)
    return torch.from_numpy(v.astype(np.float64)).reshape(shape)


def fill_weights(model):
    for name, m in model.named_modules():
        for key, t in list(m.named_parameters(recurse=False)) + list(m.named_buffers(recurse=False)):
            if key == "num_batches_tracked":
                continue
            plus = 1.0 if key == "running_var" or (isinstance(m, nn.BatchNorm2d) and key == "weight") else 0.0
            bound = math.sqrt(6.0 / math.prod(t.shape[1:])) if t.dim() > 1 else 0.5
            t.data = fill(f"{name}.{key}", tuple(t.shape), bound, plus)


# ---- single operations ----

def numbers(t):
    return t.detach().reshape(-1).tolist()


def run(op, x, dy_name):
    """x with a batch of one; the result, an output gradient and what comes back for x."""
    x = x.clone().requires_grad_()
    y = op(x)
    dy = torch.round(fill(dy_name, tuple(y.shape), 1.0) * 1000) / 1000
    y.backward(dy)
    return {"x": numbers(x), "y": numbers(y), "dy": numbers(dy), "dx": numbers(x.grad)}


def activations():
    at = torch.tensor([-30, -8, -5, -3, -2.5, -1, -0.5, -0.125, 0, 0.125, 0.5, 1, 2.5, 3, 5, 6, 7.5, 8, 19, 21, 30],
                      dtype=torch.float64).reshape(1, -1, 1, 1)
    names = ["ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "SiLU", "GELU", "Sigmoid", "Tanh", "Softplus",
             "Hardswish", "Hardsigmoid", "Hardtanh", "Mish"]
    out = {name: run(getattr(nn, name)(), at, name) for name in names}
    out["Softmax"] = run(nn.Softmax(dim=1), at, "Softmax")
    return out


# Every argument of the pooling modules, as rows of a model file for a map of 7x5.
POOL_ROWS = """
[1, MaxPool, [3, 2, 1]]
[1, MaxPool, [2]]
[1, MaxPool, [2, null]]
[1, MaxPool, [3, 1, 1]]
[1, MaxPool, [2, 1, 0, 2]]
[1, MaxPool, [3, 2, 1, 2]]
[1, MaxPool, [3, 2, 0, 1, False, True]]
[1, MaxPool, [2, 2, 1, 1, False, True]]
[1, MaxPool, [3, 3, 1, 2, False, True]]
[2, MaxPool, [2, 1]]
[1, AvgPool, [2]]
[1, AvgPool, [3, null, 1]]
[1, AvgPool, [3, 2, 1]]
[1, AvgPool, [3, 2, 1, False, False]]
[1, AvgPool, [2, 2, 0, True]]
[1, AvgPool, [4, 3, 1, True]]
[1, AvgPool, [4, 3, 1, True, False]]
[1, AvgPool, [2, 4, 1, True]]
[2, AvgPool, [2, 2, 1, True]]
[1, GlobalAvgPool, []]
[1, GlobalAvgPool, [1]]
[1, GlobalAvgPool, [3]]
[1, GlobalAvgPool, [[2, 3]]]
[1, GlobalAvgPool, [[9, 4]]]
"""


def pools():
    from torch_models import row_module
    x = torch.round(fill("pool", (1, 2, 7, 5), 4.0) * 1000) / 1000
    ties = torch.round(x / 4)
    out = {}
    for row in POOL_ROWS.split("\n")[1:-1]:
        repeat, name, args = yaml.safe_load(row)
        op, _ = row_module(name, args, repeat, 2, 1.0)
        out[row] = run(op, x, row)
        if name == "MaxPool":
            out[row + " # ties"] = run(op, ties, row)
    return out


# ---- loss ----

def loss_cases():
    out = []
    for n, classes, smoothing, bound in ((1, 2, 0.0, 2.0), (4, 10, 0.0, 3.0), (4, 10, 0.1, 3.0), (3, 7, 0.25, 60.0)):
        x = fill(f"logits {n} {classes} {bound}", (n, classes), bound).requires_grad_()
        labels = (unit("labels", n) * classes).astype(np.int64)
        loss = F.cross_entropy(x, torch.from_numpy(labels), label_smoothing=smoothing)
        loss.backward()
        out.append(dict(n=n, classes=classes, smoothing=smoothing, logits=numbers(x), labels=labels.tolist(),
                        loss=loss.item(), dlogits=numbers(x.grad)))
    return out


# ---- whole models ----

def projection(name, t):
    """One number that changes when any element of t does."""
    return float((t * fill(name + " direction", tuple(t.shape), 1.0)).sum())


def kink_distance(model, x):
    """How near any activation's argument comes to a jump of its slope, in a training-mode forward."""
    kinks = {"ReLU": [0], "ReLU6": [0, 6], "Hardswish": [-3, 3], "HardSwish": [-3, 3]}
    nearest = [math.inf]

    def look(module, args, _):
        for kink in kinks[type(module).__name__]:
            nearest[0] = min(nearest[0], float((args[0] - kink).abs().min()))

    hooks = [m.register_forward_hook(look) for m in model.modules() if type(m).__name__ in kinks]
    with torch.no_grad():
        model.train()
        model(x)
    for h in hooks:
        h.remove()
    return nearest[0]


def choose_input(model):
    """A value within rounding of a kink makes the gradient in float another one, legitimately. Of several
    inputs take the one that stays furthest away."""
    names = [f"input {i}" for i in range(TRIES)]
    distance = {n: kink_distance(model, fill(n, (BATCH, 3, 32, 32), 1.7)) for n in names}
    best = max(names, key=distance.get)
    print(f"{best}: {distance[best]:.1e} from the nearest kink")
    return best


def model_results(name):
    from torch_models import build
    model = build(os.path.join(ROOT, "examples", "models", name + ".yaml")).double()
    fill_weights(model)
    input_name = choose_input(model)
    fill_weights(model)  # the running statistics have moved
    x = fill(input_name, (BATCH, 3, 32, 32), 1.7)
    labels = torch.from_numpy((unit("labels", BATCH) * CLASSES).astype(np.int64))
    model.eval()
    with torch.no_grad():
        evaluation = model(x).reshape(BATCH, -1)
    model.train()
    training = model(x).reshape(BATCH, -1)
    loss = F.cross_entropy(training, labels, label_smoothing=SMOOTHING)
    loss.backward()
    return {
        "input": input_name,
        "params": sum(p.numel() for p in model.parameters()),
        "evaluation": numbers(evaluation),
        "training": numbers(training),
        "loss": loss.item(),
        "gradient_norms": {k: float(p.grad.norm()) for k, p in model.named_parameters()},
        "gradient_projections": {k: projection(k, p.grad) for k, p in model.named_parameters()},
        "running_projections": {k: projection(k, b) for k, b in model.named_buffers() if "running" in k},
    }


def write(name, value):
    def shorten(v):  # 15 digits: tests compare to 1e-9 at best
        if isinstance(v, float):
            return float(f"{v:.15g}")
        if isinstance(v, dict):
            return {k: shorten(x) for k, x in v.items()}
        return [shorten(x) for x in v] if isinstance(v, list) else v

    path = os.path.join(ROOT, "tests", "golden", "nn", name)
    with open(path, "w") as f:
        f.write(json.dumps(shorten(value), separators=(",", ":")).replace('},"', '},\n"') + "\n")
    print(path, os.path.getsize(path), "bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write("operations.json", {"activations": activations(), "pools": pools()})
    write("loss.json", loss_cases())
    if len(sys.argv) < 2 or sys.argv[1] != "--no-models":
        write("logits.json", {name: model_results(name) for name in MODELS})
