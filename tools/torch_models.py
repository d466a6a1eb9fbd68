#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Model files in PyTorch: the reference that the golden files of the tests come from.

Every module, activation and rule of a model file, with the state_dict() names of the course
baseline. Written for reading: it is the specification in another language.

    model, (c, h, w) = build("examples/models/tiny20k.yaml"), input_shape("...")
    logits = model(torch.zeros(1, c, h, w))          # (1, classes)
    params, macs = count(model, (c, h, w))

    tools/torch_models.py FILE [--input 32x32x3]     # tensors, parameters, MACs
"""
import argparse
import math
import os

import torch
import torch.nn.functional as F
import yaml
from torch import nn


def round_channels(v):
    """The nearest multiple of 8, at least 8, never more than 10 % below v."""
    n = max(8, int(v + 4) // 8 * 8)
    return n + 8 if n < 0.9 * v else n


class HardSwish(nn.Module):
    def forward(self, x):
        return x * F.relu6(x + 3) / 6


class HardSigmoid(nn.Module):
    def forward(self, x):
        return F.relu6(x + 3) / 6


def activation(name):
    """null is the identity, then torch.nn's classes, then the course's own."""
    own = {"HardSwish": HardSwish, "HardSigmoid": HardSigmoid, "Swish": nn.SiLU, "HardTanh": nn.Hardtanh}
    known = ("ReLU ReLU6 LeakyReLU ELU SELU CELU SiLU GELU Sigmoid Tanh Softplus Hardswish Hardsigmoid "
             "Hardtanh Mish Identity").split()
    if name is None:
        return nn.Identity()
    if name == "Softmax":
        return nn.Softmax(1)
    if name in known:
        return getattr(nn, name)()
    if name in own:
        return own[name]()
    raise ValueError(f"unknown activation {name}")


def conv2d(c_in, c_out, k, stride=1, groups=1, pad=None, bias=False):
    return nn.Conv2d(c_in, c_out, k, stride, k // 2 if pad is None else pad, groups=groups, bias=bias)


# --- The modules: one class per block, names of attributes = names of tensors ---------------------


class Conv(nn.Module):
    """Missing, null and 0 padding are all automatic; [n] is literal."""

    def __init__(self, c_in, c_out, kernel, stride=1, pad=None, groups=1, act="ReLU"):
        super().__init__()
        pad = pad[0] if isinstance(pad, list) else pad or kernel // 2
        self.conv = conv2d(c_in, c_out, kernel, stride, groups, pad)
        self.bn = nn.BatchNorm2d(c_out)
        self.act = activation(act)

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


def dwconv(c_in, c_out, kernel, stride=1, pad=None, act="ReLU"):
    """Depthwise only where c_out is a multiple of c_in."""
    return Conv(c_in, c_out, kernel, stride, pad, math.gcd(c_in, c_out), act)


class Bottleneck(nn.Module):
    """`act` reaches only the first convolution; the sum comes after the last activation."""

    def __init__(self, c_in, c_out, shortcut=True, groups=1, expand=0.5, act="ReLU"):
        super().__init__()
        hidden = int(c_out * expand)
        self.conv1 = Conv(c_in, hidden, 1, act=act)
        self.conv2 = Conv(hidden, c_out, 3, groups=groups)
        self.add = bool(shortcut) and c_in == c_out

    def forward(self, x):
        y = self.conv2(self.conv1(x))
        return x + y if self.add else y


class BasicBlock(nn.Module):
    """Ours: torchvision's resnet block with its names, and a choice of activation."""

    def __init__(self, c_in, c_out, stride=1, act="ReLU"):
        super().__init__()
        self.conv1 = conv2d(c_in, c_out, 3, stride)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.act = activation(act)
        self.conv2 = conv2d(c_out, c_out, 3)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(conv2d(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = self.act(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.act(y + (self.downsample(x) if self.downsample else x))


class Residual(nn.Module):
    """`self.conv`, and + x where the shape stays."""

    def __init__(self, c_in, c_out, stride, layers):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError("the stride is 1 or 2")
        self.conv = nn.Sequential(*layers)
        self.add = stride == 1 and c_in == c_out

    def forward(self, x):
        return x + self.conv(x) if self.add else self.conv(x)


class InvertedResidualv2(Residual):
    def __init__(self, c_in, c_out, expand, stride):
        h = int(round(c_in * expand))

        def conv_bn_relu6(*args):
            return nn.Sequential(conv2d(*args), nn.BatchNorm2d(h), nn.ReLU6())

        widen = [conv_bn_relu6(c_in, h, 1)] if expand != 1 else []
        super().__init__(c_in, c_out, stride,
                         widen + [conv_bn_relu6(h, h, 3, stride, h), conv2d(h, c_out, 1), nn.BatchNorm2d(c_out)])


class SqueezeExcitation(nn.Module):
    def __init__(self, c):
        super().__init__()
        q = round_channels(c // 4)
        self.fc1 = conv2d(c, q, 1, bias=True)
        self.fc2 = conv2d(q, c, 1, bias=True)

    def forward(self, x):
        s = F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))
        return x * F.relu6(self.fc2(s) + 3) / 6


class InvertedResidualv3(Residual):
    """The order of activation and squeeze-and-excite depends on the expansion."""

    def __init__(self, c_in, c_out, kernel, expand, se, hs, stride):
        h = round_channels(c_in * expand)

        def act():
            return HardSwish() if hs else nn.ReLU()

        squeeze = SqueezeExcitation(h) if se else nn.Identity()
        depthwise = [conv2d(h, h, kernel, stride, h, (kernel - 1) // 2), nn.BatchNorm2d(h)]
        project = [conv2d(h, c_out, 1), nn.BatchNorm2d(c_out)]
        if h == c_in:
            layers = depthwise + [act(), squeeze] + project
        else:
            layers = [conv2d(c_in, h, 1), nn.BatchNorm2d(h), act()] + depthwise + [squeeze, act()] + project
        super().__init__(c_in, c_out, stride, layers)


class MBSqueeze(nn.Module):
    def __init__(self, c, q):
        super().__init__()
        self.se = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv2d(c, q, 1, bias=True), nn.SiLU(),
                                conv2d(q, c, 1, bias=True), nn.Sigmoid())

    def forward(self, x):
        return x * self.se(x)


class MBConv(Residual):
    """TensorFlow padding: what is odd goes below and to the right."""

    def __init__(self, c_in, c_out, expand, stride, kernel):
        if expand != int(expand) or kernel not in (3, 5):
            raise ValueError("MBConv needs a whole expand and kernel 3 or 5")
        h = c_in * int(expand)

        def conv_bn_swish(c, k, s=1, groups=1):
            p = max(k - s, 0)
            return nn.Sequential(nn.ZeroPad2d([p // 2, p - p // 2] * 2), conv2d(c, h, k, s, groups, 0),
                                 nn.BatchNorm2d(h), nn.SiLU())

        widen = [conv_bn_swish(c_in, 1)] if h != c_in else []
        super().__init__(c_in, c_out, stride,
                         widen + [conv_bn_swish(h, kernel, stride, h), MBSqueeze(h, max(1, c_in // 4)),
                                  conv2d(h, c_out, 1), nn.BatchNorm2d(c_out)])


class Linear(nn.Module):
    def __init__(self, c_in, c_out, act=None):
        super().__init__()
        self.linear = nn.Linear(c_in, c_out)
        self.act = activation(act)

    def forward(self, x):
        return self.act(self.linear(x))


# --- Rows: how channels, repeats and strides are found -------------------------------------------


def convs(make, c_in, c_out, repeat, stride):
    """First copy in -> out, the last has the stride; a single copy is not wrapped."""
    copies = [make(c_in if i == 0 else c_out, c_out, stride if i == repeat - 1 else 1) for i in range(repeat)]
    return copies[0] if repeat == 1 else nn.Sequential(*copies)


def blocks(make, c_in, c_out, repeat, stride):
    """First copy in -> out with the stride; always wrapped."""
    return nn.Sequential(*[make(c_in if i == 0 else c_out, c_out, stride if i == 0 else 1) for i in range(repeat)])


def row_module(name, a, repeat, c_in, width):
    """The module of one row and its declared output channels."""
    def out(i):
        return round_channels(a[i] * width)

    if name in ("Conv", "FixedConv"):
        c = out(0) if name == "Conv" else int(a[0])
        stride = a[2] if len(a) > 2 else 1
        return convs(lambda i, o, s: Conv(i, o, a[1], s, *a[3:]), c_in, c, repeat, stride), c
    if name == "DWConv":
        stride = a[2] if len(a) > 2 else 1
        return convs(lambda i, o, s: dwconv(i, o, a[1], s, *a[3:]), c_in, out(0), repeat, stride), out(0)
    if name == "Bottleneck":
        copies = [Bottleneck(c_in, c_in, *a[1:]) for _ in range(repeat - 1)] + [Bottleneck(c_in, out(0), *a[1:])]
        return nn.Sequential(*copies), out(0)
    if name == "BasicBlock":
        stride = a[1] if len(a) > 1 else 1
        return blocks(lambda i, o, s: BasicBlock(i, o, s, *a[2:]), c_in, out(0), repeat, stride), out(0)
    if name == "InvertedResidualv2":
        _, expand, stride = a
        return blocks(lambda i, o, s: InvertedResidualv2(i, o, expand, s), c_in, out(0), repeat, stride), out(0)
    if name == "InvertedResidualv3":
        k, expand, _, se, hs, stride = a
        return blocks(lambda i, o, s: InvertedResidualv3(i, o, k, expand, se, hs, s), c_in, out(2), repeat, stride), out(2)
    if name == "MBConv":
        expand, _, stride, k = a
        return blocks(lambda i, o, s: MBConv(i, o, expand, s, k), c_in, out(1), repeat, stride), out(1)
    if name in ("MaxPool", "AvgPool"):
        return nn.Sequential(*[getattr(nn, name + "2d")(*a) for _ in range(repeat)]), c_in
    if name == "GlobalAvgPool":
        return nn.AdaptiveAvgPool2d(a[0] if a else 1), c_in
    if name == "Flatten":
        return nn.Flatten(), c_in
    if name == "Linear":
        return Linear(c_in, *a), a[0]
    if name == "Pass":
        return nn.Identity(), c_in
    raise ValueError(f"unknown module {name}")


class Model(nn.Module):
    """The whole file; the output of a 1x1 classifier is squeezed to (n, classes)."""

    def __init__(self, cfg):
        super().__init__()
        c, rows = cfg["input_channel"], []
        for repeat, name, args in cfg["backbone"]:
            if repeat > 1:
                repeat = max(round(repeat * cfg["depth_multiple"]), 1)
            module, c = row_module(name, args, repeat, c, cfg["width_multiple"])
            rows.append(module)
        self.model = nn.Sequential(*rows)

    def forward(self, x):
        y = self.model(x)
        return y.flatten(1) if y.dim() == 4 and y.shape[2:] == (1, 1) else y


# --- What the scripts use ------------------------------------------------------------------------


def load(path_or_text):
    text = path_or_text
    if "\n" not in path_or_text and os.path.exists(path_or_text):
        with open(path_or_text, encoding="utf-8") as f:
            text = f.read()
    return yaml.safe_load(text)


def build(path_or_text):
    """A fresh model from a file or its text; seed torch before for repeatable weights."""
    return Model(load(path_or_text))


def input_shape(path_or_text):
    """(c, h, w) as the file says, 32x32 if it does not."""
    cfg = load(path_or_text)
    h, w = cfg.get("input_size") or cfg.get("INPUT_SIZE") or (32, 32)
    return cfg["input_channel"], h, w


def tensors(model):
    """(name, shape) in state_dict() order, without the step counters of batch normalisation."""
    return [(k, tuple(v.shape)) for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")]


@torch.no_grad()
def count(model, shape):
    """Parameters, and multiply-accumulates of one image: weights times output positions."""
    macs = []

    def conv_hook(m, _, y):
        macs.append(m.weight.numel() * y.shape[2] * y.shape[3])

    def linear_hook(m, _, __):
        macs.append(m.weight.numel())

    hooks = [m.register_forward_hook(conv_hook if isinstance(m, nn.Conv2d) else linear_hook)
             for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    was_training = model.training
    model.eval()(torch.zeros(1, *shape))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return sum(p.numel() for p in model.parameters()), sum(macs)


@torch.no_grad()
def row_shapes(model, shape):
    """The output (c, h, w) of every row; a vector counts as (n, 1, 1)."""
    x, shapes = torch.zeros(1, *shape), []
    model.eval()
    for row in model.model:
        x = row(x)
        shapes.append((list(x.shape[1:]) + [1, 1])[:3])
    return shapes


def main():
    parser = argparse.ArgumentParser(description="tensors, parameters and MACs of a model file")
    parser.add_argument("file")
    parser.add_argument("--input", help="height x width x channels, 32x32x3")
    args = parser.parse_args()
    shape = input_shape(args.file)
    if args.input:
        h, w, c = map(int, args.input.split("x"))
        shape = c, h, w
    model = build(args.file)
    for name, dims in tensors(model):
        print(name, "x".join(map(str, dims)))
    print("params %d macs %d" % count(model, shape))


if __name__ == "__main__":
    main()
